"""CBOR and forms: what botocore writes is read, what is written botocore reads, and nonsense is refused."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from driftline.server.aws import cbor
from driftline.server.aws.protocols import PROTOCOLS, inflated
from driftline.server.errors import AwsError

MODEL = ServiceModel(Loader().load_service_model("cloudwatch", "service-2"), "cloudwatch")
NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
WIRES = {"query": "query", "cbor": "smithy-rpc-v2-cbor", "json": "json"}
DATA: dict[str, Any] = {
    "Namespace": "aws/sagemaker/Endpoints/data-metrics",
    "MetricData": [
        {
            "MetricName": "größe & <b>",
            "Dimensions": [{"Name": "Endpoint", "Value": "e"}, {"Name": "MonitoringSchedule", "Value": "s"}],
            "Timestamp": NOW,
            "Values": [0.1, -2.5e300],
            "Counts": [1.0, 3.0],
            "StorageResolution": 1,
        }
    ],
    "StrictEntityValidation": True,
}
ANSWER: dict[str, Any] = {
    "MetricAlarms": [
        {
            "AlarmName": "a <&> b",
            "ActionsEnabled": True,
            "AlarmActions": ["arn:aws:sns:us-east-1:000000000000:t"],
            "OKActions": [],
            "Dimensions": [{"Name": "n", "Value": "v"}],
            "Period": 3600,
            "Threshold": 0.1,
            "StateUpdatedTimestamp": NOW,
        }
    ],
    "NextToken": "next",
}

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize("name", WIRES)
def test_requests_of_botocore_are_read(name: str) -> None:
    operation = MODEL.operation_model("PutMetricData")
    sent = create_serializer(WIRES[name]).serialize_to_request(DATA, operation)
    body = sent["body"]
    if name == "query":
        from urllib.parse import urlencode

        body = urlencode(body)
    raw = body.encode() if isinstance(body, str) else body
    assert PROTOCOLS[name].read(operation.input_shape, raw) == DATA


@pytest.mark.parametrize("name", WIRES)
def test_answers_are_read_by_botocore(name: str) -> None:
    operation = MODEL.operation_model("DescribeAlarms")
    answer = PROTOCOLS[name].write(operation, ANSWER, "id-1")
    found = create_parser(WIRES[name]).parse(
        {"status_code": 200, "headers": dict(answer.headers), "body": answer.body}, operation.output_shape
    )
    del found["ResponseMetadata"]
    assert found == ANSWER


@given(values)
def test_cbor_gives_back_what_it_was_given(value: Any) -> None:
    assert cbor.loads(cbor.dumps(value)) == value


@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_refused(body: bytes) -> None:
    try:
        cbor.loads(body)
    except AwsError as error:
        assert error.told.code == "SerializationException"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("9f01ff", [1]),
        ("7f61616162ff", "ab"),
        ("c11a00000001", 1),
        ("f93c00", 1.0),
        ("fa3fc00000", 1.5),
        ("1bffffffffffffffff", 2**64 - 1),
    ],
)
def test_forms_that_other_clients_write(body: str, value: Any) -> None:
    assert cbor.loads(bytes.fromhex(body)) == value


@pytest.mark.parametrize("body", ["", "81", "ff", "a161", "1c", "5f6161ff", "a1ff", "0101", "a1a00101", "81" * 100])
def test_broken_cbor_is_refused(body: str) -> None:
    with pytest.raises(AwsError):
        cbor.loads(bytes.fromhex(body))


def test_a_bomb_is_refused() -> None:
    import zlib

    packer = zlib.compressobj(wbits=31)
    bomb = packer.compress(b"\0" * (64 << 20)) + packer.flush()
    with pytest.raises(AwsError, match="larger than"):
        inflated(bomb, "gzip")
    with pytest.raises(AwsError, match="gzip"):
        inflated(struct.pack(">I", 7), "gzip")
