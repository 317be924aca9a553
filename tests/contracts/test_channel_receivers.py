"""What arrives at each kind of receiver, in the shape that its maker documents: rows AL-03, AL-04, AL-08, AL-09."""

from __future__ import annotations

import email
import email.policy
import json
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
from aws import KEYS, Aws
from receivers import Letters, Receiver, Request, certificate, dripping, running_receiver, running_smtp
from test_channels import ARN, AWS, LONG, MAIL, MESSAGE, NEAR, SECRETS, keeps_secrets, secrets_of, send

from driftline.channels.channel import PUBLIC, ChannelRefused, ChannelUnavailable
from driftline.channels.channels import CHANNELS
from driftline.channels.message import Message, event
from driftline.channels.webhook import Webhook
from driftline.errors import Denied, Invalid

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "channels.md"

RESOLVED = replace(MESSAGE, key="another", state="resolved")
TEST = replace(MESSAGE, key="a-test", state="test")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An endpoint that takes all."""
    with running_receiver() as found:
        yield found


def snippet(language: str) -> str:
    """The block of a language on the page about channels."""
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def verify() -> Callable[..., bool]:
    """The function of the page, as a reader would paste it."""
    found: dict[str, Any] = {}
    exec(snippet("python"), found)
    return cast(Callable[..., bool], found["verify"])


def titled(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as most frameworks spell them."""
    return {name.title(): value for name, value in headers.items()}


def test_a_webhook_is_verified_by_the_snippet_of_the_page(receiver: Receiver) -> None:
    """AL-08."""
    secret, says = SECRETS["SIGNING"], verify()
    receiver.answer = lambda request: (200 if says(titled(request.headers), request.body, secret) else 401, "")
    send("webhook", receiver.url)
    got = receiver.got[0]
    assert got.json() == event(MESSAGE)
    assert got.headers["driftline-key"] == MESSAGE.key
    assert got.headers["authorization"] == SECRETS["BEARER"]
    headers, at = titled(got.headers), float(got.headers["driftline-timestamp"])
    assert says(headers, got.body, secret, now=at)
    assert not says(headers, got.body, secret, now=at + 301)
    assert not says(headers, got.body + b" ", secret)
    assert not says(headers, got.body, "another")
    assert not says({**headers, "Driftline-Timestamp": str(int(at) + 1)}, got.body, secret)
    assert not says({}, got.body, secret)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed, which makes the certificate")
def test_https_needs_a_certificate_for_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, authority = certificate(tmp_path)
    with running_receiver(context) as receiver:
        with pytest.raises(ChannelUnavailable, match="certificate") as failed:
            send("webhook", receiver.url)
        keeps_secrets(failed.value)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        send("webhook", receiver.url)
        with pytest.raises(ChannelUnavailable, match="certificate"):
            send("webhook", receiver.url.replace("localhost", "127.0.0.1"))
    assert len(receiver.got) == 1


def test_a_webhook_is_signed_at_the_time_it_is_sent(receiver: Receiver) -> None:
    config = {"url": receiver.url, "secret": "env:SIGNING"}
    for at in (1_000.0, 2_000.9):
        Webhook(clock=lambda at=at: at).send(MESSAGE, config, secrets_of(""), reach=NEAR)  # type: ignore[misc]
    assert [each.headers["driftline-timestamp"] for each in receiver.got] == ["1000", "2000"]
    assert len({each.headers["driftline-signature"] for each in receiver.got}) == 2
    assert len({each.headers["driftline-key"] for each in receiver.got}) == 1


def test_the_event_is_that_of_the_page_and_has_the_keys_of_sagemakers_functions() -> None:
    """AL-04."""
    message = replace(MESSAGE, text="Look at the upstream table first.", lines=("age: PSI 0.41, at most 0.2",))
    assert json.loads(snippet("json")) == event(message)
    assert list(event(message))[:4] == ["monitoringScheduleName", "endpointName", "violationReport", "timestamp"]
    assert event(replace(message, endpoint=""))["endpointName"] == "churn"


