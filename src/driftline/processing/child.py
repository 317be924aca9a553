"""The process in which jobs run, one after the other: `python -m driftline.processing.child`.

It reads a job a line on standard input and answers with lines of JSON: `{"log": text}`, then `{"outcome": {...}}`.
Between two jobs it keeps nothing but what it imported. It ends with its parent.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from typing import IO, Any

from driftline.errors import DriftlineError, Unavailable
from driftline.processing.analysis import analyse
from driftline.processing.contract import Contract
from driftline.processing.outcome import Outcome
from driftline.storage.access import Access

_DIE_WITH_PARENT = 1


def main() -> int:
    """Serve jobs until standard input ends."""
    _die_with_parent()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not stand between the answers
    _answer(answers, {"ready": os.getpid()})
    for line in sys.stdin:
        _answer(answers, {"outcome": _run(json.loads(line), answers)})
    return 0


def _run(asked: Mapping[str, Any], answers: IO[str]) -> dict[str, Any]:
    job = Contract.of(asked["name"], asked["body"])
    access = Access(endpoint_url=asked.get("endpoint_url"), region=asked.get("region"))
    try:
        return analyse(job, access, lambda text: _answer(answers, {"log": text})).to_dict()
    except Unavailable as error:
        return {"unavailable": str(error)}
    except DriftlineError as error:
        return Outcome.failed(f"ClientError: {error}").to_dict()
    except MemoryError:
        return Outcome.failed("ClientError: the job needs more memory than it may use (job_memory_bytes).").to_dict()
    except Exception as error:  # noqa: BLE001 - the worker's loop: whatever a job does, the next one must run
        for text in traceback.format_exc().splitlines():
            _answer(answers, {"log": text})
        return Outcome.failed(f"InternalServerError: {type(error).__name__}: {error}").to_dict()


def _answer(answers: IO[str], value: Mapping[str, Any]) -> None:
    answers.write(json.dumps(value, default=str) + "\n")
    answers.flush()


def _die_with_parent() -> None:
    """A killed worker must not leave a job behind that goes on writing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() == 1:
        raise SystemExit(0)


if __name__ == "__main__":
    raise SystemExit(main())
