"""`driftline endpoints`: registered endpoints, what they call and capture."""

from __future__ import annotations

from typing import Any

from cyclopts import App

from driftline.commands.examples import epilogue
from driftline.commands.remote import Remote
from driftline.commands.showing import Facts, moment, show, table, when

EXAMPLES = """
    driftline endpoints list
    driftline endpoints show churn --json
    """

app = App(name="endpoints", help_epilogue=epilogue(EXAMPLES))


@app.command(name="list")
def list_(*, contains: str | None = None, limit: int = 20, remote: Remote | None = None) -> int:
    """List endpoints, the latest first.

    Parameters
    ----------
    contains
        Only with this in the name.
    limit
        How many at most.
    """
    remote = remote or Remote()
    found = list(remote.items("/endpoints", limit, name_contains=contains))
    columns = [
        ("name", lambda each: each["name"]),
        ("status", lambda each: each["status"]),
        ("configuration", lambda each: each["config"]),
        ("created (UTC)", lambda each: when(each["created"])),
    ]
    show(found, table(found, columns, "no endpoints", whole=("created (UTC)",)), as_json=remote.json)
    return 0


@app.command(name="show")
def show_(name: str, *, remote: Remote | None = None) -> int:
    """Show an endpoint: which models it calls, what it captures and what is amiss with that, its schedules.

    Parameters
    ----------
    name
        The endpoint's name.
    """
    remote = remote or Remote()
    found = remote.get(f"/endpoints/{name}")
    pairs = [
        ("name", found["name"]),
        ("status", found["status"]),
        ("configuration", found["config"]),
        ("created", moment(found["created"])),
        ("changed", moment(found["modified"])),
    ]
    for each in found["variants"]:
        pairs += [(f"variant {each['name']}", f"{each['model']} at {each['url'] or 'no known URL'}")]
    capture = found["capture"]
    if capture:
        share = f"{capture['sampling_percentage']:g} % of {' and '.join(capture['options'])}"
        pairs += [("captures", f"{share} to {capture['destination']}" if capture["enabled"] else "nothing: disabled")]
        pairs += [("amiss" if at == 0 else " ", said) for at, said in enumerate(capture["breaches"])]
    else:
        pairs.append(("captures", "nothing: its configuration has no DataCaptureConfig"))
    pairs.append(("calls", _calls(found["traffic"])))
    pairs.append(("schedules", ", ".join(found["schedules"]) or "none"))
    show(found, Facts(pairs), as_json=remote.json)
    return 0


def _calls(traffic: dict[str, Any]) -> str:
    """The calls of a day, and what became of their capture."""
    said = f"{traffic['calls']} in the last 24 hours, {traffic['captured']} captured"
    return said + (f", {traffic['dropped']} could not be: {traffic['reason']}" if traffic["dropped"] else "")


@app.command
def delete(name: str, *, remote: Remote | None = None) -> int:
    """Forget an endpoint; its configuration, its models and what was captured stay.

    Parameters
    ----------
    name
        The endpoint's name.
    """
    remote = remote or Remote()
    remote.delete(f"/endpoints/{name}")
    show({"deleted": name}, f"deleted: {name}", as_json=remote.json)
    return 0