def slack(request: Request) -> tuple[int, str]:
    """What Slack's incoming webhooks answer, by its reference of blocks."""
    body = request.json()
    header, section = body["blocks"]
    right = (
        set(body) == {"text", "blocks"}
        and header["type"] == "header"
        and header["text"]["type"] == "plain_text"
        and 1 <= len(header["text"]["text"]) <= 150
        and section["type"] == "section"
        and section["text"]["type"] == "mrkdwn"
        and 1 <= len(section["text"]["text"]) <= 3000
        and not set("<>") & set(section["text"]["text"] + body["text"])
    )
    return (200, "ok") if right else (400, "invalid_blocks")


def teams(request: Request) -> tuple[int, str]:
    """What a workflow of Teams answers: its card must be an adaptive one, and the whole at most 28 KB."""
    body = request.json()
    (attached,) = body["attachments"]
    card = attached["content"]
    right = (
        len(request.body) <= 28 << 10
        and body["type"] == "message"
        and attached["contentType"] == "application/vnd.microsoft.card.adaptive"
        and card["type"] == "AdaptiveCard"
        and card["version"] == "1.4"
        and all(each["type"] == "TextBlock" and each["wrap"] and each["text"] for each in card["body"])
        and card["actions"] == [{"type": "Action.OpenUrl", "title": "Open in Driftline", "url": MESSAGE.link}]
    )
    return (202, "") if right else (400, "bad card")


@pytest.mark.parametrize("message", [MESSAGE, LONG, RESOLVED, TEST], ids=["usual", "long", "resolved", "test"])
@pytest.mark.parametrize(("kind", "answer"), [("slack", slack), ("teams", teams)])
def test_chats_get_what_they_document(
    kind: str, answer: Callable[[Request], tuple[int, str]], message: Message, receiver: Receiver
) -> None:
    """AL-08."""
    receiver.answer = answer
    send(kind, receiver.url, message)
    (got,) = receiver.got
    assert got.path == "/hook/path-secret-7313"
    if message is MESSAGE:
        said = json.dumps(got.json())
        assert "[CRITICAL] churn: age drifts" in said
        assert said.index("PSI 0.41") < said.index("3 new values")  # the worst stays first


class Incidents:
    """PagerDuty's events v2 and Opsgenie's alerts: open incidents by their key, and all that was opened."""

    def __init__(self) -> None:
        """Nothing is open."""
        self.open: dict[str, dict[str, Any]] = {}
        self.opened: list[str] = []

    def pagerduty(self, request: Request) -> tuple[int, str]:
        """An event."""
        body = request.json()
        right = body["routing_key"] == SECRETS["ROUTING"] and 1 <= len(body["dedup_key"]) <= 255
        if body["event_action"] == "trigger":
            payload = body["payload"]
            right &= 1 <= len(payload["summary"]) <= 1024 and bool(payload["source"])
            right &= payload["severity"] in ("critical", "error", "warning", "info")
            right &= bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", payload["timestamp"]))
            self._trigger(body["dedup_key"], payload)
        else:
            right &= body["event_action"] == "resolve"
            self.open.pop(body["dedup_key"], None)
        return (202, '{"status":"success"}') if right else (400, '{"status":"invalid event"}')

    def opsgenie(self, request: Request) -> tuple[int, str]:
        """An alert, or its end."""
        if request.headers["authorization"] != f"GenieKey {SECRETS['GENIE']}":
            return 401, "{}"
        closing = re.fullmatch(r"/v2/alerts/([\w-]+)/close\?identifierType=alias", request.path)
        body = request.json()
        if closing:
            self.open.pop(closing[1], None)
            return 202, "{}"
        right = (
            request.path == "/v2/alerts"
            and 1 <= len(body["message"]) <= 130
            and len(body["alias"]) <= 512
            and len(body["description"]) <= 15000
            and len(body["entity"]) <= 512
            and body["priority"] in ("P1", "P2", "P3", "P4", "P5")
            and all(isinstance(each, str) for each in body["details"].values())
        )
        self._trigger(body["alias"], body)
        return (202, "{}") if right else (422, "{}")

    def _trigger(self, key: str, body: dict[str, Any]) -> None:
        if key not in self.open:
            self.opened.append(key)
        self.open[key] = body


