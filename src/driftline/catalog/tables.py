"""The tables, but for those of alerts and alarms."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from driftline.catalog.columns import Json, Number, key, metadata, moment

VERSION = "0001"
"""The last migration."""

resource = Table(
    "resource",
    metadata,
    key("kind"),
    key("folded"),
    Column("name", String(256), nullable=False),
    Column("arn", String(512), nullable=False),
    Column("space", String(256), nullable=False),
    Column("body", Json, nullable=False),
    Column("status", String(64), nullable=False),
    moment("created"),
    moment("modified"),
    Index("ix_resource_kind_created", "kind", "created"),
)

label = Table(
    "label",
    metadata,
    key("kind"),
    key("folded"),
    key("name"),
    Column("value", String(512), nullable=False),
    ForeignKeyConstraint(["kind", "folded"], ["resource.kind", "resource.folded"], ondelete="CASCADE"),
    Index("ix_label_kind_name_value", "kind", "name", "value"),
)

tag = Table("tag", metadata, Column("arn", String(512), primary_key=True), key("name"), Column("value", String(512)))

due = Table(
    "due",
    metadata,
    key("schedule"),
    moment("at", nullable=True, index=True),
)
"""When a schedule runs next; no time: never again."""

execution = Table(
    "execution",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("schedule", String(256), nullable=False),
    Column("name", String(256), nullable=False),
    moment("scheduled"),
    Column("run", Integer, nullable=False),
    Column("origin", String(16), nullable=False),
    Column("status", String(32), nullable=False),
    moment("created"),
    moment("modified"),
    moment("window_start"),
    moment("window_end"),
    Column("job", String(256)),
    Column("failure_reason", Text),
    Column("exit_message", Text),
    Column("type", String(64)),
    Column("endpoint", String(256)),
    Column("definition", String(256)),
    Column("body", Json, nullable=False),
    Column("found", Json, nullable=False, default=dict),
    UniqueConstraint("schedule", "scheduled", "run"),
    Index("ix_execution_schedule_status", "schedule", "status"),
    Index("ix_execution_created", "created"),
    Index("ix_execution_modified", "modified"),
)
"""`body` is what it was told, `found` what it measured: violations, figures, and where its report is."""

work = Table(
    "work",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("kind", String(32), nullable=False),
    Column("subject", String(256), nullable=False),
    Column("lane", String(256)),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("owner", String(128)),
    moment("lease_until", nullable=True),
    moment("run_after"),
    Index("ix_work_state_run_after", "state", "run_after"),
    Index("ix_work_lane_id", "lane", "id"),
    Index(
        "uq_work_lane_running",
        "lane",
        unique=True,
        sqlite_where=text("state = 'RUNNING'"),
        postgresql_where=text("state = 'RUNNING'"),
    ),
    UniqueConstraint("kind", "subject"),
)

log = Table(
    "log",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("job", String(256), nullable=False, index=True),
    moment("time"),
    Column("line", Text, nullable=False),
)

alert = Table(
    "alert",
    metadata,
    key("schedule"),
    Column("name", String(256), nullable=False),
    Column("status", String(16), nullable=False),
    Column("datapoints", Integer, nullable=False),
    Column("period", Integer, nullable=False),
    moment("created"),
    moment("modified"),
)

alert_change = Table(
    "alert_change",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("schedule", String(256), nullable=False, index=True),
    Column("name", String(256), nullable=False),
    Column("status", String(16), nullable=False),
    Column("body", Json, nullable=False),
    moment("created"),
    moment("told", nullable=True, index=True),
)
"""`body` says which execution flipped the alert and what that found; `told` is when the alert's actions followed."""

traffic = Table(
    "traffic",
    metadata,
    key("endpoint"),
    moment("hour", primary_key=True),
    Column("calls", Number, nullable=False),
    Column("captured", Number, nullable=False),
    Column("dropped", Number, nullable=False),
    Column("reason", Text),
)
"""Calls that came through the server, by hour, and what became of their capture."""

access_key = Table(
    "access_key",
    metadata,
    key("id"),
    Column("secret", String(128), nullable=False),
    Column("note", String(256), nullable=False),
    Column("scopes", Json, nullable=False),
    Column("spaces", Json, nullable=False),
    moment("created"),
)

