"""CloudWatch, or anything that takes its PutMetricData: the metrics of runs, and alerts as a metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from driftline.channels.amazon import AWS, calling
from driftline.channels.channel import PUBLIC, ChannelUnavailable, Secrets
from driftline.channels.members import Given, Member
from driftline.channels.message import SEVERITIES, Message, rank
from driftline.hosts import Reach

_MOST = 500
"""Metrics in one call; CloudWatch takes a thousand, of at most a megabyte."""


@dataclass(frozen=True, slots=True)
class CloudWatch:
    """The metric `Alerts` of CloudWatch: 1 when an alert of the model fires or escalates, 0 when it is resolved.

    Its dimensions are `Model`, `Cause` and `Severity`; alarms of CloudWatch may watch it. What is resolved is 0 of each
    severity, as several may have been told of one cause.
    """

    title: str = "CloudWatch"
    members: tuple[Member, ...] = (
        Member("namespace", "Namespace of the metric.", default="driftline/alerts"),
        *AWS,
    )

    def send(self, message: Message, config: Mapping[str, Any], secrets: Secrets, *, reach: Reach = PUBLIC) -> None:
        """Put the metric; raises as `Channel.send`."""
        given = Given(self.members, config, secrets)
        severities = SEVERITIES if message.is_over else (rank(message.severity),)
        with calling(self.title, "cloudwatch", given, reach) as client:
            _put(client, [_metric(message, each) for each in severities], given["namespace"])


def _metric(message: Message, severity: str) -> dict[str, Any]:
    named = {"Model": message.model, "Cause": message.cause, "Severity": severity}
    dimensions = [
        {"Name": name, "Value": value.encode("ascii", "replace").decode()[:1024]}
        for name, value in named.items()
        if value.strip()
    ]
    return {
        "MetricName": "Alerts",
        "Dimensions": dimensions,
        "Timestamp": message.at,
        "Value": 1.0 if message.state in ("firing", "escalated") else 0.0,
        "Unit": "Count",
    }


def send(metrics: Sequence[Mapping[str, Any]], namespace: str, *, url: str, region: str) -> None:
    """Put the metrics; raises `ChannelUnavailable`. Credentials are those of the surroundings."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 3})
    client = boto3.client("cloudwatch", endpoint_url=url or None, region_name=region, config=config)
    try:
        _put(client, metrics, namespace)
    except (BotoCoreError, ClientError) as error:
        raise ChannelUnavailable(channel="CloudWatch", reason=str(error)) from error


def _put(client: Any, metrics: Sequence[Mapping[str, Any]], namespace: str) -> None:
    for start in range(0, len(metrics), _MOST):
        client.put_metric_data(Namespace=namespace, MetricData=list(metrics[start : start + _MOST]))
