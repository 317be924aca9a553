"""A schedule in plain members as SageMaker's requests: a job definition of its type, and the schedule that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline.cron import NOW
from driftline.processing.contract import ANALYZER, CLARIFY
from driftline.processing.monitoring import PROCESSING

_CLARIFY_TYPES = ("ModelBias", "ModelExplainability")
_ATTRIBUTES = {
    "features_attribute": "FeaturesAttribute",
    "inference_attribute": "InferenceAttribute",
    "probability_attribute": "ProbabilityAttribute",
    "probability_threshold": "ProbabilityThresholdAttribute",
    "start_offset": "StartTimeOffset",
    "end_offset": "EndTimeOffset",
}


@dataclass(frozen=True)
class Planned:
    """What is monitored, how and when; `endpoint` or `batch`, whose captured outputs lie at that URI as `format`.

    `constraints` and `statistics` are files of the baseline, `config` is Clarify's `analysis_config.json`. The window
    of a schedule that runs once (`NOW`) is told by offsets from when it is made: `-PT1H`.
    """

    type: str
    expression: str
    output: str
    endpoint: str | None = None
    batch: str | None = None
    format: str = "csv"
    header: bool = False
    statistics: str | None = None
    constraints: str | None = None
    config: str | None = None
    ground_truth: str | None = None
    problem_type: str | None = None
    attributes: Mapping[str, str | float] | None = None
    preprocess: str | None = None
    postprocess: str | None = None
    image: str | None = None
    role: str | None = None
    start: str | None = None
    end: str | None = None

    def definition(self, name: str, region: str, account: str) -> dict[str, Any]:
        """The request that makes its job definition."""
        repository = CLARIFY if self.type in _CLARIFY_TYPES else ANALYZER
        image = self.image or f"{account}.dkr.ecr.{region}.amazonaws.com/{repository}"
        cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}
        path = {"S3Uri": self.output, "LocalPath": f"{PROCESSING}/output", "S3UploadMode": "EndOfJob"}
        return {
            "JobDefinitionName": name,
            f"{self.type}BaselineConfig": self._baseline(),
            f"{self.type}AppSpecification": _given(
                ImageUri=image, ConfigUri=self.config, ProblemType=self.problem_type,
                RecordPreprocessorSourceUri=self.preprocess, PostAnalyticsProcessorSourceUri=self.postprocess,
            ),
            f"{self.type}JobInput": self._input(),
            f"{self.type}JobOutputConfig": {"MonitoringOutputs": [{"S3Output": path}]},
            "JobResources": {"ClusterConfig": cluster},
            "RoleArn": self.role or f"arn:aws:iam::{account}:role/driftline",
        }  # fmt: skip

    def schedule(self, name: str, definition: str) -> dict[str, Any]:
        """The request that makes, or changes, the schedule which runs this definition."""
        window = {"DataAnalysisStartTime": self.start, "DataAnalysisEndTime": self.end}
        when = _given(ScheduleExpression=self.expression, **(window if self.expression == NOW else {}))
        config = {
            "ScheduleConfig": when, "MonitoringJobDefinitionName": definition, "MonitoringType": self.type,
        }  # fmt: skip
        return {"MonitoringScheduleName": name, "MonitoringScheduleConfig": config}

    def _baseline(self) -> dict[str, Any]:
        files = {"ConstraintsResource": self.constraints}
        if self.type == "DataQuality":
            files["StatisticsResource"] = self.statistics
        return {name: {"S3Uri": uri} for name, uri in files.items() if uri}

    def _input(self) -> dict[str, Any]:
        named = {_ATTRIBUTES[name]: value for name, value in (self.attributes or {}).items()}
        shared = {"LocalPath": f"{PROCESSING}/input/endpoint", **named}
        found: dict[str, Any] = {}
        if self.endpoint:
            found["EndpointInput"] = {"EndpointName": self.endpoint, **shared}
        if self.batch:
            how = {
                "csv": {"Csv": {"Header": self.header}},
                "json": {"Json": {"Line": True}},
                "parquet": {"Parquet": {}},
            }
            place = {"DataCapturedDestinationS3Uri": self.batch, "DatasetFormat": how[self.format]}
            found["BatchTransformInput"] = {**place, **shared}
        if self.type in ("ModelQuality", "ModelBias"):
            found["GroundTruthS3Input"] = {"S3Uri": self.ground_truth} if self.ground_truth else {}
        return found


def planned_of(config: Mapping[str, Any], definition: Mapping[str, Any]) -> Planned:
    """What a schedule and its job definition say, as far as it has a place here.

    >>> made = Planned("DataQuality", "cron(0 * ? * * *)", "s3://b/out", endpoint="shop", constraints="s3://b/c.json")
    >>> config = made.schedule("s", "d")["MonitoringScheduleConfig"]
    >>> found = planned_of(config, made.definition("d", "us-east-1", "1"))
    >>> (found.endpoint, found.output, found.constraints)
    ('shop', 's3://b/out', 's3://b/c.json')
    """
    type, when = config["MonitoringType"], config.get("ScheduleConfig") or {}
    app, baseline = definition[f"{type}AppSpecification"], definition.get(f"{type}BaselineConfig") or {}
    given = definition[f"{type}JobInput"]
    source = given.get("EndpointInput") or given.get("BatchTransformInput") or {}
    shape = source.get("DatasetFormat") or {}
    return Planned(
        type=type, expression=when.get("ScheduleExpression") or "",
        output=definition[f"{type}JobOutputConfig"]["MonitoringOutputs"][0]["S3Output"]["S3Uri"],
        endpoint=source.get("EndpointName"), batch=source.get("DataCapturedDestinationS3Uri"),
        format=next((name.lower() for name in shape), "csv"), header=bool((shape.get("Csv") or {}).get("Header")),
        statistics=(baseline.get("StatisticsResource") or {}).get("S3Uri"),
        constraints=(baseline.get("ConstraintsResource") or {}).get("S3Uri"), config=app.get("ConfigUri"),
        ground_truth=(given.get("GroundTruthS3Input") or {}).get("S3Uri"), problem_type=app.get("ProblemType"),
        attributes={name: source[member] for name, member in _ATTRIBUTES.items() if source.get(member) is not None},
        preprocess=app.get("RecordPreprocessorSourceUri"), postprocess=app.get("PostAnalyticsProcessorSourceUri"),
        image=app.get("ImageUri"), role=definition.get("RoleArn"), start=when.get("DataAnalysisStartTime"),
        end=when.get("DataAnalysisEndTime"),
    )  # fmt: skip


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}
