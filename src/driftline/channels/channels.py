"""The table of channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driftline.channels import members
from driftline.channels.channel import Channel
from driftline.channels.cloudwatch import CloudWatch
from driftline.channels.eventbridge import EventBridge
from driftline.channels.lambdas import Lambda
from driftline.channels.mail import Mail
from driftline.channels.opsgenie import Opsgenie
from driftline.channels.others import Others
from driftline.channels.pagerduty import PagerDuty
from driftline.channels.slack import Slack
from driftline.channels.sns import Sns
from driftline.channels.teams import Teams
from driftline.channels.webhook import Webhook
from driftline.errors import Invalid

CHANNELS: dict[str, Channel] = {
    "webhook": Webhook(),
    "slack": Slack(),
    "teams": Teams(),
    "pagerduty": PagerDuty(),
    "opsgenie": Opsgenie(),
    "email": Mail(),
    "sns": Sns(),
    "lambda": Lambda(),
    "eventbridge": EventBridge(),
    "cloudwatch": CloudWatch(),
    "apprise": Others(),
}
"""What may be told, by the name that configurations have for its kind."""


def channel_of(kind: str) -> Channel:
    """The channel of a kind; raises `Invalid` for one that is not known."""
    if kind not in CHANNELS:
        raise Invalid(what="kind of channel", got=kind, expected=f"one of {', '.join(CHANNELS)}")
    return CHANNELS[kind]


def check(kind: str, config: Mapping[str, Any]) -> None:
    """Raise `Invalid`, which names the member, for a configuration that cannot be; no secret is read.

    >>> check("webhook", {"url": "https://hooks.example", "secret": "s3cret"})
    Traceback (most recent call last):
        ...
    driftline.errors.Invalid: secret: got 'something else', expected env:NAME or file:/an/absolute/path. ...
    """
    members.check(channel_of(kind).members, config)
