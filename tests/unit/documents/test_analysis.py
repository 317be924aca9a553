"""`analysis.json` and `analysis_config.json`: what is written is read, what is wrong is named (BI-01, BL-08, FL-07)."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf, isnan, nan
from typing import Any

import pytest

from driftline.documents import analysis
from driftline.documents.analysis_config import AnalysisConfig, bias, read
from driftline.errors import Invalid
from driftline.metrics.bias_post import POST
from driftline.metrics.bias_pre import PRE
from driftline.monitors.disparities import Disparities, Disparity, FacetGroup, Stage
from driftline.monitors.facets import Facet
from driftline.monitors.verdict import Violation

FOUND = Disparities(
    Stage("y", "1", (FacetGroup("sex", "0", (Disparity("CI", 0.25), Disparity("KL", nan, "no label is positive"))),)),
    Stage(
        "y",
        "1",
        (
            FacetGroup("sex", "0", (Disparity("DI", inf), Disparity("TE", -inf), Disparity("AD", 0.1))),
            FacetGroup("sex", "1", (Disparity("DI", 0.0),)),
            FacetGroup("age", "(30, 90]", (Disparity("DI", 0.5),)),
        ),
    ),
)

WHOLE: dict[str, Any] = {
    "version": "1.0",
    "dataset_type": "text/csv",
    "headers": ["age", "sex", "income", "target"],
    "label": 3,
    "predicted_label": "income",
    "label_values_or_threshold": [1],
    "probability_threshold": 0.7,
    "facet": [{"name_or_index": 1, "value_or_threshold": [0]}, {"name_or_index": "age", "value_or_threshold": [30]}],
    "group_variable": "age",
    "methods": {
        "pre_training_bias": {"methods": "all"},
        "post_training_bias": {"methods": ["DI", "AD"]},
        "shap": {"baseline": [[40, 52000.5, "a", None]], "num_samples": 100, "agg_method": "mean_abs", "seed": 0},
        "report": {"name": "report", "title": "Analysis Report"},
    },
    "predictor": {
        "model_name": "m1",
        "instance_type": "ml.m5.xlarge",
        "initial_instance_count": 1,
        "content_type": "text/csv",
        "label_headers": ["bad", "good"],
    },
}


def test_what_is_not_a_finite_number() -> None:
    """FL-10: infinite values are texts, undefined ones null with the reason as error; metrics are sorted."""
    document = json.loads(analysis.dumps(analysis.write(FOUND)))
    first, _ = document["post_training_bias_metrics"]["facets"]["sex"]
    assert [(each["name"], each["value"]) for each in first["metrics"]] == [
        ("AD", 0.1),
        ("DI", "Infinity"),
        ("TE", "-Infinity"),
    ]
    kl = document["pre_training_bias_metrics"]["facets"]["sex"][0]["metrics"][1]
    assert (kl["value"], kl["error"]) == (None, "no label is positive")
    assert list(document["post_training_bias_metrics"]["facets"]) == ["sex", "age"]


def test_the_document_is_read_as_it_was() -> None:
    """BL-08: a baseline's analysis.json is the constraints."""
    again = analysis.read(json.loads(analysis.dumps(analysis.write(FOUND))))
    assert analysis.write(again) == analysis.write(FOUND)
    assert again.post is not None and again.pre is not None
    assert again.post.keyed["age", "(30"].named["DI"].value == 0.5
    assert isnan(again.pre.groups[0].named["KL"].value)
    assert analysis.read({"version": "1.0", "explanations": {}}) == Disparities()


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "analysis.json: got"),
        ({"pre_training_bias_metrics": {"label": "y"}}, "no member 'facets'"),
        ({"pre_training_bias_metrics": {"facets": {"s": {}}}}, r"facets\.s: got .*expected a list"),
        ({"pre_training_bias_metrics": {"facets": {"s": [{}]}}}, r"facets\.s\[0\]: got \"no member 'metrics'\""),
        (
            {"pre_training_bias_metrics": {"facets": {"s": [{"metrics": [{"name": "CI", "value": "x"}]}]}}},
            r"metrics\[0\]\.value: got 'x', expected a number",
        ),
    ],
)
def test_what_is_wrong_in_the_document_is_named(document: Any, said: str) -> None:
    """A document edited by hand: the message has the path of the member."""
    with pytest.raises(Invalid, match=said):
        analysis.read(document)


@pytest.mark.parametrize(
    ("subject", "parts"),
    [
        ("sex = 0: CI", ("sex", "0", "CI")),
        ("a & b = x & (0.5, 1.0]: KL", ("a & b", "x & (0.5, 1.0]", "KL")),
        ("when: = 10:30: FT", ("when:", "10:30", "FT")),
    ],
)
def test_violations_are_read_as_they_were(subject: str, parts: tuple[str, str, str]) -> None:
    """FL-07: facet, value and metric stand apart in the document, whatever is in their names."""
    said = "Metric value Infinity doesn't meet the baseline constraint requirement 2.5e-06"
    violation = Violation(subject, "bias_drift_check", inf, 2.5e-06, said)
    document = analysis.violations([violation])
    [found] = document["violations"]
    assert (found["facet"], found["facet_value"], found["metric_name"]) == parts
    assert document["version"] == "1.0"
    assert analysis.read_violations(document) == (violation,)


