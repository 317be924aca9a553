"""Entries of forms, made from what requests may say: each with its meaning, what was typed, and what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from driftline.server.limits import too_deep
from driftline.server.rest.asked import storable

Kind = Literal["text", "long", "number", "flag", "choice", "choices", "texts", "json", "moment", "secret"]
Errors = Mapping[str, str]
"""What is wrong, by the name of the entry; without a name what is wrong with all of it."""

_LONG = 1000
"""A text that may be longer has an entry of several lines."""


@dataclass(frozen=True)
class Field:
    """One entry: `name` as it is sent and as JSON has it, with dots between levels; `meaning` says what it is for.

    Of `choices` the one or several that may be given; where it `may_lack`, none stands for all of them. `known` are
    values that are offered. `value` is the text that stands there, `chosen` what is ticked.
    """

    name: str
    label: str
    meaning: str = ""
    kind: Kind = "text"
    required: bool = False
    may_lack: bool = False
    choices: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    value: str = ""
    chosen: frozenset[str] = frozenset()
    error: str = ""

    @property
    def id(self) -> str:
        """As the page has it."""
        return self.name.replace(".", "-")


def fields_of(model: type[BaseModel], prefix: str = "", without: Iterable[str] = ()) -> list[Field]:
    """The entries of what a request may say, in its order, with the values that hold if nothing is said.

    >>> from pydantic import Field as Described
    >>> class Wanted(BaseModel):
    ...     so_many: int = Described(3, description="How many.")
    >>> fields_of(Wanted)[0].label, fields_of(Wanted)[0].kind, fields_of(Wanted)[0].value
    ('So many', 'number', '3')
    """
    schema = model.model_json_schema()
    known, wanted = schema.get("$defs", {}), set(schema.get("required", ()))
    left = set(without)
    return [
        _field(prefix + name, told, known, name in wanted)
        for name, told in schema["properties"].items()
        if name not in left and "const" not in told
    ]


def read(fields: Iterable[Field], values: Mapping[str, str]) -> dict[str, Any]:
    """What a form says as JSON; what was left empty is left out. What cannot be read stays as it was typed."""
    found: dict[str, Any] = {}
    for each in fields:
        told = _read(each, values)
        if told is None:
            continue
        place, (*above, last) = found, each.name.split(".")
        for name in above:
            place = place.setdefault(name, {})
        place[last] = told
    return found


def typed(fields: Iterable[Field], values: Mapping[str, str], errors: Errors) -> list[Field]:
    """The entries as they were typed, each with what is wrong with it; what may be a secret does not come back."""
    return [
        replace(
            each,
            value=_kept(each, values.get(each.name, "")),
            chosen=frozenset(_ticked(each, values)),
            error=errors.get(each.name, ""),
        )
        for each in fields
    ]


def filled(fields: Iterable[Field], document: Mapping[str, Any]) -> list[Field]:
    """The entries with what a JSON object says; of what it does not name, with what holds then."""
    found = []
    for each in fields:
        *above, last = each.name.split(".")
        place: Any = document
        for name in above:
            place = place.get(name) if isinstance(place, Mapping) else None
        is_said = isinstance(place, Mapping) and last in place
        found.append(_with(each, place[last]) if is_said else each)
    return found


def offered(fields: Sequence[Field], **more: Mapping[str, Any]) -> list[Field]:
    """The entries with more said of some of them, by name."""
    return [replace(each, **more.get(each.name, {})) for each in fields]


def errors_of(error: ValidationError, name_of: Callable[[Sequence[str]], str]) -> dict[str, str]:
    """What is wrong, in plain words, by the name of the entry, which `name_of` tells of a place in the JSON."""
    found: dict[str, str] = {}
    for each in error.errors(include_url=False):
        name = name_of([str(part) for part in each["loc"]])
        found.setdefault(name, _plain(each["msg"], each.get("type", "")))
    return found


def _field(name: str, told: Mapping[str, Any], known: Mapping[str, Any], required: bool) -> Field:
    own = _own(told, known)
    may_lack = any(each.get("type") == "null" for each in told.get("anyOf", ()))
    kind = _kind(own)
    label = name.rpartition(".")[2].replace("_", " ").capitalize()
    meaning = (told.get("description") or own.get("description", "")).replace(" if null", " if none is given")
    choices = tuple(str(each) for each in own.get("enum", ()))
    made = Field(name, label, meaning, kind, required, may_lack, choices)
    return _with(made, told.get("default"))


def _own(told: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is said of the values, without null and names of shared parts."""
    for each in told.get("anyOf", ()):
        if each.get("type") != "null":
            return _own(each, known)
    reference = told.get("$ref") or next((each["$ref"] for each in told.get("allOf", ()) if "$ref" in each), None)
    return known[reference.rpartition("/")[2]] if reference else told


