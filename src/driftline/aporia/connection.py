"""The server that the functions speak to, as `init` was told, and how its refusals are told."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, wraps
from http import HTTPStatus
from typing import Any, ParamSpec, TypedDict, TypeVar, Unpack, cast
from urllib.parse import quote, urlsplit

import urllib3

from driftline.errors import DriftlineError

P = ParamSpec("P")
T = TypeVar("T")

SECONDS = 30
PORT = 8766
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_RETRIES = 3


class AporiaError(DriftlineError):
    """{message}"""

    def __init__(self, message: str, status: int | None = None) -> None:
        """`status` is that of the server's answer, None where there was none."""
        super().__init__(message=message)
        self.short_message, self.http_status = message, HTTPStatus(status) if status else None


class InitOptions(TypedDict, total=False):
    """How the server is reached, beside its address."""

    http_timeout_seconds: int | None
    verify_ssl: bool


@dataclass(frozen=True)
class Connection:
    """A server by its URL, the API key, and the environment whose rows are connected."""

    url: str
    token: str = field(repr=False)
    environment: str
    seconds: float = SECONDS
    verify: bool = True
    throws: bool = True

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        again = urllib3.Retry(_RETRIES, backoff_factor=0.5, status_forcelist=(503,), allowed_methods=None)
        checked = "CERT_REQUIRED" if self.verify else "CERT_NONE"
        return urllib3.PoolManager(retries=again, cert_reqs=checked)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, seconds: float | None = None) -> Any:
        """The answer to a request; raises `AporiaError` with the server's words.

        All that is asked of the server may be asked twice, so a request without an answer is sent again.
        """
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body, default=str).encode()
        try:
            answer = self._pool.request(
                method, self.url + path, body=data, headers=headers, timeout=seconds or self.seconds
            )
        except urllib3.exceptions.HTTPError as error:
            raise AporiaError(f"the server at {self.url} does not answer: {type(error).__name__}") from error
        try:
            said = json.loads(answer.data or b"null")
        except ValueError:
            said = None
        if 200 <= answer.status < 300:
            return said
        found = said.get("error") if isinstance(said, dict) else None
        words = (
            found["message"] if isinstance(found, dict) else f"{self.url} answered {answer.status}; is it Driftline?"
        )
        raise AporiaError(words, answer.status)


_current: Connection | None = None


def init(
    token: str | None = None,
    host: str | None = None,
    environment: str | None = None,
    port: int | None = None,
    verbose: bool | None = None,  # noqa: ARG001
    throw_errors: bool | None = None,
    debug: bool | None = None,
    **options: Unpack[InitOptions],
) -> None:
    """Say which server the functions speak to; raises `AporiaError` without an API key.

    What is not given comes from `APORIA_TOKEN` (or `DRIFTLINE_API_KEY`), `APORIA_HOST`, `APORIA_PORT` (or
    `DRIFTLINE_URL`), `APORIA_ENVIRONMENT`, `APORIA_THROW_ERRORS` and `APORIA_HTTP_TIMEOUT_SECONDS`. Unlike Aporia's SDK
    this one raises errors unless it is told not to; then they are logged. `verbose` changes nothing: errors are told
    whole.
    """
    only(options, InitOptions)
    known = os.environ.get
    key = token or known("APORIA_TOKEN") or known("DRIFTLINE_API_KEY")
    if not key:
        raise AporiaError("There is no API key: give `token`, or set APORIA_TOKEN. `driftline keys create` makes one.")
    throws = known("APORIA_THROW_ERRORS", "true").lower() == "true" if throw_errors is None else throw_errors
    seconds = options.get("http_timeout_seconds") or int(known("APORIA_HTTP_TIMEOUT_SECONDS", SECONDS))
    if debug:
        logging.getLogger("driftline.aporia").setLevel(logging.DEBUG)
    made = Connection(
        url=url_of(host or known("APORIA_HOST"), port or int(known("APORIA_PORT", "0")), known("DRIFTLINE_URL")),
        token=key,
        environment=environment or known("APORIA_ENVIRONMENT", "production"),
        seconds=seconds,
        verify=options.get("verify_ssl", True),
        throws=throws,
    )
    _remember(made)


def shutdown() -> None:
    """Forget the server; nothing waits to be sent."""
    _remember(None)


def connection() -> Connection:
    """The server that `init` named; raises `AporiaError` before."""
    if _current is None:
        raise AporiaError("The server is not known yet: call driftline.aporia.init(token=..., host=...) first.")
    return _current


def url_of(host: str | None, port: int, otherwise: str | None = None) -> str:
    """The server's URL; without a scheme `https` is meant, but on one's own machine.

    >>> url_of("http://127.0.0.1", 8000), url_of("localhost", 0), url_of("monitor.example", 0), url_of(None, 0)
    ('http://127.0.0.1:8000', 'http://localhost:8766', 'https://monitor.example', 'http://127.0.0.1:8766')
    """
    if not host:
        return (otherwise or f"http://127.0.0.1:{PORT}").rstrip("/")
    near = host.partition(":")[0] in _LOOPBACK
    parts = urlsplit(host if "://" in host else f"{'http' if near else 'https'}://{host}")
    told = port or parts.port or (PORT if parts.scheme == "http" else 0)
    return f"{parts.scheme}://{parts.hostname}{f':{told}' if told else ''}"


def path(*names: str) -> str:
    """A path of these names, each quoted.

    >>> path("models", "a b", "versions")
    '/v1beta/models/a%20b/versions'
    """
    return "/".join(["/v1beta", *(quote(name, safe="") for name in names)])


def told(what: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Raise errors with what was done, or log them and return None where `init` was told so."""

    def wrap(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return function(*args, **kwargs)
            except AporiaError as error:
                said = AporiaError(f"{what} failed, error: {error}", error.http_status)
                if _current is None or _current.throws:
                    raise said from error
                logging.getLogger("driftline.aporia").error("%s", said)
                return cast(T, None)  # as Aporia's SDK does; whoever asks for that must look

        return call

    return wrap


def only(options: Mapping[str, Any], known: type[Any]) -> None:
    """Raises `TypeError` for an option that is not known: it would have no effect."""
    for name in options:
        if name not in known.__annotations__:
            raise TypeError(f"unknown argument {name!r}; known are {', '.join(known.__annotations__)}")


def _remember(made: Connection | None) -> None:
    global _current  # noqa: PLW0603  the functions that are stood in for take no connection
    _current = made
