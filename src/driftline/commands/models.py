"""`driftline models`: models, their versions and the schemas of these."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from driftline.commands.examples import epilogue
from driftline.commands.remote import Remote
from driftline.commands.showing import Facts, moment, show, table, when
from driftline.errors import Invalid
from driftline.schemas.fields import ModelType

EXAMPLES = """
    driftline models create churn --name "Customer churn" --owner ada --risk high
    driftline models add-version churn v1 --type binary --schema schema.json
    driftline models schema churn v1 --json > schema.json
    driftline models schema churn v1 --put schema.json
    driftline models rows churn v1 --since 2026-10-01 --limit 5
    driftline models compare churn v1 2026-09-01..2026-10-01 2026-10-01..2026-11-01 --metric ks
    driftline models drift churn v1 2026-09-01..2026-10-01 2026-10-01..2026-11-01 --feature age
    driftline models forget churn --row-id 4711
    """

app = App(name="models", help_epilogue=epilogue(EXAMPLES))

_TABLES = {
    "tables": "Show where the tables of a model are: one of inferences for each version, one of actuals.",
    "rows": "Show imported rows, each with the file and row that it came from.",
    "forget": "Remove the rows of a subject for good.",
    "retain": "Remove the rows of days before a day; the profiles of their hours stay.",
    "compact": "Make large files of many small ones, and remove those that no reader needs.",
}
for _name, _said in _TABLES.items():
    app.command(f"driftline.commands.modeltables:{_name}", name=_name, help=_said)

_COMPARED = {
    "compare": "Compare two windows of a model: how far each feature moved, the farthest first.",
    "drift": "Show how far features are from a fixed window, by hour, day or month.",
}
for _name, _said in _COMPARED.items():
    app.command(f"driftline.commands.modelwindows:{_name}", name=_name, help=_said)

Risk = Literal["low", "medium", "high", "unknown"]
Tags = Annotated[tuple[str, ...], Parameter(negative="", consume_multiple=False, show_default=False)]


@app.command(name="list")
def list_(
    *,
    contains: str | None = None,
    space: str | None = None,
    owner: str | None = None,
    limit: int = 20,
    remote: Remote | None = None,
) -> int:
    """List models, the latest first.

    Parameters
    ----------
    contains
        Only with this in the id or name.
    space
        Only of this space.
    owner
        Only of this owner.
    limit
        How many at most.
    """
    remote = remote or Remote()
    found = list(remote.items("/models", limit, contains=contains, space=space, owner=owner))
    columns = [
        ("id", lambda each: each["id"]),
        ("name", lambda each: each["name"]),
        ("space", lambda each: each["space"]),
        ("owner", lambda each: each["owner"] or "–"),
        ("risk", lambda each: each["risk"]),
        ("created (UTC)", lambda each: when(each["created"])[:16]),
    ]
    show(found, table(found, columns, "no models", whole=("id", "created (UTC)")), as_json=remote.json)
    return 0


@app.command
def create(
    id: str,
    *,
    name: str | None = None,
    owner: str | None = None,
    risk: Risk = "unknown",
    description: str = "",
    tag: Tags = (),
    space: str = "default",
    remote: Remote | None = None,
) -> int:
    """Make a model.

    Parameters
    ----------
    id
        What programs call it.
    name
        What people call it.
    owner
        Who answers for it.
    risk
        How much depends on it.
    description
        What it is for.
    tag
        NAME=VALUE of your own; repeat it.
    space
        The space that it belongs to.
    """
    remote = remote or Remote()
    told: dict[str, Any] = {"id": id, "name": name, "owner": owner, "description": description, "space": space}
    made = remote.post("/models", {**told, "risk": risk.title(), "tags": dict(map(_tag, tag))})
    show(made, _facts(made), as_json=remote.json)
    return 0


@app.command(name="show")
def show_(id: str, *, remote: Remote | None = None) -> int:
    """Show a model, its versions and the import jobs that feed it.

    Parameters
    ----------
    id
        The model's id.
    """
    remote = remote or Remote()
    found = remote.get(f"/models/{id}")
    columns = [
        ("version", lambda each: each["version"]),
        ("type", lambda each: each["type"]),
        ("fields", lambda each: str(each["fields"])),
        ("created (UTC)", lambda each: when(each["created"])[:16]),
    ]
    below = ["", table(found["versions"], columns, "no versions", whole=("version", "created (UTC)"))]
    show(found, Facts([*_facts(found).pairs, ("imports", ", ".join(found["imports"]))], below), as_json=remote.json)
    return 0


@app.command
def change(
    id: str,
    *,
    name: str | None = None,
    owner: str | None = None,
    risk: Risk | None = None,
    description: str | None = None,
    tag: Tags = (),
    remote: Remote | None = None,
) -> int:
    """Change what is said about a model; what is left out stays.

    Parameters
    ----------
    id
        The model's id.
    name
        What people call it.
    owner
        Who answers for it.
    risk
        How much depends on it.
    description
        What it is for.
    tag
        NAME=VALUE; repeat it. All tags that it had before go.
    """
    remote = remote or Remote()
    told = {"name": name, "owner": owner, "description": description, "risk": risk and risk.title()}
    changes: dict[str, Any] = {member: value for member, value in told.items() if value is not None}
    changes |= {"tags": dict(map(_tag, tag))} if tag else {}
    found = remote.ask("PATCH", f"/models/{id}", changes)
    show(found, _facts(found), as_json=remote.json)
    return 0


@app.command
def delete(id: str, *, remote: Remote | None = None) -> int:
    """Forget a model, its versions and monitors; rows that were imported stay until they are purged.

    Parameters
    ----------
    id
        The model's id.
    """
    remote = remote or Remote()
    remote.delete(f"/models/{id}")
    show({"deleted": id}, f"deleted: {id}", as_json=remote.json)
    return 0


@app.command
def add_version(
    id: str, version: str, *, type: ModelType, schema: Path | None = None, remote: Remote | None = None
) -> int:
    """Make a version of a model: every training is one.

    Parameters
    ----------
    id
        The model's id.
    version
        What the version is called.
    type
        What the model predicts.
    schema
        A JSON file with its fields, as `driftline models schema --json` prints it; without one, the first import says
        which fields there are.
    """
    remote = remote or Remote()
    told: dict[str, Any] = {"version": version, "type": str(type)}
    made = remote.post(f"/models/{id}/versions", told if schema is None else {**told, "schema": _read(schema)})
    show(made, _schema(made), as_json=remote.json)
    return 0


@app.command(name="schema")
def schema_(id: str, version: str, *, put: Path | None = None, remote: Remote | None = None) -> int:
    """Show the fields of a version, or put others in their place; with --json as a file that can be edited and put.

    Parameters
    ----------
    id
        The model's id.
    version
        The version's name.
    put
        A JSON file with the fields that it has from now on.
    """
    remote = remote or Remote()
    path = f"/models/{id}/versions/{version}"
    found = remote.get(path) if put is None else remote.ask("PUT", f"{path}/schema", _read(put))
    show(found["schema"], _schema(found), as_json=remote.json)
    return 0


@app.command
def delete_version(id: str, version: str, *, remote: Remote | None = None) -> int:
    """Forget a version of a model; rows that were imported stay until they are purged.

    Parameters
    ----------
    id
        The model's id.
    version
        The version's name.
    """
    remote = remote or Remote()
    remote.delete(f"/models/{id}/versions/{version}")
    show({"deleted": f"{id}/{version}"}, f"deleted: {version} of {id}", as_json=remote.json)
    return 0


def fields_table(fields: list[dict[str, Any]]) -> Any:
    """One row a field of a schema."""
    columns = [
        ("field", lambda each: each["name"]),
        ("is", lambda each: each["role"]),
        ("kind", _kind),
        ("of", lambda each: each["of"] or ""),
    ]
    return table(fields, columns, "no fields yet: the first import says which there are", whole=("field",))


def _kind(field: dict[str, Any]) -> str:
    dimensions = " × ".join(map(str, field["dimensions"] or ()))
    told = [dimensions, "whole" if field["whole"] else "", "required" if field["required"] else ""]
    beside = ", ".join(filter(None, told))
    return f"{field['kind']} ({beside})" if beside else str(field["kind"])


def _schema(found: dict[str, Any]) -> Facts:
    pairs = [("model", found["model"]), ("version", found["version"]), ("type", found["type"])]
    return Facts(pairs, ["", fields_table(found["schema"]["fields"])])


def _facts(found: dict[str, Any]) -> Facts:
    pairs = [(name, found[name]) for name in ("id", "name", "space", "owner", "risk", "description")]
    pairs += [(f"tag {name}", value) for name, value in found["tags"].items()]
    return Facts([*pairs, ("created", moment(found["created"])), ("changed", moment(found["modified"]))])


def _tag(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals or not name:
        raise Invalid(what="--tag", got=given, expected="NAME=VALUE", remedy="For example team=risk.")
    return name, value


def _read(path: Path) -> dict[str, Any]:
    """The JSON object in a file; raises `Invalid`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        expected = 'a JSON file such as {"fields": [{"name": "age", "role": "feature", "kind": "numeric"}]}'
        raise Invalid(what="--schema", got=str(path), expected=expected, remedy=str(error)) from error
    return found if isinstance(found, dict) else {"fields": found}
