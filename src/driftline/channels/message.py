"""What a channel sends: one flip, or several of one cause told together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

State = Literal["firing", "resolved", "escalated", "digest", "test"]

SEVERITIES = ("info", "warning", "error", "critical")
"""From the mildest to the worst; a message of any other is sent as a warning."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is told, in plain text, the worst of `lines` first; `at` is when the state flipped.

    `key` is of this telling: who gets it twice may drop the second. `model` and `cause` stay the same from firing to
    resolved. `link` leads to the page, `monitor`, `endpoint` and `report` name what was watched and the file of its
    violations; all of these may be empty.
    """

    key: str
    state: State
    severity: str
    title: str
    text: str
    model: str
    cause: str
    link: str
    at: datetime
    lines: tuple[str, ...] = ()
    monitor: str = ""
    endpoint: str = ""
    report: str = ""

    @property
    def incident(self) -> str:
        """What keeps the alert's tellings together at a receiver: 32 hexadecimal digits of model and cause."""
        return hashlib.sha256(f"{self.model}\0{self.cause}".encode()).hexdigest()[:32]

    @property
    def is_over(self) -> bool:
        """Whether the message closes what an earlier one opened."""
        return self.state == "resolved"


def rank(severity: str) -> str:
    """The severity, or `warning` for one that is not in `SEVERITIES`.

    >>> rank("critical"), rank("Sev1")
    ('critical', 'warning')
    """
    return severity if severity in SEVERITIES else "warning"


def cut(text: str, longest: int, more: str = "…") -> str:
    """The text, or so much of it that it has `longest` characters with `more` at its end.

    >>> cut("age drifts", 5), cut("age", 5)
    ('age …', 'age')
    """
    return text if len(text) <= longest else text[: longest - len(more)] + more


def headline(message: Message) -> str:
    """One line: severity or state, and the title; the title alone if no severity is given.

    >>> headline(Message("k", "firing", "critical", "age drifts", "", "churn", "age", "", datetime(2026, 1, 1)))
    '[CRITICAL] age drifts'
    """
    if not message.severity:
        return " ".join(message.title.split())
    word = rank(message.severity) if message.state == "firing" else message.state
    return " ".join(f"[{word.upper()}] {message.title}".split())


def plain(message: Message) -> str:
    """The whole message as text: what is said, the lines, since when, the link."""
    when = f"{message.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    about = f"Model {message.model}, {when}" if message.model else when
    lines = "\n".join(f"- {line}" for line in message.lines)
    return "\n\n".join(part for part in (message.text, lines, about, message.link) if part)


def event(message: Message) -> dict[str, Any]:
    """The message as JSON: the keys that SageMaker users' Lambda functions read, and more.

    >>> found = event(Message("k", "test", "info", "t", "", "churn", "", "", datetime(2026, 1, 1, tzinfo=UTC)))
    >>> found["endpointName"], found["timestamp"]
    ('churn', '2026-01-01T00:00:00Z')
    """
    return {
        "monitoringScheduleName": message.monitor,
        "endpointName": message.endpoint or message.model,
        "violationReport": message.report,
        "timestamp": message.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "key": message.key,
        "incident": message.incident,
        "state": message.state,
        "severity": message.severity,
        "title": message.title,
        "text": message.text,
        "model": message.model,
        "cause": message.cause,
        "link": message.link,
        "lines": list(message.lines),
    }
