"""What the answers show of import jobs and their files."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from driftline.imports.job import Content, FileStatus, JobStatus
from driftline.schemas.fields import Environment, ModelType
from driftline.server.rest.importasked import PoliciesValue
from driftline.server.rest.registered import FieldValue, SchemaValue


class Counts(BaseModel):
    """How far a job is; `rows` = `accepted` + `rejected` + `duplicate`."""

    pending: Annotated[int, Field(description="Files that wait.")]
    done: Annotated[int, Field(description="Files that were read.")]
    failed: Annotated[int, Field(description="Files that could not be.")]
    skipped: Annotated[int, Field(description="Objects that are no data.")]
    rows: Annotated[int, Field(description="Rows of the files that were read.")]
    accepted: int
    rejected: int
    duplicate: int


class Import(BaseModel):
    """An import job."""

    id: str
    model: str
    version: str
    space: str
    uri: str
    content: Content
    environment: Environment
    batch: str | None
    status: Annotated[JobStatus, Field(description="active, inactive (paused) or deleted.")]
    counts: Counts
    created: datetime
    modified: datetime


class ImportDetail(Import):
    """An import job, how its files are read and how it fares."""

    type: Annotated[ModelType | None, Field(description="What the model predicts.")]
    format: str | None
    settings: dict[str, Any]
    select: list[str]
    include: list[str]
    credentials: str | None
    events: str | None
    columns: dict[str, Any]
    policies: PoliciesValue
    looked: Annotated[datetime | None, Field(description="When it last looked for files.")]
    listed: Annotated[bool, Field(description="Whether all files that were there when it began have been found.")]
    trouble: Annotated[str | None, Field(description="Why it could not.")]


class Fault(BaseModel):
    """Why a file failed, or why rows of it were rejected."""

    code: Annotated[str, Field(description="A stable word for programs.")]
    message: str
    row: Annotated[int | None, Field(description="The first such row, from 1.")]
    column: str | None
    value: str | None
    count: Annotated[int, Field(description="How many rows.")]
    rows: Annotated[list[int], Field(description="The first of these rows.")]
    field: Annotated[str | None, Field(description="The field to edit in the schema or columns, which mends it.")]


class File(BaseModel):
    """A file in the ledger; `rows` = `accepted` + `rejected` + `duplicate`."""

    number: Annotated[int, Field(description="Its own among all files of all jobs.")]
    job: str
    uri: str
    etag: str
    size: int
    status: FileStatus
    found: datetime
    modified: datetime | None
    attempts: int
    rows: int
    accepted: int
    rejected: int
    duplicate: int
    first: Annotated[datetime | None, Field(description="The earliest time of its rows.")]
    last: Annotated[datetime | None, Field(description="The latest time of its rows.")]
    ended: datetime | None
    seconds: Annotated[float, Field(description="How long reading took.")]
    faults: list[Fault]


class Reject(BaseModel):
    """A row that was rejected."""

    row: Annotated[int | None, Field(description="Its place in the file, from 1.")]
    code: Annotated[str, Field(description="A stable word for programs.")]
    reason: str
    values: Annotated[dict[str, str | None], Field(description="Its columns, as text.")]


class Use(BaseModel):
    """What a column of a file becomes."""

    column: str
    becomes: Annotated[
        str, Field(description="A role of a field, id, timestamp, version, batch, excluded or unmapped.")
    ]
    field: Annotated[str | None, Field(description="The field that it is.")]
    kind: Annotated[str, Field(description="The field's kind, or the type that the column has in the file.")]
    samples: Annotated[list[str], Field(description="Values that are there.")]


class DryRun(BaseModel):
    """What an import job would make of some rows of a file."""

    status: Annotated[str, Field(description="passed or failed; rejected rows alone do not make it fail.")]
    file: Annotated[str | None, Field(description="The file that was tried.")]
    format: str | None
    content: Annotated[Content, Field(description="What the files hold.")]
    type: Annotated[ModelType | None, Field(description="What the model seems to predict.")]
    rows: Annotated[int, Field(description="Rows that were tried.")]
    accepted: int
    rejected: int
    columns: Annotated[list[Use], Field(description="Which column becomes what, with values of it.")]
    missing: Annotated[list[FieldValue], Field(description="Fields of the schema that the file does not have.")]
    schema_: Annotated[SchemaValue, Field(alias="schema", description="The schema that the version would have.")]
    faults: Annotated[list[Fault], Field(description="What is wrong with the file or its rows.")]
    warnings: Annotated[list[Fault], Field(description="What is odd about its columns.")]
    seconds: Annotated[float, Field(description="How long it took.")]
