"""Rows that go, and tables that are tidied: orders, which wait their turn among the imports of a model."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

import pyarrow as pa

from driftline import registry
from driftline.catalog import Catalog, hours, work
from driftline.catalog.hours import Subject
from driftline.catalog.work import Work
from driftline.errors import CallerError, Conflict, DataError, NotFound, Unavailable
from driftline.imports import forgetting, hourparts, jobs, rejects
from driftline.imports.job import ImportFile, ImportJob, JobStatus
from driftline.imports.running import Lost, World, recover, tables_of
from driftline.inferences import upkeep
from driftline.inferences.rollups import rebuild
from driftline.inferences.staging import staging
from driftline.inferences.sweeping import sweep
from driftline.inferences.tables import Tables, found, name_of
from driftline.scripts.sandbox import Log
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

WORK = "clear"
"""The kind of work in the queue; its subject is the order's id and model, its lane the model's imports."""

_PAGE = 1000

Hours = tuple[tuple[str, str, str], ...]
"""Version, environment and hour, as text."""


class Kind(StrEnum):
    """What an order is for."""

    PURGE = "purge"
    FORGET = "forget"
    RETAIN = "retain"
    COMPACT = "compact"


@dataclass(frozen=True)
class Order:
    """What is to be done with the tables of a model, and what came of it.

    A purge takes out the rows that `job` brought, `forget` those with one of `ids`, `retain` those of days before
    `before`; `compact` makes large files of small ones. `hours` are those whose profiles are made anew, `objects`
    where these were. What `rows` and `files` count is what went. The ids are forgotten, too, once it has ended;
    `reason` is why it could not be carried out.
    """

    id: str
    model: str
    kind: Kind
    asked: datetime
    job: str | None = None
    ids: tuple[str, ...] = ()
    before: datetime | None = None
    hours: Hours | None = None
    objects: tuple[str, ...] = ()
    rows: int = 0
    files: int = 0
    ended: datetime | None = None
    reason: str | None = None


def give(catalog: Catalog, tables: Tables, order: Order) -> Order:
    """Keep the order, with an id, and queue it; raises `Conflict` for the purge of a job that is not deleted."""
    if order.job is not None:
        with catalog.read() as tx:
            job = jobs.get(tx, order.job)
        if job.status is not JobStatus.DELETED:
            raise Conflict(what="import job", name=job.id, reason=f"it is {job.status}", remedy="Delete it first.")
    given = replace(order, id=str(uuid.uuid4()))
    _keep(tables, given)
    with catalog.begin() as tx:
        subject, lane = f"{given.id}/{given.model}", jobs.lane_of(given.model)
        work.enqueue(tx, WORK, subject, now=given.asked, lane=lane)
    return given


def find(tables: Tables, model: str, id: str) -> Order:
    """An order that was given; raises `NotFound`."""
    uri = _uri(tables, model, id)
    try:
        with storage_for(uri, tables.access).open(uri) as stream:
            told: dict[str, Any] = json.loads(stream.read())
    except NotFound:
        raise NotFound(what=f"order for the tables of {model}", name=id) from None
    times = {name: told[name] and datetime.fromisoformat(told[name]) for name in ("asked", "before", "ended")}
    known = told["hours"] and tuple((each[0], each[1], each[2]) for each in told["hours"])
    listed = {name: tuple(told.get(name, ())) for name in ("ids", "objects")}
    return Order(**{**told, **times, **listed, "kind": Kind(told["kind"]), "hours": known})


def outcome(catalog: Catalog, tables: Tables, model: str, id: str, *, now: datetime) -> Order:
    """As `find`; one that nobody works at any more though it did not end has failed, which is kept."""
    order = find(tables, model, id)
    if order.ended is not None:
        return order
    with catalog.read() as tx:
        is_queued = work.is_queued(tx, WORK, f"{id}/{model}")
    order = order if is_queued else find(tables, model, id)  # it may have ended between the two looks
    if is_queued or order.ended is not None:
        return order
    return _failed(tables, order, "its worker ended each time while it was done. The worker's log says more.", now)


def run(catalog: Catalog, held: Work, settings: Settings, access: Access, log: Log) -> str:
    """Do what an order says, and end the work; done again after a kill, it changes nothing more.

    What cannot be done is noted with the order, at once if waiting does not help. Raises `Unavailable`.
    """
    id, _, model = held.subject.partition("/")
    tables = tables_of(settings, access)
    order = find(tables, model, id)
    if order.kind is Kind.FORGET and order.ended is None and _waits(catalog, tables, order, held):
        return f"{model}: {order.kind}, after what was pushed before it"
    try:
        world = World(catalog, tables, access, held, settings, log)
        recover(world, jobs.lane_of(model))
        if order.ended is None:
            done = _DONE[order.kind](world, order)
            order = replace(done, ids=(), ended=catalog.clock())
            _keep(tables, order)
    except Lost:
        raise
    except (CallerError, DataError, Unavailable) as error:
        with catalog.read() as tx:
            is_ours = work.holds(tx, held)
        if not is_ours or (isinstance(error, Unavailable) and held.attempt < settings.attempts):
            raise
        order = _failed(tables, find(tables, model, id), str(error), catalog.clock())
    with catalog.begin() as tx:
        work.finish(tx, held)
    return f"{model}: {order.kind}, " + (order.reason or f"{order.rows:,} rows, {order.files:,} files")


def _waits(catalog: Catalog, tables: Tables, order: Order, held: Work) -> bool:
    """Whether what was pushed before the order has to be read first; then the order is queued behind it."""
    awaited = forgetting.awaited(catalog, tables, order.model, order.asked)
    now = catalog.clock()
    with catalog.begin() as tx:
        for each in awaited:
            jobs.enqueue(tx, each, now=now)
        if awaited and work.finish(tx, held):
            work.enqueue(tx, WORK, held.subject, now=now, lane=held.lane)
    return bool(awaited)


def _failed(tables: Tables, order: Order, reason: str, now: datetime) -> Order:
    order = replace(order, ids=(), ended=now, reason=reason)
    _keep(tables, order)
    return order


def uris_of(catalog: Catalog, tables: Tables, model: str) -> dict[str | None, str]:
    """The tables of a model: by version those of inferences, under None that of actuals. Raises `NotFound`."""
    with catalog.read() as tx:
        versions = [each.version for each in registry.versions(tx, model)]
    uris: dict[str | None, str] = {each: tables.inferences_uri(model, each) for each in versions}
    return {**uris, None: tables.actuals_uri(model)}


def _purge(world: World, order: Order) -> Order:
    """Take out the rows of all files of a job, one commit a table, and what was kept of rejected ones.

    At last the ledger forgets that they were read, so that the same files can come again.
    """
    tables = world.tables
    with world.catalog.read() as tx:
        job = jobs.get(tx, str(order.job))
        is_there = registry.find_model(tx, job.model) is not None
    numbers = [each.number for each in _files(world.catalog, job)]
    uris: Mapping[str | None, str] = {
        job.version: tables.inferences_uri(job.model, job.version),
        None: tables.actuals_uri(job.model),
    }
    for version, uri in (uris_of(world.catalog, tables, job.model) if is_there else uris).items():
        if numbers and found(tables, uri) is not None:
            kind = "actuals" if version is None else "inferences"
            with staging(tables, uri, pa.schema([]), kind=kind, ingested=order.asked) as staged:
                staged.replace(numbers)
                staged.finish()
                lost = () if version is None else ((version, *each) for each in staged.vanished)
                order = _noted(tables, order, lost, sum(staged.superseded.values()))
                staged.commit(f"purge:{order.id}", 1, {"operation": "purge", "job": job.id})
    _make_anew(world, order)
    for number in numbers:
        uri = rejects.uri_of(tables, job.model, number)
        storage_for(uri, tables.access).delete(uri)
    forgetting.reset(world.catalog, tables, job, world.catalog.clock())
    return order


def _forget(world: World, order: Order) -> Order:
    """Take out a subject's rows, everywhere; which hours they were in is noted before the first goes.

    Profiles of these hours are removed byte by byte, not only replaced.
    """
    tables = world.tables
    versions = [each for each in uris_of(world.catalog, tables, order.model) if each is not None]
    if order.hours is None:
        uris = {version: tables.inferences_uri(order.model, version) for version in versions}
        lost = ((version, *each) for version, uri in uris.items() for each in upkeep.hours_with(tables, uri, order.ids))
        order = _noted(tables, order, lost, 0)
    rows = upkeep.forget(tables, order.model, versions, order.ids).rows
    _make_anew(world, order)
    forgetting.clear_inbox(world.catalog, tables, order.model, order.ids)
    return replace(order, rows=rows + forgetting.clear_rejects(world.catalog, tables, order.model, order.ids))


def _retain(world: World, order: Order) -> Order:
    """Take out old rows; profiles of their hours stay, since they hold no rows."""
    tables = world.tables
    assert order.before is not None
    uris = uris_of(world.catalog, tables, order.model).values()
    return replace(order, rows=sum(upkeep.retain(tables, uri, order.before) for uri in uris))


def _compact(world: World, order: Order) -> Order:
    """Make large files of small ones, and remove what no reader needs any more."""
    tables = world.tables
    files = 0
    for uri in uris_of(world.catalog, tables, order.model).values():
        files += upkeep.compact(tables, uri)
        upkeep.vacuum(tables, uri)
    return replace(order, files=files)


_DONE = {Kind.PURGE: _purge, Kind.FORGET: _forget, Kind.RETAIN: _retain, Kind.COMPACT: _compact}


def _noted(tables: Tables, order: Order, lost: Iterable[tuple[str, str, datetime]], rows: int) -> Order:
    """The order with more hours that lose rows, kept before they do: who comes after a kill needs them."""
    more = {(version, str(environment), hour.isoformat()) for version, environment, hour in lost}
    order = replace(order, hours=tuple(sorted({*(order.hours or ()), *more})), rows=order.rows + rows)
    _keep(tables, order)
    return order


def _touching(tables: Tables, order: Order, objects: Iterable[str]) -> Order:
    """The order with more objects that hold profiles of its hours, kept before they are replaced, as above."""
    order = replace(order, objects=tuple(sorted({*order.objects, *objects})))
    _keep(tables, order)
    return order


def _make_anew(world: World, order: Order) -> None:
    """Profile the hours again, as the tables have them now."""
    tables, name = world.tables, f"{order.id}-{world.held.id}-{world.held.attempt}"
    of: dict[tuple[str, str], list[datetime]] = {}
    for version, environment, hour in order.hours or ():
        of.setdefault((version, environment), []).append(datetime.fromisoformat(hour))
    for (version, environment), changed in of.items():
        subject = Subject(order.model, version, environment)
        with world.catalog.read() as tx:
            known = registry.find_version(tx, order.model, version)
            objects = hours.objects(tx, subject, changed)
        order = _touching(tables, order, objects)
        rows = partial(hourparts.rows_in, tables, tables.inferences_uri(order.model, version), environment)
        folder, schema = hourparts.folder_of(tables, subject), None if known is None else known.schema
        place = f"{folder}/{name}.profiles"
        rebuild(world.begin, subject, changed, rows, place, tables.access, name=name, schema=schema)
        sweep(world.begin, subject, folder, set(order.objects) - {place}, tables.access)


def _files(catalog: Catalog, job: ImportJob) -> Iterator[ImportFile]:
    after = 0
    while True:
        with catalog.read() as tx:
            page = jobs.files(tx, job.id, limit=_PAGE, after=after)
        yield from (each for each in page if each.rows)
        if len(page) < _PAGE:
            return
        after = page[-1].number


def _keep(tables: Tables, order: Order) -> None:
    uri = _uri(tables, order.model, order.id)
    storage_for(uri, tables.access).put(uri, json.dumps(asdict(order), default=_said).encode())


def _said(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _uri(tables: Tables, model: str, id: str) -> str:
    return f"{_root(tables, model)}/orders/{id}.json"


def _root(tables: Tables, model: str) -> str:
    return f"{tables.root.rstrip('/')}/{name_of(model)}"
