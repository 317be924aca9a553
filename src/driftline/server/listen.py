"""Listening: an application behind uvicorn, in the calling thread or in one of its own."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn

from driftline.errors import Unavailable


class AddressTaken(Unavailable):
    """cannot listen on {host}:{port}: {reason}. Choose another port with --port or DRIFTLINE_PORT."""


class Listener:
    """An application on a socket; the address is known, and connections wait, before it runs."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        """Take the port, 0 for a free one; raises `AddressTaken`."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # asyncio turns Nagle off (40 ms an answer) only where the protocol is named
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            self._socket.listen(2048)
        except OSError as error:
            self._socket.close()
            raise AddressTaken(host=host, port=port, reason=error.strerror or str(error)) from error
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_keep_alive=75,
            timeout_graceful_shutdown=10,
        )
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def run(self) -> None:
        """Answer until SIGINT, SIGTERM or `stop`; then returns, so that the caller can end what else it started."""
        with self._polite_signals():
            self._server.run(sockets=[self._socket])

    @contextmanager
    def _polite_signals(self) -> Iterator[None]:
        """uvicorn sends itself the signal that ended it once more when it is done, which would end the process."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, old in before.items():
                signal.signal(number, old)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._server.should_exit = True

    def start(self) -> None:
        """Answer in a thread of its own."""
        self._thread = threading.Thread(target=self.run, name="driftline-server", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No more connections; requests that run are answered, for at most ten seconds."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self._socket.close()
