"""Models that are called by URL: what goes on, what comes back, what is refused."""

from __future__ import annotations

import ipaddress
import json
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from models import Model, running_model

from driftline.captures.forward import Forwarder, Invocation, ModelError
from driftline.errors import Denied, Invalid
from driftline.hosts import Allowed, Target


@pytest.fixture
def model() -> Iterator[Model]:
    """A model."""
    with running_model() as model:
        yield model


@pytest.fixture
def forwarder() -> Iterator[Forwarder]:
    """With small limits."""
    forwarder = Forwarder(seconds=1.0, largest_bytes=1 << 20)
    yield forwarder
    forwarder.close()


def wish(status: int = 200, **more: object) -> Invocation:
    """A call that the model answers as told."""
    return Invocation(json.dumps({"status": status, **more}).encode(), "application/json")


def test_headers_and_body_go_on_and_come_back(model: Model, forwarder: Forwarder) -> None:
    call = Invocation(b"41,0.5", "text/csv", "text/csv", "trace=42", "order-17", {"X-Amzn-SageMaker-Target-Model": "m"})
    answer = forwarder.invoke(model.url + "/", call)
    assert (answer.body, answer.content_type) == (b"5.0,14", "text/csv; charset=utf-8")
    assert answer.custom_attributes == "from-the-model"
    ((path, headers, body),) = model.seen
    assert (path, body) == ("/invocations", b"41,0.5")
    assert headers["content-type"] == headers["accept"] == "text/csv"
    assert headers["x-amzn-sagemaker-custom-attributes"] == "trace=42"
    assert headers["x-amzn-sagemaker-inference-id"] == "order-17"
    assert headers["x-amzn-sagemaker-target-model"] == "m"
    assert headers["host"] == model.url.removeprefix("http://")
    exchange = call.exchange(answer, datetime(2024, 5, 6, tzinfo=UTC))
    assert exchange.input is not None
    assert exchange.output is not None
    assert (exchange.input.body, exchange.output.content_type) == (b"41,0.5", "text/csv; charset=utf-8")
    assert (exchange.inference_id, exchange.custom_attributes) == ("order-17", "trace=42")


def test_connections_are_kept(model: Model, forwarder: Forwarder) -> None:
    for _ in range(20):
        forwarder.invoke(model.url, Invocation(b"1"))
    assert model.connections == 1


def test_a_path_is_kept_and_ping_asks_below_it(model: Model, forwarder: Forwarder) -> None:
    forwarder.ping(model.url)
    forwarder.ping(model.url + "/churn")
    forwarder.invoke(model.url + "/churn/v2", Invocation(b"1"))
    assert model.seen[0][0] == "/churn/v2/invocations"


@pytest.mark.parametrize(("status", "whose"), [(400, "client"), (500, "server"), (503, "server")])
def test_what_the_model_refuses_is_told(model: Model, forwarder: Forwarder, status: int, whose: str) -> None:
    with pytest.raises(ModelError, match=f"{whose} error .{status}. from model .*no such\\s+feature") as told:
        forwarder.invoke(model.url, wish(status, say="no such\n feature"))
    assert (told.value.status, told.value.message) == (status, "no such feature")


def test_a_redirect_is_not_followed(model: Model, forwarder: Forwarder) -> None:
    with pytest.raises(ModelError, match="a redirect, which is not followed"):
        forwarder.invoke(model.url, wish(302, headers={"Location": model.url + "/ping"}))
    assert len(model.seen) == 1


def test_a_model_that_takes_too_long_is_given_up(model: Model, forwarder: Forwarder) -> None:
    began = time.monotonic()
    with pytest.raises(ModelError, match="timed out") as told:
        forwarder.invoke(model.url, wish(sleep=3))
    assert told.value.status == 0
    assert time.monotonic() - began < 2


def test_a_model_that_hangs_up_is_not_asked_again(model: Model, forwarder: Forwarder) -> None:
    with pytest.raises(ModelError, match="did not answer"):
        forwarder.invoke(model.url, wish(hang_up=True))
    assert len(model.seen) == 1


def test_a_model_that_is_not_there(forwarder: Forwarder) -> None:
    with pytest.raises(ModelError, match="cannot be reached"):
        forwarder.invoke("http://127.0.0.1:9", Invocation(b"1"))
    with pytest.raises(ModelError, match="has no address"):
        forwarder.invoke("http://no-such-host.invalid", Invocation(b"1"))


