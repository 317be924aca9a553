"""The server as commands reach it: its REST API, by an API key or signed as AWS clients sign."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

from cyclopts import Group, Parameter

from driftline.errors import CallerError, Invalid, Unavailable
from driftline.server.aws.signature import sign
from driftline.server.messages import Received
from driftline.settings import Settings
from driftline.version import VERSION

URL = "http://127.0.0.1:8766"
"""Where `driftline serve` listens unless told otherwise."""

_SERVER = Group("Server")
_CONNECT_SECONDS, _READ_SECONDS = 5.0, 120.0
_PAGE = 100
"""Things that are asked for at a time."""


class Refused(CallerError):
    """{message}"""

    def __init__(self, message: str, status: int) -> None:
        """What the server said; `status` is that of HTTP."""
        self.status = status
        super().__init__(message=message)


class Unreached(Unavailable):
    """no Driftline server at {url}: {reason}. {remedy}"""

    def __init__(self, url: str, reason: str, remedy: str = "") -> None:
        """`reason` tells what happened instead of an answer."""
        self.url, self.reason = url, reason.rstrip(".")
        self.remedy = remedy or "Start one with `driftline serve`, or name its address with --url or DRIFTLINE_URL."
        super().__init__(url=url, reason=self.reason, remedy=self.remedy)


@dataclass(frozen=True)
class Login:
    """An access key, its secret, and where they were found."""

    access_key: str
    secret: str = field(repr=False)
    source: str


@Parameter(name="*")
@dataclass(frozen=True)
class Remote:
    """Options of every command that asks a server.

    Attributes
    ----------
    url
        The server's address.
    key
        An API key, as `driftline keys create` makes them. Without one, requests are signed with the credentials in
        DRIFTLINE_HOME, or with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
    json
        Print the server's answer as JSON, for machines.
    """

    url: Annotated[str, Parameter(env_var="DRIFTLINE_URL", group=_SERVER)] = URL
    key: Annotated[str | None, Parameter(env_var="DRIFTLINE_API_KEY", group=_SERVER)] = field(default=None, repr=False)
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False

    def get(self, path: str, **query: Any) -> Any:
        """What is at the path; parameters that are None are left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self.ask("GET", path, query=urlencode(given, doseq=True, quote_via=quote))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the server answers to an order."""
        return self.ask("POST", path, body)

    def upload(self, path: str, data: bytes, told: Mapping[str, Any]) -> Any:
        """What the server answers to bytes, about which `told` says what they are; what is no text is sent as JSON."""
        given = {name: value if isinstance(value, str) else json.dumps(value) for name, value in told.items()}
        return self.ask("POST", path, data, urlencode(given, doseq=True, quote_via=quote))

    def delete(self, path: str) -> None:
        """Remove what is at the path."""
        self.ask("DELETE", path)

    def items(self, path: str, limit: int, **query: Any) -> Iterator[dict[str, Any]]:
        """The first `limit` things of a list, page by page."""
        token = None
        while limit > 0:
            page = self.get(path, limit=min(limit, _PAGE), token=token, **query)
            yield from page["items"]
            limit, token = limit - len(page["items"]), page["next_token"]
            if token is None:
                return

    def ask(self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None, query: str = "") -> Any:
        """The answer, parsed; bytes are sent as they are, all else as JSON.

        Raises `Refused` for any answer that is no success, `Unreached` where there is none.
        """
        return _parsed(self.url, *self._answer(method, path, body, query))

    def read(self, path: str, **query: Any) -> bytes:
        """What is at the path as it is: a page or a file; raises as `ask` does."""
        given = {name: value for name, value in query.items() if value is not None}
        status, data = self._answer("GET", path, None, urlencode(given, doseq=True, quote_via=quote))
        if not 200 <= status < 300:
            _parsed(self.url, status, data)
        return data

    def _answer(self, method: str, path: str, body: Mapping[str, Any] | bytes | None, query: str) -> tuple[int, bytes]:
        """The status of the answer, and its body."""
        import urllib3

        address = urlsplit(self.url)
        if address.scheme not in ("http", "https") or not address.netloc:
            raise Invalid(what="--url", got=self.url, expected=f"the address of a server, such as {URL}")
        target = f"{address.path.rstrip('/')}/v1{quote(path)}"
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {"accept": "application/json", "user-agent": f"driftline/{VERSION}", "host": address.netloc}
        kind = "octet-stream" if isinstance(body, bytes) else "json"
        headers |= {"content-type": f"application/{kind}"} if sent else {}
        headers |= self._authorization(method, target, query, headers["host"], sent)
        url = f"{address.scheme}://{address.netloc}{target}{'?' if query else ''}{query}"
        timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
        try:
            answer = urllib3.request(
                method, url, body=sent, headers=headers, timeout=timeout, retries=False, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unreached(self.url, _reason(error)) from error
        if answer.status == 401 and not self.key:
            known = login()
            said = f"the server at {self.url} refuses the access key {known.access_key} (from {known.source})"
            raise Refused(f"{said}. Set DRIFTLINE_API_KEY, or DRIFTLINE_HOME to the server's folder.", 401)
        return answer.status, answer.data

    def _authorization(self, method: str, path: str, query: str, host: str, body: bytes) -> dict[str, str]:
        if self.key:
            return {"authorization": f"Bearer {self.key}"}
        known = login()
        sent = Received(method, path, query, {"host": host}, body)
        region = os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        now = datetime.now(UTC)
        return sign(sent, known.access_key, known.secret, scope="sagemaker", region=region, now=now)


def login() -> Login:
    """The credentials to sign with: the server's own settings, the file in its folder, or those of the AWS tools.

    Raises `Invalid` where there are none.
    """
    settings = Settings()
    secret = settings.secret_key.get_secret_value()
    if settings.access_key and secret:
        return Login(settings.access_key, secret, "DRIFTLINE_ACCESS_KEY")
    path = settings.home / "credentials"
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        found = parser["default"]
        return Login(found["aws_access_key_id"], found["aws_secret_access_key"], str(path))
    except (OSError, UnicodeDecodeError, ConfigError, KeyError):
        pass
    given = [os.environ.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
    if all(given):
        return Login(given[0], given[1], "AWS_ACCESS_KEY_ID")
    expected = f"an API key, {path}, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    remedy = "Make a key with `driftline keys create NAME --local` where the server runs, and set DRIFTLINE_API_KEY."
    raise Invalid(what="credentials", got="none", expected=expected, remedy=remedy)


def _parsed(url: str, status: int, data: bytes) -> Any:
    try:
        found = json.loads(data) if data else None
    except ValueError:
        raise Unreached(url, f"what answers there (HTTP {status}) does not speak JSON") from None
    if 200 <= status < 300:
        return found
    told = found.get("error") if isinstance(found, dict) else None
    if not isinstance(told, dict) or "message" not in told:
        raise Unreached(url, f"what answers there (HTTP {status}) is something else")
    raise Refused(str(told["message"]), status)


def _reason(error: Exception) -> str:
    """What happened, without the objects that urllib3 shows."""
    text = str(getattr(error, "reason", None) or error)
    return text.rpartition(">: ")[2].rpartition("): ")[2] or type(error).__name__
