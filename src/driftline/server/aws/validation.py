"""Requests held against botocore's shapes: values parsed, and every broken constraint told in AWS's words.

The words are those that SageMaker answers with, as its users quote them in public issues: member names begin in
lower case, elements of lists are `name.1.member`, several errors are joined by semicolons.
"""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from driftline.server.errors import AwsError

SHOWN_CHARACTERS = 512
"""A refused value is shown up to this length: an error must not be as large as the request."""
PATTERN_CHARACTERS = 4096
"""Texts beyond their own limit, and this, are not matched against patterns: they are refused anyway."""
YEARS = range(1900, 3000)

_WORDS = {"integer": "an Integer", "long": "a Long", "float": "a Float", "double": "a Double", "boolean": "a Boolean"}
_BITS = {"integer": 31, "long": 63}
_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{Z}": r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    r"\p{ASCII}": r"[\x00-\x7f]",
    r"\p{Print}": r"\x20-\x7e",
    r"\p{Alnum}": r"a-zA-Z0-9",
    r"\z": r"\Z",
}
"""Java's classes of characters that the models use, in the words of `re`; letters and digits are told together."""


def parse(shape: Any, value: object) -> dict[str, Any]:
    """The members of a request that the shape knows; numbers and texts that are times become aware datetimes.

    Unknown members and nulls are left out, as AWS does. Raises `AwsError`: SerializationException for a value of a
    wrong type, ValidationException with all broken constraints.
    """
    broken: list[str] = []
    parsed: dict[str, Any] = _structure(shape, {} if value is None else value, "", broken)
    if broken:
        count = "1 validation error" if len(broken) == 1 else f"{len(broken)} validation errors"
        raise AwsError("ValidationException", f"{count} detected: {'; '.join(broken)}")
    return parsed


def parse_body(shape: Any, body: bytes) -> dict[str, Any]:
    """`parse` of a JSON text; an empty one is an empty request."""
    return parse(shape, loads(body) if body else {})


