"""Tags on any ARN of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from driftline.alerting import actions, targets
from driftline.catalog import resources, tags
from driftline.catalog.resources import Resource
from driftline.errors import NotFound
from driftline.schedules import KIND as SCHEDULE
from driftline.server.aws.wire import Call, operation
from driftline.server.errors import AwsError

MOST = 50
_PAGE = 50


def tags_of(request: Mapping[str, Any]) -> dict[str, str]:
    """The tags in a request, by key."""
    return {each["Key"]: each["Value"] for each in request.get("Tags") or ()}


@operation("AddTags")
def add_tags(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Add tags, or change their values."""
    with call.catalog.begin() as tx:
        to = _known(tx, request["ResourceArn"])
        put_tags(tx, to, tags_of(request), call)
        found = tags.of(tx, to.arn)
        if len(found) > MOST:
            raise AwsError("ResourceLimitExceeded", f"{to.arn} would have {len(found)} tags; {MOST} is the most.")
    return {"Tags": _shown(found)}


def put_tags(tx: Connection, to: Resource, given: Mapping[str, str], call: Call) -> None:
    """Keep tags; those of a schedule's alert have to mean something, and the alarms that they name are made.

    Raises `Invalid` for one that means nothing.
    """
    if to.kind == SCHEDULE:
        targets.check(given)
    tags.put(tx, to.arn, given)
    if to.kind == SCHEDULE:
        actions.prepare(tx, to.arn, to.name, now=call.now)


@operation("ListTags")
def list_tags(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """A page of the tags; the token is the last key shown."""
    with call.catalog.read() as tx:
        found = tags.of(tx, _known(tx, request["ResourceArn"]).arn)
    last, limit = request.get("NextToken", ""), request.get("MaxResults") or _PAGE
    rest = {key: value for key, value in found.items() if key > last}
    shown = dict(list(rest.items())[:limit])
    return {"Tags": _shown(shown), **({"NextToken": list(shown)[-1]} if len(rest) > len(shown) else {})}


@operation("DeleteTags")
def delete_tags(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Remove tags."""
    with call.catalog.begin() as tx:
        tags.remove(tx, _known(tx, request["ResourceArn"]).arn, request["TagKeys"])
    return {}


def _known(tx: Connection, arn: str) -> Resource:
    """What the ARN is of; raises `NotFound` if it is of nothing here."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    found = resources.find(tx, kind, name)
    if found is None:
        raise NotFound(what="Resource", name=arn)
    return found


def _shown(found: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in found.items()]
