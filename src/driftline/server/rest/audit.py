"""The audit log: who changed what, when, over which interface; it is only ever read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from driftline.catalog import audit
from driftline.catalog.audit import Search
from driftline.catalog.keys import EVERYWHERE
from driftline.server.aws.wire import Call
from driftline.server.rest.answers import Page
from driftline.server.rest.asked import Asked, Moment, Text
from driftline.server.rest.callers import Appointing

router = APIRouter(tags=["audit"])

_Short = Annotated[Text, Field(max_length=256)]


class AuditWanted(Asked):
    """Which entries are listed."""

    limit: Annotated[int, Field(ge=1, le=1000, description="How many on the page.")] = 50
    token: Annotated[str | None, Field(max_length=2000, description="next_token of the page before.")] = None
    who: Annotated[_Short | None, Field(description="By this caller, such as key:ada.")] = None
    interface: Annotated[
        _Short | None, Field(description="Over rest, console, aws, command line, aporia, arize or arthur.")
    ] = None
    kind: Annotated[_Short | None, Field(description="Of things of this kind, such as model or alert rule.")] = None
    subject: Annotated[
        Annotated[Text, Field(max_length=1024)] | None, Field(description="Of the thing with this id.")
    ] = None
    space: Annotated[_Short | None, Field(description="Of things of this space.")] = None
    request: Annotated[_Short | None, Field(description="By the request with this id.")] = None
    since: Annotated[Moment | None, Field(description="From this time on: 2026-11-21T13:00:00Z.")] = None
    until: Annotated[Moment | None, Field(description="Before this time.")] = None


class AuditEntry(BaseModel):
    """One change of one thing."""

    id: int
    at: datetime
    who: Annotated[str, Field(description="key:NAME, person:NAME, the id of an access key, or local:ACCOUNT.")]
    interface: str
    operation: Annotated[str, Field(description="The path with its method, AWS's operation, or the command.")]
    kind: Annotated[str, Field(description="Empty for orders that change no definition.")]
    subject: Annotated[str, Field(description="The id of the thing, as paths have it.")]
    space: Annotated[str | None, Field(description="Null for what belongs to the whole installation.")]
    action: Annotated[str, Field(description="made, changed, deleted; done for orders that change no definition.")]
    change: Annotated[
        dict[str, Any],
        Field(description="The thing made or deleted; or by place what `was` and what `is`. Secrets are hidden."),
    ]
    request: Annotated[str, Field(description="The id of the request, as its answer and the log have it.")]


_EQUAL = ("who", "interface", "kind", "subject", "space", "request")


@router.get("/audit", summary="List changes")
def list_changes(call: Appointing, wanted: Annotated[AuditWanted, Query()]) -> Page[AuditEntry]:
    """A page of the audit log, the latest first. Administrators of some spaces see what was changed in these."""
    equal = {name: getattr(wanted, name) for name in _EQUAL if getattr(wanted, name) is not None}
    asked = Search(equal, wanted.since, wanted.until, _spaces(call), wanted.limit, wanted.token)
    with call.catalog.read() as tx:
        found = audit.page(tx, asked)
    items = [AuditEntry(**{name: getattr(each, name) for name in AuditEntry.model_fields}) for each in found.items]
    return Page(items=items, next_token=found.token)


def _spaces(call: Call) -> list[str] | None:
    """The spaces of which the caller is an administrator; None: of all."""
    if call.principal.may("admin", EVERYWHERE):
        return None
    return [space for space, scopes in call.principal.spaces.items() if "admin" in scopes]
