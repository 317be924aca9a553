"""A user's script as a value: its text, what it may use, and how many of its errors are borne."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from driftline.errors import Invalid
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

BEFORE, AFTER = "preprocess_handler", "postprocess_handler"
"""The functions that a script offers, by SageMaker's names."""

LARGEST = 1 << 20
"""Bytes of a script."""


@dataclass(frozen=True)
class Limits:
    """What a script may use. `seconds` are for loading it, for each record, and for a call; bytes are of memory, and
    of each file that it writes.
    """

    seconds: float = 60.0
    memory_bytes: int = 1 << 30
    file_bytes: int = 64 << 20
    open_files: int = 256


@dataclass(frozen=True)
class Script:
    """A script and its surroundings.

    `errors` is how many records it may fail at before the run does; it is given only the first `records` of a task,
    all if None.
    """

    uri: str
    text: str = field(repr=False)
    limits: Limits = field(default_factory=Limits)
    errors: int = 0
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    records: int | None = None

    @property
    def name(self) -> str:
        """The file's name, by which messages call the script.

        >>> Script("s3://b/code/pre.py", "").name
        'pre.py'
        """
        name = self.uri.rpartition("/")[2]
        return name if name.strip(".") else "script.py"


def load(uri: str, settings: Mapping[str, Any], access: Access) -> Script:
    """The script at `uri`; raises `Invalid` if it is no Python, with the line.

    `settings` may hold `script_errors`, `script_seconds`, `script_memory_bytes`, `script_records` and
    `script_environment`.
    """
    with storage_for(uri, access).open(uri) as stream:
        data = stream.read(LARGEST + 1)
    try:
        if len(data) > LARGEST:
            raise ValueError(f"it is larger than {LARGEST:,} bytes")
        text = data.decode("utf-8-sig")
        compile(text, uri, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        where = f" line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise Invalid(what=f"script {uri}{where}", got=_said(error), expected="a Python file in UTF-8") from error
    most = int(_number(settings, "script_errors", 0))
    seconds = _number(settings, "script_seconds", Limits.seconds)
    limits = Limits(seconds, int(_number(settings, "script_memory_bytes", Limits.memory_bytes)))
    records = int(_number(settings, "script_records", 0)) or None
    return Script(uri, text, limits, most, dict(settings.get("script_environment") or {}), records)


def _said(error: SyntaxError | ValueError) -> str:
    return str(error.msg if isinstance(error, SyntaxError) else error)


def _number(settings: Mapping[str, Any], name: str, default: float) -> float:
    """A setting that is a number, or a text of one, as environments hold it; above 0 unless that is the default."""
    given = settings.get(name, default)
    try:
        found = float(given)
    except (TypeError, ValueError):
        found = -1.0
    if isinstance(given, bool) or found < 0 or (not found and default):
        least = "a number above 0" if default else "a number from 0"
        raise Invalid(what=name, got=given, expected=least, remedy=f"The default is {default:g}.")
    return found
