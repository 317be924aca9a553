"""`driftline imports`: folders of inference files that become monitored rows: tried, made, followed, edited, ended."""

from __future__ import annotations

from typing import Any, Literal

from cyclopts import App

from driftline.commands.examples import epilogue
from driftline.commands.importing import Doubtful, Flag, Reading, Which, Whose, placed, with_columns
from driftline.commands.importshown import facts_of, followed, said_counts, tried
from driftline.commands.remote import Remote
from driftline.commands.showing import Facts, show, table, when

EXAMPLES = """
    driftline imports create s3://logs/churn/ --model churn --type binary --id-column id --predictions label --dry-run
    driftline imports create s3://logs/churn/ --model churn --type binary --id-column id --predictions label --follow
    driftline imports create s3://logs/labels/ --model churn --content actuals --id-column id --actuals churned
    driftline imports show 0b6c --follow
    driftline imports files 0b6c --status failed
    driftline imports once data/ --model churn --type binary --id-column id --predictions label

    Exit status: 0 done, 1 where --dry-run or --follow found files or rows that cannot be used or no way to look for
    files, 2 anything else.
    """

app = App(name="imports", help_epilogue=epilogue(EXAMPLES))
_ELSEWHERE = {
    "files": "List the files of a job, in the order in which they were found.",
    "file": "Show a file: how often it was tried, what became of its rows, and what is wrong with it.",
    "rejects": "Show the rows of a file that were rejected, each with the reason.",
    "retry": "Read a failed file again.",
    "upload": "Send a file of this machine to the server, which reads it as it reads those of import jobs.",
}
for _name, _said in _ELSEWHERE.items():
    app.command(f"driftline.commands.importfiles:{_name}", name=_name, help=_said)
_PURGE = "Remove the rows that a deleted job brought, from tables and profiles, for good."
app.command("driftline.commands.modeltables:purge", name="purge", help=_PURGE)
app.command("driftline.commands.once:once", name="once", help="Import files once on this machine, without a server.")

Status = Literal["active", "inactive", "deleted"]


@app.command(name="list")
def list_(
    *,
    search: str | None = None,
    model: str | None = None,
    space: str | None = None,
    status: Status | None = None,
    limit: int = 20,
    remote: Remote | None = None,
) -> int:
    """List import jobs, the latest first, deleted ones too.

    Parameters
    ----------
    search
        Only with this in the model, version or id.
    model
        Only into this model.
    space
        Only of this space.
    status
        Only with this status.
    limit
        How many at most.
    """
    remote = remote or Remote()
    found = list(remote.items("/imports", limit, search=search, model=model, space=space, status=status))
    columns = [
        ("id", lambda each: each["id"][:8]),
        ("model", lambda each: f"{each['model']} {each['version']}"),
        ("status", lambda each: each["status"]),
        *((name, _count(name)) for name in ("pending", "done", "failed", "rows", "rejected")),
        ("created (UTC)", lambda each: when(each["created"])[:16]),
        ("reads", lambda each: each["uri"]),
    ]
    show(found, table(found, columns, "no imports", whole=("id", "status", "created (UTC)")), as_json=remote.json)
    return 0


@app.command
def create(
    path: str,
    *,
    whose: Whose,
    which: Which | None = None,
    reading: Reading | None = None,
    doubtful: Doubtful | None = None,
    dry_run: Flag = False,
    follow: Flag = False,
    remote: Remote | None = None,
) -> int:
    """Make an import job: every file below the path is read once, and every file that comes there from now on.

    Parameters
    ----------
    path
        Where the files are: s3://bucket/prefix/, the address of a bucket in a browser, a folder of the server.
    dry_run
        Only show what it would make of the first file: which column becomes what, and what is wrong; nothing is kept.
    follow
        Wait until no file is pending; exit with 1 if files failed or rows were rejected.
    """
    remote, doubtful = remote or Remote(), doubtful or Doubtful()
    body = {"uri": placed(path), **whose.body(), **(reading or Reading()).body()}
    body |= {"columns": (which or Which()).body(), "policies": doubtful.body()}
    if dry_run:
        found = remote.post("/imports/dry-run", body)
        show(found, tried(found), as_json=remote.json)
        return 0 if found["status"] == "passed" else 1
    return _shown(remote, remote.post("/imports", body), follow=follow)


