"""What a person may do: the roles that the settings give to the groups and the e-mail address of a verified token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driftline.catalog.keys import ROLES, checked
from driftline.catalog.sessions import Person
from driftline.errors import Denied, Invalid

Given = Mapping[str, Mapping[str, str]]
"""Group or e-mail address -> space (`*`: all) -> role."""


def refuse_unknown(given: Given) -> None:
    """Raise `Invalid` for a role or a space that is none."""
    for name, spaces in given.items():
        for space, role in spaces.items():
            checked([space])
            if role not in ROLES:
                what = f"DRIFTLINE_OIDC_ROLES of {name!r} in {space!r}"
                raise Invalid(what=what, got=role, expected=", ".join(ROLES))


def person_of(claims: Mapping[str, Any], groups_claim: str, given: Given) -> Person:
    """Whom a token is about, and what the settings let that person do; raises `Denied` for somebody without any role.

    An e-mail address counts where the provider says that it verified it: anybody may claim another's.

    >>> claims = {"sub": "1", "email": "Ada@example.org", "email_verified": True, "groups": ["risk"]}
    >>> ada = person_of(claims, "groups", {"risk": {"risk": "viewer"}, "ada@example.org": {"risk": "editor"}})
    >>> ada.name, sorted(ada.roles["risk"])
    ('ada@example.org', ['read', 'write'])
    """
    email = str(claims.get("email") or "").lower() if claims.get("email_verified") is True else ""
    person = email if email and len(email) <= 200 and email.isprintable() else str(claims["sub"])[:200]
    found: dict[str, frozenset[str]] = {}
    known = {name.lower() if "@" in name else name: spaces for name, spaces in given.items()}
    for name in {*_groups(claims, groups_claim), *([email] if email else [])}:
        for space, role in known.get(name, {}).items():
            found[space] = found.get(space, frozenset()) | frozenset(ROLES[role])
    if not found:
        remedy = "Ask its administrator to give a role to one of your groups, or to your verified e-mail address."
        raise Denied(action="signing in", resource=f"Driftline as {person}, who has no role here", remedy=remedy)
    return Person(person, found)


def _groups(claims: Mapping[str, Any], claim: str) -> list[str]:
    """The names in the claim, which may be one within another: `realm_access.roles`; a list, or one name.

    >>> _groups({"realm_access": {"roles": ["risk", 7]}}, "realm_access.roles"), _groups({}, "groups")
    (['risk'], [])
    """
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    listed = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    # a group must not pass for an address: those count by their own claim alone
    return [each for each in listed if isinstance(each, str) and "@" not in each]
