"""Rows of a file made rows of the tables: each value as its field keeps it, each row held to the rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.schemas.checks import breaches, code_of, longer, wanted_of
from driftline.schemas.faults import Faults
from driftline.schemas.fields import LATE, Environment, Kind, ModelField, Role
from driftline.schemas.kinds import TIME, arrow_type
from driftline.schemas.mapped import Mapped
from driftline.schemas.names import column
from driftline.schemas.rejected import Broken, faults_among, rejected_rows
from driftline.schemas.rules import Intake
from driftline.schemas.values import EXACT, convert, plain, texts_of

_VITAL = (Role.PREDICTION, Role.SCORE, Role.GROUP, Role.RANK)
"""A row is worth nothing if what is there in one of these cannot be read."""

_NEEDED = (Role.GROUP, Role.RANK)
"""These may not even be empty."""

_ANSWERS = {Role.PREDICTION: (Role.PREDICTION, Role.SCORE, Role.RANK), Role.ACTUAL: LATE}


@dataclass(frozen=True)
class Conformed:
    """What became of the rows of a batch.

    `early` are the accepted rows as the table of inferences takes them, None where no early field is looked for; `late`
    those that have an actual, as the table of actuals takes them, likewise. Both have `_id`, `_time`, `_version` where
    a column says it, `_batch` and `_row`, then the fields. `accepted` tells of each row of the batch whether it was,
    `rejected` holds the others with their reasons.
    """

    early: pa.RecordBatch | None
    late: pa.RecordBatch | None
    accepted: pa.BooleanArray
    faults: Faults
    rejected: pa.Table | None

    @property
    def accepted_count(self) -> int:
        """Rows that were accepted."""
        return int(pc.sum(self.accepted).as_py() or 0)

    @property
    def rejected_count(self) -> int:
        """Rows that were not."""
        return len(self.accepted) - self.accepted_count


def conform(
    batch: pa.RecordBatch, mapped: Mapped, intake: Intake, first_row: int = 1, lost: Sequence[int] = ()
) -> Conformed:
    """The rows of a batch as the tables take them, whose first is row `first_row` of its file, counted from 1.

    `lost` are, in order, the places in the batch before which a row of the file is missing, each as often as one is.

    A row is rejected if its id or time is wrong, if a prediction, a score, a group or a rank is there but cannot be
    read, if a required field is empty, and, of actuals alone, if an actual cannot be read; any other wrong value is
    made null, and told.

    >>> from datetime import UTC, datetime
    >>> from driftline.schemas.columns import Columns
    >>> from driftline.schemas.fields import ModelSchema
    >>> from driftline.schemas.mapped import resolve
    >>> age, label = ModelField("age", Role.FEATURE, Kind.NUMERIC), ModelField("y", Role.PREDICTION, Kind.BOOLEAN)
    >>> batch = pa.record_batch({"age": ["31", "old"], "y": ["true", "maybe"]})
    >>> mapped = resolve(Columns(), ModelSchema((age, label)), batch.schema)
    >>> found = conform(batch, mapped, Intake(datetime(2026, 1, 1, tzinfo=UTC), "a.csv"))
    >>> found.early.select(["_id", "age", "y"]).to_pylist(), found.rejected["_reason"].to_pylist()
    ([{'_id': 'a.csv-1', 'age': 31.0, 'y': True}], ["column 'y': the label 'maybe' is not true or false"])
    """
    rows = _rows(batch.num_rows, first_row, lost)
    broken: list[Broken] = []
    own = _own(batch, mapped, intake, rows, broken)
    early = [_field(batch, mapped, each, intake, broken) for each in mapped.early]
    late = [_field(batch, mapped, each, intake, broken) for each in mapped.late]
    broken += _incomplete(mapped, intake, [*early, *late], batch.num_rows)
    lost = _any([each.mask for each in broken if each.rejects], batch.num_rows)
    accepted = pc.invert(lost)
    whole = not pc.any(lost).as_py()
    return Conformed(
        _table(own, mapped.early, early, None if whole else accepted) if mapped.early else None,
        _table(own, mapped.late, late, _with_actual(late, accepted)) if mapped.late else None,
        accepted,
        faults_among(broken, rows),
        None if whole else rejected_rows(batch, broken, lost, rows),
    )


def _rows(count: int, first: int, lost: Sequence[int]) -> pa.Int64Array:
    numbers = np.arange(count, dtype=np.int64)
    numbers += first + (np.searchsorted(np.asarray(lost, np.int64), numbers, side="right") if lost else 0)
    return pa.Array.from_buffers(pa.int64(), count, [None, pa.py_buffer(numbers)])


def _own(
    batch: pa.RecordBatch, mapped: Mapped, intake: Intake, rows: pa.Array, broken: list[Broken]
) -> dict[str, pa.Array]:
    """The columns of the rows themselves."""
    own = {"_id": _ids(batch, mapped, intake, rows, broken), "_time": _times(batch, mapped, intake, broken)}
    if mapped.version is not None:
        own["_version"] = _texts(batch, mapped.version)
    own["_batch"] = _batches(batch, mapped, intake, broken)
    return own | {"_row": rows}


def _texts(batch: pa.RecordBatch, name: str) -> pa.StringArray:
    """A column as text, null where the text is empty."""
    array = column(batch, name)
    texts = pa.nulls(batch.num_rows, pa.string()) if array is None else texts_of(array)
    empty = pc.equal(texts, "")
    return pc.if_else(empty, pa.scalar(None, pa.string()), texts) if pc.any(empty).as_py() else texts


def _ids(batch: pa.RecordBatch, mapped: Mapped, intake: Intake, rows: pa.Array, broken: list[Broken]) -> pa.StringArray:
    """The ids; of rows of a file without ids the file's key and the row's number, the same whenever it is read."""
    if mapped.id is None:
        return pc.binary_join_element_wise(intake.file, rows.cast(pa.string()), "-")
    ids = _texts(batch, mapped.id)
    most = intake.bounds.id_characters
    masks = [pc.is_null(ids)] if ids.null_count else []
    long = longer(ids, most)
    masks += [] if long is None else [long]
    source = column(batch, mapped.id)
    wrong = _kind_of_ids(source)
    masks += [] if wrong is None else [wrong]
    if masks:
        wanted = f"a text or whole number of 1 to {most} characters"
        mask = _any(masks, batch.num_rows)
        broken.append(Broken("Invalid_Prediction_Id", mask, mapped.id, "id", wanted, source))
    return ids


def _kind_of_ids(source: pa.Array | None) -> pa.BooleanArray | None:
    """Which ids are neither texts nor whole numbers."""
    array = plain(source) if source is not None else pa.array([])
    if pa.types.is_floating(array.type):
        array = array.cast(pa.float64())
        mask = pc.or_(pc.not_equal(pc.floor(array), array), pc.greater_equal(pc.abs(array), EXACT))
        return mask if pc.any(mask).as_py() else None
    refused = pa.types.is_boolean(array.type) or pa.types.is_nested(array.type) or pa.types.is_temporal(array.type)
    return pa.repeat(pa.scalar(True), len(array)) if refused else None


def _times(batch: pa.RecordBatch, mapped: Mapped, intake: Intake, broken: list[Broken]) -> pa.Array:
    """The times; without a column of times, that of the import."""
    if mapped.timestamp is None:
        return pa.repeat(pa.scalar(intake.now, TIME), batch.num_rows)
    source = column(batch, mapped.timestamp)
    if source is None:
        source = pa.nulls(batch.num_rows, TIME)
    field = ModelField("timestamp", Role.TAG, Kind.TIMESTAMP)
    times, _ = convert(source, field)
    if times.null_count:
        broken.append(Broken("Invalid_Timestamp", pc.is_null(times), mapped.timestamp, field.name, source=source))
    first, last = _ends(intake)
    least, most = pc.min_max(times).values()
    if least.is_valid and (least.as_py() < first or most.as_py() > last):
        beyond = pc.or_(pc.less(times, pa.scalar(first, TIME)), pc.greater(times, pa.scalar(last, TIME)))
        wanted = f"between {first:%Y-%m-%d} and {last:%Y-%m-%d}"
        mask = pc.fill_null(beyond, False)
        broken.append(Broken("Invalid_Timestamp_Value", mask, mapped.timestamp, field.name, wanted, source))
    return times


def _ends(intake: Intake) -> tuple[datetime, datetime]:
    """The first and the last time that a row may have; bounds beyond the calendar are its ends."""
    most = timedelta(days=intake.bounds.past_days), timedelta(days=intake.bounds.ahead_days)
    back = min(most[0], intake.now - datetime.min.replace(tzinfo=UTC))
    ahead = min(most[1], datetime.max.replace(tzinfo=UTC) - intake.now)
    return intake.now - back, intake.now + ahead


def _batches(batch: pa.RecordBatch, mapped: Mapped, intake: Intake, broken: list[Broken]) -> pa.StringArray:
    found = pa.nulls(batch.num_rows, pa.string()) if mapped.batch is None else _texts(batch, mapped.batch)
    if intake.batch:
        found = pc.fill_null(found, intake.batch)
    if intake.environment is Environment.VALIDATION and found.null_count:
        broken.append(Broken("Invalid_Batch_Id", pc.is_null(found), mapped.batch, "batch"))
    return found


def _field(batch: pa.RecordBatch, mapped: Mapped, field: ModelField, intake: Intake, broken: list[Broken]) -> pa.Array:
    """The values of a field, null where they break a rule."""
    name = mapped.column(field)
    source = None if name is None else column(batch, name)
    if source is None:
        if field.required:
            mask = pa.repeat(pa.scalar(True), batch.num_rows)
            broken.append(Broken("Missing_Value", mask, name or field.name, field.name, "is required"))
        return pa.nulls(batch.num_rows, arrow_type(field))
    values, bad = convert(source, field)
    alone = field.role in LATE and not mapped.early
    rejects = intake.bounds.strict or field.required or field.role in _VITAL or alone
    found = [] if bad is None else [Broken(code_of(field), bad, name, field.name, wanted_of(field), source, rejects)]
    for each in breaches(field, values, intake.bounds):
        found.append(Broken(each.code, each.mask, name, field.name, each.wanted, source, rejects))
        values = pc.if_else(each.mask, pa.scalar(None, values.type), values)
    if values.null_count and (field.required or field.role in _NEEDED):
        empty = pc.and_not(pc.is_null(values), _any([each.mask for each in found], batch.num_rows))
        if pc.any(empty).as_py():
            found.append(Broken("Missing_Value", empty, name, field.name, "is required", None))
    broken += found
    return values


def _incomplete(mapped: Mapped, intake: Intake, values: Sequence[pa.Array], count: int) -> list[Broken]:
    """Rows for training and validation without a prediction or an actual, where the schema has such (M-08)."""
    if intake.environment is Environment.PRODUCTION or not intake.bounds.complete or mapped.content == "actuals":
        return []
    found = []
    by_field = list(zip((*mapped.early, *mapped.late), values, strict=True))
    for role, code in ((Role.PREDICTION, "Missing_Prediction"), (Role.ACTUAL, "Missing_Actual")):
        declared = mapped.schema.having(*_ANSWERS[role])
        if not declared or (role is Role.ACTUAL and mapped.content == "predictions"):
            continue
        there = [pc.is_valid(array) for field, array in by_field if field in declared]
        mask = pc.invert(_any(there, count))
        if pc.any(mask).as_py():
            wanted = f"rows for {intake.environment} need"
            found.append(Broken(code, mask, None, declared[0].name, wanted))
    return found


def _any(masks: Iterable[pa.BooleanArray], count: int) -> pa.BooleanArray:
    """True where any of the masks is; nulls are false."""
    found = pa.repeat(pa.scalar(False), count)
    for mask in masks:
        found = pc.or_(found, pc.fill_null(mask, False))
    return found


def _with_actual(late: Sequence[pa.Array], accepted: pa.BooleanArray) -> pa.BooleanArray:
    return pc.and_(accepted, _any([pc.is_valid(array) for array in late], len(accepted)))


def _table(
    own: dict[str, pa.Array], fields: Sequence[ModelField], values: Sequence[pa.Array], mask: pa.BooleanArray | None
) -> pa.RecordBatch:
    names = [*own, *(each.name for each in fields)]
    batch = pa.RecordBatch.from_arrays([*own.values(), *values], names=names)
    return batch if mask is None or pc.all(mask).as_py() else batch.filter(mask)
