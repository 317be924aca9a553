"""Microsoft Teams by a workflow that posts what it is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline.channels.channel import PUBLIC, Secrets
from driftline.channels.members import SECONDS, Given, Member
from driftline.channels.message import Message, cut, headline, plain, rank
from driftline.channels.posting import Post
from driftline.hosts import Reach

_COLORS = {"info": "Accent", "warning": "Warning", "error": "Attention", "critical": "Attention"}


@dataclass(frozen=True, slots=True)
class Teams:
    """A channel or chat of Teams by the workflow "Post to a channel when a webhook request is received"."""

    title: str = "Teams"
    members: tuple[Member, ...] = (
        Member("url", "The workflow's URL, with its signature.", "secret", required=True),
        SECONDS,
    )

    def send(self, message: Message, config: Mapping[str, Any], secrets: Secrets, *, reach: Reach = PUBLIC) -> None:
        """Post a card; raises as `Channel.send`."""
        given = Given(self.members, config, secrets)
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": _card(message)}
        body = json.dumps({"type": "message", "attachments": [attachment]}).encode()
        Post(self.title, given, reach).send(given["url"], body, {})


def _card(message: Message) -> dict[str, Any]:
    """An adaptive card of version 1.4; the whole stays far below the 28 KB that Teams takes."""
    color = "Good" if message.is_over else _COLORS[rank(message.severity)]
    title = {"type": "TextBlock", "size": "Medium", "weight": "Bolder", "wrap": True, "color": color}
    paragraphs = [{"type": "TextBlock", "wrap": True, "text": part} for part in cut(plain(message), 4000).split("\n\n")]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{**title, "text": cut(headline(message), 300)}, *paragraphs],
    }
    if message.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open in Driftline", "url": message.link}]
    return card
