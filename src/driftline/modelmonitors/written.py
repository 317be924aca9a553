"""What a run leaves: its files, and what its row says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from math import isfinite
from typing import Any

from driftline.baselines import write_json
from driftline.manifest import Manifest
from driftline.monitors.verdict import Measure
from driftline.profile import Profile, encode
from driftline.reports import Report
from driftline.storage.access import Access
from driftline.storage.storages import storage_for
from driftline.version import VERSION
from driftline.versions import Version, versions_to

PROFILE, REPORT, PAGE, MANIFEST = "current.profile", "report.json", "report.html", "run.json"
_KEPT_VIOLATIONS, _KEPT_FIGURES = 200, 400


def save(report: Report, folder: str, manifest: Manifest, opened: Mapping[str, Version], access: Access) -> None:
    """All files of a run: SageMaker's, the page, the profile, and the manifest by which it is repeated."""
    report.save(folder, f"{folder}/{PAGE}", access)
    storage_for(folder, access).put(f"{folder}/{PROFILE}", encode(report.current))
    write_json(f"{folder}/{REPORT}", plain(report.to_dict()), access)
    kept = replace(manifest, objects=versions_to(opened), version=VERSION)
    write_json(f"{folder}/{MANIFEST}", plain(kept.to_dict()), access)


def figures(report: Report) -> dict[str, Any]:
    """What the row of a run says of its verdict, for lists and charts; the whole of it is in the report."""
    measures = [each for each in report.measures if each.name in _CHARTED or each.subject == "model"]
    columns = len({each.subject for each in measures if each.name in _OF_COLUMNS})
    if len(measures) > _KEPT_FIGURES:  # of many columns those are kept that broke something, and the model's own,
        broken = {each.subject for each in report.violations} | {"model"}
        worst: dict[str, float] = {}
        for each in measures:  # and of the others those that are nearest to their limits
            worst[each.subject] = max(worst.get(each.subject, 0.0), _nearness(each))
        measures.sort(key=lambda each: (each.subject not in broken, -worst[each.subject]))
    return {
        "columns": columns,
        "broken": [plain(_violation(each)) for each in report.violations[:_KEPT_VIOLATIONS]],
        "figures": [
            {"subject": each.subject, "name": each.name, "value": _number(each.value), "limit": each.limit}
            for each in measures[:_KEPT_FIGURES]
        ],
        "estimates": [
            {
                "name": each.name, "value": _number(each.value), "low": _number(each.low), "high": _number(each.high),
                "realised": _number(each.realised), "labelled": each.labelled,
            }
            for each in report.estimates
        ],
        "ranges": dict(islice(_ranges(report.current), _KEPT_FIGURES)),
    }  # fmt: skip


def _nearness(found: Measure) -> float:
    """How near a measure is to its limit; 1 is at it, 0 far from it or unknown."""
    if not isfinite(found.value):
        return 0.0
    if found.name == "completeness":
        return (1.0 - found.value) / max(1.0 - (found.limit or 0.0), 1e-9)
    return abs(found.value) / (abs(found.limit or 0.0) or 1.0)


def _ranges(current: Profile) -> Iterator[tuple[str, list[float]]]:
    """Of each column of numbers the least, the mean and the largest."""
    for name in current.names:
        column = current.column(name)
        found = column.moments
        if column.kinds.inferred in ("Integral", "Fractional") and column.present and isfinite(found.sum):
            yield name, [found.minimum, found.mean, found.maximum]


_OF_COLUMNS = ("baseline_drift", "completeness")
_CHARTED = (*_OF_COLUMNS, "attribution_ndcg", "DPL", "DI", "DPPL", "CI", "AD", "RD")
"""Measures of columns, groups and features that are drawn over time."""


def _violation(found: Any) -> dict[str, Any]:
    names = ("subject", "check", "value", "limit", "said")
    return {name: getattr(found, name) for name in names}


def plain(value: Any) -> Any:
    """The value as JSON has it: numbers that are none are null.

    >>> plain({"a": (1.0, float("nan"))})
    {'a': [1.0, None]}
    """
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
