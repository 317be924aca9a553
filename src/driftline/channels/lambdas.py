"""A function of Lambda, called with the event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline.channels.amazon import AWS, calling
from driftline.channels.channel import PUBLIC, Secrets
from driftline.channels.members import Given, Member
from driftline.channels.message import Message, event
from driftline.hosts import Reach


@dataclass(frozen=True, slots=True)
class Lambda:
    """A function of Lambda: it is called with the event, and not waited for.

    Its keys `monitoringScheduleName`, `endpointName`, `violationReport` and `timestamp` are those that functions
    written for SageMaker read; by the key `key` the function knows what it has had before.
    """

    title: str = "Lambda"
    members: tuple[Member, ...] = (Member("function", "The function's ARN, or its name.", required=True), *AWS)

    def send(self, message: Message, config: Mapping[str, Any], secrets: Secrets, *, reach: Reach = PUBLIC) -> None:
        """Call the function; raises as `Channel.send`."""
        given = Given(self.members, config, secrets)
        payload = json.dumps(event(message)).encode()
        with calling(self.title, "lambda", given, reach, given["function"]) as client:
            client.invoke(FunctionName=given["function"], InvocationType="Event", Payload=payload)
