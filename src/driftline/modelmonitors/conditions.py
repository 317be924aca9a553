"""Which rows of a batch a violation is about, one small value for each check."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isinf
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from driftline.profile.arrow import values_of
from driftline.profile.confusion import Confusion
from driftline.profile.matches import ABOVE, EQUAL, MISSING, Value, matches_of
from driftline.profile.outcomes import coded, column_of, labels_of, numbers_of
from driftline.profile.texts import FRACTIONAL, INTEGRAL
from driftline.schema import Form

Mask = npt.NDArray[np.bool_]
Weights = npt.NDArray[np.float64]


class Condition(Protocol):
    """Tells rows from others; what it says completes "rows ..."."""

    @property
    def said(self) -> str:
        """In words."""
        ...

    def mask(self, batch: pa.RecordBatch) -> Mask:
        """Of each row whether it is one; raises `SchemaMismatch` for a column that is not there."""
        ...


@dataclass(frozen=True)
class Missing:
    """Rows without a value.

    >>> Missing("a").mask(pa.record_batch({"a": [1.0, None, float("nan")]})).tolist()
    [False, True, True]
    """

    column: str

    @property
    def said(self) -> str:
        """In words."""
        return f"without a value in {self.column}"

    def mask(self, batch: pa.RecordBatch) -> Mask:
        """Null, or NaN."""
        return ~_present(column_of(self.column, batch))


@dataclass(frozen=True)
class OfOtherKind:
    """Rows whose value is of another kind than `Integral`, `Fractional` or `String`.

    >>> OfOtherKind("a", "Integral").mask(pa.record_batch({"a": ["1", "x", None, "2.5"]})).tolist()
    [False, True, False, True]
    """

    column: str
    kind: str

    @property
    def said(self) -> str:
        """In words."""
        return f"whose value in {self.column} is not {self.kind}"

    def mask(self, batch: pa.RecordBatch) -> Mask:
        """Texts are read as SageMaker reads them; a typed column is of one kind wholly."""
        array = column_of(self.column, batch)
        present = _present(array)
        form = Form.of(array.type)
        if form is Form.TEXT and self.kind in ("Integral", "Fractional"):
            pattern = INTEGRAL if self.kind == "Integral" else FRACTIONAL
            texts = array.cast(pa.string()).fill_null("")
            return np.asarray(present & ~values_of(pc.match_substring_regex(texts, pattern)))
        if form is Form.NUMBER and self.kind == "Integral":
            found = numbers_of(array)
            return np.asarray(present & (found != np.floor(found)))
        return present


@dataclass(frozen=True)
class Outside:
    """Rows whose value is none of those known.

    >>> Outside("a", ("x",)).mask(pa.record_batch({"a": ["x", "y", None]})).tolist()
    [False, True, False]
    """

    column: str
    known: tuple[str, ...]

    @property
    def said(self) -> str:
        """In words."""
        return f"whose value in {self.column} is none of the {len(self.known)} that the baseline has"

    def mask(self, batch: pa.RecordBatch) -> Mask:
        """Compared as texts, as the baseline lists them."""
        array = column_of(self.column, batch)
        return _present(array) & ~_among(array, self.known)


@dataclass(frozen=True)
class Among:
    """Rows whose value is one of some.

    >>> Among("a", ("x",)).mask(pa.record_batch({"a": ["x", "y", None]})).tolist()
    [True, False, False]
    """

    column: str
    values: tuple[str, ...]

    @property
    def said(self) -> str:
        """In words."""
        return f"whose value in {self.column} is {' or '.join(self.values[:5])}"

    def mask(self, batch: pa.RecordBatch) -> Mask:
        """Compared as texts."""
        return _among(column_of(self.column, batch), self.values)


@dataclass(frozen=True)
class Between:
    """Rows whose number lies in (low, high].

    >>> Between("a", 1, 2).mask(pa.record_batch({"a": [1, 2, 3, None]})).tolist()
    [False, True, False, False]
    """

    column: str
    low: float = -inf
    high: float = inf

    @property
    def said(self) -> str:
        """In words."""
        if isinf(self.low):
            return f"whose {self.column} is at most {self.high:g}"
        above = f"whose {self.column} is above {self.low:g}"
        return above if isinf(self.high) else f"{above} and at most {self.high:g}"

    def mask(self, batch: pa.RecordBatch) -> Mask:
        """What is no number is not in it."""
        found = numbers_of(column_of(self.column, batch))
        return np.asarray((found > self.low) & (found <= self.high))


@dataclass(frozen=True)
class Negative:
    """Rows whose number is below 0.

    >>> Negative("a").mask(pa.record_batch({"a": [-1, 0, None]})).tolist()
    [True, False, False]
    """

    column: str

    @property
    def said(self) -> str:
        """In words."""
        return f"whose {self.column} is negative"

    def mask(self, batch: pa.RecordBatch) -> Mask:
        """What is no number is not."""
        return np.asarray(numbers_of(column_of(self.column, batch)) < 0)


@dataclass(frozen=True)
class InGroup:
    """Rows of a group of a facet: whose columns have these values, or lie above the one that is a threshold."""

    columns: tuple[str, ...]
    values: tuple[tuple[Value, ...], ...]
    above: tuple[bool, ...]

    @property
    def said(self) -> str:
        """In words."""
        told = zip(self.columns, self.values, self.above, strict=True)
        return "of the group " + " and ".join(
            f"{name} above {values[0]}" if above else f"{name} = {','.join(map(str, values))}"
            for name, values, above in told
        )

    def mask(self, batch: pa.RecordBatch) -> Mask:
        """As the bias monitor reads groups."""
        found = np.ones(batch.num_rows, dtype=np.bool_)
        for name, values, above in zip(self.columns, self.values, self.above, strict=True):
            codes = matches_of(column_of(name, batch), values)
            found &= (codes != MISSING) & ((codes & (ABOVE if above else EQUAL)) != 0)
        return found


@dataclass(frozen=True)
class Wrong:
    """Rows with a label that the prediction is not; `missed` looks only at those of that class, `taken` only at those
    that were predicted to be of it.
    """

    question: Confusion
    missed: str | None = None
    taken: str | None = None

    @property
    def said(self) -> str:
        """In words."""
        if self.missed is not None:
            return f"of class {self.missed} that were predicted to be of another"
        return "whose prediction is wrong" if self.taken is None else f"that were wrongly predicted to be {self.taken}"

    def mask(self, batch: pa.RecordBatch) -> Mask:
        """Rows without a label or a prediction are not wrong."""
        names, actual = coded(labels_of(column_of(self.question.ground_truth, batch)))
        guessed, predicted = self.question.predictions(batch)
        same = np.array([guessed.index(name) if name in guessed else -2 for name in names] + [-2])
        wrong = (actual >= 0) & (predicted >= 0) & (same[actual] != predicted)
        for wanted, known, codes in ((self.missed, names, actual), (self.taken, guessed, predicted)):
            if wanted is not None:
                wrong &= codes == (known.index(wanted) if wanted in known else -2)
        return np.asarray(wrong)


@dataclass(frozen=True)
class Labelled:
    """Rows that have a label and a prediction, both numbers."""

    prediction: str
    ground_truth: str

    @property
    def said(self) -> str:
        """In words."""
        return "with a label, those first that are farthest from it"

    def mask(self, batch: pa.RecordBatch) -> Mask:
        """Neither is missing."""
        return ~np.isnan(self.weights(batch))

    def weights(self, batch: pa.RecordBatch) -> Weights:
        """How far each prediction is from its label; NaN where either is missing."""
        guess, truth = (numbers_of(column_of(each, batch)) for each in (self.prediction, self.ground_truth))
        return np.abs(guess - truth)


@dataclass(frozen=True)
class Every:
    """All rows, those first where a column is farthest from 0, if there is one."""

    column: str | None = None

    @property
    def said(self) -> str:
        """In words."""
        return "of the window" + (f", those first with the greatest {self.column}" if self.column else "")

    def mask(self, batch: pa.RecordBatch) -> Mask:
        """All."""
        return np.ones(batch.num_rows, dtype=np.bool_)

    def weights(self, batch: pa.RecordBatch) -> Weights:
        """The size of the number; 0 where there is none."""
        if self.column is None:
            return np.zeros(batch.num_rows)
        return np.nan_to_num(np.abs(numbers_of(column_of(self.column, batch))))


def _present(array: pa.Array) -> Mask:
    missing = pc.is_null(array, nan_is_null=pa.types.is_floating(array.type))
    return ~values_of(missing)


def _among(array: pa.Array, values: tuple[str, ...]) -> Mask:
    names, codes = coded(labels_of(array))
    wanted = {text for text in labels_of(pa.array(values, pa.string())).to_pylist() if text is not None}
    known = np.array([name in wanted for name in names] + [False])
    return np.asarray(known[codes])
