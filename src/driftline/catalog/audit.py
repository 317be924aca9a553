"""The audit log: what an actor changes is written down in the transaction that changes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Delete, Engine, Insert, Table, Update, delete, event, insert, select

from driftline.catalog import differences, tokens
from driftline.catalog.acting import Actor, actor
from driftline.catalog.audited import AUDITED, Audited, defining
from driftline.catalog.tables import audit, import_job, model

MADE, CHANGED, DELETED, DONE = "made", "changed", "deleted", "done"
MOST_ROWS = 50
"""Of a table in one transaction are told one by one; of more their number."""
_SEEN = "audited"

Key = tuple[Any, ...]


@dataclass
class Seen:
    """What a transaction has touched: rows as they were before, or None where there was none."""

    rows: dict[Table, dict[Key, Mapping[str, Any] | None]] = field(default_factory=dict)
    more: dict[Table, int] = field(default_factory=dict)
    noted: list[dict[str, Any]] = field(default_factory=list)
    other: bool = False

    def note(self, table: Table, key: Key, before: Mapping[str, Any] | None) -> None:
        """Remember how a row was when it was first touched."""
        known = self.rows.setdefault(table, {})
        if key in known:
            return
        if len(known) < MOST_ROWS:
            known[key] = before
        else:
            self.more[table] = self.more.get(table, 0) + 1


@contextmanager
def auditing(tx: Connection) -> Iterator[None]:
    """Whatever is changed over this connection is written down at the end, if somebody acts; else nothing is done."""
    who = actor()
    if who is None:
        yield
        return
    seen = Seen()
    tx.info[_SEEN] = seen
    try:
        yield
    finally:
        del tx.info[_SEEN]
    _write(tx, who, seen)


def note(
    tx: Connection, kind: str, subject: str, before: Mapping[str, Any], after: Mapping[str, Any], space: str | None
) -> None:
    """Write down what whoever acts changes elsewhere than in the catalog, such as in a file."""
    seen, found = tx.info.get(_SEEN), differences.changed(before, after)
    if seen is not None and found is not None:
        named = {"kind": kind, "subject": subject, "space": space}
        seen.noted.append({**named, "action": CHANGED, "change": found})


def listen(engine: Engine) -> None:
    """Look at what is changed over an engine's connections while `auditing`."""
    event.listen(engine, "before_execute", _before)
    event.listen(engine, "after_execute", _after)


def _before(tx: Connection, statement: Any, _many: Any, _one: Any, _options: Any) -> None:
    seen = tx.info.get(_SEEN)
    if seen is None or not isinstance(statement, Update | Delete):
        return
    table: Any = statement.table
    if table not in AUDITED:
        seen.other = True
        return
    query = select(table).with_for_update()
    for row in tx.execute(query if statement.whereclause is None else query.where(statement.whereclause)):
        before = row._asdict()
        seen.note(table, _key(table, before), before)


def _after(tx: Connection, statement: Any, _many: Any, _one: Any, _options: Any, result: Any) -> None:
    seen = tx.info.get(_SEEN)
    if seen is None or not isinstance(statement, Insert):
        return
    table: Any = statement.table
    if table not in AUDITED:
        seen.other = True
    elif result.rowcount != 0:
        for values in result.context.compiled_parameters:
            seen.note(table, _key(table, values), None)


def _key(table: Table, row: Mapping[str, Any]) -> Key:
    return tuple(row[column.name] for column in table.primary_key)


def _write(tx: Connection, who: Actor, seen: Seen) -> None:
    told = [*seen.noted, *(one for table in seen.rows for one in _told(tx, table, seen))]
    operation = who.operation()
    if not told and seen.other and not operation.brings_data and not who.is_said():
        space = _space_of(tx, operation.model) if operation.model else _space_of_job(tx, operation.job)
        told = [{"kind": "", "subject": operation.target, "space": space, "action": DONE, "change": {}}]
    by = {"at": who.at, "who": who.name, "interface": who.interface, "operation": operation.name[:256]}
    if told:
        tx.execute(
            insert(audit), [{**by, "request": who.request, **one, "subject": one["subject"][:1024]} for one in told]
        )


