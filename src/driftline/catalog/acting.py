"""Who acts: the server says it at its edge, and the catalog writes it beside whatever is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Operation:
    """What is done, and to what (of which model, or import job) as far as its path says it.

    What only brings data changes nothing.
    """

    name: str
    target: str = ""
    model: str = ""
    job: str = ""
    brings_data: bool = False


@dataclass(frozen=True)
class Actor:
    """Who changes something, by the name that logs have, over which interface, at what time, by which request.

    `operation` is asked when something is written: where a request leads is known only after it was let in.
    """

    name: str
    interface: str
    at: datetime
    operation: Callable[[], Operation]
    request: str = ""
    _said: list[Operation] = field(default_factory=list, repr=False)

    def is_said(self) -> bool:
        """Whether this was asked before: an order without differences is written down once, however often it writes."""
        known = bool(self._said)
        self._said[:] = [self.operation()]
        return known


_ACTOR: ContextVar[Actor | None] = ContextVar("driftline_actor", default=None)


def actor() -> Actor | None:
    """Who acts here; None for workers, who act for nobody."""
    return _ACTOR.get()


@contextmanager
def acting(found: Actor) -> Iterator[None]:
    """What is changed in this block, and by what it starts in other threads as part of the request, is by this actor.

    >>> from datetime import UTC
    >>> with acting(Actor("key:ada", "rest", datetime.now(UTC), lambda: Operation("PUT /v1/x"))):
    ...     print(actor().name)
    key:ada
    >>> actor() is None
    True
    """
    token = _ACTOR.set(found)
    try:
        yield
    finally:
        _ACTOR.reset(token)
