"""`analysis.json`, the part about explanations, which is also what an explainability monitor's baseline holds.

Its violations and the tables of local attributions beside it are here too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import isnan, nan
from typing import Any

import pyarrow as pa

from driftline.documents.analysis import FILE, VERSION, VIOLATIONS
from driftline.documents.members import listed, member, number, text
from driftline.errors import Invalid
from driftline.monitors.attributions import Attributed, Attributions
from driftline.monitors.explainability import CHECK
from driftline.monitors.verdict import Violation
from driftline.profile.attribution import local_name

LOCAL, BACKGROUND = "explanations_shap/out.csv", "explanations_shap/baseline.csv"
"""Where local attributions and the rows of the background are kept, beneath the folder of `analysis.json`."""

_EXPLANATIONS, _GLOBAL, _EXPECTED = "explanations", "global_shap_values", "expected_value"
_METRIC = "shap"
_NUMBER = r"-?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
_DRIFT = re.compile(rf"(?:drift|distance:?) (?P<value>{_NUMBER}) exceeds threshold:? (?P<limit>{_NUMBER})")


def explanations_part(found: Attributions) -> dict[str, Any]:
    """The member of the document that is about explanations; what is not defined is null.

    >>> explanations_part(Attributions((Attributed("label0", {"age": 0.5}, 0.25),)))["explanations"]["kernel_shap"]
    {'label0': {'global_shap_values': {'age': 0.5}, 'expected_value': 0.25}}
    """
    labels = {
        each.label: {
            _GLOBAL: {name: _written(value) for name, value in each.values.items()},
            _EXPECTED: _written(each.expected),
        }
        for each in found.labels
    }
    return {_EXPLANATIONS: {found.method: labels}}


def write(found: Attributions) -> dict[str, Any]:
    """The document of explanations alone."""
    return {"version": VERSION, **explanations_part(found)}


def _written(value: float) -> float | None:
    return None if isnan(value) else value


def read(document: Any) -> Attributions:
    """The global attributions that a document holds; raises `Invalid` naming the member that is wrong.

    >>> found = Attributions((Attributed("label0", {"age": 0.5}, 0.25),))
    >>> read(write(found)) == found
    True
    """
    methods = member(document, _EXPLANATIONS, FILE)
    if len(methods) != 1:
        remedy = "Is this of an explainability monitor?"
        raise Invalid(what=f"{FILE}.{_EXPLANATIONS}", got=list(methods), expected="one method", remedy=remedy)
    method = next(iter(methods))
    where = f"{FILE}.{_EXPLANATIONS}.{method}"
    labels = member(methods, method, f"{FILE}.{_EXPLANATIONS}")
    return Attributions(tuple(_read_label(labels, label, where) for label in labels), method)


def _read_label(labels: Mapping[str, Any], label: str, where: str) -> Attributed:
    found, place = member(labels, label, where), f"{where}.{label}"
    values = member(found, _GLOBAL, place)
    read = {name: _read_value(values, name, f"{place}.{_GLOBAL}") for name in values}
    return Attributed(label, read, _read_value(found, _EXPECTED, place))


def _read_value(value: Mapping[str, Any], name: str, where: str) -> float:
    return nan if value.get(name) is None else number(value, name, where)


def violations(found: Iterable[Violation]) -> dict[str, Any]:
    """The document of what broke a constraint; a moved distribution names its feature, as data quality does.

    >>> said = "Feature attribution drift 0.7639 exceeds threshold 0.9"
    >>> violations([Violation("label0", CHECK, 0.7639, 0.9, said)])["violations"][0]["metric_name"]
    'shap'
    """
    return {"version": VERSION, "violations": [_violation(each) for each in found]}


def _violation(found: Violation) -> dict[str, Any]:
    subject = {"label": found.subject, "metric_name": _METRIC} if found.check == CHECK else {}
    subject = subject or {"feature_name": found.subject, "metric_name": "attribution_value_drift"}
    return {**subject, "constraint_check_type": found.check, "description": found.said}


def read_violations(document: Any) -> tuple[Violation, ...]:
    """The violations of a document; value and limit are taken from the words, NaN if not told.

    >>> entry = {"label": "label0", "metric_name": "shap", "constraint_check_type": CHECK,
    ...          "description": "Feature attribution drift 0.7639 exceeds threshold 0.9"}
    >>> [(each.subject, each.value, each.limit) for each in read_violations({"violations": [entry]})]
    [('label0', 0.7639, 0.9)]
    """
    found = []
    for place, each in enumerate(listed(document, "violations", VIOLATIONS)):
        where = f"{VIOLATIONS} violations[{place}]"
        said = text(each, "description", where, default="")
        subject = text(each, "label", where, default="") or text(each, "feature_name", where)
        words = _DRIFT.search(said)
        value, limit = (float(words["value"]), float(words["limit"])) if words else (nan, nan)
        found.append(Violation(subject, text(each, "constraint_check_type", where), value, limit, said))
    return tuple(found)


def local_table(batch: pa.RecordBatch, labels: Iterable[str], features: Iterable[str]) -> pa.RecordBatch:
    """The local attributions of a batch under the names that SageMaker gives them, `{feature}_{label}`.

    >>> local_table(pa.record_batch({"label0/age": [0.5]}), ["label0"], ["age"]).schema.names
    ['age_label0']
    """
    names = {local_name(label, feature): f"{feature}_{label}" for label in labels for feature in features}
    return pa.RecordBatch.from_arrays([batch.column(name) for name in names], names=list(names.values()))
