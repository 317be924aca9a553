"""The process in which jobs run, one after the other: `python -m driftline.processing.child`.

It reads a job a line on standard input and answers with lines of JSON: `{"log": text}`, then `{"outcome": {...}}`.
Between two jobs it keeps nothing but what it imported. It ends with its parent.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import replace
from typing import IO, Any

from driftline.errors import DriftlineError, Unavailable
from driftline.lifeline import die_with_parent
from driftline.processing import clarifying, command, labours, merging
from driftline.processing.analysis import Log, analyse
from driftline.processing.contract import ANALYZER, CLARIFY, MERGER, Contract
from driftline.processing.outcome import Outcome
from driftline.storage.access import Access


def main() -> int:
    """Serve jobs until standard input ends."""
    die_with_parent()
    if os.getppid() == 1:
        return 0
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not stand between the answers
    _answer(answers, {"ready": os.getpid()})
    for line in sys.stdin:
        _answer(answers, {"outcome": _run(json.loads(line), answers)})
    return 0


def _run(asked: Mapping[str, Any], answers: IO[str]) -> dict[str, Any]:
    access = Access(asked.get("endpoint_url"), asked.get("region"))

    def log(text: str) -> None:
        _answer(answers, {"log": text})

    try:
        if "labour" in asked:
            return labours.perform(asked, access, log).to_dict()
        job = Contract.of(asked["name"], asked["body"])
        return _perform(job, replace(access, kms_key=job.kms_key), log, asked).to_dict()
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


def _perform(job: Contract, access: Access, log: Log, asked: Mapping[str, Any]) -> Outcome:
    """By our own analysis where the image is SageMaker's, else by the user's command."""
    name = job.repository.rpartition("/")[2]
    if name == ANALYZER:
        return analyse(job, access, log)
    if name == MERGER:
        return merging.run(job, access, log)
    if name == CLARIFY:
        return clarifying.run(job, access, log, asked.get("models") or {}, asked.get("allowed") or ())
    return command.run(job, access, log, asked.get("images") or {}, asked.get("memory_bytes"))


def _answer(answers: IO[str], value: Mapping[str, Any]) -> None:
    answers.write(json.dumps(value, default=str) + "\n")
    answers.flush()


if __name__ == "__main__":
    raise SystemExit(main())
