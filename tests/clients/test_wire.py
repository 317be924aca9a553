"""AWS's wire protocols over a real socket: unmodified boto3, raw requests, and a fuzzer that may never see a 5xx."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

import boto3
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ParamValidationError
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from driftline.catalog import Catalog, keys, resources
from driftline.errors import StorageUnavailable
from driftline.server.app import create_app
from driftline.server.aws.models import APIS
from driftline.server.aws.served import OPERATIONS
from driftline.server.aws.wire import Call, Operations, operation
from driftline.server.errors import AwsError
from driftline.server.listen import Listener
from driftline.settings import Settings

KEY, SECRET, REGION = "DLTESTKEY0", "a-secret-of-tests", "us-east-1"
KIND = "data-quality-job-definition"

SERVED: Operations = {}


@operation("CreateDataQualityJobDefinition", into=SERVED)
def create(request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    name, body = request["JobDefinitionName"], json.loads(json.dumps(request, default=str))
    arn = call.arn(KIND, name)
    with call.catalog.begin() as tx:
        resources.create(tx, resources.Resource(KIND, name, arn, body, "Created", call.now, call.now))
    return {"JobDefinitionArn": arn, "NotInTheModel": 1}


@operation("DescribeDataQualityJobDefinition", into=SERVED)
def describe(request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    with call.catalog.read() as tx:
        found = resources.get(tx, KIND, request["JobDefinitionName"])
    return {**found.body, "JobDefinitionArn": found.arn, "CreationTime": found.created}


@operation("DeleteDataQualityJobDefinition", into=SERVED)
def delete(request: Mapping[str, Any], call: Call) -> None:
    with call.catalog.begin() as tx:
        resources.delete(tx, KIND, request["JobDefinitionName"])


@operation("StopProcessingJob", into=SERVED)
def fail(request: Mapping[str, Any], call: Call) -> None:
    if request["ProcessingJobName"] == "away":
        raise StorageUnavailable(where="s3", reason="refused")
    raise ZeroDivisionError(SECRET)


@operation("DescribeLogStreams", api="logs", into=SERVED)
def streams(request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")


@operation("InvokeEndpoint", api="sagemaker-runtime", into=SERVED)
def invoke(request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    if request["EndpointName"] == "broken":
        raise AwsError("ModelError", "the model said no", 424, OriginalStatusCode=500, OriginalMessage="no")
    return {"Body": request["Body"], "ContentType": request.get("ContentType"), "InvokedProductionVariant": "v"}


@dataclass(frozen=True)
class Running:
    """A server in a thread."""

    url: str
    reader: str
    """An API key that may only read."""

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None and parts.port is not None
        return parts.hostname, parts.port

    def client(self, api: str = "sagemaker", **changes: str) -> Any:
        named = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": REGION, **changes}
        config = Config(retries={"total_max_attempts": 1})
        return boto3.client(api, endpoint_url=self.url, config=config, **named)

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Any:
        """The answer to a raw request: status, headers, JSON or text."""
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        plain = "json" not in answer.headers.get("content-type", "")
        return answer.status, answer.headers, text.decode() if plain else json.loads(text or b"{}")

    def signed(
        self, body: bytes, target: str = "SageMaker.DescribeDataQualityJobDefinition", scope: str = "sagemaker"
    ) -> dict[str, str]:
        """Headers of a right signature."""
        given = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        request = AWSRequest("POST", f"{self.url}/", data=body, headers=given)
        SigV4Auth(Credentials(KEY, SECRET), scope, REGION).add_auth(request)
        return {name: str(value) for name, value in request.headers.items()}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    made = Catalog(f"sqlite:///{tmp_path_factory.mktemp('wire') / 'catalog.sqlite'}")
    made.migrate()
    with made.begin() as tx:
        keys.put_access_key(tx, keys.AccessKey(KEY, SECRET), note="", now=datetime.now(UTC))
    yield made
    made.close()


def run(catalog: Catalog, operations: Operations, **changed: Any) -> Iterator[Running]:
    with catalog.begin() as tx:
        reader = keys.create_api_key(tx, f"reader {datetime.now(UTC)}", ["read"], now=datetime.now(UTC))
    chosen = Settings(home=Path("unused"), **{"requests_per_second": 1e6, **changed})
    listener = Listener(create_app(chosen, catalog, operations=operations), "127.0.0.1", 0)
    listener.start()
    yield Running(listener.url, reader)
    listener.stop()


@pytest.fixture(scope="module")
def server(catalog: Catalog) -> Iterator[Running]:
    yield from run(catalog, SERVED)


def refused(call: Any, **request: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


def definition(name: str) -> dict[str, Any]:
    return {
        "JobDefinitionName": name,
        "DataQualityAppSpecification": {"ImageUri": "image"},
        "DataQualityJobInput": {"EndpointInput": {"EndpointName": "e", "LocalPath": "/opt/ml/processing/input"}},
        "DataQualityJobOutputConfig": {"MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://b/o", "LocalPath": "/o"}}]},
        "JobResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}},
        "RoleArn": "arn:aws:iam::000000000000:role/monitor",
    }


def test_boto3_creates_describes_and_deletes(server: Running) -> None:
    client = server.client()
    created = client.create_data_quality_job_definition(**definition("Whole-1"))
    assert created["JobDefinitionArn"] == f"arn:aws:sagemaker:us-east-1:000000000000:{KIND}/whole-1"
    assert "NotInTheModel" not in created
    found = client.describe_data_quality_job_definition(JobDefinitionName="Whole-1")
    assert {name: found[name] for name in definition("x")} == definition("Whole-1")
    assert abs(found["CreationTime"] - datetime.now(UTC)) < timedelta(minutes=1)
    client.delete_data_quality_job_definition(JobDefinitionName="Whole-1")
    with pytest.raises(client.exceptions.ResourceNotFound):
        client.describe_data_quality_job_definition(JobDefinitionName="Whole-1")


def test_a_name_that_is_taken_is_resource_in_use(server: Running) -> None:
    client = server.client()
    client.create_data_quality_job_definition(**definition("twice"))
    with pytest.raises(client.exceptions.ResourceInUse):
        client.create_data_quality_job_definition(**definition("twice"))


def test_what_breaks_a_constraint_is_a_validation_exception(server: Running) -> None:
    code, message, status = refused(server.client().describe_data_quality_job_definition, JobDefinitionName="a_b")
    assert (code, status) == ("ValidationException", 400)
    assert message.startswith("1 validation error detected: Value 'a_b' at 'jobDefinitionName' failed to satisfy")


def test_wrong_credentials_are_refused_in_aws_s_words(server: Running) -> None:
    wanted = {"JobDefinitionName": "a"}
    unknown = server.client(aws_access_key_id="DLUNKNOWN0").describe_data_quality_job_definition
    assert refused(unknown, **wanted)[:2] == (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )
    wrong = server.client(aws_secret_access_key="wrong").describe_data_quality_job_definition
    assert refused(wrong, **wanted)[0] == "InvalidSignatureException"


def test_no_credentials_are_refused(server: Running) -> None:
    status, headers, answer = server.send("POST", "/", b"{}", {"X-Amz-Target": "SageMaker.ListEndpoints"})
    assert (status, answer["__type"]) == (400, "MissingAuthenticationTokenException")
    assert headers["x-amzn-requestid"]


def test_a_tampered_body_is_refused(server: Running) -> None:
    headers = server.signed(b'{"JobDefinitionName":"a"}')
    status, _, answer = server.send("POST", "/", b'{"JobDefinitionName":"b"}', headers)
    assert (status, answer["__type"]) == (400, "InvalidSignatureException")


def test_a_skewed_clock_is_refused(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"JobDefinitionName":"a"}'
    request = AWSRequest("POST", f"{server.url}/", data=body, headers={"X-Amz-Target": "SageMaker.ListEndpoints"})
    early = datetime.now(UTC) - timedelta(minutes=20)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: early)
    SigV4Auth(Credentials(KEY, SECRET), "sagemaker", REGION).add_auth(request)
    status, _, answer = server.send("POST", "/", body, {name: str(value) for name, value in request.headers.items()})
    assert (status, answer["__type"]) == (400, "InvalidSignatureException")
    assert answer["message"].startswith(f"Signature expired: {early:%Y%m%dT%H%M%SZ} is now earlier than ")
    assert answer["message"].endswith(" - 5 min.)")


def test_a_signed_address_is_accepted(server: Running) -> None:
    body, given = b'{"JobDefinitionName":"none"}', {"X-Amz-Target": "SageMaker.DescribeDataQualityJobDefinition"}
    request = AWSRequest("POST", f"{server.url}/", data=body, headers=given)
    SigV4QueryAuth(Credentials(KEY, SECRET), "sagemaker", REGION, expires=60).add_auth(request)
    parts = urlsplit(request.url)  # botocore moves the body to the query, where this protocol has no use for it
    status, _, answer = server.send("POST", f"/?{parts.query}", b"", given)
    assert (status, answer["__type"]) == (400, "ValidationException")
    assert server.send("POST", f"/?{parts.query}", body, given)[2]["__type"] == "InvalidSignatureException"


def test_unknown_operations_are_told_from_those_not_served(server: Running) -> None:
    status, _, answer = server.send("POST", "/", b"{}", server.signed(b"{}", "SageMaker.MakeCoffee"))
    assert (status, answer["__type"]) == (400, "UnknownOperationException")
    code, message, _ = refused(server.client().list_training_jobs)
    assert code == "UnsupportedOperationException"
    assert "ListTrainingJobs" in message
    assert (
        server.send("POST", "/", b"{}", {"X-Amz-Target": "DynamoDB.List"})[2]["__type"] == "UnknownOperationException"
    )


def test_other_services_learn_in_their_own_protocol_that_they_are_wrong_here(server: Running) -> None:
    for call in (server.client("sts").get_caller_identity, server.client("events").list_rules):
        code, message, _ = refused(call)
        assert code == "UnknownOperationException"
        assert "served here" in message or "AWS_ENDPOINT_URL" in message


def test_looking_up_a_role_is_denied_which_clients_take_as_unknown(server: Running) -> None:
    arn = "arn:aws:iam::000000000000:role/monitor"
    code, message, status = refused(
        lambda: server.client("iam").simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject"])
    )
    assert (code, status) == ("AccessDenied", 403)
    assert "full ARN" in message


def test_logs_has_its_own_codes(server: Running) -> None:
    client = server.client("logs")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_log_streams(logGroupName="/aws/sagemaker/ProcessingJobs")


def test_the_runtime_takes_and_gives_bytes(server: Running) -> None:
    body = bytes(range(256)) * 1000
    answer = server.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="e", Body=body, ContentType="application/octet-stream", InferenceId="one", CustomAttributes="a=b"
    )
    assert answer["Body"].read() == body
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("application/octet-stream", "v")


def test_the_runtime_s_errors_are_its_model_s(server: Running) -> None:
    client = server.client("sagemaker-runtime")
    with pytest.raises(client.exceptions.ModelError) as caught:
        client.invoke_endpoint(EndpointName="broken", Body=b"1")
    assert caught.value.response["OriginalStatusCode"] == 500
    assert refused(client.invoke_endpoint, EndpointName="a_b", Body=b"1")[0] == "ValidationError"
    unknown = server.client("sagemaker-runtime", aws_access_key_id="DLUNKNOWN0").invoke_endpoint
    assert refused(unknown, EndpointName="e", Body=b"")[2] == 403


def test_a_fault_of_the_server_says_nothing_of_its_reason(server: Running) -> None:
    code, message, status = refused(server.client().stop_processing_job, ProcessingJobName="j")
    assert (code, status) == ("InternalFailure", 500)
    assert "ZeroDivision" not in message and SECRET not in message


def test_what_is_away_is_service_unavailable(server: Running) -> None:
    code, _, status = refused(server.client().stop_processing_job, ProcessingJobName="away")
    assert (code, status) == ("ServiceUnavailable", 503)


def test_deep_and_broken_json_is_refused(server: Running) -> None:
    for body in (b'{"a":' * 100 + b"1" + b"}" * 100, b"[" * 1_000_000, b"{", b"\xff", b"[]"):
        status, _, answer = server.send("POST", "/", body, server.signed(body))
        assert (status, answer["__type"]) == (400, "SerializationException"), body[:20]


def test_large_bodies_are_refused_before_they_are_read(catalog: Catalog) -> None:
    for running in run(catalog, SERVED, max_body_bytes=1000):
        for path in ("/", "/endpoints/e/invocations", "/v1/me"):
            status, _, answer = running.send("POST", path, b"x" * 1001)
            assert status == 413, answer
        with socket.create_connection(running.address) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999\r\n\r\n")
            assert b" 413 " in connection.recv(1000)
        with socket.create_connection(running.address) as connection:
            connection.sendall(
                b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024
            )
            assert b" 413 " in connection.recv(1000)


def test_who_asks_too_often_is_throttled(catalog: Catalog) -> None:
    for running in run(catalog, SERVED, requests_per_second=2.0):
        client = running.client()
        codes = [refused(client.describe_data_quality_job_definition, JobDefinitionName="no")[0] for _ in range(8)]
        assert codes[:4] == ["ResourceNotFound"] * 4
        assert "ThrottlingException" in codes


def test_who_tries_too_many_keys_is_throttled(catalog: Catalog) -> None:
    """SE-06: by AWS's code, in both protocols and REST; who came in before may go on."""
    for running in run(catalog, SERVED, failures_per_minute=6.0):
        good, bad = running.client(), running.client(aws_secret_access_key="a-guess")
        assert refused(good.describe_data_quality_job_definition, JobDefinitionName="no")[0] == "ResourceNotFound"
        codes = [refused(bad.describe_data_quality_job_definition, JobDefinitionName="no")[0] for _ in range(5)]
        assert codes == ["InvalidSignatureException"] * 5
        assert running.send("GET", "/v1/me", headers={"Authorization": "Bearer dl_wrong"})[0] == 401
        status, _, answer = running.send("GET", "/v1/me", headers={"Authorization": "Bearer dl_wrong"})
        assert (status, answer["error"]["code"]) == (429, "too-many-requests")
        stranger = running.client(aws_access_key_id="DLUNKNOWN0").describe_data_quality_job_definition
        assert refused(stranger, JobDefinitionName="no")[0] == "ThrottlingException"
        runtime = running.client("sagemaker-runtime", aws_access_key_id="DLUNKNOWN0")
        assert refused(runtime.invoke_endpoint, EndpointName="no", Body=b"")[0] == "ThrottlingException"
        assert refused(good.describe_data_quality_job_definition, JobDefinitionName="no")[0] == "ResourceNotFound"


