"""How far the listing of a job's prefix is, and what is known of how its keys are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from driftline.imports.layouts import dated
from driftline.storage.storage import Object

STEMS = 500
"""Folders with dates below them that are remembered; with more of them the prefix counts as one without dates."""

_SPREAD = timedelta(days=1)
_TOLERANCE = timedelta(hours=1)


@dataclass(frozen=True)
class Stem:
    """Folders above dates: the form of the dates, and the latest one that was seen."""

    form: str
    latest: datetime


@dataclass(frozen=True)
class Sweep:
    """A listing of everything that is under way: `after` is the last URI that it reached.

    `low` and `high` are the earliest and latest times of change so far, `ordered` whether they grow with the keys.
    """

    began: datetime
    after: str | None = None
    requests: int = 0
    low: datetime | None = None
    high: datetime | None = None
    ordered: bool = True


@dataclass(frozen=True)
class Cursor:
    """What is kept between two looks.

    `swept` is when the last whole listing began and `size` the requests it took; `wide` when the last days were
    listed; `tail` the last URI, where keys sort by the time they came. `pages` are digests of the pages that the last
    look saw, and `turn` is where the look at the latest dates must go on: a stem and a URI.

    >>> Cursor.of(Cursor(size=3).to_dict()) == Cursor(size=3)
    True
    """

    stems: Mapping[str, Stem] = field(default_factory=dict)
    sweep: Sweep | None = None
    swept: datetime | None = None
    size: int = 0
    wide: datetime | None = None
    tail: str | None = None
    pages: tuple[str, ...] = ()
    turn: tuple[str, str] | None = None

    @property
    def is_dated(self) -> bool:
        """Whether the latest files can be found by the dates in their keys."""
        return 0 < len(self.stems) <= STEMS

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {name: _written(value) for name, value in asdict(self).items() if value}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Cursor:
        """The cursor that `to_dict` made; of an empty document that of the very beginning."""
        given = dict(document)
        for name in ("swept", "wide"):
            given[name] = _read(given.get(name))
        given["stems"] = {
            stem: Stem(each["form"], datetime.fromisoformat(each["latest"]))
            for stem, each in given.get("stems", {}).items()
        }
        sweep = given.get("sweep")
        if sweep is not None:
            times = {name: _read(sweep.get(name)) for name in ("began", "low", "high")}
            given["sweep"] = Sweep(**{**sweep, **times})
        given["pages"] = tuple(given.get("pages", ()))
        given["turn"] = tuple(given["turn"]) if given.get("turn") else None
        return cls(**given)


def with_dates(stems: Mapping[str, Stem], root: str, found: tuple[Object, ...]) -> dict[str, Stem]:
    """The stems with those of these objects, whose URIs begin with `root`."""
    known = dict(stems)
    for each in found:
        date = dated(each.uri.removeprefix(root))
        if date is None:
            continue
        before = known.get(date.stem)
        if len(known) <= STEMS and (before is None or date.at > before.latest):
            known[date.stem] = Stem(date.form, date.at)
    return known


def with_page(sweep: Sweep, found: tuple[Object, ...]) -> Sweep:
    """The sweep one page further; times of change may lie an hour out of order."""
    low, high, ordered = sweep.low, sweep.high, sweep.ordered
    for each in found:
        if each.modified is None or (high is not None and each.modified < high - _TOLERANCE):
            ordered = False
        if each.modified is not None:
            low = each.modified if low is None else min(low, each.modified)
            high = each.modified if high is None else max(high, each.modified)
    after = found[-1].uri if found else sweep.after
    return Sweep(sweep.began, after, sweep.requests + 1, low, high, ordered)


def tail_of(sweep: Sweep) -> str | None:
    """The last URI of a whole sweep if keys sort by the time they came: told only by files of more than a day."""
    spread = sweep.low is not None and sweep.high is not None and sweep.high - sweep.low > _SPREAD
    return sweep.after if sweep.ordered and spread else None


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _written(each) for name, each in value.items() if each is not None}
    return list(value) if isinstance(value, tuple) else value
