"""Import jobs: which there are, how far each is, what came, what is wrong with files; pausing, starting, retrying."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import BeforeValidator

from driftline.catalog import imports as kept
from driftline.catalog.hours import Subject
from driftline.imports import jobs, rejects
from driftline.imports.job import JobStatus
from driftline.schemas.fields import Environment
from driftline.server.aws.wire import Call
from driftline.server.rest import importfiles as files
from driftline.server.rest import imports as rest
from driftline.server.rest import modelruns
from driftline.server.rest.callers import Reading
from driftline.server.rest.importasked import FileNumber, FilesWanted, ImportsWanted, JobId, RejectsWanted
from driftline.server.rest.importing import ImportDetail
from driftline.server.rest.inferences import show_clearing
from driftline.server.rest.registered import Named
from driftline.server.web import volumes
from driftline.server.web.downloads import sheet
from driftline.server.web.drafts import OWN
from driftline.server.web.importedit import router as _edit
from driftline.server.web.importnew import router as _new
from driftline.server.web.mending import link
from driftline.server.web.shown import Formed, Heading, Twin, page
from driftline.server.web.templates import HEADERS
from driftline.server.web.volumes import Day

router = APIRouter(prefix="/console", include_in_schema=False)
router.include_router(_new)
router.include_router(_edit)


Chosen = BeforeValidator(lambda given: given or None)
"""What is left empty in a form is not asked for."""


class ImportsShown(ImportsWanted):
    """Which import jobs are shown, and how."""

    status: Annotated[JobStatus | None, Chosen] = None
    environment: Annotated[Environment | None, Chosen] = None
    model: Annotated[Named | None, Chosen] = None
    format: Twin = None


class FilesShown(FilesWanted):
    """Which files of a job are shown, and how; `purge` is an order whose outcome is shown, too."""

    format: Twin = None
    purge: Annotated[str | None, Query(pattern=r"^[0-9a-f]{8}-[0-9a-f-]{27}$")] = None


class RejectsShown(RejectsWanted):
    """Which rejected rows of a file are shown, and how."""

    format: Twin = None


_CONTENTS = {"both": "predictions and actuals"}
_ACTIONS = {"pause": rest.pause_import, "start": rest.start_import, "look": rest.look_now}


@router.get("/imports")
def show_all(request: Request, call: Reading, wanted: Annotated[ImportsShown, Query()]) -> Response:
    """A page of the jobs, the latest first."""
    found = rest.list_imports(call, wanted.model_copy(update={"limit": min(wanted.limit, 50)}))
    facts = {"imports": found.items, "next_token": found.next_token}
    asked = {name: getattr(wanted, name) or "" for name in ("search", "model", "status", "environment")}
    query = urlencode({name: str(told) for name, told in asked.items() if told})
    heading = Heading("Imports", "imports")
    return page(request, call, "imports.html", heading, facts, wanted=asked, query=f"?{query}" if query else "")


@router.get("/imports/{id}")
def show(request: Request, call: Reading, id: JobId, wanted: Annotated[FilesShown, Query()]) -> Response:
    """The job with its counts and files, how much came when, and what became of a purge."""
    job, found = rest.show_import(call, id), files.list_files(call, id, wanted)
    order = show_clearing(call, job.model, wanted.purge) if wanted.purge else None
    read, said = _volumes(call, job)
    facts = {
        "job": job, "files": found.items, "next_token": found.next_token, "read": read, "said": said, "purge": order,
    }  # fmt: skip
    drawn = {
        "status": wanted.status,
        "columns": _columns(job),
        "charts": _charts(job, read, said),
        "runs": _runs(job) or (order is not None and order.ended is None),
        "link": link,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
    }
    heading = Heading(f"Import of {_CONTENTS.get(job.content, job.content)} into {job.model}", "imports", _up(job))
    return page(request, call, "import.html", heading, facts, **drawn)


@router.post("/imports/{id}/{action}")
def act(form: Formed, id: JobId, action: Literal["pause", "start", "look"]) -> Response:
    """Pause, start, or look for files now."""
    return form.back(f"/console/imports/{_ACTIONS[action](form.call, id).id}")


@router.get("/files/{number}")
def show_file(
    request: Request, call: Reading, number: FileNumber, wanted: Annotated[RejectsShown, Query()]
) -> Response:
    """A file: what is wrong with it, its rejected rows, and the alarms that it took part in."""
    found = files.show_file(call, number)
    lost = files.show_rejects(call, number, wanted)
    alarms = modelruns.show_alarms(call, number).items
    facts = {"file": found, "rejected": lost.items, "next_token": lost.next_token, "alarms": alarms}
    columns = list(lost.items[0].values)[:24] if lost.items else []
    up = (("Imports", "/console/imports"), ("Import job", f"/console/imports/{found.job}"))
    return page(request, call, "file.html", Heading(f"File {number}", "imports", up), facts, columns=columns, link=link)


@router.get("/files/{number}/rejects.csv")
def download_rejects(call: Reading, number: FileNumber) -> Response:
    """All rejected rows of a file that are kept, with the rule that each breaks; nothing in it is a formula."""
    with call.catalog.read() as tx:
        found = jobs.file(tx, number)
        model = jobs.get(tx, found.job).model
    rows = rejects.read(files.tables_of(call), model, number, limit=rejects.KEPT)
    headers = {**HEADERS, "content-disposition": f'attachment; filename="file-{number}-rejected.csv"'}
    return Response(sheet(rows), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/files/{number}/retries")
def retry(form: Formed, number: FileNumber) -> Response:
    """Read a failed file again."""
    return form.back(f"/console/imports/{files.retry_file(form.call, number).job}")


def _up(job: ImportDetail) -> tuple[tuple[str, str], ...]:
    return (("Imports", "/console/imports"), (job.model, f"/console/models/{job.model}"))


def _runs(job: ImportDetail) -> bool:
    """Whether something of the job is under way, so that its page is shown anew now and then."""
    return job.status == "active" and bool(job.counts.pending or job.looked is None)


def _volumes(call: Call, job: ImportDetail) -> tuple[list[Day], list[Day]]:
    """Rows by the day on which the job read them, and all of such rows by the day that they say."""
    with call.catalog.read() as tx:
        read = volumes.read_on(kept.volumes(tx, volumes.since(call.now), job=job.id))
        if job.content != "actuals":
            subject = Subject(job.model, job.version, str(job.environment))
            return read, volumes.predicted_on(tx, [subject])
    return read, volumes.labelled_on(call, job.model, str(job.environment)) or []


def _charts(job: ImportDetail, read: list[Day], said: list[Day]) -> list[tuple[str, str, str]]:
    """Each with a title, the drawing and a remark."""
    whose = f"actuals of {job.model}" if job.content == "actuals" else f"predictions of {job.model} {job.version}"
    titles = (("By the day they were read", read, "Rows that this job read"),
              ("By the day the rows say", said, f"All {whose}, {job.environment}"))  # fmt: skip
    return [
        (title, volumes.drawn(days, volumes.told(days, title)), f"{about}.") for title, days, about in titles if days
    ]


def _columns(job: ImportDetail) -> list[tuple[str, str]]:
    """Which column is what, as far as the job says so."""
    found = [(use, str(job.columns[use])) for use in OWN if job.columns.get(use)]
    found += [(f"prefix of each {role}", prefix) for role, prefix in (job.columns.get("prefixes") or {}).items()]
    found += [(role, ", ".join(names)) for role, names in (job.columns.get("lists") or {}).items()]
    found += [(f"field {name}", column) for name, column in (job.columns.get("fields") or {}).items()]
    return found + ([("excluded", ", ".join(job.columns["exclude"]))] if job.columns.get("exclude") else [])
