"""Models and their versions: who answers for a model, and what the rows of each version hold."""

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
from driftline.catalog.alerttables import alert_rule
from driftline.catalog.confines import OPTION
from driftline.catalog.tables import hour_part, import_job, model, model_version
from driftline.schemas.fields import ModelSchema, ModelType


@dataclass(frozen=True)
class Model:
    """A model; `id` is what programs say and `name` what people read, `risk` Low, Medium, High or Unknown."""

    id: str
    name: str
    space: str = "default"
    owner: str | None = None
    risk: str = "Unknown"
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    created: datetime | None = None
    modified: datetime | None = None


@dataclass(frozen=True)
class ModelVersion:
    """One training of a model: baseline, schema and sources belong to it; `body` is what vendors' clients add."""

    model: str
    version: str
    type: ModelType
    schema: ModelSchema
    body: Mapping[str, Any] = field(default_factory=dict)
    created: datetime | None = None
    modified: datetime | None = None


@dataclass(frozen=True)
class Search:
    """What a list of models asks for; `contains` is part of the id or of the name, in any case."""

    space: str | None = None
    contains: str | None = None
    owner: str | None = None
    sort_by: str = "created"
    descending: bool = True
    limit: int = 20
    token: str | None = None


@dataclass(frozen=True)
class Page:
    """Some of the models, and the token of the rest; None at the end."""

    items: Sequence[Model]
    token: str | None = None


_BODY = ("owner", "risk", "description", "tags")
_SORTS = {"created": model.c.created, "modified": model.c.modified, "name": model.c.id}


def add(tx: Connection, made: Model, *, now: datetime) -> bool:
    """Keep a new model; False if its id is taken."""
    values = {"id": made.id, "name": made.name, "space": made.space, "body": _body(made)}
    return _inserted(tx, insert(model).values(**values, created=now, modified=now))


def find(tx: Connection, id: str) -> Model | None:
    """The model of this id."""
    row = tx.execute(select(model).where(model.c.id == id)).first()
    return None if row is None else _model(row)


def update(tx: Connection, changed: Model, *, now: datetime) -> bool:
    """Keep a model as it is now; False if there is none of its id."""
    values = {"name": changed.name, "space": changed.space, "body": _body(changed), "modified": now}
    return bool(tx.execute(sql_update(model).where(model.c.id == changed.id).values(**values)).rowcount)


def remove(tx: Connection, id: str) -> bool:
    """Forget the model, its versions, monitors and rules; False if there is none."""
    tx.execute(sql_delete(alert_rule).where(alert_rule.c.model == id))
    return bool(tx.execute(sql_delete(model).where(model.c.id == id)).rowcount)


def ids(tx: Connection, space: str | None, most: int) -> list[str]:
    """Ids of models, in order, at most so many."""
    query = select(model.c.id).order_by(model.c.id).limit(most)
    return list(tx.execute(query if space is None else query.where(model.c.space == space)).scalars())


def of_space(tx: Connection, space: str | None) -> list[Model]:
    """All models, or those of a space, by id."""
    query = select(model).order_by(model.c.id)
    return [_model(row) for row in tx.execute(query if space is None else query.where(model.c.space == space))]


def search(tx: Connection, wanted: Search) -> Page:
    """A page of the models that the search asks for; raises `Invalid` for a token that is none."""
    column = _SORTS[wanted.sort_by]
    query = _matching(wanted)
    if wanted.token:
        last, id = tokens.after(wanted.token, wanted.sort_by, is_time=wanted.sort_by != "name")
        beyond = column < last if wanted.descending else column > last
        further = model.c.id < id if wanted.descending else model.c.id > id
        query = query.where(or_(beyond, and_(column == last, further)))
    order = (column.desc(), model.c.id.desc()) if wanted.descending else (column, model.c.id)
    rows = tx.execute(query.order_by(*order).limit(wanted.limit + 1)).all()
    shown = rows[: wanted.limit]
    items = [_model(row) for row in shown]
    if len(rows) <= wanted.limit or not shown:
        return Page(items)
    return Page(items, tokens.token(wanted.sort_by, getattr(shown[-1], column.name), shown[-1].id))


