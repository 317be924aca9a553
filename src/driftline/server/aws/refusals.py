"""Errors in the words of the protocol that the client speaks, so that its own parser can show them."""

from __future__ import annotations

from html import escape

from driftline.server.aws import cbor
from driftline.server.aws.models import Api
from driftline.server.aws.protocols import CBOR_TYPE, JSON_TYPE
from driftline.server.aws.query import FORM
from driftline.server.aws.shapes import dumps
from driftline.server.errors import Told
from driftline.server.messages import Answer, Received

_UNSIGNED = (
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "IncompleteSignatureException",
)
_RUNTIME = {"ValidationException": "ValidationError", "SerializationException": "ValidationError"}
_SPOKEN = {**_RUNTIME, "UnrecognizedClientException": "InvalidClientTokenId", "ThrottlingException": "Throttling"}
"""What older APIs, which spoke forms before anything else, call some errors."""


def refusal(found: Told, api: Api | None, received: Received) -> Answer:
    """The answer to a request that failed; `api` is None where the request is of none that is served."""
    if api is not None and api.is_rest:
        return _rest_json(found, api)
    if received.headers.get("smithy-protocol") == "rpc-v2-cbor":
        code = _SPOKEN.get(found.code, found.code)
        return Answer(found.status, cbor.dumps({"__type": code, "message": found.message}), CBOR_TYPE)
    if received.headers.get("content-type", "").startswith(FORM):
        code, message = escape(_SPOKEN.get(found.code, found.code)), escape(found.message)
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
