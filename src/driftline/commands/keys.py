"""`driftline keys`: API keys and access keys, asked of a server or made in its database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from driftline.commands.examples import epilogue
from driftline.commands.remote import Remote, Unreached
from driftline.commands.showing import Facts, show, table, when
from driftline.errors import Invalid

if TYPE_CHECKING:
    from driftline.server.aws.wire import Call

EXAMPLES = """
    driftline keys create dashboards --scope read
    driftline keys create pipeline --scope read --scope write --local
    driftline keys list
    """

app = App(name="keys", help_epilogue=epilogue(EXAMPLES))

Scope = Literal["read", "write", "admin"]
Local = Annotated[bool, Parameter(negative="", show_default=False)]


@app.command(name="list")
def list_(*, local: Local = False, remote: Remote | None = None) -> int:
    """List API keys and what they may do; and access keys, which sign AWS calls and may do all.

    Parameters
    ----------
    local
        Look into the database of DRIFTLINE_HOME or DRIFTLINE_DATABASE_URL itself, without a server.
    """
    remote = remote or Remote()
    found = {name: _ask(remote, local, "GET", f"/{name}")["items"] for name in ("keys", "access-keys")}
    created = ("created (UTC)", lambda each: when(each["created"]))
    named = [("API key", lambda each: each["name"]), ("may", _may), created]
    signing = [("access key", lambda each: each["id"]), ("note", lambda each: each["note"]), created]
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
    scope: Annotated[tuple[Scope, ...], Parameter(negative="", consume_multiple=False)] = ("read",),
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
    local
        Make it in the database of DRIFTLINE_HOME or DRIFTLINE_DATABASE_URL itself, without a server.
    """
    remote = remote or Remote()
    made = _ask(remote, local, "POST", "/keys", {"name": name, "scopes": list(scope)})
    pairs = [("name", made["name"]), ("may", _may(made)), ("key", made["key"])]
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
def create_access(*, note: str = "", local: Local = False, remote: Remote | None = None) -> int:
    """Make an access key, which boto3 and the SDKs sign with; its secret is shown this once.

    Parameters
    ----------
    note
        Whose key it is.
    local
        Make it in the database of DRIFTLINE_HOME or DRIFTLINE_DATABASE_URL itself, without a server.
    """
    remote = remote or Remote()
    made = _ask(remote, local, "POST", "/access-keys", {"note": note})
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


def _may(found: Mapping[str, Any]) -> str:
    return ", ".join(found["scopes"])


def _ask(remote: Remote, local: bool, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """The answer of the server, or of the same code on its database."""
    if local:
        with _database() as call:
            return _perform(call, method, path, body or {})
    try:
        return remote.ask(method, path, body)
    except Unreached as error:
        raise Unreached(error.url, error.reason, f"{error.remedy} {_HINT}") from error


_HINT = "On the server's own machine --local needs neither a server nor a key."


def _perform(call: Call, method: str, path: str, body: Mapping[str, Any]) -> Any:
    from pydantic import BaseModel, ValidationError

    from driftline.server.rest import asked, keys

    _, noun, *name = path.split("/", 2)
    orders: Mapping[tuple[str, str], Callable[[], BaseModel | None]] = {
        ("GET", "keys"): lambda: keys.list_keys(call),
        ("POST", "keys"): lambda: keys.create_key(call, asked.KeyWanted(**body)),
        ("DELETE", "keys"): lambda: keys.delete_key(call, *name),
        ("GET", "access-keys"): lambda: keys.list_access_keys(call),
        ("POST", "access-keys"): lambda: keys.create_access_key(call, asked.AccessKeyWanted(**body)),
        ("DELETE", "access-keys"): lambda: keys.delete_access_key(call, *name),
    }
    try:
        found = orders[method, noun]()
    except ValidationError as error:
        wrong = error.errors()[0]
        raise Invalid(what=str(wrong["loc"][0]), got=wrong["input"], expected=wrong["msg"]) from error
    return None if found is None else found.model_dump(mode="json")


@contextmanager
def _database() -> Iterator[Call]:
    """A call by whoever may write the server's database, and so may do all."""
    from driftline.catalog import Catalog
    from driftline.server.auth import SCOPES, Principal
    from driftline.server.aws.wire import Call
    from driftline.settings import Settings

    settings = Settings()
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    catalog = Catalog(settings.url)
    try:
        catalog.migrate()
        yield Call(catalog, catalog.clock(), settings, Principal("local", frozenset(SCOPES)))
    finally:
        catalog.close()
