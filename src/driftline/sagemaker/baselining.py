"""Baseline jobs: the processing jobs that look at training data, as the API has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from driftline.sagemaker.inputs import OUTPUT, ROOT
from driftline.sagemaker.options import drift_method
from driftline.sagemaker.session import Session

DATASET = "baseline_dataset_input"
_SCRIPTS = {
    "record_preprocessor_script": "record_preprocessor_script_input",
    "post_analytics_processor_script": "post_analytics_processor_script_input",
}
_QUALITY = (
    "problem_type",
    "inference_attribute",
    "probability_attribute",
    "ground_truth_attribute",
    "probability_threshold_attribute",
)


class Resources(Protocol):
    """What of a monitor a job needs: whose it is and what it may use."""

    sagemaker_session: Session
    role: str
    image_uri: str | None
    instance_count: int
    instance_type: str
    entrypoint: Sequence[str] | None
    volume_size_in_gb: int
    volume_kms_key: str | None
    output_kms_key: str | None
    max_runtime_in_seconds: int | None
    env: Mapping[str, str] | None
    tags: Any
    network_config: Any


def of_dataset(
    monitor: Resources, name: str, dataset: str, dataset_format: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """The request of a job over a data set, which local files are uploaded for."""
    session, below = monitor.sagemaker_session, ("model-monitor", "baselining", name)
    sources = {DATASET: dataset} | {_SCRIPTS[each]: options[each] for each in _SCRIPTS if options.get(each)}
    uris = {each: session.uploaded(source, *below, "input", each) for each, source in sources.items()}
    environment = {
        **(monitor.env or {}),
        "dataset_format": json.dumps(dataset_format),
        "dataset_source": f"{ROOT}/input/{DATASET}",
        "output_path": OUTPUT,
        "publish_cloudwatch_metrics": "Disabled",
    }
    for script, place in _SCRIPTS.items():
        if place in uris:
            environment[script] = f"{ROOT}/input/{place}/{uris[place].rpartition('/')[2]}"
    method = drift_method(options.get("monitoring_config_override"))
    if method:
        environment["categorical_drift_method"] = method
    if options.get("problem_type"):
        quality = {each: str(options[each]) for each in _QUALITY if options.get(each) is not None}
        environment |= {"analysis_type": "MODEL_QUALITY", **quality}
    inputs = [job_input(each, uri, f"{ROOT}/input/{each}") for each, uri in uris.items()]
    destination = options.get("output_s3_uri") or session.place(*below, "results")
    return request(monitor, name, inputs, [job_output("monitoring_output", destination)], environment=environment)


def of_analysis(monitor: Resources, name: str, data: Any, analysis: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The request of a bias or explainability job; its analysis configuration is put below `place`.

    `data` is a `DataConfig`: where the data are, and where the results go.
    """
    session = monitor.sagemaker_session
    dataset = session.uploaded(data.s3_data_input_path, "model-monitor", "baselining", name, "input", "dataset")
    config = session.write(f"{place.rstrip('/')}/analysis_config.json", json.dumps(analysis))
    inputs = [
        job_input("dataset", dataset, f"{ROOT}/input/data"),
        job_input("analysis_config", config, f"{ROOT}/input/config"),
    ]
    results = [job_output("analysis_result", data.s3_output_path)]
    return request(monitor, name, inputs, results, environment=monitor.env)


def request(
    monitor: Resources,
    name: str,
    inputs: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
    *,
    environment: Mapping[str, str] | None,
    arguments: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The request of CreateProcessingJob."""
    cluster = {
        "InstanceCount": monitor.instance_count,
        "InstanceType": monitor.instance_type,
        "VolumeSizeInGB": monitor.volume_size_in_gb,
        "VolumeKmsKeyId": monitor.volume_kms_key,
    }
    application = {
        "ImageUri": monitor.image_uri,
        "ContainerEntrypoint": monitor.entrypoint,
        "ContainerArguments": arguments,
    }
    seconds, network = monitor.max_runtime_in_seconds, monitor.network_config
    return _given(
        ProcessingJobName=name,
        ProcessingInputs=inputs,
        ProcessingOutputConfig=_given(Outputs=outputs, KmsKeyId=monitor.output_kms_key),
        ProcessingResources={"ClusterConfig": _given(**cluster)},
        AppSpecification=_given(**application),
        Environment=dict(environment) if environment else None,
        StoppingCondition={"MaxRuntimeInSeconds": seconds} if seconds else None,
        NetworkConfig=network._to_request_dict() if network is not None else None,
        RoleArn=monitor.sagemaker_session.role_arn(monitor.role),
        Tags=tag_list(monitor.tags) or None,
    )


def job_input(name: str, uri: str, path: str) -> dict[str, Any]:
    """An input: everything below a URI."""
    place = {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": {**place, "S3DataDistributionType": "FullyReplicated"}}


def job_output(name: str, uri: str, path: str = OUTPUT) -> dict[str, Any]:
    """An output: everything in a folder, when the job ends."""
    return {"OutputName": name, "S3Output": {"S3Uri": uri, "LocalPath": path, "S3UploadMode": "EndOfJob"}}


def tag_list(tags: Any) -> list[dict[str, str]]:
    """Tags as the API has them, of a mapping or of a list of keys and values.

    >>> tag_list({"team": "risk"}), tag_list([{"Key": "team", "Value": "risk"}])
    ([{'Key': 'team', 'Value': 'risk'}], [{'Key': 'team', 'Value': 'risk'}])
    """
    if isinstance(tags, Mapping):
        return [{"Key": key, "Value": value} for key, value in tags.items()]
    return [dict(each) for each in tags or ()]


def unique_name(stem: str) -> str:
    """A name with the time in it, as the SageMaker SDK makes them; at most 63 characters."""
    moment = f"{datetime.now(UTC):%Y-%m-%d-%H-%M-%S-%f}"[:-3]
    return f"{stem[: 62 - len(moment)]}-{moment}"


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
