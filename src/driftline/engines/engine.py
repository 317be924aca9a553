"""The seam between what is done with a task and who does it: a fold over a commutative monoid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVar


class Mergeable(Protocol):
    """A value that merges with another of its kind into a third and changes neither."""

    def merge(self, other: Self) -> Self:
        """Both."""
        ...


T = TypeVar("T")
M = TypeVar("M", bound=Mergeable)


class Engine(Protocol):
    """Runs one step over many tasks."""

    def fold(self, step: Callable[[T], M], tasks: Sequence[T], empty: M, done: Callable[[T], None] | None = None) -> M:
        """`empty` merged with `step(task)` of every task, in the order of the tasks whatever finishes first.

        `done` is called in the caller's thread, once for each task as it is merged. An error of a step ends the fold:
        it is raised as it is, tasks that have not begun never begin. Raises `EngineUnavailable` when the engine itself
        fails.
        """
        ...
