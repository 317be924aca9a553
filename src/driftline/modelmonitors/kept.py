"""What a run kept of its report, read back: the verdict with all it rests on, so that pages can draw it again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from math import nan
from typing import Any

from driftline.baselines import Baseline
from driftline.catalog.modelruns import ModelRun
from driftline.errors import Conflict
from driftline.modelmonitors.evidence import profile_of, read_file
from driftline.modelmonitors.written import REPORT
from driftline.monitors.tracks import Track
from driftline.monitors.verdict import Compared, Measure, Verdict, Violation
from driftline.pages.content import Content
from driftline.problems import Problems
from driftline.storage.access import Access


def content_of(run: ModelRun, access: Access) -> Content:
    """The report of a run, from its files; raises `Conflict` for a run that wrote none."""
    before = run.body.get("baseline")
    if before is None:
        raise Conflict(what="run", name=run.id, reason=f"it is {run.status} and compared nothing")
    told = json.loads(read_file(run, REPORT, access))
    baseline = Baseline.load(before["folder"], access)
    measures = tuple(Measure(**_numbers(each, ("value",))) for each in told["measures"])
    violations = tuple(Violation(**_numbers(each, ("value", "limit"))) for each in told["violations"])
    return Content(
        Verdict(measures, violations),
        profile_of(run, access),
        baseline.profile,
        Problems(),
        f"{run.monitor} of {run.model}",
        (),
        f"{run.as_of:%Y-%m-%d %H:%M} UTC",
        tuple(told["notes"]),
        baseline.monitor,
        baseline.constraints,
        tuple(_estimates(told["estimates"])),
        tuple(Track(**_numbers(each, _TRACK)) for each in told["tracks"]),
    )


_TRACK = ("held", "held_low", "held_high", "error", "uncertainty", "size", "width")


def _estimates(told: Iterable[Mapping[str, Any]]) -> Iterable[Compared]:
    return (Compared(**_numbers(each, ("value", "low", "high", "realised"))) for each in told)


def _numbers(told: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """As it was: what JSON has as null is no number."""
    return {**told, **{name: nan for name in names if told[name] is None}}
