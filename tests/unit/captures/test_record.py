"""A captured call as a line, to the letter; X-11, X-12, ER-26."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from driftline.captures import CaptureConfig, Exchange, Payload
from driftline.captures.record import hour_of, line_of, new_event_id
from driftline.captures.segments import Stream
from driftline.errors import Invalid

AT = datetime(2024, 5, 6, 7, 8, 9, 123_456, tzinfo=UTC)
CONFIG = CaptureConfig("s3://bucket/captured")


def record(exchange: Exchange, config: CaptureConfig = CONFIG) -> dict[str, Any]:
    """The line, read again."""
    line = line_of(exchange, config, "0c1e8a0e-7d5f-4b0a-9d53-0c7a4f9c2f11")
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    found: dict[str, Any] = json.loads(line)
    return found


def test_the_record_is_sagemakers_to_the_letter() -> None:
    """The sample of section 1.2, members in their order."""
    sides = Payload(b"41,0.5,red", "text/csv"), Payload(b"0.83\n", "text/csv; charset=utf-8")
    line = line_of(Exchange(AT, *sides, "order-17", "trace=42"), CONFIG, "0c1e8a0e-7d5f-4b0a-9d53-0c7a4f9c2f11")
    assert line.decode() == (
        '{"captureData":{'
        '"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"41,0.5,red","encoding":"CSV"},'
        '"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT","data":"0.83\\n",'
        '"encoding":"CSV"}},'
        '"eventMetadata":{"eventId":"0c1e8a0e-7d5f-4b0a-9d53-0c7a4f9c2f11","inferenceId":"order-17",'
        '"inferenceTime":"2024-05-06T07:08:09Z","customAttributes":["trace=42"]},"eventVersion":"0"}\n'
    )


def test_what_the_caller_did_not_give_is_not_there() -> None:
    found = record(Exchange(AT, Payload(b"1", "text/csv"), Payload(b"2", "text/csv")))
    assert list(found["eventMetadata"]) == ["eventId", "inferenceTime"]


@pytest.mark.parametrize(
    ("content_type", "body", "encoding", "data"),
    [
        ("text/csv", b"1,2", "CSV", "1,2"),
        ("TEXT/CSV ; header=present", "ü,\u2028".encode(), "CSV", "ü,\u2028"),
        ("application/json", b'{"a": [1]}', "JSON", '{"a": [1]}'),
        ("application/jsonlines", b"{}\n{}", "BASE64", base64.b64encode(b"{}\n{}").decode()),
        ("", b"1", "BASE64", "MQ=="),
        ("text/csv; charset=latin1", b"\xfc", "CSV", "ü"),
        ("text/csv", b"\xfc", "BASE64", "/A=="),
        ("text/csv; charset=rot13", b"abc", "CSV", "abc"),
        ("application/octet-stream", b"\x00\xff", "BASE64", "AP8="),
    ],
)
def test_the_content_type_decides_the_encoding(content_type: str, body: bytes, encoding: str, data: str) -> None:
    """X-11: listed types as text, others and what is no text in base64."""
    side = record(Exchange(AT, Payload(body, content_type), None))["captureData"]["endpointInput"]
    assert (side["encoding"], side["data"], side["observedContentType"]) == (encoding, data, content_type)


@pytest.mark.parametrize(
    ("options", "sides"),
    [
        (["Input"], ["endpointInput"]),
        (["Output"], ["endpointOutput"]),
        (["Output", "Input"], ["endpointInput", "endpointOutput"]),
        (["InputAndOutput"], ["endpointInput", "endpointOutput"]),
        (["REQUEST", "RESPONSE"], ["endpointInput", "endpointOutput"]),
    ],
)
def test_options_choose_the_sides(options: list[str], sides: list[str]) -> None:
    config = CaptureConfig("s3://b", options=options)
    assert list(record(Exchange(AT, Payload(b"1"), Payload(b"2")), config)["captureData"]) == sides


def test_the_key_has_the_hour_of_the_call_in_utc() -> None:
    """Section 1.1: layout, zero padding, the name of the object."""
    moment = datetime(2024, 1, 2, 1, 5, 6, 7_000, tzinfo=timezone(timedelta(hours=2)))
    stream = Stream.at(moment, "s3://b/c", "ep", "AllTraffic")
    assert stream.uri(moment, new_event_id()).startswith("s3://b/c/ep/AllTraffic/2024/01/01/23/05-06-007-")
    name = stream.uri(moment, new_event_id()).rpartition("/")[2]
    assert re.fullmatch(
        r"\d\d-\d\d-\d{3}-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}.jsonl", name
    )
    assert hour_of(moment) == "2024/01/01/23"


@pytest.mark.parametrize("percentage", [-1, 100.5, float("nan"), True, "20"])
def test_sampling_outside_0_to_100_is_refused(percentage: Any) -> None:
    """ER-26."""
    with pytest.raises(Invalid, match="from 0 to 100"):
        CaptureConfig("s3://b", sampling_percentage=percentage)


def test_modes_that_are_none_are_refused() -> None:
    for options in (["Both"], []):
        with pytest.raises(Invalid, match="capture option"):
            CaptureConfig("s3://b", options=options)


def test_the_apis_document_is_read() -> None:
    """X-11: every member of DataCaptureConfig."""
    found = CaptureConfig.of(
        {
            "EnableCapture": False,
            "InitialSamplingPercentage": 20,
            "DestinationS3Uri": "s3://bucket/captured",
            "KmsKeyId": "alias/key",
            "CaptureOptions": [{"CaptureMode": "Input"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/x"], "JsonContentTypes": ["Application/Y"]},
        }
    )
    assert found == CaptureConfig(
        "s3://bucket/captured", 20, False, ("Input",), ("text/x",), ("application/y",), "alias/key"
    )


def test_a_capture_that_is_not_whole_is_told() -> None:
    """X-12: sampling, modes and enabling, a sentence each."""
    assert CaptureConfig("s3://b").breaches() == ()
    assert len(CaptureConfig("s3://b", 50, False, ["Output"], (), ()).breaches()) == 4
