"""Settings: keys, spaces, credentials by name, and the audit log; what one may see and change of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from driftline.catalog.keys import EVERYWHERE, ROLES
from driftline.errors import CallerError
from driftline.server.aws.wire import Call
from driftline.server.rest import audit, credentials, keys, spaces
from driftline.server.rest.asked import AccessKeyId, AccessKeyWanted, KeyName, KeyWanted
from driftline.server.rest.audit import AuditWanted
from driftline.server.rest.callers import Appointing, Reading
from driftline.server.rest.spaces import SpaceName, SpaceWanted
from driftline.server.web.fields import Errors, errors_of
from driftline.server.web.shown import Form, Formed, Heading, Twin, page

router = APIRouter(prefix="/console/settings", include_in_schema=False)

HOME = "/console/settings"
_UP = (("Settings", HOME),)
_OWN = {"read": "see", "write": "make, change, run and delete", "admin": "make and delete keys"}


class AuditShown(AuditWanted):
    """Which entries are shown, and how."""

    format: Twin = None


@router.get("")
def show(request: Request, call: Reading) -> Response:
    """Who one is and what one may do; administrators see the keys, and make and delete them."""
    return _keys(request, call)


@router.post("/keys")
def make_key(request: Request, form: Formed) -> Response:
    """A new API key, on the page that shows it this once; or the form again, with what is wrong where it stands."""
    told = {"name": form.values.get("name", "").strip(), **_granted(form)}
    try:
        made = keys.create_key(form.call, KeyWanted.model_validate(told))
    except (ValidationError, CallerError) as error:
        return _keys(request, form.call, form, _wrong(error))
    return _keys(request, form.call, made={"API key": made.key})


@router.post("/access-keys")
def make_access_key(request: Request, form: Formed) -> Response:
    """A new access key, with its secret, likewise."""
    told = {"note": form.values.get("note", "").strip(), **_granted(form)}
    try:
        made = keys.create_access_key(form.call, AccessKeyWanted.model_validate(told))
    except (ValidationError, CallerError) as error:
        return _keys(request, form.call, form, _wrong(error, "note"))
    return _keys(request, form.call, made={"Access key": made.id, "Its secret": made.secret})


@router.post("/keys/{name}/delete")
def delete_key(form: Formed, name: KeyName) -> Response:
    """It is refused from now on."""
    keys.delete_key(form.call, name)
    return form.back(HOME)


@router.post("/access-keys/{id}/delete")
def delete_access_key(form: Formed, id: AccessKeyId) -> Response:
    """What it signs is refused within two seconds."""
    keys.delete_access_key(form.call, id)
    return form.back(HOME)


@router.get("/spaces")
def show_spaces(request: Request, call: Reading) -> Response:
    """The spaces one may see, and what is in them."""
    return _spaces(request, call)


@router.post("/spaces")
def make_space(request: Request, form: Formed) -> Response:
    """A new space."""
    form.call.principal.require("admin", EVERYWHERE)
    try:
        spaces.make_space(form.call, SpaceWanted.model_validate({"name": form.values.get("name", "").strip()}))
    except (ValidationError, CallerError) as error:
        return _spaces(request, form.call, form, _wrong(error))
    return form.back(f"{HOME}/spaces")


@router.post("/spaces/{space}/rename")
def rename_space(request: Request, form: Formed, space: SpaceName) -> Response:
    """Another name for it and all that is in it."""
    form.call.principal.require("admin", EVERYWHERE)
    wanted = {"name": form.values.get("name", "").strip()}
    try:
        spaces.rename_space(form.call, space, SpaceWanted.model_validate(wanted))
    except (ValidationError, CallerError) as error:
        return _spaces(request, form.call, form, {space: next(iter(_wrong(error).values()))})
    return form.back(f"{HOME}/spaces")


@router.post("/spaces/{space}/delete")
def delete_space(form: Formed, space: SpaceName) -> Response:
    """It goes, if nothing is in it."""
    form.call.principal.require("admin", EVERYWHERE)
    spaces.delete_space(form.call, space)
    return form.back(f"{HOME}/spaces")


@router.get("/credentials")
def show_credentials(request: Request, call: Reading) -> Response:
    """How sources are reached, by name; secrets are where their references say."""
    facts = {"credentials": credentials.list_credentials(call).items}
    return page(request, call, "settings-credentials.html", Heading("Credentials", "settings", _UP), facts)


@router.get("/audit")
def show_audit(request: Request, call: Appointing, wanted: Annotated[AuditShown, Query()]) -> Response:
    """Who changed what, the latest first."""
    asked = {name: value for name, value in wanted.model_dump(exclude={"format"}).items() if value not in (None, "")}
    found = audit.list_changes(call, AuditWanted(**asked))
    facts = {"changes": found.items, "next_token": found.next_token}
    shown = request.url.include_query_params(token="").remove_query_params(["token", "format"])
    drawn = {"wanted": wanted, "here": str(shown.replace(scheme="", netloc=""))}
    return page(request, call, "settings-audit.html", Heading("Audit log", "settings", _UP), facts, **drawn)


def _keys(
    request: Request, call: Call, form: Form | None = None, errors: Errors | None = None, made: Any = None
) -> Response:
    governs = call.principal.may("admin")
    facts: dict[str, Any] = {
        "caller": call.principal.name,
        "roles": {space: sorted(scopes) for space, scopes in call.principal.roles.items()},
        "keys": keys.list_keys(call).items if governs else [],
        "access_keys": keys.list_access_keys(call).items if governs else [],
    }
    known = [each.name for each in spaces.list_spaces(call).items if call.principal.may("admin", each.name)]
    drawn = {
        "governs": governs, "everywhere": call.principal.may("admin", EVERYWHERE), "spaces": known, "own": _OWN,
        "made": made, "errors": errors or {}, "typed": form.values if form else {}, "granted": list(ROLES),
    }  # fmt: skip
    return page(request, call, "settings.html", Heading("Settings", "settings"), facts, **drawn)


def _spaces(request: Request, call: Call, form: Form | None = None, errors: Errors | None = None) -> Response:
    facts = {"spaces": spaces.list_spaces(call).items}
    governs, typed = call.principal.may("admin", EVERYWHERE), form.values if form else {}
    drawn = {"governs": governs, "errors": errors or {}, "typed": typed}
    return page(request, call, "settings-spaces.html", Heading("Spaces", "settings", _UP), facts, **drawn)


def _granted(form: Form) -> dict[str, Any]:
    """What a role lets do, and where."""
    scopes = ROLES.get(form.values.get("role", ""), ())
    return {"scopes": list(scopes), "spaces": [form.values.get("space") or EVERYWHERE]}


def _wrong(error: ValidationError | CallerError, entry: str = "name") -> dict[str, str]:
    """What is wrong, by the name of the entry; at `entry` what is said of none."""
    if isinstance(error, ValidationError):
        told = errors_of(error, lambda place: {"scopes": "role", "spaces": "space"}.get(place[0], place[0]))
        return {**told, "name": _NAMES} if "name" in told else told
    return {entry: str(error)}


_NAMES = "Expected letters, digits, blanks and any of . _ @ : + -, with a letter or digit first."
