"""An import job as a value: from where, into which model, read how, and by which policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from driftline.errors import Invalid
from driftline.schemas.columns import Columns
from driftline.schemas.faults import Fault
from driftline.schemas.fields import Environment, ModelSchema

GIB = 1 << 30


class Content(StrEnum):
    """What the files of a job hold."""

    PREDICTIONS = "predictions"
    ACTUALS = "actuals"
    BOTH = "both"


class JobStatus(StrEnum):
    """Whether a job looks for files; deleted ones are kept to be seen."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    DELETED = "deleted"


class FileStatus(StrEnum):
    """How far a file is; every one that was ever seen has one of these."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Place:
    """Where the files are: a prefix, folder or single object, and how they are read.

    `settings` are those of the format (`header`, `separator`, ...), `select` are Spark SQL expressions. `credentials`
    is the name of credentials that are kept apart. `include` are globs below the prefix, all if there are none.
    `events` is where the store tells of new objects: the URL of a queue like SQS's, or `webhook`; the prefix is then
    listed only now and then.
    """

    uri: str
    format: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    select: tuple[str, ...] = ()
    credentials: str | None = None
    include: tuple[str, ...] = ()
    events: str | None = None


@dataclass(frozen=True)
class Policies:
    """What is done with what is doubtful.

    `rewritten` files, the same name with other bytes, are refused (`reject`) or take the place of their rows
    (`replace`). Of rows with one id the `first` or the `last` counts. `past_days` and `ahead_days` are how far in the
    past and the future a time may lie. A file over `max_file_bytes` fails, and one of which more than
    `max_rejected_ratio` of the rows, in [0, 1], are rejected.
    """

    rewritten: str = "reject"
    duplicates: str = "last"
    max_file_bytes: int = GIB
    max_rejected_ratio: float = 1.0
    past_days: float = 5 * 365.25
    ahead_days: float = 365.25
    poll_seconds: float = 10.0

    def __post_init__(self) -> None:
        """Raises `Invalid` for a policy that does not exist."""
        if self.rewritten not in ("reject", "replace"):
            raise Invalid(what="rewritten", got=self.rewritten, expected="reject or replace")
        if self.duplicates not in ("first", "last"):
            raise Invalid(what="duplicates", got=self.duplicates, expected="first or last")


@dataclass(frozen=True)
class ImportJob:
    """A job; `id` and `created` are given when it is made."""

    id: str
    model: str
    version: str
    place: Place
    columns: Columns = field(default_factory=Columns)
    content: Content = Content.PREDICTIONS
    environment: Environment = Environment.PRODUCTION
    batch: str | None = None
    policies: Policies = field(default_factory=Policies)
    space: str = "default"
    status: JobStatus = JobStatus.ACTIVE
    created: datetime | None = None
    modified: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """What of it is kept as JSON: place, columns, policies and batch."""
        return {
            "place": asdict(self.place),
            "columns": self.columns.to_dict(),
            "policies": asdict(self.policies),
            "batch": self.batch,
        }


@dataclass(frozen=True)
class ImportFile:
    """A file in the ledger of a job: `rows` = `accepted` + `rejected` + `duplicate`, always.

    `number` is its own among all files of all jobs. `first` and `last` are the earliest and latest times in it.
    """

    number: int
    job: str
    uri: str
    etag: str
    size: int
    status: FileStatus
    found: datetime
    modified: datetime | None = None
    attempts: int = 0
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicate: int = 0
    first: datetime | None = None
    last: datetime | None = None
    ended: datetime | None = None
    seconds: float = 0.0
    faults: tuple[Fault, ...] = ()
    batch: int | None = None


def content_of(schema: ModelSchema, found: frozenset[str]) -> Content:
    """What files with these fields hold: predictions, their actuals, or both."""
    late, early = {each.name for each in schema.late}, {each.name for each in schema.early}
    if not found & early:
        return Content.ACTUALS
    return Content.BOTH if found & late else Content.PREDICTIONS
