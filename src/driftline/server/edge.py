"""The outermost layer: bodies within limits, who calls, AWS or REST, request ids, the log, and the last handler."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from anyio import CapacityLimiter, to_thread
from structlog.contextvars import bound_contextvars

from driftline.catalog.acting import acting
from driftline.errors import DriftlineError
from driftline.server import actors, measures
from driftline.server.auth import Keys, caller
from driftline.server.aws.refusals import refusal
from driftline.server.aws.sns import CONFIRMING
from driftline.server.aws.wire import Route, Wire, is_aws, route
from driftline.server.errors import INTERNAL, REST_CODES, AwsError, Codes, Told, told
from driftline.server.guard import TOO_MANY
from driftline.server.limits import JSON_BYTES, too_deep
from driftline.server.messages import Answer, Received, head
from driftline.server.vendors import refused, spoken
from driftline.server.web.cookies import FREE

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PUBLIC = frozenset({"/health", "/ready", "/metrics", "/docs", "/openapi.json", "/favicon.ico", "/", CONFIRMING, *FREE})
"""Paths that need no key; `/metrics` looks itself."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""As metrics have them: whoever makes up others makes no new series."""
CONTROL_THREADS, INVOKE_THREADS = 32, 128
"""Requests at a time; calls of models wait for the models, so they have threads of their own."""


@dataclass(frozen=True)
class Clock:
    """The time of day, and seconds that never go back."""

    now: Callable[[], datetime]
    seconds: Callable[[], float] = time.perf_counter


class Gone(Exception):
    """The client went away before its request was all here: nobody to answer, and half a request is none."""


