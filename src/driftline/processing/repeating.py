"""What is kept of a run so that it can be repeated, and what is not as it was when it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from driftline.manifest import Manifest
from driftline.processing.contract import Contract
from driftline.processing.outcome import Outcome
from driftline.storage.access import Access
from driftline.version import VERSION
from driftline.versions import Version, compare, look, versions_from, versions_to


def kept(manifest: Manifest, opened: Mapping[str, Version], access: Access) -> dict[str, Any]:
    """The manifest of a run that was made, with the versions of all it read: `opened`, baseline, script and labels."""
    named = (manifest.statistics, manifest.constraints, manifest.preprocess, *manifest.labels)
    objects = {**opened, **look([uri for uri in named if uri], access)}
    return replace(manifest, objects=versions_to(objects), version=VERSION).to_dict()


def since(job: Contract, manifest: Manifest, access: Access, log: Callable[[str], None]) -> str | Outcome:
    """What is not as it was when the run was made that the job repeats: a sentence for its message, mostly empty.

    A failure if an object is gone. Objects are compared by size and etag: one that was written again with the same
    bytes counts as changed where its storage gives it another etag.
    """
    if not (job.body or {}).get("Replay"):
        return ""
    found = compare(versions_from(manifest.objects), access)
    for line in found.lines():
        log(line)
    if found.gone:
        remedy = "Run the window again to read what is there now."
        return Outcome.failed(f"ClientError: the run cannot be repeated: {found.said}. {remedy}")
    told = [f"Not the same input as before: {found.said}."] if found.said else []
    if manifest.version not in ("", VERSION):
        log(f"Driftline {manifest.version} made the run, this is {VERSION}")
        told.append(f"Driftline {manifest.version} made the run, this is {VERSION}.")
    return " ".join(["", *told])
