"""What each member of an `analysis_config.json` may be: the rules of SageMaker's SDK, as tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from driftline.documents.members import unmistaken
from driftline.errors import Invalid
from driftline.metrics.bias_post import POST
from driftline.metrics.bias_pre import PRE

FILE = "analysis_config.json"
JSON_TYPES = ("application/jsonlines", "application/json", "application/sagemakercapturejson")
DATASET_TYPES = ("text/csv", *JSON_TYPES, "application/x-parquet", "application/x-image")
AGGREGATIONS = ("mean_abs", "median", "mean_sq")


@dataclass(frozen=True)
class Rule:
    """What a member may be, and how that is said."""

    expected: str
    accepts: Callable[[Any], bool]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_value(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _list_of(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(accepts, value))


def _word(*words: str) -> Rule:
    said = words[0] if len(words) == 1 else f"one of {', '.join(words)}"
    return Rule(said, lambda value: isinstance(value, str) and value.lower() in words)


_TEXT = Rule("a text", lambda value: isinstance(value, str))
_NAME = Rule("a column's name or place", _is_name)
_NAMES = Rule("a list of columns' names or places", _list_of(_is_name))
_TEXTS = Rule("a list of texts", _list_of(lambda value: isinstance(value, str)))
_OBJECT = Rule("an object", lambda value: isinstance(value, Mapping))
_SWITCH = Rule("true or false", lambda value: isinstance(value, bool))
_WHOLE = Rule("a whole number from 1", lambda value: _is_number(value) and float(value).is_integer() and value >= 1)
_SEED = Rule("a whole number", lambda value: _is_number(value) and float(value).is_integer())
_VALUES = Rule("a list of values, or of one threshold", lambda v: _is_value(v) or (bool(v) and _list_of(_is_value)(v)))
_LISTED = Rule("a list of objects", _list_of(lambda value: isinstance(value, Mapping)))
_METRICS = Rule('"all" or a list of metrics', lambda value: value == "all" or _TEXTS.accepts(value))

MEMBERS = {
    "version": Rule('"1.0"', lambda value: str(value) == "1.0"),
    "dataset_type": _word(*DATASET_TYPES),
    "dataset_uri": _TEXT,
    "headers": _TEXTS,
    "label": _NAME,
    "predicted_label": _NAME,
    "features": _TEXT,
    "label_values_or_threshold": _VALUES,
    "probability_threshold": Rule("a number in [0, 1]", lambda value: _is_number(value) and 0 <= value <= 1),
    "segment_config": _LISTED,
    "facet": Rule("a list of objects", lambda value: isinstance(value, Mapping) or _LISTED.accepts(value)),
    "facet_dataset_uri": _TEXT,
    "facet_headers": _TEXTS,
    "predicted_label_dataset_uri": _TEXT,
    "predicted_label_headers": _TEXTS,
    "excluded_columns": _NAMES,
    "joinsource_name_or_index": _NAME,
    "group_variable": _NAME,
    "time_series_data_config": _OBJECT,
    "methods": _OBJECT,
    "predictor": _OBJECT,
}
FACET = {
    "name_or_index": Rule("a column's name or place", lambda value: _is_name(value) or _NAMES.accepts(value)),
    "value_or_threshold": Rule(
        "a list of values, or of one threshold",
        lambda v: _is_value(v) or (isinstance(v, list) and all(_is_value(e) or _list_of(_is_value)(e) for e in v)),
    ),
}
_METHODS = {
    "pre_training_bias": {"methods": _METRICS},
    "post_training_bias": {"methods": _METRICS},
    "shap": {
        "baseline": Rule("a URI, a list of rows or an object", lambda value: isinstance(value, str | list | Mapping)),
        "num_clusters": _WHOLE,
        "num_samples": _WHOLE,
        "use_logit": _SWITCH,
        "agg_method": _word(*AGGREGATIONS),
        "save_local_shap_values": _SWITCH,
        "seed": _SEED,
        "features_to_explain": _NAMES,
        "text_config": _OBJECT,
        "image_config": _OBJECT,
    },
    "report": {"name": _TEXT, "title": _TEXT},
    "pdp": {"grid_resolution": _WHOLE, "features": _NAMES, "top_k_features": _WHOLE},
    "asymmetric_shapley_value": {},
}
PREDICTOR = {
    **dict.fromkeys(("endpoint_name", "endpoint_name_prefix", "model_name", "target_model", "instance_type"), _TEXT),
    **dict.fromkeys(("accelerator_type", "record_template", "custom_attributes"), _TEXT),
    "initial_instance_count": _WHOLE,
    "content_type": _word(*DATASET_TYPES[:3], "image/jpeg", "image/png", "application/x-npy"),
    "accept_type": _word(*DATASET_TYPES[:3]),
    "label": _NAME,
    "probability": _NAME,
    "label_headers": _NAMES,
    "content_template": Rule("a text or an object", lambda value: isinstance(value, str | Mapping)),
    "time_series_predictor_config": _OBJECT,
}


def check(value: Any, rules: Mapping[str, Rule], where: str) -> None:
    """Raises `Invalid` for a member that is not what it may be, or misspelt; null is as good as none."""
    unmistaken(value, rules, where)
    for name, rule in rules.items():
        if value.get(name) is not None and not rule.accepts(value[name]):
            raise Invalid(what=f"{where}.{name}", got=value[name], expected=rule.expected, remedy="Mend the file.")


def check_methods(methods: Mapping[str, Any]) -> None:
    """Raises `Invalid` for a method with a member that is not what it may be, or a metric that does not exist."""
    unmistaken(methods, _METHODS, f"{FILE}.methods")
    for name, rules in _METHODS.items():
        where, found = f"{FILE}.methods.{name}", methods.get(name)
        if found is None:
            continue
        if not isinstance(found, Mapping):
            raise Invalid(what=where, got=found, expected="an object", remedy="Mend the file.")
        check(found, rules, where)
        if name.endswith("_bias"):
            _check_metrics(found.get("methods"), PRE if name.startswith("pre") else POST, f"{where}.methods")


def _check_metrics(chosen: Any, known: Collection[str], where: str) -> None:
    if chosen is None:
        raise Invalid(what=where, got=None, expected=_METRICS.expected, remedy="Add it.")
    for name in chosen if isinstance(chosen, list) else ():
        if name not in known:
            raise Invalid(what=where, got=name, expected=f"one of {', '.join(known)}", remedy="Mend the file.")
