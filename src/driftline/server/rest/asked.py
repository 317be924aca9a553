"""What requests may say: names, times, filters and the size of a page, each checked before anything is looked up."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from driftline.catalog.keys import EVERYWHERE, SPACE
from driftline.catalog.keys import NAME as KEY_NAME
from driftline.cron import YEAR

_NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"


def _utc(moment: datetime) -> datetime:
    """The moment in UTC; refuses years in which no schedule runs."""
    if not YEAR.low < moment.year < YEAR.high:
        raise ValueError(f"expected a year from {YEAR.low + 1} to {YEAR.high - 1}")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A time with a zone, such as 2026-11-21T13:00:00Z."""


def _text(given: str) -> str:
    """The text; refuses what no database can keep: zero bytes and halves of characters."""
    if "\x00" in given or any("\ud800" <= each <= "\udfff" for each in given):
        raise ValueError("expected text without zero bytes and halves of characters")
    return given


def storable(given: Any) -> Any:
    """The JSON value; raises `ValueError` for text and numbers in it that no database can keep."""
    if isinstance(given, str):
        return _text(given)
    if isinstance(given, float) and not isfinite(given):
        raise ValueError("expected finite numbers")
    for each in given.items() if isinstance(given, dict) else given if isinstance(given, list | tuple) else ():
        storable(each)
    return given


Text = Annotated[str, AfterValidator(_text)]
"""Any text that can be kept."""
Document = Annotated[dict[str, Any], AfterValidator(storable)]
"""Any JSON object that can be kept."""

Name = Annotated[str, Path(pattern=_NAME, description="Its name, in any case.")]
Identity = Annotated[
    str, Path(pattern=r"^[0-9a-f]{4}[0-9a-f-]{0,32}$", description="Its id, or at least the first four digits of it.")
]
KeyName = Annotated[str, Path(pattern=KEY_NAME, description="The name of the key.")]
AccessKeyId = Annotated[str, Path(pattern=r"^[!-~]{1,128}$", description="The id of the key.")]
Line = Annotated[int, Query(ge=0, le=1 << 60, description="Only lines behind the one with this id.")]
Lines = Annotated[int, Query(ge=1, le=10_000, description="How many lines at most.")]

Type = Literal["DataQuality", "ModelQuality", "ModelBias", "ModelExplainability"]
ScheduleStatus = Literal["Pending", "Failed", "Scheduled", "Stopped"]
JobStatus = Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped"]
ExecutionStatus = Literal[
    "Pending", "InProgress", "Completed", "CompletedWithViolations", "Failed", "Stopping", "Stopped"
]
Scope = Literal["read", "write", "admin"]


class Asked(BaseModel):
    """A request: no members but those that are known."""

    model_config = ConfigDict(extra="forbid")


class PageWanted(Asked):
    """A page of a list."""

    limit: Annotated[int, Field(ge=1, le=1000, description="How many on the page.")] = 20
    token: Annotated[str | None, Field(max_length=2000, description="next_token of the page before.")] = None
    descending: Annotated[bool, Field(description="The latest, or the last by the alphabet, first.")] = True


class ResourcesWanted(PageWanted):
    """Things with a name."""

    name_contains: Annotated[str | None, Field(pattern=r"^[a-zA-Z0-9-]{1,63}$", description="Part of the name.")] = None
    created_after: Annotated[Moment | None, Field(description="Made later: 2026-11-21T13:00:00Z.")] = None
    created_before: Annotated[Moment | None, Field(description="Made earlier.")] = None
    sort_by: Annotated[Literal["created", "modified", "name", "status"], Field(description="Order.")] = "created"


class SchedulesWanted(ResourcesWanted):
    """Which schedules are listed."""

    status: Annotated[ScheduleStatus | None, Field(description="With this status.")] = None
    type: Annotated[Type | None, Field(description="Of this type.")] = None
    endpoint: Annotated[str | None, Field(pattern=_NAME, description="Of this endpoint.")] = None
    definition: Annotated[str | None, Field(pattern=_NAME, description="Of this job definition.")] = None


class JobsWanted(ResourcesWanted):
    """Which processing jobs are listed."""

    status: Annotated[JobStatus | None, Field(description="With this status.")] = None


class ExecutionsWanted(PageWanted):
    """Which executions are listed."""

    schedule: Annotated[str | None, Field(pattern=_NAME, description="Of this schedule.")] = None
    endpoint: Annotated[str | None, Field(pattern=_NAME, description="Of this endpoint.")] = None
    definition: Annotated[str | None, Field(pattern=_NAME, description="Of this job definition.")] = None
    type: Annotated[Type | None, Field(description="Of this type.")] = None
    status: Annotated[ExecutionStatus | None, Field(description="With this status.")] = None
    scheduled_after: Annotated[Moment | None, Field(description="Planned for later: 2026-11-21T13:00:00Z.")] = None
    scheduled_before: Annotated[Moment | None, Field(description="Planned for earlier.")] = None
    sort_by: Annotated[Literal["created", "scheduled", "status"], Field(description="Order.")] = "scheduled"


class Range(Asked):
    """Scheduled times from `since` to just before `until`, both in the past."""

    since: Annotated[Moment, Field(description="The first scheduled time, or an earlier moment.")]
    until: Annotated[Moment, Field(description="Behind the last scheduled time.")]


SpaceNames = Annotated[
    list[Annotated[str, Field(pattern=rf"^(\*|{SPACE})$")]],
    Field(min_length=1, max_length=100, description="In these spaces; * is all, those to come too."),
]


class KeyWanted(Asked):
    """An API key to be made."""

    name: Annotated[str, Field(pattern=KEY_NAME, description="Whose key it is.")]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=3, description="What it may do.")]
    spaces: SpaceNames = [EVERYWHERE]


class AccessKeyWanted(Asked):
    """An access key to be made."""

    note: Annotated[str, Field(pattern=r"^[ -~]{0,200}$", description="Whose key it is, for people.")] = ""
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=3, description="What it may do.")] = [
        "read",
        "write",
        "admin",
    ]
    spaces: SpaceNames = [EVERYWHERE]
