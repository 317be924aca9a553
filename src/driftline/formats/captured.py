"""The quick way to read captures: a block whose records are all alike is one query and one parse of its payloads."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.errors import Invalid
from driftline.formats.blocks import Block, line_ends
from driftline.formats.dialect import Dialect
from driftline.formats.ducks import Malformed, duck
from driftline.formats.format import ReadOptions
from driftline.formats.payloads import CSV_TYPES, LISTS, Unusable
from driftline.formats.quickjson import Inexact, QuickJson
from driftline.formats.rows import Reader
from driftline.formats.structures import Structure
from driftline.formats.truth import columns_of, single_labels
from driftline.identities import Hashes

_SIDE = "STRUCT(observedContentType VARCHAR, data VARCHAR, encoding VARCHAR)"
_COLUMNS = (
    f"{{captureData: 'STRUCT(endpointInput {_SIDE}, endpointOutput {_SIDE}, batchTransformOutput JSON)', "
    "eventMetadata: 'STRUCT(eventId VARCHAR, inferenceId VARCHAR, inferenceTime VARCHAR)'}"
)
_TEXT = "CASE {0}.encoding WHEN 'BASE64' THEN decode(from_base64({0}.data)) ELSE {0}.data END"
_ID = "coalesce(nullif(eventMetadata.inferenceId, ''), eventMetadata.eventId)"
_HASH = "CASE WHEN coalesce({0}, '') = '' THEN 0 ELSE hash({0}) END AS hash"
_QUERY = f"""
SELECT {_TEXT.format("i")} AS input, i.encoding AS input_encoding, i.observedContentType AS input_type,
       {_TEXT.format("o")} AS output, o.encoding AS output_encoding, o.observedContentType AS output_type,
       captureData.batchTransformOutput IS NOT NULL AS batch, {_HASH.format(_ID)} {{metadata}}
FROM (SELECT *, captureData.endpointInput AS i, captureData.endpointOutput AS o FROM records)
"""
_METADATA = f""",
       {_ID} AS inference_id,
       eventMetadata.eventId AS event_id, eventMetadata.inferenceTime AS inference_time
