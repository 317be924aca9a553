"""PagerDuty by its events, version 2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline.channels.channel import PUBLIC, Secrets
from driftline.channels.members import SECONDS, Given, Member
from driftline.channels.message import Message, cut, event, rank
from driftline.channels.posting import Post
from driftline.hosts import Reach

_LONGEST_SUMMARY = 1024


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """A service of PagerDuty: an incident opens when an alert fires, and is resolved with it.

    All messages of one model and cause have one `dedup_key`, so that what is told twice opens nothing twice. A test
    opens an incident of severity info and resolves it at once.
    """

    title: str = "PagerDuty"
    members: tuple[Member, ...] = (
        Member("routing_key", "The integration key of the service (Events API v2).", "secret", required=True),
        Member("url", "Where events are sent to.", "url", default="https://events.pagerduty.com/v2/enqueue"),
        SECONDS,
    )

    def send(self, message: Message, config: Mapping[str, Any], secrets: Secrets, *, reach: Reach = PUBLIC) -> None:
        """Trigger or resolve; raises as `Channel.send`."""
        given = Given(self.members, config, secrets)
        actions = {"resolved": ("resolve",), "test": ("trigger", "resolve")}.get(message.state, ("trigger",))
        for action in actions:
            body = {"routing_key": given["routing_key"], **_event(message, action)}
            Post(self.title, given, reach).send(given["url"], json.dumps(body).encode(), {})


def _event(message: Message, action: str) -> dict[str, Any]:
    found: dict[str, Any] = {"event_action": action, "dedup_key": f"driftline-{message.incident}"}
    if action == "trigger":
        found["payload"] = {
            "summary": cut(message.title, _LONGEST_SUMMARY),
            "severity": "info" if message.state == "test" else rank(message.severity),
            "source": message.model or "driftline",
            "class": message.cause,
            "timestamp": message.at.isoformat(),
            "custom_details": event(message),
        }
        found["client"] = "Driftline"
        if message.link:
            found |= {"client_url": message.link, "links": [{"href": message.link, "text": "Open in Driftline"}]}
    return found