def test_many_clients_at_once(server: Running) -> None:
    def one(number: int) -> str:
        client = server.client()
        name = f"many-{number}"
        client.create_data_quality_job_definition(**definition(name))
        return str(client.describe_data_quality_job_definition(JobDefinitionName=name)["JobDefinitionName"])

    lock = threading.Lock()
    with lock:  # boto3 builds its first client of a process best alone
        server.client()
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(one, range(24))) == sorted(f"many-{number}" for number in range(24))


def test_probes_need_no_key(server: Running) -> None:
    for path in ("/health", "/ready"):
        status, _, answer = server.send("GET", path)
        assert (status, answer["status"]) == (200, "ok")


def test_metrics_count_requests_by_operation(server: Running) -> None:
    refused(server.client().describe_data_quality_job_definition, JobDefinitionName="counted")
    status, headers, text = server.send("GET", "/metrics")
    assert status == 200 and headers["content-type"].startswith("text/plain")
    wanted = 'api="sagemaker",code="ResourceNotFound",operation="DescribeDataQualityJobDefinition"'
    assert f"driftline_requests_total{{{wanted}}}" in text


def test_rest_needs_a_key_with_the_scope(server: Running) -> None:
    status, headers, answer = server.send("GET", "/v1/me")
    assert (status, answer["error"]["code"], headers["www-authenticate"]) == (401, "unauthenticated", "Bearer")
    assert server.send("GET", "/v1/me", headers={"Authorization": "Bearer dl_wrong"})[0] == 401
    status, _, answer = server.send("GET", "/v1/me", headers={"Authorization": f"Bearer {server.reader}"})
    assert (status, answer["scopes"]) == (200, ["read"])
    assert server.reader not in answer["name"]


