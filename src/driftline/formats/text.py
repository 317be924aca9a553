"""An object as plain text: decompressed by its first bytes, in UTF-8, lines ended by a line feed."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

from driftline.errors import Invalid, Unreadable
from driftline.formats.format import Opener

ODD = b"\xed\xb3\xbf"
"""Stands for bytes that are not of the named encoding; it is no UTF-8 itself, so that whoever parses it stops there."""

_PIECE = 1 << 16
"""Bytes decompressed at once."""

_EXCERPT = 120
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"BZh", "bz2"), (b"\x28\xb5\x2f\xfd", "zstd"))
_DAMAGE = (EOFError, zlib.error, OSError)
_LOOK = 16_384
"""First bytes that tell how lines end."""

codecs.register_error("driftline-odd", lambda error: (ODD.decode("utf-8", "surrogatepass"), error.end))  # type: ignore[attr-defined]


class Damaged(Exception):
    """Compressed data that is cut off or broken, and what the decompressor says."""

    def at(self, uri: str, line: int | None = None) -> Unreadable:
        """The error for whoever reads the object."""
        reason = f"the compressed data is cut off or damaged ({self})"
        return Unreadable(uri=uri, line=line, reason=reason, remedy="Upload the file again.")


@contextmanager
def plain_text(uri: str, opener: Opener, settings: Mapping[str, Any]) -> Iterator[BinaryIO]:
    """The object as UTF-8 without a mark, by its first bytes and the setting `encoding`.

    Seekable only if `is_plain`. Raises `Unreadable` where compressed data is damaged, unless the reader catches
    `Damaged` to tell the line, and `Invalid` for an encoding that does not exist.
    """
    with opener(uri) as raw:
        head = raw.read(_LOOK)
        raw.seek(0)
        stream: Any = raw
        try:
            if packed := _packed(head):
                stream = _Unpacked(raw, packed)
                head = fill(stream, _LOOK)
                stream = _Chained(head, stream)
            encoding, skip = _encoding(head[:3], settings, uri)
            stream.read(skip)
            if encoding != "utf-8":
                stream = _Transcoded(stream, encoding)
            yield _Carriages(stream) if _has_carriages(head) else stream  # type: ignore[misc]
        except Damaged as error:
            raise error.at(uri) from error


def is_plain(uri: str, opener: Opener, settings: Mapping[str, Any]) -> bool:
    """Whether the bytes of the object are its text, so that it can be cut anywhere between rows."""
    with opener(uri) as raw:
        head = raw.read(_LOOK)
    return not _packed(head) and _encoding(head[:3], settings, uri)[0] == "utf-8" and not _has_carriages(head)


def fill(stream: BinaryIO, size: int) -> bytes:
    """The next `size` bytes, fewer only at the end; what comes before damage is given before `Damaged` is raised."""
    pieces: list[bytes] = []
    missing = size
    while missing > 0:
        try:
            piece = stream.read(missing)
        except Damaged:
            if pieces:
                break
            raise
        if not piece:
            break
        pieces.append(piece)
        missing -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def excerpt(text: bytes | str) -> str:
    """The beginning of a value, as it is shown in a problem.

    >>> excerpt(b"caf\\xe9"), len(excerpt("x" * 1000))
    ('caf\\\\xe9', 121)
    """
    if isinstance(text, bytes):
        text = text[: 4 * _EXCERPT].strip(b"\r\n").replace(ODD, b"\xef\xbf\xbd").decode("utf-8", "backslashreplace")
    return text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"


def no_text(data: bytes, error: UnicodeDecodeError, settings: Mapping[str, Any]) -> tuple[str, str]:
    """Why the bytes at which decoding stopped are no text, and what to do."""
    place = error.start - data.rfind(b"\n", 0, error.start)
    if data.startswith(ODD, error.start):
        encoding = settings.get("encoding") or "that its first bytes name"
        remedy = "Name another --read-option encoding=...; with latin-1 every byte is a character."
        return f"what stands at position {place} is not of the encoding {encoding}", remedy
    remedy = "Name the encoding, for example --read-option encoding=latin-1."
    return f"byte 0x{data[error.start]:02x} at position {place} is no UTF-8", remedy


def _packed(head: bytes) -> str | None:
    """How the object is compressed, by its first bytes."""
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def _encoding(mark: bytes, settings: Mapping[str, Any], uri: str) -> tuple[str, int]:
    """The encoding, and how many bytes of a mark to pass over."""
    for known, name in _MARKS:
        if mark.startswith(known):
            return name, len(known)
    given = str(settings.get("encoding") or "utf-8")
    try:
        name = codecs.lookup(given).name
        b"".decode(given)  # refuses codecs that are none of text
    except LookupError as error:
        what = f"encoding of {uri}"
        raise Invalid(what=what, got=given, expected="a name such as utf-8, latin-1 or cp1252") from error
    return ("utf-8", 0) if name in ("ascii", "utf-8") else (name, 0)


def _has_carriages(head: bytes) -> bool:
    """Whether lines end with a carriage return only, as on old Macs."""
    return b"\r" in head[:-1] and b"\n" not in head


class _Text(io.RawIOBase):
    """A stream over another one, read in pieces: `read` may give fewer bytes than asked for, and none at the end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self._piece(_PIECE), b""))
        return self._piece(size)

    def _piece(self, size: int) -> bytes:
        """Some of the next `size` bytes; none only at the end."""
        raise NotImplementedError


class _Unpacked(_Text):
    """Decompressed bytes; what is wrong with them is `Damaged`, from there on at every read."""

    def __init__(self, raw: BinaryIO, packed: str) -> None:
        unpacked: Any
        if packed == "gzip":
            unpacked = gzip.GzipFile(fileobj=raw)
        elif packed == "bz2":
            unpacked = bz2.BZ2File(raw)
        else:
            import pyarrow as pa

            unpacked = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")
        super().__init__(unpacked)
        self._some = getattr(unpacked, "read1", unpacked.read)
        self._damage: Damaged | None = None

    def _piece(self, size: int) -> bytes:
        if self._damage:
            raise self._damage
        try:
            found: bytes = self._some(min(size, _PIECE))
        except _DAMAGE as error:
            self._damage = Damaged(str(error))
            raise self._damage from error
        return found


class _Chained(_Text):
    """A few bytes that were read ahead, and the rest of a stream."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        super().__init__(rest)
        self._first = first

    def _piece(self, size: int) -> bytes:
        if not self._first:
            return self._stream.read(size)
        found, self._first = self._first[:size], self._first[size:]
        return found


class _Transcoded(_Text):
    """Text of any encoding as UTF-8; what is not of that encoding becomes `ODD`."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        super().__init__(stream)
        self._decoder = codecs.getincrementaldecoder(encoding)("driftline-odd")
        self._text, self._at = b"", 0

    def _piece(self, size: int) -> bytes:
        while self._at >= len(self._text):
            piece = self._stream.read(size)
            self._text, self._at = self._decoder.decode(piece, final=not piece).encode("utf-8", "surrogatepass"), 0
            if not piece:
                break
        found = self._text[self._at : self._at + size]
        self._at += len(found)
        return found


class _Carriages(_Text):
    """Text whose lines end with carriage returns, ended by line feeds instead."""

    def _piece(self, size: int) -> bytes:
        return self._stream.read(size).replace(b"\r", b"\n")
