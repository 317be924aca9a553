"""The quick way to read captures: a block whose records are all alike is one query and one parse of its payloads."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from driftline.formats.csv import Reader
from driftline.formats.blocks import Block
from driftline.formats.dialect import Dialect
from driftline.formats.ducks import Duck
from driftline.formats.format import ReadOptions
from driftline.formats.payloads import CSV_TYPES, LISTS
from driftline.problems import Problem

_SIDE = "STRUCT(observedContentType VARCHAR, data VARCHAR, encoding VARCHAR)"
_COLUMNS = (
    f"{{captureData: 'STRUCT(endpointInput {_SIDE}, endpointOutput {_SIDE}, batchTransformOutput JSON)', "
    "eventMetadata: 'STRUCT(eventId VARCHAR, inferenceId VARCHAR, inferenceTime VARCHAR)'}"
)
_QUERY = """
SELECT i.data AS input, i.encoding AS input_encoding, i.observedContentType AS input_type,
       o.data AS output, o.encoding AS output_encoding, o.observedContentType AS output_type,
       captureData.batchTransformOutput IS NOT NULL AS batch,
       coalesce(eventMetadata.inferenceId, eventMetadata.eventId) AS inference_id,
       eventMetadata.eventId AS event_id, eventMetadata.inferenceTime AS inference_time
