"""What the REST API answers with: the values that its OpenAPI page describes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, Field

T = TypeVar("T")


class Reason(BaseModel):
    """Why a request was refused."""

    code: Annotated[str, Field(description="A word for programs.")]
    message: Annotated[str, Field(description="What, of which thing, got what, expected what, how to mend it.")]


class Refusal(BaseModel):
    """The answer to a request that was refused."""

    error: Reason


class Caller(BaseModel):
    """Who calls."""

    name: Annotated[str, Field(description="As logs name the caller.")]
    scopes: Annotated[list[str], Field(description="What the caller may do in some space: read, write, admin.")]
    roles: Annotated[dict[str, list[str]], Field(description="What the caller may do by space; * is all spaces.")]


class Page(BaseModel, Generic[T]):
    """Some of what was found."""

    items: list[T]
    next_token: Annotated[str | None, Field(description="Give it as `token` for the rest; null at the end.")] = None


class Execution(BaseModel):
    """One run of a schedule over the window [window_start, window_end)."""

    id: str
    schedule: str
    scheduled: Annotated[datetime, Field(description="The time it was planned for, which fixes its window.")]
    run: Annotated[int, Field(description="0 for the first run of that time; repeats count up.")]
    origin: Annotated[str, Field(description="schedule, now, rerun or backfill.")]
    status: Annotated[
        str,
        Field(description="Pending, InProgress, Completed, CompletedWithViolations, Failed, Stopping or Stopped."),
    ]
    window_start: datetime
    window_end: datetime
    created: datetime
    modified: datetime
    type: Annotated[str | None, Field(description="DataQuality, ModelQuality, ModelBias or ModelExplainability.")]
    endpoint: str | None
    definition: Annotated[str | None, Field(description="The job definition, unless it is part of the schedule.")]
    job: Annotated[str | None, Field(description="The processing job; null where there was nothing to run.")]
    failure_reason: str | None
    exit_message: str | None


class ExecutionDetail(Execution):
    """An execution and what it wrote."""

    violations: Annotated[int | None, Field(description="How many; null where nothing was compared.")] = None
    output_uri: Annotated[str | None, Field(description="Where its files are.")] = None
    violation_report_uri: Annotated[str | None, Field(description="constraint_violations.json.")] = None


class Violation(BaseModel):
    """A constraint that was broken, as `constraint_violations.json` has it."""

    subject: Annotated[str, Field(description="The column, or what else was looked at.")]
    check: Annotated[str, Field(description="SageMaker's constraint_check_type.")]
    value: Annotated[float | None, Field(description="What was found, where the description has it.")]
    limit: Annotated[float | None, Field(description="What was allowed, where the description has it.")]
    said: Annotated[str, Field(description="SageMaker's description.")]


class Violations(BaseModel):
    """The violations of an execution."""

    uri: str
    items: list[Violation]


class Schedule(BaseModel):
    """A monitoring schedule."""

    name: str
    arn: str
    status: Annotated[str, Field(description="Scheduled, Stopped or Failed.")]
    type: str
    endpoint: str | None
    definition: str | None
    expression: Annotated[str, Field(description="cron(...) in UTC, or NOW.")]
    next_run: Annotated[datetime | None, Field(description="When it runs next; null: never again.")]
    failure_reason: Annotated[str | None, Field(description="Why it cannot be planned, if it is Failed.")]
    stopped_since: Annotated[datetime | None, Field(description="Since when it is stopped.")]
    created: datetime
    modified: datetime


class ScheduleDetail(Schedule):
    """A schedule, when it runs next and how it ran last."""

    next_runs: Annotated[list[datetime], Field(description="The next five times; none while it is stopped.")]
    alert: Annotated[str | None, Field(description="OK or InAlert.")]
    executions: Annotated[list[Execution], Field(description="The last five by scheduled time, latest first.")]
    config: Annotated[dict[str, Any], Field(description="MonitoringScheduleConfig, as it was given.")]


class Step(BaseModel):
    """One thing that a run of a schedule does, tried."""

    action: Annotated[str, Field(description="The permission it needs, as IAM spells it: s3:GetObject.")]
    resource: Annotated[str, Field(description="On what: the ARN that a policy must name, or a URI.")]
    state: Annotated[str, Field(description="ok, warning or failed.")]
    said: str


class Preflight(BaseModel):
    """Whether a schedule's runs can do what they must, as the server may."""

    ok: Annotated[bool, Field(description="Nothing failed.")]
    steps: list[Step]


