"""JSON by HTTP POST to a host that was checked: no redirect is followed, no proxy asked, nothing tried again."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from driftline.channels.channel import ChannelRefused, ChannelUnavailable
from driftline.channels.members import Given
from driftline.errors import Invalid
from driftline.hosts import Address, Names, Reach, Target

_LATER = frozenset({408, 425, 429})
_LARGEST_BYTES = 1 << 16
_GRACE_SECONDS = 0.5  # a read that times out by itself says more than one that is cut
_NAMES = Names()


@dataclass(frozen=True, slots=True)
class Post:
    """How one delivery is made: the channel's title, its configuration, and where it may go."""

    title: str
    given: Given
    reach: Reach

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The answer to a POST; raises `ChannelUnavailable`, `ChannelRefused`, `Invalid` and `Denied`."""
        target = target_of(url)
        seconds = self.given.number("seconds")
        sent = {"content-type": "application/json", "user-agent": "driftline", **headers, "host": target.authority}
        for name, value in sent.items():
            if not (value.isascii() and value.isprintable()):  # the value may be a secret
                raise Invalid(what=f"header {name}", got="something else", expected="printable ASCII on one line")
        try:
            status, answered = _post(target, self.addresses(target), body, sent, seconds)
        except (HTTPError, http.client.HTTPException, OSError) as error:
            raise self.unavailable(_reason(error, seconds)) from None  # its text has the URL, which may be a secret
        if 200 <= status < 300:
            return answered
        said = self.given.hide(f"{status} {answered.decode('utf-8', 'replace')}")
        if status >= 500 or status in _LATER:
            raise self.unavailable(f"it answered {said}")
        if 300 <= status < 400:
            raise ChannelRefused(
                channel=self.title, reason=f"a redirect ({status})", remedy="Give its goal as the URL."
            )
        raise ChannelRefused(channel=self.title, reason=f"it answered {said}")

    def addresses(self, target: Target) -> tuple[Address, ...]:
        """Where to connect to: what is checked is what is called, whatever a name says the next moment."""
        try:
            found = _NAMES.addresses(target.host, target.port)
        except OSError as error:
            reason = f"the host {target.host} has no address"
            raise ChannelUnavailable(channel=self.title, reason=reason) from error
        self.reach.check(target, found)
        return found

    def unavailable(self, reason: str) -> ChannelUnavailable:
        """The error that is worth another try."""
        return ChannelUnavailable(channel=self.title, reason=self.given.hide(reason))


def target_of(url: str) -> Target:
    """Where a URL leads, its query with the path; raises `Invalid` without repeating it, since it may be a secret.

    >>> target_of("https://hooks.example/x/?sig=1").path
    '/x/?sig=1'
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not plain or parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        expected = "http://host:port/path or https://host/path, without a user's name"
        raise Invalid(what="url", got="something else", expected=expected)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host.rstrip("."), port or (443 if parts.scheme == "https" else 80), path)


def _post(
    target: Target, addresses: tuple[Address, ...], body: bytes, headers: Mapping[str, str], seconds: float
) -> tuple[int, bytes]:
    failed: Exception = OSError("no address")
    for address in addresses:
        connection = _connection(target, address, seconds)
        with closing(connection), within(seconds, lambda each=connection: each.sock):  # type: ignore[misc]
            try:
                connection.connect()
            except (NewConnectionError, ConnectTimeoutError) as error:
                failed = error  # nothing was sent: the next address may be asked
                continue
            connection.request("POST", target.path, body=body, headers=headers, preload_content=False)
            answer = connection.getresponse()
            return answer.status, _read(answer)
    raise failed


def _connection(target: Target, address: Address, seconds: float) -> HTTPConnection:
    if target.scheme == "http":
        return HTTPConnection(str(address), target.port, timeout=seconds)
    return HTTPSConnection(str(address), target.port, timeout=seconds, server_hostname=target.host)


@contextmanager
def within(seconds: float, sock: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Cut a connection when the block takes longer, even if its other end sends a byte now and then."""
    timer = threading.Timer(seconds + _GRACE_SECONDS, _cut, [sock])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(sock: Callable[[], socket.socket | None]) -> None:
    found = sock()
    if found is not None:
        with suppress(OSError):  # it is closed already
            socket.socket.shutdown(found, socket.SHUT_RDWR)  # below TLS, whose reader waits in another thread


def _read(answer: Any) -> bytes:
    """The first of the answer: all that is ever shown of it."""
    found = b""
    try:
        while len(found) < _LARGEST_BYTES and (chunk := answer.read1(1024)):
            found += chunk
    finally:
        answer.close()
    return found


def _reason(error: Exception, seconds: float) -> str:
    """In words of our own, since a library's may repeat the URL."""
    if isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError):
        return f"no answer within {seconds:g} s"
    if isinstance(error, ssl.SSLError):
        return f"its certificate or encryption: {error.reason or error}"
    return f"the connection failed ({type(error).__name__})"
