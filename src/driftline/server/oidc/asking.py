"""Asking a provider of identities: JSON over HTTP from a host that was checked, without redirects or proxies."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from driftline.channels.posting import target_of, within
from driftline.errors import Invalid, Unavailable
from driftline.hosts import Address, Names, Reach, Target

SECONDS = 10.0
_LARGEST_BYTES = 1 << 20
_NAMES = Names()


class ProviderUnavailable(Unavailable):
    """the provider of identities does not answer: {reason}. Try again, or sign in with an API key."""


@dataclass(frozen=True)
class Answered:
    """An answer: its status, and the JSON object that it holds."""

    status: int
    document: Mapping[str, Any]


def ask(url: str, reach: Reach, form: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answered:
    """The answer to a GET, or to a POST of a form; raises `ProviderUnavailable`, and `Denied` for a host out of reach.

    TLS is asked of all but this machine's own addresses.
    """
    target = target_of(url)
    try:
        addresses = _NAMES.addresses(target.host, target.port)
    except OSError as error:
        raise ProviderUnavailable(reason=f"the host {target.host} has no address") from error
    reach.check(target, addresses)
    if target.scheme == "http" and not all(each.is_loopback for each in addresses):
        raise Invalid(what="address of the provider of identities", got=url[:200], expected="an address with https://")
    sent = {"accept": "application/json", "user-agent": "driftline", **(headers or {}), "host": target.authority}
    try:
        status, body = _exchange(target, addresses, form, sent)
    except (HTTPError, http.client.HTTPException, OSError) as error:
        raise ProviderUnavailable(reason=f"{target.host}: {type(error).__name__}") from error
    if status >= 500 or status in (408, 429):
        raise ProviderUnavailable(reason=f"{target.host} answered {status}")
    try:
        found = json.loads(body)
    except ValueError as error:
        raise ProviderUnavailable(reason=f"{target.host} answered {status} and no JSON") from error
    return Answered(status, found if isinstance(found, dict) else {})


def _exchange(
    target: Target, addresses: tuple[Address, ...], form: bytes | None, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    connection = _connection(target, addresses[0])
    with closing(connection), within(SECONDS, lambda: connection.sock):
        method, kind = ("GET", {}) if form is None else ("POST", {"content-type": "application/x-www-form-urlencoded"})
        connection.request(method, target.path, body=form, headers={**headers, **kind}, preload_content=False)
        answer = connection.getresponse()
        with closing(answer):
            body = answer.read(_LARGEST_BYTES + 1)
    if len(body) > _LARGEST_BYTES:
        raise OSError("too large an answer")
    return answer.status, body


def _connection(target: Target, address: Address) -> HTTPConnection:
    if target.scheme == "http":
        return HTTPConnection(str(address), target.port, timeout=SECONDS)
    return HTTPSConnection(str(address), target.port, timeout=SECONDS, server_hostname=target.host)
