"""Named credentials: how sources are reached, as JSON without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from driftline.catalog.tables import credential


def put(tx: Connection, name: str, body: Mapping[str, Any], space: str | None = None, *, now: datetime) -> None:
    """Keep credentials under a name, in the place of those that were: of one space, or of all."""
    remove(tx, name)
    tx.execute(insert(credential).values(name=name, space=space, body=dict(body), created=now))


def find(tx: Connection, name: str) -> Any | None:
    """The row of that name, if there is one."""
    return tx.execute(select(credential).where(credential.c.name == name)).first()


def every(tx: Connection) -> list[Any]:
    """All rows by name."""
    return list(tx.execute(select(credential).order_by(credential.c.name)))


def remove(tx: Connection, name: str) -> bool:
    """Forget a name; whether there was one."""
    return bool(tx.execute(delete(credential).where(credential.c.name == name)).rowcount)
