"""What a rule finds: one window as it judges it, and what it says of one subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any


@dataclass(frozen=True)
class Judged:
    """One window as a rule sees it; `score` is how far the value is beyond its limit, in limits."""

    value: float
    is_bad: bool
    limit: float | None
    score: float
    said: str


@dataclass(frozen=True)
class Finding:
    """What a rule says of one subject; `score` is how far the value is beyond its limit, for putting the worst first.

    `run` is the run with the value, `window_end` the end of its window; there are none where something is absent.
    `worst` says in a line each which of its violations are the worst, `report` is the file with all of them, and
    `endpoint` the one whose calls it looked at.
    """

    subject: str
    fires: bool
    said: str
    value: float | None = None
    limit: float | None = None
    score: float = 0.0
    run: str | None = None
    window_end: datetime | None = None
    worst: tuple[str, ...] = ()
    report: str = ""
    endpoint: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As a state keeps it."""
        end = None if self.window_end is None else self.window_end.isoformat()
        told = {"about": self.subject, "said": self.said, "value": self.value, "limit": self.limit}
        told |= {"score": self.score if isfinite(self.score) else None, "run": self.run, "window_end": end}
        more = {"worst": list(self.worst), "report": self.report, "endpoint": self.endpoint}
        return {**told, **{name: value for name, value in more.items() if value}}