def test_rest_s_errors_are_json(server: Running) -> None:
    key = {"Authorization": f"Bearer {server.reader}"}
    assert server.send("GET", "/v1/nothing", headers=key)[2]["error"]["code"] == "not-found"
    status, headers, answer = server.send("PUT", "/v1/me", headers=key)
    assert (status, headers["allow"], answer["error"]["code"]) == (405, "GET", "method-not-allowed")


def test_rest_takes_aws_signatures_too(server: Running) -> None:
    request = AWSRequest("GET", f"{server.url}/v1/me")
    SigV4Auth(Credentials(KEY, SECRET), "sagemaker", REGION).add_auth(request)
    status, _, answer = server.send("GET", "/v1/me", headers={name: str(v) for name, v in request.headers.items()})
    scopes = ["admin", "read", "write"]
    assert (status, answer) == (200, {"name": KEY, "scopes": scopes, "roles": {"*": scopes}})


def test_the_page_of_the_rest_api_needs_no_script(server: Running) -> None:
    status, _, page = server.send("GET", "/docs")
    assert status == 200 and "/v1/me" in page and "<script" not in page


# The fuzzer: requests with right signatures whose bodies are the model's own, then broken in one place.

odd_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from(["", "\0", "🙂", "a" * 5000, "s3://", "s3:///", "NOW", "cron(0 * ? * * *)", "-PT1H", "P9999999D"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)
right_texts = st.sampled_from(
    [
        "a", "x-1", "s3://b/k", "/opt/ml/processing/input", "NOW", "cron(0 * ? * * *)", "-PT1H", "-PT0H", "1",
        "ml.m5.large", "arn:aws:iam::000000000000:role/r", "arn:aws:sagemaker:us-east-1:000000000000:endpoint/e",
    ]
)  # fmt: skip


def right_values(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that the shape mostly allows."""
    kind = shape.type_name
    if kind == "structure":
        required = {n: right_values(m, depth + 1) for n, m in shape.members.items() if n in shape.required_members}
        others = {n: m for n, m in shape.members.items() if n not in shape.required_members and depth < 4}
        optional = {name: right_values(member, depth + 1) for name, member in others.items()}
        return st.fixed_dictionaries(required, optional=optional)
    if kind == "list":
        return st.lists(right_values(shape.member, depth + 1), min_size=1, max_size=2)
    if kind == "map":
        return st.dictionaries(right_texts, right_texts, max_size=2)
    if kind == "string":
        return st.sampled_from(shape.enum) if shape.enum else right_texts
    if kind == "boolean":
        return st.booleans()
    if kind == "timestamp":
        return st.floats(0, 4e9)
    low = int(shape.metadata.get("min", 0))
    return st.integers(low, min(int(shape.metadata.get("max", low + 10)), low + 10))


def broken(draw: st.DrawFn, value: Any) -> Any:
    """The value with one place in it replaced by something odd."""
    if isinstance(value, dict) and value and draw(st.integers(0, 3)):
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: broken(draw, value[name])}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [broken(draw, value[0]), *value[1:]]
    return draw(odd_values)


@st.composite
def requests(draw: st.DrawFn, api: str, name: str) -> Any:
    shape = APIS[api].model.operation_model(name).input_shape
    value = draw(right_values(shape)) if shape else {}
    return broken(draw, value) if draw(st.booleans()) else value


FUZZED = sorted(
    (api, name)
    for api, name in {**SERVED, **OPERATIONS}
    if api in ("sagemaker", "cloudwatch") and name != "StopProcessingJob"
)
LEISURELY = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def everything(catalog: Catalog) -> Iterator[Running]:
    """A server with all that is served, and the operations of these tests where nothing is."""
    yield from run(catalog, {**SERVED, **OPERATIONS})


@pytest.mark.parametrize(("api", "name"), FUZZED)
@LEISURELY
@given(st.data())
def test_no_request_makes_the_server_fail(everything: Running, api: str, name: str, data: st.DataObject) -> None:
    body = json.dumps(data.draw(requests(api, name))).encode()
    signed = everything.signed(body, f"{APIS[api].target}.{name}", APIS[api].scope)
    status, _, answer = everything.send("POST", "/", body, signed)
    assert status in (200, 400), (status, answer, body)


@pytest.mark.parametrize("name", sorted(name for api, name in OPERATIONS if api == "sns"))
@LEISURELY
@given(st.data())
def test_no_form_makes_the_server_fail(everything: Running, name: str, data: st.DataObject) -> None:
    model = APIS["sns"].model.operation_model(name)
    asked = data.draw(right_values(model.input_shape))
    try:
        form = create_serializer("query").serialize_to_request(asked, model)["body"]
    except ParamValidationError:
        reject()
    body = urlencode(form).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", f"{everything.url}/", data=body, headers=headers)
    SigV4Auth(Credentials(KEY, SECRET), "sns", REGION).add_auth(request)
    status, _, answer = everything.send("POST", "/", body, {key: str(each) for key, each in request.headers.items()})
    assert status in (200, 400), (status, answer, body)
    assert ElementTree.fromstring(answer) is not None


METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
PATHS = ["/", "/v1/me", "/endpoints/e/invocations", "/endpoints/%2F/invocations", "/BatchPutMetrics", "/x"]
HEADERS = ["Authorization", "X-Amz-Date", "X-Amz-Target", "Content-Type", "X-Amz-Content-SHA256"]
SIGNED = "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, "
VALUES = [SIGNED, "AWS4-HMAC-SHA256 ", "Bearer x", "", "SageMaker.ListTags"]
words = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"]), max_size=60)


@LEISURELY
@given(
    st.sampled_from(METHODS),
    st.sampled_from(PATHS),
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=30),
    st.dictionaries(st.sampled_from(HEADERS), st.sampled_from(VALUES) | words, max_size=5),
    st.binary(max_size=200),
)
def test_no_stranger_makes_the_server_fail(
    everything: Running, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    status, _, answer = everything.send(method, f"{path}?{query}", body, headers)
    assert 200 <= status < 500, (status, answer)
