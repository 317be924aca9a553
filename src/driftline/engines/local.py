"""The engine in this process: threads, since decoding and sorting release the interpreter's lock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass

from driftline.engines.allocator import keep_freed_memory
from driftline.engines.engine import M, T
from driftline.errors import Invalid

_AHEAD = 2
"""Tasks under way or finished but not merged, for each job: more would keep memory for nothing."""


def available_jobs() -> int:
    """How many processors this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Local:
    """An engine of `jobs` threads; None takes one for each processor. One job runs in the caller's own thread.

    Merging goes by the order of the tasks, so the answer does not depend on `jobs`. At most two tasks a job are under
    way or wait to be merged, so memory does not grow with the number of tasks.
    """

    jobs: int | None = None

    def __post_init__(self) -> None:
        """Raises `Invalid` for fewer than one job."""
        if self.jobs is not None and self.jobs < 1:
            raise Invalid(what="jobs", got=self.jobs, expected="a number from 1", remedy="Leave it out for all cores.")

    def fold(self, step: Callable[[T], M], tasks: Sequence[T], empty: M, done: Callable[[T], None] | None = None) -> M:
        """`empty` merged with `step(task)` of every task in order; see `Engine.fold`."""
        keep_freed_memory()
        jobs = min(self.jobs or available_jobs(), len(tasks))
        folded = empty
        with closing(_threaded(step, tasks, jobs) if jobs > 1 else (step(task) for task in tasks)) as answers:
            for task, answer in zip(tasks, answers, strict=True):
                folded = folded.merge(answer)
                if done is not None:
                    done(task)
        return folded


def _threaded(step: Callable[[T], M], tasks: Sequence[T], jobs: int) -> Generator[M, None, None]:
    """The answers in the order of the tasks, computed by `jobs` threads a bounded number of tasks ahead."""
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="driftline")
    try:
        waiting: deque[Future[M]] = deque()
        rest = iter(tasks)
        while True:
            for task in _take(rest, jobs * _AHEAD - len(waiting)):
                waiting.append(pool.submit(step, task))
            if not waiting:
                return
            _await_first(waiting)
            yield waiting.popleft().result()
    finally:
        # After an error or Ctrl-C nobody waits for the steps under way: their answers are of no use any more.
        pool.shutdown(wait=False, cancel_futures=True)


def _take(tasks: Iterator[T], count: int) -> Iterable[T]:
    return [task for _, task in zip(range(count), tasks, strict=False)]


def _await_first(waiting: deque[Future[M]]) -> None:
    """Wait until the first is done; raise at once what any of the others has raised meanwhile."""
    pending = set(waiting)
    while not waiting[0].done():
        finished, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in finished:
            future.result()
