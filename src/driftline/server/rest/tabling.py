"""What requests say of a model's tables and their rows, and what the answers show of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, Field

from driftline.imports.clearing import Kind
from driftline.schemas.fields import Environment
from driftline.server.rest.asked import Asked, Moment, Text
from driftline.server.rest.registered import Named

OrderId = Annotated[str, Path(pattern=r"^[0-9a-f]{8}-[0-9a-f-]{27}$", description="The order's id.")]

Id = Annotated[Text, Field(min_length=1, max_length=512)]


class ForgetWanted(Asked):
    """Whose rows are to go."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=10_000, description="Ids of predictions.")]


class RetainWanted(Asked):
    """Which rows are to go."""

    before: Annotated[Moment, Field(description="Rows of days before the day of this time, in UTC, go.")]


class HistoryWanted(Asked):
    """Which table's history is shown."""

    version: Annotated[Named | None, Field(description="Of this version's inferences; of the actuals if none.")] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="How many versions of the table at most.")] = 20


class TableRowsWanted(Asked):
    """Which rows of a model version are shown."""

    version: Annotated[Named, Field(description="Of this version of the model.")]
    environment: Annotated[Environment, Field(description="Of this environment.")] = Environment.PRODUCTION
    since: Annotated[Moment | None, Field(description="From this time on.")] = None
    until: Annotated[Moment | None, Field(description="Before this time.")] = None
    id: Annotated[Id | None, Field(description="With this id.")] = None
    file: Annotated[int | None, Field(ge=1, le=1 << 53, description="Of the file with this number.")] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="How many on the page.")] = 20
    token: Annotated[str | None, Field(pattern=r"^\d{1,5}$", description="next_token of the page before.")] = None


class TableShown(BaseModel):
    """A table of a model, an open one in Delta's format: other tools read it where it lies."""

    kind: Annotated[str, Field(description="inferences, of one version; actuals, of all.")]
    version: Annotated[str | None, Field(description="The model version whose inferences they are.")]
    uri: str
    snapshot: Annotated[int | None, Field(description="The newest version of the table; null: nothing is in it yet.")]
    files: int
    bytes: int


class Snapshot(BaseModel):
    """A version of a table, which can be read as long as it is kept."""

    snapshot: int
    made: datetime
    operation: str
    told: Annotated[dict[str, Any], Field(description="What was said of it: the batch, the files.")]


class TableRow(BaseModel):
    """A row of a table of inferences, and where it came from."""

    id: str
    time: datetime
    file: Annotated[int, Field(description="The number of its file.")]
    row: Annotated[int, Field(description="Its place in the file, from 1.")]
    values: dict[str, Any]


class Clearing(BaseModel):
    """What is done with the tables of a model, in turn with its imports."""

    id: str
    model: str
    kind: Kind
    job: Annotated[str | None, Field(description="The job whose rows a purge takes out.")]
    before: datetime | None
    asked: datetime
    ended: Annotated[datetime | None, Field(description="Null while it waits or is being done.")]
    reason: Annotated[str | None, Field(description="Why it could not be carried out; null if it was.")]
    rows: Annotated[int, Field(description="How many rows went.")]
    files: Annotated[int, Field(description="How many files went.")]
