"""Profiles of a part of a window's rows: of one segment, or of each value of a field, read row by row within bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.catalog import Catalog, hours
from driftline.catalog.hours import Subject
from driftline.errors import Invalid
from driftline.formats.format import ReadOptions
from driftline.inferences.hours import with_vectors
from driftline.inferences.rollups import covering
from driftline.inferences.tables import Tables, found
from driftline.profile import Profile
from driftline.profile.frequent import number_text
from driftline.schemas.fields import Kind, ModelSchema, Role
from driftline.sources import resolve, strictly
from driftline.window import Window

MOST = 200_000
"""Rows of a window that are read; of more, those of its last hours."""
VALUES = 40
"""Values of a field that are told apart, the first that were met; rows with others are left out."""

EMPTY = "(empty)"
"""What stands for rows without a value."""

_ENVIRONMENT = "_environment"
_KINDS = (Kind.CATEGORICAL, Kind.BOOLEAN, Kind.STRING)


@dataclass(frozen=True)
class Segment:
    """Rows that have a value in a field.

    >>> Segment.parse("city=Rome"), str(Segment("city", "Rome"))
    (Segment(field='city', value='Rome'), 'city=Rome')
    """

    field: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Segment:
        """As requests say it; raises `Invalid`."""
        name, sign, value = text.partition("=")
        if not name or not sign:
            raise Invalid(what="segment", got=text, expected="a field and its value, such as city=Rome")
        return cls(name, value)

    def __str__(self) -> str:
        return f"{self.field}={self.value}"


@dataclass(frozen=True)
class Slices:
    """The profile of each value, or of the one segment that was asked for; of rows from `since` on.

    `is_whole` if that is all of the window, and no value was left out.
    """

    profiles: Mapping[str, Profile] = field(default_factory=dict)
    since: datetime | None = None
    is_whole: bool = True


def fields_of(schema: ModelSchema) -> tuple[str, ...]:
    """The fields that can part rows: segments first, then other categories and booleans that come with a prediction."""
    early = [each for each in schema.early if each.kind in _KINDS]
    return tuple(each.name for each in sorted(early, key=lambda each: each.role is not Role.SEGMENT))


def of_segment(
    catalog: Catalog, tables: Tables, subject: Subject, schema: ModelSchema, window: Window, segment: Segment
) -> Slices:
    """The profile of the rows of a window that are in a segment, under its name; raises `Invalid` for no such field."""
    _refuse(schema, segment.field)
    cut, is_whole = bounded(catalog, subject, window)
    where = {segment.field: segment.value or None}
    profile, names = Profile(), [each.name for each in schema.early]
    for batch in _rows(tables, subject, schema, cut, names, where):
        profile = profile.observe(batch)
    return Slices({str(segment): profile}, cut.start, is_whole)


def by_value(
    catalog: Catalog, tables: Tables, subject: Subject, schema: ModelSchema, window: Window, asked: tuple[str, str]
) -> Slices:
    """The profile of a feature in each value of a field, which are `asked`; raises `Invalid` for no such fields."""
    feature, name = asked
    for each in asked:
        _refuse(schema, each)
    cut, is_whole = bounded(catalog, subject, window)
    profiles: dict[str, Profile] = {}
    for batch in _rows(tables, subject, schema, cut, list(dict.fromkeys((feature, name))), {}):
        for value, rows in _parted(batch, name):
            if value not in profiles and len(profiles) == VALUES:
                is_whole = False
                continue
            profiles[value] = profiles.get(value, Profile()).observe(rows.select([feature]))
    return Slices(profiles, cut.start, is_whole)


def bounded(catalog: Catalog, subject: Subject, window: Window) -> tuple[Window, bool]:
    """The window, or its last hours that hold no more than `MOST` rows; and whether it is all of it."""
    wide, _ = covering(window)
    with catalog.read() as tx:
        counts = hours.hours(tx, subject, wide)
    total, start = 0, window.end
    for hour, rows in sorted(counts.items(), reverse=True):
        total += rows
        if total > MOST and start < window.end:
            return Window(start, window.end), False
        start = max(hour, window.start)
    return window, True


def _rows(
    tables: Tables,
    subject: Subject,
    schema: ModelSchema,
    window: Window,
    names: Sequence[str],
    where: Mapping[str, str | None],
) -> Iterator[pa.RecordBatch]:
    """The rows of a window in the order of the table, with these fields; no more than `MOST`."""
    uri = tables.inferences_uri(subject.model, subject.version)
    if found(tables, uri) is None:
        return
    bounds = {"since": window.start.isoformat(), "until": window.end.isoformat()}
    settings = {**bounds, "where": {**where, _ENVIRONMENT: subject.environment}}
    source = resolve([uri], tables.access, "delta", ReadOptions(columns=tuple(names), settings=settings))
    vectors = {each.name: each.dimensions for each in schema if each.kind is Kind.TENSOR}
    left = MOST
    for item in strictly(source):
        if isinstance(item, pa.RecordBatch) and item.num_rows:
            yield with_vectors(item.slice(0, left), vectors)
            left -= min(item.num_rows, left)
        if not left:
            return


def _parted(batch: pa.RecordBatch, name: str) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The rows with each value of a field."""
    column = batch[name]
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    for value in pc.unique(column):
        known = value.as_py()
        mask = pc.is_null(column) if known is None else pc.fill_null(pc.equal(column, value), False)
        yield _told(known), batch.filter(mask)


def _told(value: object) -> str:
    if value is None:
        return EMPTY
    if isinstance(value, bool):
        return str(value).lower()
    return number_text(value) if isinstance(value, float) and np.isfinite(value) else str(value)


def _refuse(schema: ModelSchema, name: str) -> None:
    known = [each.name for each in schema.early]
    if name not in known:
        raise Invalid(what="field", got=name, expected=f"one of {', '.join(known[:20])}")
