"""Slack, and what takes its incoming webhooks (Mattermost, Rocket.Chat)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline.channels.channel import PUBLIC, Secrets
from driftline.channels.members import SECONDS, Given, Member
from driftline.channels.message import Message, cut, headline, plain
from driftline.channels.posting import Post
from driftline.hosts import Reach

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_LONGEST_HEADER, _LONGEST_SECTION = 150, 3000


@dataclass(frozen=True, slots=True)
class Slack:
    """A channel of Slack by an incoming webhook: headline, text, what moved, and a link to the page."""

    title: str = "Slack"
    members: tuple[Member, ...] = (
        Member("url", "The incoming webhook, https://hooks.slack.com/services/...", "secret", required=True),
        SECONDS,
    )

    def send(self, message: Message, config: Mapping[str, Any], secrets: Secrets, *, reach: Reach = PUBLIC) -> None:
        """Post the message; raises as `Channel.send`."""
        given = Given(self.members, config, secrets)
        Post(self.title, given, reach).send(given["url"], json.dumps(_body(message)).encode(), {})


def _body(message: Message) -> dict[str, Any]:
    """Blocks for those who look, `text` for notifications and screen readers."""
    said = plain(message).translate(_ESCAPED)
    return {
        "text": headline(message).translate(_ESCAPED),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": cut(headline(message), _LONGEST_HEADER)}},
            {"type": "section", "text": {"type": "mrkdwn", "text": cut(said, _LONGEST_SECTION)}},
        ],
    }
