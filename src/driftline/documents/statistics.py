"""`statistics.json`: what SageMaker Model Monitor says of a data set, from a profile and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from driftline.documents.members import at, listed, member, number, text, whole
from driftline.errors import Invalid
from driftline.monitors.constraints import MOST_CATEGORIES
from driftline.profile import Column, Profile
from driftline.profile.analyzer import Analyzer
from driftline.profile.columns import Cells
from driftline.profile.count import Count, CountState
from driftline.profile.distinct import Distinct
from driftline.profile.frequent import Frequent, FrequentState
from driftline.profile.kinds import KindCounts, Kinds
from driftline.profile.moments import Moments, MomentsState
from driftline.profile.quantiles import Quantiles, Sketch
from driftline.schema import Field, Form

FILE = "statistics.json"


def write(profile: Profile) -> dict[str, Any]:
    """The document, its members in SageMaker's order. A column that could not be analysed is left out."""
    known = [column for column in profile.columns if column.name not in profile.failures]
    return {
        "version": 0.0,
        "dataset": {"item_count": profile.rows},
        "features": [_feature(column) for column in known],
    }


def _feature(column: Column) -> dict[str, Any]:
    common = {"num_present": column.present, "num_missing": column.missing}
    head = {"name": column.name, "inferred_type": column.kinds.inferred}
    if column.is_numeric:
        return {**head, "numerical_statistics": {"common": common, **_numerical(column)}}
    found: dict[str, Any] = {"common": common, "distinct_count": column.distinct}
    counts = column.frequent.counts
    if column.form in (Form.TEXT, Form.BOOLEAN) and column.frequent.exact and 0 < len(counts) <= MOST_CATEGORIES:
        buckets = [{"value": value, "count": count} for value, count in counts.items()]
        found["distribution"] = {"categorical": {"buckets": buckets}}
    return {**head, "string_statistics": found}


def _numerical(column: Column) -> dict[str, Any]:
    moments, sketch = column.moments, column.sketch
    low, high = moments.minimum, moments.maximum
    buckets = [
        {"lower_bound": lower, "upper_bound": upper, "count": count}
        for lower, upper, count in sketch.buckets(low, high)
    ]
    return {
        "mean": moments.mean,
        "sum": moments.sum if moments.count else float("nan"),
        "std_dev": moments.std_dev,
        "min": low,
        "max": high,
        "distribution": {
            "kll": {
                "buckets": buckets,
                "sketch": {
                    "parameters": {"c": sketch.c, "k": float(sketch.k)},
                    "data": [level.tolist() for level in sketch.levels],
                },
            }
        },
    }


def read(document: Any) -> Profile:
    """The profile that a document tells of; raises `Invalid` naming the member that is wrong.

    Text columns come back with their categories, numbers with their moments and sketch; what the file does not hold
    (text lengths, distinct counts beyond the categories) is not there.
    """
    rows = whole(member(document, "dataset", FILE), "item_count", f"{FILE} dataset")
    columns: list[Field] = []
    states: dict[Analyzer[Any], Any] = {}
    for place, feature in enumerate(listed(document, "features", FILE)):
        where = f"{FILE} features[{place}]"
        name, kind = text(feature, "name", where), text(feature, "inferred_type", where)
        if isinstance(feature.get("numerical_statistics"), Mapping):
            columns.append(Field(name, Form.NUMBER))
            states |= _read_numbers(name, kind, feature["numerical_statistics"], where)
        else:
            columns.append(Field(name, Form.TEXT))
            states |= _read_texts(name, member(feature, "string_statistics", where, default={}), where)
    return Profile.from_states(rows, columns, states)


def _present(statistics: Any, where: str) -> int:
    return whole(member(statistics, "common", where, default={}), "num_present", where, default=0)


def _read_numbers(name: str, kind: str, statistics: Any, where: str) -> dict[Analyzer[Any], Any]:
    present = _present(statistics, where)
    kinds = KindCounts(integral=present) if kind == "Integral" else KindCounts(fractional=present)
    sketch = at(statistics, "distribution", "kll", "sketch")
    levels = _levels(listed(sketch, "data", where, default=[]), where)
    given = member(sketch, "parameters", where, default={})
    parameters = (whole(given, "k", where, low=1, default=2048), number(given, "c", where, low=0, high=1, default=0.64))
    figures = [
        number(statistics, each, where, default=float("nan")) for each in ("mean", "std_dev", "min", "max", "sum")
    ]
    kept = Sketch.from_levels(levels, *parameters)
    return {
        Count(name): CountState(present),
        Kinds(name): kinds,
        Moments(name): MomentsState.from_summary(kept.count or present, *figures),
        Quantiles(name): kept,
    }


def _levels(given: list[Any], where: str) -> list[list[float]]:
    """The levels of a sketch, each a list of numbers."""
    for level in given:
        odd = [item for item in level if type(item) not in (int, float)] if isinstance(level, list) else [level]
        if odd:
            raise Invalid(what=f"{where} sketch.data", got=odd[0], expected="lists of numbers")
    return [[float(item) for item in level] for level in given]


def _read_texts(name: str, statistics: Any, where: str) -> dict[Analyzer[Any], Any]:
    present = _present(statistics, where)
    found: dict[Analyzer[Any], Any] = {Count(name): CountState(present), Kinds(name): KindCounts(string=present)}
    buckets = listed(at(statistics, "distribution", "categorical"), "buckets", where, default=[])
    counts = {text(each, "value", where): whole(each, "count", where) for each in buckets}
    counts = {value: count for value, count in counts.items() if count}
    # without buckets there were too many values to list: the counts are not known, not zero
    found[Frequent(name)] = FrequentState.of(counts) if counts or not present else FrequentState(error=present)
    if counts:
        cells = Cells(Field(name, Form.TEXT), pa.array(list(counts), pa.string()))
        found[Distinct(name)] = Distinct(name).observe(Distinct(name).start(), cells)
    return found