class Job(BaseModel):
    """A processing job."""

    name: str
    arn: str
    status: Annotated[str, Field(description="InProgress, Completed, Failed, Stopping or Stopped.")]
    image: str
    schedule: Annotated[str | None, Field(description="The schedule that it ran for.")]
    created: datetime
    started: datetime | None
    ended: datetime | None
    violations: Annotated[int | None, Field(description="How many; null where nothing was compared.")]
    exit_message: str | None
    failure_reason: str | None
    replay_of: Annotated[str | None, Field(description="The job whose manifest it repeats.")]


class Transfer(BaseModel):
    """An input or output of a job."""

    name: str
    uri: str
    path: Annotated[str, Field(description="Where the container sees it.")]


class JobDetail(Job):
    """A job with what it read and wrote."""

    inputs: list[Transfer]
    outputs: list[Transfer]
    execution: Annotated[str | None, Field(description="Id of the execution that it belongs to.")]
    manifest: Annotated[dict[str, Any] | None, Field(description="The run itself: with it, it can be replayed.")]


class LogLine(BaseModel):
    """A line that a job printed."""

    id: Annotated[int, Field(description="Grows; give the last one as `after`.")]
    time: datetime
    text: str


class Log(BaseModel):
    """Some lines of a job's log, in order."""

    lines: list[LogLine]
    ended: Annotated[bool, Field(description="No more lines will come than those that are there.")]


class Endpoint(BaseModel):
    """A registered endpoint."""

    name: str
    arn: str
    status: str
    config: str
    created: datetime
    modified: datetime


class Variant(BaseModel):
    """One of the models that an endpoint calls."""

    name: str
    model: str | None
    weight: float
    url: Annotated[str | None, Field(description="Where the model is served; null if that is not known.")]


class Capture(BaseModel):
    """What of an endpoint's calls is captured."""

    enabled: bool
    destination: str
    sampling_percentage: float
    options: Annotated[list[str], Field(description="Input, Output.")]
    breaches: Annotated[list[str], Field(description="Why what is captured cannot stand for all calls.")]


class Traffic(BaseModel):
    """Calls that came through the server and that the model answered."""

    calls: int
    captured: Annotated[int, Field(description="Those of which a record was kept.")]
    dropped: Annotated[int, Field(description="Those that were to be captured and could not be.")]
    reason: Annotated[str | None, Field(description="Why, at last.")]


class EndpointDetail(Endpoint):
    """An endpoint, what it calls and captures, and what watches it."""

    variants: list[Variant]
    capture: Annotated[Capture | None, Field(description="Null: nothing is captured.")]
    traffic: Annotated[Traffic, Field(description="In the last 24 hours.")]
    schedules: Annotated[list[str], Field(description="Schedules that monitor it.")]


Spaces = Annotated[list[str], Field(description="Where it may do that; * is all spaces.")]


class ApiKey(BaseModel):
    """An API key, without the key itself, which nobody knows any more."""

    name: str
    scopes: list[str]
    spaces: Spaces
    created: datetime


class NewApiKey(BaseModel):
    """An API key as it is shown once."""

    name: str
    scopes: list[str]
    spaces: Spaces
    key: Annotated[str, Field(description="Send it as `Authorization: Bearer KEY`. It is shown this once.")]


class AccessKey(BaseModel):
    """An access key, without its secret."""

    id: str
    note: str
    scopes: list[str]
    spaces: Spaces
    created: datetime | None


class NewAccessKey(BaseModel):
    """An access key as it is shown once."""

    id: str
    scopes: list[str]
    spaces: Spaces
    secret: Annotated[str, Field(description="Signs AWS calls. It is shown this once.")]
