"""Batches that came from files are checked before anything else touches them."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from driftline.formats.format import Item
from driftline.formats.natives import batch_of
from driftline.problems import Problem


def checked(uri: str, batch: pa.RecordBatch) -> Iterator[Item]:
    """The batch, if its offsets and indices stay within bounds and its text is UTF-8.

    Arrow trusts files: what points elsewhere ends the process as soon as it is used. Bytes that are no UTF-8 are
    replaced by U+FFFD, which is told by a problem for each column. Raises `pa.ArrowInvalid` for anything worse.
    """
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        pass
    else:
        yield batch
        return
    columns = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        mended, count = _mended(column)
        columns.append(mended)
        if count:
            reason = f"{count} texts are not UTF-8; their bad bytes are shown as \N{REPLACEMENT CHARACTER}"
            yield Problem(uri, reason, column=name, remedy="Write the column as UTF-8, or as binary.", rows=0)
    yield batch_of(columns, batch.schema.names, batch.num_rows)


def _mended(column: pa.Array) -> tuple[pa.Array, int]:
    """A valid column, and how many of its texts had to be changed; raises `pa.ArrowInvalid`."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        if pa.types.is_dictionary(column.type):
            texts, count = _mended(column.dictionary)
            mended = pa.DictionaryArray.from_arrays(column.indices, texts)
            mended.validate(full=True)
            return mended, count
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            raise
        column.view(pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary()).validate(full=True)
    else:
        return column, 0
    return _decoded(column)


def _decoded(column: pa.Array) -> tuple[pa.Array, int]:
    binary = column.view(pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary())
    given = binary.to_pylist()
    texts = [None if each is None else each.decode("utf-8", "replace") for each in given]
    changed = sum(1 for text, each in zip(texts, given, strict=True) if text is not None and text.encode() != each)
    return pa.array(texts, column.type), changed