def test_a_whole_configuration() -> None:
    """BI-01, BL-08: every member that the SDK writes."""
    config = read(WHOLE)
    assert config.facets == (Facet.of("sex", 0), Facet.of("age", 30))
    assert (config.label_column, config.column(config.predicted_label)) == ("target", "income")
    assert config.metrics("pre_training_bias") == PRE
    assert config.metrics("post_training_bias") == ("AD", "DI")
    assert config.methods["shap"]["num_samples"] == 100
    assert config.predictor["model_name"] == "m1"
    monitor = bias(config)
    assert (monitor.ground_truth_attribute, monitor.inference_attribute) == ("target", "income")
    assert (monitor.group_variable, monitor.probability_threshold) == ("age", 0.7)
    assert monitor.compatible and monitor.classes == ("bad", "good")


def test_a_monitors_configuration() -> None:
    """BI-01: no methods asks for all; attributes of the job definition come first."""
    monitor_config = {name: WHOLE[name] for name in ("headers", "label", "label_values_or_threshold", "facet")}
    monitor = bias(read(monitor_config), probability="0", threshold=0.8, label="groundTruthData")
    assert (monitor.pre_training, monitor.post_training) == (PRE, POST)
    assert (monitor.inference_attribute, monitor.probability_attribute) == (None, "0")
    assert (monitor.probability_threshold, monitor.ground_truth_attribute) == (0.8, "groundTruthData")


def test_labels_of_json_lines_are_paths() -> None:
    """BI-01: in JSON the last header names what the path of the label leads to."""
    lines = {"dataset_type": "application/jsonlines", "headers": ["age", "target"], "label": "labels.y"}
    assert read(lines).label_column == "target"
    assert replace(read(lines), headers=None).label_column == "labels.y"
    assert AnalysisConfig(label="age", headers=("age", "target"), dataset_type="text/csv").label_column == "age"


def test_combinations_of_facets() -> None:
    """BI-03: beyond Clarify, a list of columns makes one facet."""
    facet = {"name_or_index": ["sex", 0], "value_or_threshold": [[1], [30]]}
    assert read({**WHOLE, "facet": [facet]}).facets == (Facet(("sex", "age"), ((1,), (30,))),)
    assert read({**WHOLE, "facet": {"name_or_index": ["sex", 0]}}).facets == (Facet(("sex", "age")),)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dataset_type": "text/xml"}, "analysis_config.json.dataset_type: got 'text/xml', expected one of text/csv"),
        ({"headers": "age"}, "headers: got 'age', expected a list of texts"),
        ({"label": 1.5}, "label: got 1.5, expected a column's name or place"),
        ({"label": True}, "label: got True"),
        ({"label_values_or_threshold": []}, "label_values_or_threshold: got"),
        ({"probability_threshold": 7}, "probability_threshold: got 7, expected a number in"),
        ({"facet": ["sex"]}, "facet: got .*expected a list of objects"),
        ({"facet": [{"value_or_threshold": [1]}]}, r"facet\[0\]: got 'no name_or_index'"),
        ({"facet": [{"name_or_index": "s", "values_or_threshold": [1]}]}, "expected value_or_threshold. Mend"),
        ({"facet": [{"name_or_index": "s", "value_or_threshold": [None]}]}, r"facet\[0\].value_or_threshold: got"),
        ({"facet": [{"name_or_index": ["s", "t"], "value_or_threshold": [1]}]}, "a list for each column"),
        ({"methods": {"pre_training_bias": {"methods": ["XX"]}}}, "got 'XX', expected one of CDDL, CI"),
        ({"methods": {"pre_training_bias": {}}}, "pre_training_bias.methods: got None"),
        ({"methods": {"shap": {"num_samples": 0}}}, "shap.num_samples: got 0, expected a whole number from 1"),
        ({"methods": {"shap": {"num_samples": inf}}}, "shap.num_samples: got inf"),
        ({"methods": {"shap": {"agg_method": "max"}}}, "agg_method: got 'max', expected one of mean_abs"),
        ({"methods": {"shap": []}}, "methods.shap: got"),
        ({"predictor": {"content_type": "text/plain"}}, "predictor.content_type: got 'text/plain'"),
        ({"predictor": {"initial_instance_count": "1"}}, "initial_instance_count: got '1'"),
        ({"version": "2.0"}, "version: got '2.0'"),
        ({"methods": 1}, "methods: got 1, expected an object"),
    ],
)
def test_what_is_wrong_in_the_configuration_is_named(change: dict[str, Any], said: str) -> None:
    """BI-01: the message has the member, what it is and what it may be."""
    with pytest.raises(Invalid, match=said):
        read({**WHOLE, **change})


def test_a_bias_monitor_needs_facets_and_positive_labels() -> None:
    """BI-01: a configuration of explanations alone has no bias."""
    with pytest.raises(Invalid, match="facet: got 'nothing'"):
        bias(read({"methods": {"shap": {}}}))
    with pytest.raises(Invalid, match="label_values_or_threshold: got 'nothing'"):
        bias(read({"facet": [{"name_or_index": "s"}], "label": "y"}))
    with pytest.raises(Invalid, match="Is this the right file"):
        read([])
