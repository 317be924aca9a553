"""What every List operation has in common: filters, order, paging."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from driftline.catalog import resources
from driftline.catalog.resources import Resource, Search
from driftline.server.aws.wire import Call

_SORTS = {"Name": "name", "CreationTime": "created", "LastModifiedTime": "modified", "Status": "status"}
_PAGE = 10


def listed(
    call: Call,
    kind: str,
    request: Mapping[str, Any],
    show: Callable[[Resource], Mapping[str, Any]],
    member: str,
    *,
    attributes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The answer of a List operation: a page of what `show` makes of the resources, under `member`.

    `attributes` are the request's members that are labels of the resources: member -> label.
    """
    wanted = {label: request[name] for name, label in (attributes or {}).items() if request.get(name)}
    search = Search(
        name_contains=request.get("NameContains"),
        created_after=request.get("CreationTimeAfter"),
        created_before=request.get("CreationTimeBefore"),
        modified_after=request.get("LastModifiedTimeAfter"),
        modified_before=request.get("LastModifiedTimeBefore"),
        status=request.get("StatusEquals"),
        attributes=wanted,
        sort_by=_SORTS[request.get("SortBy") or "CreationTime"],
        descending=request.get("SortOrder", "Descending") != "Ascending",
        limit=request.get("MaxResults") or _PAGE,
        token=request.get("NextToken"),
    )
    with call.catalog.read() as tx:
        page = resources.search(tx, kind, search)
    found: dict[str, Any] = {member: [show(item) for item in page.items]}
    return {**found, "NextToken": page.token} if page.token else found
