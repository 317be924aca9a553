"""Members of JSON objects, taken out with their types checked and named where they are wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from math import inf
from typing import Any

from driftline.errors import Invalid

_ABSENT: Any = object()


def at(value: Any, *path: str) -> Any:
    """What lies at a path of members, an empty object where there is nothing.

    >>> at({"a": {"b": 1}}, "a", "b"), at({}, "a", "b")
    (1, {})
    """
    for name in path:
        value = value.get(name, {}) if isinstance(value, Mapping) else {}
    return value


def given(value: Mapping[str, Any], name: str) -> bool:
    """Whether there is such a member; null is as good as none."""
    return value.get(name) is not None


def unmistaken(value: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Raises `Invalid` for a member that looks like a known one misspelt, which would else silently have no effect.

    >>> unmistaken({"completeness": 1, "comment": "by hand"}, {"completeness"}, "file")
    """
    for name in value:
        near = [] if name in known else get_close_matches(name, known, 1, 0.85)
        if near:
            raise Invalid(what=f"{where}.{name}", got=name, expected=near[0], remedy="Mend the spelling.")


def member(value: Any, name: str, where: str, default: Any = _ABSENT) -> Any:
    """A member that is an object."""
    found = _get(value, name, where, default)
    if not isinstance(found, Mapping):
        raise Invalid(what=f"{where}.{name}", got=found, expected="an object", remedy="Mend the file.")
    return found


def listed(value: Any, name: str, where: str, default: Any = _ABSENT) -> list[Any]:
    """A member that is a list."""
    found = _get(value, name, where, default)
    if not isinstance(found, list):
        raise Invalid(what=f"{where}.{name}", got=found, expected="a list", remedy="Mend the file.")
    return found


def text(value: Any, name: str, where: str, default: Any = _ABSENT) -> str:
    """A member that is a text."""
    found = _get(value, name, where, default)
    if not isinstance(found, str):
        raise Invalid(what=f"{where}.{name}", got=found, expected="a text", remedy="Mend the file.")
    return found


def number(value: Any, name: str, where: str, *, low: float = -inf, high: float = inf, default: Any = _ABSENT) -> float:
    """A member that is a number in [low, high]; "NaN" and "Infinity" as texts are numbers, as SageMaker writes them.

    >>> number({"a": "NaN"}, "a", "file")
    nan
    """
    found = _get(value, name, where, default)
    if found in ("NaN", "Infinity", "-Infinity"):
        found = float(found)
    if isinstance(found, bool) or not isinstance(found, int | float) or found < low or found > high:
        expected = "a number" if (low, high) == (-inf, inf) else f"a number in [{low:g}, {high:g}]"
        raise Invalid(what=f"{where}.{name}", got=found, expected=expected, remedy="Mend the file.")
    return float(found)


def whole(value: Any, name: str, where: str, *, low: int = 0, default: Any = _ABSENT) -> int:
    """A member that is a whole number of at least `low`, written as an integer or a double.

    >>> whole({"a": 2048.0}, "a", "file")
    2048
    """
    found = number(value, name, where, low=low, default=default)
    if not found.is_integer():
        expected = f"a whole number from {low}"
        raise Invalid(what=f"{where}.{name}", got=found, expected=expected, remedy="Mend the file.")
    return int(found)


def _get(value: Any, name: str, where: str, default: Any) -> Any:
    if not isinstance(value, Mapping):
        raise Invalid(what=where, got=value, expected="an object", remedy="Is this the right file?")
    found = value.get(name)
    if found is None and default is not _ABSENT:
        return default
    if found is None:
        raise Invalid(
            what=where, got=f"no member {name!r}", expected=f"a member {name!r}", remedy="Is this the right file?"
        )
    return found
