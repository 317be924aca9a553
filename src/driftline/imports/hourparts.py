"""The hourly profiles of a batch: one object a version, noted with the batch; hours that lose rows are made anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection

from driftline.catalog import hours
from driftline.catalog.database import Begin
from driftline.catalog.hours import HourPart, Subject
from driftline.formats.format import ReadOptions
from driftline.imports.batch import Batch, Load
from driftline.inferences.rollups import rebuild
from driftline.inferences.sheetbytes import store
from driftline.inferences.tables import Tables, name_of
from driftline.schemas.fields import ModelSchema
from driftline.sources import resolve, strictly
from driftline.storage.storages import storage_for
from driftline.window import Window

_HOUR = "%Y-%m-%dT%H:00:00+00:00"


def written(load: Load, tables: Tables) -> dict[str, list[Any]]:
    """Write the profiles; by version the hour, place and rows of each part. Hours that lose rows are left out."""
    found: dict[str, list[Any]] = {}
    lost = vanished(load)
    for version, hourly in load.hourly.items():
        sheets = {
            hour: sheet for hour, sheet in hourly.sheets().items() if f"{hour:{_HOUR}}" not in lost.get(version, ())
        }
        if sheets:
            uri = _uri(tables, load.batch, version, "hours")
            places = store(sheets, uri, tables.access)
            found[version] = [[f"{hour:{_HOUR}}", places[hour], sheet.rows] for hour, sheet in sheets.items()]
    return found


def vanished(load: Load) -> dict[str, list[str]]:
    """By version the hours that lose rows of earlier batches."""
    found = {}
    for version in load.schemas:
        staged = load.stagings.get(load.uri_of(version))
        if staged is not None and staged.vanished:
            found[version] = sorted({f"{hour:{_HOUR}}" for _, hour in staged.vanished})
    return found


def note(tx: Connection, batch: Batch, parts: Mapping[str, Sequence[Any]]) -> None:
    """Note what was written; again, it changes nothing."""
    name = f"{batch.stream}-{batch.number}"
    for version, found in parts.items():
        made = [HourPart(datetime.fromisoformat(hour), name, place, rows) for hour, place, rows in found]
        hours.add(tx, _subject(batch, version), made)


def make_anew(begin: Begin, tables: Tables, batch: Batch, lost: Mapping[str, Sequence[str]], attempt: str) -> None:
    """Profile hours as the table has them now, in the place of all their parts; done before the batch is noted.

    `begin` raises where another worker has the batch by then; `attempt` tells the objects of two workers apart.
    """
    for version, said in lost.items():
        changed = [datetime.fromisoformat(hour) for hour in said]
        rows = partial(rows_in, tables, tables.inferences_uri(batch.job.model, version), str(batch.job.environment))
        name = f"{batch.stream}-{batch.number}-anew"
        uri, schema = _uri(tables, batch, version, f"anew-{attempt}"), batch.schemas.get(version, ModelSchema())
        for each in rebuild(
            begin, _subject(batch, version), changed, rows, uri, tables.access, name=name, schema=schema
        ):
            if each != uri:  # done again after a kill, it replaces itself
                storage_for(each, tables.access).delete(each)


def rows_in(tables: Tables, uri: str, environment: str, window: Window) -> Iterator[pa.RecordBatch]:
    """The rows of a window of a table of inferences, as it is now."""
    span = {"since": window.start.isoformat(), "until": window.end.isoformat()}
    options = ReadOptions(settings={**span, "where": {"_environment": environment}})
    for item in strictly(resolve([uri], tables.access, "delta", options)):
        if isinstance(item, pa.RecordBatch):
            yield item


def folder_of(tables: Tables, subject: Subject) -> str:
    """Where all profiles of a subject lie."""
    place = f"{name_of(subject.model)}/profiles/{name_of(subject.version)}/{subject.environment}"
    return f"{tables.root.rstrip('/')}/{place}"


def _uri(tables: Tables, batch: Batch, version: str, kind: str) -> str:
    return f"{folder_of(tables, _subject(batch, version))}/{batch.number:08}-{kind}.profiles"


def _subject(batch: Batch, version: str) -> Subject:
    return Subject(batch.job.model, version, str(batch.job.environment))
