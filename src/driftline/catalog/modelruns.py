"""Runs of monitors on imported data: one row for each look at a window, with what was known then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from driftline.catalog import tokens
from driftline.catalog.tables import model_run
from driftline.errors import Conflict, Invalid, NotFound

PENDING, RUNNING = "Pending", "InProgress"
OPEN = (PENDING, RUNNING)


@dataclass(frozen=True)
class ModelRun:
    """A monitor's word on the window [window_start, window_end), made of what was known at `as_of`.

    `run` counts the looks at one window from 1. `version` is empty where all versions were looked at. `body` has the
    monitor's settings as they were (`asked`), where its files are (`output`), and figures of how it ended.
    """

    id: str
    model: str
    monitor: str
    version: str
    environment: str
    window_start: datetime
    window_end: datetime
    as_of: datetime
    run: int
    created: datetime
    status: str = PENDING
    violations: int = 0
    reason: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    ended: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status in OPEN


@dataclass(frozen=True)
class Search:
    """What a list of runs asks for: equalities by column, windows that meet [since, until)."""

    equal: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 20
    token: str | None = None


@dataclass(frozen=True)
class Page:
    """Some runs, and the token of the page behind them."""

    items: Sequence[ModelRun]
    token: str | None = None


def add(tx: Connection, made: ModelRun) -> bool:
    """Keep a new run; False if this look at this window is known already."""
    try:
        with tx.begin_nested():
            tx.execute(insert(model_run).values(**{**asdict(made), "body": dict(made.body)}))
    except IntegrityError:
        return False
    return True


def find(tx: Connection, identity: str, *, lock: bool = False) -> ModelRun | None:
    """The run, if there is one."""
    query = select(model_run).where(model_run.c.id == identity)
    row = tx.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _of(row)


def beginning(tx: Connection, start: str) -> ModelRun:
    """The run whose id begins so; raises `NotFound`, and `Conflict` if there are several."""
    c = model_run.c
    rows = tx.execute(select(model_run).where(c.id.startswith(start, autoescape=True)).order_by(c.id).limit(2)).all()
    if not rows:
        raise NotFound(what="run of a monitor", name=start, remedy="`driftline monitors runs` shows which there are.")
    if len(rows) > 1:
        reason = f"{rows[0].id} and {rows[1].id} both begin so"
        raise Conflict(what="run of a monitor", name=start, reason=reason, remedy="Give more of the id.")
    return _of(rows[0])


def change(tx: Connection, identity: str, **values: Any) -> bool:
    """Change columns of a run; False if it is gone."""
    return bool(tx.execute(update(model_run).where(model_run.c.id == identity).values(**values)).rowcount)


def next_run(tx: Connection, model: str, monitor: str, start: datetime, end: datetime) -> int:
    """The number of the next look at a window, from 1."""
    c = model_run.c
    query = select(func.coalesce(func.max(c.run), 0)).where(c.model == model, c.monitor == monitor)
    return int(tx.execute(query.where(c.window_start == start, c.window_end == end)).scalar_one()) + 1


def of_monitor(
    tx: Connection, model: str, monitor: str, since: datetime | None = None, until: datetime | None = None
) -> list[ModelRun]:
    """The runs of a monitor whose windows meet [since, until), by window, then in the order of the looks."""
    c = model_run.c
    query = select(model_run).where(c.model == model, c.monitor == monitor, *_meeting(since, until))
    return [_of(row) for row in tx.execute(query.order_by(c.window_start, c.window_end, c.run))]


def meeting(tx: Connection, model: str, environment: str, first: datetime, last: datetime) -> list[ModelRun]:
    """The runs of a model's monitors whose windows meet [first, last], latest windows first."""
    c = model_run.c
    query = select(model_run).where(c.model == model, c.environment == environment)
    query = query.where(c.window_start <= last, c.window_end > first)
    return [_of(row) for row in tx.execute(query.order_by(c.window_end.desc(), c.monitor, c.run))]


def search(tx: Connection, wanted: Search) -> Page:
    """A page of runs, the latest made first, and of those made at once the latest window first.

    Raises `Invalid` for a token that is none.
    """
    c = model_run.c
    query = select(model_run).where(*(c[name] == value for name, value in wanted.equal.items()))
    query = query.where(*_meeting(wanted.since, wanted.until))
    if wanted.token:
        moment, end, name = _after(wanted.token)
        behind = or_(c.window_end < end, (c.window_end == end) & (c.id > name))
        query = query.where(or_(c.created < moment, (c.created == moment) & behind))
    rows = tx.execute(query.order_by(c.created.desc(), c.window_end.desc(), c.id).limit(wanted.limit + 1)).all()
    shown = [_of(row) for row in rows[: wanted.limit]]
    more = len(rows) > wanted.limit and bool(shown)
    return Page(shown, _token(shown[-1]) if more else None)


def _token(last: ModelRun) -> str:
    return tokens.token("created", last.created, f"{last.window_end.isoformat()} {last.id}")


def _after(token: str) -> tuple[datetime, datetime, str]:
    """When the last run before was made, when its window ended, and its id."""
    moment, name = tokens.after(token, "created", is_time=True)
    ended, _, identity = name.partition(" ")
    try:
        end = datetime.fromisoformat(ended)
        if not isinstance(moment, datetime) or end.utcoffset() is None:
            raise ValueError("a time without a zone")
        return moment, end.astimezone(UTC), identity
    except (ValueError, OverflowError) as error:
        raise Invalid(what="NextToken", got=token[:64], expected="the token of the page before") from error


def _meeting(since: datetime | None, until: datetime | None) -> list[Any]:
    c = model_run.c
    found = [] if since is None else [c.window_end > since]
    return found if until is None else [*found, c.window_start < until]


def _of(row: Any) -> ModelRun:
    return ModelRun(**row._asdict())
