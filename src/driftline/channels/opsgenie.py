"""Opsgenie, and what takes its alerts (Jira Service Management)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline.channels.channel import PUBLIC, Secrets
from driftline.channels.members import SECONDS, Given, Member
from driftline.channels.message import Message, cut, event, plain, rank
from driftline.channels.posting import Post
from driftline.hosts import Reach

_PRIORITIES = {"critical": "P1", "error": "P2", "warning": "P3", "info": "P5"}
_LONGEST_MESSAGE, _LONGEST_DESCRIPTION = 130, 15000


@dataclass(frozen=True, slots=True)
class Opsgenie:
    """A team of Opsgenie: an alert opens when ours fires, and is closed with it.

    All messages of one model and cause have one alias, by which Opsgenie drops what is told twice. A test opens an
    alert of priority P5 and closes it at once.
    """

    title: str = "Opsgenie"
    members: tuple[Member, ...] = (
        Member("api_key", "The key of an API integration.", "secret", required=True),
        Member("url", "The API; https://api.eu.opsgenie.com in Europe.", "url", default="https://api.opsgenie.com"),
        SECONDS,
    )

    def send(self, message: Message, config: Mapping[str, Any], secrets: Secrets, *, reach: Reach = PUBLIC) -> None:
        """Create or close the alert; raises as `Channel.send`."""
        given = Given(self.members, config, secrets)
        post = Post(self.title, given, reach)
        alerts = f"{given['url'].rstrip('/')}/v2/alerts"
        headers = {"Authorization": f"GenieKey {given['api_key']}"}
        alias = f"driftline-{message.incident}"
        if not message.is_over:
            post.send(alerts, json.dumps({**_alert(message), "alias": alias}).encode(), headers)
        if message.state in ("resolved", "test"):
            note = json.dumps({"source": "Driftline", "note": cut(message.title, 1000)}).encode()
            post.send(f"{alerts}/{alias}/close?identifierType=alias", note, headers)


def _alert(message: Message) -> dict[str, Any]:
    found = event(message)
    details = {name: str(found[name]) for name in ("key", "model", "cause", "state", "link", "violationReport")}
    return {
        "message": cut(message.title, _LONGEST_MESSAGE),
        "description": cut(plain(message), _LONGEST_DESCRIPTION),
        "priority": "P5" if message.state == "test" else _PRIORITIES[rank(message.severity)],
        "source": "Driftline",
        "entity": message.model[:512],
        "details": details,
    }
