"""Rules and channels of alerts on the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from driftline.commands.remote import Remote
from driftline.commands.showing import asked_moment, show, table, when
from driftline.errors import Invalid, NotFound

Severity = Literal["info", "warning", "critical"]


def rules(model: str, *, remote: Remote | None = None) -> int:
    """List the rules of a model.

    Parameters
    ----------
    model
        The model's id.
    """
    return _listed(remote or Remote(), f"/models/{model}/rules")


def put_rules(model: str, file: Path, *, remote: Remote | None = None) -> int:
    """Keep the rules of a file, each in the place of the one of its name.

    Parameters
    ----------
    model
        The model's id.
    file
        YAML or JSON: a list of rules, each with a name.
    """
    return _put(remote or Remote(), f"/models/{model}/rules", file)


def try_rules(
    model: str, file: Path, *, since: str | None = None, until: str | None = None, remote: Remote | None = None
) -> int:
    """Show when the rules of a file would have fired, window by window, with what is known by now.

    Parameters
    ----------
    model
        The model's id.
    file
        YAML or JSON: a list of rules, each with a name.
    since
        Windows that end later, in UTC unless it has a zone.
    until
        Windows that end up to here.
    """
    return _tried(remote or Remote(), f"/models/{model}/rule-trials", file, since, until)


def delete_rule(model: str, name: str, *, remote: Remote | None = None) -> int:
    """Delete a rule; who was told that it fires is told that it is over.

    Parameters
    ----------
    model
        The model's id.
    name
        The rule's name.
    """
    return _deleted(remote or Remote(), f"/models/{model}/rules/{name}", name)


def schedule_rules(*, remote: Remote | None = None) -> int:
    """List the rules of SageMaker's schedules."""
    return _listed(remote or Remote(), "/schedule-rules")


def put_schedule_rules(file: Path, *, remote: Remote | None = None) -> int:
    """Keep the rules of a file, each in the place of the one of its name, for executions of schedules.

    Parameters
    ----------
    file
        YAML or JSON: a list of rules, each with a name.
    """
    return _put(remote or Remote(), "/schedule-rules", file)


def try_schedule_rules(
    file: Path, *, since: str | None = None, until: str | None = None, remote: Remote | None = None
) -> int:
    """Show when the rules of a file would have fired for executions of schedules.

    Parameters
    ----------
    file
        YAML or JSON: a list of rules, each with a name.
    since
        Windows that end later, in UTC unless it has a zone.
    until
        Windows that end up to here.
    """
    return _tried(remote or Remote(), "/schedule-rule-trials", file, since, until)


def delete_schedule_rule(name: str, *, remote: Remote | None = None) -> int:
    """Delete a rule of schedules; who was told that it fires is told that it is over.

    Parameters
    ----------
    name
        The rule's name.
    """
    return _deleted(remote or Remote(), f"/schedule-rules/{name}", name)


def _listed(remote: Remote, path: str) -> int:
    found = remote.get(path)["items"]
    columns = [
        ("name", lambda each: each["name"]),
        ("of", lambda each: each["monitor"] or each["schedule"] or each["endpoint"] or "each"),
        ("condition", lambda each: said(each["condition"])),
        ("windows", lambda each: f"{each['count']} of {each['last']}"),
        ("severity", lambda each: each["severity"]),
        ("channels", lambda each: "all" if each["channels"] is None else ", ".join(each["channels"])),
        ("enabled", lambda each: "yes" if each["enabled"] else "no"),
    ]
    show(found, table(found, columns, "no rules", whole=("name",)), as_json=remote.json)
    return 0


def _put(remote: Remote, path: str, file: Path) -> int:
    asked = rules_of(file)
    made = [remote.ask("PUT", f"{path}/{name}", body) for name, body in asked.items()]
    show(made, f"kept: {', '.join(asked)}", as_json=remote.json)
    return 0


