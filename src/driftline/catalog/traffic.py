"""How many calls of an endpoint came through the server in each hour, and how many of them were captured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from driftline.catalog.resources import fold
from driftline.catalog.tables import traffic
from driftline.window import Window

KEPT = timedelta(days=40)
"""Longer than the longest window that is run again."""

_COUNTS = ("calls", "captured", "dropped")


@dataclass(frozen=True)
class Traffic:
    """Calls that models answered: `calls` in all, `captured` of them, `dropped` where that failed, and why at last.

    Those that are neither were not to be captured. Traffic merges like a state.
    """

    calls: int = 0
    captured: int = 0
    dropped: int = 0
    reason: str | None = None

    def merge(self, other: Traffic) -> Traffic:
        """Both; `other` is the later one.

        >>> Traffic(2, 1, 1, "full").merge(Traffic(3, 3))
        Traffic(calls=5, captured=4, dropped=1, reason='full')
        """
        return Traffic(
            self.calls + other.calls,
            self.captured + other.captured,
            self.dropped + other.dropped,
            other.reason or self.reason,
        )


def add(tx: Connection, found: Mapping[tuple[str, datetime], Traffic]) -> None:
    """Add traffic by endpoint and hour to what is known, in one order, so that several servers may."""
    for (endpoint, hour), more in sorted(found.items(), key=lambda pair: pair[0]):
        if _added(tx, endpoint, hour, more):
            continue
        try:
            with tx.begin_nested():
                tx.execute(insert(traffic).values(endpoint=fold(endpoint), hour=hour, **asdict(more)))
        except IntegrityError:  # another server was quicker
            _added(tx, endpoint, hour, more)


def _added(tx: Connection, endpoint: str, hour: datetime, more: Traffic) -> bool:
    c = traffic.c
    counts = {name: c[name] + getattr(more, name) for name in _COUNTS}
    reason = {"reason": more.reason} if more.reason else {}
    these = update(traffic).where(c.endpoint == fold(endpoint), c.hour == hour)
    return bool(tx.execute(these.values(**counts, **reason)).rowcount)


def between(tx: Connection, endpoint: str, window: Window) -> Traffic:
    """The traffic of an endpoint in the hours that a window touches."""
    c = traffic.c
    first = window.start.replace(minute=0, second=0, microsecond=0)
    these = (c.endpoint == fold(endpoint), c.hour >= first, c.hour < window.end)
    sums = [func.coalesce(func.sum(c[name]), 0) for name in _COUNTS]
    calls, captured, dropped = tx.execute(select(*sums).where(*these)).one()
    last = select(c.reason).where(*these, c.reason.is_not(None)).order_by(c.hour.desc()).limit(1)
    return Traffic(int(calls), int(captured), int(dropped), tx.execute(last).scalar() if dropped else None)


def forget(tx: Connection, now: datetime) -> None:
    """Forget hours that no window is about any more."""
    tx.execute(delete(traffic).where(traffic.c.hour < now - KEPT))
