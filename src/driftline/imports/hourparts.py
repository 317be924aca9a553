"""The hourly profiles of a batch: written as one blob, noted with the batch; hours that lost rows are made anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from driftline.imports.batch import Load
from driftline.inferences.tables import Tables


def store(load: Load, tables: Tables) -> list[dict[str, Any]]:
    """Write the profiles; what is to be noted."""
    return []


def note(tx: Connection, parts: Sequence[dict[str, Any]]) -> None:
    """Note them in the catalog."""
