"""A process that is forked while other threads have connections of DuckDB."""

from __future__ import annotations

import multiprocessing
import threading

from driftline.formats.ducks import duck


def test_a_fork_does_not_close_what_other_threads_have() -> None:
    """The child comes to its end; it would crash if it closed the connections of threads that it does not have."""
    ready, done = threading.Event(), threading.Event()

    def hold() -> None:
        duck().rows(b'{"a": 1}\n')
        ready.set()
        done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert ready.wait(60)
    child = multiprocessing.get_context("fork").Process(target=int)
    child.start()
    child.join(60)
    done.set()
    thread.join()
    assert child.exitcode == 0
