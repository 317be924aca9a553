"""Thresholds that take the place of those a baseline suggests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from driftline.errors import Invalid
from driftline.metrics.metric import METRICS
from driftline.monitors.constraints import Config, Constraints
from driftline.monitors.disparities import Disparities, Stage
from driftline.monitors.foresight import PREFIX
from driftline.monitors.quality import NAMED_AT, Limit, QualityConstraints, operator_of

_MEMBERS = tuple(each.name for each in fields(Config))


def adjusted(constraints: Any, thresholds: Mapping[str, Any]) -> Any:
    """The constraints with these thresholds.

    Of data quality the names are members of the configuration (`comparison_threshold`, ...), or columns with such
    members of their own. Of model quality they are metrics, estimated ones included (`estimated_f1`), of bias the
    metrics of all groups. Raises `Invalid` for a name that is none, and for explainability, whose threshold is a
    setting.

    >>> adjusted(QualityConstraints("Regression"), {"mae": 2}).limits
    (Limit(metric='mae', threshold=2.0, operator='GreaterThanThreshold'),)
    """
    if not thresholds:
        return constraints
    if isinstance(constraints, Constraints):
        return _of_columns(constraints, thresholds)
    if isinstance(constraints, QualityConstraints):
        return _of_quality(constraints, thresholds)
    if isinstance(constraints, Disparities):
        return Disparities(_of_stage(constraints.pre, thresholds), _of_stage(constraints.post, thresholds))
    remedy = "Set threshold among the settings."
    raise Invalid(what="thresholds of explainability", got=sorted(thresholds), expected="none", remedy=remedy)


def _of_columns(constraints: Constraints, thresholds: Mapping[str, Any]) -> Constraints:
    own = {name: value for name, value in thresholds.items() if not isinstance(value, Mapping)}
    each = {name: value for name, value in thresholds.items() if isinstance(value, Mapping)}
    for name in (name for names in (own, *each.values()) for name in names if name not in _MEMBERS):
        raise Invalid(what="threshold", got=name, expected=f"one of {', '.join(_MEMBERS)}, or a column with them")
    for name in (name for name in each if name not in constraints.names):
        raise Invalid(what="threshold", got=name, expected=f"a column such as {', '.join(constraints.names[:8])}")
    columns = tuple(
        replace(column, override=(column.override or Config()).under(_config(each[column.name])))
        if column.name in each
        else column
        for column in constraints.columns
    )
    return replace(constraints, columns=columns, config=constraints.config.under(_config(own)))


def _config(given: Mapping[str, Any]) -> Config:
    try:
        return TypeAdapter(Config).validate_python(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise Invalid(what=f"threshold {name}", got=first["input"], expected=first["msg"]) from error


def _of_quality(constraints: QualityConstraints, thresholds: Mapping[str, Any]) -> QualityConstraints:
    limits = {each.metric: each for each in constraints.limits}
    for name, value in thresholds.items():
        metric = name.removeprefix(PREFIX)
        if metric.partition(NAMED_AT)[0] not in METRICS:
            raise Invalid(what="threshold", got=name, expected=f"a metric such as {', '.join(list(limits)[:8])}")
        limits[name] = Limit(name, _number(name, value), operator_of(metric))
    return replace(constraints, limits=tuple(limits.values()))


def _of_stage(stage: Stage | None, thresholds: Mapping[str, Any]) -> Stage | None:
    if stage is None:
        return None
    groups = tuple(
        replace(
            group,
            disparities=tuple(
                replace(each, value=_number(each.name, thresholds[each.name])) if each.name in thresholds else each
                for each in group.disparities
            ),
        )
        for group in stage.groups
    )
    return replace(stage, groups=groups)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(what=f"threshold of {name}", got=value, expected="a number")
    return float(value)
