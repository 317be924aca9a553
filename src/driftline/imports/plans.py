"""What a batch will be once it is committed: written down before, in the form of the catalog."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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


def amended(plan: Mapping[str, Any], load: Load, tables: Tables, missing: Collection[str]) -> dict[str, Any]:
    """The plan of a batch of which only the `missing` tables are still to be committed, read anew by `load`.

    Files that could be read before and cannot now have no rows in these.
    """
    fresh = plan_of(load, tables)
    if any(uri not in missing and not uri.endswith(LATE) for uri in plan["tables"]):
        # of rows that are in the other tables it cannot be told now that it was this batch that brought them
        same = [each for each, told in plan["results"].items() if told["status"] == fresh["results"][each]["status"]]
        fresh["results"] |= {each: plan["results"][each] for each in same}
        fresh["lost"] = plan["lost"]
    for name in ("hours", "vanished"):
        made = {each: fresh if load.uri_of(each) in missing else plan for each in {**plan[name], **fresh[name]}}
        fresh[name] = {each: told[name][each] for each, told in made.items() if each in told[name]}
    fresh["touched"] = sorted([*plan["touched"], *(each for each in fresh["touched"] if each not in plan["touched"])])
    kept = ("files", "postponed", "tables", "schemas", "began")
    return {**fresh, **{name: plan[name] for name in kept}}


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
