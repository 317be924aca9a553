"""SageMaker's own figures of bias, every printed digit, and a vector of our own (BI-02, BI-04, FL-07, FL-10)."""

from __future__ import annotations

import json
from math import inf

import numpy as np
import pyarrow as pa
import pytest
from examples import figures, shared

from driftline.documents import analysis
from driftline.documents.analysis_config import bias, read
from driftline.metrics.metric import METRICS
from driftline.monitors.bias import Bias
from driftline.monitors.disparities import Disparities, Disparity, FacetGroup, Stage
from driftline.monitors.facets import Facet
from driftline.monitors.monitor import Learnt
from driftline.profile import Profile

DESCRIPTIONS = """
AD Accuracy Difference (AD) · CDDPL Conditional Demographic Disparity in Predicted Labels (CDDPL) · DAR Difference in
Acceptance Rates (DAR) · DCA Difference in Conditional Acceptance (DCA) · DCR Difference in Conditional Rejection (DCR)
· DI Disparate Impact (DI) · DPPL Difference in Positive Proportions in Predicted Labels (DPPL) · DRR Difference in
Rejection Rates (DRR) · FT Flip Test (FT) · GE Generalized Entropy (GE) · RD Recall Difference (RD) · SD Specificity
Difference (SD) · TE Treatment Equality (TE) · CDDL Conditional Demographic Disparity in Labels (CDDL) · CI Class
Imbalance (CI) · DPL Difference in Positive Proportions in Labels (DPL) · JS Jensen-Shannon Divergence (JS) · KL
Kullback-Liebler Divergence (KL) · KS Kolmogorov-Smirnov Distance (KS) · LP L-p Norm (LP) · TVD Total Variation
Distance (TVD)
"""

VECTOR = """
1 1 1 a 2.0 1.0, 1 0 0 a 1.0 3.0, 1 0 1 b 3.0 2.0, 1 1 0 b 1.5 2.5, 1 1 0 a 0.5 3.5, 1 0 1 b 0.7 3.1, 1 0 1 b 2.1 1.9,
0 1 1 a 2.2 1.1, 0 1 1 a 2.8 0.9, 0 0 0 b 2.4 1.6, 0 1 0 b 1.4 2.2, 0 1 1 a 3.2 0.5, 0 0 0 b 0.9 2.9, 0 1 0 b 2.6 1.2,
0 0 1 a 1.1 2.7, 0 1 1 a 2.9 0.8
"""

EXPECTED = {
    "CI": 0.125,
    "DPL": 0.238095238,
    "KL": 0.114889668,
    "JS": 0.028894016,
    "LP": 0.336717515,
    "TVD": 0.238095238,
    "KS": 0.238095238,
    "CDDL": 0.216666667,
    "AD": 0.380952381,
    "CDDPL": 0.016666667,
    "DAR": 0.55,
    "DCA": 0.45,
    "DCR": 0.583333333,
    "DI": 1.028571429,
    "DPPL": -0.015873016,
    "DRR": -0.166666667,
    "FT": 0.428571429,
    "GE": 0.25,
    "RD": 0.333333333,
    "SD": -0.416666667,
    "TE": -1.333333333,
}


