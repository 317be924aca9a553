"""`driftline credentials`: how the server reaches sources, without secrets; and what buckets must show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from cyclopts import App, Group, Parameter

from driftline.commands.examples import epilogue
from driftline.commands.remote import Remote
from driftline.commands.showing import Facts, show, table, when

EXAMPLES = """
    driftline credentials create acme --role-arn arn:aws:iam::123456789012:role/driftline --external-id acme-7
    driftline credentials create lab --endpoint-url http://minio:9000 --access-key env:KEY --secret-key env:SECRET
    driftline credentials check s3://acme-logs/churn/ --credentials acme
    driftline credentials key

    Exit status: 0 done, 1 where check found something missing, 2 anything else.
    """

app = App(name="credentials", help_epilogue=epilogue(EXAMPLES))

_ROLE, _KEYS = Group("A role"), Group("Keys, by reference")
_OWN = ("name", "created", "audience")


@Parameter(name="*")
@dataclass(frozen=True)
class Given:
    """What credentials say.

    Attributes
    ----------
    endpoint_url
        Address of an S3-compatible store, as the server reaches it.
    region
        The region.
    profile_name
        A profile of the server's ~/.aws/config.
    anonymous
        Send unsigned requests, as public buckets want them.
    role_arn
        A role that is assumed.
    external_id
        What the role asks for.
    web_identity_token_file
        The server's file with the token that the role is assumed with.
    audience
        Whom such tokens are made for.
    sts_endpoint_url
        Address of another STS than Amazon's.
    access_key
        env:NAME or file:/PATH of the access key, where the server and its workers run.
    secret_key
        env:NAME or file:/PATH of its secret; for Azure of the account's key.
    session_token
        env:NAME or file:/PATH of a session's token.
    account
        Azure's storage account.
    key_file
        The server's file of Google's service account.
    space
        Only jobs of this space may name them; those of all, if not said.
    """

    endpoint_url: str | None = None
    region: str | None = None
    profile_name: Annotated[str | None, Parameter(name="--profile")] = None
    anonymous: Annotated[bool, Parameter(negative="", show_default=False)] = False
    role_arn: Annotated[str | None, Parameter(group=_ROLE)] = None
    external_id: Annotated[str | None, Parameter(group=_ROLE)] = None
    web_identity_token_file: Annotated[str | None, Parameter(group=_ROLE)] = None
    audience: Annotated[str | None, Parameter(group=_ROLE)] = None
    sts_endpoint_url: Annotated[str | None, Parameter(group=_ROLE)] = None
    access_key: Annotated[str | None, Parameter(group=_KEYS)] = None
    secret_key: Annotated[str | None, Parameter(group=_KEYS)] = None
    session_token: Annotated[str | None, Parameter(group=_KEYS)] = None
    account: Annotated[str | None, Parameter(group=_KEYS)] = None
    key_file: Annotated[str | None, Parameter(group=_KEYS)] = None
    space: str | None = None


@app.command(name="list")
def list_(*, remote: Remote | None = None) -> int:
    """List named credentials: what they say, and where their secrets are."""
    remote = remote or Remote()
    found = remote.ask("GET", "/credentials")["items"]
    columns = [
        ("name", lambda each: each["name"]),
        ("says", lambda each: ", ".join(f"{name} {value}" for name, value in _said(each).items())),
        ("created (UTC)", lambda each: when(each["created"])),
    ]
    show(found, table(found, columns, "no credentials", whole=("name",)), as_json=remote.json)
    return 0


@app.command
def create(name: str, *, given: Given | None = None, remote: Remote | None = None) -> int:
    """Make credentials that import jobs can name, or change those of this name; an administrator's key is needed.

    Parameters
    ----------
    name
        What jobs call them.
    """
    remote, told = remote or Remote(), asdict(given or Given())
    told["profile"] = told.pop("profile_name")
    body = {member: value for member, value in told.items() if value not in (None, False)}
    made = remote.ask("PUT", f"/credentials/{name}", body)
    show(made, Facts([("name", made["name"]), *_said(made).items()]), as_json=remote.json)
    return 0


@app.command
def delete(name: str, *, remote: Remote | None = None) -> int:
    """Delete credentials: jobs that name them find nothing more.

    Parameters
    ----------
    name
        Their name.
    """
    remote = remote or Remote()
    remote.ask("DELETE", f"/credentials/{name}")
    show({"deleted": name}, f"deleted: {name}", as_json=remote.json)
    return 0


@app.command
def key(
    space: str = "default",
    *,
    renew: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    remote: Remote | None = None,
) -> int:
    """Show the tag by which a bucket's owner shows that a space may read it.

    Parameters
    ----------
    space
        Whose import jobs are to read the bucket.
    renew
        Make another value: new jobs need it, those that there are go on.
    """
    remote = remote or Remote()
    found = remote.ask("POST" if renew else "GET", f"/spaces/{space}/ingestion-key")
    pairs = [("space", found["space"]), ("tag", found["tag"]), ("value", found["key"])]
    show(found, Facts(pairs), as_json=remote.json)
    return 0


@app.command
def check(
    path: str,
    *,
    credentials: str | None = None,
    space: str = "default",
    events: str | None = None,
    remote: Remote | None = None,
) -> int:
    """Let the server try every action that an import job on a path needs, and name those that are missing.

    Parameters
    ----------
    path
        s3://bucket/prefix/, gs://, az://, an address or ARN, or a folder of the server.
    credentials
        Named credentials.
    space
        The space whose ingestion key the bucket must show.
    events
        URL of a queue that tells of new objects.
    """
    remote = remote or Remote()
    found = remote.ask(
        "POST", "/access-checks", {"uri": path, "credentials": credentials, "space": space, "events": events}
    )
    columns = [(name, lambda each, name=name: each[name]) for name in ("action", "result", "resource", "said")]
    show(found, table(found["steps"], columns, "nothing", whole=("action", "result")), as_json=remote.json)
    return 0 if found["passed"] else 1


def _said(found: Mapping[str, Any]) -> dict[str, Any]:
    """What they say, without what is left to the surroundings."""
    return {name: value for name, value in found.items() if value not in (None, False, "") and name not in _OWN}
