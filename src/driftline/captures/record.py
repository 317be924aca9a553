"""One captured call as a line of JSON, and the key of the object that it lies in, both as SageMaker writes them."""

from __future__ import annotations

import base64
import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from driftline.captures.config import INPUT, OUTPUT, CaptureConfig

CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
INFERENCE_ID = "x-amzn-sagemaker-inference-id"
"""Names of the headers by which a caller gives them, in lower case."""

_CHARSET = re.compile(r";\s*charset=\"?([A-Za-z0-9._:-]+)", re.IGNORECASE)
_CHARSETS = {"iso-8859-1": "latin-1", "latin1": "latin-1", "latin-1": "latin-1", "windows-1252": "cp1252"}
"""Charsets other than UTF-8 that are honoured; the names come from callers, and Python has odd codecs."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What went over the wire in one direction."""

    body: bytes = field(repr=False)
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call that was answered: `at` is when it came, in UTC. A side that is None is not known."""

    at: datetime
    input: Payload | None
    output: Payload | None
    inference_id: str | None = None
    custom_attributes: str | None = None

    @property
    def size(self) -> int:
        """Bytes of both payloads."""
        return sum(len(side.body) for side in (self.input, self.output) if side is not None)


def new_event_id() -> str:
    """A random identity for a record (uuid4)."""
    return str(uuid.uuid4())


def line_of(exchange: Exchange, config: CaptureConfig, event_id: str) -> bytes:
    """The record as one line of UTF-8, its line end included.

    A payload whose bytes are no text in its charset is kept in base64, whatever its content type.

    >>> at = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    >>> sides = Payload(b"41,red", "text/csv"), Payload(b"0.8", "text/csv; charset=utf-8")
    >>> print(line_of(Exchange(at, *sides, "order-17"), CaptureConfig("s3://b"), "0c1e8a0e").decode())
    {"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"41,red","encoding":"CSV"},...
    """
    data: dict[str, Any] = {}
    if exchange.input is not None and INPUT in config.options:
        data["endpointInput"] = _side(exchange.input, "INPUT", config)
    if exchange.output is not None and OUTPUT in config.options:
        data["endpointOutput"] = _side(exchange.output, "OUTPUT", config)
    event: dict[str, Any] = {"eventId": event_id}
    if exchange.inference_id:
        event["inferenceId"] = exchange.inference_id
    event["inferenceTime"] = exchange.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if exchange.custom_attributes:
        event["customAttributes"] = [exchange.custom_attributes]
    record = {"captureData": data, "eventMetadata": event, "eventVersion": "0"}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _side(payload: Payload, mode: str, config: CaptureConfig) -> dict[str, str]:
    encoding = config.encoding_of(payload.content_type)
    data = None if encoding == "BASE64" else _text(payload)
    if data is None:
        encoding, data = "BASE64", base64.b64encode(payload.body).decode("ascii")
    return {"observedContentType": payload.content_type, "mode": mode, "data": data, "encoding": encoding}


def _text(payload: Payload) -> str | None:
    """The body as text, None if it is none."""
    found = _CHARSET.search(payload.content_type)
    charset = _CHARSETS.get(found[1].lower(), "utf-8") if found else "utf-8"
    try:
        return payload.body.decode(charset)
    except UnicodeDecodeError:
        return None


def hour_of(at: datetime) -> str:
    """The hour's folder below a variant, by the moment of the call.

    >>> hour_of(datetime(2024, 5, 6, 7, 59, 59, tzinfo=UTC))
    '2024/05/06/07'
    """
    return at.astimezone(UTC).strftime("%Y/%m/%d/%H")


def object_name(at: datetime, unique: str) -> str:
    """The name of an object by the moment of its first call: minute, second, millisecond and a uuid4.

    >>> object_name(datetime(2024, 5, 6, 7, 22, 3, 16_900, tzinfo=UTC), "5f62a63c")
    '22-03-016-5f62a63c.jsonl'
    """
    moment = at.astimezone(UTC)
    return f"{moment:%M-%S}-{moment.microsecond // 1000:03}-{unique}.jsonl"
