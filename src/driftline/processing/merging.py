"""Driftline's own merger in the place of SageMaker's image: captured calls with their ground truth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from driftline.labels.merge import Merging, merge
from driftline.labels.truth import Truth
from driftline.processing.contract import Contract, Mount
from driftline.processing.inputs import listed
from driftline.processing.outcome import COMPLETED, Outcome
from driftline.storage.access import Access
from driftline.window import Window

TRUTH = "/opt/ml/processing/groundtruth"


def run(job: Contract, access: Access, log: Callable[[str], None]) -> Outcome:
    """Merge what the job's inputs hold; a job without a message, as SageMaker's. No labels yet is no failure."""
    source = job.environment.get("ground_truth_source", TRUTH)
    labels = _objects(job.below(source), access)
    captures = _objects(job.data(), access)
    log(f"Merging {len(captures)} objects of captured calls with {len(labels)} of ground truth")
    asked = Merging(tuple(captures), Truth(tuple(labels)), job.result(), _window(job), job.environment.get("name", ""))
    found = merge(asked, access)
    for problem in found.problems.examples:
        log(str(problem))
    log(found.coverage.said())
    log(f"Wrote {', '.join(found.written) or 'nothing'}")
    return Outcome(COMPLETED, merged=found.to_dict())


def _objects(mounts: tuple[Mount, ...], access: Access) -> list[str]:
    return [uri for mount in mounts for uri in listed(mount, access)]


def _window(job: Contract) -> Window | None:
    """The window of the execution; None for a job that was started by hand."""
    start, end = (job.environment.get(f"{name}_time") for name in ("start", "end"))
    return Window(datetime.fromisoformat(start), datetime.fromisoformat(end)) if start and end else None
