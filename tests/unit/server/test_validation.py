"""Requests against botocore's shapes: AWS's words for what is wrong, types parsed, nothing unknown let through."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.server.aws.models import APIS
from driftline.server.aws.shapes import cut, dumps, rest_answer, rest_request
from driftline.server.aws.validation import compiled_pattern, parse, parse_body
from driftline.server.errors import AwsError
from driftline.server.messages import Received


def shape(name: str, api: str = "sagemaker") -> Any:
    return APIS[api].model.operation_model(name).input_shape


def refusal(name: str, request: object) -> tuple[str, str]:
    with pytest.raises(AwsError) as caught:
        parse(shape(name), request)
    return caught.value.told.code, caught.value.told.message


def job(**changes: Any) -> dict[str, Any]:
    """A processing job that is right but for the changes."""
    right = {
        "ProcessingJobName": "j",
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
        "AppSpecification": {"ImageUri": "image"},
        "RoleArn": "arn:aws:iam::000000000000:role/r",
    }
    return {**right, **changes}


PATTERN = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"

BROKEN = [
    (
        "DescribeProcessingJob",
        {},
        "Value null at 'processingJobName' failed to satisfy constraint: Member must not be null",
    ),
    (
        "DescribeProcessingJob",
        {"ProcessingJobName": "a_b"},
        "Value 'a_b' at 'processingJobName' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {PATTERN}",
    ),
    (
        "ListProcessingJobs",
        {"MaxResults": 101},
        "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100",
    ),
    (
        "ListProcessingJobs",
        {"MaxResults": 0},
        "Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ),
    (
        "ListProcessingJobs",
        {"SortOrder": "Up"},
        "Value 'Up' at 'sortOrder' failed to satisfy constraint: Member must satisfy enum value set: "
        "[Ascending, Descending]",
    ),
    (
        "CreateProcessingJob",
        job(
            ProcessingInputs=[
                {"InputName": "a"},
                {
                    "InputName": "b",
                    "S3Input": {"S3Uri": "s3://b/k", "S3DataType": "S3Prefix", "S3InputMode": "FastFile"},
                },
            ]
        ),
        "Value 'FastFile' at 'processingInputs.2.member.s3Input.s3InputMode' failed to satisfy constraint: "
        "Member must satisfy enum value set: [Pipe, File]",
    ),
    (
        "CreateProcessingJob",
        job(ExperimentConfig={"ExperimentName": ""}),
        "Value '' at 'experimentConfig.experimentName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1",
    ),
    (
        "CreateProcessingJob",
        job(AppSpecification={"ImageUri": "i", "ContainerArguments": []}),
        "Value '[]' at 'appSpecification.containerArguments' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1",
    ),
]


@pytest.mark.parametrize(("operation", "request_", "said"), BROKEN)
def test_a_broken_constraint_is_told_in_aws_s_words(operation: str, request_: object, said: str) -> None:
    code, message = refusal(operation, request_)
    assert code == "ValidationException"
    assert said in message


def test_one_error_and_several_are_counted() -> None:
    assert refusal("DescribeProcessingJob", {})[1].startswith("1 validation error detected: Value null")
    name = "_" * 64
    message = refusal("DescribeProcessingJob", {"ProcessingJobName": name})[1]
    assert message == (
        f"2 validation errors detected: Value '{name}' at 'processingJobName' failed to satisfy constraint: "
        f"Member must have length less than or equal to 63; Value '{name}' at 'processingJobName' failed to satisfy "
        f"constraint: Member must satisfy regular expression pattern: {PATTERN}"
    )


def test_maps_tell_of_their_keys_and_values() -> None:
    message = refusal("CreateProcessingJob", job(Environment={"1a": "x", "b": "y" * 257}))[1]
    assert "at 'environment' failed to satisfy constraint: Map keys must satisfy constraint: [Member must" in message
    assert "Map value must satisfy constraint: [Member must have length less than or equal to 256]" in message


def test_a_huge_value_is_not_sent_back() -> None:
    assert len(refusal("DescribeProcessingJob", {"ProcessingJobName": "x" * 1_000_000})[1]) < 2000


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"ProcessingJobName": 1}, "NUMBER_VALUE can not be converted to a String (at 'processingJobName')"),
        ({"ProcessingJobName": True}, "TRUE_VALUE can not be converted to a String (at 'processingJobName')"),
        ({"ProcessingJobName": {}}, "Start of structure or map found where not expected. (at 'processingJobName')"),
        ({"ProcessingJobName": []}, "Start of list found where not expected. (at 'processingJobName')"),
        ([], "Start of list found where not expected."),
    ],
)
def test_a_wrong_type_is_a_serialization_exception(request_: object, said: str) -> None:
    assert refusal("DescribeProcessingJob", request_) == ("SerializationException", said)


@pytest.mark.parametrize("number", [1.5, 1 << 31, 10**400, 1e999, "1", True, None])
def test_integers_are_whole_and_fit(number: object) -> None:
    if number is None:
        assert parse(shape("ListProcessingJobs"), {"MaxResults": number}) == {}
    else:
        assert refusal("ListProcessingJobs", {"MaxResults": number})[0] == "SerializationException"


def test_whole_floats_are_integers() -> None:
    assert parse(shape("ListProcessingJobs"), {"MaxResults": 5.0}) == {"MaxResults": 5}


def test_times_are_parsed() -> None:
    expected = datetime(2024, 3, 18, 10, 52, 57, 786000, tzinfo=UTC)
    for given_ in (1710759177.786, "2024-03-18T10:52:57.786Z", "2024-03-18T11:52:57.786+01:00"):
        assert parse(shape("ListProcessingJobs"), {"CreationTimeAfter": given_}) == {"CreationTimeAfter": expected}


@pytest.mark.parametrize("moment", [1e300, -1e300, "yesterday", "9999-12-31T23:59:59-23:00", 253402300799, {}, True])
def test_times_that_are_none_or_out_of_reach_are_refused(moment: object) -> None:
    refusal("ListProcessingJobs", {"CreationTimeAfter": moment})


def test_unknown_members_and_nulls_are_left_out() -> None:
    request = {"ProcessingJobName": "a", "Unknown": {"x": "\ud800"}, "NextToken": None}
    assert parse(shape("DescribeProcessingJob"), request) == {"ProcessingJobName": "a"}


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_no_database_keeps_is_refused(text: str) -> None:
    assert "Unicode" in refusal("AddTags", {"ResourceArn": "arn", "Tags": [{"Key": "k", "Value": text}]})[1]


def test_tag_keys_may_have_letters_of_any_script() -> None:
    tags = {
        "ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/e",
        "Tags": [{"Key": "größe", "Value": ""}],
    }
    assert parse(shape("AddTags"), tags)["Tags"][0]["Key"] == "größe"
    assert "regular expression" in refusal("AddTags", {**tags, "Tags": [{"Key": "a!", "Value": ""}]})[1]


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b"NaN", b'{"a":NaN}', b"1" * 5000])
def test_what_is_no_json_is_a_serialization_exception(body: bytes) -> None:
    with pytest.raises(AwsError) as caught:
        parse_body(shape("ListProcessingJobs"), body)
    assert caught.value.told.code == "SerializationException"


def test_an_empty_body_is_an_empty_request() -> None:
    assert parse_body(shape("ListProcessingJobs"), b"") == {}


def test_every_pattern_of_the_models_is_understood_or_known_not_to_be() -> None:
    patterns = set()
    for api in APIS.values():
        for name in api.model.shape_names:
            patterns.add(api.model.shape_for(name).metadata.get("pattern"))
    unsaid = {pattern for pattern in patterns - {None} if compiled_pattern(pattern) is None}
    assert len(unsaid) <= 8
    served = [
        shape(n).members for n in ("AddTags", "CreateEndpoint", "CreateProcessingJob", "CreateMonitoringSchedule")
    ]
    assert not unsaid & {member.metadata.get("pattern") for members in served for member in members.values()}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_any_json_is_parsed_or_refused(data: st.DataObject) -> None:
    wanted = shape("CreateProcessingJob")
    request = data.draw(st.dictionaries(st.sampled_from(sorted(wanted.members)), json_values, max_size=5))
    try:
        parsed = parse(wanted, job(**request))
    except AwsError as error:
        assert error.told.status == 400
        error.told.message.encode("utf-8", "surrogatepass")
        dumps({"message": error.told.message})
    else:
        assert set(parsed) <= set(wanted.members)


def test_answers_are_cut_to_the_shape() -> None:
    output = APIS["sagemaker"].model.operation_model("DescribeProcessingJob").output_shape
    made = datetime(2024, 3, 18, 10, 52, 57, 786123, tzinfo=UTC)
    answer = {
        "ProcessingJobName": "j",
        "CreationTime": made,
        "Secret": 1,
        "ExitMessage": None,
        "Environment": {"a": "b"},
    }
    assert cut(output, answer) == {"ProcessingJobName": "j", "CreationTime": 1710759177.786, "Environment": {"a": "b"}}


def test_rest_json_requests_are_gathered_from_their_parts() -> None:
    headers = {"content-type": "text/csv", "x-amzn-sagemaker-inference-id": "i1", "host": "h"}
    received = Received("POST", "/endpoints/e/invocations", "", headers, b"1,2")
    found = APIS["sagemaker-runtime"].operation_at(received.method, received.path)
    assert found == ("InvokeEndpoint", {"EndpointName": "e"})
    request = rest_request(shape("InvokeEndpoint", "sagemaker-runtime"), received, found[1])
    assert request == {"EndpointName": "e", "Body": b"1,2", "ContentType": "text/csv", "InferenceId": "i1"}


def test_rest_json_answers_go_to_headers_and_body() -> None:
    output = APIS["sagemaker-runtime"].model.operation_model("InvokeEndpoint").output_shape
    answer = rest_answer(output, {"Body": b"0.5", "ContentType": "text/csv", "InvokedProductionVariant": "v"})
    assert answer.body == b"0.5"
    assert answer.headers == {"content-type": "text/csv", "x-amzn-invoked-production-variant": "v"}


def test_metrics_take_json_by_path() -> None:
    received = Received("PUT", "/BatchPutMetrics", "", {}, json.dumps({"TrialComponentName": "t"}).encode())
    found = APIS["sagemaker-metrics"].operation_at("PUT", "/BatchPutMetrics")
    assert found is not None
    with pytest.raises(AwsError, match="metricData"):
        rest_request(shape(found[0], "sagemaker-metrics"), received, found[1])
