"""Spaces: each has an ingestion key, by which the owner of a bucket shows that the space may read it."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from driftline.catalog.confines import DEFAULT
from driftline.catalog.keys import EVERYWHERE
from driftline.catalog.tables import access_key, api_key, credential, import_job, model, space
from driftline.errors import Conflict, NotFound

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


@dataclass(frozen=True)
class Space:
    """A name by which models are kept apart, and how much there is in it; `created` is None for one nobody made."""

    name: str
    models: int = 0
    imports: int = 0
    credentials: int = 0
    keys: int = 0
    created: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it may go: nothing is in it, and nobody has a key to it alone."""
        return not (self.models or self.imports or self.credentials or self.keys)


def listed(tx: Connection) -> list[Space]:
    """All spaces by name: those that were made, those that something is in, and `default`."""
    made = {row.name: row.created for row in every(tx)}
    models, jobs, kept = (_counts(tx, each) for each in (model, import_job, credential))
    lists = (names for each in (api_key, access_key) for names in tx.execute(select(each.c.spaces)).scalars())
    held = Counter(name for names in lists for name in names if name != EVERYWHERE)
    return [
        Space(name, models[name], jobs[name], kept[name], held[name], made.get(name))
        for name in sorted({DEFAULT, *made, *held, *models, *jobs, *kept})
    ]


def get(tx: Connection, name: str) -> Space:
    """The space; raises `NotFound`."""
    found = next((each for each in listed(tx) if each.name == name), None)
    if found is None:
        raise NotFound(what="space", name=name)
    return found


def make(tx: Connection, name: str, *, now: datetime) -> Space:
    """A new space with nothing in it; raises `Conflict` if there is one of the name."""
    if any(each.name == name for each in listed(tx)):
        raise Conflict(what="space", name=name, reason="it exists already")
    tx.execute(insert(space).values(name=name, ingestion_key=_made(), created=now))
    return get(tx, name)


def rename(tx: Connection, name: str, to: str) -> Space:
    """Another name for a space and all that is in it; its ingestion key stays.

    Raises `NotFound`, and `Conflict` for `default`, in which SageMaker's resources are, and where the name is taken.
    """
    found = get(tx, name)
    _refuse_default(name, "has SageMaker's resources, which know no other")
    if any(each.name == to for each in listed(tx)):
        raise Conflict(what="space", name=to, reason="it exists already", remedy="Choose another name.")
    row = tx.execute(select(space).where(space.c.name == name)).first()
    if row is not None:
        tx.execute(delete(space).where(space.c.name == name))
        tx.execute(insert(space).values(name=to, ingestion_key=row.ingestion_key, created=row.created))
    for each in (model, import_job, credential):
        tx.execute(update(each).where(each.c.space == name).values(space=to))
    for each in (api_key, access_key) if found.keys else ():
        own = next(iter(each.primary_key))
        for key in tx.execute(select(own, each.c.spaces)).all():
            if name in key.spaces:
                renamed = sorted({to if one == name else one for one in key.spaces})
                tx.execute(update(each).where(own == key[0]).values(spaces=renamed))
    return replace(found, name=to)


def remove(tx: Connection, name: str) -> None:
    """Forget an empty space; raises `NotFound`, and `Conflict` for one that something is in, or that keys are for."""
    found = get(tx, name)
    _refuse_default(name, "is always there")
    if not found.is_empty:
        told = {"models": found.models, "import jobs": found.imports, "credentials": found.credentials}
        held = ", ".join(f"{count} {what}" for what, count in {**told, "keys": found.keys}.items() if count)
        raise Conflict(what="space", name=name, reason=f"it has {held}", remedy="Delete these first.")
    tx.execute(delete(space).where(space.c.name == name))


def _refuse_default(name: str, reason: str) -> None:
    if name == DEFAULT:
        raise Conflict(what="space", name=name, reason=f"it {reason}", remedy="Make another one.")


def _counts(tx: Connection, table: Table) -> Counter[str]:
    c = table.c
    query = select(c.space, func.count()).where(c.space.is_not(None)).group_by(c.space)
    return Counter({row[0]: row[1] for row in tx.execute(query)})


def _key(tx: Connection, name: str) -> str | None:
    found: str | None = tx.execute(select(space.c.ingestion_key).where(space.c.name == name)).scalar()
    return found


def _made() -> str:
    """Of letters and digits that a tag of a bucket may have."""
    return PREFIX + secrets.token_hex(16)
