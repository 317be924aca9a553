"""The tables of alerts, alarms and of what is told of them."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKeyConstraint, Index, Integer, String, Table, Text, UniqueConstraint

from driftline.catalog.columns import Json, Number, key, metadata, moment

alert_rule = Table(
    "alert_rule",
    metadata,
    key("model"),
    key("name"),
    Column("body", Json, nullable=False),
    Column("cursor", Json, nullable=False),
    moment("looked", nullable=True),
    moment("created"),
    moment("modified"),
)
"""`cursor` has the end of the last window of each monitor that was judged, `looked` when that was.

`model` is empty for rules of schedules, so it refers to no table; the rules of a model go when it goes.
"""

alert_state = Table(
    "alert_state",
    metadata,
    key("model"),
    key("rule"),
    key("subject"),
    Column("id", String(36), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("told", String(16), nullable=False),
    Column("number", Integer, nullable=False),
    Column("cause", String(256), nullable=False),
    Column("body", Json, nullable=False),
    Column("acknowledged_by", String(256)),
    moment("acknowledged", nullable=True),
    moment("snoozed", nullable=True),
    moment("since"),
    ForeignKeyConstraint(["model", "rule"], ["alert_rule.model", "alert_rule.name"], ondelete="CASCADE"),
)
"""What a rule says of each subject now: `number` counts its flips, `told` is the state that was last told."""

alert_flip = Table(
    "alert_flip",
    metadata,
    key("model"),
    key("rule"),
    key("subject"),
    Column("number", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("body", Json, nullable=False),
    moment("at", index=True),
    ForeignKeyConstraint(["model", "rule"], ["alert_rule.model", "alert_rule.name"], ondelete="CASCADE"),
)

alert_message = Table(
    "alert_message",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("model", String(256), nullable=False),
    Column("state", String(16), nullable=False),
    Column("body", Json, nullable=False),
    moment("at"),
    Index("ix_alert_message_model_at", "model", "at"),
)

channel = Table(
    "channel",
    metadata,
    key("name"),
    Column("kind", String(32), nullable=False),
    Column("body", Json, nullable=False),
    moment("created"),
    moment("modified"),
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
    moment("created"),
    moment("due"),
    moment("ended", nullable=True),
    UniqueConstraint("message", "channel"),
    Index("ix_delivery_status_due", "status", "due"),
    Index("ix_delivery_created", "created"),
    Index("ix_delivery_channel_created", "channel", "created"),
)
"""A message to one channel: pending, sent or failed; `due` is when it is tried (again)."""

quiet = Table(
    "quiet",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("model", String(256)),
    Column("note", Text, nullable=False),
    moment("start"),
    moment("until"),
    moment("created"),
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
    moment("time"),
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
    key("name"),
    Column("body", Json, nullable=False),
    Column("state", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("turn", Integer, nullable=False),
    moment("changed"),
    moment("flipped"),
    moment("modified"),
    moment("due", index=True),
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
    moment("time", index=True),
)

topic = Table(
    "topic",
    metadata,
    Column("arn", String(512), primary_key=True),
    Column("body", Json, nullable=False),
    moment("created"),
)

subscription = Table(
    "subscription",
    metadata,
    Column("arn", String(640), primary_key=True),
    Column("topic", String(512), nullable=False),
    Column("protocol", String(16), nullable=False),
    Column("endpoint", String(2048), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("token", String(64), nullable=False, unique=True),
    Column("confirmed", Integer, nullable=False),
    Column("body", Json, nullable=False),
    moment("created"),
    UniqueConstraint("topic", "protocol", "digest"),
    ForeignKeyConstraint(["topic"], ["topic.arn"], ondelete="CASCADE"),
)
"""Who is told what is published; `digest` is the SHA-256 of the endpoint, `confirmed` 1 once its owner said yes."""

notice = Table(
    "notice",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("subscription", String(640), nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text),
    Column("body", Json, nullable=False),
    moment("created", index=True),
    moment("ended", nullable=True),
    ForeignKeyConstraint(["subscription"], ["subscription.arn"], ondelete="CASCADE"),
)
"""One publication on its way to one subscription: pending, sent or failed."""
