"""What a schedule's run will do with the storage, tried beforehand: which action on which resource is denied."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from driftline.captures.config import CaptureConfig
from driftline.catalog import Catalog
from driftline.errors import Denied, DriftlineError, NotFound
from driftline.processing import truth
from driftline.processing.contract import Contract
from driftline.processing.executing import NotYet, baseline_of, endpoint_config, traffic_of
from driftline.processing.monitoring import capture_prefixes, job_body
from driftline.processing.silence import silence_of
from driftline.schedules import sample, source_of
from driftline.storage.access import Access
from driftline.storage.storage import Object
from driftline.storage.storages import storage_for
from driftline.window import Window, remark

PROBE = ".driftline-preflight-"
"""How the name of the object begins that is written below the output, and removed."""

State = Literal["ok", "warning", "failed"]

_ACTIONS = {"get": "s3:GetObject", "list": "s3:ListBucket", "put": "s3:PutObject", "delete": "s3:DeleteObject"}


@dataclass(frozen=True)
class Step:
    """One thing that a run does: the permission as its owner spells it, on what, whether it works, what was found."""

    action: str
    resource: str
    state: State
    said: str


def check(catalog: Catalog, name: str, access: Access, now: datetime) -> list[Step]:
    """Try all that a run of the schedule needs, as this process may; raises `NotFound` if there is no such schedule.

    Only a small object is written, where the results will lie, and removed at once.
    """
    with catalog.read() as tx:
        execution = sample(tx, name, now)
        try:
            config, baseline = endpoint_config(tx, execution), baseline_of(tx, execution)
            silence = silence_of(execution.endpoint, config, traffic_of(tx, execution))
        except NotFound as error:
            return [Step("sagemaker:Describe", str(error.facts["name"]), "failed", str(error))]
        except NotYet as reason:
            return [Step("sagemaker:DescribeProcessingJob", name, "warning", f"{reason}: check again when it ended")]
    window = Window(execution.window_start, execution.window_end)
    prefixes = capture_prefixes(execution, config)
    job = Contract.of(name, job_body(execution, (), baseline, config))
    found = [*_baseline(name, baseline), *_offsets(name, source_of(execution.body["definition"]))]
    found += [_read(mount.uri, access) for mount in job.inputs]
    if config is not None:
        breaches = CaptureConfig.of(config["DataCaptureConfig"]).breaches()
        found += [Step("capture", execution.endpoint or name, "warning", said) for said in breaches]
    for prefix in prefixes:
        found += _captured(prefix, window, access, silence.said)
    labels = truth.prefix_of(execution.body["definition"])
    if labels is not None:
        found.append(_labels(labels, window, access, now))
    return [*found, *_probed(job, access)]


def _baseline(name: str, baseline: dict[str, str | None]) -> Iterator[Step]:
    if not any(baseline.values()):
        said = "no baseline is named: a run learns statistics and constraints, and cannot find violations"
        yield Step("baseline", name, "warning", said)


def _offsets(name: str, source: Mapping[str, Any]) -> Iterator[Step]:
    """Durations that are understood, and were perhaps not meant so."""
    for member in ("StartTimeOffset", "EndTimeOffset"):
        said = remark(source.get(member) or "")
        if said is not None:
            yield Step("schedule", name, "warning", f"{member}: {said}")


def _read(uri: str, access: Access) -> Step:
    try:
        with storage_for(uri, access).open(uri) as stream:
            stream.read(1)
    except DriftlineError as error:
        return _refused(error, "get", uri)
    return Step(_action("get", uri), uri, "ok", "it can be read")


def _captured(prefix: str, window: Window, access: Access, why: str) -> Iterator[Step]:
    """Look for captured data in the window, hour by hour, until there are some; `why` tells why there are none."""
    span = " to ".join(f"{moment:%Y-%m-%dT%H:%MZ}" for moment in (window.start, window.end))
    action = _action("list", prefix)
    try:
        for hour in window.hours():
            folder = f"{prefix.rstrip('/')}/{hour}/"
            first = next((each for each in _listed(folder, access) if each.size), None)
            if first is not None:
                yield Step(action, prefix, "ok", f"captured data are there, in {folder}")
                yield _read(first.uri, access)
                return
    except DriftlineError as error:
        yield _refused(error, "list", prefix)
        return
    why = why or "Is capture enabled, and was the endpoint invoked?"
    yield Step(action, prefix, "warning", f"it can be listed, but nothing lies in the hours {span}. {why}")


def _labels(prefix: str, window: Window, access: Access, now: datetime) -> Step:
    """Look for ground truth of the window; none yet is no fault."""
    action = _action("list", prefix)
    try:
        found = truth.truth_of(prefix, window, now, access)
    except DriftlineError as error:
        return _refused(error, "list", prefix)
    if not found.found:
        return Step(action, prefix, "warning", found.reason)
    return Step(action, prefix, "ok", f"ground truth is there, in {found.found[0]}/")


def _listed(folder: str, access: Access) -> Iterator[Object]:
    try:
        yield from storage_for(folder, access).list(folder)
    except NotFound as error:
        if error.facts["what"] == "bucket":
            raise


def _probed(job: Contract, access: Access) -> Iterator[Step]:
    """Write an object where the results will lie, with the job's key, and remove it."""
    uri = f"{job.result()}/{PROBE}{secrets.token_hex(8)}"
    storage = storage_for(uri, access)
    key = f", encrypted with {job.kms_key}" if job.kms_key else ""
    try:
        storage.put(uri, b"", kms_key=job.kms_key)
    except DriftlineError as error:
        yield _refused(error, "put", uri)
        return
    yield Step(_action("put", uri), job.result(), "ok", f"results can be written{key}")
    try:
        storage.delete(uri)
    except DriftlineError as error:
        left = _refused(error, "delete", uri)
        said = f"a run does not need it, but the empty object {uri} stays: {left.said}"
        yield Step(left.action, left.resource, "warning", said)


def _refused(error: DriftlineError, action: str, uri: str) -> Step:
    """The permission and the resource that the storage named, or else what was tried."""
    if isinstance(error, Denied):
        return Step(str(error.facts["action"]), str(error.facts["resource"]), "failed", str(error))
    return Step(_action(action, uri), uri, "failed", str(error))


def _action(action: str, uri: str) -> str:
    """As IAM has it for S3; the plain word for other places.

    >>> _action("get", "s3://logs/a"), _action("get", "/srv/a")
    ('s3:GetObject', 'get')
    """
    return _ACTIONS[action] if uri.startswith("s3://") else action
