"""`driftline monitors`: monitors of models on imported rows, what they said, and the rows behind it."""

from __future__ import annotations

from typing import Literal

from cyclopts import App

from driftline.commands.examples import epilogue
from driftline.commands.monitorasked import Baselined, Timed, Watching
from driftline.commands.monitorshown import (
    facts_of,
)
from driftline.commands.remote import Remote
from driftline.commands.showing import show, table, when

EXAMPLES = """
    driftline monitors create churn drift --kind data-quality --every 'rate(1 day)'
    driftline monitors create churn quality --kind model-quality --every 'rate(1 hour)' --window P1D --delay PT1H
    driftline monitors create churn fair --kind bias --facet sex=0 --against rolling --baseline-days 14
    driftline monitors run churn drift --start 2026-11-01 --end 2026-11-08 --where country=FR --wait
    driftline monitors backfill churn drift --since 2026-10-01 --until 2026-11-01
    driftline monitors results churn quality
    driftline monitors rows 4f1c09ab 0 --output rows.csv

    Exit status: 0 done, 1 violations where --fail-on-violations asks for it, 2 anything else.
    """

app = App(name="monitors", help_epilogue=epilogue(EXAMPLES))

_ELSEWHERE = {
    "run": "Look at a window now: the last one, or one of your own.",
    "backfill": "Look at all windows of a range of the past.",
    "rerun": "Look at the same window once more; the result of before stays.",
    "runs": "List runs, the latest made first.",
    "result": "Show a run: its violations with their numbers, estimates beside what labels showed.",
    "results": "Show what a monitor said over time: of each window what was known first, and what is known now.",
    "rows": "Show the rows behind a violation: file, row number, id, time and values.",
    "report": "Write the report of a run, one HTML page.",
    "alarms": "List the runs with violations that a file took part in.",
}
for _name, _said in _ELSEWHERE.items():
    app.command(f"driftline.commands.monitorruns:{_name}", name=_name, help=_said)

Kind = Literal["data-quality", "model-quality", "bias", "explainability"]


@app.command
def create(
    model: str,
    name: str,
    *,
    kind: Kind,
    watching: Watching | None = None,
    timed: Timed | None = None,
    baselined: Baselined | None = None,
    remote: Remote | None = None,
) -> int:
    """Make a monitor; what is not said follows from the schema of the model's version.

    Parameters
    ----------
    model
        The model's id.
    name
        What the monitor is called, among the model's.
    kind
        Which of the four monitors it is.
    """
    remote = remote or Remote()
    asked = (watching or Watching(), timed or Timed(), baselined or Baselined())
    body = {"name": name, "kind": kind, **{key: value for each in asked for key, value in each.body().items()}}
    found = remote.post(f"/models/{model}/monitors", body)
    show(found, facts_of(found), as_json=remote.json)
    return 0


@app.command
def change(
    model: str,
    name: str,
    *,
    watching: Watching | None = None,
    timed: Timed | None = None,
    baselined: Baselined | None = None,
    remote: Remote | None = None,
) -> int:
    """Change what a monitor watches, when, or against what; earlier results stay.

    Parameters
    ----------
    model
        The model's id.
    name
        The monitor's name.
    """
    remote = remote or Remote()
    asked = (watching or Watching(), timed or Timed(), baselined or Baselined())
    body = {key: value for each in asked for key, value in each.body().items()}
    found = remote.ask("PATCH", f"/models/{model}/monitors/{name}", body)
    show(found, facts_of(found), as_json=remote.json)
    return 0


@app.command(name="list")
def list_(model: str, *, remote: Remote | None = None) -> int:
    """List the monitors of a model.

    Parameters
    ----------
    model
        The model's id.
    """
    remote = remote or Remote()
    found = remote.get(f"/models/{model}/monitors")["items"]
    columns = [
        ("name", lambda each: each["name"]),
        ("kind", lambda each: each["kind"]),
        ("version", lambda each: each["version"] or "all"),
        ("every", lambda each: each["cadence"] or "on demand"),
        ("against", lambda each: each["against"]["basis"]),
        ("status", lambda each: each["status"]),
        ("next (UTC)", lambda each: when(each["next"])[:16]),
    ]
    show(found, table(found, columns, "no monitors", whole=("name", "next (UTC)")), as_json=remote.json)
    return 0


@app.command(name="show")
def show_(model: str, name: str, *, remote: Remote | None = None) -> int:
    """Show a monitor: what it watches, against what, when next.

    Parameters
    ----------
    model
        The model's id.
    name
        The monitor's name.
    """
    remote = remote or Remote()
    found = remote.get(f"/models/{model}/monitors/{name}")
    show(found, facts_of(found), as_json=remote.json)
    return 0


@app.command
def start(model: str, name: str, *, remote: Remote | None = None) -> int:
    """Start a paused monitor: it is planned again, from now on.

    Parameters
    ----------
    model
        The model's id.
    name
        The monitor's name.
    """
    return _turned(remote or Remote(), f"/models/{model}/monitors/{name}/start")


@app.command
def pause(model: str, name: str, *, remote: Remote | None = None) -> int:
    """Pause a monitor: nothing more is planned until it is started.

    Parameters
    ----------
    model
        The model's id.
    name
        The monitor's name.
    """
    return _turned(remote or Remote(), f"/models/{model}/monitors/{name}/pause")


@app.command
def baseline(model: str, name: str, *, remote: Remote | None = None) -> int:
    """Make a monitor's baseline anew, of what is there now.

    Parameters
    ----------
    model
        The model's id.
    name
        The monitor's name.
    """
    return _turned(remote or Remote(), f"/models/{model}/monitors/{name}/baselines")


@app.command
def delete(model: str, name: str, *, remote: Remote | None = None) -> int:
    """Delete a monitor and its runs; their files stay.

    Parameters
    ----------
    model
        The model's id.
    name
        The monitor's name.
    """
    remote = remote or Remote()
    remote.delete(f"/models/{model}/monitors/{name}")
    show({"deleted": name}, f"deleted: {name}", as_json=remote.json)
    return 0


def _turned(remote: Remote, path: str) -> int:
    found = remote.post(path)
    show(found, facts_of(found), as_json=remote.json)
    return 0
