"""Secrets by reference: the name of a variable or of a file, read at the moment when a connection is made."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from driftline.errors import Invalid
from driftline.storage.access import Access

FORM = "env:NAME or file:/an/absolute/path"


@dataclass(frozen=True, slots=True)
class Keys:
    """What a store is signed to with; never shown."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def keys_of(access: Access) -> Keys | None:
    """The keys that an access refers to; None if it refers to none. Raises `Invalid` for one that cannot be read."""
    if access.access_key is None and access.secret_key is None:
        return None
    if access.access_key is None or access.secret_key is None:
        missing = "access_key" if access.access_key is None else "secret_key"
        raise Invalid(what=missing, got="nothing", expected=FORM, remedy="An access key and its secret go together.")
    token = None if access.session_token is None else read(access.session_token, "session_token")
    return Keys(read(access.access_key, "access_key"), read(access.secret_key, "secret_key"), token)


def read(reference: str, what: str) -> str:
    """The secret that a reference means; errors name the reference, never the value.

    >>> import os; os.environ["DOCTEST_SECRET"] = "s3cret"; read("env:DOCTEST_SECRET", "secret_key")
    's3cret'
    """
    kind, name = refuse(reference, what)
    if kind == "env":
        found = os.environ.get(name, "")
        if not found:
            remedy = f"Set {name} where the server and its workers run."
            raise Invalid(what=what, got=reference, expected="a variable that is set", remedy=remedy)
        return _line(found, reference, what)
    try:
        return _line(Path(name).read_text(encoding="utf-8"), reference, what)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        expected = "a file that can be read where the server and its workers run"
        raise Invalid(what=what, got=reference, expected=expected, remedy=f"{reason}.") from error


def _line(found: str, reference: str, what: str) -> str:
    """The secret without what surrounds it; libraries would repeat one that no header can hold in their errors."""
    text = found.strip()
    if not text or not text.isprintable() or not text.isascii() or " " in text:
        expected = "one line of letters, digits and signs"
        raise Invalid(what=what, got=reference, expected=expected, remedy="Put each secret into one of its own.")
    return text


def refuse(reference: str, what: str) -> tuple[str, str]:
    """The two parts of a reference; raises `Invalid` for a secret itself, without repeating it.

    >>> refuse("file:/run/secrets/key", "secret_key")
    ('file', '/run/secrets/key')
    """
    kind, colon, name = reference.partition(":")
    if not colon or kind not in ("env", "file") or not name or (kind == "file" and not name.startswith("/")):
        remedy = "Secrets are not kept here: put it into a variable or a file of the server, and name that."
        raise Invalid(what=what, got="something else", expected=FORM, remedy=remedy)
    return kind, name
