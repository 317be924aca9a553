"""`constraints.json`: what is expected of a data set, edited by hand or made by a baseline, read and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driftline.documents.members import given, listed, member, number, text, unmistaken
from driftline.errors import Invalid
from driftline.monitors.constraints import DEFAULTS, ColumnConstraints, Config, Constraints

FILE = "constraints.json"
OVERRIDES = ("monitoringConfigOverrides", "monitoring_config_overrides")
"""SageMaker's documentation spells it the first way, its SDK the second, inside `string_constraints`."""

KINDS = ("Integral", "Fractional", "String", "Unknown")
METHODS = ("Robust", "Simple")
DRIFT_METHODS = ("LInfinity", "ChiSquared")

_SWITCHES = {
    "evaluate_constraints",
    "emit_metrics",
    "datatype_check_threshold",
    "domain_content_threshold",
    "distribution_constraints",
}
_COMPARISON = {
    "perform_comparison",
    "comparison_threshold",
    "comparison_method",
    "categorical_comparison_threshold",
    "categorical_drift_method",
}
_KNOWN = {"name", "inferred_type", "completeness", "num_constraints", "string_constraints", *OVERRIDES}


def write(constraints: Constraints) -> dict[str, Any]:
    """The document, its members in SageMaker's order."""
    return {
        "version": 0.0,
        "features": [_feature(column) for column in constraints.columns],
        "monitoring_config": _config(DEFAULTS.under(constraints.config)),
    }


def _feature(column: ColumnConstraints) -> dict[str, Any]:
    found: dict[str, Any] = {"name": column.name, "inferred_type": column.inferred_type}
    if column.completeness is not None:
        found["completeness"] = column.completeness
    if column.is_non_negative is not None:
        found["num_constraints"] = {"is_non_negative": column.is_non_negative}
    if column.domains is not None:
        found["string_constraints"] = {"domains": list(column.domains)}
    if column.override is not None:
        found[OVERRIDES[0]] = _config(column.override)
    return {**found, **column.rest}


def _config(config: Config) -> dict[str, Any]:
    def switch(value: bool | None) -> str | None:
        return None if value is None else "Enabled" if value else "Disabled"

    found = {
        "evaluate_constraints": switch(config.evaluate_constraints),
        "emit_metrics": switch(config.emit_metrics),
        "datatype_check_threshold": config.datatype_check_threshold,
        "domain_content_threshold": config.domain_content_threshold,
    }
    drift = {
        "perform_comparison": switch(config.perform_comparison),
        "comparison_threshold": config.comparison_threshold,
        "comparison_method": config.comparison_method,
        "categorical_comparison_threshold": config.categorical_comparison_threshold,
        "categorical_drift_method": config.categorical_drift_method,
    }
    members = {name: value for name, value in found.items() if value is not None}
    compared = {name: value for name, value in drift.items() if value is not None}
    return {**members, "distribution_constraints": compared} if compared else members


def read(document: Any) -> Constraints:
    """The constraints of a document. What is not given takes SageMaker's default.

    Raises `Invalid` naming the member that is wrong and what would be right.
    """
    features = listed(document, "features", FILE)
    columns = tuple(_read_feature(feature, f"{FILE} features[{place}]") for place, feature in enumerate(features))
    names = [column.name for column in columns]
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise Invalid(what=f"{FILE} features", got=twice, expected="each name once", remedy="Remove one of the two.")
    config = member(document, "monitoring_config", FILE, default={})
    return Constraints(columns, DEFAULTS.under(_read_config(config, f"{FILE} monitoring_config")))


def _read_feature(feature: Any, where: str) -> ColumnConstraints:
    name = text(feature, "name", where)
    kind = text(feature, "inferred_type", where, default="Unknown")
    if kind not in KINDS:
        raise Invalid(what=f"{where}.inferred_type", got=kind, expected=f"one of {', '.join(KINDS)}")
    numeric = member(feature, "num_constraints", where, default={})
    texts = member(feature, "string_constraints", where, default={})
    domains = listed(texts, "domains", f"{where}.string_constraints") if given(texts, "domains") else None
    overrides = [
        place[spelling] for place in (feature, numeric, texts) for spelling in OVERRIDES if given(place, spelling)
    ]
    unmistaken(feature, _KNOWN, where)
    unmistaken(numeric, {"is_non_negative", *OVERRIDES}, f"{where}.num_constraints")
    unmistaken(texts, {"domains", *OVERRIDES}, f"{where}.string_constraints")
    return ColumnConstraints(
        name,
        kind,
        completeness=number(feature, "completeness", where, low=0, high=1) if given(feature, "completeness") else None,
        is_non_negative=_flag(numeric, "is_non_negative", f"{where}.num_constraints"),
        domains=None if domains is None else tuple(map(_domain, domains)),
        override=_read_config(overrides[0], f"{where}.{OVERRIDES[0]}") if overrides else None,
        rest={member_name: value for member_name, value in feature.items() if member_name not in _KNOWN},
    )


def _domain(value: Any) -> str:
    """A category as text: hand-edited files hold numbers and booleans too."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _flag(value: Mapping[str, Any], name: str, where: str) -> bool | None:
    found = value.get(name)
    if found is not None and not isinstance(found, bool):
        raise Invalid(what=f"{where}.{name}", got=found, expected="true or false", remedy="Mend the file.")
    return found


def _read_config(config: Any, where: str) -> Config:
    drift = member(config, "distribution_constraints", where, default={})
    below = f"{where}.distribution_constraints"
    unmistaken(config, _SWITCHES, where)
    unmistaken(drift, _COMPARISON, below)

    def share(name: str) -> float | None:
        return number(config, name, where, low=0, high=1) if given(config, name) else None

    def distance(name: str) -> float | None:
        return number(drift, name, below, low=0) if given(drift, name) else None

    return Config(
        evaluate_constraints=_switch(config, "evaluate_constraints", where),
        emit_metrics=_switch(config, "emit_metrics", where),
        datatype_check_threshold=share("datatype_check_threshold"),
        domain_content_threshold=share("domain_content_threshold"),
        perform_comparison=_switch(drift, "perform_comparison", below),
        comparison_threshold=distance("comparison_threshold"),
        comparison_method=_choice(drift, "comparison_method", METHODS, below),
        categorical_comparison_threshold=distance("categorical_comparison_threshold"),
        categorical_drift_method=_choice(drift, "categorical_drift_method", DRIFT_METHODS, below),
    )


def _switch(config: Mapping[str, Any], name: str, where: str) -> bool | None:
    found = config.get(name)
    if isinstance(found, str):
        found = {"enabled": True, "disabled": False}.get(found.lower(), found)
    if found is not None and not isinstance(found, bool):
        raise Invalid(what=f"{where}.{name}", got=found, expected="Enabled or Disabled", remedy="Mend the file.")
    return found


_SPELLINGS = {"linf_robust": "Robust", "linf_simple": "Simple", "linf": "LInfinity", "chi_squared": "ChiSquared"}


def _choice(config: Mapping[str, Any], name: str, choices: tuple[str, ...], where: str) -> str | None:
    found = config.get(name)
    if found is None:
        return None
    wanted = str(_SPELLINGS.get(str(found).lower(), found)).lower()
    for choice in choices:
        if choice.lower() == wanted:
            return choice
    raise Invalid(what=f"{where}.{name}", got=found, expected=" or ".join(choices), remedy="Mend the file.")
