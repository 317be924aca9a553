"""Who may call: access keys, whose secrets sign AWS calls, and API keys, of which only digests are kept."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from driftline.catalog.tables import access_key, api_key
from driftline.errors import Conflict, Invalid, NotFound

SCOPES = ("read", "write", "admin")
ROLES: Mapping[str, tuple[str, ...]] = {"viewer": ("read",), "editor": ("read", "write"), "admin": SCOPES}
"""What people are called by what they may do."""
EVERYWHERE = "*"
"""In the place of the name of a space: all of them, those to come too."""
PREFIX = "dl_"
NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._@:+-]{0,63}$"
"""What API keys may be called."""
SPACE = r"[A-Za-z0-9_](?:[A-Za-z0-9_ .:@+()-]{0,126}[A-Za-z0-9_.:@+()-])?"
"""What spaces may be called, as models are."""


@dataclass(frozen=True)
class AccessKey:
    """A key id and the secret that signatures are checked with; a note says whose it is."""

    id: str
    secret: str = field(repr=False)
    note: str = ""
    created: datetime | None = None
    scopes: frozenset[str] = frozenset(SCOPES)
    spaces: frozenset[str] = frozenset({EVERYWHERE})


@dataclass(frozen=True)
class ApiKey:
    """A named key, what it may do, and in which spaces; the key itself is not known."""

    name: str
    scopes: frozenset[str]
    created: datetime
    spaces: frozenset[str] = frozenset({EVERYWHERE})


def put_access_key(tx: Connection, key: AccessKey, *, note: str, now: datetime) -> None:
    """Keep a key, or give it another secret; raises `Invalid` for a name that no space has."""
    tx.execute(delete(access_key).where(access_key.c.id == key.id))
    may = {"scopes": sorted(key.scopes), "spaces": checked(key.spaces)}
    tx.execute(insert(access_key).values(id=key.id, secret=key.secret, note=note, created=now, **may))


def new_access_key(scopes: Iterable[str] = SCOPES, spaces: Iterable[str] = (EVERYWHERE,)) -> AccessKey:
    """A key that nobody has."""
    made = ("DL" + secrets.token_hex(9).upper(), secrets.token_urlsafe(30))
    return AccessKey(*made, scopes=frozenset(scopes), spaces=frozenset(spaces))


def find_access_key(tx: Connection, key: str) -> AccessKey | None:
    """The access key of this id, if there is one."""
    row = tx.execute(select(access_key).where(access_key.c.id == key)).first()
    return None if row is None else _access_key(row)


def access_keys(tx: Connection) -> list[AccessKey]:
    """All access keys, oldest first."""
    rows = tx.execute(select(access_key).order_by(access_key.c.created, access_key.c.id))
    return [_access_key(row) for row in rows]


def delete_access_key(tx: Connection, key: str) -> None:
    """Forget an access key; raises `NotFound`."""
    if not tx.execute(delete(access_key).where(access_key.c.id == key)).rowcount:
        raise NotFound(what="access key", name=key)


def digest(key: str) -> str:
    """What is kept of an API key."""
    return hashlib.sha256(key.encode()).hexdigest()


def create_api_key(
    tx: Connection, name: str, scopes: Iterable[str], spaces: Iterable[str] = (EVERYWHERE,), *, now: datetime
) -> str:
    """A new API key, shown this once; raises `Invalid` for a name that is none, `Conflict` if it is taken."""
    if not re.fullmatch(NAME, name) or name.endswith("\n"):
        expected = "1 to 64 letters, digits, blanks and any of . _ @ : + -, a letter or digit first"
        raise Invalid(what="name of the API key", got=name, expected=expected)
    if tx.execute(select(api_key.c.name).where(api_key.c.name == name)).first():
        raise Conflict(what="API key", name=name, reason="it exists already", remedy="Delete it first.")
    key = PREFIX + secrets.token_urlsafe(32)
    may = {"scopes": sorted(scopes), "spaces": checked(spaces)}
    tx.execute(insert(api_key).values(digest=digest(key), name=name, created=now, **may))
    return key


def checked(spaces: Iterable[str]) -> list[str]:
    """Names of spaces as they are kept, `*` for all; raises `Invalid` for none, and for a name that no space has.

    >>> checked(["risk", "fraud", "risk"]), checked(["*", "risk"])
    (['fraud', 'risk'], ['*'])
    """
    found = sorted(set(spaces))
    wrong = [each for each in found if each != EVERYWHERE and not re.fullmatch(SPACE, each)]
    if wrong or not found:
        expected = "names of spaces: 1 to 128 letters, digits and _ . : @ + ( ) - or blanks; or * for all"
        raise Invalid(what="space", got=(wrong or [""])[0][:200], expected=expected)
    return [EVERYWHERE] if EVERYWHERE in found else found


def find_api_key(tx: Connection, hashed: str) -> ApiKey | None:
    """The API key with this digest, if there is one."""
    row = tx.execute(select(api_key).where(api_key.c.digest == hashed)).first()
    return None if row is None else api_key_of(row)


def get_api_key(tx: Connection, name: str) -> ApiKey:
    """The API key of this name; raises `NotFound`."""
    row = tx.execute(select(api_key).where(api_key.c.name == name)).first()
    if row is None:
        raise NotFound(what="API key", name=name)
    return api_key_of(row)


def api_keys(tx: Connection) -> list[ApiKey]:
    """All API keys, by name."""
    rows = tx.execute(select(api_key).order_by(api_key.c.name))
    return [api_key_of(row) for row in rows]


def delete_api_key(tx: Connection, name: str) -> None:
    """Forget an API key; raises `NotFound`."""
    if not tx.execute(delete(api_key).where(api_key.c.name == name)).rowcount:
        raise NotFound(what="API key", name=name)


def api_key_of(row: Any) -> ApiKey:
    """The key of a row of the table."""
    return ApiKey(row.name, frozenset(row.scopes), row.created, frozenset(row.spaces))


def _access_key(row: Any) -> AccessKey:
    return AccessKey(row.id, row.secret, row.note, row.created, frozenset(row.scopes), frozenset(row.spaces))
