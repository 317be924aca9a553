"""A topic of SNS: each subscriber gets the form that it can read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline.channels.amazon import AWS, calling
from driftline.channels.channel import PUBLIC, Secrets
from driftline.channels.members import Given, Member
from driftline.channels.message import Message, cut, event, headline, plain
from driftline.hosts import Reach

_LONGEST_SUBJECT = 99


@dataclass(frozen=True, slots=True)
class Sns:
    """A topic of SNS: text for people, the event as JSON for queues, functions and HTTP.

    The attributes `state`, `severity` and `model` serve subscriptions' filters. A topic whose name ends with `.fifo`
    drops what is told twice.
    """

    title: str = "SNS"
    members: tuple[Member, ...] = (Member("topic", "The topic's ARN.", required=True), *AWS)

    def send(self, message: Message, config: Mapping[str, Any], secrets: Secrets, *, reach: Reach = PUBLIC) -> None:
        """Publish; raises as `Channel.send`."""
        given = Given(self.members, config, secrets)
        topic = given["topic"]
        with calling(self.title, "sns", given, reach, topic) as client:
            client.publish(
                TopicArn=topic, **_published(message), **(_ordered(message) if topic.endswith(".fifo") else {})
            )


def forms(message: Message) -> dict[str, str]:
    """The message by protocol: text for people (`default`), a line (`sms`), the event as JSON for programs."""
    text = f"{headline(message)}\n\n{plain(message)}"
    programs = dict.fromkeys(("sqs", "lambda", "http", "https", "firehose"), json.dumps(event(message)))
    return {"default": text, "sms": cut(headline(message), 140), **programs}


def subject(message: Message) -> str:
    """The headline as SNS takes it: at most 99 characters of ASCII."""
    return cut(headline(message).encode("ascii", "replace").decode(), _LONGEST_SUBJECT, "...")


def attributes(message: Message) -> dict[str, str]:
    """What subscriptions may filter by."""
    found = {"state": message.state, "severity": message.severity, "model": message.model}
    return {name: value for name, value in found.items() if value}


def _published(message: Message) -> dict[str, Any]:
    told = {name: {"DataType": "String", "StringValue": value} for name, value in attributes(message).items()}
    return {
        "Message": json.dumps(forms(message)),
        "MessageStructure": "json",
        "Subject": subject(message),
        "MessageAttributes": told,
    }


def _ordered(message: Message) -> dict[str, str]:
    key = hashlib.sha256(message.key.encode()).hexdigest()
    return {"MessageGroupId": message.incident, "MessageDeduplicationId": key}
