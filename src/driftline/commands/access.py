"""`driftline access`: what the owner of a bucket must allow, to copy; and whether it is allowed, tried."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from cyclopts import Group, Parameter

from driftline.catalog import Catalog, spaces
from driftline.catalog.acting import acting
from driftline.commands.acting import account
from driftline.commands.showing import show, table
from driftline.errors import Invalid
from driftline.imports import credentials, grants, preflight
from driftline.imports.credentials import AUDIENCE, Credential
from driftline.imports.grants import Grant
from driftline.imports.job import Place
from driftline.imports.ownership import TAG
from driftline.imports.places import place_of
from driftline.imports.terraform import terraform as written
from driftline.settings import Settings
from driftline.storage.access import Access

MISSING = 1
"""Exit status where something that is needed is not allowed."""

_READER, _PLACES = Group("Who reads"), Group("Where things lie")
Flag = Annotated[bool, Parameter(negative="", show_default=False)]
Repeated = Annotated[tuple[str, ...], Parameter(negative="", consume_multiple=False, show_default=False)]


@Parameter(name="*")
@dataclass(frozen=True)
class Reader:
    """Who is to read.

    Attributes
    ----------
    principal
        ARN of the account, user or role that the importer has; the policy of the bucket names it.
    external_id
        With a principal: it assumes a role in the bucket's account, and says this.
    provider
        ARN of the identity provider whose tokens assume the role (web identity).
    subject
        Whose tokens, such as system:serviceaccount:driftline:worker.
    audience
        Whom the tokens are made for.
    kms_key
        ARN of a key that objects are encrypted with; repeat it.
    events_queue
        URL of the queue that the bucket is to tell of new objects.
    """

    principal: Annotated[str | None, Parameter(group=_READER)] = None
    external_id: Annotated[str | None, Parameter(group=_READER)] = None
    provider: Annotated[str | None, Parameter(group=_READER)] = None
    subject: Annotated[str | None, Parameter(group=_READER)] = None
    audience: Annotated[str, Parameter(group=_READER)] = AUDIENCE
    kms_key: Annotated[Repeated, Parameter(group=_READER)] = ()
    events_queue: Annotated[str | None, Parameter(group=_PLACES)] = None


@Parameter(name="*")
@dataclass(frozen=True)
class How:
    """With what the check reaches the place.

    Attributes
    ----------
    credentials
        Named credentials of the server whose database DRIFTLINE_HOME or DRIFTLINE_DATABASE_URL names.
    endpoint_url
        Address of an S3-compatible store; AWS_ENDPOINT_URL_S3 works too.
    profile_name
        A profile of ~/.aws/config; AWS_PROFILE works too.
    region
        The region; AWS_REGION works too.
    space
        The space whose ingestion key the bucket must show.
    ingestion_key
        That key itself, where the server's database is not at hand.
    """

    credentials: Annotated[str | None, Parameter(group=_PLACES)] = None
    endpoint_url: Annotated[str | None, Parameter(group=_PLACES)] = None
    profile_name: Annotated[str | None, Parameter(name="--profile", group=_PLACES)] = None
    region: Annotated[str | None, Parameter(group=_PLACES)] = None
    space: Annotated[str, Parameter(group=_PLACES)] = "default"
    ingestion_key: Annotated[str | None, Parameter(group=_PLACES)] = None


def access(
    *paths: str,
    check: Flag = False,
    terraform: Flag = False,
    json: Flag = False,
    reader: Reader | None = None,
    how: How | None = None,
) -> int:
    """Print the policies, the tag and the events that let Driftline read a bucket; or check that it can.

    Parameters
    ----------
    paths
        What import jobs are to read: s3://bucket/prefix/, or an address or ARN of it; gs:// and az:// to check.
    check
        Try every action on the real thing, and name those that are missing.
    terraform
        Print it for Terraform.
    json
        Print JSON for machines.
    """
    reader, how = reader or Reader(), how or How()
    if not paths:
        raise Invalid(what="PATH", got="nothing", expected="s3://bucket/prefix/", remedy="Name what is to be read.")
    places = tuple(replace(place_of(each), events=reader.events_queue) for each in paths)
    named, key = _known(how)
    if check:
        return _checked(places, _access(how, named), key, as_json=json)
    grant = _grant(places, reader, named, key)
    if terraform:
        print(written(grant), end="")
    else:
        _print(_documents(grant), as_json=json)
    return 0


def _known(how: How) -> tuple[Credential | None, str | None]:
    """The named credentials and the space's ingestion key, of the server's database if there is one here."""
    settings = Settings()
    is_here = bool(settings.database_url) or (settings.home / "driftline.sqlite").exists()
    if not is_here:
        if how.credentials is not None:
            remedy = "Run this where the server runs, or set DRIFTLINE_HOME or DRIFTLINE_DATABASE_URL."
            raise Invalid(what="--credentials", got=how.credentials, expected="a server's database", remedy=remedy)
        return None, how.ingestion_key
    catalog = Catalog(settings.url)
    try:
        catalog.migrate()
        now = catalog.clock()
        with acting(account("access", now)), catalog.begin() as tx:
            named = None if how.credentials is None else credentials.get(tx, how.credentials)
            return named, how.ingestion_key or spaces.ingestion_key(tx, how.space, now=now)
    finally:
        catalog.close()


def _access(how: How, named: Credential | None) -> Access:
    given = {"endpoint_url": how.endpoint_url, "region": how.region, "profile": how.profile_name}
    told = {name: value for name, value in given.items() if value is not None}
    return replace(named.access if named else Access(), **told)  # type: ignore[arg-type]


def _grant(places: tuple[Place, ...], reader: Reader, named: Credential | None, key: str | None) -> Grant:
    return Grant(
        places,
        reader.principal,
        reader.external_id or (named.access.external_id if named else None),
        reader.provider,
        reader.subject,
        named.audience if named and reader.audience == AUDIENCE else reader.audience,
        reader.kms_key,
        reader.events_queue,
        key,
    )


def _documents(grant: Grant) -> dict[str, Any]:
    """Everything that is asked for, by what it is."""
    found = {
        "role_policy": grants.role_policy(grant),
        "bucket_policies": grants.bucket_policies(grant),
        "trust_policy": grants.trust_policy(grant),
        "tagging": grants.tagging(grant),
        "notifications": grants.notifications(grant),
        "queue_policy": grants.queue_policy(grant),
    }
    return {name: document for name, document in found.items() if document}


_SAID = {
    "role_policy": "Policy of the role or user that reads",
    "trust_policy": "Trust policy of the role, if one is assumed",
    "tagging": "Tag of each bucket (aws s3api put-bucket-tagging replaces all tags: keep those that there are)",
    "queue_policy": "Policy of the queue",
}
_OF_BUCKETS = {
    "bucket_policies": "Policy of bucket {}, instead of a role in its account",
    "notifications": "Events of bucket {}",
}


def _print(documents: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(documents))
        return
    for name, document in documents.items():
        if name in _SAID:
            print(f"# {_SAID[name]}\n{json.dumps(document, indent=2)}\n")
        else:
            for bucket, each in document.items():
                print(f"# {_OF_BUCKETS[name].format(bucket)}\n{json.dumps(each, indent=2)}\n")
    if "tagging" not in documents:
        print(f"# The tag that shows the bucket's owner: {TAG}, its value by --ingestion-key or on the server")


_RESULTS = {True: "ok", False: "failed", None: "not tried"}


def _checked(places: tuple[Place, ...], access: Access, key: str | None, *, as_json: bool) -> int:
    found = {each.uri: preflight.check(each, access, key=key) for each in places}
    items = [{"place": uri, **asdict(step)} for uri, steps in found.items() for step in steps]
    columns = [
        ("action", lambda each: each["action"]),
        ("result", lambda each: _RESULTS[each["passed"]]),
        ("resource", lambda each: each["resource"]),
        ("said", lambda each: each["said"]),
    ]
    show({"steps": items}, table(items, columns, "nothing", whole=("action", "result")), as_json=as_json)
    return 0 if all(map(preflight.is_passed, found.values())) else MISSING