def _told(tx: Connection, table: Table, seen: Seen) -> Iterator[dict[str, Any]]:
    """A row of the log for each row that is another than before."""
    known = AUDITED[table]
    for key, before in seen.rows[table].items():
        own = [column == value for column, value in zip(table.primary_key, key, strict=True)]
        found_row = tx.execute(select(table).where(*own)).first()
        after = None if found_row is None else found_row._asdict()
        found = _difference(table, known, before, after)
        row = after or before
        if found is not None and row is not None:
            named = {"kind": known.kind_of(row), "subject": known.id_of(row), "space": _space(tx, known, row, seen)}
            yield {**named, "action": found[0], "change": found[1]}
    if seen.more.get(table):
        number = {"more_rows": seen.more[table]}
        yield {"kind": known.kind, "subject": "", "space": known.space, "action": CHANGED, "change": number}


def _difference(
    table: Table, known: Audited, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[str, dict[str, Any]] | None:
    """What was done to a row, and what is another by it; None if nothing is."""
    if before is None and after is None:
        return None
    if before is None and after is not None:
        return MADE, differences.made(known.shown(defining(table, after)))
    if before is not None and after is None:
        return DELETED, differences.made(known.shown(defining(table, before)))
    found = differences.changed(defining(table, before or {}), defining(table, after or {}), known.hidden)
    return None if found is None else (CHANGED, found)


def _space(tx: Connection, known: Audited, row: Mapping[str, Any], seen: Seen) -> str | None:
    if row.get("space") or "model" not in row:
        return row.get("space") or known.space
    gone = seen.rows.get(model, {}).get((row["model"],))
    return _space_of(tx, row["model"]) or (gone or {}).get("space")


def _space_of(tx: Connection, identity: str | None) -> str | None:
    found: str | None = tx.execute(select(model.c.space).where(model.c.id == identity)).scalar()
    return found


def _space_of_job(tx: Connection, beginning: str) -> str | None:
    """The space of the import job whose id begins so; None without any."""
    query = select(import_job.c.space).where(import_job.c.id.startswith(beginning, autoescape=True)).limit(1)
    found: str | None = tx.execute(query).scalar() if beginning else None
    return found


@dataclass(frozen=True)
class Entry:
    """One change of one thing: `change` has the thing as it was made or deleted, or each value that is another now.

    `space` is None for what belongs to the whole installation.
    """

    id: int
    at: datetime
    who: str
    interface: str
    operation: str
    kind: str
    subject: str
    space: str | None
    action: str
    change: Mapping[str, Any]
    request: str


@dataclass(frozen=True)
class Search:
    """What of the log is asked for: equalities by column, times in [since, until), in some spaces only if given."""

    equal: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    spaces: Sequence[str] | None = None
    limit: int = 50
    token: str | None = None


@dataclass(frozen=True)
class Page:
    """Some entries, and the token of the page behind them."""

    items: Sequence[Entry]
    token: str | None = None


def page(tx: Connection, wanted: Search) -> Page:
    """A page of the log, the latest first; raises `Invalid` for a token that is none."""
    c = audit.c
    query = select(audit).where(*(c[name] == value for name, value in wanted.equal.items()))
    query = query if wanted.since is None else query.where(c.at >= wanted.since)
    query = query if wanted.until is None else query.where(c.at < wanted.until)
    query = query if wanted.spaces is None else query.where(c.space.in_(wanted.spaces))
    if wanted.token:
        query = query.where(c.id < tokens.number_after(wanted.token, "audit"))
    rows = tx.execute(query.order_by(c.id.desc()).limit(wanted.limit + 1)).all()
    items = [Entry(**row._asdict()) for row in rows[: wanted.limit]]
    more = len(rows) > wanted.limit and bool(items)
    return Page(items, tokens.token("audit", str(items[-1].id), "") if more else None)


def expire(tx: Connection, before: datetime) -> int:
    """Forget entries older than this; says how many those were."""
    return tx.execute(delete(audit).where(audit.c.at < before)).rowcount
