"""Kernel SHAP: Shapley values of any model's answers, from what it says of rows mixed with a background.

A row's value of a coalition is the mean answer over the background with the coalition's cells taken from the row
(Lundberg and Lee, "A Unified Approach to Interpreting Model Predictions", NeurIPS 2017). Rows with the same number of
cells that differ from the background share their coalitions, so all of them are one product of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from driftline.errors import Invalid, SchemaMismatch
from driftline.explanations.coalitions import Bools, Coalitions, coalitions, default_samples
from driftline.explanations.model import Model, NotApplicable, ask
from driftline.explanations.synthesis import Piece, differing, packed, synthetic
from driftline.profile.columns import Floats

CELLS = 4 << 20
"""So many cells of synthetic rows are made at a time: 32 MB of numbers."""

NEAREST = 1e-7
"""Probabilities are taken to lie at least so far from 0 and from 1 before their logit is taken: beyond ±16."""


@dataclass(frozen=True)
class Local:
    """Attributions of rows: `values` is (rows, outputs, features), `predictions` (rows, outputs).

    `expected` (outputs,) and the values of a row sum to its prediction. With `logit` all are log-odds. `exact` tells of
    which rows every coalition was tried.
    """

    values: Floats
    predictions: Floats
    expected: Floats
    exact: Bools


@dataclass(frozen=True)
class Kernel:
    """The explainer of a model against a background, whose columns are the features in the order the model takes them.

    `samples` coalitions are tried for each row at most (None: `default_samples`); where there are no more, all are,
    and the values are exact. `logit` explains the log-odds of the answers. The same `seed` gives the same values.
    """

    model: Model
    background: pa.RecordBatch
    samples: int | None = None
    logit: bool = False
    seed: int = 0
    cells: int = CELLS

    def __post_init__(self) -> None:
        """Raises `Invalid` for a background without rows or a number of samples that is none."""
        if not self.background.num_rows or not self.background.num_columns:
            raise Invalid(what="background", got="nothing", expected="at least one row of features")
        if self.samples is not None and self.samples < 1:
            raise Invalid(what="number of samples", got=self.samples, expected="at least 1")

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.background.schema.names)

    @cached_property
    def mean(self) -> Floats:
        """The model's mean answer (outputs,) to the background."""
        found: Floats = ask(self.model, self.background).mean(axis=0)
        return found

    @property
    def expected(self) -> Floats:
        """What is expected of a row of which nothing is known (outputs,); log-odds if these are explained."""
        return self._linked(self.mean)

    def coalitions(self, players: int) -> Coalitions:
        """The coalitions that rows of so many players are tried with."""
        most = default_samples(len(self.features)) if self.samples is None else self.samples
        return coalitions(players, most, self.seed)

    def explain(self, rows: pa.RecordBatch) -> Local:
        """The attributions of rows, whose columns must have the types of the background's; others are left out.

        The model is asked once for the rows, and once for each chunk of at most `cells` cells of synthetic rows.
        """
        rows = self._features(rows)
        if not rows.num_rows:
            empty = np.empty((0, len(self.expected), len(self.features)))
            return Local(empty, empty[:, :, 0], self.expected, np.empty(0, dtype=np.bool_))
        predictions = self._linked(ask(self.model, rows))
        varying = differing(rows, self.background)
        players = np.count_nonzero(varying, axis=1)
        known = [self.coalitions(number) if number in players else None for number in range(len(self.features) + 1)]
        answers = self._answers(rows, varying, known)
        values = np.zeros((rows.num_rows, predictions.shape[1], len(self.features)))
        gains = self._gained(predictions)
        for number in np.unique(players[players > 0]).tolist():
            places = np.flatnonzero(players == number)
            sets = known[number]
            if sets is not None:
                found = sets.values(np.stack([answers[place] for place in places.tolist()]), gains[places])
                values[places[:, None, None], np.arange(values.shape[1])[:, None], _members(varying[places])] = found
        exact = np.array([sets is None or sets.exact for sets in known])[players]
        return Local(values, predictions, self.expected, exact)

    def _features(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The features of the rows, in order; raises `SchemaMismatch` for a column that lacks or has another type."""
        for field in self.background.schema:
            if field.name not in rows.schema.names:
                reason = f"not among the columns {', '.join(rows.schema.names[:8])}"
                raise SchemaMismatch(column=field.name, reason=reason, remedy="The background must have the features.")
            if rows.schema.field(field.name).type != field.type:
                reason = f"{rows.schema.field(field.name).type} in the rows, {field.type} in the background"
                raise SchemaMismatch(column=field.name, reason=reason)
        return rows.select(list(self.features))

    def _answers(self, rows: pa.RecordBatch, varying: Bools, known: list[Coalitions | None]) -> dict[int, Floats]:
        """For each row what the model makes of its coalitions (sets, outputs), less what is expected."""
        number = self.background.num_rows
        sets = [0 if each is None else len(each) for each in known]
        limit = max(self.cells // len(self.features), number)
        found: dict[int, list[Floats]] = {}
        for chunk in packed(np.count_nonzero(varying, axis=1), sets, number, limit):
            masks = [_masks(piece, known) for piece in chunk]
            answered = ask(self.model, synthetic(rows, self.background, varying, chunk, masks))
            means = answered.reshape(-1, number, answered.shape[1]).mean(axis=1) if number > 1 else answered
            apart = self._gained(self._linked(means))
            at = 0
            for piece in chunk:
                for row in piece.rows.tolist():
                    found.setdefault(row, []).append(apart[at : at + piece.sets])
                    at += piece.sets
        lone = np.zeros((0, len(self.expected)))
        return {
            row: np.concatenate(found[row]) if len(found.get(row, ())) > 1 else found.get(row, [lone])[0]
            for row in range(rows.num_rows)
        }

    def _gained(self, answers: Floats) -> Floats:
        """What is beyond the expected value; raises `NotApplicable` if there are more or fewer outputs than before."""
        if answers.shape[1] != len(self.mean):
            reason = f"it gave {len(self.mean)} numbers for a row of the background, and then {answers.shape[1]}"
            raise NotApplicable(reason=reason)
        with np.errstate(invalid="ignore"):  # infinite less infinite is undefined, as it should be
            found: Floats = answers - self.expected
        return found

    def _linked(self, answers: Floats) -> Floats:
        """The answers, or their log-odds; raises `Invalid` for those that are no probabilities."""
        if not self.logit:
            return answers
        if np.any((answers < 0) | (answers > 1)):
            odd = float(answers[(answers < 0) | (answers > 1)][0])
            remedy = "Set use_logit to false for a model that does not answer with probabilities."
            raise Invalid(what="answer of the model under use_logit", got=odd, expected="0 to 1", remedy=remedy)
        kept = np.clip(answers, NEAREST, 1 - NEAREST)
        return np.log(kept) - np.log1p(-kept)


def _masks(piece: Piece, known: list[Coalitions | None]) -> Bools:
    sets = known[piece.players]
    assert sets is not None
    return sets.masks[piece.start : piece.stop]


def _members(varying: Bools) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The columns of each row's players, (rows, 1, players), as an index."""
    return np.nonzero(varying)[1].reshape(len(varying), 1, -1)
