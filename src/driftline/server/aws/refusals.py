"""Errors in the words of the protocol that the client speaks, so that its own parser can show them."""

from __future__ import annotations

from html import escape

from driftline.server.aws.models import Api
from driftline.server.aws.shapes import dumps
from driftline.server.errors import Told
from driftline.server.messages import Answer, Received

JSON_TYPE = "application/x-amz-json-1.1"

_UNSIGNED = (
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "IncompleteSignatureException",
)
_RUNTIME = {"ValidationException": "ValidationError", "SerializationException": "ValidationError"}


def refusal(found: Told, api: Api | None, received: Received) -> Answer:
    """The answer to a request that failed; `api` is None where the request is of none that is served."""
    if api is not None and not api.target:
        return _rest_json(found, api)
    if received.headers.get("smithy-protocol") == "rpc-v2-cbor":
        body = _cbor({"__type": found.code, "message": found.message})
        return Answer(found.status, body, {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"})
    if received.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        code, message = escape(found.code), escape(found.message)
        xml = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        return Answer(found.status, xml.encode(), {"content-type": "text/xml"})
    body = dumps({"__type": found.code, "message": found.message, **(found.members or {})})
    return Answer(found.status, body, {"content-type": JSON_TYPE, "x-amzn-errortype": found.code})


def _rest_json(found: Told, api: Api) -> Answer:
    """Members as the models of rest-json errors have them; a refused signature is 403 there."""
    code = _RUNTIME.get(found.code, found.code) if api.name == "sagemaker-runtime" else found.code
    body = dumps({"Message": found.message, "message": found.message, **(found.members or {})})
    status = 403 if found.code in _UNSIGNED else found.status
    return Answer(status, body, {"content-type": "application/json", "x-amzn-errortype": code})


def _cbor(texts: dict[str, str]) -> bytes:
    """A map of texts in CBOR (RFC 8949), which the newer clients of CloudWatch speak.

    >>> _cbor({"a": "b"}).hex()
    'a161616162'
    """
    return bytes([0xA0 + len(texts)]) + b"".join(_cbor_text(part) for pair in texts.items() for part in pair)


def _cbor_text(text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if len(raw) < 24:
        return bytes([0x60 + len(raw)]) + raw
    return b"\x7a" + len(raw).to_bytes(4, "big") + raw
