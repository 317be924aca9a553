"""What `preprocess_handler` returns, checked and sent on as rows; standard library only, since it runs confined."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from driftline.scripts.record import Record

MOST = 4096
"""Rows that are sent together."""

ALIVE_SECONDS = 1.0
"""So often at least something is sent, while records are worked on."""


class Unfit(ValueError):
    """A record that is none, and why."""


class Rows:
    """Rows that wait to be sent."""

    def __init__(self, answer: Callable[[Mapping[str, Any]], None]) -> None:
        """`answer` sends."""
        self._answer = answer
        self._names: list[tuple[Any, ...]] = []
        self._values: list[list[Any]] = []
        self._origins: list[tuple[int, str | None]] = []
        self._sent = time.monotonic()

    @staticmethod
    def record_of(text: str, kind: str) -> tuple[Any, str | None]:
        """What the function is given, and the record's id; raises `Unfit` if a captured record is none."""
        if kind != "capture":
            return text, None
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Unfit(f"no JSON: {error}") from error
        if not isinstance(found, dict) or not isinstance(found.get("captureData"), dict):
            raise Unfit("no capture record: there is no captureData")
        event = found.get("eventMetadata")
        known = (event.get("inferenceId") or event.get("eventId")) if isinstance(event, dict) else None
        return Record(found), None if known is None else str(known)

    def add(self, found: Any, line: int, identity: str | None) -> None:
        """Take what the function returned; raises TypeError for what is neither a dict nor a list of dicts."""
        for row in found if isinstance(found, list) else (found,):
            if not isinstance(row, dict):
                within = "a list with " if isinstance(found, list) else ""
                raise TypeError(
                    f"preprocess_handler returned {within}{_kind(row)}; it must return a dict of names and values, "
                    "a list of such dicts, or [] to leave the record out"
                )
            if row:
                self._names.append(tuple(row))
                self._values.append(list(row.values()))
                self._origins.append((line, identity))

    def flush_if_many(self) -> None:
        """Send the rows if they are many or wait for long."""
        if len(self._names) >= MOST or time.monotonic() - self._sent > ALIVE_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send the rows: one list of names where all have the same, else each with its own."""
        names, values, origins = self._names, self._values, self._origins
        self._names, self._values, self._origins = [], [], []
        self._sent = time.monotonic()
        if names and names.count(names[0]) == len(names):
            message: dict[str, Any] = {"names": [*map(str, names[0])], "rows": values}
        else:
            message = {"dicts": [_named(*each) for each in zip(names, values, strict=True)]}
        try:
            self._answer(message)
        except (TypeError, ValueError, RecursionError):
            self._one_by_one([_named(*each) for each in zip(names, values, strict=True)], origins)

    def _one_by_one(self, rows: list[dict[str, Any]], origins: list[tuple[int, str | None]]) -> None:
        """Send the rows that can be, and tell the others."""
        for row, (line, identity) in zip(rows, origins, strict=True):
            try:
                self._answer({"dicts": [row]})
            except (TypeError, ValueError, RecursionError) as error:
                reason = f"a value that no column can hold: {type(error).__name__}: {error}"
                self._answer({"line": line, "id": identity, "error": reason, "at": None})


def is_within(record: Record, since: str, until: str) -> bool:
    """Whether the call was made in [since, until), as texts; so is one whose time is not known."""
    moment = record.event_metadata.event_time
    return not isinstance(moment, str) or (since <= moment[: len(since)] and moment[: len(until)] < until)


def _named(names: tuple[Any, ...], values: list[Any]) -> dict[str, Any]:
    return dict(zip(map(str, names), values, strict=True))


def encode(value: Any) -> str:
    """A line of JSON; raises TypeError, ValueError or RecursionError for what JSON cannot hold."""
    return json.dumps(value, default=_plain) + "\n"


def _plain(value: Any) -> Any:
    """A value of another library: numpy's as Python's, a date or the like as its text."""
    if callable(getattr(value, "tolist", None)):
        return value.tolist()
    if isinstance(value, bytes):
        return value.decode()
    text = str(value)
    if " at 0x" in text:  # an address, another one in every run
        raise TypeError(f"a {type(value).__name__} has no text")
    return text


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
