"""Webhooks: object stores tell of new objects, which are looked up and put into the ledger of the job."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field

from driftline.catalog import imports as kept
from driftline.imports import events, jobs, queues
from driftline.imports.job import JobStatus
from driftline.server.aws.waking import wake
from driftline.server.rest.callers import Writing
from driftline.server.rest.importasked import JobId
from driftline.storage.access import Access

router = APIRouter(tags=["imports"])

_Message = Annotated[
    Any, Body(description="The event as MinIO, Ceph, SeaweedFS, Amazon, Google Cloud or Azure send it.")
]


class Heard(BaseModel):
    """What became of an event."""

    told: Annotated[int, Field(description="Objects that it names.")]
    found: Annotated[int, Field(description="Files that wait because of it: those that are new to the job.")]
    validationResponse: Annotated[
        str | None, Field(description="The answer to the code that Azure's Event Grid sends first.")
    ] = None


@router.post("/hooks/{id}", summary="Tell of new objects", status_code=200, response_model_exclude_none=True)
def hear(call: Writing, id: JobId, message: _Message) -> Heard:
    """Look for the objects that the event names, and read those that are new; an object is what it is when looked for.

    An event that comes twice, late or in another order changes nothing. Objects outside the job's path are left out. A
    job that is paused hears nothing, and lists its path when it is started again. 503 if the storage does not answer:
    send it again.
    """
    said = events.told_by(message)
    if said.confirm:
        return Heard(told=0, found=0, **said.confirm)
    with call.catalog.read() as tx:
        job = jobs.get(tx, kept.beginning(tx, id))
    if job.status is not JobStatus.ACTIVE:
        return Heard(told=len(said.objects), found=0)
    found = queues.note(call.catalog, job, said.objects, Access(), now=call.now)
    if found:
        wake(call)
    return Heard(told=len(said.objects), found=found)
