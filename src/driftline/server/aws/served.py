"""The operations that are served: each resource's module registers its own when it is imported here."""

from __future__ import annotations

from driftline.server.aws import (
    alerts,
    cloudwatch,
    definitions,
    endpoints,
    executions,
    jobs,
    logs,
    metricalarms,
    runtime,
    schedules,
    sns,
    tags,
)
from driftline.server.aws.wire import OPERATIONS

MODULES = (
    alerts,
    cloudwatch,
    definitions,
    endpoints,
    executions,
    jobs,
    logs,
    metricalarms,
    runtime,
    schedules,
    sns,
    tags,
)

__all__ = ["MODULES", "OPERATIONS"]
