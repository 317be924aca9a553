"""SageMaker's introduction example with unmodified boto3: register, invoke, baseline, schedule, read violations."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from churn import served
from databases import postgres_url
from examples import shared
from s3 import running_s3
from serving import Served, serving, until, working

IMAGE = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
ROLE = "arn:aws:iam::000000000000:role/service-role/monitor"
BUCKET = "churn-bucket"
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}
FORMAT = json.dumps({"csv": {"header": True, "output_columns_position": "START"}})


@pytest.fixture(scope="module", params=["sqlite", "postgresql, two workers"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server, its S3 and the bucket; over PostgreSQL with a worker in a process of its own, too."""
    folder, settings = tmp_path_factory.mktemp("introduction"), {}
    if request.param != "sqlite":
        settings = {"DRIFTLINE_DATABASE_URL": postgres_url()}
    with running_s3(folder / "s3") as store, ExitStack() as stack:
        store.bucket(BUCKET)
        if settings:
            stack.enter_context(working(folder / "worker", {**store.environment(), **settings}))
        yield stack.enter_context(serving(folder / "home", store.environment(), **settings))


@pytest.fixture
def endpoint(server: Served) -> Iterator[str]:
    """The churn model behind an endpoint that captures everything."""
    name = f"churn-{uuid.uuid4().hex[:8]}"
    with served(shared("data", "aws-churn", "xgb-churn.json")) as url:
        register(server, name, url)
        yield name


def register(server: Served, name: str, url: str) -> None:
    """The model at this URL behind an endpoint that captures everything."""
    sagemaker = server.client("sagemaker")
    container = {"Image": "churn:1", "Environment": {"DRIFTLINE_MODEL_URL": url}}
    sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1}],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{BUCKET}/{name}/datacapture",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        },
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})


def baseline(server: Served, name: str) -> dict[str, Any]:
    """The ended baselining job of the training data."""
    sagemaker, s3 = server.client("sagemaker"), server.client("s3")
    s3.upload_file(
        str(shared("data", "aws-churn", "training-dataset-with-header.csv")), BUCKET, f"{name}/baselining/data/t.csv"
    )
    source, root = {"S3Uri": f"s3://{BUCKET}/{name}/baselining/data", "S3DataType": "S3Prefix"}, "/opt/ml/processing"
    source |= {"LocalPath": f"{root}/input/baseline_dataset_input", "S3InputMode": "File"}
    result = {"S3Uri": f"s3://{BUCKET}/{name}/baselining/results", "LocalPath": f"{root}/output"}
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        ProcessingInputs=[{"InputName": "baseline_dataset_input", "S3Input": source}],
        ProcessingOutputConfig={
            "Outputs": [{"OutputName": "monitoring_output", "S3Output": {**result, "S3UploadMode": "EndOfJob"}}]
        },
        ProcessingResources={"ClusterConfig": CLUSTER},
        AppSpecification={"ImageUri": IMAGE},
        Environment={
            "dataset_format": FORMAT,
            "dataset_source": source["LocalPath"],
            "output_path": f"{root}/output",
            "publish_cloudwatch_metrics": "Disabled",
        },
        RoleArn=ROLE,
    )

    def ended() -> Any:
        found = sagemaker.describe_processing_job(ProcessingJobName=name)
        return found if found["ProcessingJobStatus"] not in ("InProgress", "Stopping") else None

    found: dict[str, Any] = until(ended)
    return found


def definition(server: Served, endpoint: str) -> str:
    """A data-quality job definition of the endpoint, against its baseline."""
    place = f"s3://{BUCKET}/{endpoint}"
    server.client("sagemaker").create_data_quality_job_definition(
        JobDefinitionName=endpoint,
        DataQualityBaselineConfig={
            "ConstraintsResource": {"S3Uri": f"{place}/baselining/results/constraints.json"},
            "StatisticsResource": {"S3Uri": f"{place}/baselining/results/statistics.json"},
        },
        DataQualityAppSpecification={"ImageUri": IMAGE},
        DataQualityJobInput={
            "EndpointInput": {"EndpointName": endpoint, "LocalPath": "/opt/ml/processing/input/endpoint"}
        },
        DataQualityJobOutputConfig={
            "MonitoringOutputs": [
                {"S3Output": {"S3Uri": f"{place}/reports", "LocalPath": "/opt/ml/processing/output"}},
            ]
        },
        JobResources={"ClusterConfig": CLUSTER},
        RoleArn=ROLE,
    )
    return endpoint


