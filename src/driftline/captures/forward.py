"""Models that are served by URL: calls go on to `/invocations`, as SageMaker's containers and MLflow answer them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from driftline.captures.record import CUSTOM_ATTRIBUTES, INFERENCE_ID, Exchange, Payload
from driftline.errors import Invalid, Unavailable
from driftline.hosts import Address, Allowed, Names, Target

SECONDS = 60.0
LARGEST_BYTES = 100 << 20
_CONNECT_SECONDS = 5.0
_CHUNK = 1 << 16
_SHOWN = 1000


class ModelError(Unavailable):
    """{said}"""

    def __init__(self, *, status: int, message: str) -> None:
        """`status` is the model's, 0 if there was no answer; `message` what it said, or why there was none."""
        self.status, self.message = status, message
        whose = "client" if 400 <= status < 500 else "server"
        super().__init__(said=f'Received {whose} error ({status}) from model with message "{message}".')


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call of a model: the members of InvokeEndpoint that go on; `headers` are further ones."""

    body: bytes = field(repr=False)
    content_type: str | None = None
    accept: str | None = None
    custom_attributes: str | None = None
    inference_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def sent(self) -> dict[str, str]:
        """The headers; raises `Invalid` for what cannot stand in one."""
        given = {
            "content-type": self.content_type,
            "accept": self.accept,
            CUSTOM_ATTRIBUTES: self.custom_attributes,
            INFERENCE_ID: self.inference_id,
            **{name.lower(): value for name, value in self.headers.items()},
        }
        found = {name: value for name, value in given.items() if value}
        for name, value in found.items():
            if not (value.isascii() and value.isprintable()):
                raise Invalid(what=f"header {name}", got=value, expected="printable ASCII", remedy="Encode it.")
        return found

    def exchange(self, answer: Invoked, at: datetime) -> Exchange:
        """The call and its answer, to be captured; `at` is when the call came."""
        sent = Payload(self.body, self.content_type or "")
        answered = Payload(answer.body, answer.content_type)
        return Exchange(at, sent, answered, self.inference_id, self.custom_attributes)


@dataclass(frozen=True, slots=True)
class Invoked:
    """A model's answer."""

    body: bytes = field(repr=False)
    content_type: str = ""
    custom_attributes: str | None = None


