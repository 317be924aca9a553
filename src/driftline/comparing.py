"""Drift of two windows, feature by feature: any distance of any two profiles, ranked; and over time against one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isnan, nan
from typing import Any

from driftline.catalog import Catalog
from driftline.catalog.hours import DAY, Subject
from driftline.errors import Invalid
from driftline.inferences import rollups
from driftline.metrics.distance import category_shares, decile_shares
from driftline.metrics.embedding import shift
from driftline.metrics.metric import Metric, distances
from driftline.monitors.drift import why_not
from driftline.profile import Column, Profile
from driftline.schema import Form
from driftline.storage.access import Access
from driftline.window import Window

METRIC = "psi"
"""What is measured unless another distance is asked for: defined for numbers and for categories."""


FEW = 100
"""Of fewer rows on either side a distance says more of chance than of drift."""


@dataclass(frozen=True)
class Moved:
    """How far one feature is apart; `value` is NaN where it is not defined, and `reason` then says why.

    `first` and `second` are how many values each side has.
    """

    feature: str
    form: str
    value: float = nan
    reason: str = ""
    first: int = 0
    second: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it: None for NaN."""
        return {**asdict(self), "value": None if isnan(self.value) else self.value}


@dataclass(frozen=True)
class Comparison:
    """Every feature of either side by one metric, the farthest first and those without a value last."""

    metric: str
    features: tuple[Moved, ...]
    first_rows: int
    second_rows: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "features": [each.to_dict() for each in self.features]}


@dataclass(frozen=True)
class Part:
    """How far one feature is apart among the rows that have `value` in a field; `is_few` if these are too few to tell.

    Of vectors `value` is the shift of their centre. Rows and shares of them are those of both sides, and so are the
    shares of rows where the feature is missing.
    """

    value: str
    moved: Moved
    first_rows: int
    second_rows: int
    first_share: float
    second_share: float
    first_missing: float
    second_missing: float
    is_few: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it: None for NaN."""
        told = {name: None if isinstance(each, float) and isnan(each) else each for name, each in asdict(self).items()}
        return {**told, "moved": self.moved.to_dict()}


@dataclass(frozen=True)
class Point:
    """How far features are apart in one hour, day or month of a series."""

    window: Window
    rows: int
    values: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it: None for NaN."""
        values = {name: None if isnan(value) else value for name, value in self.values.items()}
        bounds = {"start": self.window.start.isoformat(), "end": self.window.end.isoformat()}
        return {**bounds, "rows": self.rows, "values": values}


def compare(first: Profile, second: Profile, metric: str = METRIC, features: Sequence[str] | None = None) -> Comparison:
    """The drift from the first profile to the second of every feature, or of some, by a distance of `METRICS`.

    Raises `Invalid` for what is no distance.

    >>> import pyarrow as pa
    >>> may, june = Profile.of(pa.table({"age": [30, 40], "on": ["a", "b"]})), Profile.of(pa.table({"age": [50, 60]}))
    >>> [(each.feature, each.value, each.reason) for each in compare(may, june, "ks").features]
    [('age', 1.0, ''), ('on', nan, 'the second side has no such column')]
    """
    measured = metric_of(metric)
    names = dict.fromkeys([*first.names, *second.names]) if features is None else features
    found = [_moved(name, first, second, measured) for name in names]
    ranked = sorted(
        found, key=lambda each: (isnan(each.value), 0.0 if isnan(each.value) else -each.value, each.feature)
    )
    return Comparison(metric, tuple(ranked), first.rows, second.rows)


def metric_of(name: str) -> Metric:
    """The distance of that name; raises `Invalid`."""
    known = distances()
    if name not in known:
        raise Invalid(what="metric", got=name, expected=f"one of {', '.join(known)}")
    return known[name]


def windows(
    catalog: Catalog, subject: Subject, first: Window, second: Window, access: Access, metric: str = METRIC
) -> Comparison:
    """The drift between two windows of a model's hours."""
    before, now = (rollups.read(catalog, subject, window, access, whole=False).profile for window in (first, second))
    return compare(before, now, metric)


