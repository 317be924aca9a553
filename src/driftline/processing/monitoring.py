"""A monitoring execution as a processing job: inputs, output and environment as SageMaker sets them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from driftline.catalog.executions import Execution
from driftline.errors import NotFound
from driftline.schedules import Plan, source_of
from driftline.storage.access import Access
from driftline.storage.storages import storage_for
from driftline.window import Window

PROCESSING = "/opt/ml/processing"
_PREFIXES = {"DataQuality": "model-monitoring", "ModelQuality": "model-quality-monitoring"}
_PREFIXES |= {"ModelBias": "model-bias-monitoring", "ModelExplainability": "model-explainability-monitoring"}
_LONGEST = 63
"""Characters in the name of a job."""


@dataclass(frozen=True)
class Hours:
    """The folders of captured hours in a window: those that hold objects, and where was searched."""

    prefixes: Sequence[str]
    found: Sequence[str]
    window: Window

    def reason(self, why: str = "") -> str:
        """Why there is nothing to analyse: SageMaker's words, then what is known of it, and what was searched."""
        start, end = (f"{moment:%Y-%m-%dT%H:%MZ}" for moment in (self.window.start, self.window.end))
        searched = ", ".join(self.prefixes)
        said = f"Searched the hours from {start} to {end} below {searched}: no object there."
        asked = "" if why else " Is capture enabled, and was the endpoint invoked?"
        return f"Job inputs had no data. {why} {said}".replace("  ", " ") + asked


def hours_of(prefixes: Sequence[str], window: Window, access: Access) -> Hours:
    """Which hour folders `yyyy/MM/dd/HH` below the prefixes hold objects."""
    found = [
        f"{prefix.rstrip('/')}/{hour}"
        for prefix in prefixes
        for hour in window.hours()
        if _holds(f"{prefix.rstrip('/')}/{hour}/", access)
    ]
    return Hours(tuple(prefixes), tuple(found), window)


def _holds(prefix: str, access: Access) -> bool:
    try:
        return any(found.size for found in storage_for(prefix, access).list(prefix))
    except NotFound:
        return False


def capture_prefixes(execution: Execution, config: Mapping[str, Any] | None) -> list[str]:
    """Where the window's data lie: a folder for each variant of the endpoint, or the batch's captured outputs.

    `config` is the endpoint's configuration.
    """
    source = source_of(execution.body["definition"])
    if "DataCapturedDestinationS3Uri" in source:
        return [f"{source['DataCapturedDestinationS3Uri'].rstrip('/')}/output"]
    if config is None:
        return []
    destination = config["DataCaptureConfig"]["DestinationS3Uri"].rstrip("/")
    variants = [variant["VariantName"] for variant in config.get("ProductionVariants", ())]
    endpoint = config.get("EndpointName", source["EndpointName"])  # as registered, whatever its case here
    return [f"{destination}/{endpoint}/{variant}" for variant in variants]


def job_name(execution: Execution, suffix: str | None = None) -> str:
    """A name as SageMaker gives it: `model-monitoring-{yyyyMMddHHmm}-{24 hex digits}`, cut where it is too long."""
    prefix = _PREFIXES.get(execution.type or "", "model-monitoring")
    return f"{prefix}-{execution.scheduled:%Y%m%d%H%M}-{suffix or secrets.token_hex(12)}"[:_LONGEST]


