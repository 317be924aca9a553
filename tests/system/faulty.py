"""A way to a server that fails at random: it refuses, stalls, or cuts answers short; what passes is not changed."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

_PIECE = 65_536


@dataclass
class Faults:
    """How often connections fail, as ratios in [0, 1], and how often each way was taken; may be changed at any time."""

    refuse: float = 0.0
    stall: float = 0.0
    truncate: float = 0.0
    stall_seconds: float = 2.0
    dice: random.Random = field(default_factory=lambda: random.Random(20_190_331))
    taken: Counter[str] = field(default_factory=Counter)

    def drawn(self) -> str:
        """What happens to the next piece that goes through."""
        at = self.dice.random()
        for name in ("refuse", "stall", "truncate"):
            at -= getattr(self, name)
            if at < 0:
                self.taken[name] += 1
                return name
        return ""


@contextmanager
def faulty(port: int, faults: Faults) -> Iterator[int]:
    """The port of a way to `port` of this machine."""
    listening = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def accept() -> None:
        while not ended.is_set():
            with suppress(OSError):
                client, _ = listening.accept()
                threading.Thread(target=_serve, args=(client, port, faults), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        ended.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5.0)


def _serve(client: socket.socket, port: int, faults: Faults) -> None:
    with closing(client), suppress(OSError):
        if faults.drawn() == "refuse":
            return
        with closing(socket.create_connection(("127.0.0.1", port), 5.0)) as server:
            server.settimeout(None)
            up = threading.Thread(target=_pass, args=(client, server), daemon=True)
            up.start()
            _pass_down(server, client, faults)
            for each in (client, server):  # the other thread still reads, so that closing alone would end nothing
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


def _pass(source: socket.socket, target: socket.socket) -> None:
    """Requests go through as they are."""
    with suppress(OSError):
        while data := source.recv(_PIECE):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _pass_down(source: socket.socket, target: socket.socket, faults: Faults) -> None:
    """Answers do, unless it is their turn to fail."""
    while data := source.recv(_PIECE):
        fault = faults.drawn()
        if fault == "refuse":
            return
        if fault == "stall":
            time.sleep(faults.stall_seconds)
        if fault == "truncate":
            target.sendall(data[: len(data) // 2])
            return
        target.sendall(data)
