"""`driftline schedules`: what is planned, run now, back-filled, started, stopped, checked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from driftline.commands.examples import epilogue
from driftline.commands.executions import awaited, ended, executions_table, judged
from driftline.commands.remote import Remote
from driftline.commands.showing import Facts, asked_moment, moment, show, table, when

EXAMPLES = """
    driftline schedules list
    driftline schedules show churn-hourly
    driftline schedules check churn-hourly
    driftline schedules run churn-hourly --wait --fail-on-violations
    driftline schedules backfill churn-hourly --since 2026-11-20 --until 2026-11-21

    Exit status: 0 done, 1 violations where --fail-on-violations asks for it, 2 anything else.
    """

app = App(name="schedules", help_epilogue=epilogue(EXAMPLES))

Status = Literal["Pending", "Failed", "Scheduled", "Stopped"]
Flag = Annotated[bool, Parameter(negative="", show_default=False)]


@app.command(name="list")
def list_(
    *,
    contains: str | None = None,
    status: Status | None = None,
    endpoint: str | None = None,
    limit: int = 20,
    remote: Remote | None = None,
) -> int:
    """List schedules, and when they run next.

    Parameters
    ----------
    contains
        Only with this in the name.
    status
        Only with this status.
    endpoint
        Only of this endpoint.
    limit
        How many at most.
    """
    remote = remote or Remote()
    found = list(remote.items("/schedules", limit, name_contains=contains, status=status, endpoint=endpoint))
    columns = [
        ("name", lambda each: each["name"]),
        ("status", lambda each: each["status"]),
        ("type", lambda each: each["type"]),
        ("endpoint", lambda each: each["endpoint"] or "–"),
        ("expression", lambda each: each["expression"]),
        ("next run (UTC)", lambda each: when(each["next_run"])[:16]),
    ]
    show(found, table(found, columns, "no schedules", whole=("status", "next run (UTC)")), as_json=remote.json)
    return 0


@app.command(name="show")
def show_(name: str, *, remote: Remote | None = None) -> int:
    """Show a schedule: the next five times that it runs, its alert, its last five executions.

    Parameters
    ----------
    name
        The schedule's name.
    """
    remote = remote or Remote()
    found = remote.get(f"/schedules/{name}")
    pairs = [
        ("name", found["name"]),
        ("status", found["status"]),
        ("why", found["failure_reason"]),
        ("stopped since", moment(found["stopped_since"])),
        ("expression", found["expression"]),
        *(("next" if at == 0 else " ", moment(each)) for at, each in enumerate(found["next_runs"])),
        ("type", found["type"]),
        ("endpoint", found["endpoint"]),
        ("definition", found["definition"]),
        ("alert", found["alert"]),
        ("changed", moment(found["modified"])),
    ]
    show(found, Facts(pairs, ["", executions_table(found["executions"])]), as_json=remote.json)
    return 0


@app.command
def run(name: str, *, wait: Flag = False, fail_on_violations: Flag = False, remote: Remote | None = None) -> int:
    """Run a schedule now, over its last window; a stopped one, too.

    Parameters
    ----------
    name
        The schedule's name.
    wait
        Wait until it has ended; exit with 2 if it did not end well.
    fail_on_violations
        With --wait: exit with 1 if it found violations.
    """
    remote = remote or Remote()
    return ended(remote, remote.post(f"/schedules/{name}/runs"), wait=wait, strict=fail_on_violations)


@app.command
def backfill(
    name: str,
    *,
    since: str,
    until: str,
    wait: Flag = False,
    fail_on_violations: Flag = False,
    remote: Remote | None = None,
) -> int:
    """Run a schedule for each of its times in a range, in order, whether it ran for them before or not.

    Parameters
    ----------
    name
        The schedule's name.
    since
        The first scheduled time, or an earlier moment; UTC unless it has a zone.
    until
        Behind the last scheduled time, in the past.
    wait
        Wait until all have ended; exit with 2 if one did not end well.
    fail_on_violations
        With --wait: exit with 1 if one found violations.
    """
    remote = remote or Remote()
    body = {"since": asked_moment("--since", since), "until": asked_moment("--until", until)}
    found: list[dict[str, Any]] = remote.post(f"/schedules/{name}/backfills", body)["items"]
    if wait:
        found = [awaited(remote, each["id"]) for each in found]
    show(found, executions_table(found), as_json=remote.json)
    status = max(map(judged, found), default=0) if wait else 0
    return status if fail_on_violations or status != 1 else 0


@app.command
def check(name: str, *, remote: Remote | None = None) -> int:
    """Check what a run of the schedule needs: read baseline and captured data, write and remove an object.

    It names the permission and the resource that is denied, and exits with 2 if anything failed.

    Parameters
    ----------
    name
        The schedule's name.
    """
    remote = remote or Remote()
    found = remote.post(f"/schedules/{name}/checks")
    columns = [(heading, _member(heading)) for heading in ("state", "action", "resource", "said")]
    show(found, table(found["steps"], columns, "nothing to check", whole=("state", "action")), as_json=remote.json)
    return 0 if found["ok"] else 2


@app.command
def start(name: str, *, remote: Remote | None = None) -> int:
    """Start a stopped schedule: it is planned again, from now on.

    Parameters
    ----------
    name
        The schedule's name.
    """
    return _turned(remote or Remote(), name, "start")


@app.command
def stop(name: str, *, remote: Remote | None = None) -> int:
    """Stop a schedule: nothing more is planned; what runs ends by itself.

    Parameters
    ----------
    name
        The schedule's name.
    """
    return _turned(remote or Remote(), name, "stop")


@app.command
def delete(name: str, *, remote: Remote | None = None) -> int:
    """Delete a schedule; what runs is stopped, executions and their files are kept.

    Parameters
    ----------
    name
        The schedule's name.
    """
    remote = remote or Remote()
    remote.delete(f"/schedules/{name}")
    show({"deleted": name}, f"deleted: {name}", as_json=remote.json)
    return 0


def _turned(remote: Remote, name: str, order: str) -> int:
    found = remote.post(f"/schedules/{name}/{order}")
    pairs = [("name", found["name"]), ("status", found["status"]), ("next", moment(found["next_run"]))]
    show(found, Facts(pairs), as_json=remote.json)
    return 0


def _member(name: str) -> Any:
    return lambda each: each[name]
