"""What a metric is, and the table of them all: a documented function with its range, meaning and source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

F = TypeVar("F", bound=Callable[..., float])

Takes = Literal[
    "sketches", "shares", "confusion", "scores", "chances", "residuals", "contingency", "ranking", "attributions"
]

TAKES: dict[Takes, str] = {
    "sketches": "numbers (sketches of both sides)",
    "shares": "numbers (ten bins) and categories (shares of both sides)",
    "confusion": "predicted and actual classes (a confusion matrix)",
    "scores": "probabilities and actual classes (a histogram of scores)",
    "chances": "probabilities of every class (a histogram of scores each)",
    "residuals": "predicted and actual numbers (joint moments)",
    "contingency": "facets, predicted and actual labels (counts)",
    "ranking": "ranked items and their relevance",
    "attributions": "global attributions of both sides, feature by feature",
}
"""What metrics are computed of. The first two compare two sides and are distances; the others are of one side."""

Better = Literal["higher", "lower", ""]
"""Which values are good; empty where neither is, as for distances from a neutral value."""


@dataclass(frozen=True)
class Metric:
    """A registered metric. `span` is its range in words, `normal` what a value of no concern is.

    `better` says which way a value has to move to be worse than a limit.
    """

    name: str
    title: str
    takes: Takes
    span: str
    normal: str
    source: str
    compute: Callable[..., float]
    better: Better = ""

    @property
    def meaning(self) -> str:
        """The docstring: formula and meaning."""
        return (self.compute.__doc__ or "").strip()


METRICS: dict[str, Metric] = {}
"""Every metric by name, in the order of definition."""


def taking(*kinds: Takes) -> dict[str, Metric]:
    """The metrics that are computed of these, in the order of definition."""
    return {name: found for name, found in METRICS.items() if found.takes in kinds}


def distances() -> dict[str, Metric]:
    """The metrics that compare two distributions of one column."""
    return taking("sketches", "shares")


def metric(
    name: str, title: str, *, takes: Takes, span: str, normal: str, source: str, better: Better = ""
) -> Callable[[F], F]:
    """Register a function under `name`; it must have a docstring that gives the formula."""

    def register(function: F) -> F:
        if not function.__doc__ or name in METRICS:
            raise TypeError(f"metric {name!r} needs a docstring and a name of its own")
        METRICS[name] = Metric(name, title, takes, span, normal, source, function, better)
        return function

    return register