def captured(server: Served, name: str) -> int:
    """How many calls of the endpoint are in its captured objects."""
    s3 = server.client("s3")
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/datacapture/{name}/AllTraffic/")
    bodies = [s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in found.get("Contents", ())]
    return sum(len(body.splitlines()) for body in bodies)


def schedule(server: Served, name: str, start: str, end: str) -> None:
    """A schedule that runs now over this window."""
    server.client("sagemaker").create_monitoring_schedule(
        MonitoringScheduleName=name,
        MonitoringScheduleConfig={
            "MonitoringJobDefinitionName": definition(server, name),
            "MonitoringType": "DataQuality",
            "ScheduleConfig": {
                "ScheduleExpression": "NOW",
                "DataAnalysisStartTime": start,
                "DataAnalysisEndTime": end,
            },
        },
    )


def executed(server: Served, name: str) -> Any:
    """The summary of the execution, once it has ended."""
    found = server.client("sagemaker").list_monitoring_executions(MonitoringScheduleName=name)
    ended = [each for each in found["MonitoringExecutionSummaries"] if each["MonitoringExecutionStatus"][0] in "CF"]
    return ended[0] if ended else None


def test_the_introduction_example(server: Served, endpoint: str) -> None:
    """E-01, E-02, E-05: 60 violations, SageMaker's exit message, its three files in its place."""
    runtime, sagemaker, s3 = server.client("sagemaker-runtime"), server.client("sagemaker"), server.client("s3")
    lines = shared("data", "aws-churn", "test-dataset-input-cols.csv").read_text().splitlines()
    for line in lines:
        answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=line)
        assert 0 <= float(answer["Body"].read()) <= 1
    job = baseline(server, endpoint)
    assert (job["ProcessingJobStatus"], job.get("FailureReason")) == ("Completed", None)
    assert job["ExitMessage"] == "Completed: Job completed successfully with no violations."
    until(lambda: captured(server, endpoint) == len(lines), 30)
    schedule(server, endpoint, "-PT1H", "PT1H")
    execution = until(lambda: executed(server, endpoint))
    assert execution["MonitoringExecutionStatus"] == "CompletedWithViolations", execution
    job = sagemaker.describe_processing_job(ProcessingJobName=execution["ProcessingJobArn"].rpartition("/")[2])
    assert job["ExitMessage"] == "CompletedWithViolations: Job completed successfully with 60 violations."
    result = job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    key = result.removeprefix(f"s3://{BUCKET}/")
    found = json.loads(s3.get_object(Bucket=BUCKET, Key=f"{key}/constraint_violations.json")["Body"].read())
    assert len(found["violations"]) == 60
    assert {each["constraint_check_type"] for each in found["violations"]} == {"data_type_check"}


def test_an_hour_without_data_says_where_was_searched(server: Served, endpoint: str) -> None:
    """E-06, ER-01."""
    baseline(server, endpoint)
    schedule(server, endpoint, "-PT5H", "-PT3H")
    until(lambda: executed(server, endpoint))
    described = server.client("sagemaker").describe_monitoring_schedule(MonitoringScheduleName=endpoint)
    execution = described["LastMonitoringExecutionSummary"]
    assert execution["MonitoringExecutionStatus"] == "Failed"
    assert execution["FailureReason"].startswith("Job inputs had no data")
    assert f"s3://{BUCKET}/{endpoint}/datacapture/{endpoint}/AllTraffic" in execution["FailureReason"]
    assert "ProcessingJobArn" not in execution
