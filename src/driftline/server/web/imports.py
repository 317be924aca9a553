"""Import jobs: which there are, how far each is, what is wrong with its files, and pausing, starting, reading again."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from driftline.server.rest import importfiles as files
from driftline.server.rest import imports as rest
from driftline.server.rest import modelruns
from driftline.server.rest.callers import Reading
from driftline.server.rest.importasked import FileNumber, FilesWanted, ImportsWanted, JobId, RejectsWanted
from driftline.server.rest.importing import ImportDetail
from driftline.server.web.shown import Formed, Heading, Twin, page

router = APIRouter(prefix="/console", include_in_schema=False)


class ImportsShown(ImportsWanted):
    """Which import jobs are shown, and how."""

    format: Twin = None


class FilesShown(FilesWanted):
    """Which files of a job are shown, and how."""

    format: Twin = None


class RejectsShown(RejectsWanted):
    """Which rejected rows of a file are shown, and how."""

    format: Twin = None


_ACTIONS = {"pause": rest.pause_import, "start": rest.start_import, "look": rest.look_now}


@router.get("/imports")
def show_all(request: Request, call: Reading, wanted: Annotated[ImportsShown, Query()]) -> Response:
    """A page of the jobs, the latest first."""
    found = rest.list_imports(call, wanted.model_copy(update={"limit": min(wanted.limit, 50)}))
    facts = {"imports": found.items, "next_token": found.next_token}
    return page(request, call, "imports.html", Heading("Imports", "imports"), facts)


@router.get("/imports/{id}")
def show(request: Request, call: Reading, id: JobId, wanted: Annotated[FilesShown, Query()]) -> Response:
    """The job with its counts and files."""
    job, found = rest.show_import(call, id), files.list_files(call, id, wanted)
    facts = {"job": job, "files": found.items, "next_token": found.next_token}
    drawn = {"status": wanted.status, "columns": _columns(job)}
    up = ((job.model, f"/console/models/{job.model}"),)
    return page(
        request,
        call,
        "import.html",
        Heading(f"Import of {job.content} into {job.model}", "imports", up),
        facts,
        **drawn,
    )


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
    rejects = files.show_rejects(call, number, wanted)
    alarms = modelruns.show_alarms(call, number).items
    facts = {"file": found, "rejected": rejects.items, "next_token": rejects.next_token, "alarms": alarms}
    columns = list(rejects.items[0].values)[:24] if rejects.items else []
    up = (("Import job", f"/console/imports/{found.job}"),)
    return page(request, call, "file.html", Heading(f"File {number}", "imports", up), facts, columns=columns)


@router.post("/files/{number}/retries")
def retry(form: Formed, number: FileNumber) -> Response:
    """Read a failed file again."""
    return form.back(f"/console/imports/{files.retry_file(form.call, number).job}")


def _columns(job: ImportDetail) -> list[tuple[str, str]]:
    """Which column is what, as far as the job says so."""
    return [(name, str(told)) for name, told in job.columns.items() if told]
