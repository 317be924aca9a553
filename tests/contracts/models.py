"""A model that is served by HTTP, as a container of SageMaker answers: for tests, in a thread of its own."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Model:
    """A running model; `seen` are the requests it got: path, headers, body."""

    url: str
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    connections: int = 0


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    model: Model

    def setup(self) -> None:
        """A connection more."""
        self.model.connections += 1
        super().setup()

    def do_GET(self) -> None:
        """Whether it is up."""
        self._answer(200 if self.path.endswith("/ping") else 404, b"")

    def do_POST(self) -> None:
        """Answer as the body asks."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.model.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        wish: dict[str, Any] = json.loads(body) if body.startswith(b'{"status"') else {}
        time.sleep(wish.get("sleep", 0))
        if wish.get("hang_up"):
            self.close_connection = True
            return
        answer = wish["say"].encode() if "say" in wish else body[::-1]
        answer = bytes(wish["zeros"]) if "zeros" in wish else answer
        headers = {"X-Amzn-SageMaker-Custom-Attributes": "from-the-model", **wish.get("headers", {})}
        if headers.get("Content-Encoding") == "gzip":
            answer = gzip.compress(answer)
        self._answer(wish.get("status", 200), answer, headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "text/csv; charset=utf-8", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:  # the caller has had enough
            self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@contextmanager
def running_model(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[Model]:
    """A model for the length of a block."""
    model = Model("")
    server = ThreadingHTTPServer((host, 0), type("Requests", (_Requests,), {"model": model}))
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    model.url = f"{'https' if tls else 'http'}://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