api_key = Table(
    "api_key",
    metadata,
    key("digest"),
    Column("name", String(256), nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    Column("spaces", Json, nullable=False),
    moment("created"),
)
"""`spaces` are those in which the scopes are allowed; `*` is all, those to come too."""

space = Table("space", metadata, key("name"), Column("ingestion_key", String(64), nullable=False), moment("created"))
"""Each has a value by which the owner of a bucket shows that it may be read."""

credential = Table(
    "credential",
    metadata,
    key("name"),
    Column("space", String(256)),
    Column("body", Json, nullable=False),
    moment("created"),
)
"""How a source is reached: roles, endpoints and references to secrets, never a secret itself; of all spaces, or one."""

model = Table(
    "model",
    metadata,
    key("id"),
    Column("name", String(256), nullable=False),
    Column("space", String(256), nullable=False),
    Column("body", Json, nullable=False),
    moment("created"),
    moment("modified"),
)

model_version = Table(
    "model_version",
    metadata,
    key("model"),
    key("version"),
    Column("type", String(32), nullable=False),
    Column("schema", Json, nullable=False),
    Column("body", Json, nullable=False),
    moment("created"),
    moment("modified"),
    ForeignKeyConstraint(["model"], ["model.id"], ondelete="CASCADE"),
)

import_job = Table(
    "import_job",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("space", String(256), nullable=False),
    Column("model", String(256), nullable=False, index=True),
    Column("version", String(256), nullable=False),
    Column("environment", String(16), nullable=False),
    Column("content", String(16), nullable=False),
    Column("status", String(16), nullable=False, index=True),
    Column("body", Json, nullable=False),
    Column("cursor", Json, nullable=False),
    moment("looked", nullable=True),
    Column("trouble", Text),
    moment("created"),
    moment("modified"),
)
"""`cursor` is how far the listing is, `looked` when it was last listed, `trouble` why that failed."""

import_file = Table(
    "import_file",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("job", String(36), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("uri", Text, nullable=False),
    Column("etag", String(256), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("rows", BigInteger, nullable=False, default=0),
    Column("accepted", BigInteger, nullable=False, default=0),
    Column("rejected", BigInteger, nullable=False, default=0),
    Column("duplicate", BigInteger, nullable=False, default=0),
    Column("batch", Integer),
    Column("body", Json, nullable=False),
    moment("modified", nullable=True),
    moment("first", nullable=True),
    moment("last", nullable=True),
    moment("found"),
    moment("ended", nullable=True),
    UniqueConstraint("job", "digest", "etag"),
    Index("ix_import_file_job_status_number", "job", "status", "number"),
)
"""The ledger: every object that was ever seen, in each of its versions; `digest` is the SHA-256 of its URI."""

import_batch = Table(
    "import_batch",
    metadata,
    key("stream"),
    Column("number", Integer, primary_key=True),
    Column("job", String(36), nullable=False),
    Column("body", Json, nullable=False),
    moment("created"),
    moment("committed", nullable=True),
)
"""What a batch of files will be once it is committed, written before; a stream is the import into one model."""

hour_part = Table(
    "hour_part",
    metadata,
    key("model"),
    key("version"),
    Column("environment", String(16), primary_key=True),
    Column("span", String(8), primary_key=True),
    moment("hour", primary_key=True),
    Column("part", String(64), primary_key=True),
    Column("uri", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
)
"""Profiles of the rows that one batch brought for one hour, or of a whole hour, day or month made of such.

`span` is which of them: `part`, `hour`, `day` or `month`, and `turn` for a row that writers of a month lock.
"""

model_monitor = Table(
    "model_monitor",
    metadata,
    key("model"),
    key("name"),
    Column("kind", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("body", Json, nullable=False),
    moment("next", nullable=True, index=True),
    moment("created"),
    moment("modified"),
    ForeignKeyConstraint(["model"], ["model.id"], ondelete="CASCADE"),
)

model_run = Table(
    "model_run",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("model", String(256), nullable=False),
    Column("monitor", String(256), nullable=False),
    Column("version", String(256), nullable=False),
    Column("environment", String(16), nullable=False),
    moment("window_start"),
    moment("window_end"),
    moment("as_of"),
    Column("run", Integer, nullable=False),
    Column("status", String(32), nullable=False),
    Column("violations", Integer, nullable=False, default=0),
    Column("reason", Text),
    Column("body", Json, nullable=False),
    moment("created"),
    moment("ended", nullable=True),
    UniqueConstraint("model", "monitor", "window_start", "window_end", "run"),
    Index("ix_model_run_model_window_end", "model", "window_end"),
    Index("ix_model_run_model_ended", "model", "ended"),
)
"""A monitor's word on one window, made of what was known at `as_of`; a window may be looked at again, as run 2."""

session = Table(
    "session",
    metadata,
    key("digest"),
    Column("key", String(256), index=True),
    Column("person", String(256)),
    Column("roles", Json),
    moment("until"),
)
"""Who is signed in to the console: the digest of a token, and that of the API key it stands for, or a person.

`roles` are the scopes of a person by space, as the provider of identities told when it signed them in.
"""

audit = Table(
    "audit",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    moment("at", index=True),
    Column("who", String(256), nullable=False),
    Column("interface", String(32), nullable=False),
    Column("operation", String(256), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", String(1024), nullable=False),
    Column("space", String(256)),
    Column("action", String(16), nullable=False),
    Column("change", Json, nullable=False),
    Column("request", String(64), nullable=False),
    Index("ix_audit_who_id", "who", "id"),
    Index("ix_audit_kind_subject_id", "kind", "subject", "id"),
)
"""Who changed what; rows are only ever added, and forgotten when they are old."""