def adult() -> pa.Table:
    """The rows of SageMaker's public example with its model's predictions."""
    model = json.loads(shared("data", "aws-adult", "model.json").read_text())
    lines = shared("data", "aws-adult", "validation-dataset.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    features = np.array([row["features"] for row in rows])
    scores = 1 / (1 + np.exp(-(features @ np.array(model["weights"]) + model["bias"])))
    columns = dict(zip(model["features"], features.T.tolist(), strict=True))
    labels = [row["label"] for row in rows]
    return pa.table({**columns, "Target": labels, "predicted_label": (scores > model["threshold"]).astype(int)})


def adult_monitor() -> Bias:
    """As the example's analysis configuration has it."""
    config = figures("adult-bias.json")["config"]
    document = {
        "label": config["label"],
        "label_values_or_threshold": config["label_values_or_threshold"],
        "facet": [{"name_or_index": config["facet_name"], "value_or_threshold": config["facet_values_or_threshold"]}],
        "group_variable": config["group_name"],
    }
    return bias(read(document), inference="predicted_label")


def metrics_of(found: Disparities) -> dict[str, float]:
    """All metrics of the only group."""
    return {each.name: each.value for _, stage in found.stages for group in stage.groups for each in group.disparities}


def vector() -> pa.Table:
    """The vector, each row ten times."""
    rows = [row.split() for row in VECTOR.replace("\n", " ").split(",")] * 10
    s, y, p, g, one, two = zip(*rows, strict=True)
    numbers = {"f1": list(map(float, one)), "f2": list(map(float, two))}
    return pa.table({"s": list(map(int, s)), "y": list(map(int, y)), "p": list(map(int, p)), "g": list(g), **numbers})


def test_adult_equals_what_sagemaker_printed() -> None:
    """BI-02: all 21 metrics to the last printed digit."""
    golden, monitor = figures("adult-bias.json")["metrics"], adult_monitor()
    found = metrics_of(monitor.baseline(Profile.of(adult(), monitor.questions())))
    assert found.keys() == golden.keys()
    assert found == golden


def test_vector_equals_the_published_formulas() -> None:
    """BI-02: all 21 metrics of the vector of the formats reference, to its nine digits."""
    monitor = Bias((Facet.of("s", 1),), (1,), "y", "p", group_variable="g", features=("f1", "f2"), compatible=True)
    found = metrics_of(monitor.baseline(Profile.of(vector(), monitor.questions())))
    assert {name: round(value, 9) for name, value in found.items()} == EXPECTED


@pytest.mark.parametrize("parts", [1, 3, 7])
def test_parts_give_the_same_answer_to_the_last_digit(parts: int) -> None:
    """The analysis of merged profiles is that of the whole."""
    monitor, table = adult_monitor(), adult()
    size = -(-table.num_rows // parts)
    profiles = [Profile.of(table.slice(at, size), monitor.questions()) for at in range(0, table.num_rows, size)]
    merged = profiles[-1]
    for profile in profiles[:-1]:
        merged = merged.merge(profile)
    assert monitor.baseline(merged) == monitor.baseline(Profile.of(table, monitor.questions()))


def test_violations_have_the_published_words() -> None:
    """BI-04, FL-07: the sentence and the document, in the published wording."""
    text = figures("adult-bias.json")["violation_text"]
    start, end = text.split("0.37745519271384836")[0], text.split("0.37745519271384836")[1].split("0.2817")[0]
    monitor = Bias((Facet.of("s", 0),), (1,), "y", pre_training=("CI",))
    known = Disparities(Stage("y", "1", (FacetGroup("s", "0", (Disparity("CI", 0.25),)),)))
    table = pa.table({"s": [0, 1, 1, 1] * 40, "y": [1, 0, 0, 1] * 40})
    verdict = monitor.evaluate(Learnt(known), Profile.of(table, monitor.questions()))
    [violation] = analysis.violations(verdict.violations)["violations"]
    assert violation == {
        "facet": "s",
        "facet_value": "0",
        "metric_name": "CI",
        "constraint_check_type": "bias_drift_check",
        "description": f"{start}0.5{end}0.25",
    }
    assert analysis.read_violations({"violations": [violation]}) == verdict.violations


def test_infinite_value_has_the_published_words() -> None:
    """BI-04: an infinite live value breaks any finite baseline, in SageMaker's words."""
    text = figures("adult-bias.json")["infinite_value_text"]
    monitor = Bias((Facet.of("s", 0),), (1,), "y", "p", post_training=("TE",), pre_training=())
    # group 0 has wrong rejections only, group 1 has as many of both sorts
    table = pa.table({"s": [0, 0, 1, 1, 1, 1] * 40, "y": [1, 0, 1, 0, 1, 0] * 40, "p": [0, 0, 0, 1, 1, 0] * 40})
    limit = float(text.split()[-1])
    known = Disparities(None, Stage("y", "1", (FacetGroup("s", "0", (Disparity("TE", limit),)),)))
    [violation] = monitor.evaluate(Learnt(known), Profile.of(table, monitor.questions())).violations
    assert (violation.value, violation.said) == (inf, text)


def test_document_has_sagemakers_shape() -> None:
    """FL-10: order of members and metrics, descriptions to the letter, texts of values; and it is read as it was."""
    monitor = adult_monitor()
    found = monitor.baseline(Profile.of(adult(), monitor.questions()))
    document = json.loads(analysis.dumps(analysis.write(found)))
    assert list(document) == ["version", "post_training_bias_metrics", "pre_training_bias_metrics"]
    described = dict(each.split(" ", 1) for each in " ".join(DESCRIPTIONS.split()).split(" · "))
    for name in ("post_training_bias_metrics", "pre_training_bias_metrics"):
        stage = document[name]
        assert list(stage) == ["label", "facets", "label_value_or_threshold"]
        assert (stage["label"], stage["label_value_or_threshold"], list(stage["facets"])) == ("Target", "1", ["Sex"])
        [group] = stage["facets"]["Sex"]
        assert group["value_or_threshold"] == "0"
        names = [each["name"] for each in group["metrics"]]
        assert names == sorted(names)
        assert all(each["description"] == described[each["name"]] for each in group["metrics"])
    assert analysis.read(document) == found
    assert sorted(described) == sorted(EXPECTED) and all(METRICS[name].title == described[name] for name in EXPECTED)
