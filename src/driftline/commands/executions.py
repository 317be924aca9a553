"""`driftline executions`: what ran for schedules, with reasons, logs and repeats."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from driftline.commands.examples import epilogue
from driftline.commands.jobs import follow
from driftline.commands.remote import Remote
from driftline.commands.showing import Facts, asked_moment, moment, reason, show, span, table, when

EXAMPLES = """
    driftline executions list --schedule churn-hourly --status Failed
    driftline executions show 4f1c09ab --fail-on-violations
    driftline executions violations 4f1c09ab
    driftline executions rerun 4f1c09ab --wait

    Exit status: 0 done, 1 violations where --fail-on-violations asks for it, 2 anything else.
    """

app = App(name="executions", help_epilogue=epilogue(EXAMPLES))

Status = Literal["Pending", "InProgress", "Completed", "CompletedWithViolations", "Failed", "Stopping", "Stopped"]
Flag = Annotated[bool, Parameter(negative="", show_default=False)]

_OPEN = ("Pending", "InProgress", "Stopping")
_POLL_SECONDS = 0.5


@app.command(name="list")
def list_(
    *,
    schedule: str | None = None,
    endpoint: str | None = None,
    status: Status | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int = 20,
    remote: Remote | None = None,
) -> int:
    """List executions, the latest first by scheduled time.

    Parameters
    ----------
    schedule
        Only of this schedule.
    endpoint
        Only of this endpoint.
    status
        Only with this status.
    since
        Only planned for this time or later; UTC unless it has a zone.
    until
        Only planned for before this time.
    limit
        How many at most.
    """
    remote = remote or Remote()
    found = list(
        remote.items(
            "/executions",
            limit,
            schedule=schedule,
            endpoint=endpoint,
            status=status,
            scheduled_after=_just_before(since) if since else None,
            scheduled_before=asked_moment("--until", until) if until else None,
        )
    )
    show(found, executions_table(found), as_json=remote.json)
    return 0


@app.command(name="show")
def show_(id: str, *, fail_on_violations: Flag = False, wait: Flag = False, remote: Remote | None = None) -> int:
    """Show an execution: its window, how it ended and why, how many violations it found, where its files are.

    Parameters
    ----------
    id
        Its id, or the first digits of it.
    fail_on_violations
        Exit with 1 if it found violations, and with 2 if it did not end well.
    wait
        Wait until it has ended.
    """
    remote = remote or Remote()
    found = awaited(remote, id) if wait else remote.get(f"/executions/{id}")
    show(found, facts_of(found), as_json=remote.json)
    return judged(found) if fail_on_violations else 0


@app.command
def violations(id: str, *, fail_on_violations: Flag = False, remote: Remote | None = None) -> int:
    """Show what broke a constraint.

    Parameters
    ----------
    id
        The execution's id, or the first digits of it.
    fail_on_violations
        Exit with 1 if there are any.
    """
    remote = remote or Remote()
    found = remote.get(f"/executions/{id}/violations")
    columns = [("subject", lambda each: each["subject"]), ("check", lambda each: each["check"])]
    columns.append(("description", lambda each: each["said"]))
    show(found, table(found["items"], columns, "no violations"), as_json=remote.json)
    return int(fail_on_violations and bool(found["items"]))


@app.command
def log(id: str, *, wait: Flag = False, remote: Remote | None = None) -> int:
    """Print what an execution printed.

    Parameters
    ----------
    id
        The execution's id, or the first digits of it.
    wait
        Go on until it has ended.
    """
    return follow(remote or Remote(), f"/executions/{id}/log", wait=wait)


@app.command
def rerun(id: str, *, wait: Flag = False, fail_on_violations: Flag = False, remote: Remote | None = None) -> int:
    """Run the same window again, with the baseline and settings that it had.

    Parameters
    ----------
    id
        The execution's id, or the first digits of it.
    wait
        Wait until it has ended; exit with 2 if it did not end well.
    fail_on_violations
        With --wait: exit with 1 if it found violations.
    """
    remote = remote or Remote()
    made = remote.post(f"/executions/{id}/reruns")
    return ended(remote, made, wait=wait, strict=fail_on_violations)


@app.command
def replay(id: str, *, remote: Remote | None = None) -> int:
    """Run the manifest of an execution again as a job: the same objects give the same files.

    Parameters
    ----------
    id
        The execution's id, or the first digits of it.
    """
    remote = remote or Remote()
    made = remote.post(f"/executions/{id}/replays")
    show(made, Facts([("job", made["name"]), ("status", made["status"])]), as_json=remote.json)
    return 0


@app.command
def stop(id: str, *, remote: Remote | None = None) -> int:
    """Stop an execution.

    Parameters
    ----------
    id
        Its id, or the first digits of it.
    """
    remote = remote or Remote()
    found = remote.post(f"/executions/{id}/stop")
    show(found, facts_of(found), as_json=remote.json)
    return 0


def executions_table(found: list[dict[str, Any]]) -> Any:
    """One row an execution."""
    columns = [
        ("id", lambda each: each["id"][:8]),
        ("schedule", lambda each: each["schedule"]),
        ("scheduled (UTC)", lambda each: when(each["scheduled"])[:16]),
        ("status", lambda each: each["status"]),
        ("why", lambda each: reason(each["failure_reason"])),
    ]
    return table(found, columns, "no executions", whole=("id", "scheduled (UTC)", "status"))


def facts_of(found: dict[str, Any]) -> Facts:
    """An execution, member by member."""
    count = f", run {found['run']}" if found["run"] else ""
    repeat = f" ({found['origin']}{count})" if count or found["origin"] != "schedule" else ""
    pairs = [
        ("id", found["id"]),
        ("schedule", found["schedule"]),
        ("scheduled", f"{moment(found['scheduled'])}{repeat}"),
        ("window", f"{span(found['window_start'], found['window_end'])} UTC"),
        ("status", found["status"]),
        ("violations", found.get("violations")),
        ("message", found["exit_message"]),
        ("reason", found["failure_reason"]),
        ("endpoint", found["endpoint"]),
        ("definition", found["definition"]),
        ("job", found["job"]),
        ("files", found.get("output_uri")),
        ("violation report", found.get("violation_report_uri")),
    ]
    return Facts(pairs)


def awaited(remote: Remote, id: str) -> dict[str, Any]:
    """The execution, once it has ended."""
    while True:
        found: dict[str, Any] = remote.get(f"/executions/{id}")
        if found["status"] not in _OPEN:
            return found
        time.sleep(_POLL_SECONDS)


def ended(remote: Remote, made: dict[str, Any], *, wait: bool, strict: bool) -> int:
    """Show an execution that was just made, when it has ended if `wait`; the exit status that this deserves."""
    found = awaited(remote, made["id"]) if wait else made
    show(found, facts_of(found), as_json=remote.json)
    status = judged(found) if wait else 0
    return status if strict or status != 1 else 0


def judged(found: dict[str, Any]) -> int:
    """The exit status of an execution: 0 no violations, 1 violations, 2 anything else."""
    return {"Completed": 0, "CompletedWithViolations": 1}.get(found["status"], 2)


def _just_before(since: str) -> str:
    """The bound of the API leaves out the moment itself."""
    return (datetime.fromisoformat(asked_moment("--since", since)) - timedelta(microseconds=1)).isoformat()
