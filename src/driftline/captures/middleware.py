"""Capture inside a user's own FastAPI or Starlette service: an ASGI middleware."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from driftline.captures.config import CaptureConfig, named
from driftline.captures.journal import Journal
from driftline.captures.logger import VARIANT, now, opened
from driftline.captures.record import CUSTOM_ATTRIBUTES, INFERENCE_ID, Exchange, Payload
from driftline.captures.recorder import LARGEST_BYTES, Recorder

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_SMALL = 64 << 10
"""Bytes that are written to the journal at once; for more, a thread does it and the event loop goes on."""


class CaptureMiddleware:
    """Captures the calls of some paths that are answered with success (2xx), as SageMaker does for its endpoints.

    Answers go out as they come, streamed ones too; only the end of an answer waits until the record is in the
    journal. The callers' headers `X-Amzn-SageMaker-Inference-Id` and `X-Amzn-SageMaker-Custom-Attributes` are kept.
    A payload of more than 100 MiB is not captured, which is counted; the call is served all the same.
    """

    def __init__(
        self,
        app: Application,
        config: CaptureConfig | str,
        *,
        endpoint: str,
        variant: str = VARIANT,
        paths: Iterable[str] = ("/invocations",),
        journal: Journal | Path | str | None = None,
        rng: Random | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """`config` may be the destination alone, a URI or a folder: all calls are captured, both sides.

        `journal` is a folder of the local disk, for this storage only, or an open journal. Raises `Invalid`.
        """
        self.app = app
        self.config, self.journal = opened(config, journal, endpoint)
        self._endpoint, self._variant, self._clock = endpoint, named("variant", variant), clock
        self._paths = frozenset(paths)
        self._recorder = Recorder(self.journal, rng=rng)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve the request, and capture it if it is chosen."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif self._is_wanted(scope) and self._recorder.chooses(self.config):
            await _Call(self, self._clock(), scope, receive, send).serve()
        else:
            await self.app(scope, receive, send)

    def _is_wanted(self, scope: Message) -> bool:
        if scope["type"] != "http" or scope["method"] != "POST":
            return False
        root = scope.get("root_path", "")
        path = scope["path"]
        return path in self._paths or (bool(root) and path.removeprefix(root) in self._paths)

    async def _live(self, scope: Message, receive: Receive, send: Send) -> None:
        """Store what was left behind from the start on, and all there is before the service has ended."""

        async def forward(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self.journal.start()
            elif message["type"].startswith("lifespan.shutdown."):
                await asyncio.to_thread(self.journal.close)
            await send(message)

        await self.app(scope, receive, forward)

    async def write(self, exchange: Exchange) -> None:
        """Put the record into the journal."""
        if exchange.size <= _SMALL and not self.journal.limits.durable:
            self._recorder.write(self.config, self._endpoint, self._variant, exchange)
        else:
            await asyncio.to_thread(self._recorder.write, self.config, self._endpoint, self._variant, exchange)


@dataclass
class _Side:
    """One direction of a call as it goes by; of what is too large only so much is kept that it is told."""

    chunks: list[bytes] = field(default_factory=list)
    size: int = 0

    def take(self, chunk: bytes) -> None:
        """A piece more."""
        if chunk and self.size <= LARGEST_BYTES:
            self.chunks.append(chunk)
        self.size += len(chunk)

    def payload(self, content_type: str) -> Payload:
        """All of it."""
        return Payload(b"".join(self.chunks), content_type)


class _Call:
    """One request under way."""

    def __init__(self, capture: CaptureMiddleware, at: datetime, scope: Message, receive: Receive, send: Send) -> None:
        self._capture, self._at, self._scope, self._receive, self._send = capture, at, scope, receive, send
        self._asked = _headers(scope["headers"])
        self._answered: dict[str, str] = {}
        self._input, self._output = _Side(), _Side()
        self._captured = False

    async def serve(self) -> None:
        """Let the service answer."""
        await self._capture.app(self._scope, self._hear, self._say)

    async def _hear(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._input.take(message.get("body", b""))
        return message

    async def _say(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._captured = 200 <= message["status"] < 300
            self._answered = _headers(message.get("headers", ()))
        elif message["type"] == "http.response.body" and self._captured:
            self._output.take(message.get("body", b""))
            if not message.get("more_body", False):
                self._captured = False
                await self._capture.write(self._exchange())
        await self._send(message)

    def _exchange(self) -> Exchange:
        return Exchange(
            self._at,
            self._input.payload(self._asked.get("content-type", "")),
            self._output.payload(self._answered.get("content-type", "")),
            self._asked.get(INFERENCE_ID),
            self._asked.get(CUSTOM_ATTRIBUTES),
        )


def _headers(given: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in given}