def _matching(wanted: Search) -> Select[Any]:
    query = select(model)
    if wanted.space is not None:
        query = query.where(model.c.space == wanted.space)
    if wanted.owner is not None:
        query = query.where(model.c.body["owner"].as_string() == wanted.owner)
    if wanted.contains:
        part = wanted.contains.lower()
        alike = [func.lower(each).contains(part, autoescape=True) for each in (model.c.id, model.c.name)]
        query = query.where(or_(*alike))
    return query


def add_version(tx: Connection, made: ModelVersion, *, now: datetime) -> bool:
    """Keep a new version; False if the model has it."""
    values = {"model": made.model, "version": made.version, "type": str(made.type), "schema": made.schema.to_dict()}
    return _inserted(tx, insert(model_version).values(**values, body=dict(made.body), created=now, modified=now))


def find_version(tx: Connection, model_id: str, version: str, *, lock: bool = False) -> ModelVersion | None:
    """The version; locked, nobody else changes it until the transaction ends."""
    c = model_version.c
    query = select(model_version).where(c.model == model_id, c.version == version)
    row = tx.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _version(row)


def versions(tx: Connection, model_id: str) -> list[ModelVersion]:
    """Those of the model, oldest first."""
    c = model_version.c
    query = select(model_version).where(c.model == model_id).order_by(c.created, c.version)
    return [_version(row) for row in tx.execute(query)]


def update_version(tx: Connection, changed: ModelVersion, *, now: datetime) -> bool:
    """Keep a version as it is now; False if there is none such."""
    c = model_version.c
    values = {"type": str(changed.type), "schema": changed.schema.to_dict(), "body": dict(changed.body)}
    where = (c.model == changed.model, c.version == changed.version)
    return bool(tx.execute(sql_update(model_version).where(*where).values(**values, modified=now)).rowcount)


def remove_version(tx: Connection, model_id: str, version: str) -> bool:
    """Forget the version; False if there is none."""
    c = model_version.c
    gone = tx.execute(sql_delete(model_version).where(c.model == model_id, c.version == version))
    return bool(gone.rowcount)


def jobs_of(tx: Connection, model_id: str, version: str | None = None) -> list[str]:
    """Ids of the import jobs into the model, or into one version of it, that are not deleted."""
    c = import_job.c
    query = select(c.id).where(c.model == model_id, c.status != "deleted").order_by(c.created)
    return list(tx.execute(query if version is None else query.where(c.version == version)).scalars())


def has_rows(tx: Connection, model_id: str, version: str) -> bool:
    """Whether rows of the version have been imported."""
    c = hour_part.c
    query = select(c.model).where(c.model == model_id, c.version == version, c.span == "part").limit(1)
    return tx.execute(query).first() is not None


def is_taken(tx: Connection, model_id: str, space: str) -> bool:
    """Whether no model of this id can be made in the space: there is one, or another space has rows of one.

    Ids are one for all spaces, so that this looks into those, too, which are not seen in the transaction.
    """
    j = import_job.c
    queries = (
        select(model.c.id).where(model.c.id == model_id),
        select(j.id).where(j.model == model_id, j.space != space),
    )
    return any(tx.execute(each.limit(1), execution_options={OPTION: None}).first() is not None for each in queries)


def _inserted(tx: Connection, statement: Any) -> bool:
    try:
        with tx.begin_nested():
            tx.execute(statement)
    except IntegrityError:
        return False
    return True


def _body(made: Model) -> dict[str, Any]:
    return {name: dict(made.tags) if name == "tags" else getattr(made, name) for name in _BODY}


def _model(row: Any) -> Model:
    told = {name: row.body[name] for name in _BODY if name in row.body}
    return Model(row.id, row.name, row.space, **told, created=row.created, modified=row.modified)


def _version(row: Any) -> ModelVersion:
    schema = ModelSchema.of(row._mapping["schema"])
    return ModelVersion(row.model, row.version, ModelType(row.type), schema, row.body, row.created, row.modified)
