"""A rule tried on what was: when would it have fired, and been over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from driftline.alerting import absence, judging, watching
from driftline.alerting.conditions import Absence, InAlert, Missing
from driftline.alerting.judging import Beside
from driftline.alerting.rule import Rule
from driftline.alerting.states import prefix_of
from driftline.alerting.watching import Watched
from driftline.catalog import looks
from driftline.catalog.alerting import FIRING, OK
from driftline.catalog.modelruns import ModelRun
from driftline.errors import Invalid

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
    """All flips that would have been, in order; of how many windows, and what can be measured in them.

    `silent` says of which monitors the rule could say nothing in the end, and why.
    """

    flips: list[Would] = field(default_factory=list)
    windows: int = 0
    measures: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


def dry_run(tx: Connection, rule: Rule, since: datetime | None, until: datetime) -> Trial:
    """What a rule would have said of the windows, or the silences, that ended in (since, until].

    Each window counts with what is known of it now. Raises `Invalid` for a rule about what is not kept.
    """
    watched = watching.watched(tx, rule)
    if not rule.is_of_windows or isinstance(rule.condition, InAlert):
        return Trial(sorted(_silences(tx, rule, watched, since, until), key=lambda each: each.at))
    made = Trial()
    names: dict[str, None] = {}
    windows = 0
    for each in watched:
        earliest = None if since is None else since - judging.reach(rule)
        runs = each.own(looks.looks(tx, each.asked(rule), earliest, until, MOST))
        if not runs:
            continue
        beside = watching.beside(tx, rule, runs)
        made.flips.extend(fold(rule, runs, beside, prefix_of(rule, each.name), since))
        why = judging.why_silent(rule, runs, beside)
        made.silent.extend([] if why is None else [f"{each.name}: {why}"])
        windows += len([run for run in runs if since is None or run.window_end > since])
        names |= dict.fromkeys(judging.measures(runs))
    return replace(made, flips=sorted(made.flips, key=lambda each: each.at), windows=windows, measures=list(names))


def fold(
    rule: Rule, runs: Sequence[ModelRun], beside: Beside, prefix: str = "", since: datetime | None = None
) -> Iterator[Would]:
    """The flips of a rule over windows in their order, of those that end after `since`."""
    fires: set[str] = set()
    for run, found in judging.after_each(rule, runs, beside):
        for each in found:
            if (since is None or run.window_end > since) and each.fires != (each.subject in fires):
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
    tx: Connection, rule: Rule, watched: Sequence[Watched], since: datetime | None, until: datetime
) -> Iterator[Would]:
    condition = rule.condition
    came: dict[str, list[datetime]] = {}
    if not isinstance(condition, Absence) or condition.of not in (Missing.RUN, *absence.CONTENTS):
        got = f"{condition.kind} {getattr(condition, 'of', '')}".strip()
        raise Invalid(
            what="condition", got=got, expected="one of runs, data or labels", remedy="No history is kept of it."
        )
    if condition.of is Missing.RUN:
        for each in watched:
            if each.is_planned:
                came[each.name] = looks.ends_of_runs(tx, each.asked(rule))
    else:
        came["model"] = sorted(absence.arrivals(tx, rule.model, condition.of, MOST))
    for subject, moments in came.items():
        within = [each for each in moments if (since is None or each > since) and each <= until]
        for begun, ended in gaps(within, condition.hours, until):
            yield Would(begun, subject, FIRING, f"no {condition.of} for {condition.hours:g} hours")
            if ended is not None:
                yield Would(ended, subject, OK, f"{condition.of} came")
