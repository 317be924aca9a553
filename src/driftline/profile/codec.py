"""Profiles to bytes and back: compact, versioned, and the same for every analyzer.

A state is written by the fields of its dataclass, so a new analyzer needs nothing here. The bytes are a magic word and
a version, then zstd over a JSON tree followed by the raw arrays that the tree points to.
"""

from __future__ import annotations

import json
import struct
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache, partial
from typing import Any

import numpy as np
import pyarrow as pa

from driftline.errors import Unreadable
from driftline.profile.analyzers import ANALYZERS, JOINT
from driftline.profile.profile import Asked, Profile
from driftline.schema import Field, Form

MAGIC = b"DRFT"
VERSION = 1
_HEAD = struct.Struct("<4sHQQ")
_TABLE: dict[str, type[Asked]] = {**ANALYZERS, **JOINT}
_NAMES = {kind: name for name, kind in _TABLE.items()}


def encode(profile: Profile) -> bytes:
    """The profile as bytes; `decode` gives it back.

    >>> some = Profile.of(pa.table({"age": [30, 40]}))
    >>> decode(encode(some)).column("age").moments == some.column("age").moments
    True
    """
    arrays = bytearray()
    tree = {
        "rows": profile.rows,
        "fields": [[known.name, known.form.value] for known in profile.fields],
        "failures": dict(profile.failures),
        "states": [
            [_NAMES[type(asked)], _plain(asked, arrays), _plain(state, arrays)] for asked, state in _states(profile)
        ],
    }
    text = json.dumps(tree, separators=(",", ":")).encode()
    body = text + bytes(arrays)
    packed: bytes = pa.compress(body, "zstd", asbytes=True)
    return _HEAD.pack(MAGIC, VERSION, len(text), len(body)) + packed


def _states(profile: Profile) -> list[tuple[Asked, Any]]:
    return sorted(profile.states.items(), key=lambda item: (getattr(item[0], "column", ""), _NAMES[type(item[0])]))


def decode(data: bytes, uri: str = "profile") -> Profile:
    """The profile that `encode` wrote; `Unreadable` names `uri` if these bytes are none."""
    if len(data) < _HEAD.size or data[:4] != MAGIC:
        raise Unreadable(uri=uri, reason="not a Driftline profile", remedy="Write one with `driftline profile --save`.")
    _, version, text_size, size = _HEAD.unpack_from(data)
    if version > VERSION:
        raise Unreadable(
            uri=uri, reason=f"profile version {version} is newer than {VERSION}", remedy="Update driftline."
        )
    try:
        body = pa.decompress(data[_HEAD.size :], size, "zstd", asbytes=True)
        tree = json.loads(body[:text_size])
    except (OSError, ValueError, pa.ArrowException) as error:
        raise Unreadable(uri=uri, reason=f"damaged profile ({error})", remedy="Make it again from the data.") from error
    source = memoryview(body)[text_size:]
    states: dict[Asked, Any] = {}
    for name, asked, state in tree["states"]:
        analyzer, kind = _analyzer(name, *map(_hashable, asked))
        states[analyzer] = _rebuilt(kind, state, source)
    known = tuple(Field(name, Form(form)) for name, form in tree["fields"])
    return Profile(tree["rows"], known, states, tree["failures"])


def _plain(value: Any, arrays: bytearray) -> Any:
    if is_dataclass(value):
        return [_plain(getattr(value, member.name), arrays) for member in fields(value)]
    if isinstance(value, np.ndarray):
        at = len(arrays)
        arrays += value.tobytes()
        return {"at": at, "n": len(value), "of": value.dtype.str}
    if isinstance(value, tuple):
        return [_plain(each, arrays) for each in value]
    if isinstance(value, dict):
        return [[_plain(key, arrays), _plain(each, arrays)] for key, each in value.items()]
    return value


def _hashable(plain: Any) -> Any:
    """A member of a question as it was: its lists are tuples."""
    return tuple(map(_hashable, plain)) if isinstance(plain, list) else plain


@lru_cache(maxsize=1 << 16)
def _analyzer(name: str, *asked: Any) -> tuple[Asked, type[Any]]:
    """The analyzer and the type of its states; many profiles of the same columns ask the same questions."""
    analyzer = _TABLE[name](*asked)
    return analyzer, type(analyzer.start())


def _rebuilt(kind: Any, plain: Any, source: memoryview) -> Any:
    return kind(*[read(each, source) if read else each for read, each in zip(_readers(kind), plain, strict=True)])


_Reader = Callable[[Any, memoryview], Any]


@cache
def _readers(kind: Any) -> tuple[_Reader | None, ...]:
    """How the members of a dataclass are made of what JSON has, in order; None for those that are it already."""
    found = typing.get_type_hints(kind)
    return tuple(_reader(found[member.name]) for member in fields(kind))


def _reader(hint: Any) -> _Reader | None:
    origin = typing.get_origin(hint)
    if is_dataclass(hint):
        return partial(_rebuilt, hint)
    if origin is np.ndarray:
        return _array
    if origin is tuple:
        return partial(_tuple, _reader(typing.get_args(hint)[0]))
    return partial(_dict, _reader(typing.get_args(hint)[1])) if origin is Mapping else None


def _array(plain: Any, source: memoryview) -> Any:
    return np.frombuffer(source, plain["of"], plain["n"], plain["at"])  # read-only, as the bytes it lies in are


def _tuple(read: _Reader | None, plain: Any, source: memoryview) -> Any:
    return tuple([read(each, source) for each in plain]) if read else tuple(plain)


def _dict(read: _Reader | None, plain: Any, source: memoryview) -> Any:
    return {_hashable(key): read(each, source) if read else each for key, each in plain}
