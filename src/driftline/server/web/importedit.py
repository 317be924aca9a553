"""An import job that is there: edited with a dry run before it is kept, deleted, its rows purged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from driftline.errors import DriftlineError
from driftline.imports import jobs
from driftline.server.aws.wire import Call
from driftline.server.rest import imports as rest
from driftline.server.rest.callers import Reading, Writing
from driftline.server.rest.importasked import ImportChange, JobId
from driftline.server.rest.importfiles import show_file
from driftline.server.rest.importing import Fault, ImportDetail
from driftline.server.rest.inferences import purge
from driftline.server.web.drafts import LINES, Document, document_of, drawn_up
from driftline.server.web.importnew import back, drawn, facts_of
from driftline.server.web.shown import Form, Formed, Heading, page
from driftline.server.web.trials import Trial, attempt, known_of, lead, name_of, refused, wrong_in

router = APIRouter(prefix="/imports/{id}")

_READING = ("format", "settings", *LINES)
_FIXED = ("uri", "model", "version", "environment", "content", "batch", "credentials")
"""Members of a draft that a job has for good."""

Number = Annotated[int | None, Query(ge=1, le=1 << 53)]
Word = Annotated[str, Query(max_length=1024)]


@router.get("/edit")
def ask(
    request: Request,
    call: Writing,
    id: JobId,
    file: Number = None,
    code: Word = "",
    column: Word = "",
    field: Word = "",
) -> Response:
    """The form, with a dry run of a file; a fault of code, column and field leads to its entry."""
    job = rest.show_import(call, id)
    uri = show_file(call, file).uri if file else None
    trial = _tried(call, job, _document(job), uri)
    at = ""
    if code:
        told = Fault(
            code=code, message="", row=None, column=column or None, value=None, count=1, rows=[], field=field or None
        )
        at = lead(trial, told).place
    return _page(request, call, job, trial, at=at, file=file)


@router.post("/edit")
def answer(request: Request, form: Formed, id: JobId) -> Response:
    """What the job would make of a file now; with `act=save` it is so from now on, if nothing is wrong."""
    call, values = form.call, form.values
    job = rest.show_import(call, id)
    fixed = {name: told for name, told in _document(job).items() if name in _FIXED}
    try:
        given = (
            document_of(values.get("json", ""))
            if values.get("act") == "json"
            else drawn_up(values, known_of(call, fixed))
        )
    except DriftlineError as error:
        before = document_of(values.get("document", ""))
        told = Trial(before, errors={"json": str(error)}, whole=before)
        return _page(request, call, job, told, json_text=values.get("json", ""))
    document = {**given, **fixed}
    said = values.get("file", "")
    number = int(said) if said.isdecimal() and len(said) < 16 else None
    trial = _tried(call, job, document, show_file(call, number).uri if number else None)
    if values.get("act") == "save" and not trial.errors and (trial.may_be_kept or values.get("anyway")):
        return _saved(request, form, job, trial)
    return _page(request, call, job, trial, file=number)


@router.get("/delete")
def ask_delete(request: Request, call: Reading, id: JobId) -> Response:
    """What deleting means, before it is done."""
    return _gone(request, call, id, "delete")


@router.post("/delete")
def delete(form: Formed, id: JobId) -> Response:
    """The job reads nothing more."""
    return form.back(f"/console/imports/{rest.delete_import(form.call, id).id}")


@router.get("/purge")
def ask_purge(request: Request, call: Reading, id: JobId) -> Response:
    """What goes away, before it does."""
    return _gone(request, call, id, "purge")


@router.post("/purge")
def purge_rows(form: Formed, id: JobId) -> Response:
    """The rows that the job brought go, in turn with the imports of the model."""
    order = purge(form.call, id)
    return form.back(f"/console/imports/{order.job}?purge={order.id}")


def _tried(call: Call, job: ImportDetail, document: Document, file: str | None = None) -> Trial:
    """The draft, tried; that it reads the same files as the job itself is not odd."""
    trial = attempt(call, document, file=file)
    return replace(trial, warnings=[each for each in trial.warnings if job.id not in each.fault.message])


def _saved(request: Request, form: Form, job: ImportDetail, trial: Trial) -> Response:
    """The job as it is from now on; what of it was not changed is not said again, since it may be hidden."""
    before, now = _document(job), trial.document
    names = [name for name in _READING if now.get(name) != before.get(name)]
    told: Document = {"columns": now.get("columns", {}), "policies": now.get("policies", {})}
    empty: Mapping[str, Any] = {"format": None, "settings": {}, **{name: [] for name in LINES}}
    told |= {"reading": {name: now.get(name, empty[name]) for name in names}} if names else {}
    try:
        rest.edit_import(form.call, job.id, ImportChange.model_validate(told))
    except ValidationError as error:
        return _page(request, form.call, job, replace(trial, errors=wrong_in(error, name_of)))
    except DriftlineError as error:
        return _page(request, form.call, job, refused(trial, error))
    return back(request, form, f"/console/imports/{job.id}")


def _document(job: ImportDetail) -> Document:
    """What of a job a draft says."""
    told = job.model_dump(mode="json", include={*_FIXED, *_READING, "columns", "policies"})
    return {name: value for name, value in told.items() if value not in (None, [], {}, "")}


def _page(
    request: Request, call: Call, job: ImportDetail, trial: Trial, *, json_text: str = "", at: str = "",
    file: int | None = None,
) -> Response:  # fmt: skip
    up = (("Imports", "/console/imports"), (f"Import into {job.model}", f"/console/imports/{job.id}"))
    shown = drawn(call, trial, whose=())
    of = {name: trial.document[name] for name in ("columns", "policies", *_READING) if name in trial.document}
    text = json_text or json.dumps(of, ensure_ascii=False, indent=2)
    more = {**shown, "json_text": text, "at": at, "file": file, "path": f"/console/imports/{job.id}/edit"}
    return page(
        request,
        call,
        "importedit.html",
        Heading("Edit the import", "imports", up),
        {"job": job, **facts_of(trial)},
        **more,
    )


def _gone(request: Request, call: Call, id: str, what: str) -> Response:
    job = rest.show_import(call, id)
    with call.catalog.read() as tx:
        files = jobs.counts(tx, job.id)
    up = (("Imports", "/console/imports"), (f"Import into {job.model}", f"/console/imports/{job.id}"))
    title = "Delete the import job" if what == "delete" else "Purge the rows of the import job"
    return page(
        request, call, "importgone.html", Heading(title, "imports", up), {"job": job, "counts": files, "what": what}
    )
