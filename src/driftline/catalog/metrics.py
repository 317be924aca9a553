"""Metrics and what was told of them: numbers of a namespace, a name and dimensions, moment by moment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from driftline.catalog.alerttables import metric, metric_sample

_AT_ONCE = 500
"""Digests in one query."""


@dataclass(frozen=True)
class Metric:
    """A series of numbers; `dimensions` are in the order of their names."""

    namespace: str
    name: str
    dimensions: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """What it is looked up by: dimensions in another order are the same metric.

        >>> Metric("n", "m", {"a": "1", "b": "2"}).digest == Metric("n", "m", {"b": "2", "a": "1"}).digest
        True
        """
        text = json.dumps([self.namespace, self.name, sorted(self.dimensions.items())])
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Sample:
    """What was told of a metric at a moment: one value or many; `values` (value, count) only where they are known."""

    time: datetime
    count: float
    sum: float
    minimum: float
    maximum: float
    unit: str = "None"
    values: tuple[tuple[float, float], ...] | None = None


def put(tx: Connection, told: Iterable[tuple[Metric, Sample]]) -> None:
    """Keep samples; a metric is made when it is first told of."""
    pairs = list(told)
    ids = _ids(tx, {each.digest: each for each, _ in pairs})
    rows = [{"metric": ids[each.digest], **_row(sample)} for each, sample in pairs]
    if rows:
        tx.execute(insert(metric_sample), rows)


def _ids(tx: Connection, wanted: Mapping[str, Metric]) -> dict[str, int]:
    found = _known(tx, list(wanted))
    for digest in sorted(wanted.keys() - found.keys()):  # one order for all, so that no two wait for each other
        made = wanted[digest]
        values = {"digest": digest, "namespace": made.namespace, "name": made.name}
        try:
            with tx.begin_nested():
                tx.execute(insert(metric).values(**values, dimensions=dict(sorted(made.dimensions.items()))))
        except IntegrityError:
            continue  # somebody else has just made it
    return found if len(found) == len(wanted) else _known(tx, list(wanted))


def _known(tx: Connection, digests: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(digests), _AT_ONCE):
        query = select(metric.c.digest, metric.c.id).where(metric.c.digest.in_(digests[start : start + _AT_ONCE]))
        found |= {row.digest: row.id for row in tx.execute(query)}
    return found


def _row(sample: Sample) -> dict[str, Any]:
    values = None if sample.values is None else [list(pair) for pair in sample.values]
    named = ("time", "unit", "count", "sum", "minimum", "maximum")
    return {**{name: getattr(sample, name) for name in named}, "values": values}


def samples(tx: Connection, wanted: Metric, start: datetime, end: datetime, *, unit: str | None = None) -> list[Sample]:
    """What was told of a metric from `start` on, before `end`, in the order of time; of one unit if it is given."""
    columns = metric_sample.c
    query = select(metric_sample).join(metric, metric.c.id == columns.metric)
    query = query.where(metric.c.digest == wanted.digest, columns.time >= start, columns.time < end)
    if unit is not None:
        query = query.where(columns.unit == unit)
    return [_sample(row) for row in tx.execute(query.order_by(columns.time, columns.id))]


def _sample(row: Any) -> Sample:
    values = None if row.values is None else tuple((float(value), float(count)) for value, count in row.values)
    return Sample(row.time, row.count, row.sum, row.minimum, row.maximum, row.unit, values)


def listed(
    tx: Connection,
    namespace: str | None = None,
    name: str | None = None,
    *,
    since: datetime | None = None,
    after: int = 0,
    limit: int = 500,
) -> list[tuple[int, Metric]]:
    """Metrics with their growing numbers, behind the number `after`; with `since` those that were told of from then."""
    query = select(metric).where(metric.c.id > after).order_by(metric.c.id).limit(limit)
    if namespace is not None:
        query = query.where(metric.c.namespace == namespace)
    if name is not None:
        query = query.where(metric.c.name == name)
    if since is not None:
        lately = (metric_sample.c.metric == metric.c.id, metric_sample.c.time >= since)
        query = query.where(select(metric_sample.c.id).where(*lately).exists())
    return [(row.id, Metric(row.namespace, row.name, dict(row.dimensions))) for row in tx.execute(query)]


def expire(tx: Connection, before: datetime) -> int:
    """Forget samples older than this, and metrics of which nothing is left; says how many samples that were."""
    gone = tx.execute(delete(metric_sample).where(metric_sample.c.time < before)).rowcount
    if gone:
        left = select(metric_sample.c.id).where(metric_sample.c.metric == metric.c.id).exists()
        tx.execute(delete(metric).where(~left))
    return int(gone)
