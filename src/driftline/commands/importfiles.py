"""The files of import jobs on the command line: listed, shown with what is wrong, read again, uploaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from driftline.commands.importing import Flag, Reading, Which, Whose
from driftline.commands.importshown import fault_lines, followed, said_rows
from driftline.commands.remote import Remote
from driftline.commands.showing import Facts, moment, show, table
from driftline.errors import NotFound
from driftline.pages.tables import short

Status = Literal["pending", "done", "failed", "skipped"]


def files(id: str, *, status: Status | None = None, limit: int = 50, remote: Remote | None = None) -> int:
    """List the files of a job, in the order in which they were found.

    Parameters
    ----------
    id
        The job's id, or the beginning of it.
    status
        Only with this status.
    limit
        How many at most.
    """
    remote = remote or Remote()
    found = list(remote.items(f"/imports/{id}/files", limit, status=status))
    numbers = ("attempts", "rows", "accepted", "rejected", "duplicate")
    columns = [
        ("number", lambda each: str(each["number"])),
        ("status", lambda each: each["status"]),
        *((name, _number(name)) for name in numbers),
        ("seconds", lambda each: f"{each['seconds']:.1f}"),
        ("file", lambda each: each["uri"]),
        ("why", lambda each: short(each["faults"][0]["message"] if each["faults"] else "", 80)),
    ]
    show(found, table(found, columns, "no files", whole=("number", "status")), as_json=remote.json)
    return 0


def file(number: int, *, remote: Remote | None = None) -> int:
    """Show a file: how often it was tried, what became of its rows, and what is wrong with it.

    Parameters
    ----------
    number
        Its number, as `driftline imports files` shows it.
    """
    remote = remote or Remote()
    found = remote.get(f"/files/{number}")
    show(found, _facts(found), as_json=remote.json)
    return 0


def rejects(number: int, *, limit: int = 20, remote: Remote | None = None) -> int:
    """Show the rows of a file that were rejected, each with the reason.

    Parameters
    ----------
    number
        The file's number.
    limit
        How many at most.
    """
    remote = remote or Remote()
    found = list(remote.items(f"/files/{number}/rejects", limit))
    columns = [
        ("row", lambda each: f"{each['row']:,}"),
        ("code", lambda each: each["code"]),
        ("why", lambda each: each["reason"]),
        ("values", lambda each: short(", ".join(f"{name}={value}" for name, value in each["values"].items()), 200)),
    ]
    show(found, table(found, columns, "no rejected rows", whole=("row", "code")), as_json=remote.json)
    return 0


def retry(number: int, *, remote: Remote | None = None) -> int:
    """Read a failed file again.

    Parameters
    ----------
    number
        The file's number.
    """
    remote = remote or Remote()
    found = remote.post(f"/files/{number}/retries")
    show(found, _facts(found), as_json=remote.json)
    return 0


def upload(
    path: Path,
    *,
    whose: Whose,
    which: Which | None = None,
    reading: Reading | None = None,
    follow: Flag = False,
    remote: Remote | None = None,
) -> int:
    """Send a file of this machine to the server, which reads it as it reads the files of import jobs.

    The same file again changes nothing.

    Parameters
    ----------
    path
        The file.
    follow
        Wait until it is read; exit with 1 if it failed or rows of it were rejected.
    """
    remote = remote or Remote()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotFound(what="file", name=str(path), remedy=error.strerror or "") from error
    told = {**whose.body(), **(reading or Reading()).body(), "columns": (which or Which()).body(), "name": path.name}
    found = remote.upload(f"/models/{told.pop('model')}/files", data, told)
    if follow:
        followed(remote, {"id": found["job"]})
        found = remote.get(f"/files/{found['number']}")
    show(found, _facts(found), as_json=remote.json)
    return int(follow and bool(found["status"] == "failed" or found["rejected"]))


def _facts(found: dict[str, Any]) -> Facts:
    pairs = [
        ("number", found["number"]),
        ("file", found["uri"]),
        ("job", found["job"]),
        ("status", found["status"]),
        ("bytes", f"{found['size']:,}"),
        ("attempts", found["attempts"]),
        ("rows", said_rows(found)),
        ("times", " to ".join(filter(None, [moment(found["first"]), moment(found["last"])]))),
        ("found", moment(found["found"])),
        ("ended", moment(found["ended"])),
        ("seconds", f"{found['seconds']:.2f}" if found["ended"] else None),
    ]
    return Facts(pairs, list(fault_lines(found["faults"], "error" if found["status"] == "failed" else "warning")))


def _number(name: str) -> Any:
    return lambda each: f"{each[name]:,}"
