"""SageMaker's churn model as a container serves it: `/ping` and `/invocations`, CSV rows in, probabilities out."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any


@cache
def _trees(path: Path) -> tuple[list[dict[str, list[Any]]], float]:
    learner = json.loads(path.read_text())["learner"]
    base = float(learner["learner_model_param"]["base_score"].strip("[]"))
    return learner["gradient_booster"]["model"]["trees"], math.log(base / (1 - base))


def score(path: Path, row: list[float]) -> float:
    """The probability that XGBoost gives for the row: the leaves of its trees, summed and squashed.

    A value goes left if it is below the node's condition, in single precision as XGBoost compares.
    """
    import numpy as np

    trees, total = _trees(path)
    values = np.asarray(row, np.float32)
    for tree in trees:
        node = 0
        while tree["left_children"][node] != -1:
            value, condition = values[tree["split_indices"][node]], np.float32(tree["split_conditions"][node])
            goes_left = bool(tree["default_left"][node]) if math.isnan(value) else bool(value < condition)
            node = tree["left_children"][node] if goes_left else tree["right_children"][node]
        total += tree["split_conditions"][node]
    return 1 / (1 + math.exp(-total))


@contextmanager
def served(path: Path) -> Iterator[str]:
    """The model behind a URL for the length of a block."""

    class Calls(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # It sends headers and body apart: 40 ms a call where the second waits.

        def do_GET(self) -> None:
            self._answer(200 if self.path == "/ping" else 404, b"")

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            rows = [[float(value) for value in line.split(",")] for line in text.splitlines() if line.strip()]
            self._answer(200, "\n".join(f"{score(path, row):.16g}" for row in rows).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/csv; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Calls)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