@pytest.mark.parametrize("kind", ["pagerduty", "opsgenie"])
def test_an_incident_opens_once_and_is_resolved_with_the_alert(kind: str, receiver: Receiver) -> None:
    """AL-08, AL-09."""
    incidents = Incidents()
    receiver.answer = getattr(incidents, kind)
    send(kind, receiver.url, MESSAGE)
    send(kind, receiver.url, MESSAGE)  # a delivery whose answer was lost
    send(kind, receiver.url, replace(MESSAGE, key="later", state="escalated"))
    assert len(incidents.opened) == 1
    (body,) = incidents.open.values()
    assert body.get("severity", body.get("priority")) in ("critical", "P1")
    send(kind, receiver.url, replace(LONG, cause="latency"))
    assert len(incidents.open) == 2
    send(kind, receiver.url, RESOLVED)
    assert len(incidents.open) == 1
    send(kind, receiver.url, replace(TEST, cause="test"))
    assert len(incidents.open) == 1
    assert len(incidents.opened) == 3


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise imports it
def test_apprise_delivers_by_its_own_urls(receiver: Receiver) -> None:
    """AL-08: the rest."""
    pytest.importorskip("apprise")
    send("apprise", receiver.url)
    body = receiver.got[0].json()
    assert body["title"] == "[CRITICAL] churn: age drifts"
    assert "PSI 0.41" in body["message"]
    assert body["type"] == "failure"
    with pytest.raises(Invalid, match="a URL that Apprise knows"):
        CHANNELS["apprise"].send(MESSAGE, {"url": "env:X"}, lambda each: "no-such-thing://", reach=NEAR)


# E-mail


def mail(server: Letters, message: Message = MESSAGE, **config: Any) -> None:
    """Send a letter to a server."""
    told = {**MAIL, "port": server.port, **config}
    CHANNELS["email"].send(message, told, secrets_of(""), reach=NEAR)


def parsed(letter: bytes) -> EmailMessage:
    """A letter as it came."""
    return email.message_from_bytes(letter, policy=email.policy.default)


def test_a_letter_is_text_and_html_and_the_same_when_it_is_sent_twice() -> None:
    """AL-08, AL-09."""
    with running_smtp() as server:
        for message in (MESSAGE, MESSAGE, RESOLVED, replace(LONG, title="one\r\nBcc: all@acme.example\r\n\r\nx")):
            mail(server, message, to=["o@acme.example", "p@acme.example"])
    first, second, over, odd = map(parsed, server.letters)
    assert server.recipients[0] == ["o@acme.example", "p@acme.example"]
    assert first["Subject"] == "[CRITICAL] churn: age drifts"
    assert (first["From"], first["To"]) == ("d@acme.example", "o@acme.example, p@acme.example")
    assert first["Message-ID"] == second["Message-ID"] != over["Message-ID"]
    assert first["References"] == over["References"]
    text, page = first.get_body(("plain",)), first.get_body(("html",))
    assert text is not None
    assert page is not None
    assert "- age: PSI 0.41, at most 0.2\n- plan: 3 new values <script>" in text.get_content().replace("\r\n", "\n")
    assert "3 new values &lt;script&gt;" in page.get_content()
    assert f'href="{MESSAGE.link}"' in page.get_content()
    assert odd["Bcc"] is None


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed, which makes the certificate")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_letters_are_encrypted_and_signed_in_for(
    security: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, authority = certificate(tmp_path)
    told: dict[str, Any] = {"security": security, "username": "driftline", "password": "env:PASSWORD"}
    with running_smtp(context, at_once=security == "tls") as server:
        server.password = SECRETS["PASSWORD"].encode()
        with pytest.raises(ChannelUnavailable, match="certificate"):
            mail(server, host="localhost", **told)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        mail(server, host="localhost", **told)
        with pytest.raises(ChannelUnavailable, match="certificate"):  # it is not for the address
            mail(server, host="127.0.0.1", **told)
        server.password = b"another"
        with pytest.raises(ChannelRefused, match="535") as refused:
            mail(server, host="localhost", **told)
    keeps_secrets(refused.value)
    assert server.signed_in[0] == (b"driftline", SECRETS["PASSWORD"].encode())
    assert server.encrypted == [True]