"""
_TRUTH_COLUMNS = f"{{groundTruthData: 'STRUCT(data VARCHAR, encoding VARCHAR)', {_COLUMNS[1:]}"
_TRUTH = ", groundTruthData.data AS truth, coalesce(groundTruthData.encoding, 'CSV') AS truth_encoding"
_known = threading.local()
"""The structures of the block that this thread read last; whether they fit the next one is always checked."""

_SEVERAL = {"CSV": '[\n"]', "JSON": r"^[^{]|\["}
"""Encoding -> what a payload of one row does not have."""

METADATA = ("inference_id", "event_id", "inference_time")

_SECONDS = len("2026-01-02T03:04:05")


class Unlike(Exception):
    """The records of a block differ, so that they have to be read one by one."""


def span_of(options: ReadOptions) -> tuple[str, str] | None:
    """The times between which calls are wanted, as records have them; None for all."""
    since, until = (str(options.settings.get(name) or "") for name in ("since", "until"))
    return (since[:_SECONDS], until[:_SECONDS] or "~") if since or until else None


class Alike:
    """Reads the blocks of one part, each as a whole."""

    def __init__(self, options: ReadOptions) -> None:
        """`options` give names, columns and settings."""
        self._options = options
        self._order = sides_of(options)
        self._has_truth = bool(options.settings.get("ground_truth"))
        self._metadata = bool(options.settings.get("metadata"))
        self._compatible = bool(options.settings.get("compatible"))
        self._span = span_of(options)
        metadata = _METADATA if self._metadata or self._span else ""
        self._query = _QUERY.format(metadata=metadata + (_TRUTH if self._has_truth else ""))
        self._readers: dict[int, Reader] = {}
        self._plain = bool(options.settings.get("plain_numbers"))
        self._json = {"input": QuickJson(plain=self._plain), "output": QuickJson(plain=self._plain)}

    def read(self, block: Block) -> Generator[pa.RecordBatch, None, Hashes]:
        """The rows of a block as one batch; raises `Unlike` where only reading one by one is exact.

        What is returned are the ids of its records.
        """
        try:
            batch, found = self._read(block.data, block.lines + (not block.data.endswith(b"\n")))
        except (Malformed, Inexact) as error:
            raise Unlike(str(error)) from error
        if self._metadata:
            known = pa.RecordBatch.from_arrays([found[name] for name in METADATA], names=list(METADATA))
            batch = _hstack(batch, known)
        if self._has_truth:
            batch = _hstack(batch, _truth_of(found, batch.schema.names))
        if self._span:
            batch = batch.filter(_within(found["inference_time"], *self._span))
        hashes = _copied(found)
        del found  # the next block takes its memory, if nobody holds it any more
        yield batch
        return hashes

    def _read(self, data: bytes, rows: int) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """The rows of the payloads, and the records they came in."""
        known = getattr(_known, "structures", None)
        if (
            known
            and known.keys() >= set(self._order)
            and not (self._compatible and any(each.under for each in known.values()))
        ):
            try:
                return self._as_known(data, rows, known)
            except (Malformed, Inexact):
                _known.structures = None
        found = self._records(data, rows, self._query)
        sides = [_side(found, name) for name in self._order]
        for name in {"input", "output"} - set(self._order):
            _refuse_several(found, name)
        encodings = {encoding for encoding, _ in sides}
        if self._compatible and "BASE64" in (found["input_encoding"][0].as_py(), found["output_encoding"][0].as_py()):
            raise Unlike("what SageMaker refuses is told one by one")
        if encodings == {"CSV"}:
            first, *second = [_trimmed(texts) for _, texts in sides]
            return self._csv(_lines(first, ",", *second) if second else _lines(first), rows), found
        if encodings != {"JSON"}:
            raise Unlike("mixed encodings")
        batches, structures = [], {}
        for name, (_, texts) in zip(self._order, sides, strict=True):
            batch, structures[name] = _rows_of(self._json[name], texts, rows)
            batches.append(batch)
        if self._compatible and any(each is None or each.under for each in structures.values()):
            raise Unlike("what SageMaker refuses is told one by one")
        _known.structures = structures if all(structures.values()) else None
        return _hstack(*batches), found

    def _as_known(
        self, data: bytes, rows: int, known: Mapping[str, Structure]
    ) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """The rows of payloads that have the structure of the block before."""
        wanted = [f"json_transform({name}, {_literal(known[name].wanted)}) AS {name}_rows" for name in self._order]
        found = self._records(data, rows, f"SELECT *, {', '.join(wanted)} FROM ({self._query})")
        sides = [_side(found, name) for name in self._order]
        for name in {"input", "output"} - set(self._order):
            _refuse_several(found, name)
        if any(encoding != "JSON" for encoding, _ in sides):
            raise Inexact("another encoding")
        pair = [
            known[name].rows(found[f"{name}_rows"], texts, plain=self._plain)
            for name, (_, texts) in zip(self._order, sides, strict=True)
        ]
        return _hstack(*pair), found

    def _records(self, data: bytes, rows: int, query: str) -> pa.RecordBatch:
        found = duck().read(data, _TRUTH_COLUMNS if self._has_truth else _COLUMNS, query)
        if found.num_rows != rows or not rows or pc.any(found["batch"]).as_py():
            raise Unlike("blank lines, or a batch transform")
        return found

    def _csv(self, text: bytes, rows: int) -> pa.RecordBatch:
        """The lines as columns; every line must have as many values as the first and be one inference."""
        if line_ends(text) != rows:
            raise Unlike("several inferences in a call")
        width = len(next(csv.reader([text[: text.index(b"\n")].decode("utf-8", "replace")]), []))
        if not width:
            raise Unlike("an empty payload")
        reader = self._readers.get(width)
        if reader is None:
            known = self._options.names or ()
            names = tuple(known[place] if place < len(known) else f"_c{place}" for place in range(width))
            reader = self._readers[width] = Reader("", Dialect(",", '"', None, None, width), names, self._options)
        items = list(reader.read(Block(text, 1)))
        batches = [item for item in items if isinstance(item, pa.RecordBatch)]
        if len(items) != 1 or not batches or batches[0].num_rows != rows:
            raise Unlike("a record has another number of values")
        return batches[0]


def sides_of(options: ReadOptions) -> tuple[str, ...]:
    """Which sides of a call are wanted, in the order of their columns; raises `Invalid` for another one."""
    wanted = options.settings.get("side")
    if wanted not in (None, "", "input", "output"):
        raise Invalid(what="side", got=wanted, expected="input or output", remedy="Leave it out for both.")
    both = ("input", "output") if options.settings.get("output_columns_position") == "END" else ("output", "input")
    return tuple(side for side in both if not wanted or side == wanted)


def _truth_of(found: pa.RecordBatch, taken: Sequence[str]) -> pa.RecordBatch:
    """The label of each call as columns, if each has one label."""
    try:
        texts, members = single_labels(found["truth"], found["truth_encoding"])
    except Unusable as error:
        raise Unlike(str(error)) from error
    return columns_of(texts, members, taken)


def _side(found: pa.RecordBatch, name: str) -> tuple[str, pa.Array]:
    """The encoding of a side and its payloads as text, if all records agree."""
    texts, encodings = found[name], found[f"{name}_encoding"].unique()
    if texts.null_count or len(encodings) != 1:
        raise Unlike("a side is missing, or its encoding changes")
    encoding = encodings[0].as_py()
    if encoding != "BASE64":
        return str(encoding), texts
    types = {str(kind).partition(";")[0].strip().lower() for kind in found[f"{name}_type"].unique().to_pylist()}
    if not types <= set(CSV_TYPES):
        raise Unlike("base64 of other content than CSV")
    return "CSV", texts


def _refuse_several(found: pa.RecordBatch, name: str) -> None:
    """Raise `Unlike` if a side that is not wanted may hold several rows, which would part the other side's values."""
    texts, encodings = found[name], found[f"{name}_encoding"].unique().to_pylist()
    if texts.null_count == len(texts):
        return
    signs = _SEVERAL.get(encodings[0]) if len(encodings) == 1 else None
    if signs is None or pc.any(pc.match_substring_regex(_trimmed(texts), signs)).as_py():
        raise Unlike("several inferences in a call")


