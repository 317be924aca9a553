"""Messages of protocol buffers by the numbers of their fields: as much of the wire format as is needed to read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from driftline.errors import Invalid

Message = Mapping[int, list[int | bytes]]
"""Number of a field -> its values in the order in which they came: whole numbers, or the bytes of all else."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST = 10
"""Bytes of a whole number."""


def message(data: bytes) -> Message:
    """The fields of a message; raises `Invalid` where it is none.

    >>> message(bytes([0x08, 0x96, 0x01, 0x12, 0x02, 0x68, 0x69]))
    {1: [150], 2: [b'hi']}
    """
    found: dict[int, list[int | bytes]] = {}
    for number, value in _fields(data):
        found.setdefault(number, []).append(value)
    return found


def text(given: Message, number: int) -> str:
    """The last text of a field; empty if there is none."""
    return next(iter(reversed(texts(given, number))), "")


def texts(given: Message, number: int) -> list[str]:
    """All texts of a field."""
    return [each.decode("utf-8", "replace") for each in given.get(number, ()) if isinstance(each, bytes)]


def whole(given: Message, number: int) -> int:
    """The last whole number of a field; 0 if there is none."""
    return next((each for each in reversed(given.get(number, [])) if isinstance(each, int)), 0)


def messages(given: Message, number: int) -> list[Message]:
    """The messages in a field."""
    return [message(each) for each in given.get(number, ()) if isinstance(each, bytes)]


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _number(data, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _number(data, at)
            yield tag >> 3, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if kind == _BYTES:
            size, at = _number(data, at)
        if size is None or at + size > len(data):
            raise Invalid(what="arize-schema", got=f"kind {kind} at byte {at}", expected="a whole message")
        yield tag >> 3, data[at : at + size]
        at += size


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A whole number of seven bits a byte, the lowest first, and where it ends."""
    found = 0
    for place in range(_LONGEST):
        if at + place >= len(data):
            break
        found |= (data[at + place] & 0x7F) << (7 * place)
        if not data[at + place] & 0x80:
            return found, at + place + 1
    raise Invalid(what="arize-schema", got=f"no number at byte {at}", expected="a whole message")
