"""Runs of monitors on imported rows: over any window, what they found, and the rows behind it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from driftline.commands.importing import Flag
from driftline.commands.monitorasked import Looked, Waited
from driftline.commands.monitorshown import results_table, rows_shown, run_facts, runs_table
from driftline.commands.remote import Remote
from driftline.commands.showing import asked_moment, show

_OPEN = ("Pending", "InProgress")
_GOOD = ("Completed", "CompletedWithViolations", "NoData", "NoLabels")
_POLL_SECONDS = 0.5


def run(
    model: str, name: str, *, looked: Looked | None = None, waited: Waited | None = None, remote: Remote | None = None
) -> int:
    """Look at a window now: the last one, or one of your own.

    Parameters
    ----------
    model
        The model's id.
    name
        The monitor's name.
    """
    remote = remote or Remote()
    made = remote.post(f"/models/{model}/monitors/{name}/runs", (looked or Looked()).body())
    return _ended(remote, [made], waited or Waited())


def backfill(
    model: str, name: str, *, since: str, until: str, waited: Waited | None = None, remote: Remote | None = None
) -> int:
    """Look at all windows of a range of the past, whether they were looked at or not.

    Parameters
    ----------
    model
        The model's id.
    name
        The monitor's name.
    since
        Windows that end after this moment; UTC unless it has a zone.
    until
        Windows that end up to this one.
    """
    remote = remote or Remote()
    body = {"since": asked_moment("--since", since), "until": asked_moment("--until", until)}
    made = remote.post(f"/models/{model}/monitors/{name}/backfills", body)["items"]
    return _ended(remote, made, waited or Waited())


def rerun(id: str, *, waited: Waited | None = None, remote: Remote | None = None) -> int:
    """Look at the same window once more; the result of before stays.

    Parameters
    ----------
    id
        The run's id, or the beginning of it.
    """
    remote = remote or Remote()
    return _ended(remote, [remote.post(f"/model-runs/{id}/reruns")], waited or Waited())


def runs(
    *,
    model: str | None = None,
    monitor: str | None = None,
    status: str | None = None,
    limit: int = 20,
    remote: Remote | None = None,
) -> int:
    """List runs, the latest made first.

    Parameters
    ----------
    model
        Only of this model.
    monitor
        Only of this monitor.
    status
        Only with this status, such as CompletedWithViolations.
    limit
        How many at most.
    """
    remote = remote or Remote()
    found = list(remote.items("/model-runs", limit, model=model, monitor=monitor, status=status))
    show(found, runs_table(found), as_json=remote.json)
    return 0


def result(id: str, *, fail_on_violations: Flag = False, remote: Remote | None = None) -> int:
    """Show a run: its window, its violations with their numbers, estimates beside what labels showed.

    Parameters
    ----------
    id
        The run's id, or the beginning of it.
    fail_on_violations
        Exit with 1 if there are any.
    """
    remote = remote or Remote()
    found = remote.get(f"/model-runs/{id}")
    show(found, run_facts(found), as_json=remote.json)
    return int(fail_on_violations and found["violations"] > 0)


def results(
    model: str, name: str, *, since: str | None = None, until: str | None = None, remote: Remote | None = None
) -> int:
    """Show what a monitor said over time: of each window what was known first, and what is known now.

    Parameters
    ----------
    model
        The model's id.
    name
        The monitor's name.
    since
        Only windows that end later.
    until
        Only windows that begin earlier.
    """
    remote = remote or Remote()
    asked = {
        key: asked_moment(f"--{key}", text) for key, text in (("since", since), ("until", until)) if text is not None
    }
    found = remote.get(f"/models/{model}/monitors/{name}/results", **asked)["items"]
    show(found, results_table(found), as_json=remote.json)
    return 0


def rows(
    id: str,
    violation: int = 0,
    *,
    group: int | None = None,
    limit: int = 20,
    after: int = 0,
    output: Path | None = None,
    remote: Remote | None = None,
) -> int:
    """Show the rows behind a violation: file, row number, id, time and values.

    Parameters
    ----------
    id
        The run's id, or the beginning of it.
    violation
        The number of the violation, as `driftline monitors result` shows it.
    group
        Of a drift: which of the groups that moved; that which grew most by default.
    limit
        How many at most.
    after
        So many are passed over.
    output
        Write all rows to this file instead, .csv or .parquet.
    """
    remote, path = remote or Remote(), f"/model-runs/{id}/violations/{violation}"
    if output is not None:
        kind = "parquet" if output.suffix == ".parquet" else "csv"
        output.write_bytes(remote.read(f"{path}/download", format=kind, group=group))
        show({"written": str(output)}, f"written: {output}", as_json=remote.json)
        return 0
    found = remote.get(f"{path}/rows", limit=limit, after=after, group=group)
    show(found, rows_shown(found), as_json=remote.json)
    return 0


def report(id: str, *, output: Path, remote: Remote | None = None) -> int:
    """Write the report of a run, one HTML page.

    Parameters
    ----------
    id
        The run's id, or the beginning of it.
    output
        The file that it is written to.
    """
    remote = remote or Remote()
    output.write_bytes(remote.read(f"/model-runs/{id}/report"))
    show({"written": str(output)}, f"written: {output}", as_json=remote.json)
    return 0


def alarms(file: int, *, remote: Remote | None = None) -> int:
    """List the runs with violations that a file took part in.

    Parameters
    ----------
    file
        The file's number, as `driftline imports files` shows it.
    """
    remote = remote or Remote()
    found = remote.get(f"/files/{file}/alarms")["items"]
    shown = [each["run"] for each in found]
    show(found, runs_table(shown, "no alarms"), as_json=remote.json)
    return 0


def _ended(remote: Remote, made: list[dict[str, Any]], waited: Waited) -> int:
    """The runs that were queued, once they have ended if that is waited for."""
    found = made
    while waited.wait and any(each["status"] in _OPEN for each in found):
        time.sleep(_POLL_SECONDS)
        found = [remote.get(f"/model-runs/{each['id']}") if each["status"] in _OPEN else each for each in found]
    one = found[0] if len(found) == 1 else None
    show(one or found, run_facts(one) if one else runs_table(found), as_json=remote.json)
    if waited.wait and any(each["status"] not in _GOOD for each in found):
        return 2
    return int(waited.wait and waited.fail_on_violations and any(each["violations"] for each in found))
