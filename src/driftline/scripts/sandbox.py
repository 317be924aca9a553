"""The process in which a script runs: started, asked, watched and ended from here."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from driftline.errors import EngineUnavailable, ScriptFailed
from driftline.scripts.script import Script

Log = Callable[[str], None]

LINES, WIDTH = 2000, 2000
"""Of what a script prints so many lines are kept, and so many characters of each."""

GRACE_SECONDS = 5.0
"""A script that ran out of time is told so first; it is killed when it did not listen for so long."""

LONGEST = 256 << 20
"""Bytes of one answer."""

_PIPE_BYTES, _SET_PIPE_SIZE = 1 << 20, 1031
_ROOT = str(Path(__file__).resolve().parents[2])
_CODE = "import sys; sys.path.append({root!r}); from driftline.scripts.inside import main; sys.exit(main())"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Sandbox:
    """One process for one script; a context, at whose end the process and its folder are gone.

    The process starts when it is first needed. It sees nothing of this process's environment, may write only to
    `folder`, and ends with the thread that started it, so it must be used up by that thread.
    """

    def __init__(self, script: Script, function: str, log: Log | None) -> None:
        """`function` is what will be called; `log` takes each line that the script prints, from another thread."""
        self.script = script
        self._function = function
        self._log = log or (lambda _: None)
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None
        self._pending = b""

    def __enter__(self) -> Sandbox:
        """The sandbox with its folder; no process yet."""
        if os.name != "posix":
            raise EngineUnavailable(engine="script", reason="scripts run on Linux and macOS only")
        self._place = tempfile.TemporaryDirectory(prefix="driftline-script-", ignore_cleanup_errors=True)
        self.folder = Path(self._place.name).resolve()
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, and wait for the last of its log."""
        self.kill()
        self._place.cleanup()

    def start(self) -> None:
        """Start the process if there is none; raises `ScriptFailed` if the script cannot be loaded."""
        if self._process is not None:
            return
        file = self.folder / self.script.name
        file.write_text(self.script.text, encoding="utf-8")
        code = _CODE.format(root=_ROOT)
        pipe = subprocess.PIPE
        try:
            # -P and -s: neither the working folder nor the user's packages; the environment is ours alone
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-c", code],
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                cwd=self.folder,
                env=_environment(self.folder),
                start_new_session=True,
            )
        except OSError as error:
            raise EngineUnavailable(engine="script", reason=f"its process does not start ({error})") from error
        self._widen(self._process)
        assert self._process.stderr is not None
        self._listener = threading.Thread(target=listen, args=(self._process.stderr, self._log), daemon=True)
        self._listener.start()
        self.ask(self._wanted())
        answer = self.answer()
        if "refused" in answer:
            raise self.failure(answer["refused"], remedy="Mend the script: `driftline script test` shows what it does.")
        self._log(f"{self.script.name} runs confined by {', '.join(answer['ready'])}")

    def _wanted(self) -> dict[str, Any]:
        limits = self.script.limits
        return {
            "file": self.script.name,
            "function": self._function,
            "folder": str(self.folder),
            "seconds": limits.seconds,
            "records": self.script.records,
            "limits": {
                "memory_bytes": limits.memory_bytes,
                "file_bytes": limits.file_bytes,
                "open_files": limits.open_files,
            },
            "environment": dict(self.script.environment),
            "parent": os.getpid(),
        }

    @staticmethod
    def _widen(process: subprocess.Popen[bytes]) -> None:
        """Larger pipes, where the platform has them: fewer changes between the two processes."""
        if sys.platform == "linux":
            import fcntl

            for stream in (process.stdin, process.stdout):
                with suppress(OSError):
                    fcntl.fcntl(stream, _SET_PIPE_SIZE, _PIPE_BYTES)  # type: ignore[arg-type]

    def ask(self, asked: Mapping[str, Any], data: bytes = b"") -> bool:
        """Send a line, and bytes behind it; False if the process is gone. May be called from another thread."""
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(asked).encode() + b"\n" + data)
            self._process.stdin.flush()
        except (OSError, ValueError):  # ValueError: closed meanwhile
            return False
        return True

    def answer(self) -> dict[str, Any]:
        """The next answer; raises `ScriptFailed` when the process is gone or keeps silent for too long."""
        assert self._process is not None
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
        deadline = time.monotonic() + self.script.limits.seconds + GRACE_SECONDS
        pieces, size = [self._pending], len(self._pending)
        while b"\n" not in pieces[-1]:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise self._end(f"it took longer than {self.script.limits.seconds:g} seconds (script_seconds)")
            piece = os.read(descriptor, _PIPE_BYTES)
            if not piece or size > LONGEST:
                raise self._end("its answer is too large" if piece else None)
            pieces.append(piece)
            size += len(piece)
        line, _, self._pending = b"".join(pieces).partition(b"\n")
        return self._read(line)

    def _read(self, line: bytes) -> dict[str, Any]:
        try:
            found = json.loads(line)
            if isinstance(found, dict):
                return found
            raise ValueError(f"a {type(found).__name__}")
        except (ValueError, RecursionError) as error:
            raise self._end(f"its process answers nonsense ({error})") from error

    def _end(self, reason: str | None) -> ScriptFailed:
        """The error for a process that is of no more use, with how it ended if no other reason is known."""
        if reason is None and self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_SECONDS)
        status = self.kill()
        if reason is None:
            how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
            reason = f"its process ended with {how}"
        return ScriptFailed(script=self.script.name, reason=reason, remedy="Its log may tell more.")

    def failure(self, answer: Mapping[str, Any], record: str = "", remedy: str = "") -> ScriptFailed:
        """The error that an answer tells of."""
        reason, line = str(answer.get("error")), answer.get("at")
        return ScriptFailed(script=self.script.name, reason=reason, line=line, record=record, remedy=remedy)

    def kill(self) -> int:
        """End the process and all that it started; how it ended."""
        process, self._process = self._process, None
        if process is None:
            return 0
        status = _ended(process)  # before the streams are closed: a thread may be waiting to write
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            with suppress(OSError):
                stream.close()
        if self._listener is not None:
            self._listener.join(GRACE_SECONDS)
        return status


def _environment(folder: Path) -> dict[str, str]:
    """All that the process is told of its surroundings."""
    place = str(folder)
    known = {"HOME": place, "TMPDIR": place, "PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}
    # the same input must give the same rows: sets of texts have an order of their own in every process otherwise
    known |= {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    return known | dict.fromkeys(_THREADS, "1")


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Kill the process's whole group, unless it has ended by itself; its status."""
    status = process.poll()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait() if status is None else status


def listen(stream: IO[bytes], log: Log) -> None:
    """Pass on what comes in, line by line, until it ends; of very much only the beginning."""
    count = 0
    with stream:
        while line := stream.readline(WIDTH * 4):
            count += 1
            if count <= LINES:
                log(line.decode("utf-8", "replace").rstrip("\r\n")[:WIDTH])
            elif count == LINES + 1:
                log(f"the script printed more than {LINES} lines: the rest is left out")
