"""Which of the objects below a job's prefix are its files, and why the others are not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from driftline.formats.formats import implied
from driftline.imports.job import Place
from driftline.listing import glob_pattern, why_passed
from driftline.storage.storage import Object

_ALIKE = ("json", "jsonlines", "capture", "ground_truth", "merged")
"""Formats whose files have each other's names."""

_UNFINISHED = re.compile(r"/\.[^/]+\.[0-9a-f]{16}\.part$")
"""A file that this program is writing: in a moment it has its own name, so it is no object at all."""


@dataclass(frozen=True)
class Passed:
    """An object that is no file of the job, and why."""

    object: Object
    reason: str


@dataclass(frozen=True)
class Chosen:
    """The objects that are the job's files, in their order, and those that are passed over."""

    objects: tuple[Object, ...] = ()
    passed: tuple[Passed, ...] = ()


def choose(place: Place, found: Iterable[Object]) -> Chosen:
    """Part the objects below the place: empty, hidden, left by a writer, or of another name or format are passed over.

    >>> found = [Object("s3://b/in/a.csv", 9), Object("s3://b/in/_SUCCESS", 0), Object("s3://b/in/b.parquet", 9)]
    >>> chosen = choose(Place("s3://b/in/", format="csv"), found)
    >>> [each.uri for each in chosen.objects], [each.reason for each in chosen.passed]
    (['s3://b/in/a.csv'], ['hidden: _SUCCESS begins with _', 'its name says parquet, the job reads csv'])
    """
    objects, passed = [], []
    for each in found:
        if _UNFINISHED.search(each.uri):
            continue
        reason = why_not(place, each)
        if reason is None:
            objects.append(each)
        else:
            passed.append(Passed(each, reason))
    return Chosen(tuple(objects), tuple(passed))


def why_not(place: Place, found: Object) -> str | None:
    """Why the object is no file of the place; None if it is one."""
    root = root_of(place)
    if found.uri == place.uri and not place.uri.endswith("/"):
        return None if found.size else "empty (0 bytes)"
    reason = why_passed(found, root)
    if reason is not None:
        return reason
    below = found.uri.removeprefix(root)
    if place.include and not any(glob_pattern(each).fullmatch(below) for each in place.include):
        return f"matches none of {', '.join(place.include)}"
    named = implied(found.uri)
    if place.format and named and place.format != named and not (place.format in _ALIKE and named in _ALIKE):
        return f"its name says {named}, the job reads {place.format}"
    return None


def root_of(place: Place) -> str:
    """What the URIs of everything below the place begin with.

    >>> root_of(Place("s3://b/in"))
    's3://b/in/'
    """
    return place.uri if place.uri.endswith("/") else place.uri + "/"
