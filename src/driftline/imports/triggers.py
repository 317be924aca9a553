"""Rules for events, and jobs, that overlap: what Amazon refuses, and what would read a file twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from driftline.imports.chosen import root_of
from driftline.imports.job import ImportJob, Place

AMBIGUOUS = (
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are"
    " overlapping for the same event type."
)
"""Amazon's own words."""


@dataclass(frozen=True)
class Trigger:
    """A rule that sends events of objects whose URIs begin and end so."""

    name: str
    prefix: str
    suffix: str = ""
    event: str = "s3:ObjectCreated:*"


def overlaps(triggers: Sequence[Trigger]) -> list[tuple[Trigger, Trigger]]:
    """The pairs that Amazon would refuse: one event type, overlapping prefixes, overlapping suffixes.

    >>> a = Trigger("A", "s3://bucket/modelA/datacapture", ".jsonl")
    >>> b, c = Trigger("B", "s3://bucket/modelA", ".tar.gz"), Trigger("C", "s3://bucket/modelA")
    >>> [(one.name, other.name) for one, other in overlaps([a, b, c])]
    [('A', 'C'), ('B', 'C')]
    """
    return [pair for pair in combinations(triggers, 2) if _overlap(*pair)]


def lint(triggers: Sequence[Trigger]) -> list[str]:
    """A sentence for each pair that overlaps, with Amazon's words.

    >>> print(*lint([Trigger("A", "s3://b/x/"), Trigger("B", "s3://b/x/y/")]))
    A and B: Configuration is ambiguously defined. Cannot have overlapping suffixes ... (s3://b/x/ and s3://b/x/y/)
    """
    return [_told(one, other) for one, other in overlaps(triggers)]


def triggers_of(place: Place, name: str) -> list[Trigger]:
    """The rules that would tell of a place's files: one for each suffix that its globs end with, or one for all.

    >>> [each.suffix for each in triggers_of(Place("s3://b/x/", include=("**/*.jsonl", "*.csv")), "churn")]
    ['.jsonl', '.csv']
    """
    suffixes = dict.fromkeys(glob.rpartition("*")[2] for glob in place.include) or {"": None}
    return [Trigger(name, root_of(place), suffix) for suffix in suffixes]


def doubled(job: ImportJob, others: Iterable[ImportJob]) -> Iterator[str]:
    """A warning for each other job of the same model and content whose files are also this one's: rows count once,
    but every file is read twice.
    """
    mine = triggers_of(job.place, "this job")
    for each in others:
        if each.id == job.id or _kind(each) != _kind(job):
            continue
        theirs = triggers_of(each.place, f"job {each.id}")
        yield from (_told(one, other) for one in mine for other in theirs if _overlap(one, other))


def _kind(job: ImportJob) -> tuple[str, ...]:
    return job.model, job.content, job.environment


def _overlap(one: Trigger, other: Trigger) -> bool:
    return (
        one.event == other.event
        and (one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix))
        and (one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix))
    )


def _told(one: Trigger, other: Trigger) -> str:
    return f"{one.name} and {other.name}: {AMBIGUOUS} ({_said(one)} and {_said(other)})"


def _said(trigger: Trigger) -> str:
    return trigger.prefix + (f"*{trigger.suffix}" if trigger.suffix else "")
