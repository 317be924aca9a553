"""The monitor that all others are: its baseline, its schedule, its runs, its alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self, Unpack

from driftline.sagemaker import baselining, schedules
from driftline.sagemaker.baselining import tag_list, unique_name
from driftline.sagemaker.definitions import NOT_BOTH, ONE_INPUT, members_of
from driftline.sagemaker.expressions import schedule_config
from driftline.sagemaker.files import Constraints, Statistics
from driftline.sagemaker.inputs import OUTPUT, ProcessingInput
from driftline.sagemaker.jobs import BaseliningJob, ProcessingJob
from driftline.sagemaker.options import BaselineOptions, ScheduleOptions, UpdateOptions, known
from driftline.sagemaker.session import Session
from driftline.sagemaker.watching import NOT_YET, Watched

USED_ALREADY = (
    "It seems that this object was already used to create an Amazon Model Monitoring Schedule. To create another, "
    "first delete the existing one using my_monitor.delete_monitoring_schedule()."
)
_TIMES = {"schedule_cron_expression", "data_analysis_start_time", "data_analysis_end_time"}
_OWN = set(UpdateOptions.__annotations__) - set(ScheduleOptions.__annotations__)
_SAID = {
    None: "an own image's",
    "DataQuality": "Data quality monitoring",
    "ModelQuality": "ModelQuality monitoring",
    "ModelBias": "ModelBias",
    "ModelExplainability": "ModelExplainability",
}


@dataclass(eq=False)
class ModelMonitor(Watched):
    """A monitor with an image of its own; the other monitors are this one with an image that the server knows.

    `role` is a name or an ARN; `instance_count`, `instance_type`, `volume_size_in_gb` and the keys are kept and shown,
    jobs run on the server's machine. `sagemaker_session` is a `Session` of this package or of the SageMaker SDK.
    """

    role: str = ""
    image_uri: str | None = None
    instance_count: int = 1
    instance_type: str = "ml.m5.xlarge"
    entrypoint: Sequence[str] | None = None
    volume_size_in_gb: int = 30
    volume_kms_key: str | None = None
    output_kms_key: str | None = None
    max_runtime_in_seconds: int | None = 3600
    base_job_name: str | None = None
    sagemaker_session: Any = None
    env: Mapping[str, str] | None = None
    tags: Any = None
    network_config: Any = None
    arguments: Sequence[str] | None = field(default=None, init=False)
    baselining_jobs: list[BaseliningJob] = field(default_factory=list, init=False)
    monitoring_schedule_name: str | None = field(default=None, init=False)
    job_definition_name: str | None = field(default=None, init=False)

    KIND: ClassVar[str | None] = None
    """The `MonitoringType` of its schedules; None: their definition is inside of them."""
    JOB: ClassVar[type[BaseliningJob]] = BaseliningJob

    def __post_init__(self) -> None:
        """Raises the SDK's `ValueError` where there is no role."""
        if not self.role:
            raise ValueError("An AWS IAM role is required to create a Monitoring Schedule.")
        self.sagemaker_session = Session.of(self.sagemaker_session)

    @classmethod
    def monitoring_type(cls) -> str:
        """The `MonitoringType` of its schedules; raises `TypeError` for a monitor with an image of its own."""
        if cls.KIND is None:
            raise TypeError(f"Subclass of {cls.__name__} shall define this property")
        return cls.KIND

    @classmethod
    def attach(cls, monitor_schedule_name: str, sagemaker_session: Any = None) -> Self:
        """The monitor of a schedule that exists; raises `TypeError` if it is one of another kind."""
        session = Session.of(sagemaker_session)
        described = schedules.describe(session, monitor_schedule_name)
        config = described["MonitoringScheduleConfig"]
        is_inline = "MonitoringJobDefinitionName" not in config
        if cls.KIND not in ((None, "DataQuality") if is_inline else (config["MonitoringType"],)):
            raise TypeError(f"{cls.__name__} can only attach to {_SAID[cls.KIND]} schedule.")
        members = members_of(schedules.definition_of(session, config))
        found = cls(
            **{each.name: members[each.name] for each in fields(cls) if each.init and each.name in members},
            sagemaker_session=session,
        )
        tags = session.call("list_tags", ResourceArn=described["MonitoringScheduleArn"])["Tags"]
        found.tags = tags or None
        found.monitoring_schedule_name = described["MonitoringScheduleName"]
        found.job_definition_name = config.get("MonitoringJobDefinitionName")
        return found

    # Baselines

    def suggest_baseline(
        self, baseline_dataset: str, dataset_format: Mapping[str, Any], **options: Unpack[BaselineOptions]
    ) -> ProcessingJob:
        """Make a baseline of a data set, a URI or local files, and wait for it unless `wait=False`.

        Raises `JobFailed`, a `RuntimeError`, with the reason if the job fails.
        """
        return self._suggest(baseline_dataset, dataset_format, known(options, BaselineOptions, "suggest_baseline"))

    def _suggest(self, dataset: str, dataset_format: Mapping[str, Any], options: Mapping[str, Any]) -> ProcessingJob:
        name = self._baseline_name(options)
        return self._run(baselining.of_dataset(self, name, dataset, dataset_format, options), options)

    def run_baseline(
        self,
        baseline_inputs: Sequence[ProcessingInput],
        output: str | Mapping[str, Any] = OUTPUT,
        arguments: Sequence[str] | None = None,
        wait: bool = True,
        logs: bool = True,
        job_name: str | None = None,
    ) -> ProcessingJob:
        """Run the image over inputs; `output` is a folder of the container, or an output as the API has it."""
        name = self._baseline_name({"job_name": job_name})
        session, inputs = self.sagemaker_session, []
        for number, each in enumerate(baseline_inputs, 1):
            label = each.input_name or f"input-{number}"
            uri = session.uploaded(each.source, "model-monitor", "baselining", name, "input", label)
            inputs.append(baselining.job_input(label, uri, each.destination))
        if isinstance(output, str):
            output = baselining.job_output("monitoring_output", session.place(name, "output"), output)
        environment = {**(self.env or {}), "output_path": output["S3Output"]["LocalPath"]}
        request = baselining.request(
            self, name, inputs, [dict(output)], environment=environment, arguments=arguments or self.arguments
        )
        return self._run(request, {"wait": wait, "logs": logs})

    def _baseline_name(self, options: Mapping[str, Any]) -> str:
        return options.get("job_name") or unique_name(self.base_job_name or "baseline-suggestion-job")

    def _run(self, request: Mapping[str, Any], options: Mapping[str, Any]) -> ProcessingJob:
        self.sagemaker_session.call("create_processing_job", **request)
        job = self.JOB(self.sagemaker_session, request["ProcessingJobName"])
        self.baselining_jobs.append(job)
        if options.get("wait", True):
            job.wait(options.get("logs", True))
        return job

    @property
    def latest_baselining_job(self) -> BaseliningJob | None:
        """The job of its latest baseline."""
        return self.baselining_jobs[-1] if self.baselining_jobs else None

    @property
    def latest_baselining_job_name(self) -> str | None:
        """The name of that job."""
        return self.baselining_jobs[-1].job_name if self.baselining_jobs else None

    def describe_latest_baselining_job(self) -> dict[str, Any]:
        """What DescribeProcessingJob answers for that job; raises `ValueError` if there was none."""
        return self._latest_job().describe()

    def baseline_statistics(self, file_name: str = "statistics.json") -> Statistics:
        """The statistics of the latest baseline."""
        return self._latest_job().baseline_statistics(file_name)

    def suggested_constraints(self, file_name: str | None = None) -> Constraints:
        """The constraints of the latest baseline."""
        return self._latest_job().suggested_constraints(file_name)

    def _latest_job(self) -> BaseliningJob:
        if not self.baselining_jobs:
            raise ValueError("No suggestion jobs were kicked off.")
        return self.baselining_jobs[-1]

    # Schedules

    def create_monitoring_schedule(
        self, monitor_schedule_name: str | None = None, **options: Unpack[ScheduleOptions]
    ) -> dict[str, Any]:
        """Make a schedule, daily unless an expression is given; the answer of the API, with `MonitoringScheduleArn`.

        Raises `ValueError` for options that contradict one another or that the server refuses.
        """
        wanted = known(options, ScheduleOptions, "create_monitoring_schedule")
        self._check(wanted)
        if self.monitoring_schedule_name is not None or self.job_definition_name is not None:
            raise ValueError(USED_ALREADY)
        if ("endpoint_input" in wanted) == ("batch_transform_input" in wanted):
            raise ValueError(ONE_INPUT)
        when = _when(wanted, {})
        name = monitor_schedule_name or unique_name(self.base_job_name or "monitoring-schedule")
        self.arguments = wanted.get("arguments", self.arguments)
        actions = wanted.pop("alert_actions", None)
        tags = tag_list(self.tags) + tag_list(actions.tags() if actions is not None else None)
        every = {**self._own(), **self._completed(wanted), "tags": tags, "definition_stem": self.base_job_name}
        answer = schedules.create(self.sagemaker_session, name, self.KIND, every, when)
        self._take(name)
        return answer

    def update_monitoring_schedule(
        self, monitor_schedule_name: str | None = None, **options: Unpack[UpdateOptions]
    ) -> dict[str, Any]:
        """Change what is given of its schedule, or of the one named; all else stays. The answer of the API."""
        changes = known(options, UpdateOptions, "update_monitoring_schedule")
        name = monitor_schedule_name or self.monitoring_schedule_name
        if name is None:
            raise ValueError(NOT_YET)
        if not changes:
            raise ValueError("Nothing to update.")
        if "endpoint_input" in changes and "batch_transform_input" in changes:
            raise ValueError(NOT_BOTH)
        session = self.sagemaker_session
        described = schedules.describe(session, name)
        before = described["MonitoringScheduleConfig"]
        when = _when(changes, before.get("ScheduleConfig", {}))
        actions = changes.pop("alert_actions", None)
        answer = schedules.update(
            session, name, before, {key: value for key, value in changes.items() if key not in _TIMES}, when
        )
        if actions is not None:
            schedules.set_actions(session, name, actions)
        if name == self.monitoring_schedule_name:
            self._take(name)
            for option in _OWN & changes.keys():
                setattr(self, option, changes[option])
        return answer

    def start_monitoring_schedule(self, monitor_schedule_name: str | None = None) -> None:
        """Let its schedule, or the one named, run again."""
        self._change("start_monitoring_schedule", monitor_schedule_name)

    def stop_monitoring_schedule(self, monitor_schedule_name: str | None = None) -> None:
        """Let its schedule, or the one named, run no more until it is started."""
        self._change("stop_monitoring_schedule", monitor_schedule_name)

    def delete_monitoring_schedule(self, monitor_schedule_name: str | None = None) -> None:
        """Remove its schedule, or the one named, with its job definition; what it found stays."""
        name = self._schedule(monitor_schedule_name)
        schedules.delete(self.sagemaker_session, name)
        if name == self.monitoring_schedule_name:
            self.monitoring_schedule_name = self.job_definition_name = None

    def describe_schedule(self, monitor_schedule_name: str | None = None) -> dict[str, Any]:
        """What DescribeMonitoringSchedule answers."""
        return schedules.describe(self.sagemaker_session, self._schedule(monitor_schedule_name))

    def _change(self, operation: str, name: str | None) -> None:
        schedule = self._schedule(name)
        self.sagemaker_session.call(operation, MonitoringScheduleName=schedule)
        schedules.settle(self.sagemaker_session, schedule)

    def _take(self, name: str) -> None:
        config = schedules.settle(self.sagemaker_session, name)["MonitoringScheduleConfig"]
        self.monitoring_schedule_name, self.job_definition_name = name, config.get("MonitoringJobDefinitionName")

    def _own(self) -> dict[str, Any]:
        found = {option: getattr(self, option) for option in (*_OWN, "arguments")}
        return {option: value for option, value in found.items() if value is not None}

    def _check(self, options: Mapping[str, Any]) -> None:
        """Raise `ValueError` for options that a schedule of this kind cannot have."""

    def _completed(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of a new schedule with those that were not given."""
        if self.KIND is None:
            return dict(options)
        job = self.latest_baselining_job_name
        return {"enable_cloudwatch_metrics": True, **({"baselining_job_name": job} if job else {}), **options}


def _when(options: Mapping[str, Any], before: Mapping[str, str]) -> dict[str, str] | None:
    """The time of a schedule: what is said of it, else what it was before."""
    expression = options.get("schedule_cron_expression") or before.get("ScheduleExpression")
    start = options.get("data_analysis_start_time") or before.get("DataAnalysisStartTime")
    end = options.get("data_analysis_end_time") or before.get("DataAnalysisEndTime")
    return schedule_config(expression, start, end)