class Forwarder:
    """Calls models over connections that are kept; threads may share it. No redirect is followed, no proxy asked."""

    def __init__(
        self, allowed: Allowed | None = None, *, seconds: float = SECONDS, largest_bytes: int = LARGEST_BYTES
    ) -> None:
        """`seconds` is for the whole call, `largest_bytes` for a body in either direction."""
        self._allowed, self._seconds, self._largest = allowed or Allowed(), seconds, largest_bytes
        self._names = Names()
        self._connections = urllib3.PoolManager(num_pools=256, maxsize=64)

    def check(self, url: str) -> None:
        """Raise `Invalid` or `Denied` for a URL that cannot be called; one of a host without addresses may come up."""
        target = Target.of(url)
        try:
            addresses = self._names.addresses(target.host, target.port)
        except OSError:
            addresses = ()
        self._allowed.check(target, addresses)

    def invoke(self, url: str, call: Invocation) -> Invoked:
        """The answer of the model at `url`, by POST to its `/invocations`.

        Raises `ModelError` for any answer but success and for none, `Invalid` or `Denied` for what is not sent at all.
        """
        if len(call.body) > self._largest:
            expected = f"at most {self._largest} bytes"
            raise Invalid(what="body", got=f"{len(call.body)} bytes", expected=expected, remedy="Send less at a time.")
        return self._ask("POST", url, "/invocations", call.body, call.sent(), self._seconds)

    def calling(self, url: str) -> Callable[[bytes, str, str], tuple[bytes, str]]:
        """What sends a body of a content type to the model at `url`, asks for another, and gives the answer and its
        type; it raises as `invoke`.
        """

        def call(body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
            answer = self.invoke(url, Invocation(body, content_type, accept))
            return answer.body, answer.content_type

        return call

    def ping(self, url: str, *, seconds: float = 2.0) -> None:
        """Return if the model at `url` answers GET `/ping` with success; raises as `invoke`."""
        self._ask("GET", url, "/ping", None, {}, seconds)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._connections.clear()

    def _ask(
        self, method: str, url: str, path: str, body: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> Invoked:
        deadline = time.monotonic() + seconds
        target = Target.of(url)
        answer = self._open(method, target, path, body, {**headers, "host": target.authority}, seconds)
        try:
            answered = self._read(answer, deadline, seconds)
        except (HTTPError, OSError) as error:
            raise _unanswered(error, target, seconds) from error
        finally:
            answer.close()  # drops a connection that was not read to its end; others are kept
        if not 200 <= answer.status < 300:
            raise _refused(answer, answered)
        given = answer.headers
        return Invoked(answered, given.get("content-type", ""), given.get(CUSTOM_ATTRIBUTES))

    def _open(
        self, method: str, target: Target, path: str, body: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> Any:
        """The head of the answer, from the first of the host's addresses that takes the connection."""
        timeout = urllib3.Timeout(connect=min(_CONNECT_SECONDS, seconds), read=seconds)
        failed: Exception | None = None
        for address in self._addresses(target):
            pool = self._pool(target, address)
            try:
                return pool.urlopen(
                    method,
                    target.path + path,
                    body=body,
                    headers=headers,
                    timeout=timeout,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
            except (NewConnectionError, ConnectTimeoutError) as error:
                failed = error  # nothing was sent: the next address may be asked
            except (HTTPError, OSError, ValueError) as error:
                raise _unanswered(error, target, seconds) from error
        raise _unanswered(failed, target, seconds) from failed

    def _addresses(self, target: Target) -> tuple[Address, ...]:
        """Where to connect to: what is checked is what is called, whatever a name says the next moment."""
        try:
            found = self._names.addresses(target.host, target.port)
        except OSError as error:
            message = f"the host {target.host} has no address: {error.strerror or error}"
            raise ModelError(status=0, message=message) from error
        self._allowed.check(target, found)
        return found

    def _pool(self, target: Target, address: Address) -> urllib3.HTTPConnectionPool:
        names = {"server_hostname": target.host, "assert_hostname": target.host}
        # PoolManager leaves these names out for plain HTTP.
        return self._connections.connection_from_host(str(address), target.port, target.scheme, pool_kwargs=names)

    def _read(self, answer: Any, deadline: float, seconds: float) -> bytes:
        """The whole body, decompressed; raises `ModelError` when it is too large or takes too long."""
        chunks, size = [], 0
        for chunk in answer.stream(_CHUNK, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > self._largest:
                raise ModelError(status=0, message=f"the answer is larger than {self._largest} bytes")
            if time.monotonic() > deadline:
                raise ModelError(status=0, message=_late(seconds))
        return b"".join(chunks)


def _late(seconds: float) -> str:
    return f"Your invocation timed out while waiting for a response from the model ({seconds:g} s)"


def _refused(answer: Any, body: bytes) -> ModelError:
    said = " ".join(body.decode("utf-8", "replace").split())[:_SHOWN]
    if 300 <= answer.status < 400:
        said = f"a redirect, which is not followed: register the URL it leads to. {said}".strip()
    return ModelError(status=answer.status, message=said)


def _unanswered(error: Exception | None, target: Target, seconds: float) -> ModelError:
    where = f"{target.scheme}://{target.authority}{target.path}"
    if isinstance(error, ReadTimeoutError):
        return ModelError(status=0, message=_late(seconds))
    if isinstance(error, NewConnectionError | ConnectTimeoutError) or error is None:
        return ModelError(status=0, message=f"the model at {where} cannot be reached")
    return ModelError(status=0, message=f"the model at {where} did not answer: {' '.join(str(error).split())[:300]}")
