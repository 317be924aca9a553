"""The tables; times are UTC, JSON is JSONB where there is such a thing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

VERSION = "0001"
"""The last migration."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Json = JSON().with_variant(JSONB(), "postgresql")
Number = BigInteger().with_variant(Integer(), "sqlite")


class Utc(TypeDecorator[datetime]):
    """An aware time, kept in UTC; SQLite forgets the zone and is told again."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database; refuses times without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value}")
        return value.astimezone(UTC) if dialect.name == "postgresql" else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database, which says the zone only where it is PostgreSQL."""
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name == "postgresql" else value.replace(tzinfo=UTC)


def _key(name: str) -> Column[Any]:
    return Column(name, String(256), primary_key=True)


def _time(name: str, **options: Any) -> Column[Any]:
    return Column(name, Utc(), nullable=options.pop("nullable", False), **options)


resource = Table(
    "resource",
    metadata,
    _key("kind"),
    _key("folded"),
    Column("name", String(256), nullable=False),
    Column("arn", String(512), nullable=False),
    Column("body", Json, nullable=False),
    Column("status", String(64), nullable=False),
    _time("created"),
    _time("modified"),
    Index("ix_resource_kind_created", "kind", "created"),
)

label = Table(
    "label",
    metadata,
    _key("kind"),
    _key("folded"),
    _key("name"),
    Column("value", String(512), nullable=False),
    ForeignKeyConstraint(["kind", "folded"], ["resource.kind", "resource.folded"], ondelete="CASCADE"),
    Index("ix_label_kind_name_value", "kind", "name", "value"),
)

tag = Table("tag", metadata, Column("arn", String(512), primary_key=True), _key("name"), Column("value", String(512)))

due = Table(
    "due",
    metadata,
    _key("schedule"),
    _time("at", nullable=True, index=True),
)
"""When a schedule runs next; no time: never again."""

execution = Table(
    "execution",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("schedule", String(256), nullable=False),
    Column("name", String(256), nullable=False),
    _time("scheduled"),
    Column("run", Integer, nullable=False),
    Column("origin", String(16), nullable=False),
    Column("status", String(32), nullable=False),
    _time("created"),
    _time("modified"),
    _time("window_start"),
    _time("window_end"),
    Column("job", String(256)),
    Column("failure_reason", Text),
    Column("exit_message", Text),
    Column("type", String(64)),
    Column("endpoint", String(256)),
    Column("definition", String(256)),
    Column("body", Json, nullable=False),
    UniqueConstraint("schedule", "scheduled", "run"),
    Index("ix_execution_schedule_status", "schedule", "status"),
    Index("ix_execution_created", "created"),
)

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
    _time("lease_until", nullable=True),
    _time("run_after"),
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
    _time("time"),
    Column("line", Text, nullable=False),
)

alert = Table(
    "alert",
    metadata,
    _key("schedule"),
    Column("name", String(256), nullable=False),
    Column("status", String(16), nullable=False),
    Column("datapoints", Integer, nullable=False),
    Column("period", Integer, nullable=False),
    _time("created"),
    _time("modified"),
)

alert_change = Table(
    "alert_change",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("schedule", String(256), nullable=False, index=True),
    Column("name", String(256), nullable=False),
    Column("status", String(16), nullable=False),
    _time("created"),
)

traffic = Table(
    "traffic",
    metadata,
    _key("endpoint"),
    _time("hour", primary_key=True),
    Column("calls", Number, nullable=False),
    Column("captured", Number, nullable=False),
    Column("dropped", Number, nullable=False),
    Column("reason", Text),
)
"""Calls that came through the server, by hour, and what became of their capture."""

access_key = Table(
    "access_key",
    metadata,
    _key("id"),
    Column("secret", String(128), nullable=False),
    Column("note", String(256), nullable=False),
    _time("created"),
)

