"""What monitors of a kind said of a model over time, as pages draw it: their figures with limits, window by window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import overview
from driftline.errors import NotFound
from driftline.modelmonitors import register, results
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.modelmonitors.results import Result

WINDOWS = 60
"""So many windows are looked back at most."""

_DRIFT_CHECK = "baseline_drift_check"


@dataclass(frozen=True)
class Said:
    """A figure of one window, with its limit if it has one; `run` is the look at the window that said so."""

    at: datetime
    value: float | None
    limit: float | None
    run: str


Figures = Mapping[tuple[str, str], Sequence[Said]]
"""By subject and name."""


@dataclass(frozen=True)
class History:
    """A monitor's last windows, in order, as they are known now; `others` are names of monitors of its kind."""

    monitor: ModelMonitor
    windows: Sequence[Result]
    others: tuple[str, ...] = ()
    figures: Figures = field(default_factory=dict)

    @property
    def last(self) -> Result | None:
        """The last window of which rows were judged."""
        return next((each for each in reversed(self.windows) if each.latest.body.get("output")), None)


def history(tx: Connection, model: str, kind: str, named: str | None = None) -> History | None:
    """What the monitor said that is asked for, or else the one of this kind that looked last; None without any.

    Raises `NotFound` for a monitor that there is not.
    """
    monitors = [each for each in register.of_model(tx, model) if each.kind == kind]
    if named is not None and named not in [each.name for each in monitors]:
        known = ", ".join(each.name for each in monitors) or "none"
        raise NotFound(what=f"{kind} monitor of {model}", name=named, remedy=f"There are: {known}.")
    if not monitors:
        return None
    last = {each.monitor: each for each in overview.last_runs(tx, model)}
    ordered = sorted(monitors, key=lambda each: last[each.name].window_end.timestamp() if each.name in last else 0.0)
    found = next((each for each in monitors if each.name == named), ordered[-1])
    shown: Sequence[Result] = ()
    if found.name in last:
        run = last[found.name]
        since = run.window_end - (run.window_end - run.window_start) * WINDOWS
        shown = results.results(tx, found, since)[-WINDOWS:]
    return History(found, shown, tuple(each.name for each in monitors), figures_of(shown))


def figures_of(shown: Sequence[Result]) -> Figures:
    """The figures of each window, by what they are about."""
    found: dict[tuple[str, str], list[Said]] = {}
    for each in shown:
        for told in each.latest.body.get("figures", ()):
            said = Said(each.start, told["value"], told["limit"], each.latest.id)
            found.setdefault((told["subject"], told["name"]), []).append(said)
    return found


def drifted(window: Result) -> frozenset[str]:
    """The features that moved too far in a window."""
    told: Sequence[Mapping[str, Any]] = window.latest.body.get("broken", ())
    return frozenset(each["subject"] for each in told if each["check"] == _DRIFT_CHECK)


def drift_of(found: History | None, feature: str) -> Sequence[Said]:
    """The monitor's distance of a feature in each window."""
    return () if found is None else found.figures.get((feature, "baseline_drift"), ())
