"""The members of a channel's configuration: what they mean, and whether a given one holds what it may."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from driftline.errors import Invalid

Kind = Literal["text", "texts", "number", "url", "secret"]

_REFERENCE = re.compile(r"env:\w+|file:/.+")
_FORM = "env:NAME or file:/an/absolute/path"
_EXPECTED = {
    "text": "text",
    "texts": "a list of texts, at least one",
    "number": "a number from 1 to 65535",
    "url": f"http://... or https://..., or a reference to one: {_FORM}",
    "secret": _FORM,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One member; `choices` are all that it may be, if it has any."""

    name: str
    meaning: str
    kind: Kind = "text"
    required: bool = False
    default: str | int = ""
    choices: tuple[str, ...] = ()

    def check(self, value: object) -> None:
        """Raise `Invalid`, which names the member; what may be a secret is not repeated."""
        if self.choices and value not in self.choices:
            raise Invalid(what=self.name, got=value, expected=f"one of {', '.join(self.choices)}")
        if not _is_right(self.kind, value):
            hidden = self.kind in ("secret", "url") and value != ""
            remedy = "Put it into a variable or a file of the server, and name that." if self.kind == "secret" else ""
            got = "something else" if hidden else value
            raise Invalid(what=self.name, got=got, expected=_EXPECTED[self.kind], remedy=remedy)


SECONDS = Member("seconds", "How long a delivery may take before it counts as failed.", "number", default=10)


def _is_right(kind: Kind, value: object) -> bool:
    if kind == "number":
        return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65535
    if kind == "texts":
        return isinstance(value, list | tuple) and bool(value) and all(_is_right("text", each) for each in value)
    if not isinstance(value, str) or not value or not value.isprintable():
        return False
    if kind == "text":
        return True
    return bool(_REFERENCE.fullmatch(value)) or (kind == "url" and value.startswith(("http://", "https://")))


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
            raise Invalid(what=member.name, got="nothing", expected=_EXPECTED[member.kind], remedy=member.meaning)


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
                self._values[member.name] = secrets(value)
                self._hidden.append(self._values[member.name])

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
