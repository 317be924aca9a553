"""The fields of a model version that nobody declared, told by the first file that comes for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pyarrow as pa

from driftline.errors import CallerError, DataError
from driftline.imports.job import Content, ImportJob
from driftline.imports.reading import open_file
from driftline.schemas.columns import Columns
from driftline.schemas.fields import LATE, ModelField, ModelSchema, Role
from driftline.schemas.inferred import infer
from driftline.storage.access import Access

SAMPLE = 10_000
"""So many rows tell what a column is."""

_FILES = 5
"""So many files are opened for it: the first ones may be unreadable, or empty."""

_SIDES = {Content.PREDICTIONS: (False,), Content.ACTUALS: (True,), Content.BOTH: (False, True)}
"""Content -> the sides of a schema that such files have: whether late."""


def learned(job: ImportJob, schema: ModelSchema, uris: Iterable[str], access: Access) -> ModelSchema:
    """The schema with the fields of the side on which it has none, as the first of the files that can be read has them.

    A schema that has fields is not changed by files that hold more: what is not declared is told, not imported. Raises
    `Unavailable` where the files cannot be reached.
    """
    sides = _lacking(job, schema)
    if not sides:
        return schema
    for _, uri in zip(range(_FILES), uris, strict=False):
        try:
            columns, sample, typed = _sample(job, uri, access)
            found = infer(columns, sample, typed=typed)
        except (DataError, CallerError):
            continue  # it is told when the file is imported
        new = [each for each in found if (each.role in LATE) in sides]
        if new:
            return _joined(schema, new)
    return schema


def _lacking(job: ImportJob, schema: ModelSchema) -> tuple[bool, ...]:
    """The sides that the files have and the schema has not; actuals beside predictions only if the job names them."""
    named = {*job.columns.lists, *job.columns.prefixes}
    names_late = job.content is Content.ACTUALS or bool(named & {str(role) for role in LATE})
    wanted = {False: not schema.early, True: not schema.late and (names_late or not schema.early)}
    return tuple(late for late in _SIDES[job.content] if wanted[late])


def _sample(job: ImportJob, uri: str, access: Access) -> tuple[Columns, pa.Table, bool]:
    opened, batches, rows = open_file(job, uri, None, access), list[pa.RecordBatch](), 0
    for item in opened.items():
        if isinstance(item, pa.RecordBatch):
            batches.append(item.slice(0, SAMPLE - rows))
            rows += batches[-1].num_rows
        if rows >= SAMPLE:
            break
    tables = [pa.Table.from_batches([each]) for each in batches]
    table = pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})
    return opened.columns, table, opened.typed


def _joined(schema: ModelSchema, new: list[ModelField]) -> ModelSchema:
    """Both; an only actual is the truth of the only prediction."""
    found = schema.with_fields(new)
    predictions, actuals = found.having(Role.PREDICTION), found.having(Role.ACTUAL)
    if len(predictions) == 1 and len(actuals) == 1 and actuals[0].of is None:
        return found.with_fields([replace(actuals[0], of=predictions[0].name)])
    return found
