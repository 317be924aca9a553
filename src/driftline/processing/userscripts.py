"""The two scripts that a monitoring job may bring: what its environment says of them, and the one that runs last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any

from driftline.processing.contract import ROOT, Contract
from driftline.processing.inputs import read_bytes
from driftline.scripts import postprocess, script
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

BEFORE, AFTER = "record_preprocessor_script", "post_analytics_processor_script"
_LIMITS = ("script_errors", "script_seconds", "script_memory_bytes")
_BASELINE = ("baseline_statistics", "baseline_constraints")


def settings_of(job: Contract) -> dict[str, Any]:
    """What the job's environment says of its scripts, as settings of a run; they see that environment and no other."""
    found: dict[str, Any] = {name: job.environment[name] for name in _LIMITS if name in job.environment}
    return {**found, "script_environment": dict(job.environment)}


def preprocess_of(job: Contract) -> str | None:
    """Where the script lies that makes rows of records; raises `Invalid` if no input brings it."""
    path = job.environment.get(BEFORE)
    return job.uri_of(path) if path else None


def postprocess_after(job: Contract, written: Sequence[str], access: Access, log: Callable[[str], None]) -> list[str]:
    """Run the job's last script, if it has one; the URIs that it wrote beside or in place of `written`.

    It finds the run's files at `output_path` and the baseline's where the environment says. Raises `ScriptFailed`.
    """
    path = job.environment.get(AFTER)
    if not path:
        return []
    output, result = job.environment.get("output_path", f"{ROOT}/output"), job.result()
    places = {f"{output}/{uri.removeprefix(result).lstrip('/')}": uri for uri in written if uri.startswith(result)}
    baseline = [job.environment[name] for name in _BASELINE if job.environment.get(name)]
    places |= {place: job.uri_of(place) for place in baseline}
    files = {place: read_bytes(uri, access) for place, uri in places.items()}
    found = postprocess.run(script.load(job.uri_of(path), settings_of(job), access), files, output, log)
    for place, data in found.items():
        uri = f"{result}/{PurePosixPath(place).relative_to(output)}"
        storage_for(uri, access).put(uri, data)
        log(f"{PurePosixPath(path).name} wrote {uri}")
    return [f"{result}/{PurePosixPath(place).relative_to(output)}" for place in found]
