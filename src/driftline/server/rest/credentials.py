"""Named credentials without secrets, the keys by which buckets show their spaces, and whether a place can be read."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from driftline.catalog import spaces
from driftline.catalog.differences import without_secrets
from driftline.catalog.keys import EVERYWHERE
from driftline.imports import credentials, preflight
from driftline.imports.credentials import AUDIENCE, Credential
from driftline.imports.ownership import TAG, is_asked
from driftline.imports.places import place_of, refuse_folder
from driftline.server.aws import buckets
from driftline.server.rest.answers import Page
from driftline.server.rest.asked import Asked, Text
from driftline.server.rest.callers import Administering, Appointing, Reading, Writing
from driftline.server.rest.importasked import URI
from driftline.server.rest.registered import Named
from driftline.storage.access import Access

router = APIRouter(tags=["credentials"])

Name = Annotated[str, InPath(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="The name of the credentials.")]
Space = Annotated[str, InPath(pattern=r"^[^\x00-\x1f/]{1,256}$", description="The name of the space.")]
Short = Annotated[Text, Field(min_length=1, max_length=2048)]
Reference = Annotated[Text, Field(pattern=r"^(env:.+|file:/.+)$", max_length=2048)]


class CredentialWanted(Asked):
    """How a source is reached: everything but secrets, which are named where the server has them."""

    endpoint_url: Annotated[Short | None, Field(description="Address of an S3-compatible store.")] = None
    region: Annotated[Short | None, Field(description="The region.")] = None
    profile: Annotated[Short | None, Field(description="A profile of the server's ~/.aws/config.")] = None
    role_arn: Annotated[Short | None, Field(description="A role that is assumed.")] = None
    external_id: Annotated[Short | None, Field(description="What the role asks for.")] = None
    web_identity_token_file: Annotated[
        Short | None, Field(description="The file with the token that the role is assumed with.")
    ] = None
    audience: Annotated[Short, Field(description="Whom such tokens are made for.")] = AUDIENCE
    sts_endpoint_url: Annotated[Short | None, Field(description="Address of another STS than Amazon's.")] = None
    anonymous: Annotated[bool, Field(description="Send unsigned requests, as public buckets want them.")] = False
    access_key: Annotated[Reference | None, Field(description="env:NAME or file:/PATH of the access key.")] = None
    secret_key: Annotated[
        Reference | None, Field(description="env:NAME or file:/PATH of its secret; for Azure of the account's key.")
    ] = None
    session_token: Annotated[Reference | None, Field(description="env:NAME or file:/PATH of a session's token.")] = None
    account: Annotated[Short | None, Field(description="Azure's storage account.")] = None
    key_file: Annotated[Short | None, Field(description="The file of Google's service account.")] = None
    space: Annotated[Named | None, Field(description="Only jobs of this space may name them; null: of all.")] = None


class CredentialValue(CredentialWanted):
    """Credentials under their name."""

    name: str
    created: datetime | None = None


class IngestionKey(BaseModel):
    """What a bucket must show before an import job of the space may read it."""

    space: str
    tag: Annotated[str, Field(description="The bucket's tag.")] = TAG
    key: Annotated[str, Field(description="The tag's value; several are parted by blanks.")]


class CheckWanted(Asked):
    """A place to be tried."""

    uri: Annotated[URI, Field(description="s3://bucket/prefix/, gs://, az://, an address or ARN, or a folder.")]
    credentials: Annotated[Named | None, Field(description="Named credentials.")] = None
    space: Annotated[Named, Field(description="The space whose ingestion key the bucket must show.")] = "default"
    events: Annotated[Short | None, Field(description="URL of a queue that tells of new objects.")] = None


class Step(BaseModel):
    """One action on one resource."""

    action: str
    resource: str
    result: Literal["ok", "failed", "not tried"]
    said: Annotated[str, Field(description="What was found, or what is missing and who can mend it.")]


class Checked(BaseModel):
    """What a job on the place needs, tried."""

    passed: bool
    steps: list[Step]


@router.get("/credentials", summary="List named credentials")
def list_credentials(call: Reading) -> Page[CredentialValue]:
    """All credentials by name; secrets are not in them."""
    with call.catalog.read() as tx:
        return Page(items=[_shown(each) for each in credentials.every(tx)])


@router.get("/credentials/{name}", summary="Show named credentials")
def show_credentials(call: Reading, name: Name) -> CredentialValue:
    """The credentials, without secrets."""
    with call.catalog.read() as tx:
        return _shown(credentials.get(tx, name))


@router.put("/credentials/{name}", summary="Keep named credentials")
def put_credentials(call: Administering, name: Name, wanted: CredentialWanted) -> CredentialValue:
    """Keep credentials that import jobs can name, in the place of those of the same name.

    Administrators only: whoever names a file or a variable of the server can have it sent to an address.
    """
    call.principal.require("admin", EVERYWHERE)
    given = Credential.of(name, wanted.model_dump(exclude={"space"}), space=wanted.space)
    with call.catalog.begin() as tx:
        return _shown(credentials.put(tx, given, now=call.now))


@router.delete("/credentials/{name}", summary="Delete named credentials", status_code=204)
def delete_credentials(call: Administering, name: Name) -> None:
    """Forget credentials; jobs that name them look for nothing more until there are some again."""
    call.principal.require("admin", EVERYWHERE)
    with call.catalog.begin() as tx:
        credentials.delete(tx, name)


@router.get("/spaces/{space}/ingestion-key", summary="Show the ingestion key of a space")
def show_key(call: Writing, space: Space) -> IngestionKey:
    """The key, made when it is first asked for."""
    call.principal.require("write", space)
    with call.catalog.begin() as tx:
        return IngestionKey(space=space, key=spaces.ingestion_key(tx, space, now=call.now))


@router.post("/spaces/{space}/ingestion-key", summary="Renew the ingestion key of a space", status_code=201)
def renew_key(call: Appointing, space: Space) -> IngestionKey:
    """Another key: buckets must show it before a new job may read them. Jobs that there are go on."""
    call.principal.require("admin", space)
    with call.catalog.begin() as tx:
        return IngestionKey(space=space, key=spaces.renew(tx, space, now=call.now))


@router.post("/access-checks", summary="Check that a place can be read")
def check_access(call: Writing, wanted: CheckWanted) -> Checked:
    """Try every action that an import job needs, and name those that are missing; nothing is written."""
    call.principal.require("write", wanted.space)
    place = place_of(wanted.uri)
    refuse_folder(place, call.settings.allowed_folders, anywhere=call.settings.is_local)
    buckets.refuse(asdict(place), call.settings.allowed_buckets)
    with call.catalog.begin() as tx:
        reached = credentials.access_of(tx, wanted.credentials, Access(), wanted.space)
        key = spaces.ingestion_key(tx, wanted.space, now=call.now)
    steps = preflight.check(replace(place, events=wanted.events), reached, key=key if is_asked(call.settings) else None)
    return Checked(passed=preflight.is_passed(steps), steps=[_step(each) for each in steps])


def _shown(found: Credential) -> CredentialValue:
    told: dict[str, Any] = {**without_secrets(found.to_dict()), "audience": found.audience, "space": found.space}
    return CredentialValue(name=found.name, created=found.created, **told)


def _step(found: preflight.Step) -> Step:
    results: dict[bool | None, Any] = {True: "ok", False: "failed", None: "not tried"}
    return Step(action=found.action, resource=found.resource, result=results[found.passed], said=found.said)
