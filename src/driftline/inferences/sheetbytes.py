"""Sheets to bytes and back: a head, then two frames of zstd, of which the second holds what few questions need.

One object holds the sheets of many hours end to end, with a directory at its end; `uri#start-end` names the bytes of
one, so that it is read by its range.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from driftline.errors import Unreadable
from driftline.inferences.sheets import Sheet
from driftline.inferences.stacks import Items, Lowest, Rows, Stacks, Tallies, joined, steps
from driftline.profile import Profile, decode, encode
from driftline.profile.arrow import texts_of
from driftline.schema import Field, Form
from driftline.storage.access import Access
from driftline.storage.storages import storage_for
from driftline.storage.uris import scheme_of

MAGIC, VERSION = b"DRFH", 1

_HEAD = struct.Struct("<4sHxxIIII")
"""Magic, version, then the sizes of both frames, packed and not."""

_FOOT = struct.Struct("<I4s")
_AT_ONCE = 16
_HEIGHTS = 64

Arrays = dict[str, npt.NDArray[Any]]


def pack(sheet: Sheet) -> bytes:
    """A reduced sheet as bytes; `unpack` gives it back."""
    found = sheet.stacks
    numeric = np.array([each.form is Form.NUMBER for each in sheet.fields] or [False])
    many = numeric[found.numbers.keys]
    first: Arrays = {}
    for name, rows in (("counts", found.counts), ("moments", found.moments), ("lengths", found.lengths)):
        first |= {f"{name}.keys": rows.keys.astype(np.int32), name: rows.cells}
    first |= _of_items(found.items)
    first |= _of_tallies("numbers", _some(found.numbers, ~many)) | _of_tallies("texts", found.texts)
    pool = texts_of(list(sheet.pool))
    offsets, data = (np.frombuffer(buffer, kind) for buffer, kind in zip(pool.buffers()[1:], ("i4", "u1"), strict=True))
    first |= {"pool.ends": offsets, "pool": data}
    first["loose"] = np.frombuffer(_of_loose(sheet), np.uint8)
    second = _of_tallies("rest", _some(found.numbers, many))
    owners, sizes = _lengths(found.hashes.keys)
    second |= {"hashes.keys": owners, "hashes.sizes": sizes, "hashes": found.hashes.hashes}
    told = {
        "rows": sheet.rows,
        "fields": [[each.name, each.form.value] for each in sheet.fields],
        "failures": sheet.failures,
    }
    frames = [_frame(first, told), _frame(second, {})]
    packed: list[bytes] = [pa.compress(frame, "zstd", asbytes=True) for frame in frames]
    return _HEAD.pack(MAGIC, VERSION, len(packed[0]), len(frames[0]), len(packed[1]), len(frames[1])) + b"".join(packed)


def unpack(data: bytes | memoryview, uri: str, *, whole: bool = True) -> Sheet:
    """The sheet; without the second frame, the hashes and the counts of number columns, unless `whole`.

    Raises `Unreadable` naming `uri` if these bytes are none.
    """
    try:
        magic, version, *sizes = _HEAD.unpack_from(data)
        if magic != MAGIC or version > VERSION:
            reason = "not an hourly profile" if magic != MAGIC else f"version {version} is newer than {VERSION}"
            raise Unreadable(uri=uri, reason=reason, remedy="Rebuild the hour from the table, or update driftline.")
        view = memoryview(data)[_HEAD.size :]
        told, arrays = _arrays(pa.decompress(view[: sizes[0]], sizes[1], "zstd"))
        if whole:
            arrays |= _arrays(pa.decompress(view[sizes[0] : sizes[0] + sizes[2]], sizes[3], "zstd"))[1]
        return _sheet(told, arrays)
    except (OSError, ValueError, KeyError, struct.error, pa.ArrowException) as error:
        remedy = "Rebuild the hour from the table."
        raise Unreadable(uri=uri, reason=f"damaged hourly profile ({error})", remedy=remedy) from error


def _sheet(told: Mapping[str, Any], arrays: Arrays) -> Sheet:
    none = Stacks.none()
    counts, moments, lengths = (
        Rows(arrays[f"{name}.keys"].astype(np.int64), arrays[name]) for name in ("counts", "moments", "lengths")
    )
    sizes = arrays["items.sizes"]
    groups = np.repeat(arrays["items.groups"].astype(np.int64), sizes)
    numbers, hashes = _tallies("numbers", arrays), none.hashes
    if "hashes" in arrays:
        numbers = joined([numbers, _tallies("rest", arrays)])
        numbers = _some(numbers, np.argsort(numbers.keys, kind="stable"))
        keys = np.repeat(arrays["hashes.keys"].astype(np.int64), arrays["hashes.sizes"])
        hashes = Lowest(keys, arrays["hashes"])
    loose = decode(arrays["loose"].tobytes()).states if len(arrays["loose"]) else {}
    places = {name: place for place, (name, _) in enumerate(told["fields"])}
    pool = pa.StringArray.from_buffers(
        len(arrays["pool.ends"]) - 1, pa.py_buffer(arrays["pool.ends"]), pa.py_buffer(arrays["pool"])
    )
    found = Stacks(
        counts,
        moments,
        lengths,
        Items(groups // _HEIGHTS, _unshuffled(arrays["items"]), (groups % _HEIGHTS).astype(np.uint8)),
        hashes,
        numbers,
        _tallies("texts", arrays),
        {(places[asked.column], asked): state for asked, state in loose.items()},  # type: ignore[union-attr]
    )
    fields = tuple(Field(name, Form(form)) for name, form in told["fields"])
    return Sheet(told["rows"], fields, found, tuple(pool.to_pylist()), dict(told["failures"]))


def _of_items(items: Items) -> Arrays:
    groups = items.keys * _HEIGHTS + items.heights
    order = np.lexsort((items.values, groups))
    owners, sizes = _lengths(groups[order])
    return {"items.groups": owners, "items.sizes": sizes, "items": _shuffled(items.values[order])}


def _of_tallies(name: str, tallies: Tallies) -> Arrays:
    owners, sizes = _lengths(tallies.keys)
    return {f"{name}.keys": owners, f"{name}.sizes": sizes, f"{name}.values": tallies.values, name: tallies.counts}


def _tallies(name: str, arrays: Arrays) -> Tallies:
    keys = np.repeat(arrays[f"{name}.keys"].astype(np.int64), arrays[f"{name}.sizes"])
    return Tallies(keys, arrays[f"{name}.values"], arrays[name])


def _some(tallies: Tallies, places: npt.NDArray[Any]) -> Tallies:
    return Tallies(tallies.keys[places], tallies.values[places], tallies.counts[places])


def _of_loose(sheet: Sheet) -> bytes:
    loose = sheet.stacks.loose
    return encode(Profile(0, (), {asked: state for (_, asked), state in loose.items()})) if loose else b""


def _lengths(keys: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    owners, starts = steps(keys)
    return owners.astype(np.int32), np.diff(starts, append=len(keys)).astype(np.int32)


def _shuffled(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """All first bytes, all second bytes and so on: numbers of one size share those that say how large they are."""
    return np.ascontiguousarray(values.view(np.uint8).reshape(-1, 8).T).reshape(-1)


def _unshuffled(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    return np.ascontiguousarray(data.reshape(8, -1).T).reshape(-1).view(np.float64)


def _frame(arrays: Arrays, told: Mapping[str, Any]) -> bytes:
    listed = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    text = json.dumps({"told": told, "arrays": listed}, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 4) % 8)  # so that numbers lie where the processor reads them quickly
    pieces = [struct.pack("<I", len(text)), text]
    for array in arrays.values():
        data = array.tobytes()
        pieces += [data, bytes(-len(data) % 8)]
    return b"".join(pieces)


def _arrays(frame: pa.Buffer) -> tuple[dict[str, Any], Arrays]:
    (size,) = struct.unpack_from("<I", frame)
    tree = json.loads(memoryview(frame)[4 : 4 + size].tobytes())
    found: Arrays = {}
    at = 4 + size
    for name, kind, shape in tree["arrays"]:
        count = int(np.prod(shape))
        found[name] = np.frombuffer(frame, kind, count, at).reshape(shape)
        at += count * np.dtype(kind).itemsize
        at += -at % 8
    return tree["told"], found


def store(sheets: Mapping[datetime, Sheet], uri: str, access: Access) -> dict[datetime, str]:
    """Write the sheets into one object; the place of each, as `uri#start-end`. Written again it is the same."""
    named = {f"{hour:%Y-%m-%dT%H}": sheet for hour, sheet in sheets.items()}
    places = put(named, uri, access)
    return {hour: places[f"{hour:%Y-%m-%dT%H}"] for hour in sheets}


def put(sheets: Mapping[str, Sheet], uri: str, access: Access) -> dict[str, str]:
    """As `store`, for sheets of any names."""
    return _put({name: (pack(sheet), sheet.rows) for name, sheet in sheets.items()}, uri, access)


def copied(places: Sequence[str], uri: str, access: Access) -> dict[str, str]:
    """Copy sheets of one object, byte by byte, into another one at `uri`; the new place of each."""
    (whole,) = {_cut(place)[0] for place in places}
    with storage_for(whole, access).open(whole) as stream:
        data = stream.read()
    named = {f"{whole}#{start}-{end}": name for name, (start, end, _) in directory(data, whole).items()}
    spans = {named[place]: _cut(place)[1:] for place in places}
    rows = {name: rows for name, (_, _, rows) in directory(data, whole).items()}
    made = _put({name: (data[start:end], rows[name]) for name, (start, end) in spans.items()}, uri, access)
    return {place: made[named[place]] for place in places}


def _put(packed: Mapping[str, tuple[bytes, int]], uri: str, access: Access) -> dict[str, str]:
    """Write packed sheets, each with its number of rows."""
    data, directory = bytearray(), {}
    for name, (sheet, rows) in packed.items():
        directory[name] = [len(data), len(data) + len(sheet), rows]
        data += sheet
    text = json.dumps(directory, separators=(",", ":")).encode()
    data += text + _FOOT.pack(len(text), MAGIC)
    storage_for(uri, access).put(uri, bytes(data))
    return {name: f"{uri}#{start}-{end}" for name, (start, end, _) in directory.items()}


def directory(data: bytes, uri: str) -> dict[str, tuple[int, int, int]]:
    """What the object at `uri`, whose bytes are given, holds: name -> start, end, rows."""
    size, magic = _FOOT.unpack_from(data, len(data) - _FOOT.size)
    if magic != MAGIC:
        raise Unreadable(uri=uri, reason="not hourly profiles", remedy="Rebuild the hours from the table.")
    listed = json.loads(data[len(data) - _FOOT.size - size : len(data) - _FOOT.size])
    return {name: (start, end, rows) for name, (start, end, rows) in listed.items()}


def fetch(places: Sequence[str], access: Access, *, whole: bool = True) -> Iterator[Sheet]:
    """The sheets at these places; those of one object are read at once, objects of a store several at a time."""
    wanted = sorted(map(_cut, places))
    objects = [
        (uri, [(start, end) for _, start, end in group]) for uri, group in groupby(wanted, key=lambda cut: cut[0])
    ]

    def read(each: tuple[str, list[tuple[int, int]]]) -> list[tuple[str, memoryview]]:
        uri, ranges = each
        low, high = ranges[0][0], max(end for _, end in ranges)
        with storage_for(uri, access).open(uri) as stream:
            stream.seek(low)
            data = memoryview(stream.read(high - low))
        return [(f"{uri}#{start}-{end}", data[start - low : end - low]) for start, end in ranges]

    if not objects or scheme_of(objects[0][0]) in ("", "file"):
        found: Iterator[list[tuple[str, memoryview]]] = map(read, objects)
        yield from (unpack(data, place, whole=whole) for group in found for place, data in group)
        return
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        yield from (unpack(data, place, whole=whole) for group in threads.map(read, objects) for place, data in group)


def _cut(place: str) -> tuple[str, int, int]:
    uri, _, span = place.rpartition("#")
    start, _, end = span.partition("-")
    if not uri or not start.isdigit() or not end.isdigit():
        raise Unreadable(uri=place, reason="not the place of an hourly profile", remedy="It is `uri#start-end`.")
    return uri, int(start), int(end)
