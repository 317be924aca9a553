"""What every monitor is: settings, the questions it asks of the rows, and a judgement of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from driftline.monitors.verdict import Compared, Verdict
from driftline.profile import Profile
from driftline.profile.analyzer import JointAnalyzer


@dataclass(frozen=True)
class Learnt:
    """What a monitor compares with: constraints of its kind, and the profile they came from if it is known.

    `past` are estimates of earlier runs beside what came of them.
    """

    constraints: Any
    profile: Profile | None = None
    past: tuple[Compared, ...] = ()


class Monitor(Protocol):
    """A frozen dataclass whose fields are settings that JSON can hold; `Kind(**fields)` makes it again."""

    kind: ClassVar[str]
    """Its name on the command line, such as `model-quality`."""

    @property
    def compatible(self) -> bool:
        """Whether it keeps to what SageMaker says and measures."""
        ...

    def questions(self) -> Sequence[JointAnalyzer[Any]]:
        """What it asks about several columns at once; what is asked of each column by itself needs no asking."""
        ...

    def baseline(self, profile: Profile) -> Any:
        """The constraints that the answers suggest."""
        ...

    def warnings(self, profile: Profile) -> tuple[str, ...]:
        """What to know before these rows are taken as a baseline."""
        ...

    def evaluate(self, learnt: Learnt, profile: Profile) -> Verdict:
        """What the answers say against what was learnt."""
        ...
