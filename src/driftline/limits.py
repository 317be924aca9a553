"""What is expected of a monitor's windows, as the file that it reads has it: read, checked, and written anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any

from driftline.baselines import read_json, write_json
from driftline.errors import Conflict, Invalid
from driftline.papers import PAPERS
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

MOST_BYTES = 4_000_000
"""Of a document that is sent to be kept: that of 5,000 columns with their values is smaller."""

_LISTED = 10_000
"""Objects beside a file of constraints among which those of before are looked for."""


@dataclass(frozen=True)
class Limits:
    """A monitor's constraints: the JSON value at `uri`, and the files in which those of before lie, latest first.

    `mark` tells one document from another: who changes it says which one he saw.
    """

    kind: str
    uri: str
    document: Any
    mark: str
    earlier: tuple[str, ...] = ()

    @classmethod
    def read(cls, kind: str, uri: str, access: Access, earlier: tuple[str, ...] = ()) -> Limits:
        """The constraints at `uri`, of a monitor of this kind; raises `NotFound`, and `Unreadable` for no JSON."""
        document = read_json(uri, access)
        return cls(kind, uri, document, mark_of(document), earlier)

    def refuse_stale(self, mark: str) -> None:
        """Raise `Conflict` where what was seen is not what is there."""
        if mark != self.mark:
            reason = f"it was changed by somebody else since you opened it: it is {self.mark} now, not {mark}"
            remedy = "Look at what is there now, and change that."
            raise Conflict(what="constraints", name=self.uri, reason=reason, remedy=remedy)


def mark_of(document: Any) -> str:
    """What tells a document from others, however its members are ordered.

    >>> mark_of({"a": 1, "b": 2}) == mark_of({"b": 2, "a": 1}), len(mark_of({}))
    (True, 16)
    """
    return sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]


def checked(kind: str, document: Any) -> Any:
    """The constraints in a document of this kind of monitor; raises `Invalid` naming the member that is wrong.

    >>> checked("data-quality", {"features": [{"name": "age", "inferred_type": "Integral"}]}).names
    ('age',)
    """
    size = len(json.dumps(document))
    if size > MOST_BYTES:
        raise Invalid(what="constraints", got=f"{size:,} bytes", expected=f"at most {MOST_BYTES:,}")
    return PAPERS[kind].read(document)


def put(before: Limits, document: Any, access: Access) -> Limits:
    """Write the document in the place of `before`, whose file is kept beside it, its mark in its name.

    Raises `Invalid` for what are no constraints.
    """
    checked(before.kind, document)
    papers = PAPERS[before.kind]
    kept = f"{_stem(before.uri)}{before.mark}.json"
    storage_for(kept, access).put_if_absent(kept, (papers.dumps(before.document) + "\n").encode())
    write_json(before.uri, document, access, papers.dumps)
    return Limits(before.kind, before.uri, document, mark_of(document), earlier_of(before.uri, access))


def earlier_of(uri: str, access: Access) -> tuple[str, ...]:
    """The files that `put` kept beside a file, the latest first."""
    stem = _stem(uri)
    beside = islice(storage_for(uri, access).list(f"{uri.rpartition('/')[0]}/"), _LISTED)
    found = [each for each in beside if each.uri.startswith(stem)]
    found.sort(key=lambda each: "" if each.modified is None else each.modified.isoformat(), reverse=True)
    return tuple(each.uri for each in found)


def _stem(uri: str) -> str:
    return f"{uri.removesuffix('.json')}.before-"
