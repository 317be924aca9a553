"""The operations of Arize's GraphQL that concern import jobs, and those that its toolkit asks before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from driftline import registry
from driftline.catalog.imports import Search as JobSearch
from driftline.errors import DataError, Invalid, NotFound
from driftline.imports import jobs
from driftline.imports.dryrun import PASSED
from driftline.imports.job import ImportJob, JobStatus
from driftline.registry import Search
from driftline.server.arize import mapping
from driftline.server.arize.document import Document, Field, parse
from driftline.server.arize.jobs import asked, create, dry_record, record, tried, validation
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call
from driftline.server.rest.callers import called

router = APIRouter(include_in_schema=False)

ORGANIZATION = "driftline"
"""The id of the one organization there is, whatever name it is looked for by."""
_PAGE = 50
_MOST = 1000

Perform = Callable[[Field, Call], Any]


@router.post("/graphql")
def answer(call: Annotated[Call, Depends(called)], sent: Annotated[dict[str, Any], Body()]) -> Any:
    """What the document asks for; members beyond it too, where clients want more than they ask for."""
    variables = sent.get("variables")
    if not isinstance(sent.get("query"), str) or not isinstance(variables, Mapping | None):
        raise Invalid(what="GraphQL request", got=sorted(sent), expected="query and perhaps variables, an object")
    document = parse(sent["query"], variables, sent.get("operationName"))
    call.principal.require("read" if document.kind == "query" else "write")
    return JSONResponse({"data": {each.key: _performed(document, each, call) for each in document.fields}})


def _performed(document: Document, field: Field, call: Call) -> Any:
    table = QUERIES if document.kind == "query" else MUTATIONS
    perform = table.get(field.name)
    if perform is None:
        remedy = "Driftline answers what concerns models and file import jobs; the rest is in its own REST API."
        raise Invalid(what=f"GraphQL {document.kind}", got=field.name, expected=", ".join(table), remedy=remedy)
    return perform(field, call)


def _account(field: Field, call: Call) -> dict[str, Any]:
    """One organization, called as it is looked for, and its spaces."""
    found: dict[str, Any] = {}
    for each in field.fields:
        if each.name == "organizations":
            name = str(each.arguments.get("search") or ORGANIZATION)
            node = {"__typename": "AccountOrganization", "id": ORGANIZATION, "name": name, "createdAt": None}
            spaces = next((one for one in _below(each) if one.name == "spaces"), None)
            found[each.key] = _connection([{**node, "spaces": _spaces(spaces, call)} if spaces else node])
    return found


def _below(field: Field) -> Sequence[Field]:
    """What is asked of the nodes of a list."""
    return [each for edge in field.fields for node in edge.fields for each in node.fields if node.name == "node"]


def _spaces(field: Field, call: Call) -> dict[str, Any]:
    """The spaces that models are in, and the one that is looked for: a space is there as soon as it is named."""
    wanted = field.arguments.get("search")
    with call.catalog.read() as tx:
        names = {each.space for each in registry.models(tx)} | {"default"}
    chosen = [str(wanted)] if wanted else sorted(names)
    return _connection([_space(each) for each in chosen[: _first(field)]])


def _space(name: str) -> dict[str, Any]:
    return {"__typename": "Space", "id": name, "name": name, "createdAt": None, "description": "", "private": False}


def _node(field: Field, call: Call) -> dict[str, Any] | None:
    """What has this id: a job, a model, the organization, else a space, whose lists are given as they are asked for."""
    wanted = str(field.arguments.get("id") or "")
    with call.catalog.read() as tx:
        job, model = jobs.find(tx, wanted), registry.find_model(tx, wanted)
        if job is not None:
            return record(tx, job)
        if model is not None and not field.asks("importJobs") and not field.asks("models"):
            return _model(tx, model)
        found = _space(wanted)
        for each in field.fields:
            if each.name == "importJobs":
                found[each.key] = _import_jobs(tx, wanted, each)
            elif each.name == "models":
                found[each.key] = _models(tx, wanted, each)
    for each in field.fields:
        if each.name == "spaces":
            found[each.key] = _spaces(each, call)
    return found


def _import_jobs(tx: Connection, space: str, field: Field) -> dict[str, Any]:
    """Jobs of a space, the latest first. Those that read no bucket are left out: Arize's clients know of none."""
    text, after = field.arguments.get("search"), field.arguments.get("after")
    wanted = JobSearch({"space": space}, str(text) if text else None, _first(field), str(after) if after else None)
    page = jobs.page(tx, wanted)
    shown = [each for each in page.items if mapping.place_said(each.place.uri)]
    return _connection([record(tx, each) for each in shown], page.token)


