"""How each model is, in a word and in sentences: what its monitors said last, what feeds it, whether rows come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from driftline import registry
from driftline.catalog import modelmonitors, overview
from driftline.catalog.modelmonitors import Kept
from driftline.catalog.overview import Feed, LastRun
from driftline.registry import Model

SILENT = timedelta(days=2)
"""A model of which no row came for so long is silent."""
LATE = timedelta(hours=1)
"""A monitor that was not planned so long after its time is late: a worker waits some minutes for files, not longer."""
DAYS = 14
"""Of so many days the traffic is shown."""
ORDER = ("bad", "warn", "plain", "good")


@dataclass(frozen=True)
class Watched:
    """A monitor, how its latest window ended (None: it said nothing yet), and why it cannot be planned."""

    name: str
    kind: str
    active: bool
    next: datetime | None
    trouble: str | None
    last: LastRun | None


@dataclass(frozen=True)
class Health:
    """How a model is: `tone` is bad, warn, plain or good, `why` says in sentences what is amiss.

    `last_hour` is the latest hour of production that has rows, `days` are the rows of each of the last days, and
    `labelled` is the share of all its rows of production whose labels came, in [0, 1]; None where none are imported.
    """

    id: str
    name: str
    space: str
    owner: str | None
    tone: str
    why: tuple[str, ...]
    monitors: tuple[Watched, ...]
    last_hour: datetime | None
    days: tuple[int, ...]
    labelled: float | None
    imports: int


@dataclass(frozen=True)
class Known:
    """What is known of a model: its monitors and what each said last, what feeds it, and when rows came."""

    monitors: Sequence[Watched]
    feeds: Sequence[Feed]
    last_hour: datetime | None
    days: Mapping[date, int]


def of_all(tx: Connection, fires: Mapping[str, int], now: datetime) -> list[Health]:
    """How each model is, the worst first; `fires` is how many alerts do, by model."""
    last = {(each.model, each.monitor): each for each in overview.last_runs(tx)}
    monitors, feeds = defaultdict[str, list[Watched]](list), defaultdict[str, list[Feed]](list)
    for each in modelmonitors.of_model(tx):
        monitors[each.model].append(_watched(each, last.get((each.model, each.name))))
    for feed in overview.feeds(tx):
        feeds[feed.model].append(feed)
    hours = overview.last_hours(tx)
    days = overview.traffic(tx, datetime.combine(now.date(), datetime.min.time(), now.tzinfo) - timedelta(DAYS - 1))
    found = [
        _health(each, Known(monitors[each.id], feeds[each.id], hours.get(each.id), days.get(each.id, {})), now)
        for each in registry.models(tx)
    ]
    found = [
        replace(each, tone="bad", why=(_firing(fires[each.id]), *each.why)) if each.id in fires else each
        for each in found
    ]
    return sorted(found, key=lambda each: (ORDER.index(each.tone), each.name.lower(), each.id))


def _watched(kept: Kept, last: LastRun | None) -> Watched:
    return Watched(kept.name, kept.kind, kept.status == "active", kept.next, kept.body.get("trouble"), last)


def _health(model: Model, known: Known, now: datetime) -> Health:
    monitors, hour = known.monitors, known.last_hour
    feeds = [each for each in known.feeds if each.status != "deleted"]
    fired = [each for each in monitors if each.last and each.last.status in ("CompletedWithViolations", "Failed")]
    wrong = [_fired(each.name, each.last) for each in fired if each.last]
    amiss = [f"{each.name} cannot be planned: {each.trouble}" for each in monitors if each.trouble]
    amiss += [f"{each.name} found {_lacking(each.last)}" for each in monitors if _lacking(each.last)]
    amiss += [f"{each.name} was to look at {each.next:%Y-%m-%d %H:%M} UTC: is there a worker?" for each in monitors
              if each.active and each.next and now - each.next > LATE]  # fmt: skip
    amiss += [f"An import cannot look: {each.trouble}" for each in feeds if each.trouble]
    failed = sum(each.failed for each in feeds)
    amiss += [f"{failed:,} {'file' if failed == 1 else 'files'} could not be imported"] if failed else []
    if any(each.status == "active" for each in feeds) and (hour is None or now - hour > SILENT):
        amiss.append("Silent: no row of production in two days")
    watching = [each for each in monitors if each.active]
    amiss += ["No monitor has said anything yet"] if watching and not any(each.last for each in watching) else []
    unwatched = [] if watching else ["Not monitored"]
    tone = "bad" if wrong else "warn" if amiss else "plain" if unwatched else "good"
    why = (*wrong, *amiss, *unwatched)
    days = tuple(known.days.get(now.date() - timedelta(back), 0) for back in reversed(range(DAYS)))
    return Health(
        model.id, model.name, model.space, model.owner, tone, why, tuple(monitors), hour, days, labelled(known.feeds),
        len(feeds),
    )  # fmt: skip


def labelled(feeds: Sequence[Feed]) -> float | None:
    """The share of rows whose labels came: rows of files with labels for each row of files with predictions."""
    production = [each for each in feeds if each.environment == "production"]
    rows = sum(each.accepted for each in production if each.content != "actuals")
    labels = sum(each.accepted for each in production if each.content != "predictions")
    return min(labels / rows, 1.0) if rows and any(each.content != "predictions" for each in production) else None


def _firing(count: int) -> str:
    return "An alert fires" if count == 1 else f"{count:,} alerts fire"


def _fired(name: str, last: LastRun) -> str:
    if last.status == "Failed":
        return f"{name} failed: {last.reason or 'without a reason'}"
    return f"{name} found {last.violations:,} {'violation' if last.violations == 1 else 'violations'}"


def _lacking(last: LastRun | None) -> str:
    known = {"NoData": "no rows", "NoBaseline": "no baseline", "NoLabels": "no labels"}
    return known.get(last.status, "") if last else ""
