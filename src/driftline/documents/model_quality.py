"""SageMaker's three files of a model-quality monitor: statistics, constraints and violations, written and read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from math import nan
from typing import Any

import numpy as np

from driftline.documents.members import given, listed, member, number, text, whole
from driftline.errors import Invalid
from driftline.metrics.curves import Curves
from driftline.metrics.metric import taking
from driftline.monitors.foresight import PREFIX
from driftline.monitors.quality import (
    BINARY,
    CONSTANT,
    FIGURES,
    GREATER,
    LESS,
    MULTICLASS,
    NAMED_AT,
    RANKING,
    REGRESSION,
    Figure,
    Limit,
    Quality,
    QualityConstraints,
)
from driftline.monitors.verdict import Violation
from driftline.profile.columns import Floats
from driftline.profile.confusion import Matrix

STATISTICS, CONSTRAINTS, VIOLATIONS = "statistics.json", "constraints.json", "constraint_violations.json"

FAMILIES = {
    REGRESSION: "regression",
    BINARY: "binary_classification",
    MULTICLASS: "multiclass_classification",
    RANKING: "ranking",
}
"""How members are called for each type of problem: `regression_metrics`, `regression_constraints` and so on."""

_NUMBER = r"-?(?:[0-9]+(?:\.[0-9]+)?(?:E-?[0-9]+)?|Infinity)|NaN"
_WORDING = re.compile(rf"with (?P<value>{_NUMBER})(?: \+/- (?:{_NUMBER}))? was \w+ '(?P<limit>{_NUMBER})'")
_DRIFT = re.compile(rf"distance: (?P<value>{_NUMBER}) exceeds threshold: (?P<limit>{_NUMBER})")

_CUT = re.compile(rf"{NAMED_AT}[1-9][0-9]*$")

_ROC, _PR = "receiver_operating_characteristic_curve", "precision_recall_curve"


def statistics(quality: Quality) -> dict[str, Any]:
    """The statistics document: SageMaker's metrics alone, in its order; what is undefined is NaN.

    >>> from driftline.monitors.quality import Figure
    >>> statistics(Quality("Regression", 3, 3, (Figure("mae", 0.5),)))["regression_metrics"]
    {'mae': {'value': 0.5, 'standard_deviation': nan}}
    """
    found: dict[str, Any] = {}
    if quality.matrix is not None:
        found["confusion_matrix"] = _table(quality.matrix)
    for figure in quality.compatible:
        if figure.name == "auc":
            found |= _curves(quality)
        found[figure.name] = {"value": figure.value, "standard_deviation": figure.standard_deviation}
    family = f"{FAMILIES[quality.problem_type]}_metrics"
    return {"version": 0.0, "dataset": {"item_count": quality.rows}, family: found}


def _table(matrix: Matrix) -> dict[str, dict[str, int]]:
    rows = zip(matrix.labels, matrix.counts.tolist(), strict=True)
    return {actual: dict(zip(matrix.labels, counts, strict=True)) for actual, counts in rows}


def _curves(quality: Quality) -> dict[str, Any]:
    """Both curves, where they are defined; they stand before the area under them."""
    curves = quality.curves
    if curves is None:
        return {}
    return {
        _ROC: {
            "false_positive_rates": curves.false_positive_rates.tolist(),
            "true_positive_rates": curves.true_positive_rates.tolist(),
        },
        _PR: {"precisions": curves.precisions.tolist(), "recalls": curves.recalls.tolist()},
    }


def read_statistics(document: Any) -> Quality:
    """What a statistics document tells of; how many of its rows were labelled is the sum of its confusion matrix.

    Raises `Invalid` naming the member that is wrong.
    """
    problem_type, metrics = _family(document, "metrics", STATISTICS)
    rows = whole(member(document, "dataset", STATISTICS), "item_count", f"{STATISTICS} dataset")
    where = f"{STATISTICS} {FAMILIES[problem_type]}_metrics"
    figures = tuple(
        Figure(
            name,
            number(metrics[name], "value", f"{where}.{name}"),
            number(metrics[name], "standard_deviation", f"{where}.{name}", default="NaN"),
        )
        for name in FIGURES.get(problem_type, tuple(metrics))
        if given(metrics, name)
    )
    matrix = _read_table(metrics, where) if given(metrics, "confusion_matrix") else None
    labelled = rows if matrix is None else matrix.total
    return Quality(problem_type, rows, labelled, figures, matrix, _read_curves(metrics, where))


def _read_table(metrics: Mapping[str, Any], where: str) -> Matrix:
    table = member(metrics, "confusion_matrix", where)
    place = f"{where}.confusion_matrix"
    labels = tuple(dict.fromkeys([*table, *(label for actual in table for label in member(table, actual, place))]))
    counts = [
        [whole(table.get(actual, {}), label, f"{place}.{actual}", default=0) for label in labels] for actual in labels
    ]
    return Matrix(labels, np.array(counts, dtype=np.int64).reshape(len(labels), len(labels)))


def _read_curves(metrics: Mapping[str, Any], where: str) -> Curves | None:
    if not given(metrics, _ROC) or not given(metrics, _PR):
        return None
    roc, precision = (member(metrics, name, where) for name in (_ROC, _PR))
    return Curves(
        _points(roc, "false_positive_rates", f"{where}.{_ROC}"),
        _points(roc, "true_positive_rates", f"{where}.{_ROC}"),
        _points(precision, "precisions", f"{where}.{_PR}"),
        _points(precision, "recalls", f"{where}.{_PR}"),
    )


def _points(curve: Mapping[str, Any], name: str, where: str) -> Floats:
    values = listed(curve, name, where)
    return np.array([number({name: value}, name, where) for value in values], dtype=np.float64)


def _family(document: Any, what: str, file: str) -> tuple[str, Mapping[str, Any]]:
    """The type of problem that a document is of, and its member `<type>_<what>`."""
    for problem_type, family in FAMILIES.items():
        if isinstance(document, Mapping) and given(document, f"{family}_{what}"):
            return problem_type, member(document, f"{family}_{what}", file)
    expected = " or ".join(f"{family}_{what}" for family in FAMILIES.values())
    found = list(document) if isinstance(document, Mapping) else document
    raise Invalid(what=file, got=found, expected=expected, remedy="Is this of a model-quality monitor?")


def constraints(expected: QualityConstraints) -> dict[str, Any]:
    """The constraints document.

    >>> constraints(QualityConstraints("Regression", (Limit("mae", 0.5, GREATER),)))["regression_constraints"]
    {'mae': {'threshold': 0.5, 'comparison_operator': 'GreaterThanThreshold'}}
    """
    found = {
        limit.metric: {"threshold": limit.threshold, "comparison_operator": limit.operator} for limit in expected.limits
    }
    return {"version": 0.0, f"{FAMILIES[expected.problem_type]}_constraints": found}


def read_constraints(document: Any) -> QualityConstraints:
    """The constraints of a document; a limit may be set by hand on any metric of this type of problem.

    Raises `Invalid` naming the member that is wrong and what would be right.
    """
    problem_type, limits = _family(document, "constraints", CONSTRAINTS)
    known, where = _limitable(problem_type), f"{CONSTRAINTS} {FAMILIES[problem_type]}_constraints"
    return QualityConstraints(
        problem_type, tuple(_limit(metric, each, known, where) for metric, each in limits.items())
    )


def _limitable(problem_type: str) -> list[str]:
    """The metrics of a type of problem that a limit may stand on."""
    if problem_type == RANKING:
        return [f"{name}{NAMED_AT}10" for name in taking("ranking")]
    bare = taking("residuals") if problem_type == REGRESSION else taking("confusion", "scores", "chances")
    constant = [] if problem_type == REGRESSION else [name + CONSTANT for name in taking("confusion")]
    return [*bare, *constant, *(PREFIX + name for name in bare)]


def _limit(metric: str, value: Any, known: list[str], where: str) -> Limit:
    if _CUT.sub(f"{NAMED_AT}10", metric) not in known:
        near = get_close_matches(metric, known, 3) or known[:8]
        raise Invalid(what=where, got=metric, expected=f"metrics such as {', '.join(near)}", remedy="Mend the name.")
    place = f"{where}.{metric}"
    operator = text(value, "comparison_operator", place)
    if operator not in (LESS, GREATER):
        expected = f"{LESS} or {GREATER}"
        raise Invalid(what=f"{place}.comparison_operator", got=operator, expected=expected, remedy="Mend the file.")
    return Limit(metric, number(value, "threshold", place), operator)


def violations(found: Iterable[Violation]) -> dict[str, Any]:
    """The violations document; a shift of labels or predictions names its column as feature, as data quality does."""
    return {"violations": [_violation(each) for each in found]}


def _violation(found: Violation) -> dict[str, str]:
    if found.check in (LESS, GREATER):
        return {"constraint_check_type": found.check, "description": found.said, "metric_name": found.subject}
    return {"feature_name": found.subject, "constraint_check_type": found.check, "description": found.said}


def read_violations(document: Any) -> tuple[Violation, ...]:
    """The violations of a document; value and limit are taken from the words, NaN if not told.

    >>> said = "Metric truePositiveRate with 0.115 +/- 5.09E-4 was LessThanThreshold '0.57'"
    >>> entry = {"constraint_check_type": LESS, "description": said, "metric_name": "truePositiveRate"}
    >>> [(each.subject, each.value, each.limit) for each in read_violations({"violations": [entry]})]
    [('truePositiveRate', 0.115, 0.57)]
    """
    return tuple(_read_violations(listed(document, "violations", VIOLATIONS)))


def _read_violations(entries: list[Any]) -> Iterator[Violation]:
    for place, each in enumerate(entries):
        where = f"{VIOLATIONS} violations[{place}]"
        said = text(each, "description", where, default="")
        match = _WORDING.search(said) or _DRIFT.search(said)
        value, limit = (float(match["value"]), float(match["limit"])) if match else (nan, nan)
        subject = text(each, "metric_name", where, default="") or text(each, "feature_name", where)
        yield Violation(subject, text(each, "constraint_check_type", where), value, limit, said)
