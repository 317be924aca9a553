"""CloudWatch, or anything that takes its PutMetricData."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from driftline.errors import Unavailable

_MOST = 500
"""Metrics in one call; CloudWatch takes a thousand, of at most a megabyte."""


class ChannelUnavailable(Unavailable):
    """{channel} does not take what it is told: {reason}."""


def send(metrics: Sequence[Mapping[str, Any]], namespace: str, *, url: str, region: str) -> None:
    """Put the metrics; raises `ChannelUnavailable`. Credentials are those of the surroundings."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 3})
    client = boto3.client("cloudwatch", endpoint_url=url or None, region_name=region, config=config)
    try:
        for start in range(0, len(metrics), _MOST):
            client.put_metric_data(Namespace=namespace, MetricData=list(metrics[start : start + _MOST]))
    except (BotoCoreError, ClientError) as error:
        raise ChannelUnavailable(channel="CloudWatch", reason=str(error)) from error