@app.command(name="show")
def show_(id: str, *, follow: Flag = False, remote: Remote | None = None) -> int:
    """Show an import job: how far it is, which column is what, what is amiss.

    Parameters
    ----------
    id
        The job's id, or the beginning of it.
    follow
        Wait until no file is pending; exit with 1 if files failed or rows were rejected.
    """
    remote = remote or Remote()
    return _shown(remote, remote.get(f"/imports/{id}"), follow=follow)


@app.command
def edit(
    id: str,
    *,
    which: Which | None = None,
    reading: Reading | None = None,
    doubtful: Doubtful | None = None,
    remote: Remote | None = None,
) -> int:
    """Edit which column is what, how files are read, or what is done with what is doubtful, from now on.

    What is not given stays as it is. `--columns FILE` takes the place of all that was said about columns before.

    Parameters
    ----------
    id
        The job's id, or the beginning of it.
    """
    remote = remote or Remote()
    given = {"columns": which, "policies": doubtful, "reading": reading}
    body = {name: told for name, options in given.items() if options is not None and (told := options.body())}
    if which is not None and which.columns is None and "columns" in body:
        body["columns"] = with_columns(remote.get(f"/imports/{id}")["columns"], body["columns"])
    found = remote.ask("PATCH", f"/imports/{id}", body)
    return _shown(remote, found, follow=False)


@app.command
def pause(id: str, *, remote: Remote | None = None) -> int:
    """Pause a job: it looks for nothing more until it is started.

    Parameters
    ----------
    id
        The job's id, or the beginning of it.
    """
    return _turned(remote or Remote(), f"/imports/{id}/pause")


@app.command
def start(id: str, *, remote: Remote | None = None) -> int:
    """Start a paused job: it looks for files again, at once.

    Parameters
    ----------
    id
        The job's id, or the beginning of it.
    """
    return _turned(remote or Remote(), f"/imports/{id}/start")


@app.command
def look(id: str, *, follow: Flag = False, remote: Remote | None = None) -> int:
    """Look for files now, not at the job's next turn.

    Parameters
    ----------
    id
        The job's id, or the beginning of it.
    follow
        Wait until no file is pending; exit with 1 if files failed or rows were rejected.
    """
    remote = remote or Remote()
    return _shown(remote, remote.post(f"/imports/{id}/looks"), follow=follow)


@app.command
def delete(id: str, *, remote: Remote | None = None) -> int:
    """Delete a job: it reads nothing more. It is still listed, and the rows that it brought stay.

    Parameters
    ----------
    id
        The job's id, or the beginning of it.
    """
    remote = remote or Remote()
    found = remote.ask("DELETE", f"/imports/{id}")
    show(found, Facts([("id", found["id"]), ("status", found["status"])]), as_json=remote.json)
    return 0


def _shown(remote: Remote, found: dict[str, Any], *, follow: bool) -> int:
    """Show a job, when no file is pending any more if `follow`; the exit status that this deserves."""
    found = followed(remote, found) if follow else found
    show(found, facts_of(found), as_json=remote.json)
    return int(follow and bool(found["counts"]["failed"] or found["counts"]["rejected"] or found["trouble"]))


def _turned(remote: Remote, path: str) -> int:
    found = remote.post(path)
    pairs = [("id", found["id"]), ("status", found["status"]), *said_counts(found["counts"])]
    show(found, Facts(pairs), as_json=remote.json)
    return 0


def _count(name: str) -> Any:
    return lambda each: f"{each['counts'][name]:,}"
