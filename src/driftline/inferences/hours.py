"""Hourly profiles: batches of rows are profiled hour by hour as they pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from driftline.catalog.hours import Subject
from driftline.errors import SchemaMismatch
from driftline.inferences.hourcolumns import Hours, observed
from driftline.inferences.sheets import Sheet
from driftline.inferences.stacks import SIZE, Stacks
from driftline.profile import Profile
from driftline.profile.arrow import places_of, values_of
from driftline.profile.columns import Ints, cells_of
from driftline.schema import Field
from driftline.schemas.fields import RESERVED, Kind, ModelSchema

TIME = "_time"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_HOUR = 3_600_000_000
_COLUMNS = 1 << 20
"""A key is the hour's number since 1970 times this, and the place of the column."""

_LEAST = 1 << 16
"""So many rows at least are looked at together, however small the batches are."""

_PENDING = 1 << 21
"""So many items of new batches are held before they are merged into what was before."""

_FINER, _FEW = 4, 8
"""What waits to be merged has sketches so many times larger, and so many pieces are merged at once, lest errors add."""

_MENDABLE = (pa.ArrowException, ValueError, TypeError, ArithmeticError, IndexError, NotImplementedError)


class Hourly:
    """Profiles of the rows of one subject by the hour of their `_time`, made batch by batch.

    `schema` tells which lists are vectors; without it they are lists. Sketches have about 128 items an hour and are
    wrong in rank by less than 1.6 % of it; see `docs/decisions/0013-hourly-profiles.md`. Memory grows with the hours
    and columns that were seen, about 2 kB each, not with the rows.
    """

    def __init__(self, subject: Subject, schema: ModelSchema | None = None, size: int = SIZE) -> None:
        self.subject = subject
        self._size = size
        self._vectors = {each.name: each.dimensions for each in schema or () if each.kind is Kind.TENSOR}
        self._places: dict[str, int] = {}
        self._fields: list[Field] = []
        self._pool: dict[str, int] = {}
        self._rows: dict[int, int] = {}
        self._failures: dict[str, str] = {}
        self._waiting: list[pa.RecordBatch] = []
        self._pending: list[Stacks] = []
        self._settled: list[list[Stacks]] = []

    @property
    def hours(self) -> int:
        """How many hours were seen."""
        self._look()
        return len(self._rows)

    def observe(self, batch: pa.RecordBatch) -> None:
        """With one more batch seen: its column `_time` says which hour a row is of; columns `_...` are not profiled.

        Raises `SchemaMismatch` without `_time`, a timestamp in microseconds without nulls.
        """
        _refuse_times(batch)
        if self._waiting and self._waiting[0].schema != batch.schema:
            self._look()
        self._waiting.append(batch)
        if sum(each.num_rows for each in self._waiting) >= _LEAST:
            self._look()

    def _look(self) -> None:
        """See what waits: small batches cost less together."""
        waiting, self._waiting = [each for each in self._waiting if each.num_rows], []
        if not waiting:
            return
        together = waiting if len(waiting) == 1 else pa.Table.from_batches(waiting).combine_chunks().to_batches()
        for each in together:
            self._observe_batch(each)

    def _observe_batch(self, batch: pa.RecordBatch) -> None:
        batch, hours = _sorted(batch)
        for hour, count in zip(hours.keys.tolist(), hours.sizes.tolist(), strict=True):
            self._rows[hour] = self._rows.get(hour, 0) + count
        own = [name for name in batch.schema.names if name.startswith(RESERVED)]
        for found, array in cells_of(with_vectors(batch.drop_columns(own), self._vectors)):
            place = self._places.setdefault(found.name, len(self._places))
            if place == len(self._fields):
                self._fields.append(found)
            self._observe(found, array, Hours(hours.keys * _COLUMNS + place, hours.starts))
        if sum(each.size for each in self._pending) > _PENDING:
            self._settle()

    def _observe(self, found: Field, array: pa.Array, hours: Hours) -> None:
        if found.name in self._failures:
            return
        try:
            with np.errstate(all="ignore"):
                self._pending.append(observed(found, array, hours, self._pool))
        except _MENDABLE as error:
            self._failures[found.name] = f"{type(error).__name__}: {error}"

    def _settle(self) -> None:
        """What waits becomes one; of many such pieces one again, so that each value is merged a few times only."""
        fresh, depth = Stacks.together(self._pending).reduced(self._size * _FINER), 0
        self._pending = []
        while True:
            if depth == len(self._settled):
                self._settled.append([])
            self._settled[depth].append(fresh)
            if len(self._settled[depth]) < _FEW:
                return
            fresh = Stacks.together(self._settled[depth]).reduced(self._size * _FINER)
            self._settled[depth] = []
            depth += 1

    def merge(self, other: Hourly) -> Hourly:
        """The hours of both, as a new one; neither is changed."""
        found = Hourly(self.subject, None, self._size)
        found._vectors = {**other._vectors, **self._vectors}
        for each in (self, other):
            each._look()
            for field in each._fields:
                if found._places.setdefault(field.name, len(found._places)) == len(found._fields):
                    found._fields.append(field)
            for hour, count in each._rows.items():
                found._rows[hour] = found._rows.get(hour, 0) + count
            found._failures = {**each._failures, **found._failures}
            found._take(each)
        return found

    def _take(self, other: Hourly) -> None:
        """The pieces of another one, whose columns are known here."""
        columns = np.array([self._places[field.name] for field in other._fields], np.int64)
        texts = np.array([self._pool.setdefault(text, len(self._pool)) for text in other._pool], np.int64)

        def move(keys: Ints) -> Ints:
            return keys // _COLUMNS * _COLUMNS + columns[keys % _COLUMNS]

        self._pending += [piece.moved(move, texts) for piece in other._pieces()]

    def _pieces(self) -> list[Stacks]:
        return [*self._pending, *[piece for tier in self._settled for piece in tier]]

    def sheets(self) -> Mapping[datetime, Sheet]:
        """What was seen of each hour, in the order of the hours, in the form in which it is kept."""
        self._look()
        pieces = self._pieces()
        if not pieces:
            return {_hour(hour): Sheet(rows) for hour, rows in sorted(self._rows.items())}
        every = Stacks.together(pieces).reduced(self._size)
        found, texts = {}, list(self._pool)
        for hour, rows in sorted(self._rows.items()):
            part, pool = _alone(every.between(hour * _COLUMNS, (hour + 1) * _COLUMNS), texts)
            found[_hour(hour)] = Sheet(rows, tuple(self._fields), part, pool, dict(self._failures))
        return found

    def parts(self) -> Mapping[datetime, Profile]:
        """The profile of each hour, in the order of the hours."""
        return {hour: sheet.profile() for hour, sheet in self.sheets().items()}


