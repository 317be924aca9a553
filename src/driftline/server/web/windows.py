"""Which two windows of a model are compared: those that were asked for, or else the last days against the training."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import AfterValidator, BeforeValidator, Field

from driftline import registry
from driftline.catalog import hours
from driftline.catalog.hours import Subject
from driftline.comparing import METRIC
from driftline.cron import YEAR
from driftline.errors import Invalid, NotFound
from driftline.inferences import rollups
from driftline.profile import Profile
from driftline.schemas.fields import Environment
from driftline.server.aws.wire import Call
from driftline.server.rest.asked import Asked
from driftline.server.rest.comparing import Metric
from driftline.server.rest.importfiles import tables_of
from driftline.server.rest.registered import Named
from driftline.server.web.shown import Twin
from driftline.window import Window

RECENT = timedelta(days=7)


def _known(day: date | None) -> date | None:
    """The day; refuses years in which no schedule runs, at whose ends days cannot be counted on."""
    if day is not None and not YEAR.low < day.year < YEAR.high:
        raise ValueError(f"expected a year from {YEAR.low + 1} to {YEAR.high - 1}")
    return day


Day = Annotated[date | None, BeforeValidator(lambda given: given or None), AfterValidator(_known)]
"""A day of a date picker; none if it was left empty."""


class Compared(Asked):
    """Two windows of whole days, both ends included, each of an environment."""

    version: Annotated[Named | None, Field(description="Of the model; the latest that has rows by default.")] = None
    environment: Environment = Environment.PRODUCTION
    start: Day = None
    end: Day = None
    against: Environment | None = None
    against_start: Day = None
    against_end: Day = None
    metric: Metric = METRIC
    format: Twin = None


@dataclass(frozen=True)
class Side:
    """A window of an environment."""

    environment: str
    window: Window

    @property
    def first(self) -> date:
        """The first day."""
        return self.window.start.date()

    @property
    def last(self) -> date:
        """The last day."""
        return (self.window.end - timedelta(microseconds=1)).date()

    def to_dict(self) -> dict[str, Any]:
        """As pages show it."""
        return {**asdict(self), "first": self.first, "last": self.last}


@dataclass(frozen=True)
class Sides:
    """What is compared: `now` with `before`, both of one version, of those in `versions`."""

    model: str
    version: str
    versions: tuple[str, ...]
    environments: tuple[str, ...]
    before: Side
    now: Side

    def profile(self, call: Call, side: Side, features: list[str] | None = None) -> Profile:
        """The profile of a side, from hours, days and months."""
        access = tables_of(call).access
        return rollups.read(
            call.catalog, self.subject(side), side.window, access, whole=False, columns=features
        ).profile

    def query(self, metric: str) -> str:
        """What a link says so that it always leads to these windows, whatever is imported later."""
        told = {
            "version": self.version, "environment": self.now.environment, "start": self.now.first,
            "end": self.now.last, "against": self.before.environment, "against_start": self.before.first,
            "against_end": self.before.last, "metric": metric,
        }  # fmt: skip
        return urlencode(told)

    def subject(self, side: Side) -> Subject:
        """Whose hours a side is made of."""
        return Subject(self.model, self.version, side.environment)


def chosen(call: Call, model: str, wanted: Compared) -> Sides | None:
    """The windows that are compared; None for a model without rows. Raises `NotFound`, `Invalid`."""
    with call.catalog.read() as tx:
        registry.get_model(tx, model)
        found = {each: hours.extent(tx, each) for each in hours.subjects(tx, model)}
        named = [each.version for each in registry.versions(tx, model)]
    extents = {(each.version, each.environment): extent for each, extent in found.items() if extent is not None}
    if not extents:
        return None
    with_rows = sorted({of for of, _ in extents})
    version = wanted.version or next((each for each in named[::-1] if each in with_rows), with_rows[-1])
    own = {environment: extent for (of, environment), extent in extents.items() if of == version}
    if not own:
        raise NotFound(what="rows", name=f"of {model}/{version}", remedy="Other versions have some.")
    environment = str(wanted.environment) if str(wanted.environment) in own else next(iter(own))
    whole = own[environment]
    now = Side(environment, _window(wanted.start, wanted.end, _recent(whole)))
    against = str(wanted.against) if str(wanted.against) in own else "training" if "training" in own else environment
    then = own[against]
    first = then if against != environment else Window(then.start, min(_midnight(then.start) + RECENT, then.end))
    before = Side(against, _window(wanted.against_start, wanted.against_end, first))
    return Sides(model, version, tuple(with_rows), tuple(sorted(own)), before, now)


def _recent(whole: Window) -> Window:
    """The last seven days that have rows, of which the last may not be over."""
    return Window(max(_after(whole.end) - RECENT, whole.start), whole.end)


def _window(first: date | None, last: date | None, otherwise: Window) -> Window:
    """Whole days: links and date pickers say the days alone, and lead to the same rows."""
    start = _midnight(otherwise.start) if first is None else datetime.combine(first, time(), UTC)
    end = _after(otherwise.end) if last is None else datetime.combine(last, time(), UTC) + timedelta(days=1)
    if start >= end:
        raise Invalid(what="window", got=f"{start:%Y-%m-%d} to {end:%Y-%m-%d}", expected="a first day before the last")
    return Window(start, end)


def _midnight(moment: datetime) -> datetime:
    """The begin of the day, in UTC."""
    return datetime.combine(moment.date(), time(), UTC)


def _after(moment: datetime) -> datetime:
    """The end of the last day that has begun before the moment.

    >>> [f"{_after(datetime(2026, 11, 21, hour, tzinfo=UTC)):%m-%d %H}" for hour in (0, 1)]
    ['11-21 00', '11-22 00']
    """
    return _midnight(moment - timedelta(microseconds=1)) + timedelta(days=1)
