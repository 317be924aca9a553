"""What users of every SDK do around a monitor: deploy a model that captures, call it, upload labels, wait."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

ROLE = "arn:aws:iam::000000000000:role/service-role/monitor"
ENDED = ("Completed", "CompletedWithViolations", "Failed", "Stopped")
SECONDS = 60


@dataclass(frozen=True)
class Place:
    """A session, the endpoint that is monitored, which is called as its model is, and the bucket of its files."""

    session: Any
    endpoint: str
    bucket: str

    @property
    def root(self) -> str:
        """The folder of the endpoint's files."""
        return f"s3://{self.bucket}/{self.endpoint}"

    def put(self, key: str, text: str) -> str:
        """Where the text lies now."""
        self.session.upload_string_as_file_body(text, self.bucket, f"{self.endpoint}/{key}")
        return f"{self.root}/{key}"


def deploy(session: Any, bucket: str, url: str, capture: Any, name: str) -> Place:
    """An endpoint that captures as the SDK's `DataCaptureConfig` says; it is in service at once."""
    client = session.sagemaker_client
    container = {"Image": "model:1", "Environment": {"DRIFTLINE_MODEL_URL": url}}
    client.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    client.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1}],
        DataCaptureConfig=capture._to_request_dict(),
    )
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return Place(session, name, bucket)


def invoke(place: Place, bodies: Sequence[str], content_type: str) -> list[str]:
    """The answers to calls with the ids 0, 1, 2, ..., as soon as all of them are in the bucket."""
    runtime, found = place.session.sagemaker_runtime_client, []
    for identity, body in enumerate(bodies):
        told: dict[str, Any] = {"EndpointName": place.endpoint, "ContentType": content_type}
        answer = runtime.invoke_endpoint(Body=body, InferenceId=str(identity), **told)
        found.append(answer["Body"].read().decode())
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        keys = place.session.list_s3_files(place.bucket, f"{place.endpoint}/datacapture")
        texts = [place.session.read_s3_file(place.bucket, key) for key in keys]
        if sum(len(text.splitlines()) for text in texts) == len(bodies):
            return found
        time.sleep(0.5)
    raise TimeoutError("the calls were not captured")


def label(place: Place, labels: Mapping[str, str], encoding: str = "CSV") -> str:
    """Upload the ground truth of calls by their ids, where SageMaker looks for it; the folder of all hours."""
    lines = [
        json.dumps({
            "groundTruthData": {"data": data, "encoding": encoding},
            "eventMetadata": {"eventId": identity},
            "eventVersion": "0",
        })
        for identity, data in labels.items()
    ]  # fmt: skip
    place.put(f"truth/{datetime.now(UTC):%Y/%m/%d/%H/%M%S}.jsonl", "\n".join(lines))
    return f"{place.root}/truth"


def execution(monitor: Any) -> dict[str, Any]:
    """The summary of the schedule's execution, as soon as it has ended."""
    client, until = monitor.sagemaker_session.sagemaker_client, time.monotonic() + SECONDS
    while time.monotonic() < until:
        listed = client.list_monitoring_executions(MonitoringScheduleName=monitor.monitoring_schedule_name)
        for summary in listed["MonitoringExecutionSummaries"]:
            if summary["MonitoringExecutionStatus"] in ENDED:
                if "FailureReason" in summary:
                    raise RuntimeError(summary["FailureReason"])
                return dict(summary)
        time.sleep(0.3)
    raise TimeoutError("the schedule did not run")


def job_names(place: Place) -> list[str]:
    """The names of all processing jobs, the first first."""
    client, found = place.session.sagemaker_client, []
    for page in client.get_paginator("list_processing_jobs").paginate(SortOrder="Ascending"):
        found += [each["ProcessingJobName"] for each in page["ProcessingJobSummaries"]]
    return found