def _tried(remote: Remote, path: str, file: Path, since: str | None, until: str | None) -> int:
    times = {"since": since and asked_moment("--since", since), "until": until and asked_moment("--until", until)}
    found = {name: remote.post(path, {"rule": body, **times}) for name, body in rules_of(file).items()}
    flips = [{"rule": name, **each} for name, trial in found.items() for each in trial["flips"]]
    columns = [("at (UTC)", lambda each: when(each["at"])[:16])]
    columns += [(name, itemgetter(name)) for name in ("rule", "state", "subject", "said")]
    counted = [f"{name} in {trial['windows']} windows" for name, trial in found.items()]
    silent = [f"{name}: {each}" for name, trial in found.items() for each in trial["silent"]]
    nothing = "; ".join([f"nothing would have fired: {', '.join(counted)}", *silent])
    show(found, table(flips, columns, nothing, whole=("at (UTC)",)), as_json=remote.json)
    return 0


def channels(*, remote: Remote | None = None) -> int:
    """List channels."""
    remote = remote or Remote()
    found = remote.get("/channels")["items"]
    columns = [
        ("name", lambda each: each["name"]),
        ("kind", lambda each: each["kind"]),
        ("from", lambda each: each["least"]),
        ("digest", lambda each: each["digest"] or "no"),
        ("says", lambda each: ", ".join(f"{name} {value}" for name, value in each["config"].items())),
    ]
    show(found, table(found, columns, "no channels", whole=("name",)), as_json=remote.json)
    return 0


def put_channel(
    name: str,
    kind: str,
    *,
    config: Annotated[dict[str, str] | None, Parameter(negative="")] = None,
    file: Path | None = None,
    least: Severity = "info",
    digest: Literal["hour", "day"] | None = None,
    remote: Remote | None = None,
) -> int:
    """Keep a channel in the place of the one of its name; an administrator's key is needed.

    Parameters
    ----------
    name
        What rules call it.
    kind
        Which kind of channel: webhook, email, slack and so on.
    config
        A member of its configuration, such as --config.url https://hooks.example; secrets as env:NAME or file:/PATH.
    file
        YAML or JSON with the configuration, for members that are no texts.
    least
        How bad must be what it is told.
    digest
        Told once every hour or day, in one message.
    """
    remote = remote or Remote()
    told = document(file) if file is not None else {}
    if not isinstance(told, dict):
        raise Invalid(what=str(file), got=type(told).__name__, expected="the members of a configuration")
    body = {"kind": kind, "config": {**told, **(config or {})}, "least": least, "digest": digest}
    made = remote.ask("PUT", f"/channels/{name}", body)
    show(made, f"kept: {name}", as_json=remote.json)
    return 0


def test_channel(name: str, *, remote: Remote | None = None) -> int:
    """Send a test message to a channel, and wait until it is taken.

    Parameters
    ----------
    name
        The channel's name.
    """
    remote = remote or Remote()
    show(remote.post(f"/channels/{name}/test"), f"{name} took the test message", as_json=remote.json)
    return 0


def delete_channel(name: str, *, remote: Remote | None = None) -> int:
    """Delete a channel: what waits for it is not sent.

    Parameters
    ----------
    name
        The channel's name.
    """
    return _deleted(remote or Remote(), f"/channels/{name}", name)


def rules_of(file: Path) -> dict[str, dict[str, Any]]:
    """The rules of a file by name; raises `Invalid` for what is no list of rules with names."""
    found = document(file)
    if not isinstance(found, list) or not all(isinstance(each, Mapping) and "name" in each for each in found):
        raise Invalid(what=str(file), got=type(found).__name__, expected="a list of rules, each with a name")
    return {str(each["name"]): {key: value for key, value in each.items() if key != "name"} for each in found}


def document(file: Path) -> Any:
    """What a YAML or JSON file says; raises `NotFound`, `Invalid`."""
    import yaml

    try:
        text = file.read_text(encoding="utf-8")
        return json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise NotFound(what="file", name=str(file), remedy=f"{error.strerror}.") from error
    except (ValueError, yaml.YAMLError) as error:
        raise Invalid(what=str(file), got="something else", expected="YAML or JSON", remedy=str(error)) from error


def said(condition: Mapping[str, Any]) -> str:
    """A condition in a line.

    >>> said({"kind": "absence", "of": "labels", "hours": 48})
    'absence of=labels hours=48'
    """
    told = [f"{name}={value}" for name, value in condition.items() if name != "kind" and value not in (None, False)]
    return " ".join([str(condition["kind"]), *told])


def _deleted(remote: Remote, path: str, name: str) -> int:
    remote.delete(path)
    show({"deleted": name}, f"deleted: {name}", as_json=remote.json)
    return 0
