"""The rows of two groups by label and prediction: what bias metrics are functions of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from driftline.profile.columns import Floats, Ints

REST, SENSITIVE, UNKNOWN = 0, 1, 2
"""The favoured group a, the sensitive group d, and rows of which it is not known."""


@dataclass(frozen=True)
class Split:
    """`counts[i, g, y, p]`: rows of stratum i, group g, label y and prediction p.

    Groups are `REST` and `SENSITIVE`, labels and predictions 0 (negative) and 1 (positive); `UNKNOWN` (2) in any of
    the three stands for rows that have none. Strata are the values of the group variable, the last one is of rows
    that have none.
    """

    counts: Ints

    @classmethod
    def of(cls, table: npt.ArrayLike) -> Split:
        """The split of a table (2, 2, 2) of group, label and prediction, or of several in strata; all are known.

        >>> Split.of([[[5, 1], [2, 3]], [[4, 0], [1, 1]]]).labels.tolist()
        [[6, 5], [4, 2]]
        """
        known = np.asarray(table, dtype=np.int64)
        found = np.zeros((1 if known.ndim == 3 else len(known) + 1, 3, 3, 3), dtype=np.int64)
        found[: 1 if known.ndim == 3 else -1, :2, :2, :2] = known
        return cls(found)

    @cached_property
    def outcomes(self) -> Ints:
        """Rows (2, 2, 2) of which all is known: group, label, prediction."""
        found: Ints = self.counts[:, :2, :2, :2].sum(axis=0)
        return found

    @cached_property
    def labels(self) -> Ints:
        """Rows (2, 2) by group and label, whether predicted or not."""
        found: Ints = self.counts[:, :2, :2].sum(axis=(0, 3))
        return found

    @cached_property
    def predictions(self) -> Ints:
        """Rows (2, 2) by group and prediction, whether labelled or not."""
        found: Ints = self.counts[:, :2, :, :2].sum(axis=(0, 2))
        return found

    @cached_property
    def everyone(self) -> Ints:
        """Rows (2, 2) by label and prediction, of whatever group."""
        found: Ints = self.counts[:, :, :2, :2].sum(axis=(0, 1))
        return found

    @property
    def is_grouped(self) -> bool:
        """Whether any row has a value of the group variable."""
        return bool(self.counts[:-1].any())

    @cached_property
    def labels_by_stratum(self) -> Ints:
        """Rows (strata, 2, 2) by group and label; rows without a stratum are left out."""
        found: Ints = self.counts[:-1, :2, :2].sum(axis=3)
        return found

    @cached_property
    def predictions_by_stratum(self) -> Ints:
        """Rows (strata, 2, 2) by group and prediction; rows without a stratum are left out."""
        found: Ints = self.counts[:-1, :2, :, :2].sum(axis=2)
        return found

    def collapsed(self) -> Split:
        """The same without strata."""
        return Split(self.counts.sum(axis=0, keepdims=True))

    def compared(self) -> Split:
        """The rows alone that have both a label and a prediction."""
        found = np.zeros_like(self.counts)
        found[:, :, :2, :2] = self.counts[:, :, :2, :2]
        return Split(found)

    def drawn(self, random: np.random.Generator) -> Split:
        """As many rows drawn from these with replacement: a bootstrap replicate, by one multinomial draw.

        Source: Efron, Tibshirani, An Introduction to the Bootstrap (1993), ch. 6.
        """
        flat = self.counts.reshape(-1)
        used = np.flatnonzero(flat)
        found = np.zeros_like(flat)
        total = int(flat.sum())
        if total:
            shares: Floats = flat[used] / total
            found[used] = random.multinomial(total, shares)
        return Split(found.reshape(self.counts.shape))


@dataclass(frozen=True)
class Flips:
    """What the flip test counted: rows of the sensitive group against the vote of their nearest rows of the rest.

    `favoured` were predicted positive though the vote was negative, `harmed` the other way round; `rows` were asked,
    of `total` that there are, and compared with `against` rows of the rest, of `total_against`. Where rows were
    sampled, counts are estimates for the sample.
    """

    favoured: int
    harmed: int
    rows: int
    total: int
    against: int
    total_against: int

    @property
    def is_exact(self) -> bool:
        """Whether no row was left out."""
        return self.rows == self.total and self.against == self.total_against

    def drawn(self, random: np.random.Generator) -> Flips:
        """As many rows drawn with replacement."""
        if not self.rows:
            return self
        shares = np.array([self.favoured, self.harmed, self.rows - self.favoured - self.harmed]) / self.rows
        favoured, harmed, _ = random.multinomial(self.rows, shares).tolist()
        return Flips(favoured, harmed, self.rows, self.total, self.against, self.total_against)