def _kind(own: Mapping[str, Any]) -> Kind:
    kinds: dict[str, Kind] = {
        "number": "number", "integer": "number", "boolean": "flag", "array": "texts", "object": "json",
    }  # fmt: skip
    if "enum" in own:
        return "choice"
    if own.get("format") == "date-time":
        return "moment"
    return kinds.get(str(own.get("type")), "long" if own.get("maxLength", 0) >= _LONG else "text")


def _with(field: Field, value: Any) -> Field:
    if isinstance(value, datetime):
        return replace(field, value=f"{value.astimezone(UTC):%Y-%m-%dT%H:%M}")
    if isinstance(value, bool):
        return replace(field, value="on" if value else "")
    if isinstance(value, list | tuple):
        texts = [str(each) for each in value]
        return replace(field, value="\n".join(texts), chosen=frozenset(texts or ["-"]) if field.may_lack else
                       frozenset(texts))  # fmt: skip
    if isinstance(value, Mapping):
        return replace(field, value=json.dumps(value, ensure_ascii=False))
    if value is None:
        return replace(field, value="", chosen=frozenset())
    return replace(field, value=f"{value:g}" if isinstance(value, float) else str(value))


def _read(field: Field, values: Mapping[str, str]) -> Any:
    text = values.get(field.name, "").strip()
    match field.kind:
        case "flag":
            return bool(text)
        case "choices":
            ticked = _ticked(field, values)
            return [each for each in ticked if each != "-"] if ticked or not field.may_lack else None
        case "texts":
            return [each for line in text.splitlines() for part in line.split(",") if (each := part.strip())] or None
        case "number":
            return _number(text)
        case "json":
            return _json(text)
        case "moment":
            return f"{text}Z" if text and text[-1] != "Z" and "+" not in text else text or None
    return text or None


def _ticked(field: Field, values: Mapping[str, str]) -> list[str]:
    """What is ticked; `-` says that nothing is, where that does not stand for all."""
    if field.may_lack and values.get(field.name) == "all":
        return []
    found = [each for each in field.choices if f"{field.name}:{each}" in values]
    return found or (["-"] if field.may_lack else [])


def _kept(field: Field, value: str) -> str:
    return "" if field.kind == "secret" and not value.startswith(("env:", "file:")) else value


def _number(text: str) -> Any:
    """A number, or the text that is none.

    >>> _number("3"), _number("0.5"), _number(""), _number("much")
    (3, 0.5, None, 'much')
    """
    try:
        return int(text) if text else None
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text


def json_of(text: str) -> Any:
    """The JSON value of a text; raises `ValueError` for what is none, nested too deeply, or cannot be kept.

    >>> json_of('{"a": [1]}')
    {'a': [1]}
    """
    if too_deep(text.encode()):
        raise ValueError("it is nested too deeply")
    return storable(json.loads(text))


def _json(text: str) -> Any:
    try:
        return json_of(text) if text else None
    except ValueError:
        return text


_WORDS = {
    "missing": "Please fill this in.",
    "dict_type": 'Expected a JSON object such as {"country": "DE"}.',
    "float_parsing": "Expected a number, such as 0.2.",
    "float_type": "Expected a number, such as 0.2.",
    "int_parsing": "Expected a whole number.",
    "int_type": "Expected a whole number.",
    "int_from_float": "Expected a whole number.",
    "extra_forbidden": "There is nothing of this name.",
    "string_pattern_mismatch": "Expected 1 to 63 letters and digits, with - in between.",
}


def _plain(said: str, kind: str) -> str:
    """What pydantic says, in plain words.

    >>> _plain("Input should be greater than 0", "greater_than")
    'Expected greater than 0.'
    """
    if kind in _WORDS:
        return _WORDS[kind]
    told = said.removeprefix("Value error, ")
    told = told.replace("Input should be", "Expected")
    return told[:1].upper() + told[1:].rstrip(".") + "."
