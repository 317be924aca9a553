"""A rule tried on what was: when would it have fired, and been over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from driftline.alerting import absence, judging
from driftline.alerting.rule import Absence, Missing, Rule
from driftline.catalog import alerting, modelmonitors
from driftline.catalog.alerting import FIRING, OK, Looks
from driftline.catalog.modelruns import ModelRun
from driftline.errors import Invalid
from driftline.modelmonitors.monitor import ModelMonitor

MOST = 2000
"""So many of the last windows of each monitor are tried."""


@dataclass(frozen=True)
class Would:
    """A flip that would have been: at the end of a window, or when a silence had lasted long enough or ended."""

    at: datetime
    subject: str
    state: str
    said: str


@dataclass(frozen=True)
class Trial:
    """All flips that would have been, in order; of how many windows, and what can be measured in them."""

    flips: list[Would] = field(default_factory=list)
    windows: int = 0
    measures: list[str] = field(default_factory=list)


def dry_run(tx: Connection, rule: Rule, since: datetime | None, until: datetime) -> Trial:
    """What a rule would have said of the windows, or the silences, that ended in (since, until].

    Each window counts with what is known of it now. Raises `Invalid` for a rule about what is not kept.
    """
    watched = [ModelMonitor.of(each) for each in modelmonitors.of_model(tx, rule.model)]
    watched = [each for each in watched if judging.watches(rule, each)]
    if isinstance(rule.condition, Absence):
        return Trial(sorted(_silences(tx, rule, watched, since, until), key=lambda each: each.at))
    flips: list[Would] = []
    names: dict[str, None] = {}
    windows = 0
    for each in watched:
        asked = Looks(rule.model, each.name, judging.statuses(rule))
        runs = judging.own(each, alerting.looks(tx, asked, since, until, MOST))
        prefix = "" if rule.monitor else f"{each.name}/"
        flips += list(fold(rule, runs, prefix))
        windows += len(runs)
        names |= dict.fromkeys(judging.measures(runs))
    return Trial(sorted(flips, key=lambda each: each.at), windows, list(names))


def fold(rule: Rule, runs: Sequence[ModelRun], prefix: str = "") -> Iterator[Would]:
    """The flips of a rule over windows in their order."""
    fires: set[str] = set()
    for place, run in enumerate(runs):
        for each in judging.judge(rule, runs[max(0, place + 1 - judging.depth(rule)) : place + 1]):
            if each.fires != (each.subject in fires):
                fires ^= {each.subject}
                yield Would(run.window_end, prefix + each.subject, FIRING if each.fires else OK, each.said)


def gaps(moments: Sequence[datetime], hours: float, until: datetime) -> Iterator[tuple[datetime, datetime | None]]:
    """When silences of more than so many hours were noticed, and when each ended (None: not yet).

    >>> from datetime import UTC
    >>> noon, later = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 15, tzinfo=UTC)
    >>> [(str(begun.time()), ended) for begun, ended in gaps([noon], 2, later)]
    [('14:00:00', None)]
    """
    patience = timedelta(hours=hours)
    for before, after in zip(moments, [*moments[1:], None], strict=True):
        if (after or until) - before > patience:
            yield before + patience, after


def _silences(
    tx: Connection, rule: Rule, watched: Sequence[ModelMonitor], since: datetime | None, until: datetime
) -> Iterator[Would]:
    condition = rule.condition
    assert isinstance(condition, Absence)
    came: dict[str, list[datetime]] = {}
    if condition.of is Missing.IMPORTS:
        raise Invalid(what="of", got="imports", expected="data, labels or run", remedy="No history is kept of it.")
    if condition.of is Missing.RUN:
        for each in watched:
            came[each.name] = alerting.ends_of_runs(tx, Looks(rule.model, each.name, judging.statuses(rule)))
    else:
        came["model"] = sorted(absence.arrivals(tx, rule.model, condition.of, MOST))
    for subject, moments in came.items():
        within = [each for each in moments if (since is None or each > since) and each <= until]
        for begun, ended in gaps(within, condition.hours, until):
            yield Would(begun, subject, FIRING, f"no {condition.of} for {condition.hours:g} hours")
            if ended is not None:
                yield Would(ended, subject, OK, f"{condition.of} came")