def _hour(number: int) -> datetime:
    return EPOCH + timedelta(hours=number)


def _sorted(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Hours]:
    """The rows in the order of their hours, those of an hour as they were, and the hours' numbers since 1970."""
    times = values_of(batch.column(TIME).view(pa.int64()))
    first, last = int(times.min()) // _HOUR, int(times.max()) // _HOUR
    if first == last:
        return batch, Hours(np.array([first]), np.array([0, len(times)]))
    numbers: Ints = times // _HOUR
    if not (numbers[1:] >= numbers[:-1]).all():
        order = np.argsort(numbers, kind="stable")
        batch, numbers = batch.take(places_of(order)), numbers[order]
    starts = np.concatenate(([0], np.flatnonzero(numbers[1:] != numbers[:-1]) + 1, [len(numbers)]))
    return batch, Hours(numbers[starts[:-1]], starts)


def _refuse_times(batch: pa.RecordBatch) -> None:
    place = batch.schema.get_field_index(TIME)
    if place < 0 or batch.schema.types[place] != pa.timestamp("us", "UTC") or batch.column(place).null_count:
        found = "none" if place < 0 else f"{batch.schema.types[place]}, {batch.column(place).null_count} nulls"
        raise SchemaMismatch(
            column=TIME, reason=f"got {found}, expected timestamps in microseconds, UTC, without nulls"
        )


def with_vectors(batch: pa.RecordBatch, dimensions: Mapping[str, Sequence[int]]) -> pa.RecordBatch:
    """The batch with these columns of lists as vectors of so many dimensions."""
    for name, sizes in dimensions.items():
        place = batch.schema.get_field_index(name)
        if place >= 0 and pa.types.is_list(batch.schema.types[place]):
            batch = batch.set_column(place, name, _fixed(batch.column(place), int(np.prod(sizes))))
    return batch


def _fixed(lists: pa.ListArray, size: int) -> pa.Array:
    """Lists as vectors; those of another length are missing."""
    lengths = values_of(lists.value_lengths().fill_null(0))
    given = lengths == size
    if not lists.null_count and given.all():
        return pa.FixedSizeListArray.from_arrays(lists.flatten(), size)
    kept = lists.filter(pa.array(given)).flatten()
    places = pa.array(np.cumsum(given) - 1, mask=~given)
    return pa.FixedSizeListArray.from_arrays(kept, size).take(places)


def _alone(part: Stacks, pool: Sequence[str]) -> tuple[Stacks, tuple[str, ...]]:
    """With a pool of its own texts alone."""
    used, places = np.unique(part.texts.values, return_inverse=True)
    return replace(part, texts=replace(part.texts, values=places)), tuple(pool[place] for place in used.tolist())
