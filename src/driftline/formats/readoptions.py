"""The settings that formats take: a name that none of them knows would silently have no effect."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from driftline.errors import Invalid

_TEXT = ("encoding",)
_ROWS = ("output_columns_position", "side", "since", "until")
_CAPTURED = (*_ROWS, "metadata", "ground_truth", "compatible", "exact", "plain_numbers", *_TEXT)
_SCRIPTS = ("script_errors", "script_seconds", "script_memory_bytes", "script_records", "script_environment")

SETTINGS: dict[str, tuple[str, ...]] = {
    "csv": ("header", "separator", "delimiter", "quote", "escape", "null_values", "skip_rows", "comment", *_TEXT),
    "jsonlines": ("plain_numbers", *_TEXT),
    "json": ("lines", "line", "limit_bytes", *_TEXT),
    "delta": ("version", "timestamp", "since", "until", "time_column", "where", "as_of"),
    "capture": _CAPTURED,
    "ground_truth": ("whole", *_TEXT),
    "merged": _CAPTURED,
    "scripts": _SCRIPTS,
}
"""Format (or what reads in its place) -> the names of its settings; the others have none."""


def refuse_unknown(given: Collection[str]) -> None:
    """Raises `Invalid` for a setting that no format has. One of another format is fine: files of several may be read.

    >>> refuse_unknown(["header", "version"])
    >>> refuse_unknown(["headr"])
    Traceback (most recent call last):
    driftline.errors.Invalid: read option: got 'headr', expected ... Did you mean header?
    """
    known = dict.fromkeys(name for names in SETTINGS.values() for name in names)
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            remedy = f"Did you mean {near[0]}?" if near else "docs/reference/formats.md tells what each is for."
            raise Invalid(what="read option", got=name, expected=f"one of {', '.join(known)}", remedy=remedy)
