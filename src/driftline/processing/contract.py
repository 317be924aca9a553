"""What a processing job asks, read from its description: where the container's paths lie in object storage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from driftline.errors import Invalid

ANALYZER = "sagemaker-model-monitor-analyzer"
CLARIFY = "sagemaker-clarify-processing"
MERGER = "sagemaker-model-monitor-groundtruth-merger"
ROOT = "/opt/ml/processing"
INPUT = f"{ROOT}/input"
"""Where a job's data lie if it does not say where."""


@dataclass(frozen=True)
class Mount:
    """An input of a job: what lies at `uri` appears in the container at `path`."""

    name: str
    path: str
    uri: str
    is_manifest: bool = False


@dataclass(frozen=True)
class Output:
    """An output of a job: what the container leaves below `path` goes to `uri`."""

    name: str
    path: str
    uri: str
    continuous: bool = False


_NO_ROWS = ("analysis_config", "baseline", "constraints", "pre_processor_script", "post_processor_script")
"""Inputs that a monitor's jobs have beside their data."""


@dataclass(frozen=True)
class Contract:
    """A processing job as its container sees it; built from the members of `CreateProcessingJob`."""

    name: str
    image: str
    environment: Mapping[str, str]
    inputs: tuple[Mount, ...]
    outputs: tuple[Output, ...]
    command: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    seconds: int = 86_400
    kms_key: str | None = None
    body: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, name: str, body: Mapping[str, Any]) -> Contract:
        """The contract of a job with this description."""
        specification = body.get("AppSpecification", {})
        outputs = body.get("ProcessingOutputConfig", {})
        return cls(
            name=name,
            image=specification.get("ImageUri", ""),
            environment=dict(body.get("Environment") or {}),
            inputs=tuple(_mounts(body)),
            outputs=tuple(_outputs(outputs)),
            command=tuple(specification.get("ContainerEntrypoint") or ()),
            arguments=tuple(specification.get("ContainerArguments") or ()),
            seconds=int(body.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86_400)),
            kms_key=outputs.get("KmsKeyId"),
            body=body,
        )

    @property
    def repository(self) -> str:
        """The image's repository: its name without registry, tag and digest.

        >>> Contract("j", "1.dkr.ecr.us-east-1.amazonaws.com/team/own:1.0", {}, (), ()).repository
        'team/own'
        """
        path = self.image.partition("@")[0].rpartition("/")[2].partition(":")[0]
        folders = self.image.partition("/")[2].rpartition("/")[0]
        return f"{folders}/{path}" if folders else path

    def uri_of(self, path: str) -> str:
        """Where a file of the container lies; raises `Invalid` if no input brings it there.

        >>> job = Contract("j", "", {}, (Mount("b", "/opt/ml/processing/base", "s3://b/x/statistics.json"),), ())
        >>> job.uri_of("/opt/ml/processing/base/statistics.json")
        's3://b/x/statistics.json'
        """
        for mount in self.inputs:
            below = _below(path, mount.path)
            if below is None:
                continue
            return mount.uri if not below or mount.uri.endswith("/" + below) else f"{mount.uri.rstrip('/')}/{below}"
        known = ", ".join(mount.path for mount in self.inputs) or "no input"
        raise Invalid(what="path in the container", got=path, expected=f"a path below {known}")

    def data(self) -> tuple[Mount, ...]:
        """The inputs that hold the rows: those at or below `dataset_source`."""
        return self.below(self.environment.get("dataset_source", INPUT))

    def below(self, folder: str) -> tuple[Mount, ...]:
        """The inputs at or below a folder of the container that may hold rows.

        Users who have them at `/opt/ml/processing/input` have a monitor's own files below it.
        """
        known = (each for each in self.inputs if each.name not in _NO_ROWS or each.path.rstrip("/") == folder)
        return tuple(mount for mount in known if _below(mount.path, folder) is not None)

    def result(self) -> str:
        """Where the result goes; raises `Invalid` if there is no output at `output_path`."""
        path = self.environment.get("output_path", f"{ROOT}/output")
        for output in self.outputs:
            below = _below(path, output.path)
            if below is not None:
                return f"{output.uri.rstrip('/')}/{below}".rstrip("/")
        known = ", ".join(output.path for output in self.outputs) or "no output"
        raise Invalid(what="output_path", got=path, expected=f"a path below {known}")

    def config(self) -> str:
        """The container's `/opt/ml/config/processingjobconfig.json`."""
        body = {"ProcessingJobName": self.name, **(self.body or {})}
        return json.dumps(body, default=str)


def _mounts(body: Mapping[str, Any]) -> list[Mount]:
    found = []
    for each in body.get("ProcessingInputs") or ():
        source = each.get("S3Input")
        if source:
            is_manifest = source.get("S3DataType") == "ManifestFile"
            found.append(Mount(each["InputName"], source.get("LocalPath", ROOT), source["S3Uri"], is_manifest))
    return found


def _outputs(config: Mapping[str, Any]) -> list[Output]:
    found = []
    for each in config.get("Outputs") or ():
        place = each.get("S3Output")
        if place:
            continuous = place.get("S3UploadMode") == "Continuous"
            found.append(Output(each["OutputName"], place.get("LocalPath", ROOT), place["S3Uri"], continuous))
    return found


def _below(path: str, folder: str) -> str | None:
    """The rest of a path below a folder; None if it lies elsewhere.

    >>> _below("/a/b/c", "/a/b"), _below("/a/b", "/a/b"), _below("/a/bc", "/a/b")
    ('c', '', None)
    """
    try:
        rest = PurePosixPath(path).relative_to(PurePosixPath(folder))
    except ValueError:
        return None
    return "" if rest == PurePosixPath() else str(rest)