def loads(body: bytes) -> Any:
    """The value of a JSON text; raises `AwsError` SerializationException."""
    try:
        return json.loads(body, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise AwsError("SerializationException", f"The request body is not JSON: {error}") from error


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON number")


def _value(shape: Any, value: Any, path: str, broken: list[str]) -> Any:
    return _READERS[shape.type_name](shape, value, path, broken)


def _structure(shape: Any, value: Any, path: str, broken: list[str]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _mistyped(value, "a structure", path)
    parsed: dict[str, Any] = {}
    missing = [name for name in shape.required_members if value.get(name) is None]
    broken += [_constraint(None, shape, _under(path, name), "Member must not be null") for name in missing]
    for name, member in shape.members.items():
        given = value.get(name)
        if given is not None:
            parsed[name] = _value(member, given, _under(path, name), broken)
    return parsed


def _list(shape: Any, value: Any, path: str, broken: list[str]) -> list[Any]:
    if not isinstance(value, list):
        raise _mistyped(value, "a list", path)
    _check_size(shape, value, path, broken)
    elements = ((f"{path}.{number}.member", element) for number, element in enumerate(value, 1))
    return [_value(shape.member, element, where, broken) for where, element in elements if element is not None]


def _map(shape: Any, value: Any, path: str, broken: list[str]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _mistyped(value, "a map", path)
    _check_size(shape, value, path, broken)
    parsed: dict[str, Any] = {}
    keys: list[str] = []
    values: list[str] = []
    given = {key: element for key, element in value.items() if element is not None}
    for key, element in given.items():
        parsed[_text(shape.key, key, path, keys)] = _value(shape.value, element, f"{path}.{key}.member", values)
    broken += [_constraint(value, shape, path, f"Map keys must satisfy constraint: [{_kept(said)}]") for said in keys]
    broken += [
        _constraint(value, shape, path, f"Map value must satisfy constraint: [{_kept(said)}]") for said in values
    ]
    return parsed


def _text(shape: Any, value: Any, path: str, broken: list[str]) -> str:
    if not isinstance(value, str):
        raise _mistyped(value, "a String", path)
    if not _storable(value):
        broken.append(_constraint("…", shape, path, "Member must be text that Unicode can write, without NUL"))
        return ""
    _check_size(shape, value, path, broken)
    rules = shape.metadata
    if shape.enum and value not in shape.enum:
        broken.append(_constraint(value, shape, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"))
    pattern = rules.get("pattern")
    if pattern and len(value) <= max(int(rules.get("max", 0)), PATTERN_CHARACTERS) and not _matches(pattern, value):
        broken.append(_constraint(value, shape, path, f"Member must satisfy regular expression pattern: {pattern}"))
    return value


def _storable(value: str) -> bool:
    """Whether every database can keep it: no half of a surrogate pair, no NUL."""
    return (value.isascii() and "\0" not in value) or not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value)


def _number(shape: Any, given: Any, path: str, broken: list[str]) -> int | float:
    kind = shape.type_name
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise _mistyped(given, _WORDS[kind], path)
    value = _whole(given, kind, path) if kind in _BITS else _real(given, kind, path)
    rules = shape.metadata
    if "min" in rules and value < rules["min"]:
        said = f"Member must have value greater than or equal to {rules['min']}"
        broken.append(_constraint(value, shape, path, said))
    if "max" in rules and value > rules["max"]:
        broken.append(_constraint(value, shape, path, f"Member must have value less than or equal to {rules['max']}"))
    return value


def _whole(value: int | float, kind: str, path: str) -> int:
    if isinstance(value, float) and not value.is_integer():  # nor infinity, which 1e999 is in Python
        raise _mistyped(value, _WORDS[kind], path)
    if not -1 << _BITS[kind] <= value < 1 << _BITS[kind]:
        raise _mistyped(value, _WORDS[kind], path)
    return int(value)


def _real(value: int | float, kind: str, path: str) -> float:
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if math.isinf(found):
        raise _mistyped(value, _WORDS[kind], path)
    return found


def _boolean(shape: Any, value: Any, path: str, _broken: list[str]) -> bool:
    if not isinstance(value, bool):
        raise _mistyped(value, _WORDS[shape.type_name], path)
    return value


def _time(shape: Any, value: Any, path: str, broken: list[str]) -> datetime | None:
    try:
        if isinstance(value, str):
            parsed = datetime.fromisoformat(value)
            parsed = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise _mistyped(value, "a Timestamp", path)
        else:
            parsed = datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise _mistyped(value, "a Timestamp", path) from None
    if parsed.year not in YEARS:
        said = f"Member must be a time from the year {YEARS[0]} to {YEARS[-1]}"
        broken.append(_constraint(value, shape, path, said))
    return parsed


def _blob(_shape: Any, value: Any, path: str, _broken: list[str]) -> bytes:
    """Blobs arrive as payloads of rest-json only; how large they may be is a setting, not the model's."""
    if not isinstance(value, bytes):
        raise _mistyped(value, "a Blob", path)
    return value


_READERS: dict[str, Callable[[Any, Any, str, list[str]], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _text,
    "character": _text,
    "integer": _number,
    "long": _number,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "timestamp": _time,
    "blob": _blob,
}


def _check_size(shape: Any, value: Any, path: str, broken: list[str]) -> None:
    rules = shape.metadata
    if "min" in rules and len(value) < rules["min"]:
        said = f"Member must have length greater than or equal to {rules['min']}"
        broken.append(_constraint(value, shape, path, said))
    if "max" in rules and len(value) > rules["max"]:
        broken.append(_constraint(value, shape, path, f"Member must have length less than or equal to {rules['max']}"))


def _constraint(value: Any, shape: Any, path: str, rule: str) -> str:
    if value is None:
        shown = "Value null"
    else:
        shown = "Value" if shape.metadata.get("sensitive") else f"Value '{_shown(value)}'"
    return f"{shown} at '{path}' failed to satisfy constraint: {rule}"


def _kept(said: str) -> str:
    """The rule of a broken constraint, without its value and place."""
    return said.split("failed to satisfy constraint: ", 1)[-1]


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


def _mistyped(value: Any, wanted: str, path: str) -> AwsError:
    place = f" (at '{path}')" if path else ""
    if isinstance(value, Mapping):
        said = "Start of structure or map found where not expected."
    elif isinstance(value, list):
        said = "Start of list found where not expected."
    else:
        token = "NUMBER_VALUE" if isinstance(value, int | float) else "STRING_VALUE"
        token = f"{str(value).upper()}_VALUE" if isinstance(value, bool) else token
        said = f"{token} can not be converted to {wanted}"
    return AwsError("SerializationException", said + place)


def _under(path: str, name: str) -> str:
    low = name[:1].lower() + name[1:]
    return f"{path}.{low}" if path else low


def _matches(pattern: str, value: str) -> bool:
    compiled = compiled_pattern(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


@cache
def compiled_pattern(pattern: str) -> re.Pattern[str] | None:
    r"""A pattern of the models, which are Java's, for the whole of a text; None where Python cannot say it.

    >>> bool(compiled_pattern(r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)").fullmatch("größe 1"))
    True
    """
    plain = pattern
    for java, ours in _CLASSES.items():
        inside = ours[1:-1] if java == r"\p{ASCII}" and re.search(r"\[[^\]]*\\p\{ASCII\}", plain) else ours
        plain = plain.replace(java, inside)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(plain, re.NOFLAG if r"\p" in pattern else re.ASCII)
    except re.error:
        return None
