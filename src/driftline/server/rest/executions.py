"""Executions of schedules: listed, shown with what they found, run again, replayed, stopped."""

from __future__ import annotations

from math import isnan
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from driftline import schedules
from driftline.baselines import read_json
from driftline.catalog import executions, resources
from driftline.catalog.executions import Search
from driftline.documents import violations
from driftline.errors import Conflict
from driftline.processing import jobs, judging
from driftline.processing.contract import Contract
from driftline.server.aws.waking import wake
from driftline.server.rest.answers import Execution, ExecutionDetail, Job, Log, Page, Violation, Violations
from driftline.server.rest.asked import ExecutionsWanted, Identity, Line, Lines
from driftline.server.rest.callers import Reading, Writing
from driftline.server.rest.jobs import job, log_of
from driftline.storage.access import Access

router = APIRouter(tags=["executions"])


@router.get("/executions", summary="List executions")
def list_executions(call: Reading, wanted: Annotated[ExecutionsWanted, Query()]) -> Page[Execution]:
    """A page of the executions of all schedules, by scheduled time unless told otherwise."""
    given = wanted.model_dump()
    equal = {name: given[name] for name in ("schedule", "endpoint", "definition", "type", "status") if given[name]}
    with call.catalog.read() as tx:
        page = executions.search(
            tx,
            Search(
                equal,
                after={"scheduled": wanted.scheduled_after} if wanted.scheduled_after else {},
                before={"scheduled": wanted.scheduled_before} if wanted.scheduled_before else {},
                sort_by=wanted.sort_by,
                descending=wanted.descending,
                limit=wanted.limit,
                token=wanted.token,
            ),
        )
    return Page(items=[execution(each) for each in page.items], next_token=page.token)


@router.get("/executions/{id}", summary="Show an execution")
def show_execution(call: Reading, id: Identity) -> ExecutionDetail:
    """The execution: its window, how it ended and why, how many violations it found and where its files are."""
    with call.catalog.read() as tx:
        return _detail(tx, executions.beginning(tx, id))


@router.get("/executions/{id}/violations", summary="Show the violations of an execution")
def show_violations(call: Reading, id: Identity) -> Violations:
    """What broke a constraint, read from `constraint_violations.json`. 409 for an execution that wrote none."""
    with call.catalog.read() as tx:
        found = _detail(tx, executions.beginning(tx, id))
    if found.violation_report_uri is None:
        reason = f"it is {found.status} and wrote no violations"
        raise Conflict(what="execution", name=found.id, reason=reason)
    items = violations.read(read_json(found.violation_report_uri, Access()))
    return Violations(
        uri=found.violation_report_uri,
        items=[
            Violation(
                subject=each.subject,
                check=each.check,
                value=None if isnan(each.value) else each.value,
                limit=None if isnan(each.limit) else each.limit,
                said=each.said,
            )
            for each in items
        ],
    )


@router.get("/executions/{id}/log", summary="Read what an execution printed")
def read_log(call: Reading, id: Identity, after: Line = 0, limit: Lines = 1000) -> Log:
    """The log of the execution's job; no lines where there was none."""
    with call.catalog.read() as tx:
        found = executions.beginning(tx, id)
    return Log(lines=[], ended=not found.is_open) if found.job is None else log_of(call, found.job, after, limit)


@router.post("/executions/{id}/reruns", summary="Run an execution again", status_code=201)
def rerun(call: Writing, id: Identity) -> Execution:
    """The same window once more, with the baseline and settings that it had; data that came late are read, too."""
    with call.catalog.begin() as tx:
        made = schedules.rerun(tx, executions.beginning(tx, id).id, call.now)
    wake(call)
    return execution(made)


@router.post("/executions/{id}/replays", summary="Replay an execution from its manifest", status_code=201)
def replay(call: Writing, id: Identity) -> Job:
    """A job that reads the very objects that the execution read. 409 for one that kept no manifest."""
    with call.catalog.begin() as tx:
        found = executions.beginning(tx, id)
        if found.job is None:
            remedy = "Run it again instead."
            raise Conflict(what="execution", name=found.id, reason="it had no job", remedy=remedy)
        made = jobs.replay(tx, found.job, call.now)
    wake(call)
    return job(made)


@router.post("/executions/{id}/stop", summary="Stop an execution", status_code=202)
def stop(call: Writing, id: Identity) -> Execution:
    """End the execution: at once if it is queued, else as soon as its worker sees it. 409 if it has ended."""
    with call.catalog.begin() as tx:
        found = executions.beginning(tx, id)
        if not found.is_open:
            raise Conflict(what="execution", name=found.id, reason=f"it has ended: {found.status}")
        schedules.stop_execution(tx, found, call.now)
        return execution(executions.get(tx, found.id))


def execution(found: executions.Execution) -> Execution:
    """An execution as lists show it."""
    return Execution.model_validate(found, from_attributes=True)


def _detail(tx: Connection, found: executions.Execution) -> ExecutionDetail:
    told = execution(found).model_dump()
    ran = resources.find(tx, jobs.KIND, found.job) if found.job else None
    if ran is None:
        return ExecutionDetail(**told)
    contract = Contract.of(ran.name, ran.body)
    output = contract.outputs[0].uri if contract.outputs else None
    count, report = ran.body.get("Violations"), judging.report_of(ran, found.status)
    return ExecutionDetail(**told, violations=count, output_uri=output, violation_report_uri=report)
