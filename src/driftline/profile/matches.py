"""Which rows have one of the values, or lie above the threshold, that a configuration gives: both readings at once."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, nan
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from driftline.profile.columns import Ints
from driftline.profile.confusion import Confusion, Probability
from driftline.profile.outcomes import coded, column_of, labels_of, numbers_of, spelling
from driftline.schema import Form

Value = str | int | float

MISSING, NEITHER, EQUAL, ABOVE = -1, 0, 1, 2
"""What a row is to the values; one may be both `EQUAL` and `ABOVE`, which are bits."""

Matches = npt.NDArray[np.int8]

_FEW = 1_000
"""So many distinct texts are looked at one by one; more are read as numbers if they all are."""

_LEADING_ZERO = r"^\s*[+-]?0[0-9]"


def threshold_of(values: Sequence[Value]) -> float:
    """The one number that may be a threshold; NaN if several values are given, or one that is no number.

    >>> threshold_of([0.5]), threshold_of(["30"]), threshold_of([1, 2]), threshold_of(["yes"])
    (0.5, 30.0, nan, nan)
    """
    return _number(spelling(str(values[0]))) if len(values) == 1 else nan


def matches_of(array: pa.Array, values: Sequence[Value]) -> Matches:
    """Of each row: `EQUAL` if its value is one of `values`, `ABOVE` if it is above their threshold, or both.

    Which of the two readings holds is known only when all rows are seen, as it depends on how many distinct values
    there are. Values compare as labels do (`labels_of`): 1, "1.0" and true are alike.

    >>> matches_of(pa.array([0, 1, 2, None]), [1]).tolist()
    [0, 1, 2, -1]
    >>> matches_of(pa.array(["yes", "no", ""]), ["yes"]).tolist()
    [1, 0, -1]
    """
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    limit = threshold_of(values)
    numeric = Form.of(array.type) in (Form.NUMBER, Form.BOOLEAN) and not pa.types.is_dictionary(array.type)
    if numeric or _reads_as_numbers(array):
        found = numbers_of(array)
        wanted = [_number(spelling(str(value))) for value in values]
        equal = _any_of(found, [each for each in wanted if not isnan(each)])
        codes = equal.astype(np.int8) + np.int8(ABOVE) * (found > limit)
        codes[np.isnan(found)] = MISSING
        return codes
    names, places = coded(labels_of(array))
    return named_matches(names, values)[places]


def named_matches(names: Sequence[str], values: Sequence[Value]) -> Matches:
    """What rows of each of these labels are to the values; one entry more, at the end, for those that have none.

    >>> named_matches(["0", "1", "2", "x"], [1]).tolist()
    [0, 1, 2, 0, -1]
    """
    limit, wanted = threshold_of(values), {spelling(str(value)) for value in values}
    codes = [EQUAL * (name in wanted) + ABOVE * (_number(name) > limit) for name in names]
    return np.array([*codes, MISSING], dtype=np.int8)


def predicted_matches(
    batch: pa.RecordBatch,
    prediction: str | None,
    probability: Probability | None,
    threshold: float,
    values: Sequence[Value],
    classes: tuple[str, ...] = (),
) -> Matches:
    """What the predictions of a batch are to the wanted values.

    Of one probability alone, a row above its threshold is wanted in either reading; of several, the label of the
    greatest is the prediction. Without columns of either sort every row misses its prediction.
    """
    if prediction is not None:
        return matches_of(column_of(prediction, batch), values)
    if probability is None:
        return np.full(batch.num_rows, MISSING, dtype=np.int8)
    names, codes = Confusion(None, probability, threshold, "", classes).predictions(batch)
    if isinstance(probability, str) and Form.of(column_of(probability, batch).type) not in (Form.LIST, Form.VECTOR):
        return np.array([NEITHER, EQUAL + ABOVE, MISSING], dtype=np.int8)[codes]
    return named_matches(names, values)[codes]


def distinct_codes(array: pa.Array, most: int) -> tuple[list[str], Ints] | None:
    """The distinct labels of a column and for each row which one, -1 where there is none; None for far too many.

    >>> names, codes = distinct_codes(pa.array(["b", None, "a"]), 10)
    >>> names, codes.tolist()
    (['b', 'a'], [0, -1, 1])
    """
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if not pa.types.is_dictionary(array.type) and not pa.types.is_decimal(array.type):
        array = array.dictionary_encode()
        if len(array.dictionary) > most:
            return None
    return coded(labels_of(array))


def _any_of(found: npt.NDArray[np.float64], wanted: Sequence[float]) -> npt.NDArray[np.bool_]:
    equal = np.zeros(len(found), dtype=np.bool_)
    for each in wanted[:8]:
        equal |= found == each
    return equal | np.isin(found, wanted[8:]) if len(wanted) > 8 else equal


def _reads_as_numbers(array: pa.Array) -> bool:
    """Whether a column of many distinct texts holds plain numbers alone, so that the short way gives the same."""
    if Form.of(array.type) is not Form.TEXT or pa.types.is_dictionary(array.type) or len(array) <= _FEW:
        return False
    if pc.count_distinct(array[:_FEW]).as_py() < _FEW // 4:
        return False
    texts = array.cast(pa.string())
    try:
        texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    zeros: Any = pc.any(pc.match_substring_regex(texts, _LEADING_ZERO)).as_py()
    return not zeros


def _number(text: str) -> float:
    try:
        return float(text) if "_" not in text else nan
    except ValueError:
        return nan
