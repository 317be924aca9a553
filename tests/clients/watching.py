"""A stand-in for CloudWatch: takes `PutMetricData` of boto3 and keeps what it was told."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@contextmanager
def cloudwatch() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The URL, and the metrics with their namespace as they come, for the length of a block."""
    told: list[dict[str, Any]] = []

    class Calls(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":  # as boto3 does with much at once
                body = gzip.decompress(body)
            request = json.loads(body)
            told.extend({**metric, "Namespace": request["Namespace"]} for metric in request["MetricData"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Calls)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", told
    finally:
        server.shutdown()
        server.server_close()
