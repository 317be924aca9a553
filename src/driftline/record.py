"""The record of estimates: how right those of earlier checks were, a line of JSON for each metric of each of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from math import isnan, nan
from typing import Any

from driftline.errors import NotFound, Unreadable
from driftline.monitors.verdict import Compared
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

FILE = "estimates.jsonl"
"""Its name beside SageMaker's files."""

_NAMES = frozenset(member.name for member in fields(Compared))


def read(uri: str, access: Access) -> tuple[Compared, ...]:
    """What is on record, oldest first; nothing where there is no record yet. Raises `Unreadable` naming the line."""
    with suppress(NotFound), storage_for(uri, access).open(uri) as stream:
        lines = stream.read().splitlines()
        return tuple(_compared(line, uri, place) for place, line in enumerate(lines, 1) if line.strip())
    return ()


def _compared(line: bytes, uri: str, place: int) -> Compared:
    try:
        found = {name: nan if value is None else value for name, value in json.loads(line).items()}
        given: dict[str, Any] = {name: value for name, value in found.items() if name in _NAMES}
        return Compared(**given)
    except (ValueError, TypeError, AttributeError) as error:
        remedy = "Mend the line, or remove the file to begin a new record."
        raise Unreadable(uri=uri, line=place, reason=f"no estimate on record: {error}", remedy=remedy) from error


def joined(past: Sequence[Compared], found: Iterable[Compared]) -> tuple[Compared, ...]:
    """The record with those of the estimates whose labels came; a check that is made again counts once.

    The same rows have the same estimate, whatever labels they have, so that is what tells checks apart.

    >>> first = Compared("f1", 0.8, 0.7, 0.9, 0.85, 10)
    >>> again = Compared("f1", 0.8, 0.7, 0.9, 0.86, 20)
    >>> [each.labelled for each in joined([first], [again, Compared("f1", 0.7, 0.6, 0.8)])]
    [20]
    """
    known = {(each.name, each.value, each.low, each.high): each for each in past}
    known |= {(each.name, each.value, each.low, each.high): each for each in found if each.held is not None}
    return tuple(known.values())


def write(uri: str, known: Iterable[Compared], access: Access) -> str:
    """Write the record; the result is where."""
    lines = [json.dumps(_plain(each), allow_nan=False) for each in known]
    storage_for(uri, access).put(uri, "".join(f"{line}\n" for line in lines).encode())
    return uri


def _plain(found: Compared) -> dict[str, Any]:
    """As JSON has it: numbers that are none are null."""
    return {name: None if isinstance(value, float) and isnan(value) else value for name, value in asdict(found).items()}
