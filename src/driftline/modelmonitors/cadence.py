"""How often a monitor runs: an AWS cron expression or a rate, as pure functions of time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from driftline.cron import Cron
from driftline.errors import Invalid

_RATE = re.compile(r"rate\(\s*(?P<count>\d{1,6})\s+(?P<unit>minute|hour|day)s?\s*\)")
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Cadence:
    """The moments at which a monitor is due; a rate is counted from 1970-01-01, so that a day begins at midnight."""

    text: str
    every: timedelta | None = None
    cron: Cron | None = None

    @classmethod
    def parse(cls, text: str) -> Cadence:
        """`rate(1 hour)` or `cron(...)`; raises `Invalid`.

        >>> Cadence.parse("rate(6 hours)").every
        datetime.timedelta(seconds=21600)
        """
        found = _RATE.fullmatch(text.strip())
        if found is None and not text.strip().startswith("cron("):
            remedy = "Daily is rate(1 day) or, at two o'clock, cron(0 2 ? * * *)."
            raise Invalid(what="cadence", got=text, expected="rate(N hours) or cron(...)", remedy=remedy)
        if found is None:
            return cls(text.strip(), None, Cron.parse(text))
        every = int(found["count"]) * _UNITS[found["unit"]]
        if not every:
            raise Invalid(what="cadence", got=text, expected="at least one minute")
        return cls(text.strip(), every)

    def after(self, moment: datetime) -> datetime | None:
        """The first time strictly after an aware moment; None: never again.

        >>> Cadence.parse("rate(1 day)").after(datetime(2026, 1, 1, 13, tzinfo=UTC)).isoformat()
        '2026-01-02T00:00:00+00:00'
        """
        if self.every is None:
            return None if self.cron is None else self.cron.next_after(moment)
        return _ORIGIN + ((moment - _ORIGIN) // self.every + 1) * self.every

    def from_on(self, moment: datetime) -> datetime | None:
        """The first time at or after an aware moment."""
        return self.after(moment - timedelta(microseconds=1))

    def period(self, scheduled: datetime) -> timedelta:
        """How much time passes until the time `scheduled`: how long its window is unless told otherwise."""
        if self.every is not None:
            return self.every
        assert self.cron is not None
        return self.cron.period(scheduled)

    def times(self, since: datetime, until: datetime, most: int) -> list[datetime]:
        """The times in [since, until], in order; at most `most` of them.

        >>> found = Cadence.parse("cron(0 12 ? * * *)").times(datetime(2026, 1, 1, tzinfo=UTC),
        ...     datetime(2026, 1, 3, 12, tzinfo=UTC), 100)
        >>> [f"{at:%d %H}" for at in found]
        ['01 12', '02 12', '03 12']
        """
        found = list[datetime]()
        moment = self.from_on(since)
        while moment is not None and moment <= until and len(found) < most:
            found.append(moment)
            moment = self.after(moment)
        return found
