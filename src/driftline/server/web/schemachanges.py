"""What is different between two schemas of a version, in words, and what that means for its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from driftline.schemas.fields import LATE

Value = Mapping[str, Any]
_LATE = {str(each) for each in LATE}
_WORDS = ("string", "text", "categorical")
_ALL = ("role", "kind", "dimensions", "of", "whole", "required")


@dataclass(frozen=True)
class Change:
    """What is different about a field, in words, and what that means."""

    field: str
    said: str
    means: str


def key_of(field: Value) -> str:
    """By what a field is known: its name, and whether it comes with the prediction or may come later.

    >>> key_of({"name": "y", "role": "actual"})
    'late:y'
    """
    return f"{'late' if field['role'] in _LATE else 'early'}:{field['name']}"


def changes(before: Sequence[Value], now: Sequence[Value], has_rows: bool) -> list[Change]:
    """What is different, in the order of the fields.

    >>> age = {"name": "age", "role": "feature", "kind": "numeric"}
    >>> [(each.field, each.said) for each in changes([age], [{**age, "role": "tag"}], False)]
    [('age', 'role feature → tag')]
    """
    old, new = ({key_of(each): each for each in some} for some in (before, now))
    return list(_changes(old, new, has_rows))


def _changes(old: Mapping[str, Value], new: Mapping[str, Value], has_rows: bool) -> Iterator[Change]:
    for key, each in old.items():
        if key not in new:
            means = "Its values stay in the table; rows that come have none, and monitors do not look at it any more."
            yield Change(each["name"], "left out", means if has_rows else "Files that have it are told of it.")
    for key, each in new.items():
        before = old.get(key)
        if before is None:
            means = "Rows that are there have no value of it." if has_rows else "It is read from now on."
            yield Change(each["name"], f"new: {each['role']}, {each['kind']}".replace("_", " "), means)
            continue
        told = [name for name in _ALL if (before.get(name) or None) != (each.get(name) or None)]
        if told:
            said = "; ".join(f"{name} {_word(before.get(name))} → {_word(each.get(name))}" for name in told)
            yield Change(each["name"], said, " ".join(_meaning(name, before, each, has_rows) for name in told))


def _meaning(what: str, before: Value, now: Value, has_rows: bool) -> str:
    if what == "kind":
        is_alike = before["kind"] in _WORDS and now["kind"] in _WORDS
        if has_rows and not is_alike:
            return "Refused while the version has rows: name a new field, or make a version."
        return "Values are read as this kind from now on; what is none rejects its row or is left out."
    if what == "whole":
        return "A fraction is wrong from now on." if now.get("whole") else "Fractions may come from now on."
    if what == "required":
        return "Rows without a value are rejected from now on." if now.get("required") else "It may be empty."
    if what == "dimensions":
        return "Refused while the version has rows." if has_rows else "Vectors must be of this length."
    if what == "role":
        return "Monitors learn and judge it as what it is now; baselines that were learned before know it as it was."
    return "Figures are computed with what it belongs to now."


def _word(value: Any) -> str:
    if isinstance(value, list):
        return "x".join(map(str, value)) or "none"
    return "no" if value in (None, False) else "yes" if value is True else str(value).replace("_", " ")
