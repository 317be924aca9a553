"""Attributions of SageMaker's public example: the figures that it published, and the `shap` package as an oracle."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from examples import shared

from driftline.explanations import background
from driftline.explanations.explainer import explain, prepare
from driftline.explanations.kernel import Kernel
from driftline.explanations.model import matrix_of
from driftline.explanations.settings import Settings
from driftline.monitors.attributions import Attributed, Attributions
from driftline.monitors.explainability import Explainability
from driftline.monitors.monitor import Learnt
from driftline.profile import Profile
from driftline.profile.columns import Floats

EXPECTED = 0.250623226
"""What SageMaker printed as expected value for the rounded mean row of the validation file."""

SINGLE = 1e-7
"""Its model computes in single precision, whose steps are 3e-8 here; the order of its sums moves the last digits. In
double precision the value is 0.250623273.
"""


class Linear:
    """The example's model: a logistic regression."""

    def __init__(self) -> None:
        self.told = json.loads(shared("data", "aws-adult", "model.json").read_text())
        self.weights = np.array(self.told["weights"])

    def __call__(self, rows: pa.RecordBatch) -> Floats:
        """Probabilities."""
        return self.of(matrix_of(rows))

    def of(self, rows: Floats) -> Floats:
        """Probabilities of a matrix."""
        found: Floats = 1 / (1 + np.exp(-(rows @ self.weights + self.told["bias"])))
        return found


@pytest.fixture(scope="module")
def model() -> Linear:
    """The model."""
    return Linear()


@pytest.fixture(scope="module")
def rows(model: Linear) -> pa.RecordBatch:
    """The validation file's features."""
    lines = shared("data", "aws-adult", "validation-dataset.jsonl").read_text().splitlines()
    cells = zip(*[json.loads(line)["features"] for line in lines], strict=True)
    return pa.RecordBatch.from_arrays([pa.array(each) for each in cells], names=model.told["features"])


def settings(rows: pa.RecordBatch, samples: int | None = None) -> Settings:
    """The example's: the rounded mean row is the background."""
    return Settings(background.mean_row(rows, rounded=True).to_pylist(), samples)


def test_expected_value_equals_the_published_one(model: Linear, rows: pa.RecordBatch) -> None:
    """As near as single precision goes, and in the document."""
    found = prepare(rows, model, settings(rows))
    assert float(found.kernel.expected[0]) == pytest.approx(EXPECTED, abs=SINGLE)
    monitor = Explainability(tuple(rows.schema.names))
    profile = Profile.of(explain([rows[:20]], model, settings(rows)), monitor.questions())
    assert monitor.baseline(profile).labels[0].expected == pytest.approx(EXPECTED, abs=SINGLE)


def test_values_of_every_row_sum_to_its_prediction(model: Linear, rows: pa.RecordBatch) -> None:
    """Additivity to 1e-6 was asked for; it holds to rounding, sampled or exact."""
    predicted = model(rows)
    for samples in (100, None, 2**14):
        local = prepare(rows, model, settings(rows, samples)).kernel.explain(rows)
        assert np.abs(local.values.sum(axis=2)[:, 0] + EXPECTED - predicted).max() < 1e-6
        assert np.abs(local.values.sum(axis=2)[:, 0] + local.expected - predicted).max() < 1e-12


def test_sampled_values_converge_to_exact_enumeration(model: Linear, rows: pa.RecordBatch) -> None:
    """The error falls with the samples; with the default seven of ten rows are exact already."""
    exact = prepare(rows, model, settings(rows, 2**14)).kernel.explain(rows)
    assert exact.exact.all()
    errors = []
    for samples in (30, 100, 500, 2076):
        local = prepare(rows, model, settings(rows, samples)).kernel.explain(rows)
        errors.append(float(np.sqrt(np.mean((local.values - exact.values) ** 2))))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 2e-4
    assert 0.69 < local.exact.mean() < 0.71


def test_exact_values_equal_those_of_shap(model: Linear, rows: pa.RecordBatch) -> None:
    """The `shap` package, enumerating too, on one row of background and on several."""
    shap = pytest.importorskip("shap")
    for base in (background.mean_row(rows, rounded=True), rows[:4]):
        known = prepare(rows, model, Settings(base, 2**14)).kernel
        oracle = shap.KernelExplainer(model.of, matrix_of(base))
        theirs = oracle.shap_values(matrix_of(rows[5:15]), nsamples=2**14, l1_reg=0, silent=True)
        mine = known.explain(rows[5:15].cast(known.background.schema))
        assert np.abs(mine.values[:, 0] - theirs).max() < 1e-9
        assert mine.expected[0] == pytest.approx(float(oracle.expected_value), abs=1e-12)


def test_sampled_values_are_no_worse_than_those_of_shap(model: Linear, rows: pa.RecordBatch) -> None:
    """At equal samples the error is at most that of the `shap` package."""
    shap = pytest.importorskip("shap")
    base, rows = background.alike(background.mean_row(rows, rounded=True), rows[:20])
    exact = Kernel(model, base, 2**14).explain(rows).values[:, 0]
    oracle = shap.KernelExplainer(model.of, matrix_of(base))
    for samples in (60, 300):
        mine, theirs = list[Floats](), list[Floats]()
        for seed in range(3):
            np.random.seed(seed)
            found = oracle.shap_values(matrix_of(rows), nsamples=samples, l1_reg=0, silent=True)
            theirs.append((found - exact) ** 2)
            kernel = Kernel(model, base, samples, seed=seed)
            mine.append((kernel.explain(rows).values[:, 0] - exact) ** 2)
        assert np.mean(mine) < np.mean(theirs)


def test_the_guides_example_of_drift() -> None:
    """EX-05: 0.69 in the guide, 0.6876396241226223 when computed; below 0.9 and so a violation."""
    names = ("SAT", "GPA", "rank")
    monitor = Explainability(names)
    before = Attributions((Attributed("label0", dict(zip(names, (0.70, 0.50, 0.05), strict=True))),))
    now = pa.record_batch({f"label0/{name}": [value] for name, value in zip(names, (0.10, 0.20, 0.70), strict=True)})
    verdict = monitor.evaluate(Learnt(before), Profile.of(now, monitor.questions()))
    assert verdict.measures[0].value == pytest.approx(0.6876396241226223, abs=1e-15)
    assert verdict.violations[0].said.startswith("Feature attribution drift 0.68763962412262")
    assert verdict.violations[0].said.endswith(" exceeds threshold 0.9")
