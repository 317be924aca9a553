"""How requests are read and answers written in each of AWS's protocols whose operations share one path."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from driftline.server.aws import cbor, query
from driftline.server.aws.shapes import cut, dumps
from driftline.server.aws.validation import parse, parse_body
from driftline.server.errors import AwsError
from driftline.server.limits import JSON_BYTES, too_deep
from driftline.server.messages import Answer

JSON_TYPE = "application/x-amz-json-1.1"
CBOR_TYPE = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}


@dataclass(frozen=True)
class Protocol:
    """`read` makes the request of botocore's shape and a body, `write` the answer of botocore's model and a value."""

    read: Callable[[Any, bytes], dict[str, Any]]
    write: Callable[[Any, Mapping[str, Any], str], Answer]


def inflated(body: bytes, encoding: str) -> bytes:
    """The body as it was before it was compressed; raises `AwsError` for one too large or not readable.

    >>> import gzip
    >>> inflated(gzip.compress(b"metrics"), "gzip")
    b'metrics'
    """
    if encoding != "gzip":
        return body
    unpacking = zlib.decompressobj(wbits=31)
    try:
        plain = unpacking.decompress(body, JSON_BYTES + 1)
    except zlib.error as error:
        raise AwsError("SerializationException", f"The request body is not gzip: {error}") from error
    if len(plain) > JSON_BYTES:
        raise AwsError("RequestEntityTooLargeException", f"The request body is larger than {JSON_BYTES} bytes.", 413)
    return plain


def _read_json(shape: Any, body: bytes) -> dict[str, Any]:
    if too_deep(body):
        raise AwsError("SerializationException", "The request body is nested too deeply.")
    return parse_body(shape, body) if shape else {}


def _write_json(model: Any, value: Mapping[str, Any], _request_id: str) -> Answer:
    shape = model.output_shape
    return Answer(200, dumps(cut(shape, value)) if shape else b"", {"content-type": JSON_TYPE})


def _read_cbor(shape: Any, body: bytes) -> dict[str, Any]:
    return parse(shape, cbor.loads(body) if body else {}) if shape else {}


def _write_cbor(model: Any, value: Mapping[str, Any], _request_id: str) -> Answer:
    shape = model.output_shape
    return Answer(200, cbor.dumps(cut(shape, value, _same) if shape else {}), CBOR_TYPE)


def _read_form(shape: Any, body: bytes) -> dict[str, Any]:
    return query.request(shape, body) if shape else {}


def _write_form(model: Any, value: Mapping[str, Any], request_id: str) -> Answer:
    shape = model.output_shape
    kept = cut(shape, value, _same) if shape else {}
    return Answer(200, query.answer(model, kept, request_id), {"content-type": "text/xml"})


def _same(value: Any) -> Any:
    return value


PROTOCOLS: dict[str, Protocol] = {
    "json": Protocol(_read_json, _write_json),
    "cbor": Protocol(_read_cbor, _write_cbor),
    "query": Protocol(_read_form, _write_form),
}
"""By the name that a route has for it."""