def test_bodies_are_bounded_in_both_directions(model: Model, forwarder: Forwarder) -> None:
    """X-14; also what is small only while it is compressed."""
    with pytest.raises(Invalid, match="at most 1048576 bytes"):
        forwarder.invoke(model.url, Invocation(bytes((1 << 20) + 1)))
    assert not model.seen
    for headers in ({}, {"Content-Encoding": "gzip"}):
        with pytest.raises(ModelError, match="larger than 1048576 bytes"):
            forwarder.invoke(model.url, wish(zeros=(1 << 20) + 1, headers=headers))
    answer = forwarder.invoke(model.url, wish(zeros=1 << 20, headers={"Content-Encoding": "gzip"}))
    assert answer.body == bytes(1 << 20)


def test_a_header_cannot_carry_another(model: Model, forwarder: Forwarder) -> None:
    with pytest.raises(Invalid, match="header x-amzn-sagemaker-inference-id"):
        forwarder.invoke(model.url, Invocation(b"1", inference_id="a\r\nX-Evil: 1"))
    assert not model.seen


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/b",
        "http://",
        "models:8080",
        "http://user:secret@a/",
        "http://a/?x=1",
        "http://a/#b",
        "http://a:99999/",
        "http://a b/",
        "http://a\\b/",
        "http://a\nb/",
        "file:///etc/passwd",
        "http://[::1/",
    ],
)
def test_urls_that_are_none_are_refused(forwarder: Forwarder, url: str) -> None:
    with pytest.raises(Invalid, match="URL of the model") as told:
        forwarder.check(url)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.170.2",
        "2852039166",
        "0xa9fea9fe",
        "0.0.0.0",
        "[::ffff:169.254.169.254]",
        "[::169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "[::]",
        "[ff02::1]",
    ],
)
def test_addresses_that_guard_secrets_are_refused(forwarder: Forwarder, host: str) -> None:
    """Whatever way they are written; when the model is registered, and when it is called."""
    with pytest.raises(Denied, match="calling a model"):
        forwarder.check(f"http://{host}/")
    with pytest.raises(Denied, match="DRIFTLINE_ALLOWED_HOSTS"):
        forwarder.invoke(f"http://{host}/", Invocation(b"1"))


def denied(allowed: Allowed, host: str, *addresses: str) -> bool:
    """Whether a host with these addresses may not be called."""
    try:
        allowed.check(Target.of(f"http://{host}/"), map(ipaddress.ip_address, addresses))
    except Denied:
        return True
    return False


def test_the_operators_list() -> None:
    allowed = Allowed(("*.models.example", "10.0.0.0/8", "192.168.1.5"))
    assert not denied(allowed, "Churn.models.example", "93.184.216.34")
    assert not denied(allowed, "anything", "10.1.2.3")
    assert not denied(allowed, "anything", "192.168.1.5")
    assert denied(allowed, "anything", "192.168.1.6")
    assert denied(allowed, "anything", "10.1.2.3", "192.168.1.6")
    assert denied(allowed, "churn.models.example", "169.254.169.254")
    assert denied(allowed, "models.example.evil", "93.184.216.34")
    assert not denied(Allowed(("169.254.0.0/16",)), "here", "169.254.1.1")
    assert denied(Allowed(("localhost",)), "elsewhere")
    assert not denied(Allowed(), "localhost", "127.0.0.1")


def test_many_threads_share_it(model: Model) -> None:
    forwarder = Forwarder()
    answers: list[bytes] = []

    def work(name: str) -> None:
        answers.extend(forwarder.invoke(model.url, Invocation(f"{name}{number}".encode())).body for number in range(50))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(f"{name}{number}"[::-1].encode() for name in "abcdefgh" for number in range(50))
    assert model.connections <= 16
    forwarder.close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed, which makes the certificate")
def test_https_is_verified_by_the_name_in_the_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the address that was checked, the certificate must be the host's all the same."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    asked = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key)]
    asked += [
        "-out",
        str(certificate),
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
    ]
    subprocess.run(asked, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with running_model(tls=tls) as model:
        named = model.url.replace("127.0.0.1", "localhost")
        with pytest.raises(ModelError, match="CERTIFICATE_VERIFY_FAILED"):
            Forwarder().invoke(named, Invocation(b"12"))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert Forwarder().invoke(named, Invocation(b"12")).body == b"21"
        with pytest.raises(ModelError, match=r"127\.0\.0\.1"):
            Forwarder().invoke(model.url, Invocation(b"12"))
