"""`driftline keys`: API keys and access keys, asked of a server or made in its database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter
from sqlalchemy import Connection

from driftline.catalog import Catalog, keys
from driftline.catalog.acting import acting
from driftline.catalog.keys import AccessKey, ApiKey
from driftline.commands.acting import account
from driftline.commands.examples import epilogue
from driftline.commands.remote import Remote, Unreached
from driftline.commands.showing import Facts, show, table, when
from driftline.settings import Settings

EXAMPLES = """
    driftline keys create dashboards --scope read
    driftline keys create pipeline --scope read --scope write --space risk
    driftline keys list
    """

app = App(name="keys", help_epilogue=epilogue(EXAMPLES))

Scope = Literal["read", "write", "admin"]
Scopes = Annotated[tuple[Scope, ...], Parameter(negative="", consume_multiple=False)]
Spaces = Annotated[tuple[str, ...], Parameter(negative="", consume_multiple=False)]
_LIMITS: tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...] = (
    ("may", lambda each: ", ".join(each["scopes"])),
    ("in spaces", lambda each: ", ".join("all" if name == "*" else name for name in each["spaces"])),
)
Local = Annotated[bool, Parameter(negative="", show_default=False)]


@app.command(name="list")
def list_(*, local: Local = False, remote: Remote | None = None) -> int:
    """List API keys, and access keys, which sign AWS calls; and what they may do in which spaces.

    Parameters
    ----------
    local
        Look into the database of DRIFTLINE_HOME or DRIFTLINE_DATABASE_URL itself, without a server.
    """
    remote = remote or Remote()
    found = {name: _ask(remote, local, "GET", f"/{name}")["items"] for name in ("keys", "access-keys")}
    created = ("created (UTC)", lambda each: when(each["created"]))
    named = [("API key", lambda each: each["name"]), *_LIMITS, created]
    signing = [("access key", lambda each: each["id"]), ("note", lambda each: each["note"]), *_LIMITS, created]
    shown = [
        table(found["keys"], named, "no API keys"),
        table(found["access-keys"], signing, "no access keys"),
    ]
    show(found, Facts((), shown), as_json=remote.json)
    return 0


@app.command
def create(
    name: str,
    *,
    scope: Scopes = ("read",),
    space: Spaces = ("*",),
    local: Local = False,
    remote: Remote | None = None,
) -> int:
    """Make an API key; it is shown this once.

    Parameters
    ----------
    name
        Whose key it is.
    scope
        read sees all but keys, write makes, runs, stops and deletes, admin sees, makes and deletes keys; repeat it.
    space
        Where it may do that: a space, with the models in it; * is all; repeat it. SageMaker's things are in default.
    local
        Make it in the database of DRIFTLINE_HOME or DRIFTLINE_DATABASE_URL itself, without a server.
    """
    remote = remote or Remote()
    wanted = {"name": name, "scopes": sorted(set(scope)), "spaces": sorted(set(space))}
    made = _ask(remote, local, "POST", "/keys", wanted)
    pairs = [("name", made["name"]), *((said, of(made)) for said, of in _LIMITS), ("key", made["key"])]
    show(made, Facts(pairs, ["It is shown this once. Set DRIFTLINE_API_KEY to it."]), as_json=remote.json)
    return 0


@app.command
def delete(name: str, *, local: Local = False, remote: Remote | None = None) -> int:
    """Delete an API key: it is refused from now on.

    Parameters
    ----------
    name
        The key's name.
    local
        Delete it in the database of DRIFTLINE_HOME or DRIFTLINE_DATABASE_URL itself, without a server.
    """
    return _deleted(remote or Remote(), local, "/keys", name)


@app.command
def create_access(
    *,
    note: str = "",
    scope: Scopes = ("read", "write", "admin"),
    space: Spaces = ("*",),
    local: Local = False,
    remote: Remote | None = None,
) -> int:
    """Make an access key, which boto3 and the SDKs sign with; its secret is shown this once.

    Parameters
    ----------
    note
        Whose key it is.
    scope
        As of API keys; write is also to invoke endpoints; repeat it.
    space
        As of API keys; AWS calls need default; repeat it.
    local
        Make it in the database of DRIFTLINE_HOME or DRIFTLINE_DATABASE_URL itself, without a server.
    """
    remote = remote or Remote()
    made = _ask(
        remote,
        local,
        "POST",
        "/access-keys",
        {"note": note, "scopes": sorted(set(scope)), "spaces": sorted(set(space))},
    )
    pairs = [("AWS_ACCESS_KEY_ID", made["id"]), ("AWS_SECRET_ACCESS_KEY", made["secret"])]
    show(made, Facts(pairs, ["The secret is shown this once."]), as_json=remote.json)
    return 0


@app.command
def delete_access(id: str, *, local: Local = False, remote: Remote | None = None) -> int:
    """Delete an access key: what it signs is refused within two seconds.

    Parameters
    ----------
    id
        The key's id.
    local
        Delete it in the database of DRIFTLINE_HOME or DRIFTLINE_DATABASE_URL itself, without a server.
    """
    return _deleted(remote or Remote(), local, "/access-keys", id)


def _deleted(remote: Remote, local: bool, path: str, name: str) -> int:
    _ask(remote, local, "DELETE", f"{path}/{name}")
    show({"deleted": name}, f"deleted: {name}", as_json=remote.json)
    return 0


def _ask(remote: Remote, local: bool, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """The answer of the server, or of its database."""
    if local:
        with _database() as (tx, now):
            return _perform(tx, now, method, path, body or {})
    try:
        return remote.ask(method, path, body)
    except Unreached as error:
        raise Unreached(error.url, error.reason, f"{error.remedy} {_HINT}") from error


_HINT = "On the server's own machine --local needs neither a server nor a key."


def _perform(tx: Connection, now: datetime, method: str, path: str, body: Mapping[str, Any]) -> Any:
    """What the REST API does and answers, done in the database."""
    _, noun, *name = path.split("/", 2)
    orders: Mapping[tuple[str, str], Callable[[], Any]] = {
        ("GET", "keys"): lambda: {"items": [_shown(each) for each in keys.api_keys(tx)]},
        ("POST", "keys"): lambda: {**body, "key": keys.create_api_key(tx, **body, now=now)},
        ("DELETE", "keys"): lambda: keys.delete_api_key(tx, *name),
        ("GET", "access-keys"): lambda: {"items": [_shown(each) for each in keys.access_keys(tx)]},
        ("POST", "access-keys"): lambda: _access_key(tx, now, **body),
        ("DELETE", "access-keys"): lambda: keys.delete_access_key(tx, *name),
    }
    return orders[method, noun]()


def _access_key(
    tx: Connection, now: datetime, note: str, scopes: Sequence[str], spaces: Sequence[str]
) -> dict[str, Any]:
    made = keys.new_access_key(scopes, spaces)
    keys.put_access_key(tx, made, note=note, now=now)
    return {"id": made.id, "secret": made.secret, "scopes": scopes, "spaces": spaces}


def _shown(found: ApiKey | AccessKey) -> dict[str, Any]:
    created = None if found.created is None else found.created.isoformat().replace("+00:00", "Z")
    limits = {"scopes": sorted(found.scopes), "spaces": sorted(found.spaces), "created": created}
    return (
        {"name": found.name, **limits} if isinstance(found, ApiKey) else {"id": found.id, "note": found.note, **limits}
    )


@contextmanager
def _database() -> Iterator[tuple[Connection, datetime]]:
    """A transaction in the server's database, and the time."""
    settings = Settings()
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    catalog = Catalog(settings.url)
    try:
        catalog.migrate()
        now = catalog.clock()
        with acting(account("keys", now)), catalog.begin() as tx:
            yield tx, now
    finally:
        catalog.close()
