"""How many predictions have a label, and what became of the labels: counts that are always shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from driftline.problems import Problem


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a join of predictions and labels found; merges like a state if the labels of both are different ones.

    `predictions` and `labelled` count rows (calls, where whole records are merged). `labels` are the labels that were
    read, of which `repeated` said again what was known and `corrected` said something else; the last one counts.
    `empty` ones say nothing and count for nothing. `unknown` are ids that none of these predictions has: labels of
    other windows, mostly. `shared` counts predictions whose id (or moment, where labels come by time) an earlier one
    has: each got the same label. `early` labels were collected in an hour before the prediction's, `late` ones after
    the window had ended.
    """

    predictions: int = 0
    labelled: int = 0
    labels: int = 0
    repeated: int = 0
    corrected: int = 0
    empty: int = 0
    unknown: int = 0
    shared: int = 0
    early: int = 0
    late: int = 0

    def merge(self, other: Coverage) -> Coverage:
        """Both.

        >>> Coverage(2, 1, labels=1).merge(Coverage(2, 2, labels=3)).ratio
        0.75
        """
        return Coverage(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def ratio(self) -> float:
        """Labelled of all predictions, in [0, 1]; NaN without predictions."""
        return self.labelled / self.predictions if self.predictions else float("nan")

    @property
    def is_none_yet(self) -> bool:
        """Whether no prediction has a label yet: not a failure, but a window that is to be looked at again (G-09)."""
        return not self.labelled

    def said(self) -> str:
        """One sentence or two.

        >>> print(Coverage(1_000, 250, labels=300, repeated=2, unknown=48).said())
        250 of 1,000 predictions have a label (25.0 %). Of 300 labels, 2 were repeated, 48 belong to no prediction here.
        >>> print(Coverage(7).said())
        No ground truth yet: none of the 7 predictions has a label. There are no labels.
        """
        if self.is_none_yet:
            first = f"No ground truth yet: none of the {self.predictions:,} predictions has a label."
        else:
            share = f"{100 * self.ratio:.1f}"
            share = share if share != "100.0" or self.labelled == self.predictions else "almost 100"
            first = f"{self.labelled:,} of {self.predictions:,} predictions have a label ({share} %)."
        if not self.labels:
            return f"{first} There are no labels."
        told = [f"{count:,} {what}" for count, what in self._remarkable() if count]
        return f"{first} Of {self.labels:,} labels, {', '.join(told)}." if told else first

    def _remarkable(self) -> Iterator[tuple[int, str]]:
        yield self.repeated, "were repeated"
        yield self.corrected, "corrected an earlier one"
        yield self.empty, "were empty"
        yield self.unknown, "belong to no prediction here"
        yield self.early, "came before their prediction"
        yield self.late, "came after the window"

    def problems(self, uri: str) -> Iterator[Problem]:
        """What somebody should look at; `uri` names where the predictions lie."""
        if self.shared:
            reason = f"{self.shared:,} predictions have an id that an earlier one has, and got the same label"
            remedy = "Give each call an id of its own (InferenceId); labels by time need moments of their own."
            yield Problem(uri, reason, remedy=remedy, rows=0)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "ratio": self.ratio if self.predictions else None}
