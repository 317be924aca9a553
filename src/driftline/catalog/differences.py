"""What a definition was and what it became, as the audit log keeps it: bounded, and without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

HIDDEN = "(hidden)"
MOST_BYTES = 32_768
"""Of one change; of a larger one only the names of what changed are kept."""
MOST_NAMES = 200

_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
_LACKING = object()


def without_secrets(document: Any) -> Any:
    """The JSON value with the names of environments alone, and with URLs that have no login.

    >>> without_secrets({"settings": {"script_environment": {"TOKEN": "abc"}}, "url": "http://ada:abc@models/x"})
    {'settings': {'script_environment': {'TOKEN': '(hidden)'}}, 'url': 'http://models/x'}
    """
    if isinstance(document, Mapping):
        return {name: _member(name, value) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [without_secrets(each) for each in document]
    return _LOGIN.sub("", document) if isinstance(document, str) else document


def _member(name: str, value: Any) -> Any:
    if _is_environment(name) and isinstance(value, Mapping):
        return dict.fromkeys(value, HIDDEN)
    return without_secrets(value)


def _is_environment(name: str) -> bool:
    return name.lower().endswith("environment")


def made(after: Mapping[str, Any]) -> dict[str, Any]:
    """What a new thing is, or what one was that is deleted.

    >>> made({"name": "a", "environment": {"KEY": "x"}})
    {'name': 'a', 'environment': {'KEY': '(hidden)'}}
    """
    shown: dict[str, Any] = without_secrets(_plain(after))
    return _bounded(shown, list(shown))


def changed(before: Mapping[str, Any], after: Mapping[str, Any], hidden: Sequence[str] = ()) -> dict[str, Any] | None:
    """Each value that was another before, by its place; None if there is none. `hidden` members are named alone.

    >>> changed({"body": {"owner": "a", "tags": ["x"]}}, {"body": {"owner": "b", "tags": ["x"]}})
    {'body.owner': {'was': 'a', 'is': 'b'}}
    """
    found = {}
    for place, was, now in _differing(_plain(before), _plain(after), ()):
        secret = place[0] in hidden or any(map(_is_environment, place[:-1]))
        pair = {"was": was, "is": now}
        told = {name: value for name, value in pair.items() if value is not _LACKING}
        named = {name: HIDDEN if secret else _member(place[-1], value) for name, value in told.items()}
        found[".".join(place)] = named
    return _bounded(found, list(found)) if found else None


def _differing(before: Any, after: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Place, value before and value after of all that differs, as deep as both are of one shape."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            yield from _differing(before.get(name, _LACKING), after.get(name, _LACKING), (*place, str(name)))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, pair in enumerate(zip(before, after, strict=True)):
            yield from _differing(*pair, (*place, str(at)))
    elif before is _LACKING or after is _LACKING or before != after:
        yield place, before, after


def _plain(value: Any) -> Any:
    """As JSON has it: times as text."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _bounded(document: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    size = len(json.dumps(document).encode())
    if size <= MOST_BYTES:
        return document
    return {"too_large": {"bytes": size, "members": [name[:200] for name in names[:MOST_NAMES]], "of": len(names)}}
