"""Who is signed in to the console: tokens that stand for an API key or a person for a while, kept as digests."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from driftline.catalog.keys import ApiKey, api_key_of, digest
from driftline.catalog.tables import api_key, session

LASTING = timedelta(hours=12)
"""So long a session with a key lasts, whether it is used or not."""
PREFIX = "dls_"


@dataclass(frozen=True)
class Person:
    """Somebody whom a provider of identities signed in: by e-mail or name there, with scopes by space."""

    name: str
    roles: Mapping[str, frozenset[str]]


def create(tx: Connection, key: str, *, now: datetime) -> str:
    """The token of a new session for the API key with this digest; sessions that are over are forgotten."""
    return _create(tx, now, now + LASTING, key=key)


def create_for(tx: Connection, person: Person, *, now: datetime, lasting: timedelta) -> str:
    """The token of a new session for a person, who has these roles until it ends."""
    roles = {space: sorted(scopes) for space, scopes in person.roles.items()}
    return _create(tx, now, now + lasting, person=person.name, roles=roles)


def find(tx: Connection, hashed: str, *, now: datetime) -> ApiKey | Person | None:
    """Whom the session with this digest stands for; None if it is over, or the key is gone."""
    live = select(session).where(session.c.digest == hashed, session.c.until > now)
    row = tx.execute(live).first()
    if row is None:
        return None
    if row.person is not None:
        return Person(row.person, {space: frozenset(scopes) for space, scopes in row.roles.items()})
    key = tx.execute(select(api_key).where(api_key.c.digest == row.key)).first()
    return None if key is None else api_key_of(key)


def end(tx: Connection, hashed: str) -> None:
    """Forget a session."""
    tx.execute(delete(session).where(session.c.digest == hashed))


def _create(tx: Connection, now: datetime, until: datetime, **whose: object) -> str:
    token = PREFIX + secrets.token_urlsafe(32)
    tx.execute(delete(session).where(session.c.until <= now))
    tx.execute(insert(session).values(digest=digest(token), until=until, **whose))
    return token
