"""What AWS gives a name and an ARN: one table for all kinds, looked up by name whatever its case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, insert, or_, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError

from driftline.catalog import tokens
from driftline.catalog.tables import label, resource
from driftline.errors import Conflict, Invalid, NotFound


@dataclass(frozen=True)
class Resource:
    """A named thing: `kind` is its word in the ARN, `body` its description as JSON, `labels` what it is found by."""

    kind: str
    name: str
    arn: str
    body: Mapping[str, Any]
    status: str
    created: datetime
    modified: datetime
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Search:
    """What a list call asks for; `token` goes on where a page ended, times are bounds (after: exclusive)."""

    name_contains: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    modified_after: datetime | None = None
    modified_before: datetime | None = None
    status: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    sort_by: str = "created"
    descending: bool = True
    limit: int = 10
    token: str | None = None


@dataclass(frozen=True)
class Page:
    """Some of what was found, and the token of the rest; None at the end."""

    items: Sequence[Resource]
    token: str | None = None


_SORTS = {
    "created": resource.c.created,
    "modified": resource.c.modified,
    "name": resource.c.folded,
    "status": resource.c.status,
}


def fold(name: str) -> str:
    """The name as it is looked up."""
    return name.lower()


def create(tx: Connection, made: Resource) -> None:
    """Keep a new resource; raises `Conflict` if its name is taken."""
    values = {name: getattr(made, name) for name in ("kind", "name", "arn", "status", "created", "modified")}
    values |= {"folded": fold(made.name), "body": dict(made.body), "space": made.labels.get("space", "default")}
    try:
        with tx.begin_nested():
            tx.execute(insert(resource).values(**values))
    except IntegrityError as error:
        reason = "it exists already"
        raise Conflict(what=made.kind, name=made.name, reason=reason, remedy="Choose a different name.") from error
    _set_labels(tx, made.kind, made.name, made.labels)


def _set_labels(tx: Connection, kind: str, name: str, labels: Mapping[str, str]) -> None:
    rows = [{"kind": kind, "folded": fold(name), "name": key, "value": value} for key, value in labels.items()]
    if rows:
        tx.execute(insert(label), rows)


def get(tx: Connection, kind: str, name: str) -> Resource:
    """The resource; raises `NotFound`."""
    found = find(tx, kind, name)
    if found is None:
        raise NotFound(what=kind, name=name)
    return found


def find(tx: Connection, kind: str, name: str, *, lock: bool = False) -> Resource | None:
    """The resource, if there is one; locked, nobody else changes it until the transaction ends."""
    query = select(resource).where(resource.c.kind == kind, resource.c.folded == fold(name))
    row = tx.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _of(row, _labels(tx, kind, [fold(name)]).get(fold(name), {}))


def update(
    tx: Connection,
    kind: str,
    name: str,
    *,
    now: datetime,
    body: Mapping[str, Any] | None = None,
    status: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> Resource:
    """The resource with what is given changed; raises `NotFound`."""
    changes: dict[str, Any] = {"modified": now}
    if body is not None:
        changes["body"] = dict(body)
    if status is not None:
        changes["status"] = status
    where = (resource.c.kind == kind, resource.c.folded == fold(name))
    if not tx.execute(sql_update(resource).where(*where).values(**changes)).rowcount:
        raise NotFound(what=kind, name=name)
    if labels is not None:
        tx.execute(sql_delete(label).where(label.c.kind == kind, label.c.folded == fold(name)))
        _set_labels(tx, kind, name, labels)
    return get(tx, kind, name)


def delete(tx: Connection, kind: str, name: str) -> None:
    """Forget the resource; raises `NotFound`."""
    tx.execute(sql_delete(label).where(label.c.kind == kind, label.c.folded == fold(name)))
    gone = tx.execute(sql_delete(resource).where(resource.c.kind == kind, resource.c.folded == fold(name)))
    if not gone.rowcount:
        raise NotFound(what=kind, name=name)


def count(tx: Connection, kind: str) -> int:
    """How many there are."""
    found: int = tx.execute(select(func.count()).select_from(resource).where(resource.c.kind == kind)).scalar_one()
    return found


def search(tx: Connection, kind: str, wanted: Search) -> Page:
    """A page of the resources that the search asks for; raises `Invalid` for a token or order that is none."""
    rows = tx.execute(_query(kind, wanted)).all()
    shown, more = rows[: wanted.limit], len(rows) > wanted.limit
    labels = _labels(tx, kind, [row.folded for row in shown])
    items = [_of(row, labels.get(row.folded, {})) for row in shown]
    if not more or not shown:
        return Page(items)
    last = getattr(shown[-1], _SORTS[wanted.sort_by].name)
    return Page(items, tokens.token(wanted.sort_by, last, shown[-1].folded))


def _query(kind: str, wanted: Search) -> Select[Any]:
    if wanted.sort_by not in _SORTS:
        raise Invalid(what="SortBy", got=wanted.sort_by, expected=", ".join(_SORTS))
    c = resource.c
    query = select(resource).where(c.kind == kind)
    bounds = (
        (wanted.created_after, c.created.__gt__),
        (wanted.created_before, c.created.__lt__),
        (wanted.modified_after, c.modified.__gt__),
        (wanted.modified_before, c.modified.__lt__),
    )
    query = query.where(*(compare(bound) for bound, compare in bounds if bound is not None))
    if wanted.name_contains:
        query = query.where(c.folded.contains(fold(wanted.name_contains), autoescape=True))
    if wanted.status:
        query = query.where(c.status == wanted.status)
    for name, value in wanted.attributes.items():
        # labels are names of other resources, which are the same whatever their case
        alike = func.lower(label.c.value) == fold(value)
        same = (label.c.kind == c.kind, label.c.folded == c.folded, label.c.name == name, alike)
        query = query.where(select(label.c.folded).where(*same).exists())
    column = _SORTS[wanted.sort_by]
    if wanted.token:
        is_time = wanted.sort_by in ("created", "modified")
        last, folded = tokens.after(wanted.token, wanted.sort_by, is_time=is_time)
        beyond = column < last if wanted.descending else column > last
        further = c.folded < folded if wanted.descending else c.folded > folded
        query = query.where(or_(beyond, and_(column == last, further)))
    order = (column.desc(), c.folded.desc()) if wanted.descending else (column, c.folded)
    return query.order_by(*order).limit(wanted.limit + 1)


def _labels(tx: Connection, kind: str, names: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in tx.execute(select(label).where(label.c.kind == kind, label.c.folded.in_(names))):
        found.setdefault(row.folded, {})[row.name] = row.value
    return found


def _of(row: Any, labels: Mapping[str, str]) -> Resource:
    return Resource(row.kind, row.name, row.arn, row.body, row.status, row.created, row.modified, labels)
