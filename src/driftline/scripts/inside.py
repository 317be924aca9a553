"""The confined process of a script: `from driftline.scripts.inside import main`; standard library only.

It reads what it is asked on standard input and answers on standard output, a line of JSON each: first the script and
its limits, then blocks of records (`preprocess_handler`) or a call (`postprocess_handler`). What the script prints goes
to standard error, which is its log.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
from collections.abc import Callable, Mapping
from typing import IO, Any, BinaryIO

from driftline.scripts.confine import confine
from driftline.scripts.kernel import end_with_parent
from driftline.scripts.loading import Refused, TooSlow, function_of, line_of, load, said, show, takes
from driftline.scripts.rows import Rows, Unfit, encode, is_within
from driftline.scripts.texts import texts_of

_SHOWN = 5
"""Traces that are printed; of more errors only the line is told."""


def main() -> int:
    """Serve until standard input ends."""
    asks = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1 << 16)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    wanted = json.loads(asks.readline())
    end_with_parent(wanted["parent"])
    os.chdir(wanted["folder"])
    means = confine(wanted["folder"], wanted["limits"])
    return Script(wanted, answers).serve(asks, means)


class Script:
    """A loaded script and those who ask for it."""

    def __init__(self, wanted: Mapping[str, Any], answers: IO[str]) -> None:
        """`wanted` names the file, the function, the seconds it may take, and its environment."""
        self._file, self._folder = wanted["file"], wanted["folder"]
        self._name, self._seconds = wanted["function"], wanted["seconds"]
        self._left = wanted["records"]
        self._answers = answers
        self._running = False
        self._shown = 0
        self._function: Callable[..., Any] = lambda: None
        self._more: tuple[Any, ...] = ()
        os.environ.update(wanted["environment"])
        signal.signal(signal.SIGALRM, self._alarm)

    def serve(self, asks: BinaryIO, means: list[str]) -> int:
        """Load the script, then answer what is asked."""
        failed = self._call(self._load)
        if failed is not None:
            self._answer({"refused": failed})
            return 1
        self._answer({"ready": means})
        for line in asks:
            asked = json.loads(line)
            if "end" in asked:
                self._answer({"ended": True})
            elif "call" in asked:
                self._answer({"called": self._call(self._function)})
            elif not self._block(asked, asks.read(asked["bytes"])):
                return 1
        return 0

    def _load(self) -> None:
        module = load(self._file, self._folder)
        self._function = function_of(module, self._name)
        most = 2 if self._name == "preprocess_handler" else 0
        if takes(self._function, most) == 2:
            logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
            self._more = (logging.getLogger("script"),)

    def _call(self, function: Callable[[], Any]) -> dict[str, Any] | None:
        """What went wrong in a call of something of the script's; None if nothing did."""
        try:
            self._start()
            function()
        except Refused as error:
            return {"error": str(error), "at": None}
        except (Exception, SystemExit, TooSlow) as error:  # noqa: BLE001 - a user's script may raise anything
            return self._failure(error)
        finally:
            self._running = False
        return None

    def _start(self) -> None:
        self._running = True
        signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def _alarm(self, *_: object) -> None:
        if self._running:
            raise TooSlow(f"it took longer than {self._seconds:g} seconds (script_seconds)")

    def _failure(self, error: BaseException) -> dict[str, Any]:
        if self._shown < _SHOWN:
            show(error, self._file)
            self._shown += 1
        fatal = isinstance(error, TooSlow | MemoryError | SystemExit)
        reason = str(error) if isinstance(error, TooSlow) else said(error)
        reason = "it needs more memory than it may use (script_memory_bytes)" if reason == "MemoryError" else reason
        return {"error": reason, "at": line_of(error, self._file), "fatal": fatal}

    def _block(self, asked: Mapping[str, Any], data: bytes) -> bool:
        """The rows of a block of records; False if the script cannot go on."""
        if "seed" in asked:
            _seed(asked["seed"])
        rows, ids = Rows(self._answer), list[str | None]()
        for place, text in texts_of(data, asked["kind"]):
            line, identity = asked["first"] + place, None
            try:
                record, identity = rows.record_of(text, asked["kind"])
                if asked["span"] and not is_within(record, *asked["span"]):
                    continue
                ids.extend([None] * (place - len(ids)))
                ids.append(identity)
                self._start()
                found = self._function(record, *self._more)
                self._running = False
                rows.add(found, line, identity)
            except Unfit as error:
                self._answer({"line": line, "unfit": str(error), "value": text[:200]})
            except (Exception, SystemExit, TooSlow) as error:  # noqa: BLE001 - a user's script may raise anything
                self._running = False
                failure = self._failure(error)
                self._answer({"line": line, "id": identity, "value": text[:200], **failure})
                if failure["fatal"]:
                    return False
            rows.flush_if_many()
            if self._left is not None:
                self._left -= 1
                if not self._left:
                    rows.flush()
                    self._answer({"ended": "there are enough records"})
                    return False
        self._running = False
        rows.flush()
        self._answer({"done": asked["first"], "ids": ids if asked["kind"] == "capture" else []})
        return True

    def _answer(self, value: Mapping[str, Any]) -> None:
        sys.stdout.flush()
        self._answers.write(encode(value))
        self._answers.flush()


def _seed(seed: int) -> None:
    """A sample that the script draws is the same again."""
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed)
