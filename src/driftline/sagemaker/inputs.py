"""What a monitor reads and writes: endpoints, batch-transform captures, outputs, formats, networks."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ROOT = "/opt/ml/processing"
ENDPOINT_INPUT = f"{ROOT}/input/endpoint"
OUTPUT = f"{ROOT}/output"

_ATTRIBUTES = {
    "start_time_offset": "StartTimeOffset",
    "end_time_offset": "EndTimeOffset",
    "features_attribute": "FeaturesAttribute",
    "inference_attribute": "InferenceAttribute",
    "probability_attribute": "ProbabilityAttribute",
    "probability_threshold_attribute": "ProbabilityThresholdAttribute",
    "exclude_features_attribute": "ExcludeFeaturesAttribute",
}


@dataclass
class EndpointInput:
    """The captured data of an endpoint; the attributes say where in a record the model's answer and inputs are.

    Attributes are names or indexes of columns, or JMESPath for JSON; offsets are ISO 8601 durations such as `-PT1H`.
    """

    endpoint_name: str
    destination: str = ENDPOINT_INPUT
    s3_input_mode: str = "File"
    s3_data_distribution_type: str = "FullyReplicated"
    start_time_offset: str | None = None
    end_time_offset: str | None = None
    features_attribute: str | None = None
    inference_attribute: str | None = None
    probability_attribute: str | None = None
    probability_threshold_attribute: float | None = None
    exclude_features_attribute: str | None = None

    def _to_request_dict(self) -> dict[str, Any]:
        return {"EndpointInput": {"EndpointName": self.endpoint_name, **_reading(self), **_attributes(self)}}


@dataclass
class BatchTransformInput:
    """The captured data of batch-transform jobs below a URI."""

    data_captured_destination_s3_uri: str
    destination: str
    dataset_format: Mapping[str, Any]
    s3_input_mode: str = "File"
    s3_data_distribution_type: str = "FullyReplicated"
    start_time_offset: str | None = None
    end_time_offset: str | None = None
    features_attribute: str | None = None
    inference_attribute: str | None = None
    probability_attribute: str | None = None
    probability_threshold_attribute: float | None = None
    exclude_features_attribute: str | None = None

    def _to_request_dict(self) -> dict[str, Any]:
        captured = {
            "DataCapturedDestinationS3Uri": self.data_captured_destination_s3_uri,
            "DatasetFormat": monitoring_format(self.dataset_format),
        }
        return {"BatchTransformInput": {**captured, **_reading(self), **_attributes(self)}}


def with_attributes(source: Any, attributes: Mapping[str, Any]) -> Any:
    """A copy of an input in which the attributes that it does not name are these; a name is that of an endpoint.

    >>> with_attributes("churn", {"inference_attribute": "label"}).inference_attribute
    'label'
    """
    found = EndpointInput(source) if isinstance(source, str) else copy.copy(source)
    for name, value in attributes.items():
        if getattr(found, name) is None:
            setattr(found, name, value)
    return found


def _reading(given: EndpointInput | BatchTransformInput) -> dict[str, Any]:
    return {
        "LocalPath": given.destination,
        "S3InputMode": given.s3_input_mode,
        "S3DataDistributionType": given.s3_data_distribution_type,
    }


def _attributes(given: EndpointInput | BatchTransformInput) -> dict[str, Any]:
    found = {member: getattr(given, name) for name, member in _ATTRIBUTES.items()}
    found = {member: str(value) for member, value in found.items() if value is not None}
    if "ProbabilityThresholdAttribute" in found:
        found["ProbabilityThresholdAttribute"] = float(found["ProbabilityThresholdAttribute"])
    return found


@dataclass
class MonitoringOutput:
    """Where results go: from a folder of the container to a URI, at the end or while the job runs."""

    source: str = OUTPUT
    destination: str | None = None
    s3_upload_mode: str = "EndOfJob"

    def _to_request_dict(self) -> dict[str, Any]:
        place = {"S3Uri": self.destination, "LocalPath": self.source, "S3UploadMode": self.s3_upload_mode}
        return {"S3Output": place}


@dataclass
class ProcessingInput:
    """An input of a job: a URI or a local path, and where the container finds it."""

    source: str
    destination: str
    input_name: str | None = None


@dataclass
class NetworkConfig:
    """The network of a job: accepted and kept; the server runs jobs on its own machine."""

    enable_network_isolation: bool = False
    security_group_ids: Sequence[str] | None = None
    subnets: Sequence[str] | None = None
    encrypt_inter_container_traffic: bool | None = None

    def _to_request_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {"EnableNetworkIsolation": self.enable_network_isolation}
        if self.encrypt_inter_container_traffic is not None:
            found["EnableInterContainerTrafficEncryption"] = self.encrypt_inter_container_traffic
        vpc = {"SecurityGroupIds": self.security_group_ids, "Subnets": self.subnets}
        if any(vpc.values()):
            found["VpcConfig"] = {name: list(value) for name, value in vpc.items() if value is not None}
        return found


class DatasetFormat:
    """Formats of a data set that a baseline is made of."""

    @staticmethod
    def csv(header: bool = True, output_columns_position: str = "START") -> dict[str, Any]:
        """CSV; the position says on which side the model's answer is."""
        return {"csv": {"header": header, "output_columns_position": output_columns_position}}

    @staticmethod
    def json(lines: bool = True) -> dict[str, Any]:
        """JSON, an object a line or an array of them."""
        return {"json": {"lines": lines}}

    @staticmethod
    def sagemaker_capture_json() -> dict[str, Any]:
        """Captured records."""
        return {"sagemakerCaptureJson": {}}


class MonitoringDatasetFormat:
    """Formats of what batch-transform jobs capture."""

    @staticmethod
    def csv(header: bool = True) -> dict[str, Any]:
        """CSV."""
        return {"Csv": {"Header": header}}

    @staticmethod
    def json(lines: bool = True) -> dict[str, Any]:
        """JSON, an object a line or an array of them."""
        return {"Json": {"Line": lines}}

    @staticmethod
    def parquet() -> dict[str, Any]:
        """Parquet."""
        return {"Parquet": {}}


def monitoring_format(given: Mapping[str, Any]) -> dict[str, Any]:
    """A format as the API spells it, whether it was given so or as a baseline's format is.

    >>> monitoring_format({"csv": {"header": False}}), monitoring_format({"Json": {"Line": True}})
    ({'Csv': {'Header': False}}, {'Json': {'Line': True}})
    >>> monitoring_format({"json": {"lines": True}})
    {'Json': {'Line': True}}
    """
    names = {"csv": "Csv", "json": "Json", "parquet": "Parquet"}
    members = {"header": "Header", "lines": "Line", "line": "Line"}
    unknown = [name for name in given if name.lower() not in names]
    if unknown:
        raise ValueError(f"dataset_format: got {unknown[0]!r}, expected one of csv, json and parquet.")
    return {
        names[name.lower()]: {members[key.lower()]: flag for key, flag in options.items() if key.lower() in members}
        for name, options in given.items()
    }
