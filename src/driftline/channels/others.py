"""Some hundred and seventy further places, by the library Apprise: the extra `driftline[notify]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline.channels.channel import PUBLIC, ChannelRefused, ChannelUnavailable, Secrets
from driftline.channels.members import Given, Member
from driftline.channels.message import Message, headline, plain, rank
from driftline.errors import Invalid
from driftline.hosts import Reach

_KINDS = {"info": "info", "warning": "warning", "error": "failure", "critical": "failure"}


@dataclass(frozen=True, slots=True)
class Others:
    """Whatever Apprise knows: Telegram, Discord, Matrix, ntfy, Twilio and many more, by a URL of Apprise's.

    Apprise tells only whether a message was taken, so every failure is tried again. It makes its own connections:
    where they go is in the hands of whoever sets the variable or file that `url` refers to.
    """

    title: str = "Apprise"
    members: tuple[Member, ...] = (
        Member(
            "url", "Apprise's URL of the place, such as ntfys://topic or tgram://token/chat.", "secret", required=True
        ),
    )

    def send(self, message: Message, config: Mapping[str, Any], secrets: Secrets, *, reach: Reach = PUBLIC) -> None:  # noqa: ARG002
        """Send by Apprise; raises as `Channel.send`."""
        given = Given(self.members, config, secrets)
        try:
            import apprise
        except ImportError as error:
            remedy = "Install it where the server and its workers run: pip install 'driftline[notify]'."
            raise ChannelRefused(channel=self.title, reason="the package is not installed", remedy=remedy) from error
        place = apprise.Apprise.instantiate(given["url"], suppress_exceptions=True)
        if place is None:
            raise Invalid(what="url", got="something else", expected="a URL that Apprise knows, such as ntfys://topic")
        kind = "success" if message.is_over else _KINDS[rank(message.severity)]
        if not place.notify(body=plain(message), title=headline(message), notify_type=apprise.NotifyType(kind)):
            raise ChannelUnavailable(channel=self.title, reason="it could not deliver the message")
