"""Traffic without capture: the server knows that an endpoint was called, and a run says why nothing is there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from models import running_model
from s3 import running_s3
from serving import ACCESS_KEY, REGION, SECRET_KEY, Served, serving, until

from driftline.commands.serve import FLUSH_SECONDS

IMAGE = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
ROLE = "arn:aws:iam::000000000000:role/monitor"
BUCKET = "gaps"
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": f"s3://{BUCKET}/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for which a quiet hour is no failure, and a model."""
    folder = tmp_path_factory.mktemp("gaps")
    with running_s3(folder / "s3") as store, running_model() as model:
        store.bucket(BUCKET)
        settings = {"DRIFTLINE_EMPTY_WINDOW_COMPLETES": "true", "DRIFTLINE_MODELS": f'{{"model": "{model.url}"}}'}
        with serving(folder / "home", store.environment(), **settings) as found:
            container = {"Image": "any:1"}
            found.client("sagemaker").create_model(ModelName="model", PrimaryContainer=container, ExecutionRoleArn=ROLE)
            yield found


def shown(server: Served, name: str) -> Any:
    """The endpoint, as the REST API shows it to a caller who signs."""
    request = AWSRequest("GET", f"{server.url}/v1/endpoints/{name}")
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "sagemaker", REGION).add_auth(request)
    return requests.get(str(request.url), headers=dict(request.headers), timeout=30).json()


def watched(server: Served, name: str, calls: int, **capture: Any) -> dict[str, Any]:
    """How a run of an endpoint ended, over a window in which it was called so often."""
    client, runtime = server.client("sagemaker"), server.client("sagemaker-runtime")
    for suffix, config in (("first", {}), ("config", capture)):
        client.create_endpoint_config(
            EndpointConfigName=f"{name}-{suffix}",
            ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": "model", "InitialInstanceCount": 1}],
            DataCaptureConfig={**CAPTURE, **config},
        )
    client.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-first")
    place = {"LocalPath": "/opt/ml/processing/output", "S3Uri": f"s3://{BUCKET}/reports"}
    definition: dict[str, Any] = {
        "JobDefinitionName": name,
        "DataQualityAppSpecification": {"ImageUri": IMAGE},
        "DataQualityJobInput": {"EndpointInput": {"EndpointName": name, "LocalPath": "/opt/ml/processing/input"}},
        "DataQualityJobOutputConfig": {"MonitoringOutputs": [{"S3Output": place}]},
        "JobResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}},
        "RoleArn": ROLE,
    }
    client.create_data_quality_job_definition(**definition)
    client.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config")
    for _ in range(calls):
        runtime.invoke_endpoint(EndpointName=name, Body=b"1,2", ContentType="text/csv")

    def counted() -> bool:
        return bool(shown(server, name)["traffic"]["calls"] == calls)

    until(counted, 20)
    time.sleep(2 * FLUSH_SECONDS)  # NOW waits for nothing
    return scheduled(server, name, name)


def scheduled(server: Served, definition: str, name: str) -> dict[str, Any]:
    """How a run of the definition ended, over the last hour."""
    client = server.client("sagemaker")
    times = {"DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT0H"}
    client.create_monitoring_schedule(
        MonitoringScheduleName=name,
        MonitoringScheduleConfig={
            "MonitoringJobDefinitionName": definition,
            "MonitoringType": "DataQuality",
            "ScheduleConfig": {"ScheduleExpression": "NOW", **times},
        },
    )

    def ended() -> Any:
        (found,) = client.list_monitoring_executions(MonitoringScheduleName=name)["MonitoringExecutionSummaries"] or [
            {"MonitoringExecutionStatus": "Pending"}
        ]
        return found if found["MonitoringExecutionStatus"] not in ("Pending", "InProgress") else None

    found: dict[str, Any] = until(ended)
    return found


def told(found: dict[str, Any]) -> str:
    """What was said of a run without data, after SageMaker's words."""
    words = "Job inputs had no data. "
    said = str(found["FailureReason"])
    assert said.startswith(words)
    assert "Searched the hours from" in said
    return said.removeprefix(words).partition(" Searched")[0]


def test_capture_that_is_disabled(server: Served) -> None:
    """X-15: calls came; that this is no quiet hour is told even where quiet hours complete."""
    found = watched(server, "disabled", 3, EnableCapture=False)
    assert found["MonitoringExecutionStatus"] == "Failed"
    assert told(found) == (
        "Endpoint disabled was called 3 times, but capture is stopped: EnableCapture is false in its configuration "
        "disabled-config."
    )


def test_capture_of_no_share(server: Served) -> None:
    """X-15: told even if no call came through the server: they may come on other ways."""
    found = watched(server, "nothing", 0, InitialSamplingPercentage=0)
    assert found["MonitoringExecutionStatus"] == "Failed"
    assert told(found) == (
        "Capture of endpoint nothing is stopped: InitialSamplingPercentage is 0 in its configuration nothing-config."
    )


def test_captured_calls_that_are_not_at_their_destination(server: Served) -> None:
    """X-15: somebody removed them."""
    watched(server, "lost", 2)
    s3 = server.client("s3")
    for each in s3.list_objects_v2(Bucket=BUCKET, Prefix="captured/lost/")["Contents"]:
        s3.delete_object(Bucket=BUCKET, Key=each["Key"])
    found = scheduled(server, "lost", "lost-again")
    assert found["MonitoringExecutionStatus"] == "Failed"
    assert told(found).startswith("Endpoint lost was called 2 times, 2 captured, but not at their destination")


def test_a_quiet_hour_is_none(server: Served) -> None:
    """E-06: no call, and all would be captured."""
    found = watched(server, "quiet", 0)
    assert found["MonitoringExecutionStatus"] == "Completed"


def test_calls_that_are_captured(server: Served) -> None:
    """They are counted, and shown."""
    found = watched(server, "whole", 4)
    assert "FailureReason" not in found
    assert shown(server, "whole")["traffic"] == {"calls": 4, "captured": 4, "dropped": 0, "reason": None}


def test_the_journal_is_counted(server: Served) -> None:
    """ME-04, X-15: by metrics without labels, so that a thousand endpoints make no more series."""
    watched(server, "counted", 3)
    lines = requests.get(f"{server.url}/metrics", timeout=30).text.splitlines()
    found = {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}
    assert found["driftline_captured_records_total"] >= 3
    assert found["driftline_capture_objects_total"] >= 1
    assert found["driftline_capture_dropped_records_total"] == found["driftline_capture_failures_total"] == 0
    assert found["driftline_capture_backlog_bytes"] == 0
    assert len([name for name in found if "capture" in name and not name.endswith("_created")]) == 5


def test_the_check_of_a_schedule_tells_it_beforehand(server: Served) -> None:
    """SE-08, X-15."""
    watched(server, "checked", 0, EnableCapture=False)
    request = AWSRequest("POST", f"{server.url}/v1/schedules/checked/checks")
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "sagemaker", REGION).add_auth(request)
    answer = requests.post(str(request.url), headers=dict(request.headers), timeout=30).json()
    (said,) = [each["said"] for each in answer["steps"] if each["action"] == "s3:ListBucket"]
    assert said.endswith(
        "Capture of endpoint checked is stopped: EnableCapture is false in its configuration checked-config."
    )
