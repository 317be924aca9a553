"""A window of a Delta table: which of its files can hold rows of it, and which rows of a file are in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from driftline.errors import Invalid, SchemaMismatch

TIME, INGESTED = "_time", "_ingested"

Bound = tuple[str, str, Any]
"""A column, one of `>=`, `<`, `<=`, `=`, and what it is compared with; equal to None means null."""

_COMPARED = {">=": pc.greater_equal, "<": pc.less, "<=": pc.less_equal, "=": pc.equal}


@dataclass(frozen=True)
class Bounds:
    """What rows are wanted: those for which all of these hold."""

    all: tuple[Bound, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that they speak of."""
        return tuple(dict.fromkeys(column for column, _, _ in self.all))

    def within(self, names: frozenset[str]) -> Bounds:
        """Those of these columns only."""
        return Bounds(tuple(each for each in self.all if each[0] in names))

    def files(self, actions: pa.Table, partitions: frozenset[str]) -> pa.Table:
        """The files of a table's log, flattened, that may hold such rows: by partitions and statistics."""
        for column, sign, value in self.all:
            if column in partitions:
                actions = actions.filter(_holds(actions[f"partition.{column}"], sign, value))
            elif value is not None:
                for side in _SIDES[sign]:
                    if f"{side}.{column}" in actions.schema.names:
                        bound = actions[f"{side}.{column}"]
                        holds = _holds(bound, _OF_SIDE[side, sign], value)
                        actions = actions.filter(pc.or_kleene(pc.is_null(bound), holds))
        return actions

    def is_whole(self, row: Mapping[str, Any]) -> bool:
        """Whether all rows of a file are wanted, as a row of the log has it; only times can tell."""
        for column, sign, value in self.all:
            least, greatest = row.get(f"min.{column}"), row.get(f"max.{column}")
            if sign == "=" or least is None or greatest is None or row.get(f"null_count.{column}") != 0:
                return False
            if not isinstance(least, datetime) or not isinstance(greatest, datetime):
                return False
            inside = {">=": _aware(least) >= value, "<": _aware(greatest) < value, "<=": _aware(greatest) <= value}
            if not inside[sign]:
                return False
        return True

    def groups(self, metadata: Any) -> list[tuple[int, int]]:
        """The row groups of a Parquet file that may hold such rows, as ranges from one to before another."""
        places = {metadata.schema.column(place).path: place for place in range(len(metadata.schema))}
        found: list[tuple[int, int]] = []
        for group in range(metadata.num_row_groups):
            about = metadata.row_group(group)
            told = [(about.column(places[name]).statistics, *rest) for name, *rest in self.all if name in places]
            if all(_may_hold(*each) for each in told):
                if found and found[-1][1] == group:
                    found[-1] = (found[-1][0], group + 1)
                else:
                    found.append((group, group + 1))
        return found

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that are wanted of a batch with the columns."""
        masks = [_holds(batch[column], sign, value) for column, sign, value in self.all]
        if not masks:
            return batch
        mask = masks[0]
        for each in masks[1:]:
            mask = pc.and_(mask, each)
        return batch if pc.all(mask).as_py() else batch.filter(mask)


_SIDES = {">=": ("max",), "<": ("min",), "<=": ("min",), "=": ("min", "max")}
_OF_SIDE = {("max", ">="): ">=", ("min", "<"): "<", ("min", "<="): "<=", ("min", "="): "<=", ("max", "="): ">="}


def bounds_of(settings: Mapping[str, Any]) -> Bounds:
    """The bounds in the settings `since`, `until`, `time_column`, `where` and `as_of`; raises `Invalid`.

    >>> bounds_of({"since": "2026-01-01", "where": {"city": "Rome"}}).columns
    ('_time', 'city')
    """
    time = str(settings.get("time_column") or TIME)
    found: list[Bound] = []
    for name, column, sign in (("since", time, ">="), ("until", time, "<"), ("as_of", INGESTED, "<=")):
        if settings.get(name) not in (None, ""):
            found.append((column, sign, moment(settings[name], f"Delta {name}")))
    found += [(column, "=", value) for column, value in _where(settings.get("where")).items()]
    return Bounds(tuple(found))


def moment(given: object, what: str) -> datetime:
    """A time with a zone, UTC unless it says another; raises `Invalid` naming `what`.

    >>> moment("2026-01-02", "since").isoformat()
    '2026-01-02T00:00:00+00:00'
    """
    try:
        found = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    except ValueError as error:
        expected = "a time such as 2024-05-31T12:00:00Z"
        raise Invalid(what=what, got=given, expected=expected) from error
    return _aware(found)


def _where(given: object) -> Mapping[str, Any]:
    if given in (None, "", {}):
        return {}
    try:
        found = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        found = None
    if not isinstance(found, Mapping):
        expected = 'columns with the value that each must have, such as {"city": "Rome"}'
        raise Invalid(what="Delta where", got=given, expected=expected)
    return found


def _aware(given: datetime) -> datetime:
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)


def _holds(column: Any, sign: str, value: Any) -> Any:
    """For which values a bound holds; for none that is null, unless null is asked for."""
    if value is None:
        return pc.is_null(column)
    return pc.fill_null(_COMPARED[sign](column, _like(value, column.type)), False)


def _like(value: Any, kind: pa.DataType) -> pa.Scalar:
    """A value as one of a column; texts are read as what the column holds. Raises `Invalid`."""
    try:
        if pa.types.is_timestamp(kind) and isinstance(value, datetime):
            found = _aware(value) if kind.tz else _aware(value).replace(tzinfo=None)
            return pa.scalar(found, pa.timestamp("us", kind.tz))
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if isinstance(value, bool):
            value = str(value).lower()
        return pa.scalar(str(value), pa.string()).cast(kind)
    except (pa.ArrowException, ValueError) as error:
        raise Invalid(what="Delta where", got=value, expected=f"a value of a column of {kind}") from error


def _may_hold(statistics: Any, sign: str, value: Any) -> bool:
    """Whether a row group may hold a value for which the bound holds."""
    if statistics is None or not statistics.has_min_max or not isinstance(value, datetime):
        return True
    least, greatest = statistics.min, statistics.max
    if not isinstance(least, datetime) or not isinstance(greatest, datetime):
        return True
    if sign == ">=":
        return _aware(greatest) >= value
    return _aware(least) < value if sign == "<" else _aware(least) <= value


def refuse_missing(bounds: Bounds, schema: pa.Schema, uri: str) -> None:
    """Raise `SchemaMismatch` for a bound of a column that a table lacks, or times of a column that has none."""
    for column, _, value in bounds.all:
        place = schema.get_field_index(column)
        if place < 0:
            shown = ", ".join(schema.names[:12])
            reason = f"the table {uri} has no such column; there are {shown}"
            raise SchemaMismatch(column=column, reason=reason, remedy="Name the column with `time_column` or `where`.")
        kind = schema.field(place).type
        if isinstance(value, datetime) and not pa.types.is_timestamp(kind):
            reason = f"it is {kind} in {uri}, not a time"
            raise SchemaMismatch(column=column, reason=reason, remedy="Name a column of times with `time_column`.")
