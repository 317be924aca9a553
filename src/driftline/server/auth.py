"""Who calls: a principal, known by the signature of an access key or by an API key, and what it may do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from driftline.catalog import keys, sessions
from driftline.catalog.database import Catalog
from driftline.errors import Denied
from driftline.server.aws import signature
from driftline.server.errors import AwsError
from driftline.server.messages import Received

SCOPES = {
    "read": "see schedules, executions, jobs, endpoints and metrics",
    "write": "create, change, run and delete them",
    "admin": "make and delete keys, see the values of environments",
}
"""What an API key can be allowed; a signature of an access key is allowed all."""
REMEMBERED_SECONDS = 2.0
"""A key that was deleted is refused after this at the latest."""


@dataclass(frozen=True)
class Principal:
    """Who calls, by the name that logs may show, and what is allowed."""

    name: str
    scopes: frozenset[str]

    def require(self, scope: str) -> None:
        """Raises `Denied` unless the scope is allowed."""
        if scope not in self.scopes:
            remedy = f"Use a key with the scope {scope!r} ({SCOPES.get(scope, 'unknown')})."
            raise Denied(action=scope, resource=f"the API, as {self.name}", remedy=remedy)


class Keys(Protocol):
    """Where keys are looked up."""

    def secret_of(self, access_key: str) -> str | None:
        """The secret of an access key, if there is one."""
        ...

    def scopes_of(self, digest: str) -> frozenset[str] | None:
        """What the API key with this SHA-256 may do, if there is one."""
        ...


@dataclass(frozen=True)
class CatalogKeys:
    """The keys in the catalog. Secrets found are remembered for two seconds: each call of a model asks for one."""

    catalog: Catalog
    seconds: Callable[[], float]
    """A clock that never goes back."""
    _found: dict[str, tuple[float, str]] = field(default_factory=dict, repr=False)

    def secret_of(self, access_key: str) -> str | None:
        """The secret of an access key, if there is one."""
        if not (access_key.isascii() and access_key.isprintable()):
            return None  # no key of ours, and nothing that every database can compare
        until, secret = self._found.get(access_key, (0.0, ""))
        if self.seconds() < until:
            return secret
        with self.catalog.read() as tx:
            looked_up = keys.secret_of(tx, access_key)
        if looked_up is None:
            self._found.pop(access_key, None)
        else:
            self._found[access_key] = (self.seconds() + REMEMBERED_SECONDS, looked_up)
        return looked_up

    def scopes_of(self, digest: str) -> frozenset[str] | None:
        """What the API key with this SHA-256 may do, or that which a session of the console stands for, if any."""
        with self.catalog.read() as tx:
            found = keys.scopes_of(tx, digest)
        if found is not None:
            return found
        now = self.catalog.clock()
        with self.catalog.read() as tx:
            signed_in = sessions.find(tx, digest, now=now)
        return None if signed_in is None else signed_in.scopes


def claimed(received: Received) -> str | None:
    """Who the caller says it is: an access key, or the digest of an API key; None if it says nothing to look up."""
    kind, _, key = received.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return digest_of(key)
    try:
        return signature.claim(received).access_key
    except AwsError:
        return None


def digest_of(key: str) -> str:
    """The SHA-256 by which an API key is known."""
    return hashlib.sha256(key.strip().encode()).hexdigest()


def signer(received: Received, known: Keys, *, scope: str, now: datetime) -> Principal:
    """Who signed an AWS call; raises `AwsError` with AWS's codes."""
    access_key = signature.verify(received, known.secret_of, scope=scope, now=now)
    return Principal(access_key, frozenset(SCOPES))


def caller(received: Received, known: Keys, *, now: datetime) -> Principal:
    """Who calls the REST API, by `Authorization: Bearer dl_…` or an AWS signature; raises `AwsError` (401).

    The key is looked up by its digest, so no comparison of secrets takes a time that tells something.
    """
    kind, _, key = received.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        hashed = digest_of(key)
        scopes = known.scopes_of(hashed)
        if scopes is None:
            raise AwsError("unauthenticated", "The API key is not known. `driftline keys list` shows which exist.", 401)
        return Principal(f"key:{hashed[:8]}", scopes)
    if not kind and "X-Amz-Signature" not in received.query:
        said = "Send `Authorization: Bearer KEY` with an API key; `driftline keys create NAME` makes one."
        raise AwsError("unauthenticated", said, 401)
    try:
        return signer(received, known, scope="sagemaker", now=now)
    except AwsError as error:
        raise AwsError("unauthenticated", error.told.message, 401) from error