def over_time(
    against: Profile,
    profiles: Iterable[tuple[Window, Profile]],
    metric: str = METRIC,
    features: Sequence[str] | None = None,
) -> Iterator[Point]:
    """The drift of each of these from one profile, in their order."""
    for window, profile in profiles:
        found = compare(against, profile, metric, features)
        yield Point(window, profile.rows, {each.feature: each.value for each in found.features})


def series(
    catalog: Catalog,
    subject: Subject,
    against: Window,
    window: Window,
    access: Access,
    *,
    span: str = DAY,
    metric: str = METRIC,
    features: Sequence[str] | None = None,
) -> Iterator[Point]:
    """The drift of each hour, day or month of a window from a fixed window, where there are rows."""
    fixed = rollups.read(catalog, subject, against, access, whole=False, columns=features).profile
    yield from over_time(fixed, rollups.each(catalog, subject, window, access, span, features), metric, features)


def by_value(
    first: Mapping[str, Profile], second: Mapping[str, Profile], feature: str, metric: str = METRIC
) -> tuple[Part, ...]:
    """The drift of a feature in each part of the rows, the farthest first; parts with few rows come last.

    >>> import pyarrow as pa
    >>> may, june = (Profile.of(pa.table({"age": ages})) for ages in ([30, 40], [50, 60, 70]))
    >>> found = by_value({"Rome": may}, {"Rome": june}, "age", "ks")
    >>> [(each.value, each.moved.value, each.second_share, each.is_few) for each in found]
    [('Rome', 1.0, 1.0, True)]
    """
    measured = metric_of(metric)
    totals = [sum(each.rows for each in side.values()) for side in (first, second)]
    parts = []
    for value in dict.fromkeys([*second, *first]):
        one, other = first.get(value, Profile()), second.get(value, Profile())
        (old, new), (gone, lost) = _shares((one, other), totals), (_missing(feature, each) for each in (one, other))
        few = min(one.rows, other.rows) < FEW
        apart = moved(feature, one, other, measured)
        parts.append(Part(value, apart, one.rows, other.rows, old, new, gone, lost, few))
    return tuple(sorted(parts, key=_rank))


def _shares(sides: Sequence[Profile], totals: Sequence[int]) -> list[float]:
    return [side.rows / total if total else nan for side, total in zip(sides, totals, strict=True)]


def _missing(feature: str, profile: Profile) -> float:
    return 1 - profile.column(feature).completeness if feature in profile else nan


def _rank(part: Part) -> tuple[bool, bool, float, str]:
    undefined = isnan(part.moved.value)
    return part.is_few, undefined, 0.0 if undefined else -part.moved.value, part.value


def moved(feature: str, first: Profile, second: Profile, metric: Metric) -> Moved:
    """How far one feature is apart; of vectors the shift of their centre, whatever the metric."""
    found = _moved(feature, first, second, metric)
    if feature in first and feature in second and found.form == Form.VECTOR.value:
        told = shift(first.column(feature).vector, second.column(feature).vector)
        return replace(found, value=told.centre, reason=told.reason)
    return found


def _moved(name: str, first: Profile, second: Profile, metric: Metric) -> Moved:
    sides = [profile.column(name) if name in profile else None for profile in (first, second)]
    before, now = sides
    if before is None or now is None:
        here = before or now
        which = "first" if before is None else "second"
        reason = f"the {which} side has no such column"
        form = here.form.value if here else ""
        return Moved(name, form, nan, reason, *[side.present if side else 0 for side in sides])
    value, reason = _distance(before, now, metric)
    return Moved(name, now.form.value, value, reason, before.present, now.present)


def _distance(before: Column, now: Column, metric: Metric) -> tuple[float, str]:
    reason = why_not(before, now)
    if reason:
        return nan, reason
    if metric.takes == "sketches":
        if not now.is_numeric:
            return nan, f"{metric.name} is defined for numbers only"
        value = metric.compute(before.sketch, now.sketch)
    elif now.is_numeric:
        value = metric.compute(*decile_shares(before.sketch, now.sketch))
    else:
        value = metric.compute(*category_shares(before.frequent.counts, now.frequent.counts))
    return value, "not defined for a constant baseline, or the numbers are too large" if isnan(value) else ""