class Edge:
    """An ASGI application: AWS requests are answered here, others by the REST application behind it."""

    def __init__(self, wire: Wire, keys: Keys, rest: App, clock: Clock) -> None:
        """`rest` sees only requests whose caller is known: `scope["state"]["principal"]`."""
        self._wire, self._keys, self._rest, self._clock = wire, keys, rest, clock
        self._log = structlog.get_logger("driftline.server")
        self._limiters: dict[bool, CapacityLimiter] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of scope (the start and end of the server) go to the REST application."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        request_id, received = str(uuid.uuid4()), head(scope)
        with suppress(Gone), bound_contextvars(request_id=request_id, peer=received.peer):
            if is_aws(received.method, received.path):
                await self._answer_aws(received, receive, send, request_id)
            else:
                await self._answer_rest(scope, received, receive, send, request_id)

    async def _answer_aws(self, received: Received, receive: Receive, send: Send, request_id: str) -> None:
        control = received.path == "/" or received.path.startswith("/service/")
        most = min(JSON_BYTES, self._wire.settings.max_body_bytes) if control else self._wire.settings.max_body_bytes
        body = await _read(received, receive, most)
        if body is None:
            said = Told("RequestEntityTooLargeException", f"The request body is larger than {most} bytes.", 413)
            answer = refusal(said, None, received)
            answer = replace(answer, headers={**answer.headers, "connection": "close"})
        else:
            work = partial(self._aws, replace(received, body=body), request_id)
            answer = await to_thread.run_sync(work, limiter=self._limiter(control))
        await _send(send, answer, request_id)

    def _aws(self, received: Received, request_id: str) -> Answer:
        """The answer to an AWS request, whatever happens; in a thread of its own."""
        began, wanted, who, code = self._clock.seconds(), None, "", "OK"
        try:
            wanted = route(received)
            now = self._clock.now()
            principal = self._wire.admit(wanted, received, now=now, moment=began)
            who = principal.name
            with acting(actors.of_aws(principal, " ".join(_label(wanted)), now, request_id)):
                answer = self._wire.perform(wanted, received, principal, now=now)
        except Exception as error:  # noqa: BLE001  the last handler: a fault of ours is told and logged, and ends nothing
            answer, code = self._refused(error, wanted, received)
        seconds = self._clock.seconds() - began
        api, name = _label(wanted)
        measures.observe(api=api, operation=name, code=code, seconds=seconds)
        self._log.info("request", api=api, operation=name, code=code, caller=who, milliseconds=round(seconds * 1000, 2))
        return answer

    def _refused(self, error: Exception, wanted: Route | None, received: Received) -> tuple[Answer, str]:
        api = wanted.api if wanted else None
        codes = api.codes if api else Codes()
        found = told(error, codes) if isinstance(error, DriftlineError) else Told(codes.failure, INTERNAL, 500)
        if found.status >= 500:
            self._log.error("fault", code=found.code, exc_info=error)
        return refusal(found, api, received), found.code

    async def _answer_rest(
        self, scope: Scope, received: Received, receive: Receive, send: Send, request_id: str
    ) -> None:
        began, status, sent = self._clock.seconds(), 500, False

        async def told_send(message: MutableMapping[str, Any]) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status, sent = message["status"], True
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._rest_inner(scope, received, receive, told_send, request_id)
        except DriftlineError as error:
            await _send(told_send, refused(received, told(error, REST_CODES, rest=True)), request_id)
        except Gone:
            raise
        except Exception as error:  # noqa: BLE001  the last handler, as above
            self._log.error("fault", path=received.path, exc_info=error)
            if not sent:
                await _send(told_send, refused(received, Told("internal", INTERNAL, 500)), request_id)
        seconds = self._clock.seconds() - began
        method = received.method if received.method in _METHODS else "OTHER"
        name = f"{method} {getattr(scope.get('route'), 'path', 'unknown')}"
        measures.observe(api="rest", operation=name, code=str(status), seconds=seconds)
        who = scope.get("state", {}).get("principal")
        facts = {"code": status, "caller": who.name if who else "", "milliseconds": round(seconds * 1000, 2)}
        self._log.info("request", api="rest", operation=name, **facts)

    async def _rest_inner(
        self, scope: Scope, received: Received, receive: Receive, send: Send, request_id: str
    ) -> None:
        most = self._wire.settings.max_body_bytes
        body = await _read(received, receive, most)
        if body is None:
            raise AwsError("too-large", f"The request body is larger than {most} bytes.", 413)
        if "json" in received.headers.get("content-type", "json") and too_deep(body):
            raise AwsError("invalid", "The request body is nested too deeply.", 400)
        if received.path not in PUBLIC:
            whole, moment = spoken(replace(received, body=body)), self._clock.seconds()
            verify = partial(caller, whole, self._keys, now=self._clock.now())
            look = partial(self._wire.guard.admit, whole, moment, verify, AwsError("too-many-requests", TOO_MANY, 429))
            principal = await to_thread.run_sync(look, limiter=self._limiter(True))
            if not self._wire.rate.take(principal.name, moment):
                raise AwsError("too-many-requests", "Rate exceeded", 429)
            scope.setdefault("state", {})["principal"] = principal
            with acting(actors.of_request(principal, received, scope, self._clock.now(), request_id)):
                await self._rest(scope, _again(body, receive), send)
        else:
            await self._rest(scope, _again(body, receive), send)

    def _limiter(self, control: bool) -> CapacityLimiter:
        """Made in the running loop, which is where it must live."""
        if control not in self._limiters:
            self._limiters[control] = CapacityLimiter(CONTROL_THREADS if control else INVOKE_THREADS)
        return self._limiters[control]


def _label(wanted: Route | None) -> tuple[str, str]:
    """API and operation as metrics have them: names that a caller made up are not kept."""
    if wanted is None:
        return "unknown", "unknown"
    return wanted.api.name, wanted.name if wanted.name in wanted.api.known else "unknown"


async def _read(received: Received, receive: Receive, most: int) -> bytes | None:
    """The whole body; None if it is larger than allowed, told before it is all here. Raises `Gone`."""
    stated = received.headers.get("content-length", "0")
    if stated.isdecimal() and int(stated[:20]) > most:
        return None
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > most:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read before, then what really comes."""
    given = False

    async def replay() -> MutableMapping[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _send(send: Send, answer: Answer, request_id: str) -> None:
    headers = {"x-amzn-requestid": request_id, "content-length": str(len(answer.body)), **answer.headers}
    raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})
