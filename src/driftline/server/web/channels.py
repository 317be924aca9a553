"""Channels in the console: which there are and how their last delivery went, the form of one, and its test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from driftline.catalog.keys import EVERYWHERE
from driftline.channels.channels import CHANNELS, channel_of
from driftline.channels.members import Member
from driftline.errors import DriftlineError, Invalid, NotFound
from driftline.server.aws.wire import Call
from driftline.server.rest import alerting as rest
from driftline.server.rest.alerted import ChannelName, ChannelValue, ChannelWanted, DeliveriesWanted
from driftline.server.rest.callers import Reading
from driftline.server.web.fields import Field, errors_of, fields_of, filled, read, typed
from driftline.server.web.shown import Formed, Heading, page

router = APIRouter(prefix="/console/alerts", include_in_schema=False)

_CONFIG = "config"
_UP = (("Alerts", "/console/alerts"),)
_NAME = Field("name", "Name", "What rules call it: letters and digits, with - in between.", required=True)
_KINDS = {"texts": "texts", "number": "number", "secret": "secret"}


@router.get("/channels")
def show_all(request: Request, call: Reading) -> Response:
    """All channels, each with its last delivery."""
    return _all(request, call)


@router.get("/new-channel")
def ask(request: Request, call: Reading, kind: Annotated[str, Query(max_length=32)] = next(iter(CHANNELS))) -> Response:
    """The form of a new channel."""
    return _form(request, call, kind, entries(kind))


@router.get("/channels/{name}")
def show(request: Request, call: Reading, name: ChannelName) -> Response:
    """The form of a channel that there is."""
    found = _get(call, name)
    fields = filled(entries(found.kind), {**found.model_dump(mode="json"), "name": name})
    return _form(request, call, found.kind, fields, was=name)


@router.post("/channels")
def save(request: Request, form: Formed) -> Response:
    """Keep the channel; the form again, with what is wrong where it stands."""
    form.call.principal.require("admin", EVERYWHERE)
    kind, was = form.values.get("kind", ""), form.values.get("was", "")
    asked = entries(kind)
    document = read(asked, form.values)
    name = document.pop("name", "")
    errors = _wrong(form.call, kind, name, was, document)
    if errors:
        return _form(request, form.call, kind, typed(asked, form.values, errors), was=was, trouble=errors.get("", ""))
    wanted = ChannelWanted(kind=kind, **{**document, _CONFIG: document.get(_CONFIG, {})})
    rest.put_channel(form.call, name, wanted)
    return form.back("/console/alerts/channels")


@router.post("/channels/{name}/test")
def try_out(request: Request, form: Formed, name: ChannelName) -> Response:
    """Send a test message now, and show what the channel answers."""
    try:
        rest.try_channel(form.call, name)
    except NotFound:
        raise
    except DriftlineError as error:
        return _all(request, form.call, {"channel": name, "sent": False, "said": str(error)})
    said = "It took the test message. Look whether it arrived."
    return _all(request, form.call, {"channel": name, "sent": True, "said": said})


@router.post("/channels/{name}/delete")
def delete(form: Formed, name: ChannelName) -> Response:
    """Forget it."""
    form.call.principal.require("admin", EVERYWHERE)
    rest.delete_channel(form.call, name)
    return form.back("/console/alerts/channels")


def _all(request: Request, call: Call, tested: Mapping[str, Any] | None = None) -> Response:
    channels = []
    for each in rest.list_channels(call).items:
        last = rest.list_deliveries(call, DeliveriesWanted(channel=each.name, limit=1)).items
        title = CHANNELS[each.kind].title if each.kind in CHANNELS else each.kind
        channels.append({**each.model_dump(), "title": title, "last": last[0].model_dump() if last else None})
    facts = {"channels": channels, "tested": tested}
    heading = Heading("Channels", "alerts", _UP)
    return page(request, call, "channels.html", heading, facts, may_admin=call.principal.may("admin", EVERYWHERE))


def _form(
    request: Request, call: Call, kind: str, fields: Sequence[Field], *, was: str = "", trouble: str = ""
) -> Response:
    about = [line.strip() for line in (type(channel_of(kind)).__doc__ or "").strip().split("\n\n")]
    facts = {"kind": kind, "channel": was, "trouble": trouble, "errors": {f.name: f.error for f in fields if f.error}}
    drawn = {
        "fields": fields, "was": was, "kinds": [(name, each.title) for name, each in CHANNELS.items()],
        "about": about[0], "may_admin": call.principal.may("admin", EVERYWHERE),
    }  # fmt: skip
    up = (*_UP, ("Channels", "/console/alerts/channels"))
    heading = Heading(f"Channel {was}" if was else "New channel", "alerts", up)
    return page(request, call, "channel.html", heading, facts, **drawn)


def _get(call: Call, name: str) -> ChannelValue:
    found = next((each for each in rest.list_channels(call).items if each.name == name), None)
    if found is None:
        raise NotFound(what="channel", name=name, remedy="The page of channels has those that there are.")
    return found


def entries(kind: str) -> list[Field]:
    """Name, the members of the kind, and what all channels have; raises `Invalid` for a kind that is not known."""
    members = [_field(each) for each in channel_of(kind).members]
    return [_NAME, *members, *fields_of(ChannelWanted, without=("kind", _CONFIG))]


def _field(member: Member) -> Field:
    """The entry of a member."""
    label = "URL" if member.name == "url" else member.name.replace("_", " ").capitalize()
    meaning = f"{member.meaning} In the server's environment or a file: {member.expected}." if member.kind == "secret" \
        else member.meaning  # fmt: skip
    value = str(member.default) if member.default else ""
    made = Field(f"{_CONFIG}.{member.name}", label, meaning, required=member.required, value=value)
    if member.choices:
        return replace(made, kind="choice", choices=member.choices)
    if member.kind == "texts":
        return replace(made, kind="texts", meaning=f"{meaning} One on each line.")
    return replace(made, kind="number") if member.kind == "number" else (
        replace(made, kind="secret") if member.kind == "secret" else made
    )  # fmt: skip


def _wrong(call: Call, kind: str, name: str, was: str, document: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with it, by entry: all that can be found at once."""
    errors = {} if name else {"name": "Please fill this in."}
    if name and not was and any(each.name == name for each in rest.list_channels(call).items):
        errors["name"] = "There is a channel of this name: open that one, or take another."
    config = document.get(_CONFIG, {})
    for member in channel_of(kind).members:
        try:
            if member.name in config:
                member.check(config[member.name])
            elif member.required:
                errors[f"{_CONFIG}.{member.name}"] = f"Please fill this in: {member.expected}."
        except Invalid as error:
            errors[f"{_CONFIG}.{member.name}"] = str(error)
    try:
        ChannelWanted(kind=kind, **{**document, _CONFIG: config})
    except ValidationError as error:
        errors |= errors_of(error, lambda loc: loc[0])
    return errors
