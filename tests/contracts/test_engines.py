"""One suite for every engine: the answer depends on the tasks alone, errors end the fold, memory stays flat."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from driftline.engines.engine import Engine
from driftline.engines.engines import ENGINES
from driftline.engines.local import Local
from driftline.errors import Invalid, Unreadable


@dataclass(frozen=True)
class Letters:
    """Text under concatenation: a monoid that does not commute, so it shows the order of the merges."""

    text: str = ""

    def merge(self, other: Letters) -> Letters:
        """This one, then the other."""
        return Letters(self.text + other.text)


Make = Callable[[int | None], Engine]
engines = pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
jobs_one_and_many = pytest.mark.parametrize("jobs", [1, 2, 7, None])


def uneven(task: int) -> Letters:
    """Early tasks take longer than late ones, so they finish out of order."""
    time.sleep(0.01 if task % 3 == 0 else 0.0)
    return Letters(f"{task},")


@engines
@jobs_one_and_many
def test_merges_in_the_order_of_the_tasks_whatever_the_number_of_jobs(make: Make, jobs: int | None) -> None:
    assert make(jobs).fold(uneven, range(50), Letters(">")).text == ">" + "".join(f"{i}," for i in range(50))


@engines
@jobs_one_and_many
def test_no_tasks_give_the_empty_value(make: Make, jobs: int | None) -> None:
    assert make(jobs).fold(uneven, [], Letters("nothing")) == Letters("nothing")


@engines
@jobs_one_and_many
def test_done_is_told_once_for_each_task_in_order_and_in_the_callers_thread(make: Make, jobs: int | None) -> None:
    told: list[tuple[int, int]] = []
    make(jobs).fold(uneven, range(20), Letters(), lambda task: told.append((task, threading.get_ident())))
    assert told == [(task, threading.get_ident()) for task in range(20)]


@engines
@jobs_one_and_many
def test_an_error_of_a_step_is_raised_as_it_is_and_the_rest_never_begins(make: Make, jobs: int | None) -> None:
    begun: list[int] = []

    def step(task: int) -> Letters:
        begun.append(task)
        if task == 3:
            raise Unreadable(uri="c.csv", reason="is broken")
        time.sleep(0.001)
        return Letters()

    with pytest.raises(Unreadable, match=r"c\.csv: is broken"):
        make(jobs).fold(step, range(10_000), Letters())
    assert len(begun) < 100


@engines
def test_an_error_is_raised_before_slower_tasks_are_through(make: Make) -> None:
    release = threading.Event()

    def step(task: int) -> Letters:
        if task == 1:
            raise KeyboardInterrupt
        release.wait(20)
        return Letters()

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        make(2).fold(step, range(8), Letters())
    waited = time.monotonic() - began
    release.set()
    assert waited < 10


@engines
def test_few_tasks_are_ahead_of_the_merge(make: Make) -> None:
    merged, furthest = 0, 0

    def step(task: int) -> Letters:
        nonlocal furthest
        furthest = max(furthest, task - merged)
        time.sleep(0.02 if task == 0 else 0)
        return Letters()

    def done(task: int) -> None:
        nonlocal merged
        merged = task + 1

    make(4).fold(step, range(500), Letters(), done)
    assert furthest <= 4 * 3


@engines
def test_two_jobs_work_at_the_same_time(make: Make) -> None:
    both = threading.Barrier(2, timeout=20)

    def step(task: int) -> Letters:
        both.wait()
        return Letters(str(task))

    assert make(2).fold(step, range(4), Letters()).text == "0123"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises, also where the shell that runs the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@engines
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_fold_at_once(make: Make) -> None:
    begun: list[int] = []

    def step(task: int) -> Letters:
        begun.append(task)
        if task == 0:
            signal.raise_signal(signal.SIGINT)
        time.sleep(0.05)
        return Letters()

    with pytest.raises(KeyboardInterrupt):
        make(2).fold(step, range(1_000), Letters())
    assert len(begun) < 100


@engines
def test_an_error_of_the_caller_ends_the_fold_too(make: Make) -> None:
    begun: list[int] = []

    def step(task: int) -> Letters:
        begun.append(task)
        return Letters()

    def done(task: int) -> None:
        raise ValueError(task)

    with pytest.raises(ValueError, match=r"^0$"):
        make(2).fold(step, range(1_000), Letters(), done)
    assert len(begun) < 100


def test_fewer_than_one_job_is_refused() -> None:
    with pytest.raises(Invalid, match="jobs: got 0, expected a number from 1"):
        Local(0)
