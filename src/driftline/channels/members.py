"""The members of a channel's configuration: what they mean, and whether a given one holds what it may."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from driftline.errors import Invalid

Kind = Literal["text", "texts", "number", "url", "secret"]

_REFERENCE = re.compile(r"env:\w+|file:/.+")
_OWN = "env:DRIFTLINE_"  # the server's own settings, among them its secrets, are nobody else's to be told
_FORM = "env:NAME or file:/an/absolute/path"
_EXPECTED = {
    "text": "text",
    "texts": "a list of texts, at least one",
    "url": f"http://... or https://..., or a reference to one: {_FORM}",
    "secret": _FORM,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One member; `choices` are all that it may be, if it has any; `most` is the largest number."""

    name: str
    meaning: str
    kind: Kind = "text"
    required: bool = False
    default: str | int = ""
    choices: tuple[str, ...] = ()
    most: int = 65535

    def check(self, value: object) -> None:
        """Raise `Invalid`, which names the member; what may be a secret is not repeated."""
        if self.choices and value not in self.choices:
            raise Invalid(what=self.name, got=value, expected=self.expected)
        if self.kind in ("secret", "url") and isinstance(value, str) and value.startswith(_OWN):
            remedy = "Give the secret a variable with a name of its own."
            raise Invalid(
                what=self.name, got=value, expected="a variable of the channel's, not of DRIFTLINE_*", remedy=remedy
            )
        if not _is_right(self, value):
            hidden = self.kind in ("secret", "url") and value != ""
            remedy = "Put it into a variable or a file of the server, and name that." if self.kind == "secret" else ""
            got = "something else" if hidden else value
            raise Invalid(what=self.name, got=got, expected=self.expected, remedy=remedy)

    @property
    def expected(self) -> str:
        """What it may hold, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        return f"a whole number from 1 to {self.most}" if self.kind == "number" else _EXPECTED[self.kind]


SECONDS = Member("seconds", "How long a delivery may take before it counts as failed.", "number", default=10, most=60)


def _is_right(member: Member, value: object) -> bool:
    if member.kind == "number":
        return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= member.most
    if member.kind == "texts":
        return isinstance(value, list | tuple) and bool(value) and all(map(_is_text, value))
    if not _is_text(value):
        return False
    if member.kind == "text":
        return True
    return bool(_REFERENCE.fullmatch(value)) or (member.kind == "url" and value.startswith(("http://", "https://")))


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value) and value.isprintable()


def check(members: Sequence[Member], config: Mapping[str, Any]) -> None:
    """Raise `Invalid` for a member that is unknown, missing, or holds what it may not.

    >>> check([Member("url", "Where to.", "url", required=True)], {"url": "ftp://x"})
    Traceback (most recent call last):
        ...
    driftline.errors.Invalid: url: got 'something else', expected http://... or https://..., or a reference ...
    """
    known = {member.name: member for member in members}
    for name, value in config.items():
        if name not in known:
            raise Invalid(what="member of the channel", got=name, expected=f"one of {', '.join(known)}")
        known[name].check(value)
    for member in members:
        if member.required and member.name not in config:
            raise Invalid(what=member.name, got="nothing", expected=member.expected, remedy=member.meaning)


class Given:
    """A checked configuration with its secrets read; never shown."""

    def __init__(self, members: Sequence[Member], config: Mapping[str, Any], secrets: Callable[[str], str]) -> None:
        """Raises `Invalid` as `check` does, and as `secrets` does."""
        check(members, config)
        self._values = {member.name: config.get(member.name, member.default) for member in members}
        self._hidden: list[str] = []
        for member in members:
            value = self._values[member.name]
            if member.kind in ("secret", "url") and isinstance(value, str) and _REFERENCE.fullmatch(value):
                secret = self._values[member.name] = secrets(value)
                path, _, query = secret.partition("://")[2].partition("/")[2].partition("?")
                self._hidden += [part for part in (secret, path, query) if part]  # those of a URL may come alone

    def __getitem__(self, name: str) -> str:
        """A text, a URL or a secret; empty if it was not given."""
        return str(self._values[name])

    def number(self, name: str) -> int:
        """A number."""
        return int(self._values[name])

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(self._values[name])

    def hide(self, text: str) -> str:
        """The text, cut to 300 characters of one line, without any of the secrets."""
        for secret in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(secret, "(hidden)")
        return " ".join(text.split())[:300]