def job_body(
    execution: Execution,
    data: Sequence[str],
    baseline: Mapping[str, str | None],
    config: Mapping[str, Any] | None,
    *,
    merged: bool = False,
) -> dict[str, Any]:
    """The members of `CreateProcessingJob` for an execution.

    `data` are the folders or objects with the rows, `merged` if they hold labels too. `baseline` names the files
    `statistics` and `constraints`, and `config` is the endpoint's configuration.
    """
    definition = execution.body["definition"]
    application, output, resources = parts_of(definition)
    inputs = [*_files(baseline, application), *data_inputs(data, local_path(definition))]
    result = _result(execution, output)
    source = source_of(definition)
    is_batch = "DataCapturedDestinationS3Uri" in source
    shape = _MERGED[execution.type or ""] if merged else _batch_format(source) if is_batch else _CAPTURE
    environment = _environment(execution, application, source, config, inputs, result)
    environment["dataset_format"] = json.dumps(shape, separators=(",", ":"))
    return {
        "ProcessingInputs": inputs,
        "ProcessingOutputConfig": {"Outputs": [result], **_present(output, "KmsKeyId")},
        "ProcessingResources": {"ClusterConfig": resources},
        "AppSpecification": {"ImageUri": application["ImageUri"], **_entry(application)},
        "Environment": environment,
        "StoppingCondition": definition.get("StoppingCondition") or {"MaxRuntimeInSeconds": 3600},
        **_present(definition, "RoleArn"),
        **_present(definition, "NetworkConfig"),
    }