def _models(tx: Connection, space: str, field: Field) -> dict[str, Any]:
    text, after = field.arguments.get("search"), field.arguments.get("after")
    wanted = Search(
        space=space,
        contains=str(text) if text else None,
        limit=_first(field),
        token=str(after) if after else None,
    )
    page = registry.search(tx, wanted)
    return _connection([_model(tx, each) for each in page.items], page.token)


def _model(tx: Connection, model: registry.Model) -> dict[str, Any]:
    versions = registry.versions(tx, model.id)
    type = mapping.type_said(versions[-1].type, versions[-1].body) if versions else "numeric"
    created = model.created.isoformat() if model.created else None
    found = {"__typename": "Model", "id": model.id, "name": model.name, "modelType": type, "createdAt": created}
    return {**found, "isDemoModel": False}


def _first(field: Field) -> int:
    said = field.arguments.get("first")
    return min(max(said, 1), _MOST) if isinstance(said, int) else _PAGE


def _connection(nodes: Sequence[Mapping[str, Any]], token: str | None = None) -> dict[str, Any]:
    return {
        "pageInfo": {"hasNextPage": token is not None, "endCursor": token},
        "edges": [{"node": each, "cursor": None} for each in nodes],
        "totalCount": len(nodes),
    }


def _create(field: Field, call: Call) -> dict[str, Any]:
    """Make a job, or only try it. It is made whatever the first file is like: others may be better, or come later."""
    wanted, dry = tried(asked(_input(field)), call)
    if wanted.is_dry:
        if dry.status != PASSED and not field.asks("validationResult"):
            # Arize's toolkit asks for nothing that would tell it.
            raise DataError(message=f"The dry run failed: {'; '.join(each.message for each in dry.faults[:3])}")
        return {"fileImportJob": dry_record(wanted), "validationResult": validation(dry)}
    with call.catalog.begin() as tx:
        found = {"fileImportJob": record(tx, create(tx, wanted, call)), "validationResult": validation(dry)}
    wake(call)
    return found


def _update(field: Field, call: Call) -> dict[str, Any]:
    """Another schema, another status; what else a job is cannot change."""
    given = _input(field)
    with call.catalog.begin() as tx:
        job = jobs.get(tx, _job_id(given))
        version = registry.get_version(tx, job.model, job.version)
        schema = given.get("schema") or given.get("modelSchema")
        if schema:
            columns = mapping.columns_of(schema, version.type)
            if columns != job.columns:
                job = jobs.edit(tx, job.id, columns=columns, now=call.now)
        status = given.get("jobStatus")
        if status:
            job = _turned(tx, job, str(status), call)
        return {"fileImportJob": record(tx, job)}


def _turned(tx: Connection, job: ImportJob, status: str, call: Call) -> ImportJob:
    """The job with this status, if it has not it already; raises `Invalid`."""
    if status not in _TURNS:
        raise Invalid(what="jobStatus", got=status, expected=", ".join(_TURNS))
    return job if job.status == status else _TURNS[status](tx, job.id, now=call.now)


_TURNS: Mapping[str, Callable[..., ImportJob]] = {
    JobStatus.ACTIVE: jobs.start,
    JobStatus.INACTIVE: jobs.pause,
    JobStatus.DELETED: jobs.delete,
}


def _turn_to(status: JobStatus) -> Perform:
    def perform(field: Field, call: Call) -> dict[str, Any]:
        with call.catalog.begin() as tx:
            job = jobs.get(tx, _job_id(_input(field)))
            return {"fileImportJob": record(tx, _turned(tx, job, status, call))}

    return perform


def _input(field: Field) -> Mapping[str, Any]:
    given = field.arguments.get("input")
    if not isinstance(given, Mapping):
        raise Invalid(what=f"input of {field.name}", got=given, expected="an object")
    return given


def _job_id(given: Mapping[str, Any]) -> str:
    found = given.get("jobId") or given.get("id")
    if not found:
        raise NotFound(what="import job", name="", remedy="Say jobId.")
    return str(found)


QUERIES: Mapping[str, Perform] = {"account": _account, "node": _node}
"""Fields of a query -> how they are answered."""
MUTATIONS: Mapping[str, Perform] = {
    "createFileImportJob": _create,
    "updateFileImportJob": _update,
    "startFileImportJob": _turn_to(JobStatus.ACTIVE),
    "pauseFileImportJob": _turn_to(JobStatus.INACTIVE),
    "deleteFileImportJob": _turn_to(JobStatus.DELETED),
}
"""Fields of a mutation -> how they are done."""
