"""How a processing job ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from driftline.monitors.verdict import Violation

COMPLETED, FAILED, STOPPED = "Completed", "Failed", "Stopped"

LINES = 10
"""So many violations are named where an alert is told."""

_LONGEST = 300
"""Characters of such a line."""
_MOST = 1024
"""SageMaker keeps so many bytes of an exit message."""


@dataclass(frozen=True)
class Outcome:
    """The job's status, what it said, why it failed, and how many violations it found (None: it did not look).

    `worst` says in a line each which violations are farthest beyond their limit, at most `LINES`.
    `metrics` are in CloudWatch's shape; `manifest` is the run, with which it can be repeated. `merged` is what a merge
    of predictions and labels found: the objects `written`, and the counts of its coverage.
    """

    status: str
    exit_message: str | None = None
    failure_reason: str | None = None
    violations: int | None = None
    worst: Sequence[str] = ()
    metrics: Sequence[Mapping[str, Any]] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    merged: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def failed(cls, reason: str, exit_message: str | None = None) -> Outcome:
        """A failure and its cause."""
        return cls(FAILED, shortened(exit_message), shortened(reason))

    @property
    def execution_status(self) -> str:
        """The status of the monitoring execution that the job belongs to, which the message's first word decides."""
        word = (self.exit_message or "").partition(":")[0]
        return word if self.status == COMPLETED and word == "CompletedWithViolations" else self.status

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return dict(self.__dict__)


def shortened(text: str | None) -> str | None:
    """The text, cut to what SageMaker keeps of it.

    >>> len(shortened("ä" * 1000).encode())
    1024
    """
    return None if text is None else text.encode()[:_MOST].decode("utf-8", "ignore")


def worst(found: Iterable[Violation]) -> tuple[str, ...]:
    """The violations in a line each, first those that are farthest beyond their limit, in limits; at most `LINES`.

    >>> worst([Violation("age", "drift", 0.3, 0.1, "drifts"), Violation("job", "drift", 0.9, 0.1, "drifts more")])
    ('job: drifts more', 'age: drifts')
    """
    ranked = sorted(found, key=_beyond, reverse=True)[:LINES]
    return tuple(f"{each.subject}: {each.said}"[:_LONGEST] for each in ranked)


def _beyond(found: Violation) -> float:
    """How far, in limits; those that tell no figures come last."""
    far = abs(found.value - found.limit) / (abs(found.limit) or 1.0)
    return -1.0 if isnan(far) else far
