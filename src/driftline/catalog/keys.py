"""Who may call: access keys, whose secrets sign AWS calls, and API keys, of which only digests are kept."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from driftline.catalog.tables import access_key, api_key
from driftline.errors import Conflict, Invalid, NotFound

SCOPES = ("read", "write", "admin")
PREFIX = "dl_"
NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._@:+-]{0,63}$"
"""What API keys may be called."""


@dataclass(frozen=True)
class AccessKey:
    """A key id and the secret that signatures are checked with; a note says whose it is."""

    id: str
    secret: str = field(repr=False)
    note: str = ""
    created: datetime | None = None


@dataclass(frozen=True)
class ApiKey:
    """A named key and what it may do; the key itself is not known."""

    name: str
    scopes: frozenset[str]
    created: datetime


def put_access_key(tx: Connection, key: AccessKey, *, note: str, now: datetime) -> None:
    """Keep a key, or give it another secret."""
    tx.execute(delete(access_key).where(access_key.c.id == key.id))
    tx.execute(insert(access_key).values(id=key.id, secret=key.secret, note=note, created=now))


def new_access_key() -> AccessKey:
    """A key that nobody has."""
    return AccessKey("DL" + secrets.token_hex(9).upper(), secrets.token_urlsafe(30))


def secret_of(tx: Connection, key: str) -> str | None:
    """The secret of an access key; None if there is no such key."""
    found: str | None = tx.execute(select(access_key.c.secret).where(access_key.c.id == key)).scalar()
    return found


def access_keys(tx: Connection) -> list[AccessKey]:
    """All access keys, oldest first."""
    rows = tx.execute(select(access_key).order_by(access_key.c.created, access_key.c.id))
    return [AccessKey(row.id, row.secret, row.note, row.created) for row in rows]


def delete_access_key(tx: Connection, key: str) -> None:
    """Forget an access key; raises `NotFound`."""
    if not tx.execute(delete(access_key).where(access_key.c.id == key)).rowcount:
        raise NotFound(what="access key", name=key)


def digest(key: str) -> str:
    """What is kept of an API key."""
    return hashlib.sha256(key.encode()).hexdigest()


def create_api_key(tx: Connection, name: str, scopes: Iterable[str], *, now: datetime) -> str:
    """A new API key, shown this once; raises `Invalid` for a name that is none, `Conflict` if it is taken."""
    if not re.fullmatch(NAME, name) or name.endswith("\n"):
        expected = "1 to 64 letters, digits, blanks and any of . _ @ : + -, a letter or digit first"
        raise Invalid(what="name of the API key", got=name, expected=expected)
    if tx.execute(select(api_key.c.name).where(api_key.c.name == name)).first():
        raise Conflict(what="API key", name=name, reason="it exists already", remedy="Delete it first.")
    key = PREFIX + secrets.token_urlsafe(32)
    tx.execute(insert(api_key).values(digest=digest(key), name=name, scopes=sorted(scopes), created=now))
    return key


def scopes_of(tx: Connection, hashed: str) -> frozenset[str] | None:
    """What the API key with this digest may do; None if there is no such key."""
    found = tx.execute(select(api_key.c.scopes).where(api_key.c.digest == hashed)).scalar()
    return None if found is None else frozenset(found)


def api_keys(tx: Connection) -> list[ApiKey]:
    """All API keys, by name."""
    rows = tx.execute(select(api_key).order_by(api_key.c.name))
    return [ApiKey(row.name, frozenset(row.scopes), row.created) for row in rows]


def delete_api_key(tx: Connection, name: str) -> None:
    """Forget an API key; raises `NotFound`."""
    if not tx.execute(delete(api_key).where(api_key.c.name == name)).rowcount:
        raise NotFound(what="API key", name=name)
