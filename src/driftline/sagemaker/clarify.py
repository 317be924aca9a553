"""What bias and explainability monitors are told: facets, labels, models, SHAP."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = [
    "BiasAnalysisConfig",
    "BiasConfig",
    "ClarifyShapBaselineConfig",
    "DataConfig",
    "ExplainabilityAnalysisConfig",
    "ModelConfig",
    "ModelPredictedLabelConfig",
    "SHAPConfig",
]


@dataclass
class DataConfig:
    """The data of a baseline: where it is and where the analysis goes, and what its columns are."""

    s3_data_input_path: str
    s3_output_path: str
    s3_analysis_config_output_path: str | None = None
    label: str | None = None
    headers: Sequence[str] | None = None
    features: str | None = None
    dataset_type: str = "text/csv"
    predicted_label: str | int | None = None
    excluded_columns: Sequence[str] | Sequence[int] | None = None

    def get_config(self) -> dict[str, Any]:
        """Its part of an analysis configuration."""
        kept = asdict(self)
        for place in ("s3_data_input_path", "s3_output_path", "s3_analysis_config_output_path"):
            del kept[place]
        return given(kept)


@dataclass
class BiasConfig:
    """The wanted answers, and the groups that are compared: one facet, or a list of them and a list of their values."""

    label_values_or_threshold: Sequence[int | float | str]
    facet_name: str | int | Sequence[str] | Sequence[int]
    facet_values_or_threshold: Any = None
    group_name: str | None = None

    def get_config(self) -> dict[str, Any]:
        """Its part of an analysis configuration."""
        is_many = isinstance(self.facet_name, list | tuple)
        names: Sequence[Any] = self.facet_name if is_many else [self.facet_name]  # type: ignore[assignment]
        values = self.facet_values_or_threshold if is_many else [self.facet_values_or_threshold]
        values = [None] * len(names) if values is None else values
        if len(values) != len(names):
            raise ValueError("The number of facet names doesn't match the number of facet values")
        facets = [
            given({"name_or_index": name, "value_or_threshold": value})
            for name, value in zip(names, values, strict=True)
        ]
        found = {"label_values_or_threshold": list(self.label_values_or_threshold), "facet": facets}
        return given({**found, "group_variable": self.group_name})


@dataclass
class ModelConfig:
    """The model that answers while an analysis runs."""

    model_name: str | None = None
    instance_count: int | None = None
    instance_type: str | None = None
    accept_type: str | None = None
    content_type: str | None = None
    content_template: str | None = None
    record_template: str | None = None
    custom_attributes: str | None = None
    accelerator_type: str | None = None
    endpoint_name_prefix: str | None = None
    target_model: str | None = None
    endpoint_name: str | None = None

    def get_predictor_config(self) -> dict[str, Any]:
        """Its part of an analysis configuration."""
        kept = asdict(self)
        kept["initial_instance_count"] = kept.pop("instance_count")
        return given(kept)


@dataclass
class ModelPredictedLabelConfig:
    """Where in the model's answer the label and its probability are."""

    label: str | int | None = None
    probability: str | int | None = None
    probability_threshold: float | None = None
    label_headers: Sequence[str] | None = None

    def get_predictor_config(self) -> tuple[float | None, dict[str, Any]]:
        """The threshold, and its part of an analysis configuration."""
        kept = {"label": self.label, "probability": self.probability, "label_headers": self.label_headers}
        return self.probability_threshold, given(kept)


@dataclass
class ClarifyShapBaselineConfig:
    """The records that SHAP compares with: as text of a MIME type, or a URI.

    >>> ClarifyShapBaselineConfig(mime_type="text/csv", shap_baseline="0.5,0.3,a").rows()
    [[0.5, 0.3, 'a']]
    """

    mime_type: str = "text/csv"
    shap_baseline: str | None = None
    shap_baseline_uri: str | None = None

    def rows(self) -> list[Any] | str | None:
        """The records as an analysis configuration has them."""
        if self.shap_baseline is None:
            return self.shap_baseline_uri
        if "csv" in self.mime_type:
            return [[_number(value) for value in row] for row in csv.reader(io.StringIO(self.shap_baseline)) if row]
        if "lines" in self.mime_type:
            return [json.loads(line) for line in self.shap_baseline.splitlines() if line.strip()]
        found = json.loads(self.shap_baseline)
        return found if isinstance(found, list) else [found]


@dataclass
class SHAPConfig:
    """How SHAP values are computed."""

    baseline: Any = None
    num_samples: int | None = None
    agg_method: str | None = None
    use_logit: bool = False
    save_local_shap_values: bool = True
    seed: int | None = None
    num_clusters: int | None = None
    features_to_explain: Sequence[str | int] | None = None

    def get_explainability_config(self) -> dict[str, Any]:
        """Its part of an analysis configuration."""
        if self.agg_method not in (None, "mean_abs", "median", "mean_sq"):
            raise ValueError(f"agg_method: got {self.agg_method!r}, expected mean_abs, median or mean_sq.")
        rows = self.baseline.rows() if isinstance(self.baseline, ClarifyShapBaselineConfig) else self.baseline
        return {"shap": given({**vars(self), "baseline": rows})}


@dataclass
class BiasAnalysisConfig:
    """What a bias monitor compares: a `BiasConfig` with the columns' names, or the same said directly."""

    bias_config: Any = None
    headers: Sequence[str] | None = None
    label: str | None = None
    label_values_or_threshold: Sequence[int | float | str] | None = None
    facet_name: Any = None
    facet_values_or_threshold: Any = None
    predicted_label_name: str | None = None
    group_name: str | None = None

    def __post_init__(self) -> None:
        """Raises `ValueError` if neither form is complete."""
        if self.bias_config is None:
            if self.label_values_or_threshold is None or self.facet_name is None:
                raise ValueError("Give bias_config, or label_values_or_threshold and facet_name.")
            self.bias_config = BiasConfig(
                self.label_values_or_threshold, self.facet_name, self.facet_values_or_threshold, self.group_name
            )

    def _to_dict(self) -> dict[str, Any]:
        return given({**self.bias_config.get_config(), "headers": self.headers, "label": self.label})


@dataclass
class ExplainabilityAnalysisConfig:
    """How an explainability monitor explains, and which model: configurations, or mappings of their members."""

    explainability_config: Any
    model_config: Any
    headers: Sequence[str] | None = None
    label_headers: Sequence[str] | None = None
    methods: Mapping[str, Any] = field(init=False)
    predictor: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        """Turn both into their parts of an analysis configuration."""
        explained, model = self.explainability_config, self.model_config
        self.methods = dict(explained) if isinstance(explained, Mapping) else explained.get_explainability_config()
        predictor = dict(model) if isinstance(model, Mapping) else model.get_predictor_config()
        self.predictor = given({**predictor, "label_headers": self.label_headers or predictor.get("label_headers")})

    def _to_dict(self) -> dict[str, Any]:
        return given({"methods": dict(self.methods), "predictor": dict(self.predictor), "headers": self.headers})


def given(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that are not None.

    >>> given({"label": "y", "headers": None})
    {'label': 'y'}
    """
    return {name: value for name, value in members.items() if value is not None}


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text.strip()
