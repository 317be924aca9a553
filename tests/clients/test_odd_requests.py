"""Requests that no client of AWS sends, to the operations that are served: refused, never a fault of the server."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from databases import postgres_url

from driftline.catalog import Catalog, keys, resources
from driftline.catalog.resources import Resource
from driftline.errors import Denied
from driftline.server.app import create_app
from driftline.server.arize.jobs import asked, tried
from driftline.server.auth import Principal
from driftline.server.aws.runtime import Route, _chosen
from driftline.server.aws.wire import Call
from driftline.server.listen import Listener
from driftline.settings import Settings

KEY, SECRET = "DLTESTKEY0", "a-secret-of-tests"
NINES = "9" * 5000


@dataclass(frozen=True)
class Running:
    """A server in a thread."""

    url: str

    def client(self, api: str) -> Any:
        """An unmodified boto3 client that tries once."""
        named = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        return boto3.client(api, endpoint_url=self.url, config=Config(retries={"total_max_attempts": 1}), **named)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """All that is served, and a job whose log is empty."""
    file = tmp_path_factory.mktemp("odd") / "a.sqlite"
    catalog = Catalog(f"sqlite:///{file}" if request.param == "sqlite" else postgres_url())
    catalog.migrate()
    now = datetime.now(UTC)
    with catalog.begin() as tx:
        keys.put_access_key(tx, keys.AccessKey(KEY, SECRET), note="", now=now)
        resources.create(tx, Resource("processing-job", "j1", "arn", {}, "Completed", now, now))
    listener = Listener(create_app(Settings(home=Path("unused")), catalog), "127.0.0.1", 0)
    listener.start()
    yield Running(listener.url)
    listener.stop()
    catalog.close()


@pytest.mark.parametrize("token", ["f/" + "9" * 30, "f/" + NINES, "f/-1", "f/²", "x/1", "f/"])
def test_tokens_of_logs_that_none_gave(server: Running, token: str) -> None:
    """IA-02: refused as CloudWatch Logs refuses them."""
    with pytest.raises(ClientError) as refused:
        server.client("logs").get_log_events(
            logGroupName="/aws/sagemaker/ProcessingJobs", logStreamName="j1/algo-1", nextToken=token
        )
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


@pytest.mark.parametrize("token", [NINES, "²", "-1", "x"])
def test_tokens_of_alerts_that_none_gave(server: Running, token: str) -> None:
    """IA-02: refused as SageMaker refuses them."""
    with pytest.raises(ClientError) as refused:
        server.client("sagemaker").list_monitoring_alert_history(NextToken=token)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("key", ["\0", "a\0b", "ключ", "\x7f", "a" * 5000])
def test_access_keys_that_no_database_can_compare(server: Running, key: str) -> None:
    """SE-06: not known, whatever the database."""
    now = datetime.now(UTC)
    credential = quote(f"{key}/{now:%Y%m%d}/us-east-1/sagemaker/aws4_request", safe="")
    signature = f"X-Amz-Date={now:%Y%m%dT%H%M%SZ}&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=0"
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    connection.request("GET", f"/v1/me?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&{signature}")
    answer = connection.getresponse()
    said = answer.read().decode()
    connection.close()
    assert answer.status == 401, said


def test_variants_whose_weights_are_all_zero_are_as_good() -> None:
    """X-14: an endpoint that has no weight for any of its variants is called all the same."""
    route = Route("e", ["a", "b"], [0.0, 0.0], ["http://a", "http://b"], None)
    assert {_chosen(route, None) for _ in range(100)} == {0, 1}
    assert {_chosen(Route("e", ["a", "b"], [0.0, 1.0], ["", ""], None), None) for _ in range(100)} == {1}


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via"])
def test_metrics_through_a_proxy_on_this_machine_need_a_key(server: Running, header: str) -> None:
    """SE-06: whoever comes through a proxy is not on this machine because the proxy is."""
    address = urlsplit(server.url)
    for headers, status in (({}, 200), ({header: "203.0.113.9"}, 401)):
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        connection.request("GET", "/metrics", headers=headers)
        assert connection.getresponse().status == status
        connection.close()


def test_an_endpoint_outlives_its_configuration(server: Running) -> None:
    """X-17, IA-02: as in SageMaker it stays as it was made, also when another of the same name is made."""
    sagemaker = server.client("sagemaker")
    variants = [{"VariantName": "AllTraffic", "InitialVariantWeight": 3.0}]
    sagemaker.create_endpoint_config(EndpointConfigName="config-1", ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName="lasting", EndpointConfigName="config-1")
    sagemaker.delete_endpoint_config(EndpointConfigName="config-1")
    sagemaker.create_endpoint_config(EndpointConfigName="config-1", ProductionVariants=[{"VariantName": "Other"}])
    found = sagemaker.describe_endpoint(EndpointName="lasting")
    assert [(each["VariantName"], each["CurrentWeight"]) for each in found["ProductionVariants"]] == [("AllTraffic", 3)]
    sagemaker.update_endpoint(EndpointName="lasting", EndpointConfigName="config-1")
    found = sagemaker.describe_endpoint(EndpointName="lasting")
    assert [each["VariantName"] for each in found["ProductionVariants"]] == ["Other"]


def test_buckets_that_imports_of_arize_may_name(tmp_path: Path) -> None:
    """As those of all others."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    catalog.migrate()
    principal = Principal("ada", frozenset({"read", "write"}))
    call = Call(catalog, datetime.now(UTC), Settings(home=tmp_path, allowed_buckets=("churn-*",)), principal)
    given = {"modelName": "churn", "spaceId": "default", "blobStore": "s3", "bucketName": "payroll", "prefix": "x/"}
    given |= {"modelType": "score_categorical", "modelEnvironmentName": "production", "modelVersion": "1"}
    with pytest.raises(Denied, match="arn:aws:s3:::payroll"):
        tried(asked({**given, "schema": {"predictionLabel": "y"}}), call)
    catalog.close()


def test_buckets_that_may_be_named(tmp_path: Path) -> None:
    """A request may name only buckets of the settings' patterns, wherever in it they stand."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    catalog.migrate()
    with catalog.begin() as tx:
        keys.put_access_key(tx, keys.AccessKey(KEY, SECRET), note="", now=datetime.now(UTC))
    settings = Settings(home=tmp_path, allowed_buckets=("churn-*",))
    listener = Listener(create_app(settings, catalog), "127.0.0.1", 0)
    listener.start()
    try:
        client = Running(listener.url).client("sagemaker")
        capture = {"InitialSamplingPercentage": 100, "CaptureOptions": [{"CaptureMode": "Input"}]}
        variant = {"VariantName": "AllTraffic", "ModelName": "m", "InitialInstanceCount": 1}
        role = "arn:aws:iam::000000000000:role/service-role/monitor"
        client.create_model(ModelName="m", PrimaryContainer={"Image": "churn:1"}, ExecutionRoleArn=role)

        def create(name: str, uri: str) -> None:
            config = {**capture, "DestinationS3Uri": uri}
            client.create_endpoint_config(
                EndpointConfigName=name, ProductionVariants=[variant], DataCaptureConfig=config
            )

        create("allowed", "s3://churn-logs/captured")
        with pytest.raises(ClientError) as refused:
            create("refused", "s3://payroll/captured")
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
        assert "payroll" in str(refused.value)
        assert "DRIFTLINE_ALLOWED_BUCKETS" in str(refused.value)
    finally:
        listener.stop()
        catalog.close()
