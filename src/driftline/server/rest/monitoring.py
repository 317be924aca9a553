"""What requests say of monitors on imported data, and what the answers show of them and their runs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, Field

from driftline.modelmonitors.monitor import NAME, Against, Basis, MonitorStatus
from driftline.schemas.fields import Environment
from driftline.server.rest.asked import Asked, Document, Moment, PageWanted, Text
from driftline.server.rest.registered import Named

MonitorName = Annotated[str, Path(pattern=NAME, description="The monitor's name.")]
RunId = Annotated[
    str,
    Path(pattern=r"^[0-9a-f]{4}[0-9a-f-]{0,32}$", description="The run's id, or at least the first four digits of it."),
]
Place = Annotated[int, Path(ge=0, le=10_000, description="Which of the run's violations, from 0.")]
Group = Annotated[
    int | None, Query(ge=0, le=100, description="Which of the groups that moved; that which grew most by default.")
]
Every = Annotated[bool, Query(description="Runs without violations, too.")]
Since = Annotated[Moment | None, Query(description="Windows that end later.")]
Until = Annotated[Moment | None, Query(description="Windows that begin earlier.")]

Windows = Annotated[int, Query(ge=1, le=10_000, description="How many windows at most.")]

Kind = Literal["data-quality", "model-quality", "bias", "explainability"]
RunStatus = Literal[
    "Pending", "InProgress", "Completed", "CompletedWithViolations", "NoData", "NoLabels", "NoBaseline", "Failed"
]
Uri = Annotated[Text, Field(min_length=1, max_length=4096)]
Seconds = Annotated[float, Field(ge=0, le=3660 * 86_400, allow_inf_nan=False)]
Days = Annotated[float, Field(ge=0, le=3660, allow_inf_nan=False)]
ModelRef = Annotated[str, Field(pattern=r"^[ -~]{1,128}$")]


class AgainstValue(Asked):
    """What a monitor compares with."""

    basis: Annotated[Basis, Field(description="A set that was imported, files, or a window that is fixed or rolls.")]
    version: Annotated[Named | None, Field(description="Of a set: another version's.")] = None
    batch: Annotated[Text | None, Field(max_length=256, description="Of a validation set: its batch.")] = None
    start: Annotated[Moment | None, Field(description="Of a fixed window.")] = None
    end: Annotated[Moment | None, Field(description="Of a fixed window.")] = None
    days: Annotated[float, Field(gt=0, le=3660, allow_inf_nan=False, description="Length of one that rolls.")] = 7.0
    gap_days: Annotated[Days, Field(description="So long before the window one that rolls ends.")] = 0.0
    statistics: Annotated[Uri | None, Field(description="Of files: statistics.json, or a saved profile.")] = None
    constraints: Annotated[Uri | None, Field(description="constraints.json or analysis.json, for any of them.")] = None

    def against(self) -> Against:
        """As it is kept; raises `Invalid`."""
        return Against(**self.model_dump())


_NULLABLE = ("version", "columns", "label", "cadence", "window_seconds", "since")


class MonitorChange(Asked):
    """What of a monitor is to change; what is left out stays."""

    settings: Annotated[
        Document | None, Field(description="Those of the kind; what is missing follows the schema.")
    ] = None
    version: Annotated[Named | None, Field(description="The model version; all of them if none is named.")] = None
    environment: Annotated[Environment | None, Field(description="Whose rows.")] = None
    where: Annotated[Document | None, Field(description="Fields and the value that rows must have in each.")] = None
    columns: Annotated[list[Text] | None, Field(max_length=10_000, description="Fields that are watched.")] = None
    label: Annotated[Text | None, Field(max_length=512, description="The actual that is the truth.")] = None
    cadence: Annotated[Text | None, Field(max_length=256, description="rate(1 day) or cron(...).")] = None
    window_seconds: Annotated[Seconds | None, Field(description="Length of a window; the cadence's by default.")] = None
    delay_seconds: Annotated[Seconds | None, Field(description="Runs begin so long after their window.")] = None
    since: Annotated[Moment | None, Field(description="Windows of the past are planned from here on.")] = None
    against: Annotated[AgainstValue | None, Field(description="The baseline; the training set by default.")] = None
    thresholds: Annotated[Document | None, Field(description="In the place of those that the baseline suggests.")] = (
        None
    )
    lookback_days: Annotated[Days | None, Field(description="Rows and labels that come so late are looked at.")] = None

    def changes(self) -> dict[str, Any]:
        """The members that were given; null takes away what may be missing."""
        told = {name: getattr(self, name) for name in self.model_fields_set}
        found = {name: value for name, value in told.items() if value is not None or name in _NULLABLE}
        if self.against is not None:
            found["against"] = self.against.against()
        return found


class MonitorWanted(MonitorChange):
    """A monitor to be made."""

    name: Annotated[str, Field(pattern=NAME, description="What it is called, among the model's.")]
    kind: Annotated[Kind, Field(description="Which of the four monitors.")]


class RunWanted(Asked):
    """A window to be looked at now; the last one of the cadence if none is named."""

    start: Annotated[Moment | None, Field(description="The window's first moment.")] = None
    end: Annotated[Moment | None, Field(description="The moment behind its last.")] = None
    version: Annotated[Named | None, Field(description="Another version than the monitor's.")] = None
    environment: Annotated[Environment | None, Field(description="Another environment.")] = None
    where: Annotated[Document | None, Field(description="Another segment.")] = None
    as_of: Annotated[Moment | None, Field(description="What was known then.")] = None


class RunsWanted(PageWanted):
    """Which runs are listed."""

    model: Annotated[ModelRef | None, Field(description="Of this model.")] = None
    monitor: Annotated[str | None, Field(pattern=NAME, description="Of this monitor.")] = None
    status: Annotated[RunStatus | None, Field(description="With this status.")] = None
    since: Annotated[Moment | None, Field(description="Windows that end later.")] = None
    until: Annotated[Moment | None, Field(description="Windows that begin earlier.")] = None


class RowsWanted(Asked):
    """Which of the rows behind a violation are shown."""

    limit: Annotated[int, Field(ge=1, le=1000, description="How many on the page.")] = 50
    after: Annotated[
        int, Field(ge=0, le=1 << 40, description="So many are passed over: next_after of the page before.")
    ] = 0
    group: Annotated[int | None, Field(ge=0, le=100, description="Which of the groups that moved.")] = None


class DownloadWanted(Asked):
    """How the rows behind a violation are written."""

    format: Annotated[Literal["csv", "parquet"], Field(description="Of the file.")] = "csv"
    group: Annotated[int | None, Field(ge=0, le=100, description="Which of the groups that moved.")] = None


class ModelMonitor(BaseModel):
    """A monitor of a model."""

    model: str
    name: str
    kind: Kind
    status: MonitorStatus
    version: str | None
    environment: Environment
    where: dict[str, Any]
    settings: dict[str, Any]
    columns: list[str] | None
    label: str | None
    cadence: str | None
    window_seconds: float | None
    delay_seconds: float
    since: datetime | None
    against: dict[str, Any]
    thresholds: dict[str, Any]
    lookback_days: float
    next: Annotated[datetime | None, Field(description="When the next window is planned; null: never.")]
    trouble: Annotated[str | None, Field(description="Why it cannot be planned.")] = None
    baseline: Annotated[dict[str, Any] | None, Field(description="The baseline that is kept: folder, rows, as_of.")] = (
        None
    )
    created: datetime | None
    modified: datetime | None


class ModelRun(BaseModel):
    """A monitor's word on a window."""

    id: str
    model: str
    monitor: str
    kind: Kind
    version: Annotated[str | None, Field(description="Null: all versions.")]
    environment: str
    where: dict[str, Any]
    window_start: datetime
    window_end: datetime
    as_of: Annotated[datetime, Field(description="What came later was not known.")]
    run: Annotated[int, Field(description="Which look at the window it was, from 1.")]
    origin: Annotated[str, Field(description="schedule, now, backfill, late, baseline or rerun.")]
    status: str
    reason: str | None
    violations: int
    rows: int | None
    labelled: Annotated[int | None, Field(description="Rows with a label; null where none are looked for.")]
    created: datetime
    ended: datetime | None


