"""Which values of a field break a rule, though they are of its kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import pyarrow as pa
import pyarrow.compute as pc

from driftline.schemas.fields import Kind, ModelField, Role
from driftline.schemas.kinds import is_text
from driftline.schemas.rules import Bounds

_FINITE = (
    Role.PREDICTION,
    Role.SCORE,
    Role.ACTUAL,
    Role.ACTUAL_SCORE,
    Role.RELEVANCE,
    Role.ATTRIBUTION,
    Role.RANK,
)
"""Of these no number may be infinite; of a feature one may."""

_CODES = {
    Role.PREDICTION: "Invalid_Label",
    Role.ACTUAL: "Invalid_Label",
    Role.RELEVANCE: "Invalid_Label",
    Role.SCORE: "Invalid_Score",
    Role.ACTUAL_SCORE: "Invalid_Score",
    Role.RANK: "Invalid_Rank",
    Role.ATTRIBUTION: "Invalid_Attribution",
}

_WANTED = {
    Kind.NUMERIC: "a number",
    Kind.BOOLEAN: "true or false",
    Kind.TIMESTAMP: "a time",
    Kind.LIST: "a list",
}


@dataclass(frozen=True)
class Breach:
    """Rows that break a rule: its code, which rows they are, and what would have been right."""

    code: str
    mask: pa.BooleanArray
    wanted: str


def code_of(field: ModelField) -> str:
    """The code of values that are not of the field's kind.

    >>> code_of(ModelField("p", Role.SCORE, Kind.NUMERIC))
    'Invalid_Score'
    """
    return "Invalid_Embedding" if field.kind is Kind.TENSOR else _CODES.get(field.role, "Invalid_Value")


def wanted_of(field: ModelField) -> str:
    """What the values of a field are, in words.

    >>> wanted_of(ModelField("v", Role.FEATURE, Kind.TENSOR, (2, 3)))
    '6 finite numbers'
    """
    if field.kind is Kind.TENSOR:
        return f"{prod(field.dimensions)} finite numbers"
    return "a whole number" if field.whole else _WANTED.get(field.kind, "a text")


def breaches(field: ModelField, values: pa.Array, bounds: Bounds) -> Iterator[Breach]:
    """Rules of the field's role that its converted values break (R-03 to R-06, R-08)."""
    if pa.types.is_floating(values.type) and (field.required or field.role in _FINITE):
        yield from _found("Infinite_Value", pc.is_inf(values), "a finite number")
    if field.role in (Role.SCORE, Role.ACTUAL_SCORE) and field.of is not None:
        beyond = pc.or_(pc.less(values, 0.0), pc.greater(values, 1.0))
        yield from _found("Score_Out_Of_Range", beyond, "in [0, 1], as scores of classes are")
    if field.role is Role.RANK and field.kind is Kind.NUMERIC:
        yield from _found("Invalid_Rank", pc.less(values, 1), "1 or more")
    if is_text(values.type):
        most = bounds.tag_characters if field.role in (Role.TAG, Role.SEGMENT) else bounds.text_characters
        yield from _too_long(values, most)


def longer(texts: pa.Array, most: int) -> pa.BooleanArray | None:
    """Which texts have more characters than `most`, None if none has.

    >>> longer(pa.array(["ab", "é", None]), 1).to_pylist(), longer(pa.array(["é"]), 1)
    ([True, False, None], None)
    """
    longest = pc.max(pc.binary_length(texts)).as_py()
    if longest is None or longest <= most:  # a character has at least a byte, and bytes are counted quickly
        return None
    mask = pc.greater(pc.utf8_length(texts), most)
    return mask if pc.any(mask).as_py() else None


def _too_long(values: pa.Array, most: int) -> Iterator[Breach]:
    mask = longer(values, most)
    if mask is not None:
        yield Breach("Text_Too_Long", pc.fill_null(mask, False), f"{most:,} characters")


def _found(code: str, mask: pa.BooleanArray, wanted: str) -> Iterator[Breach]:
    if pc.any(mask).as_py():
        yield Breach(code, pc.fill_null(mask, False), wanted)
