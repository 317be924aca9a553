"""`driftline jobs`: processing jobs, that is baselines, runs of schedules and replays, with their logs."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from driftline.commands.examples import epilogue
from driftline.commands.remote import Remote
from driftline.commands.showing import Facts, moment, reason, show, table, when

EXAMPLES = """
    driftline jobs list --status Failed
    driftline jobs log baseline-churn --wait
    driftline jobs replay baseline-churn
    """

app = App(name="jobs", help_epilogue=epilogue(EXAMPLES))

Status = Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped"]
Flag = Annotated[bool, Parameter(negative="", show_default=False)]

_POLL_SECONDS = 0.5


@app.command(name="list")
def list_(
    *, contains: str | None = None, status: Status | None = None, limit: int = 20, remote: Remote | None = None
) -> int:
    """List processing jobs, the latest first.

    Parameters
    ----------
    contains
        Only with this in the name.
    status
        Only with this status.
    limit
        How many at most.
    """
    remote = remote or Remote()
    found = list(remote.items("/jobs", limit, name_contains=contains, status=status))
    columns = [
        ("name", lambda each: each["name"]),
        ("created (UTC)", lambda each: when(each["created"])[:16]),
        ("seconds", _seconds),
        ("status", lambda each: each["status"]),
        ("violations", lambda each: "–" if each["violations"] is None else str(each["violations"])),
        ("why", lambda each: reason(each["failure_reason"])),
    ]
    shown = table(found, columns, "no jobs", whole=("name", "created (UTC)", "status"))
    show(found, shown, as_json=remote.json)
    return 0


@app.command(name="show")
def show_(name: str, *, remote: Remote | None = None) -> int:
    """Show a job: how it ended, what it read and wrote.

    Parameters
    ----------
    name
        The job's name.
    """
    remote = remote or Remote()
    found = remote.get(f"/jobs/{name}")
    show(found, _facts(found), as_json=remote.json)
    return 0


@app.command
def log(name: str, *, wait: Flag = False, remote: Remote | None = None) -> int:
    """Print what a job printed.

    Parameters
    ----------
    name
        The job's name.
    wait
        Go on until it has ended.
    """
    return follow(remote or Remote(), f"/jobs/{name}/log", wait=wait)


@app.command
def replay(name: str, *, remote: Remote | None = None) -> int:
    """Run the manifest of an ended job again: the same objects give the same files, below those of the first.

    Parameters
    ----------
    name
        The job's name.
    """
    remote = remote or Remote()
    made = remote.post(f"/jobs/{name}/replays")
    show(made, Facts([("job", made["name"]), ("status", made["status"])]), as_json=remote.json)
    return 0


@app.command
def stop(name: str, *, remote: Remote | None = None) -> int:
    """Stop a job.

    Parameters
    ----------
    name
        The job's name.
    """
    remote = remote or Remote()
    found = remote.post(f"/jobs/{name}/stop")
    show(found, Facts([("job", found["name"]), ("status", found["status"])]), as_json=remote.json)
    return 0


@app.command
def delete(name: str, *, remote: Remote | None = None) -> int:
    """Forget a job that has ended, and its log; the files that it wrote stay.

    Parameters
    ----------
    name
        The job's name.
    """
    remote = remote or Remote()
    remote.delete(f"/jobs/{name}")
    show({"deleted": name}, f"deleted: {name}", as_json=remote.json)
    return 0


def follow(remote: Remote, path: str, *, wait: bool) -> int:
    """Print a log line by line, until it ends if `wait`."""
    after = 0
    while True:
        page = remote.get(path, after=after)
        for line in page["lines"]:
            print(json.dumps(line, ensure_ascii=False) if remote.json else line["text"], flush=True)
            after = line["id"]
        if page["ended"] or not (page["lines"] or wait):
            return 0
        if not page["lines"]:
            time.sleep(_POLL_SECONDS)


def _facts(found: dict[str, Any]) -> Facts:
    pairs = [
        ("name", found["name"]),
        ("status", found["status"]),
        ("violations", found["violations"]),
        ("message", found["exit_message"]),
        ("reason", found["failure_reason"]),
        ("created", moment(found["created"])),
        ("began", moment(found["started"])),
        ("ended", moment(found["ended"])),
        ("image", found["image"]),
        ("schedule", found["schedule"]),
        ("execution", found["execution"]),
        ("replay of", found["replay_of"]),
    ]
    pairs += [(f"reads {each['name']}", each["uri"]) for each in found["inputs"]]
    pairs += [(f"writes {each['name']}", each["uri"]) for each in found["outputs"]]
    return Facts(pairs)


def _seconds(found: dict[str, Any]) -> str:
    ends = [datetime.fromisoformat(found[name]) for name in ("started", "ended") if found[name]]
    return f"{(ends[1] - ends[0]).total_seconds():,.1f}" if len(ends) == 2 else "–"
