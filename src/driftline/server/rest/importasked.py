"""What requests say of import jobs and their files."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import Path as InPath
from pydantic import Field, Json

from driftline.imports.job import Content, FileStatus, ImportJob, JobStatus, Place, Policies
from driftline.imports.making import Wanted
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Environment, ModelType, Role
from driftline.server.rest.asked import Asked, Document, Text
from driftline.server.rest.registered import Named, SchemaValue

JobId = Annotated[
    str,
    InPath(
        pattern=r"^[0-9a-f]{4}[0-9a-f-]{0,32}$", description="The job's id, or at least the first four digits of it."
    ),
]
FileNumber = Annotated[int, InPath(ge=1, le=1 << 53, description="The number of the file, its own among all jobs.")]
Column = Annotated[Text, Field(min_length=1, max_length=1024)]
URI = Annotated[Text, Field(min_length=1, max_length=4096)]

Format = Literal["csv", "jsonlines", "json", "parquet", "avro", "arrow", "capture", "ground_truth"]

TIB = 1 << 40


class ColumnsValue(Asked):
    """Which column is what; a field that is not mentioned is in the column of its own name."""

    id: Annotated[Column | None, Field(description="The column of the row's id, unique for each prediction.")] = None
    timestamp: Annotated[Column | None, Field(description="Of the row's time; without one, that of its import.")] = None
    version: Annotated[Column | None, Field(description="Of the model version.")] = None
    batch: Annotated[Column | None, Field(description="Of the batch.")] = None
    fields: Annotated[
        dict[Column, Column], Field(max_length=10_000, default_factory=dict, description="Columns of fields: by field.")
    ]
    prefixes: Annotated[
        dict[Role, Column],
        Field(default_factory=dict, description="By role: columns that begin so are fields, named without it."),
    ]
    lists: Annotated[
        dict[Role, Annotated[list[Column], Field(max_length=10_000)]],
        Field(default_factory=dict, description="By role: the columns that are fields of it."),
    ]
    exclude: Annotated[
        list[Column], Field(max_length=10_000, default_factory=list, description="Columns that are nothing.")
    ]

    def columns(self) -> Columns:
        """As they are kept."""
        told = self.model_dump(mode="json")
        return Columns(**{**told, "lists": {role: tuple(names) for role, names in told["lists"].items()}})


class PoliciesValue(Asked):
    """What is done with what is doubtful."""

    rewritten: Annotated[
        Literal["reject", "replace"], Field(description="A file of a name that was read, with other bytes.")
    ] = "reject"
    duplicates: Annotated[Literal["first", "last"], Field(description="Which of two rows with one id counts.")] = "last"
    max_file_bytes: Annotated[int, Field(ge=1, le=TIB, description="Larger files fail.")] = 1 << 30
    max_rejected_ratio: Annotated[
        float, Field(ge=0, le=1, allow_inf_nan=False, description="A file fails of which more is rejected.")
    ] = 1.0
    past_days: Annotated[float, Field(ge=0, le=36525, allow_inf_nan=False, description="How old rows may be.")] = (
        5 * 365.25
    )
    ahead_days: Annotated[
        float, Field(ge=0, le=36525, allow_inf_nan=False, description="How far ahead of now a row's time may be.")
    ] = 365.25
    poll_seconds: Annotated[
        float, Field(ge=1, le=86400, allow_inf_nan=False, description="How often new files are looked for.")
    ] = 10.0

    def policies(self, before: Policies | None = None) -> Policies:
        """As they are kept; what is not given is as it was before."""
        return replace(before or Policies(), **self.model_dump(exclude_unset=True))


class ReadingValue(Asked):
    """How files are read."""

    format: Annotated[Text | None, Field(max_length=64, description="csv, parquet, ...; recognised if not given.")] = (
        None
    )
    settings: Annotated[Document, Field(default_factory=dict, description="Of the format: header, separator, ...")]
    select: Annotated[
        list[Annotated[Text, Field(max_length=10_000)]],
        Field(default_factory=list, max_length=1000, description="Spark SQL expressions that make the columns."),
    ]
    include: Annotated[
        list[Annotated[Text, Field(max_length=1024)]],
        Field(default_factory=list, max_length=100, description="Globs below the path; other files are skipped."),
    ]


class ImportWanted(ReadingValue):
    """An import job to be made, or tried."""

    uri: Annotated[URI, Field(description="Where the files are: s3://bucket/prefix/, a console's address, a folder.")]
    model: Annotated[Named, Field(description="The model that they are of.")]
    version: Annotated[Named, Field(description="Its version.")]
    create: Annotated[bool, Field(description="Make model and version if they are not there.")] = False
    type: Annotated[
        ModelType | None, Field(description="Of a version that is made; told from the files if not given.")
    ] = None
    schema_: Annotated[
        SchemaValue | None, Field(alias="schema", description="The fields of a version that has none yet.")
    ] = None
    columns: ColumnsValue = ColumnsValue.model_validate({})
    content: Annotated[Content | None, Field(description="What the files hold; told from them if not given.")] = None
    environment: Annotated[Environment, Field(description="Where their rows come from.")] = Environment.PRODUCTION
    batch: Annotated[Named | None, Field(description="The batch of all rows, which validation sets need.")] = None
    credentials: Annotated[Named | None, Field(description="Named credentials, if the server's own do not do.")] = None
    events: Annotated[
        Text | None, Field(max_length=2000, description="What tells of new files: the URL of a queue, or webhook.")
    ] = None
    policies: PoliciesValue = PoliciesValue()

    def wanted(self) -> Wanted:
        """As it is made or tried; raises `Invalid`."""
        place = Place(
            self.uri, self.format, self.settings, tuple(self.select), self.credentials, tuple(self.include), self.events
        )
        job = ImportJob(
            "",
            self.model,
            self.version,
            place,
            self.columns.columns(),
            environment=self.environment,
            batch=self.batch,
            policies=self.policies.policies(),
        )
        schema = None if self.schema_ is None else self.schema_.schema_()
        return Wanted(job, self.content, self.create or self.type is not None, self.type, schema)


class TryWanted(ImportWanted):
    """An import job to be tried on some rows of a file."""

    file: Annotated[URI | None, Field(description="The file; the first one if not given.")] = None
    rows: Annotated[int, Field(ge=1, le=100_000, description="How many rows are tried.")] = 1000


class CreateWanted(ImportWanted):
    """An import job to be made."""

    check: Annotated[bool, Field(description="Try it first, and refuse it if that fails.")] = True


class ImportChange(Asked):
    """What of a job is to change; where its files are, its model and environment stay."""

    columns: ColumnsValue | None = None
    policies: PoliciesValue | None = None
    reading: ReadingValue | None = None


class ImportsWanted(Asked):
    """Which import jobs are listed, the latest first."""

    limit: Annotated[int, Field(ge=1, le=1000, description="How many on the page.")] = 20
    token: Annotated[str | None, Field(max_length=2000, description="next_token of the page before.")] = None
    search: Annotated[Text | None, Field(max_length=256, description="Part of model, version or id.")] = None
    model: Annotated[Named | None, Field(description="Into this model.")] = None
    space: Annotated[Named | None, Field(description="Of this space.")] = None
    status: Annotated[JobStatus | None, Field(description="With this status.")] = None
    environment: Annotated[Environment | None, Field(description="With rows of this environment.")] = None


class FilesWanted(Asked):
    """Which files of a job are listed, in the order in which they were found."""

    limit: Annotated[int, Field(ge=1, le=1000, description="How many on the page.")] = 50
    token: Annotated[str | None, Field(pattern=r"^\d{1,15}$", description="next_token of the page before.")] = None
    status: Annotated[FileStatus | None, Field(description="With this status.")] = None


class UploadWanted(Asked):
    """What the bytes of an upload are; the same bytes for the same again change nothing."""

    version: Annotated[Named, Field(description="The model's version.")] = "v1"
    name: Annotated[Text, Field(max_length=256, description="The name of the file, by which its format is known.")] = ""
    format: Annotated[Format | None, Field(description="Its format, if its name does not tell.")] = None
    content: Annotated[Content, Field(description="What it holds.")] = Content.PREDICTIONS
    environment: Annotated[Environment, Field(description="Where its rows come from.")] = Environment.PRODUCTION
    columns: Annotated[Json[ColumnsValue] | None, Field(description="Which column is what: a JSON object.")] = None


class RejectsWanted(Asked):
    """Which rejected rows of a file are shown."""

    limit: Annotated[int, Field(ge=1, le=1000, description="How many on the page.")] = 20
    token: Annotated[str | None, Field(pattern=r"^\d{1,9}$", description="next_token of the page before.")] = None
