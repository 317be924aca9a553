"""What a batch will be once it is committed: written down before, in the form of the catalog."""

from __future__ import annotations

from typing import Any

from driftline.imports import hourparts
from driftline.imports.batch import Load
from driftline.imports.job import Content
from driftline.inferences.log import LATE
from driftline.inferences.tables import Tables
from driftline.schemas.fields import ModelSchema


def plan_of(load: Load, tables: Tables) -> dict[str, Any]:
    """What the batch will be: the ledger's columns of its files, and of earlier ones that lose rows; hours; tables."""
    batch = load.batch
    results = {str(each.number): each.to_dict() for each in load.results}
    lost = _lost(load)
    for number in list(lost):
        if str(number) in results:
            results[str(number)]["accepted"] -= lost[number]
            results[str(number)]["duplicate"] += lost.pop(number)
    return {
        "files": [each.number for each in batch.files if each not in load.postponed],
        "postponed": {str(each.number): each.attempts for each in load.postponed},
        "tables": sorted(load.stagings),
        "results": results,
        "lost": {str(number): count for number, count in lost.items()},
        "hours": hourparts.written(load, tables),
        "vanished": hourparts.vanished(load),
        "touched": _touched(load),
        "schemas": _grown(load),
        "began": batch.began.isoformat(),
    }


def _grown(load: Load) -> dict[str, Any]:
    """By version the fields that the schema has since the batch began, for all others may be edited meanwhile."""
    found = {}
    for name, schema in load.schemas.items():
        before = load.batch.schemas.get(name)
        fields = [each for each in schema if before is None or each not in before.fields]
        if fields or before is None:
            found[name] = ModelSchema(tuple(fields)).to_dict()
    return found


def _lost(load: Load) -> dict[int, int]:
    """How many rows each earlier file loses to later ones: of actuals none, since their history is kept."""
    lost: dict[int, int] = {}
    for uri, staged in load.stagings.items():
        if not uri.endswith(LATE) or load.batch.job.content is Content.ACTUALS:
            for number, count in staged.superseded.items():
                lost[number] = lost.get(number, 0) + count
    return lost


def _touched(load: Load) -> list[list[str]]:
    """Versions, environments and hours whose answers may change by this batch."""
    found = set()
    for uri, staged in load.stagings.items():
        own = next((name for name in load.schemas if load.uri_of(name) == uri), "")
        found |= {(version or own, place, f"{hour:%Y-%m-%dT%H}:00:00Z") for version, place, hour in staged.touched}
    return [list(each) for each in sorted(found)]