api_key = Table(
    "api_key",
    metadata,
    _key("digest"),
    Column("name", String(256), nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    _time("created"),
)

space = Table("space", metadata, _key("name"), Column("ingestion_key", String(64), nullable=False), _time("created"))
"""Each has a value by which the owner of a bucket shows that it may be read."""

credential = Table("credential", metadata, _key("name"), Column("body", Json, nullable=False), _time("created"))
"""How a source is reached: roles, endpoints and references to secrets, never a secret itself."""

model = Table(
    "model",
    metadata,
    _key("id"),
    Column("name", String(256), nullable=False),
    Column("space", String(256), nullable=False),
    Column("body", Json, nullable=False),
    _time("created"),
    _time("modified"),
)

model_version = Table(
    "model_version",
    metadata,
    _key("model"),
    _key("version"),
    Column("type", String(32), nullable=False),
    Column("schema", Json, nullable=False),
    Column("body", Json, nullable=False),
    _time("created"),
    _time("modified"),
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
    _time("looked", nullable=True),
    Column("trouble", Text),
    _time("created"),
    _time("modified"),
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
    _time("modified", nullable=True),
    _time("first", nullable=True),
    _time("last", nullable=True),
    _time("found"),
    _time("ended", nullable=True),
    UniqueConstraint("job", "digest", "etag"),
    Index("ix_import_file_job_status_number", "job", "status", "number"),
)
"""The ledger: every object that was ever seen, in each of its versions; `digest` is the SHA-256 of its URI."""

import_batch = Table(
    "import_batch",
    metadata,
    _key("stream"),
    Column("number", Integer, primary_key=True),
    Column("job", String(36), nullable=False),
    Column("body", Json, nullable=False),
    _time("created"),
    _time("committed", nullable=True),
)
"""What a batch of files will be once it is committed, written before; a stream is the import into one model."""

hour_part = Table(
    "hour_part",
    metadata,
    _key("model"),
    _key("version"),
    Column("environment", String(16), primary_key=True),
    Column("span", String(8), primary_key=True),
    _time("hour", primary_key=True),
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
    _key("model"),
    _key("name"),
    Column("kind", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("body", Json, nullable=False),
    _time("next", nullable=True, index=True),
    _time("created"),
    _time("modified"),
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
    _time("window_start"),
    _time("window_end"),
    _time("as_of"),
    Column("run", Integer, nullable=False),
    Column("status", String(32), nullable=False),
    Column("violations", Integer, nullable=False, default=0),
    Column("reason", Text),
    Column("body", Json, nullable=False),
    _time("created"),
    _time("ended", nullable=True),
    UniqueConstraint("model", "monitor", "window_start", "window_end", "run"),
    Index("ix_model_run_model_window_end", "model", "window_end"),
    Index("ix_model_run_model_ended", "model", "ended"),
)
"""A monitor's word on one window, made of what was known at `as_of`; a window may be looked at again, as run 2."""

session = Table(
    "session",
    metadata,
    _key("digest"),
    Column("key", String(256), nullable=False, index=True),
    _time("until"),
)
"""Who is signed in to the console: the digest of a token, and that of the API key it stands for."""

alert_rule = Table(
    "alert_rule",
    metadata,
    _key("model"),
    _key("name"),
    Column("body", Json, nullable=False),
    Column("cursor", Json, nullable=False),
    _time("looked", nullable=True),
    _time("created"),
    _time("modified"),
    ForeignKeyConstraint(["model"], ["model.id"], ondelete="CASCADE"),
)
"""`cursor` has the end of the last window of each monitor that was judged, `looked` when that was."""

alert_state = Table(
    "alert_state",
    metadata,
    _key("model"),
    _key("rule"),
    _key("subject"),
    Column("id", String(36), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("told", String(16), nullable=False),
    Column("number", Integer, nullable=False),
    Column("cause", String(256), nullable=False),
    Column("body", Json, nullable=False),
    Column("acknowledged_by", String(256)),
    _time("acknowledged", nullable=True),
    _time("snoozed", nullable=True),
    _time("since"),
    ForeignKeyConstraint(["model", "rule"], ["alert_rule.model", "alert_rule.name"], ondelete="CASCADE"),
)
"""What a rule says of each subject now: `number` counts its flips, `told` is the state that was last told."""

alert_flip = Table(
    "alert_flip",
    metadata,
    _key("model"),
    _key("rule"),
    _key("subject"),
    Column("number", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("body", Json, nullable=False),
    _time("at"),
    ForeignKeyConstraint(["model", "rule"], ["alert_rule.model", "alert_rule.name"], ondelete="CASCADE"),
)

alert_message = Table(
    "alert_message",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("model", String(256), nullable=False),
    Column("state", String(16), nullable=False),
    Column("body", Json, nullable=False),
    _time("at"),
)

channel = Table(
    "channel",
    metadata,
    _key("name"),
    Column("kind", String(32), nullable=False),
    Column("body", Json, nullable=False),
    _time("created"),
    _time("modified"),
)
"""Where people are told; secrets are references."""

delivery = Table(
    "delivery",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("message", String(36), nullable=False),
    Column("channel", String(256), nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text),
    _time("created"),
    _time("due"),
    _time("ended", nullable=True),
    UniqueConstraint("message", "channel"),
    Index("ix_delivery_status_due", "status", "due"),
    Index("ix_delivery_created", "created"),
)
"""A message to one channel: pending, sent or failed; `due` is when it is tried (again)."""

quiet = Table(
    "quiet",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("model", String(256)),
    Column("note", Text, nullable=False),
    _time("start"),
    _time("until"),
    _time("created"),
)
"""Maintenance: nobody is told of what begins to fire in it, of one model or of all."""

metric = Table(
    "metric",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("namespace", String(256), nullable=False),
    Column("name", String(256), nullable=False),
    Column("dimensions", Json, nullable=False),
    Index("ix_metric_namespace_name", "namespace", "name"),
)
"""A series of numbers; `digest` is the SHA-256 of namespace, name and dimensions."""

metric_sample = Table(
    "metric_sample",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("metric", Number, nullable=False),
    _time("time"),
    Column("unit", String(32), nullable=False),
    Column("count", Float(53), nullable=False),
    Column("sum", Float(53), nullable=False),
    Column("minimum", Float(53), nullable=False),
    Column("maximum", Float(53), nullable=False),
    Column("values", Json),
    ForeignKeyConstraint(["metric"], ["metric.id"], ondelete="CASCADE"),
    Index("ix_metric_sample_metric_time", "metric", "time"),
    Index("ix_metric_sample_time", "time"),
)
"""What was told of a metric at a moment; `values` are pairs of a value and how often it came, where they are known."""

alarm = Table(
    "alarm",
    metadata,
    _key("name"),
    Column("body", Json, nullable=False),
    Column("state", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("turn", Integer, nullable=False),
    _time("changed"),
    _time("flipped"),
    _time("modified"),
    _time("due", index=True),
)
"""`due` is when it is judged next; `turn` counts states and configurations: who judged an older one changes nothing."""

alarm_event = Table(
    "alarm_event",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("alarm", String(256), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("summary", Text, nullable=False),
    Column("data", Text, nullable=False),
    _time("time", index=True),
)

topic = Table("topic", metadata, _key("arn"), Column("body", Json, nullable=False), _time("created"))

subscription = Table(
    "subscription",
    metadata,
    Column("arn", String(512), primary_key=True),
    Column("topic", String(256), nullable=False),
    Column("protocol", String(16), nullable=False),
    Column("endpoint", String(2048), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("token", String(64), nullable=False, unique=True),
    Column("confirmed", Integer, nullable=False),
    Column("body", Json, nullable=False),
    _time("created"),
    UniqueConstraint("topic", "protocol", "digest"),
    ForeignKeyConstraint(["topic"], ["topic.arn"], ondelete="CASCADE"),
)
"""Who is told what is published; `digest` is the SHA-256 of the endpoint, `confirmed` 1 once its owner said yes."""

notice = Table(
    "notice",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("subscription", String(512), nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text),
    Column("body", Json, nullable=False),
    _time("created", index=True),
    _time("ended", nullable=True),
    ForeignKeyConstraint(["subscription"], ["subscription.arn"], ondelete="CASCADE"),
)
"""One publication on its way to one subscription: pending, sent or failed."""
