"""Rows that were found wanting: which rule each breaks, in words, and all that it held, as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from driftline.schemas.faults import LONGEST, SHOWN, Faults, Offence
from driftline.schemas.names import column, columns_of
from driftline.schemas.rules import CODES, quoted
from driftline.schemas.values import plain, texts_of

_VALUE = "\0"
"""Stands for the value until its words are cut in two."""


@dataclass(frozen=True)
class Broken:
    """Rows of a batch that break a rule in one column; `source` is the column as the file has it.

    If it `rejects`, the rows are not kept; otherwise only their values are left out.
    """

    code: str
    mask: pa.BooleanArray
    column: str | None = None
    field: str | None = None
    wanted: str = ""
    source: pa.Array | None = None
    rejects: bool = True


def faults_among(broken: Iterable[Broken], rows: pa.Int64Array) -> Faults:
    """The rules that were broken, counted, with the numbers of the first rows."""
    return Faults.of(_offence(each, rows) for each in broken)


def _offence(broken: Broken, rows: pa.Int64Array) -> Offence:
    places = pc.indices_nonzero(broken.mask)
    first = places[:SHOWN]
    values = [None] * len(first)
    if broken.source is not None:
        values = [each and each[:LONGEST] for each in texts_of(plain(broken.source).take(first)).to_pylist()]
    numbers = tuple(rows.take(first).to_pylist())
    return Offence(broken.code, broken.column, broken.field, broken.wanted, len(places), numbers, tuple(values))


def rejected_rows(batch: pa.RecordBatch, broken: Sequence[Broken], lost: pa.BooleanArray, rows: pa.Array) -> pa.Table:
    """The lost rows as the file has them, all columns as text, with `_row`, `_code` of the first rule each breaks and
    `_reason`, which tells every rule.
    """
    numbers = rows.filter(lost)
    codes, reasons = pa.nulls(len(numbers), pa.string()), pa.nulls(len(numbers), pa.string())
    for each in broken:
        if each.rejects:
            mask = each.mask.filter(lost)
            codes = pc.coalesce(codes, pc.if_else(mask, each.code, pa.scalar(None, pa.string())))
            reason = _reasons(each, lost)
            both = pc.binary_join_element_wise(reasons, reason, "; ")
            reasons = pc.if_else(mask, pc.coalesce(both, reason), reasons)
    columns = {"_row": numbers, "_code": codes, "_reason": reasons}
    for name in columns_of(batch.schema):
        array = column(batch, name)
        if array is not None and name not in columns:
            columns[name] = texts_of(plain(array).filter(lost)).cast(pa.string())
    return pa.table(columns)


def _reasons(broken: Broken, lost: pa.BooleanArray) -> pa.StringArray:
    """The words of a rule with each row's own value in them."""
    rule = CODES[broken.code]
    words = rule.words.format(column=quoted(broken.column), value=_VALUE, wanted=broken.wanted)
    count = pc.sum(lost).as_py() or 0
    if _VALUE not in words or broken.source is None:
        return pa.repeat(pa.scalar(words.replace(_VALUE, quoted(None))), count)
    before, after = words.split(_VALUE)
    values = pc.utf8_slice_codeunits(texts_of(plain(broken.source).filter(lost)).cast(pa.string()), 0, LONGEST)
    said = pc.coalesce(pc.binary_join_element_wise("'", values, "'", ""), quoted(None))
    return pc.binary_join_element_wise(before, said, after, "")
