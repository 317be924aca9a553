"""Of which space a request is, as far as its path says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from driftline import registry
from driftline.catalog import imports
from driftline.catalog.confines import DEFAULT


def space_of(tx: Connection, path: str, values: Mapping[str, Any]) -> str | None:
    """The space of what a path of the REST API or the console names; None where it names nothing of one.

    Raises `NotFound` for what is not there, or may not be seen in this transaction.

    >>> space_of(None, "/v1/schedules/s/runs", {"name": "s"})
    'default'
    """
    _, root, noun, *_ = (*path.split("/"), "", "")
    if root not in ("v1", "console") or not values:
        return None
    found = _SPACES.get(noun)
    return None if found is None else found(tx, values)


def _of_model(tx: Connection, values: Mapping[str, Any]) -> str:
    return registry.get_model(tx, str(values["model"])).space


def _of_import(tx: Connection, values: Mapping[str, Any]) -> str:
    return str(imports.get(tx, imports.beginning(tx, str(values["id"]))).space)


def _of_default(_tx: Connection, _values: Mapping[str, Any]) -> str:
    return DEFAULT


_SPACES: Mapping[str, Callable[[Connection, Mapping[str, Any]], str]] = {
    "models": _of_model,
    "imports": _of_import,
    "hooks": _of_import,
    "schedules": _of_default,
    "executions": _of_default,
    "jobs": _of_default,
    "endpoints": _of_default,
}
"""The first word of a path -> how the space of what it names is found; of others the catalog knows."""
