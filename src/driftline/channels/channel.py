"""What every channel is: members that its configuration may hold, and a way to send; with the two ways to fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from driftline.channels.members import Member
from driftline.channels.message import Message
from driftline.errors import CallerError, Unavailable
from driftline.hosts import Reach

Secrets = Callable[[str], str]
"""What a reference (`env:NAME`, `file:/path`) means; raises `Invalid` for one that cannot be read."""

PUBLIC = Reach()


class ChannelUnavailable(Unavailable):
    """{channel} does not take what it is told: {reason}."""

    def __init__(self, *, channel: str, reason: str) -> None:
        """`channel` is its title, `reason` what was answered, or that nothing was; without secrets."""
        super().__init__(channel=channel, reason=reason.rstrip("."))


class ChannelRefused(CallerError):
    """{channel} refuses what it is told: {reason}. {remedy}"""

    def __init__(self, *, channel: str, reason: str, remedy: str = "Correct the channel's configuration.") -> None:
        """As `ChannelUnavailable`; sending it again would be refused again."""
        super().__init__(channel=channel, reason=reason.rstrip("."), remedy=remedy)


class Channel(Protocol):
    """A kind of place that can be told; its docstring says which, and what arrives there."""

    @property
    def title(self) -> str:
        """The name that people know it by."""

    @property
    def members(self) -> tuple[Member, ...]:
        """What its configuration may hold; secrets only as references."""

    def send(self, message: Message, config: Mapping[str, Any], secrets: Secrets, *, reach: Reach = PUBLIC) -> None:
        """Send once, without trying again; return when the receiver has taken it.

        Raises `ChannelUnavailable` if a later try may succeed, and `ChannelRefused`, `Invalid` or `Denied` if none will
        before somebody mends the configuration. Errors hold no secrets.
        """