def _trimmed(texts: pa.Array) -> pa.Array:
    """Payloads without a last line end; most have none, which a look at the bytes tells."""
    return pc.ascii_rtrim(texts, "\r\n") if b"\n" in memoryview(texts.buffers()[2]).tobytes() else texts


def _within(times: pa.Array, since: str, until: str) -> pa.Array:
    """Which times lie in [since, until); what has none is kept."""
    seconds = pc.utf8_slice_codeunits(times, 0, _SECONDS)
    return pc.fill_null(pc.and_(pc.greater_equal(seconds, since), pc.less(seconds, until)), True)


def _lines(*pieces: Any) -> bytes:
    """A line for each record, the pieces beside each other."""
    lines = pc.binary_join_element_wise(*pieces[::2], pieces[1]) if len(pieces) > 1 else pieces[0]
    ended = pc.binary_join_element_wise(lines, "", "\n")
    cuts = np.frombuffer(ended.buffers()[1], np.int32)[ended.offset : ended.offset + len(ended) + 1]
    return bytes(memoryview(ended.buffers()[2])[cuts[0] : cuts[-1]])


def _rows_of(reader: QuickJson, texts: pa.Array, rows: int) -> tuple[pa.RecordBatch, Structure | None]:
    """Payloads of one flat object each, or of a list of one, as columns, and their structure."""
    batch, under = reader.rows(_lines(_trimmed(texts))), ""
    if batch.num_rows != rows or batch.num_columns == 0:
        raise Unlike("payloads of several lines")
    if batch.num_columns == 1 and batch.schema.names[0] in LISTS:
        under, inner = batch.schema.names[0], batch.column(0)
        if not pa.types.is_list(inner.type) or not pa.types.is_struct(inner.type.value_type) or inner.null_count:
            raise Unlike("rows without names")
        lengths = pc.min_max(pc.list_value_length(inner)).as_py()
        if lengths != {"min": 1, "max": 1} or (not reader.plain and _has_whole_doubles(inner.flatten())):
            raise Unlike("several inferences in a call")
        batch = pa.RecordBatch.from_struct_array(inner.flatten())
    if any(pa.types.is_nested(kind) for kind in batch.schema.types):
        raise Unlike("nested members")
    return batch, Structure.of(batch.schema, under)


def _has_whole_doubles(rows: pa.Array) -> bool:
    """Whether a fraction below a list may have been written as an integer; what is below was not looked up."""
    doubles = [values for values in rows.flatten() if pa.types.is_float64(values.type)]
    return any(pc.any(pc.equal(values, pc.floor(values))).as_py() for values in doubles)


def hashes_of(ids: Sequence[str | None]) -> Hashes:
    """The same hashes as those of blocks that are read as a whole; 0 for None, and for all if they are no text."""
    lines = "".join(f'{{"id": {json.dumps(each)}}}\n' for each in ids).encode()
    try:
        return _copied(duck().read(lines, "{id: 'VARCHAR'}", f"SELECT {_HASH.format('id')} FROM records"))
    except Malformed:
        return np.zeros(len(ids), np.uint64)


def _copied(found: pa.RecordBatch) -> Hashes:
    """The hashes alone: they outlive the records."""
    return np.array(found["hash"], np.uint64)


def _literal(text: str) -> str:
    """The text as a literal of SQL: names of members come from whoever called the endpoint.

    >>> _literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def _hstack(first: pa.RecordBatch, *others: pa.RecordBatch) -> pa.RecordBatch:
    if not others:
        return first
    (second,) = others
    names: list[str] = list(first.schema.names)
    for name in second.schema.names:
        names.append(f"{name}_1" if name in names else name)
    return pa.RecordBatch.from_arrays([*first.columns, *second.columns], names=names)
