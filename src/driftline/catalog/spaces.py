"""Spaces: each has an ingestion key, by which the owner of a bucket shows that the space may read it."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from driftline.catalog.tables import space

PREFIX = "dlk-"


def ingestion_key(tx: Connection, name: str, *, now: datetime) -> str:
    """The key of a space, made when it is first asked for; of several askers all get the same."""
    found = _key(tx, name)
    if found is not None:
        return found
    dialect = postgresql if tx.dialect.name == "postgresql" else sqlite
    made = dialect.insert(space).values(name=name, ingestion_key=_made(), created=now)
    tx.execute(made.on_conflict_do_nothing(index_elements=["name"]))
    return str(_key(tx, name))


def renew(tx: Connection, name: str, *, now: datetime) -> str:
    """Another key for a space: buckets must show it before the next job on them may start."""
    made = _made()
    if not tx.execute(update(space).where(space.c.name == name).values(ingestion_key=made)).rowcount:
        tx.execute(insert(space).values(name=name, ingestion_key=made, created=now))
    return made


def every(tx: Connection) -> list[Any]:
    """All rows of spaces that have a key, by name."""
    return list(tx.execute(select(space).order_by(space.c.name)))


def _key(tx: Connection, name: str) -> str | None:
    found: str | None = tx.execute(select(space.c.ingestion_key).where(space.c.name == name)).scalar()
    return found


def _made() -> str:
    """Of letters and digits that a tag of a bucket may have."""
    return PREFIX + secrets.token_hex(16)