def test_what_an_smtp_server_answers_tells_whether_it_is_tried_again() -> None:
    with running_smtp() as server:
        server.answer = "451 come back later"
        with pytest.raises(ChannelUnavailable, match="451 come back later"):
            mail(server)
        server.answer = "554 no such thing here"
        with pytest.raises(ChannelRefused, match="554 no such thing here"):
            mail(server)
        server.answer, server.refusals = "250 taken", {"gone@acme.example": "550 unknown"}
        with pytest.raises(ChannelRefused, match="550 unknown"):
            mail(server, to=["gone@acme.example"])
        with pytest.raises(ChannelRefused, match=r"not delivered to gone@acme\.example"):
            mail(server, to=["o@acme.example", "gone@acme.example"])
        assert server.recipients == [["o@acme.example"]]
        with pytest.raises(ChannelRefused, match="STARTTLS"):
            mail(server, security="starttls")
        with pytest.raises(Invalid, match="security: got 'none'"):
            mail(server, password="env:PASSWORD")
        with pytest.raises(Denied):
            CHANNELS["email"].send(MESSAGE, {**MAIL, "port": server.port}, secrets_of(""), reach=PUBLIC)
        with pytest.raises(Denied):
            mail(server, host="169.254.169.254")
    assert len(server.letters) == 1


def test_an_smtp_server_that_says_nothing_or_is_away_is_unavailable() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port, began = silent.getsockname()[1], time.monotonic()
        with pytest.raises(ChannelUnavailable, match=r"timed out|in time"):
            mail(Letters(port=port))
        assert time.monotonic() - began < 4.0
    with pytest.raises(ChannelUnavailable):
        mail(Letters(port=port))


@pytest.mark.parametrize("kind", ["email", "webhook", "slack"])
def test_a_receiver_that_sends_a_letter_now_and_then_is_unavailable_in_time(kind: str) -> None:
    began = time.monotonic()
    with dripping() as port, pytest.raises(ChannelUnavailable) as failed:
        if kind == "email":
            mail(Letters(port=port))
        else:
            send(kind, f"http://127.0.0.1:{port}")
    keeps_secrets(failed.value)
    assert time.monotonic() - began < 4.0


def test_an_smtp_server_that_hangs_up_is_unavailable() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def hang_up() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(ChannelUnavailable):
            mail(Letters(port=server.getsockname()[1]))
        thread.join()


# Amazon's services, by moto


def tell(aws: Aws, kind: str, message: Message = MESSAGE, **config: Any) -> None:
    """Send to a service of moto's, with keys by reference."""
    told = {**AWS, "seconds": 30, "url": aws.endpoint, **config}
    known = {"env:ACCESS": KEYS["aws_access_key_id"], "env:SECRET": KEYS["aws_secret_access_key"]}
    CHANNELS[kind].send(message, told, known.__getitem__, reach=NEAR)


