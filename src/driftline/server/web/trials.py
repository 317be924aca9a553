"""A draft of an import job that was tried: what each column becomes, what is wrong, and at which field it is mended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from driftline import registry
from driftline.errors import Denied, DriftlineError, Invalid, NotFound, Unavailable
from driftline.server.aws.wire import Call
from driftline.server.rest import importnew
from driftline.server.rest.importasked import TryWanted
from driftline.server.rest.importing import DryRun, Fault
from driftline.server.web.drafts import Document, Known
from driftline.server.web.fields import Errors, errors_of
from driftline.server.web.mapping import Row, rows_of, shown
from driftline.server.web.mending import Mend, mend
from driftline.server.web.needs import Needs, needs_of

NAMED = "Expected up to 128 letters, digits and _ . : @ + ( ) - or spaces, a letter, digit or _ first."
"""How names of models, versions and the like may be."""


@dataclass(frozen=True)
class Trial:
    """A draft and what came of it: a dry run or, where it could not be tried, what is wrong with which field.

    `whole` is the draft with the schema that kinds were chosen for, as it is kept. `has_model` and `has_version` tell
    whether these are there already, `schema` where the version's schema is edited, if it has one. `count` is how many
    columns there are, of which `rows` may show fewer; what they are was perhaps `guessed` from their names.
    """

    document: Document
    found: DryRun | None = None
    rows: Sequence[Row] = ()
    faults: Sequence[Mend] = ()
    warnings: Sequence[Mend] = ()
    count: int = 0
    errors: Errors = field(default_factory=dict)
    needs: Needs | None = None
    has_model: bool = False
    has_version: bool = False
    schema: str = ""
    whole: Document = field(default_factory=dict)
    guessed: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is wrong but that there are no files yet."""
        return self.found is not None and [each.code for each in self.found.faults] == ["No_Files"]

    @property
    def may_be_kept(self) -> bool:
        """Whether nothing stands in the way: it passed, or there are no files yet."""
        return self.found is not None and (self.found.status == "passed" or self.is_empty)


def known_of(call: Call, document: Document) -> Known:
    """Role and name of the fields that the schema of the draft's version declares; None where there is none."""
    with call.catalog.read() as tx:
        version = registry.find_version(tx, str(document.get("model")), str(document.get("version")))
    if version is not None and version.schema.fields:
        return {(str(each.role), each.name) for each in version.schema}
    told = document.get("schema")
    fields = told.get("fields") if isinstance(told, Mapping) else None
    if not isinstance(fields, list) or not fields:
        return None
    return {(str(each.get("role")), str(each.get("name"))) for each in fields if isinstance(each, Mapping)}


def attempt(call: Call, document: Document, kinds: Mapping[str, str] | None = None, file: str | None = None) -> Trial:
    """The draft, tried on some rows of a file; nothing is written.

    `kinds` are those that were chosen for columns in place of the inferred ones, None where none may be.
    """
    trial, known = _begun(call, document), known_of(call, document)
    try:
        found = _tried(call, document, file)
        inferred = {each.column: each.kind for each in found.columns}
        if kinds and known is None and found.schema_.fields:
            trial = replace(trial, whole={**document, "schema": _with_kinds(found, kinds)})
            found = _tried(call, trial.whole, file)
    except ValidationError as error:
        return replace(trial, errors=wrong_in(error, name_of))
    except DriftlineError as error:
        lacks = isinstance(error, Denied | Unavailable)
        return replace(refused(trial, error), needs=needs_of(call, document) if lacks else None)
    rows = rows_of(found.columns, known, inferred, kinds)
    missing = {each.name: str(each.role) for each in found.missing}
    faults, warnings = (
        [mend(each, rows, missing, trial.schema) for each in some] for some in (found.faults, found.warnings)
    )
    unreached = (
        found.status != "passed" and found.rows == 0 and not any(each.code == "No_Files" for each in found.faults)
    )
    return replace(
        trial, found=found, rows=shown(rows, (*faults, *warnings)), faults=faults, warnings=warnings, count=len(rows),
        needs=needs_of(call, document) if unreached else None,
    )  # fmt: skip


def refused(trial: Trial, error: DriftlineError) -> Trial:
    """The trial with what stood in the way, at the field that it is about."""
    return replace(trial, errors={**trial.errors, _field_of(error): str(error)})


def wrong_in(error: ValidationError, name_of: Callable[[Sequence[str]], str]) -> dict[str, str]:
    """What is wrong by the entry of a form; of names, how they may be."""
    told = errors_of(error, name_of)
    places = [each["loc"] for each in error.errors(include_url=False) if each["type"] == "string_pattern_mismatch"]
    return told | {name_of([str(part) for part in place]): NAMED for place in places}


def name_of(place: Sequence[str]) -> str:
    """The field of the form for a place in the document.

    >>> name_of(["policies", "past_days"]), name_of(["columns", "id"]), name_of(["uri"])
    ('policies.past_days', 'json', 'uri')
    """
    if place and place[0] == "policies":
        return ".".join(place[:2])
    return place[0] if len(place) == 1 or place[:1] == ["settings"] else "json"


def lead(trial: Trial, fault: Fault) -> Mend:
    """Where a fault that was found elsewhere, in a file of the job, is mended on the form of the trial."""
    return mend(fault, trial.rows, {}, trial.schema)


def _begun(call: Call, document: Document) -> Trial:
    model, name = str(document.get("model", "")), str(document.get("version", ""))
    with call.catalog.read() as tx:
        has_model = registry.find_model(tx, model) is not None
        version = registry.find_version(tx, model, name)
    path = f"/console/models/{quote(model, safe='')}/versions/{quote(name, safe='')}/schema"
    declares = version is not None and bool(version.schema.fields)
    schema = path if declares else ""
    return Trial(document, has_model=has_model, has_version=version is not None, schema=schema, whole=document)


def _tried(call: Call, document: Document, file: str | None) -> DryRun:
    asked = {**document, **({"file": file} if file else {})}
    return importnew.try_import(call, TryWanted.model_validate(asked))


def _with_kinds(found: DryRun, kinds: Mapping[str, str]) -> dict[str, Any]:
    """The inferred schema with the kinds that were chosen; only numbers are whole."""
    chosen = {(each.becomes, each.field): kinds[each.column] for each in found.columns if each.column in kinds}
    fields = found.schema_.model_dump(mode="json")["fields"]
    for each in fields:
        kind = chosen.get((each["role"], each["name"]))
        if kind and kind != each["kind"]:
            each.update(kind=kind, whole=False)
    return {"fields": fields}


def _field_of(error: DriftlineError) -> str:
    """The field that an error is about; empty for none in particular."""
    what = str(error.facts.get("what", ""))
    if isinstance(error, Invalid | NotFound):
        return {"path": "uri", "address": "uri", "bucket": "uri", "type": "type", "credentials": "credentials"}.get(
            what, ""
        )
    return "uri" if isinstance(error, Denied | Unavailable) else ""
