"""A new import job: from a pasted path to a sample, which column is what, a dry run, and the job."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from driftline import registry
from driftline.errors import DriftlineError
from driftline.imports import credentials
from driftline.server.aws.wire import Call
from driftline.server.rest import importnew as rest
from driftline.server.rest.callers import Reading
from driftline.server.rest.importasked import CreateWanted, ImportWanted, PoliciesValue
from driftline.server.web.drafts import POLICIES, Document, document_of, drawn_up, guessed, kinds_of, suggested
from driftline.server.web.fields import Field, fields_of, filled, offered
from driftline.server.web.mapping import ROLES
from driftline.server.web.shown import Form, Formed, Heading, page
from driftline.server.web.trials import Trial, attempt, known_of, refused

router = APIRouter(prefix="/new")

FORMATS = ("csv", "jsonlines", "json", "parquet", "avro", "arrow", "delta", "capture", "ground_truth")
_PATH = "/console/new/import"
_WHERE, _HOW = ("uri", "credentials", "format"), ("settings", "include", "select")
_WHOSE = ("model", "version", "environment", "content", "type", "batch")
_PATHS = "s3://, gs:// or az:// with bucket and prefix, an address or ARN of a bucket, or a folder of this server"
_NAMED = 1000
"""So many models are offered by name."""

Told = Annotated[str, Query(max_length=4096)]


@router.get("/import")
def ask(request: Request, call: Reading, uri: Told = "", model: Told = "") -> Response:
    """The form, with a path or a model if one is given."""
    document = {name: told for name, told in (("uri", uri), ("model", model)) if told}
    return _page(request, call, Trial(document, whole=document))


@router.post("/import")
def answer(request: Request, form: Formed) -> Response:
    """The sample and what it would become, by the form or by JSON; with `act=save` the job, if nothing is wrong."""
    call, values = form.call, form.values
    by_json = values.get("act") == "json"
    try:
        document = document_of(values.get("json", "")) if by_json else _drawn(call, values)
    except DriftlineError as error:
        before = document_of(values.get("document", ""))
        told = Trial(before, errors={"json": str(error)}, whole=before)
        return _page(request, call, told, json_text=values.get("json", ""))
    if by_json:
        return _page(request, call, attempt(call, {"create": True, **document}, {}))
    document = _suggested(call, document)
    trial = attempt(call, document, kinds_of(values))
    if values.get("act") == "look" and trial.found and not trial.schema:
        trial = _guessed(call, trial)
    if values.get("act") == "save" and not trial.errors:
        return _saved(request, form, trial)
    return _page(request, call, trial)


def forms_of(call: Call, trial: Trial, names: Iterable[str]) -> list[Field]:
    """The entries of these names, with what the draft says and what is wrong with it."""
    with call.catalog.read() as tx:
        known = [each.name for each in credentials.every(tx)]
        models = [each.id for each in registry.search(tx, registry.Search(limit=_NAMED, sort_by="name")).items]
    made = {each.name: each for each in fields_of(ImportWanted, without=("columns", "policies", "schema", "create"))}
    made |= {each.name: each for each in fields_of(PoliciesValue, POLICIES)}
    shown = [made[name] for name in names]
    said = {each.name: each for each in filled(shown, trial.document) if each.value}
    entries = offered(
        [said.get(each.name, each) for each in shown],
        uri={"label": "Path", "kind": "text", "meaning": _PATHS},
        credentials={"kind": "choice", "choices": tuple(known), "meaning": "If the server's own do not suffice"},
        format={"kind": "choice", "choices": FORMATS, "meaning": "Recognised by the files if not given"},
        settings={"meaning": 'Of the format as JSON, such as {"separator": ";"}'},
        include={"meaning": "Globs below the path, one a line; other files are passed over"},
        select={"meaning": "Spark SQL expressions that make the columns, one a line"},
        model={"known": tuple(models), "meaning": "An existing one, or the id of a new one"},
        type={"meaning": "Of a new version; told from the files if not given"},
    )  # fmt: skip
    return [replace(each, error=trial.errors.get(each.name, "")) for each in entries]


def drawn(call: Call, trial: Trial, whose: Iterable[str] = _WHOSE) -> dict[str, Any]:
    """What the template of a draft shows beside its facts."""
    document = {name: told for name, told in trial.whole.items() if name != "create"}
    shown = [*_WHERE, *_HOW, *whose, *(POLICIES + name for name in PoliciesValue.model_fields)]
    named = {each.name: each for each in forms_of(call, trial, shown)}
    others = {name: said for name, said in trial.errors.items() if name not in named and name != "json"}
    policies = [each for name, each in named.items() if name.startswith(POLICIES)]
    leads = {each.href for each in trial.faults}
    return {
        "trial": trial,
        "where": [named[name] for name in _WHERE],
        "how": [named[name] for name in _HOW],
        "whose": [named[name] for name in whose],
        "policies": policies,
        "doubtful": any(each.error or f"#{each.id}" in leads for each in policies),
        "others": list(others.values()),
        "document": json.dumps(trial.document, ensure_ascii=False),
        "json_text": json.dumps(document, ensure_ascii=False, indent=2),
        "roles": ROLES,
        "at": "",
    }


def facts_of(trial: Trial) -> dict[str, Any]:
    """What JSON says of a draft."""
    return {"draft": trial.whole, "tried": trial.found, "errors": trial.errors, "needs": trial.needs}


def back(request: Request, form: Form, path: str) -> Response:
    """To another page, also where htmx sent the form: it would put that page into this one."""
    found = form.back(path)
    if "hx-request" in request.headers:
        return Response(status_code=204, headers={**found.headers, "hx-redirect": path})
    return found


def _suggested(call: Call, document: Document) -> Document:
    """With model, version and environment, if they are not said, as the path tells them; of a model its latest one."""
    found = {**suggested(str(document.get("uri", ""))), **document}
    with call.catalog.read() as tx:
        known = registry.find_model(tx, str(found.get("model"))) is not None
        versions = [each.version for each in registry.versions(tx, str(found["model"]))] if known else []
    return {"create": True, "version": versions[-1] if versions else "v1", **found}


def _guessed(call: Call, trial: Trial) -> Trial:
    """The trial with what the names of the columns tell, where nobody said which column is what."""
    assert trial.found is not None
    columns = guessed([(each.column, each.kind) for each in trial.found.columns])
    if trial.document.get("columns") or trial.document.get("schema") or not columns:
        return trial
    return replace(attempt(call, {**trial.document, "columns": columns}, {}), guessed=True)


def _drawn(call: Call, values: Mapping[str, str]) -> Document:
    before = document_of(values.get("document", ""))
    return drawn_up(values, known_of(call, {**before, **{name: values.get(name) for name in ("model", "version")}}))


def _saved(request: Request, form: Form, trial: Trial) -> Response:
    """The job, if the dry run passed or it is wanted all the same; else the form again."""
    all_the_same = bool(form.values.get("anyway"))
    if not (trial.may_be_kept or all_the_same):
        return _page(request, form.call, trial)
    try:
        wanted = CreateWanted.model_validate({**trial.whole, "check": trial.may_be_kept})
        made = rest.create_import(form.call, wanted)
    except DriftlineError as error:
        return _page(request, form.call, refused(trial, error))
    return back(request, form, f"/console/imports/{made.id}")


def _page(request: Request, call: Call, trial: Trial, json_text: str = "") -> Response:
    heading = Heading("New import", "imports", (("Imports", "/console/imports"),))
    shown = drawn(call, trial)
    return page(
        request, call, "importnew.html", heading, facts_of(trial),
        **{**shown, "json_text": json_text or shown["json_text"]}, path=_PATH,
    )  # fmt: skip