def queue(aws: Aws, name: str) -> tuple[str, str]:
    """URL and ARN of a new queue."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, arn


def received(aws: Aws, url: str) -> list[dict[str, Any]]:
    """The messages of a queue."""
    found = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(each["Body"]) for each in found]


def test_a_topic_gives_each_subscriber_the_form_it_reads(aws: Aws) -> None:
    """AL-03, AL-04."""
    sns = aws.client("sns")
    topic = sns.create_topic(Name="driftline-alerts")["TopicArn"]
    url, arn = queue(aws, "driftline-told")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    for message in (MESSAGE, LONG, RESOLVED):
        tell(aws, "sns", message, topic=topic)
    got = received(aws, url)
    assert [json.loads(each["Message"]) for each in got] == [event(each) for each in (MESSAGE, LONG, RESOLVED)]
    assert got[0]["Subject"] == "[CRITICAL] churn: age drifts"
    assert all(len(each["Subject"]) < 100 and each["Subject"].isascii() for each in got)
    assert got[0]["MessageAttributes"]["severity"]["Value"] == "critical"
    with pytest.raises(ChannelRefused, match="404 NotFound"):
        tell(aws, "sns", topic=f"{topic}-gone")


def test_an_ordered_topic_gets_what_it_needs_to_drop_what_comes_twice(aws: Aws) -> None:
    """AL-09."""
    attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "false"}
    topic = aws.client("sns").create_topic(Name="driftline-alerts.fifo", Attributes=attributes)["TopicArn"]
    for _ in range(2):
        tell(aws, "sns", topic=topic)


def test_a_bus_gets_the_event(aws: Aws) -> None:
    """AL-03."""
    events = aws.client("events")
    events.create_event_bus(Name="alerts")
    url, arn = queue(aws, "driftline-routed")
    pattern = json.dumps({"source": ["driftline"], "detail": {"severity": ["critical"]}})
    events.put_rule(Name="critical", EventBusName="alerts", EventPattern=pattern)
    events.put_targets(Rule="critical", EventBusName="alerts", Targets=[{"Id": "1", "Arn": arn}])
    tell(aws, "eventbridge", replace(MESSAGE, severity="info"), bus="alerts")
    tell(aws, "eventbridge", bus="alerts")
    (got,) = received(aws, url)
    assert got["detail"] == event(MESSAGE)
    assert got["detail-type"] == "Driftline Alert"


def test_a_function_is_called_with_the_keys_that_sagemakers_users_read(aws: Aws, receiver: Receiver) -> None:
    """AL-04."""
    receiver.answer = lambda request: (202, "")
    send("lambda", receiver.url)
    (got,) = receiver.got
    assert got.path.startswith("/2015-03-31/functions/")
    assert got.headers["x-amz-invocation-type"] == "Event"
    called = got.json()
    assert called["monitoringScheduleName"] == "data-quality-schedule"
    assert called["endpointName"] == "churn-endpoint"
    assert called["violationReport"] == "s3://acme/reports/constraint_violations.json"
    assert called["timestamp"] == "2026-11-21T12:30:00Z"
    with pytest.raises(ChannelRefused, match="404 ResourceNotFoundException"):
        tell(aws, "lambda", function=ARN.format("lambda", "function:gone"))


def test_alerts_are_a_metric(aws: Aws) -> None:
    """AL-03."""
    began = MESSAGE.at - timedelta(minutes=5)
    for message in (MESSAGE, replace(RESOLVED, at=MESSAGE.at + timedelta(minutes=10))):
        tell(aws, "cloudwatch", message, namespace="acme/alerts")
    found = aws.client("cloudwatch").get_metric_statistics(
        Namespace="acme/alerts",
        MetricName="Alerts",
        Dimensions=[
            {"Name": "Model", "Value": "churn"},
            {"Name": "Cause", "Value": "data quality"},
            {"Name": "Severity", "Value": "critical"},
        ],
        StartTime=began,
        EndTime=began + timedelta(hours=1),
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    assert [each["Maximum"] for each in sorted(found, key=lambda each: each["Timestamp"])] == [1.0, 0.0]


def test_wrong_keys_are_refused_unseen(aws: Aws) -> None:
    with aws.checked(), pytest.raises(ChannelRefused) as refused:
        CHANNELS["sns"].send(
            MESSAGE, {**AWS, "url": aws.endpoint, "topic": ARN.format("sns", "x")}, secrets_of(""), reach=NEAR
        )
    keeps_secrets(refused.value)
