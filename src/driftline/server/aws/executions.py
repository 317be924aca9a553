"""Monitoring executions as lists show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driftline.catalog import executions
from driftline.catalog.executions import Execution, Search
from driftline.server.aws.wire import Call, operation

_SORTS = {"CreationTime": "created", "ScheduledTime": "scheduled", "Status": "status"}
_EQUAL = {
    "MonitoringScheduleName": "schedule",
    "EndpointName": "endpoint",
    "StatusEquals": "status",
    "MonitoringJobDefinitionName": "definition",
    "MonitoringTypeEquals": "type",
}
_TIMES = {"ScheduledTime": "scheduled", "CreationTime": "created", "LastModifiedTime": "modified"}


@operation("ListMonitoringExecutions")
def list_(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """A page of the executions."""
    wanted = Search(
        equal={column: request[name] for name, column in _EQUAL.items() if request.get(name)},
        after={column: request[f"{name}After"] for name, column in _TIMES.items() if request.get(f"{name}After")},
        before={column: request[f"{name}Before"] for name, column in _TIMES.items() if request.get(f"{name}Before")},
        sort_by=_SORTS[request.get("SortBy") or "CreationTime"],
        descending=request.get("SortOrder", "Descending") != "Ascending",
        limit=request.get("MaxResults") or 10,
        token=request.get("NextToken"),
    )
    with call.catalog.read() as tx:
        page = executions.search(tx, wanted)
    found: dict[str, Any] = {"MonitoringExecutionSummaries": [summary(each, call) for each in page.items]}
    return {**found, "NextToken": page.token} if page.token else found


def summary(found: Execution, call: Call) -> dict[str, Any]:
    """`MonitoringExecutionSummary`; without a job's ARN where there was none."""
    told = {
        "MonitoringScheduleName": found.schedule,
        "ScheduledTime": found.scheduled,
        "CreationTime": found.created,
        "LastModifiedTime": found.modified,
        "MonitoringExecutionStatus": found.status,
        "ProcessingJobArn": call.arn("processing-job", found.job) if found.job else None,
        "EndpointName": found.endpoint,
        "FailureReason": found.failure_reason,
        "MonitoringJobDefinitionName": found.definition,
        "MonitoringType": found.type,
    }
    return {name: value for name, value in told.items() if value is not None}
