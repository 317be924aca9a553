"""SageMaker's ground truth files: what turned out to be true of calls, as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from driftline.formats import records
from driftline.formats.blocks import Block, blocks_of, line_ends, numbered
from driftline.formats.ducks import Malformed, duck
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.formats.jsonlines import cut_lines
from driftline.formats.payloads import Unusable, text_of
from driftline.formats.text import excerpt
from driftline.formats.truth import TRUTH, labels_in, needs_look, plain_labels
from driftline.problems import Problem

ID, TIME, HAS_MEMBERS = "inference_id", "inference_time", "has_members"

WHOLE = pa.schema([(ID, pa.string()), (TIME, pa.string()), ("data", pa.string()), ("encoding", pa.string())])
ROWS = pa.schema([(ID, pa.string()), (TIME, pa.string()), (TRUTH, pa.string()), (HAS_MEMBERS, pa.bool_())])

_COLUMNS = (
    "{groundTruthData: 'STRUCT(data VARCHAR, encoding VARCHAR)', "
    "eventMetadata: 'STRUCT(eventId VARCHAR, inferenceId VARCHAR, inferenceTime VARCHAR)'}"
)
_QUERY = """
SELECT coalesce(eventMetadata.eventId, eventMetadata.inferenceId) AS inference_id,
       eventMetadata.inferenceTime AS inference_time,
       groundTruthData.data AS data, coalesce(groundTruthData.encoding, 'CSV') AS encoding
FROM records
"""
_SHAPE = 'Each line must be {"groundTruthData": {"data": ..., "encoding": "CSV"}, "eventMetadata": {"eventId": ...}}.'


@dataclass(frozen=True)
class GroundTruth:
    """Labels of calls as SageMaker takes them, an object a line.

    The columns are `inference_id` (which is `eventMetadata.eventId`), `inference_time`, `ground_truth` with the label
    as text, and `has_members`, which says that this text is a JSON object of several values. Labels of a call with
    several inferences are rows of their own, with the ids `ID_0`, `ID_1`, ... Settings: `encoding` (of the file);
    `whole=true` keeps records as they are, in the columns `data` and `encoding`.
    """

    def split(self, uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:
        """Byte ranges between lines for plain local files, else one part."""
        return cut_lines(uri, size, opener, options)

    def read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        """Blocks of records as batches, after a problem for each line that is none."""
        yield from numbered(self._read(part, opener, options), part, opener)

    def _read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        for block in blocks_of(part, opener, options.settings):
            try:
                found = _quickly(block)
                yield found if options.settings.get("whole") else _rows(found)
            except (Malformed, Unusable):
                yield from _one_by_one(block, part.uri, whole=bool(options.settings.get("whole")))


def _quickly(block: Block) -> pa.RecordBatch:
    """All records at once; raises `Malformed` where one of them needs a closer look."""
    lines = line_ends(block.data) + (not block.data.endswith(b"\n"))
    found = duck().read(block.data, _COLUMNS, _QUERY)
    if found.num_rows != lines or not _identified(found) or needs_look(found["data"], found["encoding"]):
        raise Malformed("blank lines, or records without data or id")
    return found.cast(WHOLE)


def _identified(found: pa.RecordBatch) -> bool:
    """Whether every record says whose label it is."""
    named = pc.or_(pc.is_valid(found[ID]), pc.is_valid(found[TIME]))
    return bool(pc.all(named).as_py())


def _rows(found: pa.RecordBatch) -> pa.RecordBatch:
    """A row for each label; those of single values, by far the most, are not looked at one by one."""
    texts = plain_labels(found["data"], found["encoding"])
    if texts is not None:
        plain = pa.repeat(pa.scalar(False), len(texts))
        return pa.RecordBatch.from_arrays([found[ID], found[TIME], texts, plain], schema=ROWS)
    rows: list[dict[str, Any]] = []
    for record in found.to_pylist():
        rows.extend(_unfolded(record[ID], record[TIME], record))
    return pa.RecordBatch.from_pylist(rows, schema=ROWS)


def _unfolded(identity: str | None, moment: str | None, member: Any) -> Iterator[dict[str, Any]]:
    labels = labels_in(member)
    for place, label in enumerate(labels):
        own = identity if identity is None or len(labels) == 1 else f"{identity}_{place}"
        yield {ID: own, TIME: moment, TRUTH: label.text, HAS_MEMBERS: label.has_members}


def _one_by_one(block: Block, uri: str, *, whole: bool) -> Iterator[Item]:
    rows: list[dict[str, Any]] = []
    for place, line in enumerate(block.data.split(b"\n")):
        if not line.strip():
            continue
        try:
            rows.extend(_record(records.load(line), whole))
        except (ValueError, RecursionError) as error:
            reason = str(error)
            yield Problem(uri, reason, block.first_line + place, value=excerpt(line), remedy=_SHAPE)
    if rows:
        yield pa.RecordBatch.from_pylist(rows, schema=WHOLE if whole else ROWS)


def _record(record: object, whole: bool) -> Iterator[dict[str, Any]]:
    """The rows of one record; raises ValueError saying why it has none."""
    if not isinstance(record, Mapping):
        raise Unusable(f"a {type(record).__name__}, not an object")
    meta = record.get("eventMetadata")
    meta = meta if isinstance(meta, Mapping) else {}
    named = (meta.get("eventId"), meta.get("inferenceId"))
    identity = records.as_text(next((each for each in named if each is not None), None))
    moment = records.as_text(meta.get("inferenceTime"))
    if identity is None and moment is None:
        raise Unusable("no eventMetadata.eventId: nobody knows whose label this is")
    member: Any = record.get("groundTruthData")
    rows = list(_unfolded(identity, moment, member))
    if not whole:
        yield from rows
        return
    data = member["data"]
    if isinstance(data, str):
        encoding, data = text_of({"encoding": "CSV", **member})
    else:
        encoding, data = "JSON" if isinstance(data, Mapping | list) else "CSV", records.as_text(data)
    yield {ID: identity, TIME: moment, "data": data, "encoding": encoding}
