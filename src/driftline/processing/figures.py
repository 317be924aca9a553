"""The metrics of an execution as figures by subject, at which the rules of alerts look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from typing import Any

MOST = 2000
"""So many figures of an execution are kept."""

_OF_COLUMNS = {
    "feature_baseline_drift_": "baseline_drift",
    "feature_non_null_": "completeness",
    "feature_data_": "mean",
}
"""How names of SageMaker's metrics begin -> the measure; behind it comes the column."""
_LARGEST = "distance"
_MODEL = "model"


def figures_of(metrics: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Metrics in CloudWatch's shape as subject, name and value; what is none is left out.

    >>> figures_of([{"MetricName": "feature_baseline_drift_age", "Value": 0.3}, {"MetricName": "auc", "Value": 0.9}])
    [{'subject': 'age', 'name': 'baseline_drift', 'value': 0.3}, {'subject': 'model', 'name': 'auc', 'value': 0.9}]
    """
    found = list(_figures(metrics))
    columns = {each["subject"] for each in found if each["name"] == "completeness"}
    # the largest drift of all is told as that of a column of this name, and would make a second alert of one cause
    kept = [each for each in found if _is_own(each, columns)]
    if len(kept) > MOST:  # of many columns the largest drifts, and what has values missing, before ranges
        kept.sort(key=_order)
    return kept[:MOST]


def _order(figure: Mapping[str, Any]) -> tuple[int, float]:
    if figure["subject"] == _MODEL:
        return 0, 0.0
    if figure["name"] == "baseline_drift":
        return 1, -figure["value"]
    return (2, figure["value"]) if figure["name"] == "completeness" else (3, 0.0)


def _is_own(figure: Mapping[str, Any], columns: set[str]) -> bool:
    return figure["name"] != "baseline_drift" or figure["subject"] != _LARGEST or not columns or _LARGEST in columns


def _figures(metrics: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in metrics:
        value, name = _value(each), str(each.get("MetricName", ""))
        if value is None:
            continue
        prefix = next((one for one in _OF_COLUMNS if name.startswith(one)), None)
        if prefix is not None:
            subject = name.removeprefix(prefix)
            yield {"subject": subject, "name": _OF_COLUMNS[prefix], "value": value}
            for bound in ("minimum", "maximum") if _OF_COLUMNS[prefix] == "mean" else ():
                told = each.get("StatisticValues", {}).get(bound.title())
                if isinstance(told, int | float) and isfinite(told):
                    yield {"subject": subject, "name": bound, "value": told}
        else:
            yield {"subject": _group(each) or _MODEL, "name": name.removeprefix("bias_metric_"), "value": value}


def _value(metric: Mapping[str, Any]) -> float | None:
    """The number, or the mean of several; None for what a container wrote that is none."""
    told = metric.get("StatisticValues")
    try:
        found = float(told["Sum"]) / float(told["SampleCount"]) if told else float(metric["Value"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return found if isfinite(found) else None


def _group(metric: Mapping[str, Any]) -> str:
    """Of a bias metric the facet and its value, of an explanation the label; empty for others."""
    dimensions = metric.get("Dimensions")
    told = {each.get("Name"): each.get("Value") for each in dimensions} if isinstance(dimensions, list) else {}
    if "Facet" in told:
        return f"{told['Facet']}={told.get('FacetValue', '')}"
    return str(told.get("Label", "")) if "ExplainabilityMethod" in told else ""
