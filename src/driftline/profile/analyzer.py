"""The algebra's two nouns: a State merges, an Analyzer folds batches into one.

Five laws hold for every analyzer and are tested on every one in the table of `analyzers.py`:

1. `merge` is associative and commutative, up to the error the state declares;
2. `start()` is its identity;
3. observing A then B equals merging what was observed of A and of B, with the same proviso;
4. neither operation changes its operands;
5. the codec gives back what it was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import pyarrow as pa

from driftline.profile.columns import Cells


class State(Protocol):
    """What is remembered of rows; frozen."""

    def merge(self, other: Self) -> Self:
        """The state of both sets of rows together."""
        ...


S = TypeVar("S", bound=State)


@dataclass(frozen=True)
class Analyzer(Generic[S]):
    """A question about one column; equal questions are equal keys of a profile."""

    column: str

    def start(self) -> S:
        """The answer for no rows: the identity of `merge`."""
        raise NotImplementedError

    def observe(self, state: S, cells: Cells) -> S:
        """The answer once the rows of `cells`, one batch of the column, are seen too."""
        raise NotImplementedError


@dataclass(frozen=True)
class JointAnalyzer(Generic[S]):
    """A question about several columns of the same rows, such as predictions and their labels.

    The fields of the dataclass are the question: names of columns and settings, all hashable (texts, numbers, tuples).
    """

    @property
    def subject(self) -> str:
        """The question in short, to name it where it fails."""
        return type(self).__name__.lower()

    def start(self) -> S:
        """The answer for no rows: the identity of `merge`."""
        raise NotImplementedError

    def observe(self, state: S, batch: pa.RecordBatch) -> S:
        """The answer once the rows of `batch` are seen too; raises `SchemaMismatch` if it lacks a column."""
        raise NotImplementedError
