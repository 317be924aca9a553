"""Processing jobs: baselines and executions, their logs, waiting for them, and the files they leave."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import ClientError

from driftline.sagemaker.files import CONSTRAINTS, STATISTICS, VIOLATIONS, Constraints, ConstraintViolations, Statistics
from driftline.sagemaker.session import JobFailed, Session

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
POLL_SECONDS = 0.5
NOT_COMPLETED = (
    "The underlying job is not in 'Completed' state. You may only retrieve files for a job that has completed "
    "successfully."
)
_RUNNING = ("Pending", "InProgress", "Stopping")


@dataclass(frozen=True)
class JobFile:
    """An input or output of a job: its name, its URI, and its path in the container."""

    name: str
    s3_uri: str
    local_path: str | None
    is_input: bool

    @property
    def source(self) -> str | None:
        """Where it is read from."""
        return self.s3_uri if self.is_input else self.local_path

    @property
    def destination(self) -> str | None:
        """Where it is put."""
        return self.local_path if self.is_input else self.s3_uri

    @property
    def s3_output(self) -> Self:
        """Itself: version 3 of the SDK keeps `s3_uri` and `local_path` one level below."""
        return self

    @property
    def s3_input(self) -> Self:
        """Itself, as `s3_output`."""
        return self


class ProcessingJob:
    """A job by its name."""

    def __init__(self, sagemaker_session: Any, job_name: str | None) -> None:
        """The job need not exist yet."""
        self.sagemaker_session = Session.of(sagemaker_session)
        self.job_name = job_name

    def describe(self) -> dict[str, Any]:
        """What DescribeProcessingJob answers."""
        return self.sagemaker_session.call("describe_processing_job", ProcessingJobName=self.job_name)

    def stop(self) -> None:
        """Ask the job to stop."""
        self.sagemaker_session.call("stop_processing_job", ProcessingJobName=self.job_name)

    @property
    def inputs(self) -> list[JobFile]:
        """Its inputs."""
        found = self.describe().get("ProcessingInputs", ())
        return [_file(each["InputName"], each["S3Input"], is_input=True) for each in found if "S3Input" in each]

    @property
    def outputs(self) -> list[JobFile]:
        """Its outputs."""
        found = self.describe().get("ProcessingOutputConfig", {}).get("Outputs", ())
        return [_file(each["OutputName"], each["S3Output"], is_input=False) for each in found if "S3Output" in each]

    @property
    def output(self) -> JobFile:
        """Its first output."""
        return self.outputs[0]

    def wait(self, logs: bool = True) -> None:
        """Wait until it ends, printing its log meanwhile if told to; raises `JobFailed` if it failed."""
        shown = 0
        while True:
            described = self.describe()
            has_ended = described["ProcessingJobStatus"] not in _RUNNING
            if logs:
                lines = list(self.logs())
                print(*lines[shown:], sep="\n", end="\n" if lines[shown:] else "", flush=True)
                shown = len(lines)
            if has_ended:
                break
            time.sleep(POLL_SECONDS)
        if described["ProcessingJobStatus"] == "Failed":
            reason = described.get("FailureReason") or described.get("ExitMessage") or "no reason was given"
            raise JobFailed(f"Error for Processing job {self.job_name}: Failed. Reason: {reason}", "Failed")

    def logs(self) -> Iterator[str]:
        """The lines of its log so far."""
        client = self.sagemaker_session.logs_client
        try:
            found = client.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{self.job_name}/")
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return
            raise
        for stream in found["logStreams"]:
            place = {"logGroupName": LOG_GROUP, "logStreamName": stream["logStreamName"], "startFromHead": True}
            page = client.get_log_events(**place)
            while page["events"]:
                yield from (event["message"] for event in page["events"])
                page = client.get_log_events(**place, nextToken=page["nextForwardToken"])

    def _read(self, kind: type[Any], name: str, kms_key: str | None) -> Any:
        """A file that the job leaves; raises `JobFailed` if there is none since it has not completed."""
        try:
            return kind.from_s3_uri(f"{self.output.s3_uri.rstrip('/')}/{name}", kms_key, self.sagemaker_session)
        except ClientError as error:
            status = self.describe()["ProcessingJobStatus"]
            if error.response["Error"]["Code"] == "NoSuchKey" and status != "Completed":
                raise JobFailed(NOT_COMPLETED, status) from error
            raise


class BaseliningJob(ProcessingJob):
    """A job that makes a baseline."""

    constraints_name = CONSTRAINTS

    def baseline_statistics(self, file_name: str = STATISTICS, kms_key: str | None = None) -> Statistics:
        """The statistics of its data."""
        found: Statistics = self._read(Statistics, file_name, kms_key)
        return found

    def suggested_constraints(self, file_name: str | None = None, kms_key: str | None = None) -> Constraints:
        """The constraints that it suggests."""
        found: Constraints = self._read(Constraints, file_name or self.constraints_name, kms_key)
        return found


class ClarifyBaseliningJob(BaseliningJob):
    """A job that makes the baseline of a bias or explainability monitor; its analysis is its constraints."""

    constraints_name = "analysis.json"

    def baseline_statistics(self, file_name: str = STATISTICS, kms_key: str | None = None) -> Statistics:
        """Always raises `NotImplementedError`: there are none."""
        raise NotImplementedError("ClarifyBaseliningJob doesn't support statistics.")


class MonitoringExecution(ProcessingJob, Mapping[str, Any]):
    """A run of a schedule; also a mapping: the members of its summary in ListMonitoringExecutions."""

    def __init__(self, sagemaker_session: Any, summary: Mapping[str, Any]) -> None:
        """`summary` is a member of that answer; a run without data has no job."""
        arn = summary.get("ProcessingJobArn")
        super().__init__(sagemaker_session, arn.rpartition("/")[2] if arn else None)
        self._summary = dict(summary)

    @classmethod
    def from_processing_arn(cls, sagemaker_session: Any, processing_job_arn: str) -> Self:
        """The run whose job has this ARN."""
        job = ProcessingJob(sagemaker_session, processing_job_arn.rpartition("/")[2])
        schedule = job.describe().get("MonitoringScheduleArn")
        for each in summaries(job.sagemaker_session, schedule.rpartition("/")[2] if schedule else None):
            if each.get("ProcessingJobArn") == processing_job_arn:
                return cls(sagemaker_session, each)
        return cls(sagemaker_session, {"ProcessingJobArn": processing_job_arn})

    def __getitem__(self, member: str) -> Any:
        """A member of the summary, as the API spells it."""
        return self._summary[member]

    def __iter__(self) -> Iterator[str]:
        """The members that it has."""
        return iter(self._summary)

    def __len__(self) -> int:
        """How many members it has."""
        return len(self._summary)

    def __getattr__(self, name: str) -> Any:
        """A member of the summary in Python's spelling (`scheduled_time`); None where the API leaves it out."""
        if name in _MEMBERS:
            return self._summary.get(_MEMBERS[name])
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def violation_report_uri(self) -> str | None:
        """Where its violations are, or will be; None if it has no job."""
        return None if self.job_name is None else f"{self.output.s3_uri.rstrip('/')}/{VIOLATIONS}"

    def describe(self) -> dict[str, Any]:
        """Its summary and, where it has a job, what DescribeProcessingJob answers."""
        return {**self._summary, **(super().describe() if self.job_name else {})}

    def wait(self, logs: bool = True) -> None:
        """Wait until it ends; raises `JobFailed` with the reason if it failed."""
        while self.job_name is None and self.monitoring_execution_status in _RUNNING:
            time.sleep(POLL_SECONDS)
            self.refresh()
        if self.job_name is not None:
            super().wait(logs)
        while self.monitoring_execution_status in _RUNNING:
            time.sleep(POLL_SECONDS)
            self.refresh()
        if self.monitoring_execution_status == "Failed":
            raise JobFailed(f"Error for execution of {self.monitoring_schedule_name}: {self.failure_reason}", "Failed")

    def refresh(self) -> None:
        """Read its summary once more."""
        for each in summaries(self.sagemaker_session, self.monitoring_schedule_name):
            if each["CreationTime"] == self.get("CreationTime"):
                self._summary = dict(each)
                self.job_name = each.get("ProcessingJobArn", "").rpartition("/")[2] or None

    def statistics(self, file_name: str = STATISTICS, kms_key: str | None = None) -> Statistics:
        """The statistics of what it analysed."""
        found: Statistics = self._read(Statistics, file_name, kms_key)
        return found

    def constraint_violations(self, file_name: str = VIOLATIONS, kms_key: str | None = None) -> ConstraintViolations:
        """The violations that it found."""
        found: ConstraintViolations = self._read(ConstraintViolations, file_name, kms_key)
        return found


_MEMBERS = {
    "monitoring_schedule_name": "MonitoringScheduleName",
    "scheduled_time": "ScheduledTime",
    "creation_time": "CreationTime",
    "last_modified_time": "LastModifiedTime",
    "monitoring_execution_status": "MonitoringExecutionStatus",
    "processing_job_arn": "ProcessingJobArn",
    "endpoint_name": "EndpointName",
    "failure_reason": "FailureReason",
}


def summaries(session: Session, schedule: str | None, **filters: Any) -> list[dict[str, Any]]:
    """The members of ListMonitoringExecutions, the latest scheduled first unless the filters say otherwise."""
    order = {"SortBy": "ScheduledTime", "SortOrder": "Descending", "MaxResults": 100, **filters}
    answer = session.call("list_monitoring_executions", MonitoringScheduleName=schedule, **order)
    found: list[dict[str, Any]] = answer["MonitoringExecutionSummaries"]
    return found


def _file(name: str, place: Mapping[str, Any], *, is_input: bool) -> JobFile:
    return JobFile(name, place["S3Uri"], place.get("LocalPath"), is_input)
