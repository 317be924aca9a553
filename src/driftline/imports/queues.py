"""Events in queues like SQS's: received, noted in the ledger of every job they concern, and only then deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from driftline.catalog import Catalog, imports
from driftline.errors import CallerError, DataError, Invalid
from driftline.imports import events, jobs
from driftline.imports.chosen import Passed
from driftline.imports.credentials import access_of
from driftline.imports.events import Names
from driftline.imports.job import ImportJob
from driftline.storage import queues
from driftline.storage.access import Access
from driftline.storage.queues import Message
from driftline.storage.storage import Object

ROUNDS = 50
"""Requests for messages of one look: 500 messages, then other jobs have their turn."""


@dataclass
class Heard:
    """What some messages say: the objects they name, which of them are read, and which say nothing that is known."""

    told: list[Names] = field(default_factory=list)
    read: list[Message] = field(default_factory=list)
    odd: list[tuple[Message, str]] = field(default_factory=list)


def is_queue(job: ImportJob) -> bool:
    """Whether the store tells of new objects by a queue."""
    return bool(job.place.events and job.place.events.startswith(("http://", "https://")))


def drain(catalog: Catalog, job: ImportJob, access: Access, *, now: datetime, default: Access) -> int:
    """Take what is in a job's queue, for all jobs that have the same; how many files wait because of that.

    A message is deleted when the ledger has its objects, so it comes again if this process dies between, which does
    no harm. One that cannot be read is noted among the files that are passed over, and stays in the queue: the
    queue's redrive policy puts it aside. `access` is the job's own, `default` that of jobs without credentials.
    Raises what reading queue and storage raises.
    """
    url, waiting = str(job.place.events), 0
    for _ in range(ROUNDS):
        heard = hear(queues.receive(url, access))
        if not heard.read and not heard.odd:
            break
        for each in _sharing(catalog, url):
            try:
                waiting += note(catalog, each, heard.told, default, now=now)
            except (CallerError, DataError):
                if each.id == job.id:
                    raise  # others say themselves what is amiss, and list their paths when it is mended
        if heard.odd:
            _tell(catalog, job, heard.odd, now)
        queues.delete(url, access, heard.read)
        if not heard.read:  # only what stays in the queue came
            break
    return waiting


def hear(messages: Sequence[Message]) -> Heard:
    """What the messages say."""
    heard = Heard()
    for each in messages:
        try:
            heard.told += events.read(each.body).objects
            heard.read.append(each)
        except Invalid as error:
            heard.odd.append((each, str(error)))
    return heard


def note(catalog: Catalog, job: ImportJob, told: Sequence[Names], default: Access, *, now: datetime) -> int:
    """Put the objects that lie in a job's place into its ledger, as they are now; how many wait because of that."""
    if not events.within(job.place, told):
        return 0
    with catalog.read() as tx:
        reached = access_of(tx, job.place.credentials, default, job.space)
    found = events.look_for(job.place, told, reached)
    with catalog.begin() as tx:
        jobs.skip(tx, job.id, found.passed, now=now)
        return jobs.discover(tx, job.id, found.objects, now=now)


def _sharing(catalog: Catalog, url: str) -> Iterator[ImportJob]:
    """The active jobs with this queue: a paused one lists its whole prefix when it is started again."""
    with catalog.read() as tx:
        found = [jobs.of_row(row) for row in imports.active(tx)]
    yield from (each for each in found if each.place.events == url)


def _tell(catalog: Catalog, job: ImportJob, odd: Sequence[tuple[Message, str]], now: datetime) -> None:
    passed = [Passed(Object(f"{job.place.events}#{each.id}", len(each.body), each.id), why) for each, why in odd]
    with catalog.begin() as tx:
        jobs.skip(tx, job.id, passed, now=now)
