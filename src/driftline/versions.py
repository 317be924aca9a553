"""In which version objects were read: noted when a run reads them, compared when it is to be repeated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from driftline.errors import EmptyWindow, NotFound
from driftline.listing import find
from driftline.storage.access import Access

_LOOKERS = 16
_NAMED = 3
"""So many objects are named in a sentence, the others counted."""


@dataclass(frozen=True, slots=True)
class Version:
    """An object's size in bytes (0 for a table), and what its storage calls this version of it (empty: unknown)."""

    size: int
    etag: str = ""

    def __str__(self) -> str:
        """As a sentence has it.

        >>> str(Version(120, '"a1b2"'))
        '120 bytes, "a1b2"'
        """
        return f"{self.size} bytes, {self.etag or 'of unknown version'}"


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of `count` objects: those that were written again, then and now, and those that are gone."""

    count: int
    changed: Mapping[str, tuple[Version, Version]]
    gone: Sequence[str]

    def lines(self) -> list[str]:
        """A line for each object that is not as it was.

        >>> Changes(3, {"s3://b/x": (Version(1, "a"), Version(2, "b"))}, ["s3://b/y"]).lines()
        ['s3://b/x changed: it was 1 bytes, a and is 2 bytes, b', 's3://b/y is gone']
        """
        found = [f"{uri} changed: it was {before} and is {now}" for uri, (before, now) in self.changed.items()]
        return [*found, *(f"{uri} is gone" for uri in self.gone)]

    @property
    def said(self) -> str:
        """All in one sentence, empty if everything is as it was.

        >>> Changes(3, {"s3://b/x": (Version(1, "a"), Version(2, "b"))}, ["s3://b/y"]).said
        'of 3 objects 1 is gone (s3://b/y) and 1 changed (s3://b/x)'
        """
        gone = f"{len(self.gone)} {'is' if len(self.gone) == 1 else 'are'} gone ({_named(self.gone)})"
        changed = f"{len(self.changed)} changed ({_named([*self.changed])})"
        told = [said for said, found in ((gone, self.gone), (changed, self.changed)) if found]
        return f"of {self.count} objects {' and '.join(told)}" if told else ""


def versions_to(found: Mapping[str, Version]) -> dict[str, dict[str, Any]]:
    """As JSON has it."""
    return {uri: asdict(version) for uri, version in found.items()}


def versions_from(document: Mapping[str, Mapping[str, Any]]) -> dict[str, Version]:
    """What `versions_to` made.

    >>> versions_from(versions_to({"s3://b/x": Version(1, "a")}))
    {'s3://b/x': Version(size=1, etag='a')}
    """
    return {uri: Version(**each) for uri, each in document.items()}


def look(uris: Iterable[str], access: Access) -> dict[str, Version]:
    """The objects of these names, and all below them, as they are now; what is not there is left out."""
    asked = list(dict.fromkeys(uris))
    if not asked:
        return {}
    found: dict[str, Version] = {}
    with ThreadPoolExecutor(min(_LOOKERS, len(asked))) as pool:
        for each in pool.map(partial(_look, access=access), asked):
            found |= each
    return found


def compare(before: Mapping[str, Version], access: Access) -> Changes:
    """What became of the objects since; versions of which a storage told nothing are compared by their size."""
    now = look(before, access)
    changed = {uri: (was, now[uri]) for uri, was in before.items() if uri in now and _differ(was, now[uri])}
    return Changes(len(before), changed, [uri for uri in before if uri not in now])


def _look(uri: str, access: Access) -> dict[str, Version]:
    try:
        return {entry.uri: Version(entry.size, entry.etag) for entry in find([uri], access, None).entries}
    except (NotFound, EmptyWindow):
        return {}


def _differ(one: Version, other: Version) -> bool:
    return one.size != other.size or bool(one.etag and other.etag and one.etag != other.etag)


def _named(uris: Sequence[str]) -> str:
    rest = f" and {len(uris) - _NAMED} more" if len(uris) > _NAMED else ""
    return ", ".join(uris[:_NAMED]) + rest
