"""JSON payloads of a structure that is already known: read by DuckDB together with the records that hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.formats import records
from driftline.formats.quickjson import Inexact, with_kinds


@dataclass(frozen=True)
class Structure:
    """Flat objects that all have the same members, alone or as the only element of the list `under`."""

    types: Mapping[str, pa.DataType]
    under: str = ""

    @classmethod
    def of(cls, schema: pa.Schema, under: str = "") -> Structure | None:
        """That of payloads with this schema; None where a member's type does not say how it is written."""
        known = all(
            pa.types.is_int64(kind) or pa.types.is_float64(kind) or pa.types.is_string(kind) for kind in schema.types
        )
        return cls(dict(zip(schema.names, schema.types, strict=True)), under) if known and len(schema) else None

    @property
    def wanted(self) -> str:
        """The structure for DuckDB's `json_transform`; integers come as text, since it would round fractions."""
        members = {name: "DOUBLE" if pa.types.is_float64(kind) else "VARCHAR" for name, kind in self.types.items()}
        return json.dumps({self.under: [members]} if self.under else members)

    def rows(self, found: pa.StructArray, texts: pa.StringArray, *, plain: bool = False) -> pa.RecordBatch:
        """A row for each payload of `texts`, which DuckDB read as `found`; raises `Inexact` where any differs.

        With `plain` numbers whole ones among fractions are fractions.
        """
        if self.under:
            lists = found.field(0)
            if lists.null_count or pc.min_max(pc.list_value_length(lists)).as_py() != {"min": 1, "max": 1}:
                raise Inexact("not one row")
            found = lists.flatten()
        values = found.flatten()
        self._refuse_others(values, texts)
        columns = [_typed(column, kind) for column, kind in zip(values, self.types.values(), strict=True)]
        batch = pa.RecordBatch.from_arrays(columns, names=list(self.types))
        return batch if plain else with_kinds(batch, lambda row: self._written(texts[row].as_py()))

    def _refuse_others(self, columns: Sequence[pa.Array], texts: pa.StringArray) -> None:
        """Checks that every payload has these members and no others, each of its type or null.

        DuckDB leaves out members that were not asked for, and makes those that are missing or of another type null. So
        the quotes before colons must be as many as the members, the nulls that were written as many as those that were
        read, in payloads that name the member, and the quotes as many as names and texts have.
        """
        characters = _characters(texts)
        quotes = characters == ord('"')
        names = np.count_nonzero(quotes[:-1] & (characters[1:] == ord(":")))
        if names != (len(self.types) + bool(self.under)) * len(texts):
            raise Inexact("members are missing, or there are others")
        if list(self._written(texts[0].as_py())) != list(self.types):
            raise Inexact("members in another order")
        strings = nulls = 0
        for column, (name, kind) in zip(columns, self.types.items(), strict=True):
            strings += (len(column) - column.null_count) * pa.types.is_string(kind)
            nulls += column.null_count
            if column.null_count and not _all_name(texts.filter(pc.is_null(column)), name):
                raise Inexact("a member is missing")
        if np.count_nonzero(quotes) != 2 * (names + strings) or (nulls and nulls != _nulls(characters)):
            raise Inexact("a member of another type")

    def _written(self, text: str) -> Any:
        value = records.load(text)
        return value[self.under][0] if self.under else value


def _characters(texts: pa.StringArray) -> np.ndarray[Any, np.dtype[np.uint8]]:
    cuts = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(texts.buffers()[2], np.uint8)[cuts[0] : cuts[-1]]


def _all_name(texts: pa.StringArray, member: str) -> bool:
    return bool(pc.all(pc.match_substring(texts, f"{json.dumps(member)}:")).as_py())


def _nulls(characters: np.ndarray[Any, np.dtype[np.uint8]]) -> int:
    """How often `null` was written as the value of a member."""
    at = np.flatnonzero(characters[:-3] == ord("n"))
    at = at[(at > 1) & np.all([characters[at + place] == ord(letter) for place, letter in enumerate("null")], axis=0)]
    before = np.where(characters[at - 1] == ord(" "), characters[at - 2], characters[at - 1])
    return int(np.count_nonzero(before == ord(":")))


def _typed(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """The column with its type; raises `Inexact` for fractions and texts among integers, and for nested values."""
    if pa.types.is_int64(kind):
        if np.any(_characters(values) > ord("9")):  # "0x1f" is an integer to Arrow
            raise Inexact("a member of another type")
        try:
            return values.cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise Inexact(str(error)) from error
    if pa.types.is_string(kind) and any(pc.any(pc.starts_with(values, start)).as_py() for start in "[{"):
        raise Inexact("nested members")
    return values
