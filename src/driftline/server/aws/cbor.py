"""CBOR (RFC 8949), as much of it as the newer clients of CloudWatch speak: values of JSON, bytes, and times."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from driftline.server.errors import AwsError

_DEEPEST = 32
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_BREAK, _ENDLESS = object(), -1


def dumps(value: Any) -> bytes:
    """The value in CBOR; an aware time is seconds since 1970 under tag 1.

    >>> dumps({"a": [1, -2, "b", True, None]}).hex()
    'a161618501216162f5f6'
    """
    out = bytearray()
    _write(out, value)
    return bytes(out)


def loads(body: bytes) -> Any:
    """The value of a whole text in CBOR; tags are passed over, so that a time is a number of seconds.

    Raises `AwsError` SerializationException.

    >>> loads(bytes.fromhex("bf6161c1fb41d0000000000000ff"))
    {'a': 1073741824.0}
    """
    reader = _Reader(body)
    try:
        value = reader.read(0)
    except (IndexError, struct.error, UnicodeDecodeError, TypeError) as error:
        raise _broken(str(error)) from error
    if reader.place != len(body) or value is _BREAK:
        raise _broken("it goes on after its end")
    return value


def _write(out: bytearray, value: Any) -> None:
    if value is None or isinstance(value, bool):
        out.append(0xF6 if value is None else 0xF4 + value)
    elif isinstance(value, int):
        _head(out, 1 if value < 0 else 0, -1 - value if value < 0 else value)
    elif isinstance(value, float):
        out += b"\xfb" + struct.pack(">d", value)
    elif isinstance(value, datetime):
        out += b"\xc1\xfb" + struct.pack(">d", value.timestamp())
    elif isinstance(value, str):
        raw = value.encode("utf-8", "replace")
        _head(out, 3, len(raw))
        out += raw
    elif isinstance(value, bytes):
        _head(out, 2, len(value))
        out += value
    elif isinstance(value, Mapping):
        _head(out, 5, len(value))
        for key, element in value.items():
            _write(out, key)
            _write(out, element)
    elif isinstance(value, Sequence):
        _head(out, 4, len(value))
        for element in value:
            _write(out, element)
    else:
        raise TypeError(f"no CBOR for {type(value).__name__}")


def _head(out: bytearray, major: int, number: int) -> None:
    """The first bytes of an item: its kind, and its value or length in as few bytes as hold it."""
    if number < 24:
        out.append(major << 5 | number)
        return
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            out.append(major << 5 | code)
            out += number.to_bytes(size, "big")
            return
    raise OverflowError(f"{number} needs more than 64 bits")


@dataclass
class _Reader:
    body: bytes
    place: int = 0

    def read(self, depth: int) -> Any:
        """The next item."""
        if depth > _DEEPEST:
            raise _broken("it is nested too deeply")
        first = self._take(1)[0]
        major, code = first >> 5, first & 31
        if major == 7:
            return self._simple(code)
        length = _ENDLESS if code == 31 else self._number(code)
        if major in (2, 3):
            raw = self._joined(length, major, depth)
            return raw.decode() if major == 3 else raw
        if length == _ENDLESS and major not in (4, 5):
            raise _broken("a number without an end")
        if major == 4:
            return self._list(length, depth)
        if major == 5:
            return self._map(length, depth)
        if major == 6:
            return self.read(depth + 1)
        return length if major == 0 else -1 - length

    def _simple(self, code: int) -> Any:
        if code in _FLOATS:
            return struct.unpack(_FLOATS[code], self._take(1 << (code - 24)))[0]
        if code == 31:
            return _BREAK
        if code not in _SIMPLE:
            raise _broken(f"the simple value {code} means nothing")
        return _SIMPLE[code]

    def _number(self, code: int) -> int:
        if code < 24:
            return code
        if code > 27:
            raise _broken(f"the length {code} means nothing")
        return int.from_bytes(self._take(1 << (code - 24)), "big")

    def _take(self, count: int) -> bytes:
        if self.place + count > len(self.body):
            raise _broken("it ends too early")
        self.place += count
        return self.body[self.place - count : self.place]

    def _joined(self, length: int, major: int, depth: int) -> bytes:
        if length != _ENDLESS:
            return self._take(length)
        parts = self._list(_ENDLESS, depth)
        return b"".join(part.encode() if major == 3 else bytes(part) for part in parts)

    def _list(self, length: int, depth: int) -> list[Any]:
        found: list[Any] = []
        while length == _ENDLESS or len(found) < length:
            item = self.read(depth + 1)
            if item is _BREAK:
                if length != _ENDLESS:
                    raise _broken("it breaks off where it has an end")
                break
            found.append(item)
        return found

    def _map(self, length: int, depth: int) -> dict[Any, Any]:
        items = self._list(length if length == _ENDLESS else 2 * length, depth)
        if len(items) % 2:
            raise _broken("a key without its value")
        return dict(zip(items[::2], items[1::2], strict=True))


def _broken(reason: str) -> AwsError:
    return AwsError("SerializationException", f"The request body is not CBOR: {reason}.")
