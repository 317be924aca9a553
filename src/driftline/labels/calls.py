"""Captured calls as they lie in their files: undivided records, each with its id and time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from driftline.formats import records
from driftline.formats.blocks import Block, blocks_of, line_ends
from driftline.formats.captured import METADATA
from driftline.formats.ducks import Malformed, duck
from driftline.formats.format import Part, ReadOptions
from driftline.formats.formats import is_manifest
from driftline.formats.text import excerpt
from driftline.labels.moments import hour_in
from driftline.listing import Entry
from driftline.problems import Problem
from driftline.sources import Piece, Task, read, resolve
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

CALLS = pa.schema([(name, pa.string()) for name in ("inference_id", "inference_time", "capture", "meta")])
"""Id and time of a call, and the JSON texts of its `captureData` and `eventMetadata`."""

_HEAD = 4096
_COLUMNS = "{captureData: 'JSON', eventMetadata: 'JSON'}"
_QUERY = """
SELECT coalesce(nullif(eventMetadata->>'inferenceId', ''), eventMetadata->>'eventId') AS inference_id,
       eventMetadata->>'inferenceTime' AS inference_time,
       captureData::VARCHAR AS capture, eventMetadata::VARCHAR AS meta
FROM records
"""
_REMEDY = "Captured records hold captureData, and eventMetadata with an eventId or inferenceId."


@dataclass(frozen=True, slots=True)
class Calls:
    """Some calls of one object, and the line of the first of them, where each has a line of its own."""

    batch: pa.RecordBatch
    first_line: int | None = None


def calls_of(entry: Entry, access: Access, settings: Mapping[str, Any]) -> Iterator[Calls | Problem]:
    """The calls of an object: a file of captured calls, or a list of what a batch transform wrote.

    `settings` are for the files of a batch transform.
    """
    opener = partial(_open, access=access)
    with opener(entry.uri) as stream:
        is_list = is_manifest(stream.read(_HEAD))
    if is_list:
        yield from _transformed(entry.uri, access, settings)
        return
    for block in blocks_of(Part(entry.uri, size=entry.size), opener, {}):
        if block.data.strip():
            try:
                yield Calls(_quickly(block), block.first_line)
            except Malformed:
                yield from _one_by_one(block, entry.uri)


def hour_of(uri: str) -> str | None:
    """The folder `yyyy/MM/dd/HH` of the hour that an object is of."""
    hour = hour_in(uri)
    return None if hour is None else f"{hour:%Y/%m/%d/%H}"


def _open(uri: str, access: Access) -> BinaryIO:
    return storage_for(uri, access).open(uri)


def _quickly(block: Block) -> pa.RecordBatch:
    """All records at once; raises `Malformed` where one of them needs a closer look."""
    found = duck().read(block.data, _COLUMNS, _QUERY).cast(CALLS)
    lines = line_ends(block.data) + (not block.data.endswith(b"\n"))
    if found.num_rows != lines or found["inference_id"].null_count or found["capture"].null_count:
        raise Malformed("blank lines, or records without an id or data")
    if not pc.all(pc.starts_with(found["capture"], "{")).as_py():
        raise Malformed("captureData that is no object")
    return found


def _one_by_one(block: Block, uri: str) -> Iterator[Calls | Problem]:
    rows = []
    for place, line in enumerate(block.data.split(b"\n")):
        if not line.strip():
            continue
        try:
            rows.append(_call(records.load(line)))
        except (ValueError, RecursionError) as error:
            yield Problem(uri, str(error), block.first_line + place, value=excerpt(line), remedy=_REMEDY)
    if rows:
        yield Calls(pa.RecordBatch.from_pylist(rows, schema=CALLS))


def _call(record: object) -> dict[str, Any]:
    """Id, time and texts of one record; raises ValueError saying what it lacks."""
    capture = record.get("captureData") if isinstance(record, Mapping) else None
    meta = record.get("eventMetadata") if isinstance(record, Mapping) else None
    if not isinstance(capture, Mapping) or not isinstance(meta, Mapping):
        raise ValueError("no capture record: captureData or eventMetadata is missing")
    identity = records.as_text(meta.get("inferenceId") or meta.get("eventId"))
    if identity is None:
        raise ValueError("the call has neither an inferenceId nor an eventId")
    texts = (json.dumps(each, separators=(",", ":")) for each in (capture, meta))
    values = (identity, records.as_text(meta.get("inferenceTime")), *texts)
    return dict(zip(CALLS.names, values, strict=True))


def _transformed(uri: str, access: Access, settings: Mapping[str, Any]) -> Iterator[Calls | Problem]:
    """The rows of a batch transform, each a call of its own, without the columns that identify it."""
    source = resolve([uri], access, options=ReadOptions(settings={**settings, "metadata": True}))
    yield from source.problems.examples
    for piece in (piece for task in source.tasks for piece in task.pieces):
        for item in read(Task((piece,), piece.part.size), source):
            if isinstance(item, Problem):
                yield item
            elif isinstance(item, pa.RecordBatch) and item.num_rows:
                yield from _outputs(item, piece)


def _outputs(batch: pa.RecordBatch, piece: Piece) -> Iterator[Calls | Problem]:
    identity, _, moment = METADATA
    if identity not in batch.schema.names:
        reason = f"{batch.num_rows:,} rows of a batch transform have no id, so that no label can be theirs"
        remedy = "Set GenerateInferenceId in DataCaptureConfig of the transform job."
        yield Problem(piece.part.uri, reason, remedy=remedy, rows=batch.num_rows)
        return
    ids = batch[identity].cast(pa.string())
    times = batch[moment] if moment in batch.schema.names else pa.nulls(batch.num_rows)
    rest = batch.select([name for name in batch.schema.names if name not in METADATA])
    encoding = "CSV" if piece.format == "csv" else "JSON"
    data = _lines(rest) if encoding == "CSV" else [json.dumps(_present(row)) for row in rest.to_pylist()]
    captures = [json.dumps({"batchTransformOutput": {"data": each, "encoding": encoding}}) for each in data]
    metas = [json.dumps({"eventId": each}) for each in ids.to_pylist()]
    columns = [ids, times.cast(pa.string()), pa.array(captures, pa.string()), pa.array(metas, pa.string())]
    yield Calls(pa.RecordBatch.from_arrays(columns, schema=CALLS).filter(pc.is_valid(ids)))


def _present(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def _lines(batch: pa.RecordBatch) -> list[str]:
    """The rows as lines of CSV."""
    found = []
    columns = [column.cast(pa.string()).to_pylist() for column in batch.columns]
    for row in zip(*columns, strict=True):
        written = io.StringIO()
        csv.writer(written, lineterminator="").writerow(row)
        found.append(written.getvalue())
    return found
