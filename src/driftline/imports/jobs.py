"""Import jobs as users handle them: made, edited, paused, started, deleted, and how far each is."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import imports, work
from driftline.catalog.imports import Page, Search
from driftline.errors import Conflict
from driftline.imports import polling
from driftline.imports.chosen import Passed
from driftline.imports.job import (
    Content,
    FileStatus,
    ImportFile,
    ImportJob,
    JobStatus,
    Place,
    Policies,
)
from driftline.schemas.columns import Columns
from driftline.schemas.faults import Fault
from driftline.schemas.fields import Environment
from driftline.storage.storage import Object

WORK = "import"
"""The kind of work in the queue; its subject is a job, its lane the model."""

REWRITTEN = "Rewritten_File"
_REFUSED = Fault(
    REWRITTEN,
    "the file was read before with other bytes. Write corrected rows to a file of another name, or let the job replace "
    "what is rewritten.",
)


@dataclass(frozen=True)
class Counts:
    """How far a job is: files by status, and the rows of those that are done or failed.

    `rows` = `accepted` + `rejected` + `duplicate`.
    """

    pending: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicate: int = 0


def create(tx: Connection, job: ImportJob, *, now: datetime) -> ImportJob:
    """The job with its id; it looks for files from now on, if it is active."""
    made = replace(job, id=job.id or str(uuid.uuid4()), created=now, modified=now)
    values = {
        "id": made.id,
        "space": made.space,
        "model": made.model,
        "version": made.version,
        "environment": str(made.environment),
        "content": str(made.content),
        "status": str(made.status),
        "body": made.to_dict(),
        "cursor": {},
        "created": now,
        "modified": now,
    }
    imports.create(tx, values)
    return made


def get(tx: Connection, job: str) -> ImportJob:
    """The job, a deleted one too; raises `NotFound`."""
    return of_row(imports.get(tx, job))


def find(tx: Connection, job: str) -> ImportJob | None:
    """The job, if there is one."""
    row = imports.find(tx, job)
    return None if row is None else of_row(row)


def page(tx: Connection, wanted: Search) -> Page:
    """Jobs, the latest first."""
    found = imports.page(tx, wanted)
    return Page([of_row(row) for row in found.items], found.token)


def edit(
    tx: Connection,
    job: str,
    *,
    columns: Columns | None = None,
    policies: Policies | None = None,
    place: Place | None = None,
    now: datetime,
) -> ImportJob:
    """The job with other columns, policies, or ways of reading; where its files are cannot change.

    Raises `Conflict` for a deleted job, and for another URI: that is another job.
    """
    found = _alive(tx, job)
    if place is not None and place.uri != found.place.uri:
        remedy = "Delete this job and make another one."
        raise Conflict(what="import job", name=job, reason=f"reads {found.place.uri}, for good", remedy=remedy)
    edited = replace(
        found, columns=columns or found.columns, policies=policies or found.policies, place=place or found.place
    )
    imports.change(tx, job, body=edited.to_dict(), modified=now)
    return replace(edited, modified=now)


def pause(tx: Connection, job: str, *, now: datetime) -> ImportJob:
    """The job looks for nothing more until it is started; a file that is being read is finished."""
    return _turn(tx, job, JobStatus.INACTIVE, now)


def start(tx: Connection, job: str, *, now: datetime) -> ImportJob:
    """The job looks for files again, at once."""
    started = _turn(tx, job, JobStatus.ACTIVE, now)
    cursor = polling.anew(imports.get(tx, job).cursor)  # events of the meantime were not heard
    imports.change(tx, job, looked=None, trouble=None, cursor=cursor)
    enqueue(tx, started, now=now)
    return started


def delete(tx: Connection, job: str, *, now: datetime) -> ImportJob:
    """The job reads nothing more; it is still listed, and its rows stay."""
    found = get(tx, job)
    if found.status is JobStatus.DELETED:
        return found
    return _turn(tx, job, JobStatus.DELETED, now)


def enqueue(tx: Connection, job: ImportJob, *, now: datetime) -> None:
    """Queue the reading of what waits, one job of a model after the other; nothing if it is queued or not active."""
    if job.status is JobStatus.ACTIVE and imports.is_pending(tx, job.id):
        work.enqueue(tx, WORK, job.id, now=now, lane=lane_of(job.model))


def lane_of(model: str) -> str:
    """The lane of a model, which is also the name of its stream of commits."""
    return f"import:{model}"[:256]


def discover(tx: Connection, job: str, objects: Sequence[Object], *, now: datetime) -> int:
    """Put objects that are new, or new in this version, into the ledger; how many wait because of that.

    The same object again changes nothing. A rewritten one is refused, or read in the place of its rows, by the job's
    policy.
    """
    found = get(tx, job)
    known = imports.seen(tx, job, [each.uri for each in objects])
    rows, waiting = list[Mapping[str, Any]](), 0
    for each in {(one.uri, etag_of(one.etag)): one for one in objects}.values():
        before = known.get(each.uri, [])
        if _is_known(found, each, before):
            continue
        row = _ledger_row(found, each, before, now)
        waiting += row["status"] == str(FileStatus.PENDING)
        rows.append(row)
        for row in before:
            if row.status == str(FileStatus.PENDING):  # these bytes are gone
                _supersede(tx, row, now)
    imports.add(tx, rows)
    if waiting:
        enqueue(tx, found, now=now)
    return waiting


def refuse_rewritten(tx: Connection, number: int, *, now: datetime) -> None:
    """A file that waits fails, since its name was read with other bytes."""
    imports.change_file(tx, number, status=str(FileStatus.FAILED), ended=now, body=_body((_REFUSED,)))


def skip(tx: Connection, job: str, passed: Sequence[Passed], *, now: datetime) -> None:
    """Note objects that are no data (empty, hidden, of other names), each with its reason."""
    rows = [
        {
            **_row(job, each.object, FileStatus.SKIPPED, now),
            "ended": now,
            "body": _body((Fault("Skipped", each.reason),)),
        }
        for each in passed
    ]
    imports.add(tx, rows)


def retry(tx: Connection, number: int, *, now: datetime) -> ImportFile:
    """A failed file waits again; raises `Conflict` for any other, `NotFound`.

    A rewritten one is read in the place of the rows that its name had before, if the job's policy allows that by now.
    """
    found = file(tx, number)
    job = _alive(tx, found.job)
    if found.status is not FileStatus.FAILED:
        reason = f"is {found.status}, not failed"
        raise Conflict(what="file", name=str(number), reason=reason, remedy="Only failed files are tried again.")
    before = [row for row in imports.seen(tx, job.id, [found.uri])[found.uri] if row.number < number]
    replaces = [row.number for row in before if row.status == str(FileStatus.DONE)]
    if replaces and job.policies.rewritten != "replace":
        reason, remedy = "its name was read before with other bytes", "Let the job replace rewritten files first."
        raise Conflict(what="file", name=str(number), reason=reason, remedy=remedy)
    body = {**imports.file(tx, number).body, **({"replaces": replaces} if replaces else {})}
    imports.change_file(tx, number, status=str(FileStatus.PENDING), attempts=0, ended=None, body=body)
    enqueue(tx, job, now=now)
    return replace(found, status=FileStatus.PENDING)


def counts(tx: Connection, job: str) -> Counts:
    """How far the job is."""
    return counts_of(tx, [job])[job]


def counts_of(tx: Connection, jobs: Sequence[str]) -> dict[str, Counts]:
    """How far each of these jobs is."""
    found = imports.counts(tx, jobs)
    return {each: _counts(found.get(each, {})) for each in jobs}


def _counts(found: Mapping[str, Mapping[str, int]]) -> Counts:
    of = {status: found.get(str(status), {}).get("files", 0) for status in FileStatus}
    sums = {name: sum(each[name] for each in found.values()) for name in ("rows", "accepted", "rejected", "duplicate")}
    return Counts(of[FileStatus.PENDING], of[FileStatus.DONE], of[FileStatus.FAILED], of[FileStatus.SKIPPED], **sums)


def file(tx: Connection, number: int) -> ImportFile:
    """A file of any job; raises `NotFound`."""
    return file_of(imports.file(tx, number))


def find_file(tx: Connection, job: str, uri: str) -> ImportFile | None:
    """The latest version of a file of a job, if it is in the ledger."""
    found = imports.seen(tx, job, [uri]).get(uri, [])
    return file_of(found[-1]) if found else None


def files(
    tx: Connection, job: str, *, status: FileStatus | None = None, limit: int = 50, after: int = 0
) -> Sequence[ImportFile]:
    """The files of a job in the order in which they were found, from behind the number `after` on."""
    chosen = None if status is None else str(status)
    return [file_of(row) for row in imports.files(tx, job, status=chosen, limit=limit, after=after)]


def of_row(row: Any) -> ImportJob:
    """The job of a row of the catalog."""
    body = row.body
    place = {**body["place"], **{name: tuple(body["place"][name]) for name in ("select", "include")}}
    return ImportJob(
        id=row.id,
        model=row.model,
        version=row.version,
        place=Place(**place),
        columns=Columns.of(body["columns"]),
        content=Content(row.content),
        environment=Environment(row.environment),
        batch=body["batch"],
        policies=Policies(**body["policies"]),
        space=row.space,
        status=JobStatus(row.status),
        created=row.created,
        modified=row.modified,
    )


def file_of(row: Any) -> ImportFile:
    """The file of a row of the ledger."""
    faults = tuple(Fault(**{**each, "rows": tuple(each["rows"])}) for each in row.body.get("faults", ()))
    return ImportFile(
        number=row.number,
        job=row.job,
        uri=row.uri,
        etag=row.etag,
        size=row.size,
        status=FileStatus(row.status),
        found=row.found,
        modified=row.modified,
        attempts=row.attempts,
        rows=row.rows,
        accepted=row.accepted,
        rejected=row.rejected,
        duplicate=row.duplicate,
        first=row.first,
        last=row.last,
        ended=row.ended,
        seconds=row.body.get("seconds", 0.0),
        faults=faults,
        batch=row.batch,
    )


def _is_known(job: ImportJob, found: Object, before: Sequence[Any]) -> bool:
    """Whether this version of an object is in the ledger; bytes that came back in the place of others are new."""
    etags = [etag_of(row.etag) for row in before]
    if "" in etags:  # in whatever version
        return True
    if etag_of(found.etag) not in etags[:-1] or job.policies.rewritten != "replace":
        return etag_of(found.etag) in etags
    done = [etag for row, etag in zip(before, etags, strict=True) if row.status == str(FileStatus.DONE)]
    times = (found.modified, before[-1].modified)
    is_back = times[0] is not None and times[1] is not None and times[0] > times[1]
    return etags[-1] == etag_of(found.etag) or done[-1:] == [etag_of(found.etag)] or not is_back


def _ledger_row(job: ImportJob, found: Object, before: Sequence[Any], now: datetime) -> dict[str, Any]:
    """How an object gets into the ledger: waiting, or failed where that name was read with other bytes before."""
    is_read = any(row.status == str(FileStatus.DONE) for row in before)
    if not is_read or job.policies.rewritten == "replace":
        replaces = [row.number for row in before if row.status == str(FileStatus.DONE)]
        row = _row(job.id, found, FileStatus.PENDING, now)
        if any(each.etag == row["etag"] for each in before):
            row["etag"] += f" {len(before)}"
        return {**row, "body": {"replaces": replaces} if replaces else {}}
    return {**_row(job.id, found, FileStatus.FAILED, now), "ended": now, "body": _body((_REFUSED,))}


def _supersede(tx: Connection, row: Any, now: datetime) -> None:
    fault = Fault(REWRITTEN, "the file was rewritten before it was read; its later version is read instead")
    imports.change_file(tx, row.number, status=str(FileStatus.SKIPPED), ended=now, body=_body((fault,)))


def _row(job: str, found: Object, status: FileStatus, now: datetime) -> dict[str, Any]:
    return {
        "job": job,
        "uri": found.uri,
        "etag": etag_of(found.etag),
        "size": found.size,
        "status": str(status),
        "modified": found.modified,
        "found": now,
        "ended": None,
        "body": {},
    }


def _body(faults: Sequence[Fault]) -> dict[str, Any]:
    return {"faults": [asdict(each) for each in faults]}


def _alive(tx: Connection, job: str) -> ImportJob:
    found = get(tx, job)
    if found.status is JobStatus.DELETED:
        raise Conflict(what="import job", name=job, reason="is deleted", remedy="Make another one.")
    return found


def _turn(tx: Connection, job: str, status: JobStatus, now: datetime) -> ImportJob:
    found = _alive(tx, job)
    imports.change(tx, job, status=str(status), modified=now)
    return replace(found, status=status, modified=now)


def etag_of(told: str) -> str:
    """An etag as objects have it: listings put it into quotes, events do not, and the ledger counts those that recur.

    >>> etag_of('"9b2cf535f27731c974343645a3985328"')
    '9b2cf535f27731c974343645a3985328'
    >>> etag_of("9b2cf535 2")
    '9b2cf535'
    """
    return told.strip('"').partition(" ")[0][:250]


def is_due(row: Any, now: datetime) -> bool:
    """Whether an active job of the catalog is to be looked at again."""
    pause_seconds = float(row.body["policies"]["poll_seconds"])
    return row.looked is None or bool(row.looked + timedelta(seconds=pause_seconds) <= now)
