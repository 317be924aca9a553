"""Which column of a file is which field of a model: what a schema and the columns of a job make of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa

from driftline.schemas.columns import Columns
from driftline.schemas.faults import Fault
from driftline.schemas.fields import LATE, ModelField, ModelSchema, Role
from driftline.schemas.limits import faults_of
from driftline.schemas.names import column, columns_of
from driftline.schemas.places import is_looked_for, names_of, places_of
from driftline.schemas.remarks import left_over, missing_fields, missing_listed, missing_own, names_wrong
from driftline.schemas.roles import guessed, own_columns
from driftline.schemas.rules import Bounds
from driftline.schemas.values import plain, texts_of

SAMPLES = 3
"""So many values of each column are shown."""


@dataclass(frozen=True)
class Use:
    """What a column of a file becomes.

    `becomes` is a role of a field, `id`, `timestamp`, `version`, `batch`, `excluded` or `unmapped`; `kind` is that of
    the field, or the file's own type; `samples` are values that are there.
    """

    column: str
    becomes: str
    field: str | None
    kind: str
    samples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mapped:
    """Where in a file the fields are; `columns` holds each field that is there with its column.

    `missing` are fields that are not, `added` fields that columns beyond the schema would be. With `faults` the file
    cannot be imported; in spite of `warnings` it can, missing fields being empty. `content` is what is looked for:
    `predictions`, `actuals`, or (`both`, None) all.
    """

    schema: ModelSchema
    columns: tuple[tuple[ModelField, str], ...]
    id: str | None = None
    timestamp: str | None = None
    version: str | None = None
    batch: str | None = None
    uses: tuple[Use, ...] = ()
    missing: tuple[ModelField, ...] = ()
    added: tuple[ModelField, ...] = ()
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    content: str | None = None

    def column(self, field: ModelField) -> str | None:
        """The column of a field, None where the file has none."""
        return self._columns.get(field)

    @cached_property
    def _columns(self) -> dict[ModelField, str]:
        return dict(self.columns)

    @property
    def early(self) -> tuple[ModelField, ...]:
        """Fields of the table of inferences; none where only actuals are looked for."""
        return () if self.content == "actuals" else self.schema.early

    @property
    def late(self) -> tuple[ModelField, ...]:
        """Fields of the table of actuals; none where only predictions are looked for or no actual is there."""
        there = any(each.role in LATE for each, _ in self.columns)
        return self.schema.late if there and self.content != "predictions" else ()

    def sampled(self, batch: pa.RecordBatch) -> Mapped:
        """With values of the batch beside each column, nulls left out."""
        return replace(self, uses=tuple(replace(use, samples=_samples(batch, use.column)) for use in self.uses))


def resolve(
    columns: Columns,
    schema: ModelSchema | None,
    found: pa.Schema,
    *,
    content: str | None = None,
    bounds: Bounds | None = None,
    forbidden: Collection[str] = (),
) -> Mapped:
    """Which of the columns `found` in a file is which field.

    A field is in the column that `columns.fields` says (as `name`, or `role/name` where two have one name), else in
    that with the prefix of its role, else in that of its own name. Members of structs go by dotted names; the order
    of columns does not matter. Without a schema lists, prefixes and types tell the fields (`roles.guessed`), and all
    columns left are features if there is neither a prefix nor a list for these (C-01, C-03, C-07, C-08). Raises
    `Invalid` for a role that does not exist.

    >>> from driftline.schemas.fields import Kind
    >>> age, y = ModelField("age", Role.FEATURE, Kind.NUMERIC), ModelField("y", Role.PREDICTION, Kind.STRING)
    >>> schema = ModelSchema((age, y))
    >>> mapped = resolve(Columns(), schema, pa.schema([("y", pa.string()), ("Age", pa.int64())]))
    >>> [(field.name, name) for field, name in mapped.columns], [field.name for field in mapped.missing]
    ([('y', 'y')], ['age'])
    >>> mapped.warnings[0].message
    "no column 'age' for the feature 'age'; perhaps it is 'Age'. Say in the columns of the job which ..."
    """
    there = columns_of(found)
    wanted = schema if schema is not None else ModelSchema(tuple(guessed(columns, there).values()))
    looked = {each: None for each in wanted if is_looked_for(each, content)}
    places = places_of(columns, looked, there) if schema is not None else _guessed_places(columns, there, looked)
    missing = tuple(each for each in looked if each not in places)
    own = {use: name for name, use in own_columns(columns).items() if name in there}
    passed = {name for each in wanted if each not in looked for name in names_of(columns, each)}
    left = _left(columns, there, places, passed)
    mapped = Mapped(
        schema=wanted,
        columns=tuple(places.items()),
        id=own.get("id"),
        timestamp=own.get("timestamp"),
        version=own.get("version"),
        batch=own.get("batch"),
        uses=tuple(_uses(columns, there, places)),
        missing=missing,
        added=_added(columns, {name: there[name] for name in left}, wanted) if schema is not None else (),
        content=content,
    )
    faults = [
        *names_wrong(found, columns, places),
        *missing_own(columns, there, content),
        *faults_of(wanted, bounds or Bounds(), forbidden),
    ]
    lacking, beyond = missing_fields(columns, missing, left), left_over(left)
    listed, others = missing_listed(columns, there, wanted, content)
    essential = _is_lost(mapped, looked)
    return replace(
        mapped,
        faults=(*faults, *(lacking if essential else ()), *listed),
        warnings=(*(() if essential else lacking), *others, *beyond),
    )


def _guessed_places(
    columns: Columns, there: Mapping[str, pa.DataType], looked: Collection[ModelField]
) -> dict[ModelField, str]:
    return {each: name for name, each in guessed(columns, there).items() if each in looked}


def _left(
    columns: Columns, there: Collection[str], places: Mapping[ModelField, str], passed: Collection[str]
) -> list[str]:
    """Columns that are nothing; those of fields that are `passed` over belong to files of the other content."""
    known = {*places.values(), *own_columns(columns), *columns.exclude, *passed}
    known |= {_shown(name, there) for name in places.values()}
    return [name for name in there if name not in known]


def _uses(columns: Columns, there: Mapping[str, pa.DataType], places: Mapping[ModelField, str]) -> Iterator[Use]:
    own, by_name = own_columns(columns), dict[str, list[ModelField]]()
    for each, place in places.items():
        by_name.setdefault(_shown(place, there), []).append(each)
    for name, found in there.items():
        kind = found.value_type if pa.types.is_dictionary(found) else found
        fields = by_name.get(name, [])
        if name in own:
            yield Use(name, own[name], None, str(kind))
        yield from (Use(name, str(each.role), each.name, str(each.kind)) for each in fields)
        if name not in own and not fields:
            yield Use(name, "excluded" if name in columns.exclude else "unmapped", None, str(kind))


def _shown(name: str, there: Collection[str]) -> str:
    """The column itself; of a class whose scores are in a column with others' that column."""
    while name not in there and "." in name:
        name = name.rpartition(".")[0]
    return name


def _added(columns: Columns, left: Mapping[str, pa.DataType], schema: ModelSchema) -> tuple[ModelField, ...]:
    """What columns beyond the schema would be: by prefix or list, features where there are none for these."""
    known = {(each.name, each.role in LATE) for each in schema}
    found = guessed(columns, left).values()
    return tuple(each for each in found if (each.name, each.role in LATE) not in known)


def _is_lost(mapped: Mapped, looked: Collection[ModelField]) -> bool:
    """Whether so much is missing that the file is of no use: all predictions, all actuals, or all there is."""
    roles = {each.role for each, _ in mapped.columns}
    answers = (Role.ACTUAL, Role.ACTUAL_SCORE, Role.RELEVANCE)
    if mapped.content != "actuals":
        answers = (Role.PREDICTION, Role.SCORE, Role.RANK)
    wanted = [each for each in looked if each.role in answers] or looked
    return bool(wanted) and not any(each.role in roles for each in wanted)


def _samples(batch: pa.RecordBatch, name: str) -> tuple[str, ...]:
    array = column(batch, name)
    values = plain(array).drop_null()[:SAMPLES] if array is not None else None
    return tuple(texts_of(values).to_pylist()) if values is not None and len(values) else ()
