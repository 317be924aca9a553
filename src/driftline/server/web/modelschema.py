"""The schema of a version as a table that is edited: fields with role, kind and more, and what a change means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from driftline.catalog import models as kept
from driftline.errors import DriftlineError
from driftline.schemas.fields import LATE, Kind, Role
from driftline.server.aws.wire import Call
from driftline.server.rest import models as rest
from driftline.server.rest.callers import Reading
from driftline.server.rest.registered import ModelId, SchemaValue, VersionName
from driftline.server.web.drafts import document_of
from driftline.server.web.fields import errors_of
from driftline.server.web.importnew import back
from driftline.server.web.mapping import ROLES
from driftline.server.web.mending import anchor
from driftline.server.web.modelforms import path_of
from driftline.server.web.schemachanges import Change, changes, key_of
from driftline.server.web.shown import Formed, Heading, page

router = APIRouter(prefix="/console/models/{model}/versions/{version_name}/schema", include_in_schema=False)

SHOWN, NEW = 120, 3
"""So many fields are edited on a page, and so many empty lines are there for new ones."""
_ROLES = {str(each): ROLES[each] for each in Role}
_KINDS = [str(each) for each in Kind]

Part = Annotated[str, Query(max_length=512)]
Value = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """A field as it stands in the table: `was` is its key in the schema, empty for a new one; `gone` ones are to go."""

    number: int
    was: str
    value: Value
    gone: bool = False
    error: str = ""

    @property
    def id(self) -> str:
        """By which other pages lead here."""
        return anchor(self.was.partition(":")[2]) + ("-late" if self.was.startswith("late:") else "")


@dataclass(frozen=True)
class Shown:
    """What stands on the page: lines of the table, what they change, or what is wrong beside them."""

    lines: Sequence[Line]
    changes: Sequence[Change] = ()
    errors: Mapping[str, str] | None = None
    json_text: str = ""
    contains: str = ""


@router.get("")
def ask(request: Request, call: Reading, model: ModelId, version_name: VersionName, contains: Part = "") -> Response:
    """The fields, or those with this in their name."""
    fields = _fields(call, model, version_name)
    return _page(request, call, (model, version_name), Shown(_lines(fields, contains), contains=contains))


@router.post("")
def answer(request: Request, form: Formed, model: ModelId, version_name: VersionName) -> Response:
    """What a change means; with `act=save` it is the schema from now on."""
    call, values, whose = form.call, form.values, (model, version_name)
    before, contains = _fields(call, *whose), values.get("contains", "")
    by_json = values.get("act") in ("json", "save-json")
    lines = _lines(before, contains) if by_json else _told(values)
    shown = Shown(lines, contains=contains, json_text=values.get("json", "") if by_json else "")
    try:
        placed = _placed(before, lines) if not by_json else [(None, each) for each in _of_json(values)]
        wanted = SchemaValue.model_validate({"fields": [each for _, each in placed]})
        if values.get("act") in ("save", "save-json"):
            rest.put_schema(call, *whose, wanted)
            return back(request, form, path_of(model, "versions", version_name, "schema"))
        wanted.schema_()
    except ValidationError as error:
        told = errors_of(error, lambda place: place[1] if len(place) > 1 and place[1].isdigit() else "")
        numbers = [number for number, _ in placed]
        return _page(request, call, whose, _wrong(shown, {_at(numbers, name): said for name, said in told.items()}))
    except DriftlineError as error:
        return _page(request, call, whose, _wrong(shown, {_named(lines, error): str(error)}))
    now = [each.model_dump(mode="json") for each in wanted.fields]
    with call.catalog.read() as tx:
        differs = changes(before, now, kept.has_rows(tx, *whose))
    text = json.dumps({"fields": [_short(each) for each in now]}, ensure_ascii=False, indent=2)
    return _page(request, call, whose, replace(shown, changes=differs, json_text=text))


def _fields(call: Call, model: str, version: str) -> list[Value]:
    return [each.model_dump(mode="json") for each in rest.show_version(call, model, version).schema_.fields]


def _lines(fields: Sequence[Value], contains: str) -> list[Line]:
    found = [each for each in fields if contains.lower() in each["name"].lower()][:SHOWN]
    return [Line(number, key_of(each), each) for number, each in enumerate(found)]


def _told(values: Mapping[str, str]) -> list[Line]:
    """The lines as a form sends them; empty ones for new fields are left out."""
    found = []
    for name in values:
        number = name.removeprefix("name.")
        if number != name and _is_small(number) and (values[name].strip() or values.get(f"was.{number}")):
            value = _value(values, number)
            found.append(Line(int(number), values.get(f"was.{number}", ""), value, f"gone.{number}" in values))
    return found


def _is_small(text: str) -> bool:
    """Whether the text is a whole number of a few digits."""
    return text.isdecimal() and len(text) < 10


def _value(values: Mapping[str, str], number: str) -> Value:
    told = {what: values.get(f"{what}.{number}", "").strip() for what in ("name", "role", "kind", "of", "dimensions")}
    sizes = [int(each) if _is_small(each) else each for each in told["dimensions"].replace("×", "x").split("x") if each]
    flags = {what: f"{what}.{number}" in values for what in ("whole", "required")}
    return {**told, "of": told["of"] or None, "dimensions": sizes or None, **flags}


def _placed(before: Sequence[Value], lines: Sequence[Line]) -> list[tuple[int | None, Value]]:
    """The fields that there are to be, each with the line that says it, if one does; new ones are the last."""
    known = {each.was: each for each in lines if each.was}
    found: list[tuple[int | None, Value]] = []
    for each in before:
        line = known.get(key_of(each))
        if line is None:
            found.append((None, each))
        elif not line.gone:
            found.append((line.number, line.value))
    return [*found, *((each.number, each.value) for each in lines if not each.was)]


def _of_json(values: Mapping[str, str]) -> list[Value]:
    fields = document_of(values.get("json", "")).get("fields", [])
    return list(fields) if isinstance(fields, list) else [fields]


def _at(numbers: Sequence[int | None], place: str) -> str:
    """The number of the line for a place in the list of fields."""
    number = numbers[int(place)] if place.isdigit() and int(place) < len(numbers) else None
    return "" if number is None else str(number)


def _named(lines: Sequence[Line], error: DriftlineError) -> str:
    """The number of the line that an error is about, which names its field."""
    told = [str(error.facts.get(name, "")) for name in ("name", "got", "what")]
    for each in lines:
        name = each.value["name"]
        if name and (name in told[:2] or told[2].endswith(f" of {name}")):
            return str(each.number)
    return ""


def _wrong(shown: Shown, errors: Mapping[str, str]) -> Shown:
    lines = [replace(each, error=errors.get(str(each.number), "")) for each in shown.lines]
    return replace(shown, lines=lines, errors=errors)


def _short(field: Value) -> Value:
    return {name: value for name, value in field.items() if value not in (None, False)}


def _page(request: Request, call: Call, whose: tuple[str, str], shown: Shown) -> Response:
    model, version = rest.show_model(call, whose[0]), rest.show_version(call, *whose)
    with call.catalog.read() as tx:
        has_rows = kept.has_rows(tx, *whose)
    fields = [each.model_dump(mode="json") for each in version.schema_.fields]
    text = shown.json_text or json.dumps({"fields": [_short(each) for each in fields]}, ensure_ascii=False, indent=2)
    numbers = [each.number for each in shown.lines]
    new = [max(numbers, default=-1) + 1 + place for place in range(NEW)]
    others = [said for place, said in (shown.errors or {}).items() if place not in map(str, numbers)]
    facts = {"version": version, "changes": shown.changes, "errors": shown.errors or {}}
    drawn = {
        "lines": shown.lines, "new": new, "roles": _ROLES, "kinds": _KINDS, "has_rows": has_rows, "count": len(fields),
        "json_text": text, "contains": shown.contains, "others": others, "late": [str(each) for each in LATE],
        "path": path_of(*(whose[0], "versions", whose[1], "schema")), "model": model,
    }  # fmt: skip
    heading = Heading(f"Schema of version {version.version}", "models", ((model.name, path_of(model.id)),))
    return page(request, call, "modelschema.html", heading, facts, **drawn)
