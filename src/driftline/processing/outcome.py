"""How a processing job ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

COMPLETED, FAILED, STOPPED = "Completed", "Failed", "Stopped"

_MOST = 1024
"""SageMaker keeps so many bytes of an exit message."""


@dataclass(frozen=True)
class Outcome:
    """The job's status, what it said, why it failed, and how many violations it found (None: it did not look).

    `metrics` are in CloudWatch's shape; `manifest` is the run, with which it can be repeated. `merged` is what a merge
    of predictions and labels found: the objects `written`, and the counts of its coverage.
    """

    status: str
    exit_message: str | None = None
    failure_reason: str | None = None
    violations: int | None = None
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
