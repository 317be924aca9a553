"""`driftline alerts`: what fires, who looks after it, and who is told."""

from __future__ import annotations

from typing import Any, Literal

from cyclopts import App

from driftline.commands.examples import epilogue
from driftline.commands.remote import Remote
from driftline.commands.showing import Facts, asked_moment, moment, reason, show, table, when

EXAMPLES = """
    driftline alerts put-rules churn rules.yaml
    driftline alerts try-rules churn rules.yaml --since 2026-10-01
    driftline alerts put-channel ops webhook --config.url https://hooks.example/x --config.secret env:HOOK
    driftline alerts test-channel ops
    driftline alerts list
    driftline alerts ack 4f1c09ab
    driftline alerts snooze 4f1c09ab --until 2026-11-23T08:00
    driftline alerts quiet --until 2026-11-23T08:00 --model churn --note 'new tables'

    Exit status: 0 done, 2 anything else.
    """

app = App(name="alerts", help_epilogue=epilogue(EXAMPLES))

_ELSEWHERE = {
    "rules": "List the rules of a model.",
    "put-rules": "Keep the rules of a YAML or JSON file.",
    "try-rules": "Show when the rules of a file would have fired; nothing is kept.",
    "delete-rule": "Delete a rule; what fires for it is over.",
    "schedule-rules": "List the rules of SageMaker's schedules.",
    "put-schedule-rules": "Keep the rules of a YAML or JSON file for executions of schedules.",
    "try-schedule-rules": "Show when the rules of a file would have fired for executions of schedules.",
    "delete-schedule-rule": "Delete a rule of schedules; what fires for it is over.",
    "channels": "List channels.",
    "put-channel": "Keep a channel; an administrator's key is needed.",
    "test-channel": "Send a test message to a channel.",
    "delete-channel": "Delete a channel.",
}
for _name, _said in _ELSEWHERE.items():
    app.command(f"driftline.commands.alertrules:{_name.replace('-', '_')}", name=_name, help=_said)

State = Literal["FIRING", "OK", "any"]


@app.command(name="list")
def list_(*, model: str | None = None, state: State = "FIRING", limit: int = 100, remote: Remote | None = None) -> int:
    """List what fires, the latest first.

    Parameters
    ----------
    model
        Of this model only.
    state
        FIRING, OK for what has fired once, or any.
    limit
        How many at most.
    """
    remote = remote or Remote()
    found = list(remote.items("/alerts", limit, model=model, state=None if state == "any" else state))
    columns = [
        ("id", lambda each: each["id"][:8]),
        ("model", lambda each: each["model"] or each["schedule"]),
        ("rule", lambda each: each["rule"]),
        ("state", lambda each: "ESCALATED" if each["escalated"] else each["state"]),
        ("severity", lambda each: each["severity"]),
        ("since (UTC)", lambda each: when(each["since"])[:16]),
        ("subject", lambda each: each["subject"]),
        ("said", lambda each: each["said"]),
    ]
    show(found, table(found, columns, "nothing fires", whole=("id", "since (UTC)")), as_json=remote.json)
    return 0


@app.command(name="show")
def show_(id: str, *, remote: Remote | None = None) -> int:
    """Show an alert, and when its state changed.

    Parameters
    ----------
    id
        Its id, or the beginning of it.
    """
    remote = remote or Remote()
    found = remote.get(f"/alerts/{id}")
    show(found, _facts(found), as_json=remote.json)
    return 0


@app.command
def ack(id: str, *, remote: Remote | None = None) -> int:
    """Acknowledge an alert: it is not escalated until it fires anew.

    Parameters
    ----------
    id
        Its id, or the beginning of it.
    """
    remote = remote or Remote()
    found = remote.post(f"/alerts/{id}/acknowledgement")
    show(found, _facts(found), as_json=remote.json)
    return 0


@app.command
def snooze(id: str, *, until: str | None = None, remote: Remote | None = None) -> int:
    """Tell nobody of an alert for a while; what still fires then is told.

    Parameters
    ----------
    id
        Its id, or the beginning of it.
    until
        Until when, in UTC unless it has a zone; without it a snooze ends.
    """
    remote = remote or Remote()
    moment_ = None if until is None else asked_moment("--until", until)
    found = remote.post(f"/alerts/{id}/snooze", {"until": moment_})
    show(found, _facts(found), as_json=remote.json)
    return 0


@app.command
def deliveries(
    *, model: str | None = None, channel: str | None = None, limit: int = 20, remote: Remote | None = None
) -> int:
    """List what was sent to channels, the latest first.

    Parameters
    ----------
    model
        Of this model only.
    channel
        To this channel only.
    limit
        How many at most.
    """
    remote = remote or Remote()
    found = list(remote.items("/deliveries", limit, model=model, channel=channel))
    columns = [
        ("created (UTC)", lambda each: when(each["created"])),
        ("channel", lambda each: each["channel"]),
        ("status", lambda each: each["status"]),
        ("attempts", lambda each: str(each["attempts"])),
        ("state", lambda each: each["state"]),
        ("title", lambda each: each["title"]),
        ("why", lambda each: reason(each["reason"])),
    ]
    show(found, table(found, columns, "nothing was sent", whole=("created (UTC)",)), as_json=remote.json)
    return 0


@app.command
def quiet(
    *, until: str, start: str | None = None, model: str | None = None, note: str = "", remote: Remote | None = None
) -> int:
    """Plan maintenance: nobody is told of what begins to fire in it; what still fires at its end is told.

    Parameters
    ----------
    until
        Its end, in UTC unless it has a zone.
    start
        Its start; now if not given.
    model
        Of this model; of all if not given.
    note
        Why.
    """
    remote = remote or Remote()
    body = {"until": asked_moment("--until", until), "model": model, "note": note}
    found = remote.post("/maintenance", body | ({"start": asked_moment("--start", start)} if start else {}))
    show(found, _quiets([found]), as_json=remote.json)
    return 0


@app.command
def quiets(*, remote: Remote | None = None) -> int:
    """List maintenance that is not over."""
    remote = remote or Remote()
    found = remote.get("/maintenance")["items"]
    show(found, _quiets(found), as_json=remote.json)
    return 0


@app.command
def end_quiet(id: str, *, remote: Remote | None = None) -> int:
    """End maintenance, or forget what was planned.

    Parameters
    ----------
    id
        Its id.
    """
    remote = remote or Remote()
    remote.delete(f"/maintenance/{id}")
    show({"deleted": id}, f"deleted: {id}", as_json=remote.json)
    return 0


def _quiets(found: list[dict[str, Any]]) -> Any:
    columns = [
        ("id", lambda each: each["id"]),
        ("model", lambda each: each["model"] or "all"),
        ("start (UTC)", lambda each: when(each["start"])[:16]),
        ("until (UTC)", lambda each: when(each["until"])[:16]),
        ("note", lambda each: each["note"]),
    ]
    return table(found, columns, "no maintenance", whole=("id",))


def _facts(found: dict[str, Any]) -> Facts:
    """An alert, member by member, its changes below."""
    names = ("id", "model", "rule", "subject", "state", "severity", "owner", "cause", "said", "run", "acknowledged_by")
    times = [(name, moment(found[name])) for name in ("since", "window_end", "acknowledged", "snoozed")]
    columns = [
        ("at (UTC)", lambda each: when(each["at"])),
        ("state", lambda each: each["state"]),
        ("said", lambda each: each["said"]),
    ]
    return Facts([*((name, found[name]) for name in names), *times], [table(found["flips"], columns, "")])
