"""Signatures: botocore's signer is the oracle, in headers and in the query; every change is refused in AWS's words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from driftline.server.aws.signature import claim, verify
from driftline.server.errors import AwsError
from driftline.server.messages import Received

SECRETS = {"AKIDEXAMPLE": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
CREDENTIALS = Credentials("AKIDEXAMPLE", SECRETS["AKIDEXAMPLE"])


def received(request: Any) -> Received:
    """What a server sees of a request that botocore signed."""
    parts = urlsplit(request.url)
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    body = request.data if isinstance(request.data, bytes) else (request.data or "").encode()
    return Received(request.method, parts.path, parts.query, {"host": parts.netloc, **headers}, body)


def signed(body: bytes = b"{}", path: str = "/", *, key: Credentials = CREDENTIALS, **headers: str) -> Received:
    request = AWSRequest("POST", f"http://127.0.0.1:8766{path}", data=body, headers=headers)
    SigV4Auth(key, "sagemaker", "us-east-1").add_auth(request)
    return received(request)


def now() -> datetime:
    return datetime.now(UTC)


def refused(request: Received, *, at: datetime | None = None, scope: str = "sagemaker") -> tuple[str, str]:
    with pytest.raises(AwsError) as caught:
        verify(request, SECRETS.get, scope=scope, now=at or now())
    return caught.value.told.code, caught.value.told.message


def test_what_botocore_signs_is_accepted() -> None:
    target = {"X-Amz-Target": "SageMaker.ListEndpoints", "Content-Type": "application/x-amz-json-1.1"}
    assert verify(signed(b'{"MaxResults":1}', **target), SECRETS.get, scope="sagemaker", now=now()) == "AKIDEXAMPLE"


segments = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="/?#%"), max_size=8)


@given(
    st.lists(segments, max_size=4),
    st.dictionaries(segments.filter(bool), segments, max_size=3),
    st.binary(max_size=40),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
)
def test_any_path_query_header_and_body_is_signed_alike(
    path: list[str], query: dict[str, str], body: bytes, header: str
) -> None:
    request = AWSRequest(
        "POST", "http://h" + "/" + "/".join(path), data=body, params=query, headers={"X-Amz-Note": header.strip()}
    )
    prepared = request.prepare()
    request = AWSRequest("POST", prepared.url, data=body, headers={"X-Amz-Note": header.strip()})
    SigV4Auth(CREDENTIALS, "sagemaker", "us-east-1").add_auth(request)
    assert verify(received(request), SECRETS.get, scope="sagemaker", now=now()) == "AKIDEXAMPLE"


def test_a_signed_address_is_good_for_as_long_as_it_says() -> None:
    request = AWSRequest("POST", "http://h/", data=b"{}", headers={"X-Amz-Target": "SageMaker.ListEndpoints"})
    SigV4QueryAuth(CREDENTIALS, "sagemaker", "us-east-1", expires=600).add_auth(request)
    seen = received(request)
    assert verify(seen, SECRETS.get, scope="sagemaker", now=now() + timedelta(seconds=590)) == "AKIDEXAMPLE"
    code, said = refused(seen, at=now() + timedelta(seconds=700))
    assert (code, said.split(":")[0]) == ("InvalidSignatureException", "Signature expired")


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_of_another_time_is_refused(minutes: int) -> None:
    seen = signed()
    at = now() + timedelta(minutes=minutes)
    code, said = refused(seen, at=at)
    dated = seen.headers["x-amz-date"]
    bound = (at + timedelta(minutes=5 if minutes < 0 else -5)).strftime("%Y%m%dT%H%M%SZ")
    expected = "not yet current" if minutes < 0 else "expired"
    assert code == "InvalidSignatureException"
    assert said.startswith(f"Signature {expected}: {dated} is ")
    assert bound in said


def test_clocks_may_differ_by_less_than_five_minutes() -> None:
    for minutes in (-4, 4):
        assert verify(signed(), SECRETS.get, scope="sagemaker", now=now() + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    "change",
    [
        {"body": b'{"a":1}'},
        {"method": "PUT"},
        {"path": "/other"},
        {"query": "a=b"},
    ],
)
def test_a_changed_request_is_refused(change: dict[str, Any]) -> None:
    code, said = refused(replace(signed(), **change))
    assert code == "InvalidSignatureException"
    assert said.startswith("The request signature we calculated does not match")


def test_a_changed_target_is_refused() -> None:
    seen = signed(b"{}", "/", **{"X-Amz-Target": "SageMaker.ListEndpoints"})
    changed = {**seen.headers, "x-amz-target": "SageMaker.DeleteEndpoint"}
    assert refused(replace(seen, headers=changed))[0] == "InvalidSignatureException"


def test_a_target_that_is_not_signed_is_refused() -> None:
    seen = signed()
    added = {**seen.headers, "x-amz-target": "SageMaker.DeleteEndpoint"}
    code, said = refused(replace(seen, headers=added))
    assert (code, said) == (
        "InvalidSignatureException",
        "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization.",
    )


def test_a_digest_that_is_not_the_body_s_is_refused() -> None:
    seen = signed(b"{}", **{"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert "x-amz-content-sha256" in refused(seen)[1]


def test_unknown_keys_and_wrong_secrets_are_told_apart() -> None:
    assert refused(signed(key=Credentials("AKIDOTHER", "x"))) == (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )
    assert refused(signed(key=Credentials("AKIDEXAMPLE", "x")))[0] == "InvalidSignatureException"


def test_a_signature_for_another_api_is_refused() -> None:
    code, said = refused(signed(), scope="logs")
    assert (code, said) == (
        "InvalidSignatureException",
        "Credential should be scoped to correct service: 'logs'.",
    )


def test_no_signature_at_all_is_its_own_error() -> None:
    assert refused(Received("POST", "/", "", {"host": "h"}, b"")) == (
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
    )


@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=A, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/B/C/D/aws3, SignedHeaders=host;x-amz-date, Signature=00",
    ],
)
def test_half_a_signature_is_told_as_such(authorization: str) -> None:
    assert refused(Received("POST", "/", "", {"host": "h", "authorization": authorization}, b""))[0] == (
        "IncompleteSignatureException"
    )


@pytest.mark.parametrize("expires", ["", "-1", "604801", "1e3", "٣"])
def test_a_signed_address_says_how_long_it_is_good(expires: str) -> None:
    query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires={expires}"
    with pytest.raises(AwsError, match="X-Amz-Expires"):
        claim(Received("POST", "/", query, {}, b""))


@given(st.text(), st.dictionaries(st.sampled_from(["authorization", "x-amz-date", "host"]), st.text()))
def test_nonsense_is_refused_and_nothing_worse(query: str, headers: dict[str, str]) -> None:
    if "authorization" in headers:
        headers["authorization"] = f"AWS4-HMAC-SHA256 {headers['authorization']}"
    refused(Received("POST", "/", query, headers, b""))