FROM (SELECT *, captureData.endpointInput AS i, captureData.endpointOutput AS o FROM records)
"""


class Unlike(Exception):
    """The records of a block differ, so that they have to be read one by one."""


def read_alike(data: bytes, duck: Duck, options: ReadOptions) -> pa.RecordBatch:
    """The rows of a block; raises `Unlike` or `Malformed` where only reading one by one is exact."""
    rows = data.count(b"\n") + (not data.endswith(b"\n"))
    found = duck.read(data, _COLUMNS, _QUERY)
    if found.num_rows != rows or not rows or pc.any(found["batch"]).as_py():
        raise Unlike("blank lines, or a batch transform")
    sides = [_side(found, "output"), _side(found, "input")]
    if options.settings.get("output_columns_position") == "END":
        sides.reverse()
    kinds = [kind for kind, _ in sides]
    if kinds == ["CSV", "CSV"]:
        batch = _csv(_beside(sides[0][1], sides[1][1]), options, rows)
    elif kinds == ["JSON", "JSON"]:
        batch = _hstack(_json(sides[0][1], duck, rows), _json(sides[1][1], duck, rows))
    else:
        raise Unlike("mixed encodings")
    if options.settings.get("metadata"):
        names = ("inference_id", "event_id", "inference_time")
        batch = _hstack(batch, pa.RecordBatch.from_arrays([found[name] for name in names], names=list(names)))
    return batch


def _side(found: pa.RecordBatch, name: str) -> tuple[str, pa.Array]:
    """The encoding of a side and its payloads as text, if all records agree."""
    texts, encodings = found[name], found[f"{name}_encoding"].unique()
    if texts.null_count or len(encodings) != 1:
        raise Unlike("a side is missing, or its encoding changes")
    encoding = encodings[0].as_py()
    if encoding == "BASE64":
        types = {str(kind).partition(";")[0].strip().lower() for kind in found[f"{name}_type"].unique().to_pylist()}
        if not types <= set(CSV_TYPES):
            raise Unlike("base64 of other content than CSV")
        return "CSV", _decoded(texts)
    return str(encoding), texts


def _decoded(texts: pa.Array) -> pa.Array:
    """Payloads out of base64: they are laid together, decoded at once and cut again, if their lengths allow it."""
    import binascii

    import numpy as np

    from driftline.profile.arrow import values_of

    lengths = values_of(pc.binary_length(texts)).astype(np.int64)
    if np.any(lengths % 4) or not len(texts):
        raise Unlike("base64 of odd length")
    data = bytes(texts.buffers()[2])
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    raw = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
    ends = np.cumsum(lengths)
    padding = (raw[ends - 1] == ord("=")).astype(np.int64) + (raw[ends - 2] == ord("="))
    body = raw.copy()
    last, before = ends - 1, ends - 2
    body[last[padding >= 1]] = ord("A")
    body[before[padding >= 2]] = ord("A")
    try:
        decoded = np.frombuffer(binascii.a2b_base64(body.tobytes(), strict_mode=True), np.uint8)
    except binascii.Error as error:
        raise Unlike(str(error)) from error
    keep = np.ones(len(decoded), dtype=np.bool_)
    whole = ends // 4 * 3
    keep[(whole - 1)[padding >= 1]] = False
    keep[(whole - 2)[padding >= 2]] = False
    cut = np.concatenate(([0], np.cumsum(lengths // 4 * 3 - padding))).astype(np.int32)
    found = pa.Array.from_buffers(pa.string(), len(texts), [None, pa.py_buffer(cut), pa.py_buffer(decoded[keep])])
    try:
        found.validate(full=True)
    except pa.ArrowInvalid as error:
        raise Unlike("base64 of no text") from error
    return found


def _beside(first: pa.Array, second: pa.Array) -> bytes:
    """Payload beside payload, a line for each record."""
    trimmed = [pc.ascii_rtrim(texts, "\r\n") for texts in (first, second)]
    lines = pc.binary_join_element_wise(*trimmed, ",")
    lines = pc.binary_join_element_wise(lines, "", "\n")
    offset, size = lines.offset, len(lines)
    offsets = lines.buffers()[1]
    import numpy as np

    cuts = np.frombuffer(offsets, np.int32)[offset : offset + size + 1]
    return bytes(memoryview(lines.buffers()[2])[cuts[0] : cuts[-1]])


def _csv(text: bytes, options: ReadOptions, rows: int) -> pa.RecordBatch:
    """The lines as columns; every line must have as many values as the first and be one inference."""
    if text.count(b"\n") != rows:
        raise Unlike("several inferences in a call")
    width = _width(text[: text.index(b"\n")].decode("utf-8", "replace"))
    known = options.names or ()
    names = tuple(known[place] if place < len(known) else f"_c{place}" for place in range(width))
    reader = Reader("", Dialect(",", '"', None, None, width), names, options)
    items = list(reader.read(Block(text, 1)))
    if len(items) != 1 or isinstance(items[0], Problem) or items[0].num_rows != rows:
        raise Unlike("a record has another number of values")
    return items[0]


def _width(line: str) -> int:
    import csv

    return len(next(csv.reader([line])))


def _json(texts: pa.Array, duck: Duck, rows: int) -> pa.RecordBatch:
    """Payloads of one flat object each, or of a list of one, as columns."""
    joined = pc.binary_join_element_wise(pc.ascii_rtrim(texts, "\r\n"), "", "\n")
    import numpy as np

    cuts = np.frombuffer(joined.buffers()[1], np.int32)[joined.offset : joined.offset + len(joined) + 1]
    text = memoryview(joined.buffers()[2])[cuts[0] : cuts[-1]]
    batch = duck.rows(text)
    if batch.num_rows != rows or batch.num_columns == 0:
        raise Unlike("payloads of several lines")
    if batch.num_columns == 1 and batch.schema.names[0] in LISTS:
        inner = batch.column(0)
        if not pa.types.is_list(inner.type) or not pa.types.is_struct(inner.type.value_type) or inner.null_count:
            raise Unlike("rows without names")
        if pc.min(pc.list_value_length(inner)).as_py() != 1 or pc.max(pc.list_value_length(inner)).as_py() != 1:
            raise Unlike("several inferences in a call")
        batch = pa.RecordBatch.from_struct_array(inner.flatten())
    return _flat(batch)


def _flat(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch if its members are plain: anything nested is unfolded one by one."""
    if any(pa.types.is_nested(kind) for kind in batch.schema.types) or any(_has_nested_text(batch)):
        raise Unlike("nested members")
    return batch


def _has_nested_text(batch: pa.RecordBatch) -> list[bool]:
    """DuckDB gives members of changing kinds as JSON text, which only looks like a value."""
    return [bool(pc.any(pc.match_substring_regex(column, r"^\s*[\[{]")).as_py()) for column in batch.columns]


def _hstack(first: pa.RecordBatch, second: pa.RecordBatch) -> pa.RecordBatch:
    names: list[str] = list(first.schema.names)
    for name in second.schema.names:
        names.append(f"{name}_1" if name in names else name)
    columns: list[Any] = [*first.columns, *second.columns]
    return pa.RecordBatch.from_arrays(columns, names=names)
