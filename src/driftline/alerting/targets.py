"""Who a schedule's alert tells, as the schedule's tags say it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from driftline.catalog.deliveries import KeptChannel
from driftline.channels.message import SEVERITIES
from driftline.errors import Invalid

PREFIX = "driftline:alert:"
"""Tags of a schedule that begin so are those of its alert."""
DASHBOARD = f"{PREFIX}dashboard"
ALARM = f"{PREFIX}cloudwatch-alarm:"

_LISTS = {"sns": "topics", "lambda": "functions", "cloudwatch-alarm": "alarms"}
_DASHBOARD = {"Enabled": True, "Disabled": False}
_ARNS = {"sns": "arn:aws:sns:us-west-2:123456789012:team", "lambda": "arn:aws:lambda:us-west-2:123456789012:function:f"}
_TAIL = r"[a-z0-9-]+:\d*:"
_FORMS = {
    "sns": re.compile(rf"arn:aws[a-z-]*:sns:{_TAIL}[\w.-]+"),
    "lambda": re.compile(rf"arn:aws[a-z-]*:lambda:{_TAIL}function:[\w-]+(:[\w$-]+)?"),
    "cloudwatch-alarm": re.compile(r".{1,255}"),
}


@dataclass(frozen=True)
class Targets:
    """Topics and functions by their ARN, alarms by name; how bad an alert is; whether lists and the console show it."""

    topics: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    severity: str = "warning"
    shown: bool = True

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Targets:
        """The targets in a schedule's tags, each once; tags that mean nothing are passed over.

        >>> Targets.of({"driftline:alert:lambda:1": "no ARN", "driftline:alert:dashboard": "Disabled"})
        Targets(topics=(), functions=(), alarms=(), severity='warning', shown=False)
        """
        told: dict[str, list[str]] = {name: [] for name in _LISTS.values()}
        severity, shown = cls.severity, cls.shown
        for kind, value in _ordered(tags):
            if _fault(kind, value) is not None:
                continue
            if kind in _LISTS:
                told[_LISTS[kind]].append(value)
            elif kind == "severity":
                severity = value
            else:
                shown = _DASHBOARD[value]
        return cls(
            **{name: tuple(dict.fromkeys(found)) for name, found in told.items()}, severity=severity, shown=shown
        )

    def tags(self) -> dict[str, str]:
        """The tags that say the same.

        >>> Targets(("arn:aws:sns:us-west-2:123:team",), shown=False).tags()
        {'driftline:alert:sns:1': 'arn:aws:sns:us-west-2:123:team', 'driftline:alert:dashboard': 'Disabled'}
        """
        found = {
            f"{PREFIX}{kind}:{number}": value
            for kind, name in _LISTS.items()
            for number, value in enumerate(getattr(self, name), 1)
        }
        found |= {} if self.severity == type(self).severity else {f"{PREFIX}severity": self.severity}
        return found if self.shown else {**found, DASHBOARD: "Disabled"}


def check(tags: Mapping[str, str]) -> None:
    """Raise `Invalid` for a tag of a schedule that begins as those of alerts do and means nothing.

    >>> check({"driftline:alert:sns:1": "ml-team-alerts"})
    Traceback (most recent call last):
        ...
    driftline.errors.Invalid: tag driftline:alert:sns: got 'ml-team-alerts', expected an ARN such as arn:aws:sns:...
    """
    for kind, value in _ordered(tags):
        expected = _fault(kind, value)
        if expected is not None:
            raise Invalid(what=f"tag {PREFIX}{kind}", got=value, expected=expected)


def channel_at(address: str, at: datetime) -> KeptChannel | None:
    """The channel to a topic or a function at AWS that is named by its ARN; None for any other name.

    >>> channel_at("arn:aws:lambda:us-west-2:123:function:f", datetime(2026, 1, 1)).body["config"]
    {'function': 'arn:aws:lambda:us-west-2:123:function:f'}
    """
    for kind, member in (("sns", "topic"), ("lambda", "function")):
        if _FORMS[kind].fullmatch(address):
            return KeptChannel(address, kind, {"config": {member: address}}, at, at)
    return None


def _fault(kind: str, value: str) -> str | None:
    """What a value had to be, if it is not."""
    if kind in _FORMS:
        expected = (
            f"an ARN such as {_ARNS[kind]}" if kind in _ARNS else "the name of an alarm, of at most 255 characters"
        )
        return None if _FORMS[kind].fullmatch(value) else expected
    if kind == "severity":
        return None if value in SEVERITIES else f"one of {', '.join(SEVERITIES)}"
    if kind == "dashboard":
        return None if value in _DASHBOARD else " or ".join(_DASHBOARD)
    known = [f"{PREFIX}{each}:1" for each in _LISTS]
    return f"a tag named {', '.join(known)}, {PREFIX}severity or {PREFIX}dashboard"


def _ordered(tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Kind and value of the tags that are ours, in the order of their numbers."""
    found = []
    for name, value in tags.items():
        if name.startswith(PREFIX):
            kind, _, number = name.removeprefix(PREFIX).partition(":")
            found.append((kind, number.zfill(4), number, value))
    for kind, _, _, value in sorted(found):
        yield kind, value
