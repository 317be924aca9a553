"""Listening: the address is known first, answers are not held back, and a signal ends it politely."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from driftline.server.listen import AddressTaken, Listener

PROGRAM = """
from driftline.server.listen import Listener

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

listener = Listener(app, "127.0.0.1", 0)
print(listener.url, flush=True)
listener.run()
print("ended", flush=True)
"""


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    """Says ok, in two parts, as Nagle's algorithm dislikes."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_caller_end_what_it_started(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        parts = urlsplit(process.stdout.readline().strip())
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port or 0, timeout=20)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"ok"
        connection.close()
        process.send_signal(number)
        assert process.stdout.read() == "ended\n"
        assert process.wait(20) == 0


def test_a_port_that_is_taken_is_told() -> None:
    first = Listener(app, "127.0.0.1", 0)
    port = urlsplit(first.url).port or 0
    with pytest.raises(AddressTaken, match=f"127.0.0.1:{port}"):
        Listener(app, "127.0.0.1", port)
    first.start()
    first.stop()


def test_answers_on_one_connection_are_not_held_back() -> None:
    listener = Listener(app, "127.0.0.1", 0)
    listener.start()
    parts = urlsplit(listener.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port or 0, timeout=20)
    began = time.perf_counter()
    for _ in range(50):
        connection.request("POST", "/", b"x")
        connection.getresponse().read()
    seconds = time.perf_counter() - began
    connection.close()
    listener.stop()
    assert seconds < 1.0  # 50 answers of 40 ms each would be two seconds
