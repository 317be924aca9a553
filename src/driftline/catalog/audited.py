"""What of the catalog is audited: each table whose rows somebody defines, what a row is called, and what it hides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from driftline.catalog import alerttables as a
from driftline.catalog import tables as t
from driftline.catalog.columns import Utc

DEFAULT = "default"
"""The space of SageMaker's resources."""
_TURNS = ("cursor", "turn", "trouble", "told", "number")
"""Columns by which the machinery keeps its place; times of rows are no part of a definition either."""


@dataclass(frozen=True)
class Audited:
    """What a row of a table is called: a kind, or the column that has it, and the columns of its id.

    `hidden` columns are named in a change, never shown. `space` is that of rows which neither have one nor belong to a
    model; None: of the whole installation.
    """

    kind: str
    id: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    space: str | None = None

    def kind_of(self, row: Mapping[str, Any]) -> str:
        """The kind of a row."""
        return str(row.get(self.kind, self.kind))

    def id_of(self, row: Mapping[str, Any]) -> str:
        """The id of a row, as paths have it."""
        return "/".join(str(row[name]) for name in self.id)

    def shown(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row without what is hidden."""
        return {name: value for name, value in row.items() if name not in self.hidden}


AUDITED: Mapping[Table, Audited] = {
    t.resource: Audited("kind", ("name",), space=DEFAULT),
    t.tag: Audited("tag", ("arn", "name"), space=DEFAULT),
    t.execution: Audited("execution", ("id",), space=DEFAULT),
    t.alert: Audited("schedule alert", ("schedule", "name"), space=DEFAULT),
    t.access_key: Audited("access key", ("id",), ("secret",)),
    t.api_key: Audited("API key", ("name",), ("digest",)),
    t.space: Audited("space", ("name",), ("ingestion_key",)),
    t.credential: Audited("credentials", ("name",)),
    t.model: Audited("model", ("id",)),
    t.model_version: Audited("model version", ("model", "version")),
    t.import_job: Audited("import job", ("id",)),
    t.model_monitor: Audited("monitor", ("model", "name")),
    t.model_run: Audited("run", ("id",)),
    a.alert_rule: Audited("alert rule", ("model", "name")),
    a.alert_state: Audited("alert", ("id",)),
    a.channel: Audited("channel", ("name",)),
    a.quiet: Audited("maintenance", ("id",)),
    a.alarm: Audited("alarm", ("name",), space=DEFAULT),
    a.topic: Audited("topic", ("arn",), space=DEFAULT),
    a.subscription: Audited("subscription", ("arn",), ("token", "digest"), space=DEFAULT),
}
UNAUDITED: Mapping[Table, str] = {
    t.label: "values of resources once more, to look them up by",
    t.due: "made of the schedule",
    t.work: "the queue",
    t.log: "what jobs printed",
    t.alert_change: "what became of an alert by itself",
    t.traffic: "counts of calls",
    t.import_file: "files as they are found and read",
    t.import_batch: "rows on their way",
    t.hour_part: "made of rows",
    t.session: "who is signed in",
    t.audit: "the log itself",
    a.alert_flip: "what became of an alert by itself",
    a.alert_message: "what is told of it",
    a.delivery: "on its way to a channel",
    a.metric: "a name of what is told",
    a.metric_sample: "numbers that are told",
    a.alarm_event: "what became of an alarm by itself",
    a.notice: "on its way to a subscription",
}
"""Why no row of these is audited. An order that changes only such is audited as an order, without a difference."""


_MEANT = ("acknowledged", "snoozed", "start", "until", "window_start", "window_end", "scheduled")
"""Times that somebody chose."""


def defining(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row without times and what else the machinery keeps for itself."""
    times = {column.name for column in table.c if isinstance(column.type, Utc) and column.name not in _MEANT}
    return {name: value for name, value in row.items() if name not in times and name not in _TURNS}
