"""A webhook of your own: the event as JSON, signed, so that the receiver knows who sent it and when."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from driftline.channels.channel import PUBLIC, Secrets
from driftline.channels.members import SECONDS, Given, Member
from driftline.channels.message import Message, event
from driftline.channels.posting import Post
from driftline.hosts import Reach


@dataclass(frozen=True, slots=True)
class Webhook:
    """Any HTTP endpoint.

    The body is the event as JSON. Three headers go with it: `Driftline-Key`, by which a second delivery is known;
    `Driftline-Timestamp`, the seconds since 1970 at which it was sent; and `Driftline-Signature`, `v1=` and the
    HMAC-SHA256 of timestamp, full stop and body in hexadecimal digits.
    """

    clock: Callable[[], float] = time.time
    title: str = "webhook"
    members: tuple[Member, ...] = (
        Member("url", "Where the event is posted to.", "url", required=True),
        Member("secret", "What the signature is made with; the receiver knows it too.", "secret", required=True),
        Member("authorization", "The header Authorization, should the receiver need one.", "secret"),
        SECONDS,
    )

    def send(self, message: Message, config: Mapping[str, Any], secrets: Secrets, *, reach: Reach = PUBLIC) -> None:
        """Post the event; raises as `Channel.send`."""
        given = Given(self.members, config, secrets)
        body = json.dumps(event(message)).encode()
        at = str(int(self.clock()))
        headers = {
            "Driftline-Key": message.key,
            "Driftline-Timestamp": at,
            "Driftline-Signature": sign(given["secret"], at, body),
        }
        if given["authorization"]:
            headers["Authorization"] = given["authorization"]
        Post(self.title, given, reach).send(given["url"], body, headers)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a body that is sent at a time.

    >>> sign("s", "1767225600", b"{}")[:15]
    'v1=ba9170a5544f'
    """
    return "v1=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
