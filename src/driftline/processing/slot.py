"""A place where jobs run one at a time, each in a process of its own that is kept warm for the next."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from driftline.errors import EngineUnavailable
from driftline.processing.outcome import STOPPED, Outcome

TICK_SECONDS = 0.2
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True)
class Limits:
    """What one job may use."""

    seconds: float
    memory_bytes: int


class Slot:
    """Runs jobs; not safe to share between threads. Use it as a context, so that its process ends with it."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """`environment` is that of the process; this one's by default."""
        self._environment = None if environment is None else dict(environment)
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def __enter__(self) -> Slot:
        """The slot, its process starting already."""
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.kill()

    def run(
        self, asked: Mapping[str, Any], limits: Limits, log: Callable[[str], None], should_stop: Callable[[], bool]
    ) -> Outcome:
        """Run the job `{"name": ..., "body": ...}`; `should_stop` is asked several times a second.

        Raises `EngineUnavailable` if the process cannot start or the world it needs is down, for another try.
        """
        process = self._start()
        deadline = time.monotonic() + limits.seconds
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(asked, default=str) + "\n")
            process.stdin.flush()
        except OSError as error:
            self.kill()
            raise EngineUnavailable(engine="process", reason=f"the job's process is gone ({error})") from error
        while True:
            with suppress(queue.Empty):
                answer = self._answers.get(timeout=TICK_SECONDS)
                if answer is None:
                    return self._ended()
                if "log" in answer:
                    log(answer["log"])
                elif "outcome" in answer:
                    return _outcome(answer["outcome"])
                continue
            stopped = self._overrun(process, limits, deadline, should_stop)
            if stopped is not None:
                return stopped

    def _overrun(
        self, process: subprocess.Popen[str], limits: Limits, deadline: float, should_stop: Callable[[], bool]
    ) -> Outcome | None:
        if should_stop():
            self.kill()
            return Outcome(STOPPED)
        if time.monotonic() > deadline:
            self.kill()
            reason = f"the job took longer than MaxRuntimeInSeconds allows ({limits.seconds:g} seconds)"
            return Outcome.failed(f"ClientError: {reason}")
        used = resident_bytes(process.pid)
        if used > limits.memory_bytes:
            self.kill()
            reason = f"the job used {used >> 20} MiB of memory, more than its limit of {limits.memory_bytes >> 20} MiB"
            return Outcome.failed(f"ClientError: {reason} (DRIFTLINE_JOB_MEMORY_BYTES)")
        return None

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()
            self._forget(self._process)

    def _forget(self, process: subprocess.Popen[str]) -> int:
        """Wait for the end of the process; the result is its status."""
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()
        self._process = None
        return process.wait()

    def _start(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        command = [sys.executable, "-m", "driftline.processing.child"]
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8", env=self._environment
            )
        except OSError as error:
            raise EngineUnavailable(engine="process", reason=f"the job's process does not start ({error})") from error
        self._process, self._answers = process, queue.Queue()
        assert process.stdout is not None
        threading.Thread(target=_listen, args=(process.stdout, self._answers), daemon=True).start()
        return process

    def _ended(self) -> Outcome:
        assert self._process is not None
        status = self._forget(self._process)
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        return Outcome.failed(f"InternalServerError: the job's process ended with {how}")


def _listen(stream: IO[str], answers: queue.Queue[dict[str, Any] | None]) -> None:
    for line in stream:
        answers.put(json.loads(line))
    answers.put(None)
    stream.close()


def _outcome(found: Mapping[str, Any]) -> Outcome:
    if "unavailable" in found:
        raise EngineUnavailable(engine="process", reason=str(found["unavailable"]))
    return Outcome(**found)


def resident_bytes(pid: int) -> int:
    """Memory that a process holds; 0 where the platform does not say."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0
