"""The operations that are served: each resource's module registers its own when it is imported here."""

from __future__ import annotations

from driftline.server.aws import alerts, definitions, endpoints, executions, jobs, logs, runtime, schedules, tags
from driftline.server.aws.wire import OPERATIONS

MODULES = (alerts, definitions, endpoints, executions, jobs, logs, runtime, schedules, tags)

__all__ = ["MODULES", "OPERATIONS"]
