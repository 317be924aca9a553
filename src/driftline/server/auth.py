"""Who calls: a principal, known by the signature of an access key or by an API key, and what it may do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from driftline.catalog import keys, sessions
from driftline.catalog.confines import Confines
from driftline.catalog.database import Catalog
from driftline.catalog.keys import EVERYWHERE, AccessKey, ApiKey
from driftline.catalog.sessions import Person
from driftline.errors import Denied
from driftline.server.aws import signature
from driftline.server.errors import AwsError
from driftline.server.messages import Received

SCOPES = {
    "read": "see schedules, executions, jobs, endpoints and metrics",
    "write": "create, change, run and delete them",
    "admin": "make and delete keys, see the values of environments",
}
"""What a key or a person can be allowed, in all spaces or in some."""
REMEMBERED_SECONDS = 2.0
"""A key that was deleted is refused after this at the latest."""


Roles = Mapping[str, frozenset[str]]
"""Scopes by space; `*` is all spaces."""


@dataclass(frozen=True)
class Principal:
    """Who calls, by the name that logs may show: `scopes` are allowed in all spaces, `spaces` has more by space."""

    name: str
    scopes: frozenset[str]
    spaces: Roles = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, roles: Roles) -> Principal:
        """Somebody with these roles."""
        more = {space: scopes for space, scopes in roles.items() if space != EVERYWHERE}
        return cls(name, roles.get(EVERYWHERE, frozenset()), more)

    @property
    def roles(self) -> Roles:
        """Scopes by space, `*` for all."""
        return {**({EVERYWHERE: self.scopes} if self.scopes else {}), **self.spaces}

    def may(self, scope: str, space: str | None = None) -> bool:
        """Whether the scope is allowed in a space, `*` for all; in any one without a space.

        >>> Principal("key:ada", frozenset({"read"}), {"risk": frozenset({"write"})}).may("write", "fraud")
        False
        """
        if scope in self.scopes:
            return True
        found = self.spaces.values() if space is None else [self.spaces.get(space, frozenset())]
        return any(scope in each for each in found)

    def require(self, scope: str, space: str | None = None) -> None:
        """Raises `Denied` unless the scope is allowed: in a space, `*` for all; in any one without a space."""
        if not self.may(scope, space):
            where = {None: "", EVERYWHERE: " in all spaces"}.get(space, f" in the space {space!r}")
            remedy = f"Use a key with the scope {scope!r}{where} ({SCOPES.get(scope, 'unknown')})."
            raise Denied(action=scope, resource=f"the API, as {self.name}", remedy=remedy)

    def confines(self, scope: str) -> Confines:
        """What is seen and changed by a call that asks for this scope: spaces in which that is allowed are changed.

        To read is to see where reading is allowed; to change is to know of all spaces in which anything is.
        """
        seen = {space for space, scopes in self.spaces.items() if scopes and (scope != "read" or "read" in scopes)}
        sees_all = "read" in self.scopes if scope == "read" else bool(self.scopes)
        changed = {space for space, scopes in self.spaces.items() if scope in scopes}
        return Confines(None if sees_all else frozenset(seen), None if scope in self.scopes else frozenset(changed))


class Keys(Protocol):
    """Where keys are looked up."""

    def secret_of(self, access_key: str) -> str | None:
        """The secret of an access key, if there is one."""
        ...

    def signer_of(self, access_key: str) -> Principal:
        """Who signs with an access key that is known."""
        ...

    def bearer_of(self, digest: str) -> Principal | None:
        """Who has the API key or the session with this SHA-256, if anybody has."""
        ...


@dataclass(frozen=True)
class CatalogKeys:
    """The keys in the catalog. Secrets found are remembered for two seconds: each call of a model asks for one."""

    catalog: Catalog
    seconds: Callable[[], float]
    """A clock that never goes back."""
    _found: dict[str, tuple[float, AccessKey]] = field(default_factory=dict, repr=False)

    def secret_of(self, access_key: str) -> str | None:
        """The secret of an access key, if there is one."""
        found = self._find(access_key)
        return None if found is None else found.secret

    def signer_of(self, access_key: str) -> Principal:
        """Who signs with an access key; nobody who may anything, if the key went away meanwhile."""
        found = self._find(access_key)
        return Principal.of(access_key, {} if found is None else dict.fromkeys(found.spaces, found.scopes))

    def bearer_of(self, digest: str) -> Principal | None:
        """Who has the API key with this SHA-256, or is signed in to the console by it."""
        with self.catalog.read() as tx:
            found: ApiKey | Person | None = keys.find_api_key(tx, digest)
        if found is None:
            now = self.catalog.clock()
            with self.catalog.read() as tx:
                found = sessions.find(tx, digest, now=now)
        if isinstance(found, Person):
            return Principal.of(f"person:{found.name}", found.roles)
        return None if found is None else Principal.of(f"key:{found.name}", dict.fromkeys(found.spaces, found.scopes))

    def _find(self, access_key: str) -> AccessKey | None:
        if not (access_key.isascii() and access_key.isprintable()):
            return None  # no key of ours, and nothing that every database can compare
        known = self._found.get(access_key)
        if known is not None and self.seconds() < known[0]:
            return known[1]
        with self.catalog.read() as tx:
            found = keys.find_access_key(tx, access_key)
        if found is None:
            self._found.pop(access_key, None)
        else:
            self._found[access_key] = (self.seconds() + REMEMBERED_SECONDS, found)
        return found


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
    return known.signer_of(access_key)


def caller(received: Received, known: Keys, *, now: datetime) -> Principal:
    """Who calls the REST API, by `Authorization: Bearer dl_…` or an AWS signature; raises `AwsError` (401).

    The key is looked up by its digest, so no comparison of secrets takes a time that tells something.
    """
    kind, _, key = received.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        found = known.bearer_of(digest_of(key))
        if found is None:
            raise AwsError("unauthenticated", "The API key is not known. `driftline keys list` shows which exist.", 401)
        return found
    if not kind and "X-Amz-Signature" not in received.query:
        said = "Send `Authorization: Bearer KEY` with an API key; `driftline keys create NAME` makes one."
        raise AwsError("unauthenticated", said, 401)
    try:
        return signer(received, known, scope="sagemaker", now=now)
    except AwsError as error:
        raise AwsError("unauthenticated", error.told.message, 401) from error
