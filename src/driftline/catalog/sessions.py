"""Who is signed in to the console: tokens that stand for an API key for a while, of which only digests are kept."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from driftline.catalog.keys import ApiKey, digest
from driftline.catalog.tables import api_key, session

LASTING = timedelta(hours=12)
"""So long a session lasts, whether it is used or not."""
PREFIX = "dls_"


def create(tx: Connection, key: str, *, now: datetime) -> str:
    """The token of a new session for the API key with this digest; sessions that are over are forgotten."""
    token = PREFIX + secrets.token_urlsafe(32)
    tx.execute(delete(session).where(session.c.until <= now))
    tx.execute(insert(session).values(digest=digest(token), key=key, until=now + LASTING))
    return token


def find(tx: Connection, hashed: str, *, now: datetime) -> ApiKey | None:
    """The API key that the session with this digest stands for; None if it is over, or the key is gone."""
    query = select(api_key).join(session, session.c.key == api_key.c.digest)
    row = tx.execute(query.where(session.c.digest == hashed, session.c.until > now)).first()
    return None if row is None else ApiKey(row.name, frozenset(row.scopes), row.created)


def end(tx: Connection, hashed: str) -> None:
    """Forget a session."""
    tx.execute(delete(session).where(session.c.digest == hashed))
