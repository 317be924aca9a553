"""Models and their versions by forms: made, described, deleted after one has seen what that means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from driftline.errors import Conflict, DriftlineError, Invalid
from driftline.modelmonitors import register
from driftline.server.aws.wire import Call
from driftline.server.rest import models as rest
from driftline.server.rest.callers import Reading
from driftline.server.rest.registered import ModelChange, ModelId, ModelWanted, VersionName, VersionWanted
from driftline.server.web.fields import Errors, Field, fields_of, filled, offered, read, typed
from driftline.server.web.shown import Formed, Heading, page
from driftline.server.web.trials import wrong_in

router = APIRouter(prefix="/console", include_in_schema=False)

_TAGS = 'Names and values of your own as JSON, such as {"team": "growth"}'
"""What stands below the tags."""


def path_of(model: str, *rest: str) -> str:
    """The address of a page of a model.

    >>> path_of("car loans", "edit")
    '/console/models/car%20loans/edit'
    """
    return "/".join(("/console/models", *(quote(each, safe="") for each in (model, *rest))))


@router.get("/new/model")
def ask_model(request: Request, call: Reading) -> Response:
    """The form of a new model."""
    return _form(request, call, _new(), {}, _MADE)


@router.post("/new/model")
def make_model(request: Request, form: Formed) -> Response:
    """The model, and then a first version of it."""
    fields = _new()

    def make() -> Response:
        made = rest.create_model(form.call, ModelWanted.model_validate(read(fields, form.values)))
        return form.back(path_of(made.id, "new-version"))

    return _done(request, form.call, fields, form.values, _MADE, make)


@router.get("/models/{model}/edit")
def ask_change(request: Request, call: Reading, model: ModelId) -> Response:
    """The form of a model that is there."""
    found = rest.show_model(call, model)
    return _form(request, call, filled(_change(), found.model_dump()), {}, _changed(model, found.name))


@router.post("/models/{model}/edit")
def change_model(request: Request, form: Formed, model: ModelId) -> Response:
    """The model as it is described from now on; what was emptied is empty."""
    fields, found = _change(), rest.show_model(form.call, model)

    def change() -> Response:
        told = {"owner": "", "description": "", "tags": {}, **read(fields, form.values)}
        rest.change_model(form.call, model, ModelChange.model_validate(told))
        return form.back(path_of(model))

    return _done(request, form.call, fields, form.values, _changed(model, found.name), change)


@router.get("/models/{model}/new-version")
def ask_version(request: Request, call: Reading, model: ModelId) -> Response:
    """The form of a new version, with the fields of none or of another one."""
    found = rest.show_model(call, model)
    return _form(request, call, _version([each.version for each in found.versions]), {}, _versioned(model, found.name))


@router.post("/models/{model}/new-version")
def make_version(request: Request, form: Formed, model: ModelId) -> Response:
    """The version, and then its schema."""
    found = rest.show_model(form.call, model)
    fields = _version([each.version for each in found.versions])

    def make() -> Response:
        told = read(fields, form.values)
        like = told.pop("like", None)
        if like:
            told["schema"] = rest.show_version(form.call, model, like).schema_
        made = rest.create_version(form.call, model, VersionWanted.model_validate(told))
        return form.back(path_of(model, "versions", made.version, "schema"))

    return _done(request, form.call, fields, form.values, _versioned(model, found.name), make)


@router.get("/models/{model}/delete")
def ask_delete(request: Request, call: Reading, model: ModelId) -> Response:
    """What goes with a model, before it goes."""
    return _gone(request, call, model)


@router.post("/models/{model}/delete")
def delete_model(request: Request, form: Formed, model: ModelId) -> Response:
    """The model is forgotten; refused while import jobs feed it."""
    try:
        rest.delete_model(form.call, model)
    except Conflict as error:
        return _gone(request, form.call, model, trouble=str(error))
    return form.back("/console")


@router.get("/models/{model}/versions/{version_name}/delete")
def ask_delete_version(request: Request, call: Reading, model: ModelId, version_name: VersionName) -> Response:
    """What goes with a version, before it goes."""
    return _gone(request, call, model, rest.show_version(call, model, version_name).version)


@router.post("/models/{model}/versions/{version_name}/delete")
def delete_version(request: Request, form: Formed, model: ModelId, version_name: VersionName) -> Response:
    """The version is forgotten; refused while import jobs feed it."""
    try:
        rest.delete_version(form.call, model, version_name)
    except Conflict as error:
        return _gone(request, form.call, model, version_name, trouble=str(error))
    return form.back(path_of(model))


def _new() -> list[Field]:
    return offered(fields_of(ModelWanted), id={"meaning": "What programs call it, for good"}, tags={"meaning": _TAGS})


def _change() -> list[Field]:
    made = {each.name: each for each in fields_of(ModelWanted, without=("id", "space"))}
    return offered(list(made.values()), name={"required": True}, tags={"meaning": _TAGS})


def _version(versions: Sequence[str]) -> list[Field]:
    like = Field(
        "like",
        "Fields as in",
        "Another version; with none the first files say which fields there are",
        "choice",
        may_lack=True,
        choices=tuple(versions[::-1]),
    )
    made = offered(fields_of(VersionWanted, without=("schema", "body")), version={"meaning": "Such as v1"})
    return [*made, *([like] if versions else [])]


_Told = tuple[Heading, str, str]
"""The heading of a form, where it is sent, and what its button says."""
_MADE: _Told = (Heading("New model", "models"), "/console/new/model", "Make the model")


def _changed(model: str, name: str) -> _Told:
    return Heading("Edit the model", "models", ((name, path_of(model)),)), path_of(model, "edit"), "Save"


def _versioned(model: str, name: str) -> _Told:
    return (
        Heading("New version", "models", ((name, path_of(model)),)),
        path_of(model, "new-version"),
        "Make the version",
    )


def _done(
    request: Request,
    call: Call,
    fields: Sequence[Field],
    values: Mapping[str, str],
    told: _Told,
    do: Callable[[], Response],
) -> Response:
    """What is done, or the form again with what is wrong at its entries."""
    try:
        return do()
    except ValidationError as error:
        errors: Errors = wrong_in(error, lambda place: place[0] if place else "")
    except (Conflict, Invalid) as error:
        errors = {_entry(error, fields): str(error)}
    return _form(request, call, typed(fields, values, errors), errors, told)


def _entry(error: DriftlineError, fields: Sequence[Field]) -> str:
    """The entry that an error is about: that whose name it says first; empty for none in particular.

    >>> _entry(Conflict(what="model", name="a", reason="it exists"), [Field("id", "Id")])
    'id'
    """
    names, what = {each.name for each in fields}, str(error.facts.get("what", ""))
    known = {"model": "id", "model id": "id"}.get(what, what.partition(" ")[0])
    return known if known in names else ""


def _form(request: Request, call: Call, fields: Sequence[Field], errors: Errors, told: _Told) -> Response:
    heading, path, button = told
    named = {each.name for each in fields}
    others = [said for name, said in errors.items() if name not in named]
    facts = {"entries": {each.name: each.value for each in fields}, "errors": errors}
    return page(request, call, "modelform.html", heading, facts, fields=fields, others=others, path=path, button=button)


def _gone(request: Request, call: Call, model: str, version: str | None = None, trouble: str = "") -> Response:
    found = rest.show_model(call, model)
    with call.catalog.read() as tx:
        monitors = [each.name for each in register.of_model(tx, model)]
    title = f"Delete version {version}" if version else "Delete the model"
    facts: dict[str, Any] = {"model": found, "version": version, "monitors": monitors, "trouble": trouble}
    path = path_of(model, "versions", version, "delete") if version else path_of(model, "delete")
    return page(
        request, call, "modelgone.html", Heading(title, "models", ((found.name, path_of(model)),)), facts, path=path
    )
