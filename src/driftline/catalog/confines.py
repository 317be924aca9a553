"""Whoever may see and change only some spaces: each statement of such a transaction is confined to rows of these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import (
    Alias,
    BindParameter,
    ColumnElement,
    Connection,
    Delete,
    FromClause,
    Insert,
    Join,
    Select,
    Table,
    Update,
    and_,
    false,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.sql import visitors

from driftline.catalog import alerttables as told
from driftline.catalog import tables as kept
from driftline.errors import Denied

DEFAULT = "default"
"""The space of all that SageMaker's own API makes."""
OPTION = "confines"
"""The option of a connection or a statement that holds its confines."""

Spaces = frozenset[str]
Rows = Callable[[Any, Spaces, bool], ColumnElement[bool]]
"""Which rows are of these spaces, by columns of the table; the last argument: with those that all spaces share."""


@dataclass(frozen=True)
class Confines:
    """The spaces that a caller may see, and those of which it may change things; None: all."""

    seen: Spaces | None = None
    changed: Spaces | None = None

    def __bool__(self) -> bool:
        """Whether anything is kept from the caller."""
        return self.seen is not None or self.changed is not None


def confine(
    tx: Connection, statement: Any, multiple: Any, single: Any, options: Mapping[str, Any]
) -> tuple[Any, Any, Any]:
    """The statement, confined to what the confines of the transaction let through, if it has some.

    Rows that may not be seen are as if they were not there. Raises `Denied` for a change of rows that may only be seen.
    """
    confines: Confines | None = options.get(OPTION)
    if confines:
        if confines.changed is not None:
            _refuse(tx, statement, multiple or ([single] if single else []), confines)
        if confines.seen is not None:
            statement = _seen(statement, confines.seen)
    return statement, multiple, single


def _seen(statement: Any, spaces: Spaces) -> Any:
    """The statement with a condition for each of its tables, in all selects within it too."""

    def select_less(found: Select[Any]) -> None:
        found._where_criteria += tuple(_conditions(found.get_final_froms(), spaces))

    def change_less(found: Any) -> None:
        found._where_criteria += tuple(_conditions([found.table], spaces))

    changes = {"select": select_less, "update": change_less, "delete": change_less}
    return visitors.cloned_traverse(statement, {}, changes)


def _conditions(sources: Any, spaces: Spaces) -> Iterator[ColumnElement[bool]]:
    for each in sources:
        if isinstance(each, Join):
            yield from _conditions([each.left, each.right], spaces)
        elif (table := _table_of(each)) is not None and table.name in ROWS:
            yield ROWS[table.name](each.c, spaces, True)


def _table_of(source: FromClause) -> Table | None:
    found = source.element if isinstance(source, Alias) else source
    return found if isinstance(found, Table) else None


def _refuse(tx: Connection, statement: Any, given: Any, confines: Confines) -> None:
    """Raise `Denied` if a row that the statement would change or make is of a space that may not be changed."""
    table = statement.table if isinstance(statement, Insert | Update | Delete) else None
    if not isinstance(table, Table) or table.name not in ROWS:
        return
    rows, changed, c = ROWS[table.name], confines.changed or frozenset(), table.c
    made = [] if isinstance(statement, Delete) else _made(statement, given)
    checks = [select(not_(rows(_columns(each), changed, False))) for each in made]
    if not isinstance(statement, Insert):
        seen = true() if confines.seen is None else rows(c, confines.seen, True)
        theirs = [*statement._where_criteria, seen, not_(rows(c, changed, False))]
        checks.append(select(select(literal(1)).select_from(table).where(*theirs).exists()))
    if any(tx.execute(each, execution_options={OPTION: None}).scalar() for each in checks):
        raise refused()


def refused() -> Denied:
    """The error of a change where nothing may be changed."""
    remedy = "Ask for the role of an editor, or of an administrator, in that space."
    return Denied(
        action="change", resource="what is in another space, or in one that you may only see", remedy=remedy
    )  # fmt: skip


def _made(statement: Insert | Update, given: Any) -> list[dict[str, Any]]:
    """What rows say of their space once the statement is done; nothing for changes of other columns."""
    own = {
        getattr(name, "key", name): bound.value for name, bound in (statement._values or {}).items() if _is_said(bound)
    }
    values = given if isinstance(statement, Insert) and given else [own]
    parts = [name for name in _PARTS if name in statement.table.c]
    if isinstance(statement, Update) and not set(own) & {"space"}:
        return []
    return [dict(each) for each in {tuple((name, one.get(name)) for name in parts) for one in values}]


