"""Named credentials as values: roles, endpoints and references to secrets, which definitions of jobs name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import credentials
from driftline.errors import Invalid, NotFound
from driftline.storage.access import Access
from driftline.storage.secrets import refuse

AUDIENCE = "sts.amazonaws.com"
"""Whom tokens of a web identity are made for, unless told otherwise."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_REFERENCES = ("access_key", "secret_key", "session_token")
_NOT_NAMED = ("standard_input", "kms_key")
"""What an access has and credentials do not: they are of one run."""


@dataclass(frozen=True)
class Credential:
    """How a source is reached, under a name; `access` holds references to secrets only.

    `audience` is whom the tokens of a web identity are made for: the role's trust policy asks for it. Only jobs of the
    `space` may name them; None: those of all spaces.
    """

    name: str
    access: Access = field(default_factory=Access)
    audience: str = AUDIENCE
    created: datetime | None = None
    space: str | None = None

    def __post_init__(self) -> None:
        """Raises `Invalid` for a name or role that is none, for a secret itself, and for halves of pairs."""
        if not _NAME.fullmatch(self.name):
            expected = "1 to 64 letters, digits, dots, hyphens and underscores, a letter or digit first"
            raise Invalid(what="name of credentials", got=self.name, expected=expected)
        for name in _REFERENCES:
            reference = getattr(self.access, name)
            if reference is not None:
                refuse(reference, name)
        role = self.access.role_arn
        if role is not None and not _ROLE.fullmatch(role):
            raise Invalid(what="role_arn", got=role, expected="arn:aws:iam::123456789012:role/NAME")
        if role is None and (self.access.web_identity_token_file or self.access.external_id):
            remedy = "An external id and a web identity are for assuming a role."
            raise Invalid(what="role_arn", got="nothing", expected="the ARN of a role", remedy=remedy)
        if bool(self.access.access_key) != bool(self.access.secret_key) and not self.access.account:
            remedy = "An access key and its secret go together."
            raise Invalid(what="access_key and secret_key", got="one of them", expected="both", remedy=remedy)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it, with its references: nothing of it is secret.

        >>> Credential("lab", Access(secret_key="env:LAB_SECRET", access_key="env:LAB_KEY")).to_dict()
        {'access_key': 'env:LAB_KEY', 'secret_key': 'env:LAB_SECRET'}
        """
        told = {name: value for name, value in asdict(self.access).items() if value and name not in _NOT_NAMED}
        return told if self.audience == AUDIENCE else {**told, "audience": self.audience}

    @classmethod
    def of(
        cls, name: str, document: Mapping[str, Any], created: datetime | None = None, space: str | None = None
    ) -> Credential:
        """The credentials that a document says; raises `Invalid` naming the members there are."""
        known = [each.name for each in fields(Access) if each.name not in _NOT_NAMED]
        unknown = sorted(document.keys() - {*known, "audience"})
        if unknown:
            expected = ", ".join([*known, "audience"])
            raise Invalid(what=f"member of credentials {name}", got=unknown[0], expected=expected)
        given = {each: document[each] for each in known if document.get(each) is not None}
        return cls(name, Access(**given), document.get("audience") or AUDIENCE, created, space)


def put(tx: Connection, given: Credential, *, now: datetime) -> Credential:
    """Keep credentials, in the place of those of the same name."""
    credentials.put(tx, given.name, given.to_dict(), given.space, now=now)
    return replace(given, created=now)


def get(tx: Connection, name: str) -> Credential:
    """The credentials of that name; raises `NotFound`."""
    row = credentials.find(tx, name)
    if row is None:
        known = ", ".join(each.name for each in credentials.every(tx)[:20]) or "none"
        remedy = f"Make them first; there are: {known}."
        raise NotFound(what="credentials", name=name, remedy=remedy)
    return Credential.of(row.name, row.body, row.created, row.space)


def every(tx: Connection) -> list[Credential]:
    """All credentials by name."""
    return [Credential.of(row.name, row.body, row.created, row.space) for row in credentials.every(tx)]


def delete(tx: Connection, name: str) -> None:
    """Forget credentials: jobs that name them fail from now on. Raises `NotFound`."""
    if not credentials.remove(tx, name):
        raise NotFound(what="credentials", name=name)


def access_of(tx: Connection, name: str | None, default: Access, space: str | None = None) -> Access:
    """How a place with these credentials is reached: `default` without any.

    Raises `NotFound`, also for credentials of another space than that of who names them, if that is said.
    """
    if name is None:
        return default
    found = get(tx, name)
    if space is not None and found.space not in (None, space):
        raise NotFound(what="credentials", name=name, remedy=f"They are not for the space {space!r}.")
    given = found.access
    told = {each.name: getattr(given, each.name) for each in fields(Access) if getattr(given, each.name)}
    return replace(default, **told)
