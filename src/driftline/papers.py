"""Which files a monitor of each kind leaves, as SageMaker names and fills them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from driftline.documents import analysis as analysis_document
from driftline.documents import constraints as constraints_document
from driftline.documents import explanations as explanations_document
from driftline.documents import jackson
from driftline.documents import model_quality as quality_document
from driftline.documents import statistics as statistics_document
from driftline.documents import violations as violations_document
from driftline.monitors.attributions import Attributions
from driftline.monitors.bias import Bias
from driftline.monitors.disparities import Disparities
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.quality import QualityConstraints
from driftline.monitors.verdict import Violation
from driftline.profile import Profile

STATISTICS = "statistics.json"
CONSTRAINTS = "constraints.json"
VIOLATIONS = violations_document.FILE
ANALYSIS = analysis_document.FILE

Document = tuple[str, Any]
"""The name of a file and the JSON value in it."""


@dataclass(frozen=True)
class Papers:
    """The files of one kind of monitor.

    `constraints` is the file that holds what a baseline demands, and `read` makes the monitor's constraints of it.
    `write` gives the files of a baseline, and of a run, from the monitor, what the rows suggest, and their profile.
    `violations` gives the document of what broke a constraint, and `dumps` the text of a document.
    """

    constraints: str
    read: Callable[[Any], Any]
    write: Callable[[Any, Any, Profile | None], Iterator[Document]]
    violations: Callable[[Sequence[Violation]], Any]
    dumps: Callable[[Any], str] = jackson.dumps


def _data_quality(monitor: Any, suggested: Any, profile: Profile | None) -> Iterator[Document]:  # noqa: ARG001
    if profile is not None:
        yield STATISTICS, statistics_document.write(profile)
    yield CONSTRAINTS, constraints_document.write(suggested)


def _model_quality(monitor: ModelQuality, suggested: QualityConstraints, profile: Profile | None) -> Iterator[Document]:
    if profile is not None:
        yield STATISTICS, quality_document.statistics(monitor.measure(profile))
    yield CONSTRAINTS, quality_document.constraints(suggested)


def _bias(monitor: Bias, suggested: Disparities, profile: Profile | None) -> Iterator[Document]:  # noqa: ARG001
    yield ANALYSIS, analysis_document.write(suggested)


def _explainability(monitor: Any, suggested: Attributions, profile: Profile | None) -> Iterator[Document]:  # noqa: ARG001
    yield ANALYSIS, explanations_document.write(suggested)


PAPERS: dict[str, Papers] = {
    "data-quality": Papers(CONSTRAINTS, constraints_document.read, _data_quality, violations_document.write),
    "model-quality": Papers(
        CONSTRAINTS, quality_document.read_constraints, _model_quality, quality_document.violations
    ),
    "bias": Papers(ANALYSIS, analysis_document.read, _bias, analysis_document.violations, analysis_document.dumps),
    "explainability": Papers(
        ANALYSIS,
        explanations_document.read,
        _explainability,
        explanations_document.violations,
        analysis_document.dumps,
    ),
}