def _is_said(bound: Any) -> bool:
    return isinstance(bound, BindParameter)


_PARTS = ("space", "model", "job", "name", "message", "kind", "folded")
"""The columns by which a row shows of which space it is."""


def _columns(values: Mapping[str, Any]) -> Any:
    """Values in the place of the columns of a row."""
    return SimpleNamespace(**{name: literal(value, kept.model.c.id.type) for name, value in values.items()})


def _own(c: Any, spaces: Spaces, _shared: bool) -> ColumnElement[bool]:
    found: ColumnElement[bool] = c.space.in_(sorted(spaces))
    return found


def _named(c: Any, spaces: Spaces, _shared: bool) -> ColumnElement[bool]:
    found: ColumnElement[bool] = c.name.in_(sorted(spaces))
    return found


def _shared(c: Any, spaces: Spaces, shared: bool) -> ColumnElement[bool]:
    return (
        or_(c.space.is_(None), _own(c, spaces, shared))
        if shared
        else and_(c.space.is_not(None), _own(c, spaces, shared))
    )


def _of_resource(c: Any, spaces: Spaces, shared: bool) -> ColumnElement[bool]:
    r = kept.resource.c
    return select(r.name).where(r.kind == c.kind, r.folded == c.folded, _own(r, spaces, shared)).exists()


def _of_model(c: Any, spaces: Spaces, shared: bool) -> ColumnElement[bool]:
    models = select(kept.model.c.id).where(_own(kept.model.c, spaces, shared))
    found: ColumnElement[bool] = c.model.in_(models)
    return found


def _of_model_or_schedules(c: Any, spaces: Spaces, shared: bool) -> ColumnElement[bool]:
    """Alerts of no model are those of SageMaker's schedules."""
    found = _of_model(c, spaces, shared)
    return or_(c.model == "", found) if DEFAULT in spaces else found


def _of_model_or_all(c: Any, spaces: Spaces, shared: bool) -> ColumnElement[bool]:
    found = _of_model(c, spaces, shared)
    return or_(c.model.is_(None), found) if shared else and_(c.model.is_not(None), found)


def _of_job(c: Any, spaces: Spaces, shared: bool) -> ColumnElement[bool]:
    jobs = select(kept.import_job.c.id).where(_own(kept.import_job.c, spaces, shared))
    found: ColumnElement[bool] = c.job.in_(jobs)
    return found


def _of_message(c: Any, spaces: Spaces, shared: bool) -> ColumnElement[bool]:
    messages = select(told.alert_message.c.id).where(_of_model_or_schedules(told.alert_message.c, spaces, shared))
    found: ColumnElement[bool] = c.message.in_(messages)
    return found


def _of_default(_c: Any, spaces: Spaces, _shared: bool) -> ColumnElement[bool]:
    return true() if DEFAULT in spaces else false()


_BY_ROWS: Mapping[Rows, tuple[Table, ...]] = {
    _own: (kept.resource, kept.model, kept.import_job),
    _of_resource: (kept.label,),
    _named: (kept.space,),
    _shared: (kept.credential,),
    _of_model: (kept.model_version, kept.model_monitor, kept.model_run, kept.hour_part),
    _of_model_or_schedules: (told.alert_rule, told.alert_state, told.alert_flip, told.alert_message),
    _of_model_or_all: (told.quiet,),
    _of_job: (kept.import_file, kept.import_batch),
    _of_message: (told.delivery,),
    _of_default: (
        kept.tag, kept.due, kept.execution, kept.log, kept.alert, kept.alert_change,
        kept.traffic, told.metric, told.metric_sample, told.alarm, told.alarm_event, told.topic, told.subscription,
        told.notice,
    ),
}  # fmt: skip
ROWS: Mapping[str, Rows] = {table.name: rows for rows, tables in _BY_ROWS.items() for table in tables}
"""Table -> of which space each of its rows is."""
FREE = frozenset(
    each.name for each in (kept.work, kept.api_key, kept.access_key, kept.session, kept.audit, told.channel)
)
"""Tables whose rows are of no space: what asks them asks itself who may."""
