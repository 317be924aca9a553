"""The table of formats, and which of them an object is in, told from its name and its first bytes."""

from __future__ import annotations

import bz2
import re
import zlib
from difflib import get_close_matches

from driftline.errors import Invalid, Unreadable
from driftline.formats.arrow import Arrow
from driftline.formats.avro import Avro
from driftline.formats.capture import Capture
from driftline.formats.csv import Csv
from driftline.formats.delta import Delta
from driftline.formats.format import Format
from driftline.formats.ground_truth import GroundTruth
from driftline.formats.json import Json
from driftline.formats.jsonlines import JsonLines
from driftline.formats.merged import Merged
from driftline.formats.parquet import Parquet

FORMATS: dict[str, Format] = {
    "csv": Csv(),
    "jsonlines": JsonLines(),
    "json": Json(),
    "parquet": Parquet(),
    "avro": Avro(),
    "arrow": Arrow(),
    "delta": Delta(),
    "capture": Capture(),
    "ground_truth": GroundTruth(),
    "merged": Merged(),
}
"""Name of a format, as `--format` takes it -> the format."""

HEAD = 65_536
"""So many first bytes are enough for `recognise`."""

_MAGIC: dict[bytes, str] = {
    b"PAR1": "parquet",
    b"PARE": "parquet",
    b"Obj\x01": "avro",
    b"ARROW1": "arrow",
    b"FEA1": "arrow",
    b"\xff\xff\xff\xff": "arrow",
}

_SUFFIXES: dict[str, str] = {
    "csv": "csv",
    "tsv": "csv",
    "psv": "csv",
    "jsonl": "jsonlines",
    "jsonlines": "jsonlines",
    "ndjson": "jsonlines",
    "json": "json",
    "parquet": "parquet",
    "pq": "parquet",
    "parq": "parquet",
    "avro": "avro",
    "arrow": "arrow",
    "arrows": "arrow",
    "feather": "arrow",
    "ipc": "arrow",
}

_PACKED = ("gz", "gzip", "bz2", "zst", "zstd")
_FOREIGN: dict[bytes, str] = {
    b"PK\x03\x04": "a ZIP archive or Excel workbook",
    b"ORC": "an ORC file",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "an SQLite database",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_MANIFEST = re.compile(rb'\s*\[\s*\{\s*"prefix"\s*:\s*"[^"]*"\s*\}')
_CAPTURED = re.compile(rb'"captureData"\s*:\s*\{')
_LABELLED = re.compile(rb'"groundTruthData"\s*:\s*\{')


def format_named(name: str) -> Format:
    """The format of that name; raises `Invalid` naming the formats there are."""
    if name not in FORMATS:
        close = get_close_matches(name.lower(), FORMATS, n=1)
        remedy = f"Did you mean {close[0]!r}?" if close else "Leave it out to have it recognised."
        raise Invalid(what="format", got=name, expected=f"one of {', '.join(FORMATS)}", remedy=remedy)
    return FORMATS[name]


def suffix_of(uri: str) -> tuple[str, bool]:
    """The last suffix that is not one of compression, in lower case, and whether there is one of compression.

    >>> suffix_of("s3://b/a.CSV.gz"), suffix_of("part-00000"), suffix_of("a.parquet")
    (('csv', True), ('', False), ('parquet', False))
    """
    pieces = uri.rpartition("/")[2].lower().split(".")[1:]
    packed = bool(pieces) and pieces[-1] in _PACKED
    if packed:
        pieces.pop()
    return (pieces[-1] if pieces else ""), packed


def implied(uri: str) -> str | None:
    """The format that the name suggests; None for a suffix that belongs to none.

    >>> implied("a.JSONL.gz"), implied("part-00000")
    ('jsonlines', None)
    """
    return _SUFFIXES.get(suffix_of(uri)[0])


def certain(uri: str) -> str | None:
    """The format where the name alone decides, since a reader of it sees at once when the name is wrong.

    >>> certain("a.parquet"), certain("a.json")
    ('parquet', None)
    """
    suffix, packed = suffix_of(uri)
    found = _SUFFIXES.get(suffix)
    return found if found in ("parquet", "avro", "arrow") and not packed else None


def recognise(uri: str, head: bytes) -> str:
    """The name of the format of the object at `uri` whose first bytes are `head` (`HEAD` of them are enough).

    Content goes before the name where it is unmistakable: magic numbers, gzip (looked into), Data Capture records,
    lines that are JSON objects. Raises `Unreadable` listing the formats if nothing fits.

    >>> recognise("x", b"PAR1..."), recognise("a.json", b'{"a": 1}\\n{"a": 2}\\n'), recognise("a.json", b'[{"a": 1}]')
    ('parquet', 'jsonlines', 'json')
    """
    suffix, _ = suffix_of(uri)
    head = _unpacked(head)
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    for magic, thing in _FOREIGN.items():
        if head.startswith(magic):
            raise _unknown(uri, f"looks like {thing}")
    text = head.removeprefix(_MARKS[0]).lstrip()
    if text.startswith((b"{", b"[")) and _SUFFIXES.get(suffix) != "csv":
        return _kind_of_json(text, _SUFFIXES.get(suffix))
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if not text or _is_binary(head):
        raise _unknown(uri, "neither its name nor its content tells the format" if text else "there is nothing in it")
    return "csv"


def is_manifest(head: bytes) -> bool:
    """Whether it is SageMaker's list of objects, `[{"prefix": "s3://..."}, "a.csv", ...]`, and no data itself.

    >>> is_manifest(b'[{"prefix": "s3://b/out/"}, "a.csv.out"]'), is_manifest(b'[{"prefix": "x", "n": 1}]')
    (True, False)
    """
    return bool(_MANIFEST.match(head))


def _kind_of_json(text: bytes, named: str | None) -> str:
    """Capture records, one object a line, or one document."""
    if text.startswith(b"["):
        return "json"
    first, newline, rest = text.partition(b"\n")
    if _CAPTURED.search(first):
        return "merged" if _LABELLED.search(first) else "capture"
    if _LABELLED.search(first):
        return "ground_truth"
    if named == "jsonlines":
        return named
    if not newline:  # one line, or the beginning of a long one: the same to both readers unless it holds columns
        return named or "jsonlines"
    whole = first.rstrip().endswith(b"}")
    following = rest.lstrip()
    if whole and (following.startswith(b"{") or (not following and named is None)):
        return "jsonlines"
    return "json"


def _unpacked(head: bytes) -> bytes:
    """The first bytes of what is inside, as far as they can be had."""
    try:
        if head.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(wbits=31).decompress(head, HEAD)
        if head.startswith(b"BZh"):
            return bz2.BZ2Decompressor().decompress(head, HEAD)
        if head.startswith(b"\x28\xb5\x2f\xfd"):
            return _unpacked_zstd(head)
    except (zlib.error, OSError, EOFError):
        pass  # damaged: whoever reads it says where
    return head


def _unpacked_zstd(head: bytes) -> bytes:
    import pyarrow as pa

    pieces = []
    try:
        with pa.input_stream(pa.py_buffer(head), compression="zstd") as stream:
            while piece := stream.read(4096):
                pieces.append(piece)
    except OSError:
        pass  # the head ends in the middle of a frame
    return b"".join(pieces) or head


def _is_binary(head: bytes) -> bool:
    return b"\0" in head and not head.startswith(_MARKS)


def _unknown(uri: str, reason: str) -> Unreadable:
    names = ", ".join(FORMATS)
    return Unreadable(uri=uri, reason=f"{reason}; formats that can be read: {names}", remedy="Name it with --format.")
