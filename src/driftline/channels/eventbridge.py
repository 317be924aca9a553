"""A bus of EventBridge, for rules to route."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline.channels.amazon import AWS, calling, is_passing
from driftline.channels.channel import PUBLIC, ChannelRefused, ChannelUnavailable, Secrets
from driftline.channels.members import Given, Member
from driftline.channels.message import Message, event
from driftline.hosts import Reach


@dataclass(frozen=True, slots=True)
class EventBridge:
    """A bus of EventBridge: the event with source `driftline` and detail type `Driftline Alert`, for its rules."""

    title: str = "EventBridge"
    members: tuple[Member, ...] = (
        Member("bus", "The bus's name or ARN.", default="default"),
        Member("source", "Source of the events.", default="driftline"),
        *AWS,
    )

    def send(self, message: Message, config: Mapping[str, Any], secrets: Secrets, *, reach: Reach = PUBLIC) -> None:
        """Put the event; raises as `Channel.send`."""
        given = Given(self.members, config, secrets)
        entry = {
            "Time": message.at,
            "Source": given["source"],
            "DetailType": "Driftline Alert",
            "Detail": json.dumps(event(message)),
            "EventBusName": given["bus"],
        }
        with calling(self.title, "events", given, reach, given["bus"]) as client:
            answer = client.put_events(Entries=[entry])
        refused = next((each for each in answer["Entries"] if each.get("ErrorCode")), None)
        if refused is not None:
            code = refused["ErrorCode"]
            kind = ChannelUnavailable if is_passing(500 if code == "InternalFailure" else 400, code) else ChannelRefused
            raise kind(channel=self.title, reason=given.hide(f"{code}: {refused.get('ErrorMessage', '')}"))
