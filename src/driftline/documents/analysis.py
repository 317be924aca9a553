"""`analysis.json`, the part about bias, which is also what a bias monitor's baseline holds; and its violations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from math import inf, isnan, nan
from typing import Any

from driftline.documents.members import given, listed, member, number, text
from driftline.metrics.metric import METRICS
from driftline.monitors.disparities import Disparities, Disparity, FacetGroup, Stage, written
from driftline.monitors.verdict import Violation

FILE, VIOLATIONS = "analysis.json", "constraint_violations.json"
VERSION = "1.0"
PRE, POST = "pre_training_bias_metrics", "post_training_bias_metrics"

_SUBJECT = re.compile(r"(?P<facet>.*?) = (?P<value>.*): (?P<metric>[^:]+)", re.DOTALL)
_NUMBER = r"-?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|Infinity|inf)"
_WORDING = re.compile(rf"[Vv]alue (?P<value>{_NUMBER})(?:.*?requirement (?P<limit>{_NUMBER}))?")


def bias_part(found: Disparities) -> dict[str, Any]:
    """The members of the document that are about bias, in SageMaker's order; metrics are sorted by name.

    What is not defined is null with the reason as `error`, what is infinite the text `Infinity`.

    >>> found = Disparities(Stage("y", "1", (FacetGroup("sex", "0", (Disparity("CI", 0.25),)),)))
    >>> bias_part(found)[PRE]["facets"]["sex"][0]["metrics"]
    [{'name': 'CI', 'description': 'Class Imbalance (CI)', 'value': 0.25}]
    """
    stages = ((POST, found.post), (PRE, found.pre))
    return {name: _stage(stage) for name, stage in stages if stage is not None}


def write(found: Disparities) -> dict[str, Any]:
    """The document of an analysis of bias alone."""
    return {"version": VERSION, **bias_part(found)}


def dumps(document: Mapping[str, Any]) -> str:
    """The text of the document, indented as Clarify's is.

    >>> print(dumps({"version": "1.0"}))
    {
        "version": "1.0"
    }
    """
    return json.dumps(document, indent=4, ensure_ascii=False)


def _stage(stage: Stage) -> dict[str, Any]:
    facets: dict[str, list[Any]] = {}
    for group in stage.groups:
        metrics = [_metric(each) for each in sorted(group.disparities, key=lambda each: each.name)]
        facets.setdefault(group.facet, []).append({"value_or_threshold": group.value, "metrics": metrics})
    return {"label": stage.label, "facets": facets, "label_value_or_threshold": stage.label_value}


def _metric(found: Disparity) -> dict[str, Any]:
    described = {"name": found.name, "description": METRICS[found.name].title}
    if isnan(found.value):
        return {**described, "value": None, "error": found.reason}
    return {**described, "value": written(found.value) if found.value in (inf, -inf) else found.value}


def read(document: Any) -> Disparities:
    """The analysis of bias that a document holds; raises `Invalid` naming the member that is wrong.

    >>> found = Disparities(None, Stage("y", "1", (FacetGroup("sex", "0", (Disparity("DI", inf),)),)))
    >>> read(write(found)) == found
    True
    """
    return Disparities(_read_stage(document, PRE), _read_stage(document, POST))


def _read_stage(document: Any, name: str) -> Stage | None:
    found = member(document, name, FILE, default={})
    if not found:
        return None
    where = f"{FILE} {name}"
    facets = member(found, "facets", where)
    groups = [
        _read_group(facet, each, f"{where}.facets.{facet}[{place}]")
        for facet in facets
        for place, each in enumerate(listed(facets, facet, f"{where}.facets"))
    ]
    value = text(found, "label_value_or_threshold", where, default="")
    return Stage(text(found, "label", where, default=""), value, tuple(groups))


def _read_group(facet: str, value: Any, where: str) -> FacetGroup:
    metrics = [
        _read_metric(each, f"{where}.metrics[{place}]") for place, each in enumerate(listed(value, "metrics", where))
    ]
    return FacetGroup(facet, text(value, "value_or_threshold", where, default=""), tuple(metrics))


def _read_metric(value: Any, where: str) -> Disparity:
    name = text(value, "name", where)
    if not given(value, "value"):
        return Disparity(name, reason=text(value, "error", where, default=""))
    return Disparity(name, number(value, "value", where))


def violations(found: Iterable[Violation]) -> dict[str, Any]:
    """The document of what broke a constraint.

    >>> broken = Violation("sex = 0: CI", "bias_drift_check", 0.3, 0.2, "Metric value 0.3 …")
    >>> violations([broken])["violations"][0]["facet_value"]
    '0'
    """
    return {"version": VERSION, "violations": [_violation(each) for each in found]}


def _violation(found: Violation) -> dict[str, Any]:
    parts = _SUBJECT.fullmatch(found.subject)
    facet, value, metric = parts.group("facet", "value", "metric") if parts else (found.subject, "", "")
    return {
        "facet": facet,
        "facet_value": value,
        "metric_name": metric,
        "constraint_check_type": found.check,
        "description": found.said,
    }


def read_violations(document: Any) -> tuple[Violation, ...]:
    """The violations of a document; value and limit are taken from the words, NaN if not told.

    >>> old = {"facet": "sex", "facet_value": "0", "metric_name": "CI", "constraint_check_type": "bias_drift_check",
    ...        "description": "Value 0.07 does not meet the constraint requirement"}
    >>> [(each.subject, each.value) for each in read_violations({"violations": [old]})]
    [('sex = 0: CI', 0.07)]
    """
    found = []
    for place, each in enumerate(listed(document, "violations", VIOLATIONS)):
        where = f"{VIOLATIONS} violations[{place}]"
        said = text(each, "description", where, default="")
        facet, value, metric = (text(each, name, where, default="") for name in ("facet", "facet_value", "metric_name"))
        check = text(each, "constraint_check_type", where)
        words = _WORDING.search(said)
        figures = [float(figure) if figure else nan for figure in words.groups()] if words else [nan, nan]
        found.append(Violation(f"{facet} = {value}: {metric}", check, figures[0], figures[1], said))
    return tuple(found)
