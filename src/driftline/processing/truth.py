"""Ground truth of monitoring executions: which hours may hold a window's labels, and the job that merges them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Union

from driftline.catalog.executions import Execution
from driftline.errors import NotFound
from driftline.labels.truth import fingerprint_of
from driftline.processing.contract import MERGER
from driftline.processing.monitoring import Hours, data_inputs, input_of, local_path, parts_of
from driftline.storage.access import Access
from driftline.storage.storage import Object
from driftline.storage.storages import storage_for
from driftline.window import Window

ROOT = "/opt/ml/processing"
TRUTH = f"{ROOT}/groundtruth"

EARLY = timedelta(days=1)
"""Labels are looked for from so long before the window on: some are known before their prediction."""

AGAIN = "The window is run again when labels arrive."

Step = Union["Ready", "Merge", "Missing"]

_DAY = timedelta(days=1)
_HOUR = len("yyyy/MM/dd/HH")


@dataclass(frozen=True)
class Truth:
    """The folders of hours that hold labels, and a fingerprint that changes with every object in them."""

    prefix: str
    window: Window
    found: Sequence[str]
    fingerprint: str

    @property
    def reason(self) -> str:
        """Why there is nothing to compare with: what was searched."""
        start, end = (f"{moment:%Y-%m-%dT%H:%MZ}" for moment in (self.window.start, self.window.end))
        return (
            f"No ground truth yet. Searched the hours from {start} to {end} below {self.prefix}: no object there. "
            f"{AGAIN}"
        )


@dataclass(frozen=True)
class Ready:
    """What the analysis reads: folders or objects with rows, `merged` if labels are in them."""

    data: Sequence[str]
    merged: bool = False


@dataclass(frozen=True)
class Merge:
    """The job that has to run first."""

    body: Mapping[str, Any]


@dataclass(frozen=True)
class Missing:
    """There are no labels, without which this monitor says nothing; why."""

    reason: str


def next_step(execution: Execution, hours: Hours, labels: Truth, merged: Mapping[str, Any] | None) -> Step:
    """What comes next for a window whose rows are in `hours`; `merged` is what the merge found, once it has run.

    Bias can be measured of predictions alone; the quality of a model cannot.
    """
    alone = execution.type != "ModelQuality"
    if not labels.found:
        return Ready(hours.found) if alone else Missing(labels.reason)
    if merged is None:
        return Merge(merge_body(execution, hours, labels))
    if merged["labelled"]:
        return Ready(merged["written"], merged=True)
    reason = f"None of the labels below {labels.prefix} belongs to a prediction of this window yet. {AGAIN}"
    return Ready(hours.found) if alone else Missing(reason)


def prefix_of(definition: Mapping[str, Any]) -> str | None:
    """Where the definition's ground truth lies; None if its kind needs none."""
    for name, value in definition.items():
        if name.endswith("JobInput"):
            source = value.get("GroundTruthS3Input")
            return str(source["S3Uri"]) if source and source.get("S3Uri") else None
    return None


def truth_of(prefix: str, window: Window, until: datetime, access: Access) -> Truth:
    """The labels of a window: those collected from a day before it until now, in folders `yyyy/MM/dd/HH`."""
    searched = Window(window.start - EARLY, max(until, window.end))
    hours = set(searched.hours())
    objects = sorted(_objects(prefix.rstrip("/"), searched, access, hours), key=lambda each: each.uri)
    found = dict.fromkeys(each.uri[: len(prefix.rstrip("/")) + 1 + _HOUR] for each in objects)
    return Truth(prefix, searched, tuple(found), fingerprint_of(objects))


def _objects(prefix: str, window: Window, access: Access, hours: set[str]) -> Iterator[Object]:
    """The objects in folders of the hours, listed a day at a time."""
    day = window.start.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < window.end:
        folder = f"{prefix}/{day:%Y/%m/%d}/"
        try:
            for found in storage_for(folder, access).list(folder):
                if found.size and found.uri[len(prefix) + 1 :][:_HOUR] in hours:
                    yield found
        except NotFound as error:
            if error.facts["what"] == "bucket":
                raise
        day += _DAY


def merge_name(execution: Execution) -> str:
    """The name of the job that merges; that of the analysis after it ends alike."""
    return f"groundtruth-merge-{execution.scheduled:%Y%m%d%H%M}-{secrets.token_hex(12)}"


def merge_body(execution: Execution, hours: Hours, truth: Truth) -> dict[str, Any]:
    """The members of `CreateProcessingJob` for the merge that goes before the analysis."""
    definition = execution.body["definition"]
    application, output, resources = parts_of(definition)
    root = local_path(definition)
    folder = f"{output['MonitoringOutputs'][0]['S3Output']['S3Uri'].rstrip('/')}/merge"
    result = {"S3Uri": folder, "LocalPath": f"{ROOT}/output", "S3UploadMode": "EndOfJob"}
    labels = [
        input_of(f"groundtruth_input_{place}", f"{TRUTH}/{uri[-_HOUR:]}", uri)
        for place, uri in enumerate(truth.found, 1)
    ]
    repository = application["ImageUri"].rpartition("/")[0]
    body = {
        "ProcessingInputs": [*data_inputs(hours.found, root), *labels],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "result", "AppManaged": False, "S3Output": result}]},
        "ProcessingResources": {"ClusterConfig": resources},
        "AppSpecification": {"ImageUri": f"{repository}/{MERGER}".lstrip("/")},
        "Environment": {
            "dataset_source": root,
            "ground_truth_source": TRUTH,
            "output_path": f"{ROOT}/output",
            "start_time": f"{execution.window_start:%Y-%m-%dT%H:%M:%SZ}",
            "end_time": f"{execution.window_end:%Y-%m-%dT%H:%M:%SZ}",
            "name": execution.schedule,
        },
        "StoppingCondition": definition.get("StoppingCondition") or {"MaxRuntimeInSeconds": 3600},
    }
    return {**body, "RoleArn": definition["RoleArn"]} if definition.get("RoleArn") else body
