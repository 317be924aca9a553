"""Job definitions as the API has them, made of a monitor's options; what options do not say stays as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driftline.sagemaker.inputs import NetworkConfig
from driftline.sagemaker.options import drift_method

Options = Mapping[str, Any]

KINDS = {
    "DataQuality": "data_quality",
    "ModelQuality": "model_quality",
    "ModelBias": "model_bias",
    "ModelExplainability": "model_explainability",
}
"""`MonitoringType` -> the middle of the operations' names in boto3."""

ONE_INPUT = (
    "Need to have either batch_transform_input or endpoint_input to create an Amazon Model Monitoring Schedule. "
    "Please provide only one of the above required inputs"
)
NOT_BOTH = (
    "Cannot update both batch_transform_input and endpoint_input to update an Amazon Model Monitoring Schedule. "
    "Please provide atmost one of the above required inputs"
)
_DATA = ("EndpointInput", "BatchTransformInput")


def definition(kind: str, options: Options, existing: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a job definition of this kind, of options whose files are URIs already."""
    application = {
        **existing.get(f"{kind}AppSpecification", {}),
        **_given(
            ImageUri=options.get("image_uri"),
            ProblemType=options.get("problem_type"),
            ConfigUri=options.get("analysis_config"),
            RecordPreprocessorSourceUri=options.get("record_preprocessor_script"),
            PostAnalyticsProcessorSourceUri=options.get("post_analytics_processor_script"),
        ),
    }
    environment = _environment(options, application.get("Environment", {}))
    parts = {
        f"{kind}AppSpecification": application | ({"Environment": environment} if environment else {}),
        f"{kind}BaselineConfig": _baseline(options, existing.get(f"{kind}BaselineConfig", {})),
        f"{kind}JobInput": _data(options, existing.get(f"{kind}JobInput", {}), kind),
        f"{kind}JobOutputConfig": _output(options, existing.get(f"{kind}JobOutputConfig", {})),
        "JobResources": _resources(options, existing.get("JobResources", {})),
    }
    if kind != "DataQuality":
        parts[f"{kind}BaselineConfig"].pop("StatisticsResource", None)
    return _filled({**parts, **_surroundings(options, existing)})


def inline(options: Options, existing: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a definition inside of a schedule: what a monitor with an image of its own has."""
    application = {
        **existing.get("MonitoringAppSpecification", {}),
        **_given(
            ImageUri=options.get("image_uri"),
            ContainerEntrypoint=options.get("entrypoint"),
            ContainerArguments=options.get("arguments"),
            RecordPreprocessorSourceUri=options.get("record_preprocessor_script"),
            PostAnalyticsProcessorSourceUri=options.get("post_analytics_processor_script"),
        ),
    }
    before = (existing.get("MonitoringInputs") or [{}])[0]
    parts = {
        "MonitoringAppSpecification": application,
        "BaselineConfig": _baseline(options, existing.get("BaselineConfig", {})),
        "MonitoringInputs": [_data(options, before, None)],
        "MonitoringOutputConfig": _output(options, existing.get("MonitoringOutputConfig", {})),
        "MonitoringResources": _resources(options, existing.get("MonitoringResources", {})),
        "Environment": _environment(options, existing.get("Environment", {})),
    }
    return _filled({**parts, **_surroundings(options, existing)})


def members_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a monitor in a definition of any kind; parts that it does not have are left out."""
    parts = {_part(member): value for member, value in definition.items()}
    application, cluster = parts.get("AppSpecification", {}), parts["Resources"]["ClusterConfig"]
    network = definition.get("NetworkConfig")
    return _given(
        role=definition["RoleArn"],
        image_uri=application.get("ImageUri"),
        entrypoint=application.get("ContainerEntrypoint"),
        instance_count=cluster.get("InstanceCount"),
        instance_type=cluster.get("InstanceType"),
        volume_size_in_gb=cluster.get("VolumeSizeInGB"),
        volume_kms_key=cluster.get("VolumeKmsKeyId"),
        output_kms_key=parts.get("OutputConfig", {}).get("KmsKeyId"),
        max_runtime_in_seconds=definition.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"),
        env=application.get("Environment") or definition.get("Environment"),
        network_config=_network(network) if network else None,
    )


def _part(member: str) -> str:
    """A member's name without the kind of monitor: `DataQualityJobOutputConfig` is `OutputConfig`."""
    for part in ("AppSpecification", "OutputConfig", "Resources"):
        if member.endswith(part):
            return part
    return member


def _network(given: Mapping[str, Any]) -> NetworkConfig:
    vpc = given.get("VpcConfig", {})
    return NetworkConfig(
        given.get("EnableNetworkIsolation", False),
        vpc.get("SecurityGroupIds"),
        vpc.get("Subnets"),
        given.get("EnableInterContainerTrafficEncryption"),
    )


def _surroundings(options: Options, existing: Mapping[str, Any]) -> dict[str, Any]:
    seconds = options.get("max_runtime_in_seconds")
    network = options.get("network_config")
    return {
        "RoleArn": options.get("role") or existing.get("RoleArn"),
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds} if seconds else existing.get("StoppingCondition"),
        "NetworkConfig": network._to_request_dict() if network is not None else existing.get("NetworkConfig"),
    }


def _environment(options: Options, existing: Mapping[str, str]) -> dict[str, str]:
    """The user's variables, in place of those before if any are given, and SageMaker's own."""
    own = {
        name: existing[name] for name in ("publish_cloudwatch_metrics", "categorical_drift_method") if name in existing
    }
    found = {**own, **options["env"]} if options.get("env") is not None else dict(existing)
    if options.get("enable_cloudwatch_metrics") is not None:
        found["publish_cloudwatch_metrics"] = "Enabled" if options["enable_cloudwatch_metrics"] else "Disabled"
    method = drift_method(options.get("data_quality_monitoring_config"))
    return {**found, "categorical_drift_method": method} if method else found


def _baseline(options: Options, existing: Mapping[str, Any]) -> dict[str, Any]:
    files = {"ConstraintsResource": options.get("constraints"), "StatisticsResource": options.get("statistics")}
    found = {name: {"S3Uri": uri} for name, uri in files.items() if uri is not None}
    return {**existing, **found, **_given(BaseliningJobName=options.get("baselining_job_name"))}


def _data(options: Options, existing: Mapping[str, Any], kind: str | None) -> dict[str, Any]:
    found = dict(existing)
    for name in ("endpoint_input", "batch_transform_input"):
        if options.get(name) is not None:
            found = {member: value for member, value in found.items() if member not in _DATA}
            found |= options[name]._to_request_dict()
    if options.get("ground_truth_input") is not None and kind in ("ModelQuality", "ModelBias"):
        found["GroundTruthS3Input"] = {"S3Uri": options["ground_truth_input"]}
    if kind == "ModelBias":
        found.setdefault("GroundTruthS3Input", {})
    return found


def _output(options: Options, existing: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(existing)
    if options.get("output") is not None:
        found["MonitoringOutputs"] = [options["output"]._to_request_dict()]
    return found | _given(KmsKeyId=options.get("output_kms_key"))


def _resources(options: Options, existing: Mapping[str, Any]) -> dict[str, Any]:
    cluster = _given(
        InstanceCount=options.get("instance_count"),
        InstanceType=options.get("instance_type"),
        VolumeSizeInGB=options.get("volume_size_in_gb"),
        VolumeKmsKeyId=options.get("volume_kms_key"),
    )
    return {"ClusterConfig": {**existing.get("ClusterConfig", {}), **cluster}}


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _filled(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value not in (None, {}, [{}])}
