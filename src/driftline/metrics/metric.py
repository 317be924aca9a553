"""What a metric is, and the table of them all: a documented function with its range, meaning and source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

F = TypeVar("F", bound=Callable[..., float])

Takes = Literal["sketches", "shares"]
"""What a distance is computed of: two quantile sketches (numbers only), or the shares of the same groups in both."""


@dataclass(frozen=True)
class Metric:
    """A registered metric. `span` is its range in words, `normal` what a value of no concern is."""

    name: str
    title: str
    takes: Takes
    span: str
    normal: str
    source: str
    compute: Callable[..., float]

    @property
    def meaning(self) -> str:
        """The docstring: formula and meaning."""
        return (self.compute.__doc__ or "").strip()


METRICS: dict[str, Metric] = {}
"""Every metric by name, in the order of definition."""


def metric(name: str, title: str, *, takes: Takes, span: str, normal: str, source: str) -> Callable[[F], F]:
    """Register a function under `name`; it must have a docstring that gives the formula."""

    def register(function: F) -> F:
        if not function.__doc__ or name in METRICS:
            raise TypeError(f"metric {name!r} needs a docstring and a name of its own")
        METRICS[name] = Metric(name, title, takes, span, normal, source, function)
        return function

    return register