def parts_of(definition: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Application, output and cluster of a definition, whatever their members are called in its kind."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in definition.items():
        for part in ("AppSpecification", "OutputConfig"):
            if name.endswith(part):
                found[part] = dict(value)
    application = found.get("AppSpecification", {})
    application["Environment"] = {**(application.get("Environment") or {}), **(definition.get("Environment") or {})}
    cluster = definition.get("JobResources") or definition.get("MonitoringResources") or {}
    return application, found.get("OutputConfig", {}), dict(cluster.get("ClusterConfig", {}))


def local_path(definition: Mapping[str, Any]) -> str:
    """Where the container finds the rows."""
    return source_of(definition).get("LocalPath") or f"{PROCESSING}/input/endpoint"


def _files(baseline: Mapping[str, str | None], application: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = [
        ("baseline", f"{PROCESSING}/baseline/stats", baseline.get("statistics")),
        ("constraints", f"{PROCESSING}/baseline/constraints", baseline.get("constraints")),
        ("pre_processor_script", f"{PROCESSING}/code/preprocessing", application.get("RecordPreprocessorSourceUri")),
        (
            "post_processor_script",
            f"{PROCESSING}/code/postprocessing",
            application.get("PostAnalyticsProcessorSourceUri"),
        ),
        (CONFIG, f"{PROCESSING}/input/config", application.get("ConfigUri")),
    ]
    return [input_of(name, path, uri) for name, path, uri in found if uri]


def data_inputs(data: Sequence[str], root: str) -> list[dict[str, Any]]:
    """An input for each folder or object with rows, below `root` as its URI ends: endpoint, variant, date, hour."""
    found = []
    for place, uri in enumerate(data, 1):
        folder = uri.rpartition("/")[0] if uri.endswith(".jsonl") else uri
        tail = "/".join(folder.split("/")[-6:])
        found.append(input_of(f"endpoint_input_{place}", f"{root.rstrip('/')}/{tail}", uri))
    return found


def input_of(name: str, path: str, uri: str) -> dict[str, Any]:
    """An input that brings what lies at `uri` to `path` in the container."""
    source = {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    source |= {"S3DataDistributionType": "FullyReplicated", "S3CompressionType": "None"}
    return {"InputName": name, "AppManaged": False, "S3Input": source}


def _result(execution: Execution, output: Mapping[str, Any]) -> dict[str, Any]:
    given = output["MonitoringOutputs"][0]["S3Output"]
    folders = [execution.endpoint, execution.schedule] if execution.endpoint else [execution.schedule]
    # SageMaker knows hours only; what runs more often would write over what ran before
    hour = "%Y/%m/%d/%H/%M" if Plan.of(execution.body["schedule"]).is_frequent else "%Y/%m/%d/%H"
    uri = "/".join([given["S3Uri"].rstrip("/"), *folders, execution.scheduled.strftime(hour)])
    if execution.run:
        uri += f"/run-{execution.run}"
    mode = given.get("S3UploadMode", "Continuous")
    place = {"S3Uri": uri, "LocalPath": given["LocalPath"], "S3UploadMode": mode}
    return {"OutputName": "result", "AppManaged": False, "S3Output": place}


def _entry(application: Mapping[str, Any]) -> dict[str, Any]:
    return {**_present(application, "ContainerEntrypoint"), **_present(application, "ContainerArguments")}


def _present(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {name: values[name]} if values.get(name) else {}


def _environment(
    execution: Execution,
    application: Mapping[str, Any],
    source: Mapping[str, Any],
    config: Mapping[str, Any] | None,
    inputs: Sequence[Mapping[str, Any]],
    result: Mapping[str, Any],
) -> dict[str, str]:
    """Section 6.1 of the contract: what the container is told."""
    start, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (execution.window_start, execution.window_end))
    is_batch = "DataCapturedDestinationS3Uri" in source
    found = {
        "dataset_source": source.get("LocalPath") or f"{PROCESSING}/input/endpoint",
        "output_path": result["S3Output"]["LocalPath"],
        "start_time": start,
        "end_time": end,
        "metric_time": start,
        "monitoring_input_type": "BATCH_TRANSFORM_INPUT" if is_batch else "ENDPOINT_INPUT",
        "publish_cloudwatch_metrics": "Enabled",
        "sagemaker_monitoring_schedule_name": execution.schedule,
    }
    if execution.endpoint:
        found["sagemaker_endpoint_name"] = execution.endpoint
    if config is not None and "DataCaptureConfig" in config:
        found["sagemaker_endpoint_datacapture_prefix"] = config["DataCaptureConfig"]["DestinationS3Uri"]
    for each in inputs:
        if each["InputName"] in _VARIABLES:
            place = each["S3Input"]
            found[_VARIABLES[each["InputName"]]] = f"{place['LocalPath']}/{place['S3Uri'].rpartition('/')[2]}"
    if execution.type in _ANALYSES:
        found["analysis_type"] = _ANALYSES[execution.type]
        found |= {name: str(source[member]) for name, member in _ATTRIBUTES.items() if source.get(member)}
        if "ProbabilityThresholdAttribute" in source:
            found["probability_threshold_attribute"] = f"{source['ProbabilityThresholdAttribute']:.6f}"
        if application.get("ProblemType"):
            found["problem_type"] = application["ProblemType"]
    return {**found, **{name: str(value) for name, value in application["Environment"].items()}}


CONFIG = "analysis_config"
"""The input of a Clarify job that brings its `analysis_config.json`."""

_CAPTURE = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}
_MERGED = {
    "ModelQuality": {"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"], "originalDatasetFormat": None}},
    "ModelBias": {
        "sagemakerMergeJson": {"captureIndexNames": ["endpointInput", "endpointOutput"], "originalDatasetFormat": None}
    },
}
_VARIABLES = {
    "baseline": "baseline_statistics",
    "constraints": "baseline_constraints",
    "pre_processor_script": "record_preprocessor_script",
    "post_processor_script": "post_analytics_processor_script",
}
_ATTRIBUTES = {
    "features_attribute": "FeaturesAttribute",
    "inference_attribute": "InferenceAttribute",
    "probability_attribute": "ProbabilityAttribute",
    "exclude_features_attribute": "ExcludeFeaturesAttribute",
}
_ANALYSES = {
    "ModelQuality": "MODEL_QUALITY",
    "ModelBias": "MODEL_BIAS",
    "ModelExplainability": "MODEL_EXPLAINABILITY",
}


def _batch_format(source: Mapping[str, Any]) -> dict[str, Any]:
    given = source.get("DatasetFormat") or {}
    if "Csv" in given:
        return {"csv": {"header": bool(given["Csv"].get("Header", False))}}
    if "Json" in given:
        return {"json": {"line": bool(given["Json"].get("Line", False))}}
    return {"parquet": {}}
