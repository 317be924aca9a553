"""The outer layer of an Avro file: its header, and blocks of rows, found, cut out and decompressed."""

from __future__ import annotations

import bz2
import json
import lzma
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa

from driftline.errors import Unreadable

_MAGIC = b"Obj\x01"
_SYNC_BYTES = 16
_DAMAGED = "It is damaged or cut short: write or copy it again."


@dataclass(frozen=True)
class Header:
    """What stands before the first block, which begins at byte `length`."""

    schema: Any
    codec: str
    sync: bytes
    length: int


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that were compressed together; `start`/`stop` are where they stand in the file, with frame and sync."""

    start: int
    stop: int
    rows: int
    size: int


def header_of(uri: str, stream: BinaryIO) -> Header:
    """Read the header; raises `Unreadable` if there is none, or if its codec is not known."""
    stream.seek(0)
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise Unreadable(uri=uri, reason="not an Avro file", remedy="Name its format, or write it again.")
    try:
        about = _metadata(stream)
        schema = json.loads(about["avro.schema"])
        codec = about.get("avro.codec", b"null").decode()
    except (EOFError, KeyError, ValueError) as error:
        raise Unreadable(uri=uri, reason=f"no readable Avro header: {error!r}", remedy=_DAMAGED) from error
    if codec not in _CODECS:
        known = ", ".join(_CODECS)
        remedy = f"Write it with one of {known}."
        raise Unreadable(uri=uri, reason=f"compressed with {codec!r}, which is not known", remedy=remedy)
    sync = stream.read(_SYNC_BYTES)
    return Header(schema, codec, sync, stream.tell())


def blocks_of(uri: str, stream: BinaryIO, header: Header, start: int, stop: int) -> Iterator[Block]:
    """The blocks between two places in bytes, their frames read and their rows passed over.

    Raises `Unreadable`, after the last whole block, where the file is damaged or ends too early.
    """
    end = stream.seek(0, 2)
    while start < min(stop, end):
        stream.seek(start)
        try:
            rows, size = _long(stream), _long(stream)
        except EOFError as error:
            raise _cut_short(uri, start) from error
        body = stream.tell()
        if rows < 0 or size < 0 or body + size + _SYNC_BYTES > end:
            raise _cut_short(uri, start)
        stream.seek(body + size)
        if stream.read(_SYNC_BYTES) != header.sync:
            raise Unreadable(uri=uri, reason=f"the block at byte {start} does not end as it should", remedy=_DAMAGED)
        yield Block(start, body + size + _SYNC_BYTES, rows, size)
        start = body + size + _SYNC_BYTES


def content_of(stream: BinaryIO, header: Header, block: Block) -> bytes:
    """The rows of a block, decompressed; raises `ValueError` where they cannot be."""
    stream.seek(block.stop - _SYNC_BYTES - block.size)
    data = stream.read(block.size)
    try:
        return _CODECS[header.codec](data)
    except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError, IndexError) as error:
        raise ValueError(f"cannot be decompressed ({header.codec}): {error}") from error


def framed(schema: Any, contents: Sequence[tuple[int, bytes]]) -> bytes:
    """A small uncompressed Avro file of these blocks (number of rows, their bytes), to be read under `schema`."""
    sync = b"\0" * _SYNC_BYTES
    about = {b"avro.schema": json.dumps(schema).encode(), b"avro.codec": b"null"}
    pieces = [_MAGIC, _zigzag(len(about))]
    for key, value in about.items():
        pieces += [_zigzag(len(key)), key, _zigzag(len(value)), value]
    pieces += [_zigzag(0), sync]
    for rows, content in contents:
        pieces += [_zigzag(rows), _zigzag(len(content)), content, sync]
    return b"".join(pieces)


def _cut_short(uri: str, start: int) -> Unreadable:
    return Unreadable(uri=uri, reason=f"it ends in the middle of the block at byte {start}", remedy=_DAMAGED)


def _metadata(stream: BinaryIO) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    while count := _long(stream):
        if count < 0:
            _long(stream)
        for _ in range(abs(count)):
            key = _bytes(stream).decode()
            found[key] = _bytes(stream)
    return found


def _bytes(stream: BinaryIO) -> bytes:
    length = _long(stream)
    data = stream.read(length) if 0 <= length < 1 << 30 else b""
    if len(data) != length:
        raise EOFError("the header ends too early")
    return data


def _long(stream: BinaryIO) -> int:
    """Avro's variable-length zig-zag integer."""
    value = 0
    for shift in range(0, 70, 7):
        byte = stream.read(1)
        if not byte:
            raise EOFError("the file ends too early")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return (value >> 1) ^ -(value & 1)
    raise EOFError("not a number")


def _zigzag(number: int) -> bytes:
    """A number of at least zero, as `_long` reads it.

    >>> _zigzag(0), _zigzag(1), _zigzag(64)
    (b'\\x00', b'\\x02', b'\\x80\\x01')
    """
    value, pieces = number << 1, bytearray()
    while value > 0x7F:
        pieces.append((value & 0x7F) | 0x80)
        value >>= 7
    return bytes([*pieces, value])


def _snappy(data: bytes) -> bytes:
    """Snappy as Avro has it, a checksum of four bytes behind; the size stands in front, seven bits a byte."""
    size = shift = place = 0
    while True:
        size |= (data[place] & 0x7F) << shift
        shift, place = shift + 7, place + 1
        if data[place - 1] < 0x80:
            break
    content = bytes(pa.decompress(data[:-4], size, codec="snappy"))
    if zlib.crc32(content) != int.from_bytes(data[-4:], "big"):
        raise ValueError("wrong checksum")
    return content


def _zstandard(data: bytes) -> bytes:
    with pa.input_stream(pa.py_buffer(data), compression="zstd") as stream:
        return bytes(stream.read())


_CODECS: dict[str, Callable[[bytes], bytes]] = {
    "null": bytes,
    "deflate": lambda data: zlib.decompress(data, wbits=-15),
    "snappy": _snappy,
    "zstandard": _zstandard,
    "bzip2": bz2.decompress,
    "xz": lzma.decompress,
}
"""The names that Avro's specification gives, and how to decompress."""