class BrokenConstraint(BaseModel):
    """A violation; `place` is its number."""

    place: int
    subject: str
    check: str
    value: float | None
    limit: float | None
    said: str


class Figure(BaseModel):
    """A number that the run measured."""

    subject: str
    name: str
    value: float | None
    limit: float | None


class Estimate(BaseModel):
    """What labels will probably show, beside what they show."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    realised: float | None
    labelled: int


class ModelRunDetail(ModelRun):
    """A run with what it found; the first 200 violations."""

    broken: list[BrokenConstraint]
    figures: list[Figure]
    estimates: list[Estimate]
    output: Annotated[str | None, Field(description="Where its files are.")]
    baseline: dict[str, Any] | None
    coverage: dict[str, Any] | None


class Result(BaseModel):
    """A window as it was known first, and as it is known now."""

    window_start: datetime
    window_end: datetime
    runs: int
    first: ModelRunDetail
    latest: ModelRunDetail


class Row(BaseModel):
    """A row, where it came from, and its values."""

    file: Annotated[int, Field(description="The number of its file.")]
    uri: str | None
    row: Annotated[int, Field(description="Its place in the file, from 1.")]
    id: str
    time: datetime
    version: str
    values: dict[str, Any]


class MovedGroup(BaseModel):
    """A category, or a bin, with its shares of the baseline and of the window."""

    label: str
    before: float
    now: float
    change: float
    value: str | None
    low: float | None
    high: float | None


class Rows(BaseModel):
    """The rows behind a violation."""

    violation: BrokenConstraint
    said: str
    columns: Annotated[list[str], Field(description="Those to look at.")]
    groups: Annotated[list[MovedGroup], Field(description="Of a drift: what moved, most of all first.")]
    items: list[Row]
    next_after: int | None


class FileAlarm(BaseModel):
    """A run that a file took part in."""

    run: ModelRun
    is_latest: Annotated[bool, Field(description="No later run spoke of the same window.")]
