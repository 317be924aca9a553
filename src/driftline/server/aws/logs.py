"""CloudWatch Logs as far as waiting clients read it: one stream for each job, whose tokens repeat at its end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from driftline.catalog import logs, resources
from driftline.processing.jobs import KIND
from driftline.server.aws.wire import Call, operation
from driftline.server.errors import AwsError

GROUP = "/aws/sagemaker/ProcessingJobs"
_PAGE = 10_000


@operation("DescribeLogStreams", api="logs")
def describe_log_streams(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The stream of the job whose name the prefix begins with."""
    if request.get("logGroupName") != GROUP:
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    name = request.get("logStreamNamePrefix", "").partition("/")[0]
    with call.catalog.read() as tx:
        job = resources.find(tx, KIND, name) if name else None
    if job is None:
        return {"logStreams": []}
    created = int(job.created.timestamp() * 1000)
    stream = f"{job.name}/algo-1-{created // 1000}"
    if not stream.startswith(request["logStreamNamePrefix"]):
        return {"logStreams": []}
    arn = f"arn:aws:logs:{call.settings.region}:{call.settings.account}:log-group:{GROUP}:log-stream:{stream}"
    return {"logStreams": [{"logStreamName": stream, "creationTime": created, "arn": arn}]}


@operation("GetLogEvents", api="logs")
def get_log_events(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Lines behind the token; at the end the token comes back as it was, which tells the client to stop."""
    name = request["logStreamName"].partition("/")[0]
    token = request.get("nextToken") or "f/0"
    direction, _, after = token.partition("/")
    if direction not in ("f", "b") or not re.fullmatch("[0-9]{1,18}", after):
        raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
    with call.catalog.read() as tx:
        if resources.find(tx, KIND, name) is None:
            raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
        limit = min(request.get("limit") or _PAGE, _PAGE)
        found = logs.read(tx, name, after=int(after), limit=limit) if direction == "f" else []
    events = [
        {"timestamp": (moment := int(line.time.timestamp() * 1000)), "ingestionTime": moment, "message": line.text}
        for line in found
    ]
    last = found[-1].id if found else int(after)
    return {"events": events, "nextForwardToken": f"f/{last}", "nextBackwardToken": f"b/{after}"}
