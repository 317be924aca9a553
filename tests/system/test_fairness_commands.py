"""Bias and explainability on the command line and in Python, on SageMaker's census example."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from examples import shared

import driftline

MODEL = '''
import json
from pathlib import Path

import numpy as np

KNOWN = json.loads(Path({path!r}).read_text())


def score(rows):
    """The probability of a high income."""
    table = np.stack([np.asarray(column, dtype=float) for column in rows.columns], axis=1)
    return 1 / (1 + np.exp(-(table @ np.array(KNOWN["weights"]) + KNOWN["bias"])))
'''


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as users run it."""
    command = [str(Path(sys.executable).parent / "driftline"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """The example's model."""
    found: dict[str, Any] = json.loads(shared("data", "aws-adult", "model.json").read_text())
    return found


@pytest.fixture(scope="module")
def model(known: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The model as a function in a file."""
    assert known["weights"]
    file = tmp_path_factory.mktemp("model") / "income.py"
    file.write_text(MODEL.format(path=str(shared("data", "aws-adult", "model.json"))))
    return f"{file}:score"


def config(known: dict[str, Any], folder: Path, **members: Any) -> str:
    """An analysis_config.json for the example's JSON lines."""
    document = {
        "version": "1.0",
        "dataset_type": "application/jsonlines",
        "headers": [*known["features"], "Target"],
        "features": "features",
        "label": "label",
        **members,
    }
    path = folder / "analysis_config.json"
    path.write_text(json.dumps(document))
    return str(path)


DATA = ("data", "aws-adult", "validation-dataset.jsonl")
FACETS = {
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "Sex", "value_or_threshold": [0]}],
    "group_variable": "Age",
    "methods": {"pre_training_bias": {"methods": "all"}, "post_training_bias": {"methods": "all"}},
    "predictor": {"model_name": "income", "instance_type": "ml.m5.large", "initial_instance_count": 1},
}


def test_bias_by_clarifys_configuration(known: dict[str, Any], model: str, tmp_path: Path) -> None:
    """BI-01, BI-02, BL-08, FL-10: all 21 metrics as SageMaker printed them, predictions asked of the model."""
    told = config(known, tmp_path, probability_threshold=known["threshold"], **FACETS)
    options = ("-m", "bias", "--analysis-config", told, "--model", model)
    done = run("baseline", str(shared(*DATA)), *options, "--output", str(tmp_path / "baseline"))
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "baseline" / "analysis.json").read_text())
    stages = [document[f"{stage}_training_bias_metrics"] for stage in ("pre", "post")]
    found = {each["name"]: each["value"] for stage in stages for each in stage["facets"]["Sex"][0]["metrics"]}
    expected = json.loads(shared("golden", "adult-bias.json").read_text())["metrics"]
    assert found == pytest.approx(expected, abs=1e-9)
    some = tmp_path / "some.jsonl"
    some.write_text("".join(shared(*DATA).read_text().splitlines(keepends=True)[:300]))
    done = run(
        "check", str(some), *options, "--baseline", str(tmp_path / "baseline"), "--output", str(tmp_path / "out")
    )
    assert done.returncode == 1, done.stderr
    written = json.loads((tmp_path / "out" / "constraint_violations.json").read_text())
    assert written["version"] == "1.0"
    assert written["violations"][0]["constraint_check_type"] == "bias_drift_check"
    assert "doesn't meet the baseline constraint requirement" in written["violations"][0]["description"]


def test_bias_by_options_alone(known: dict[str, Any], tmp_path: Path) -> None:
    """BI-03, BI-06: a facet named on the command line; what needs predictions is left out, not failed."""
    rows = [json.loads(line) for line in shared(*DATA).read_text().splitlines()]
    lines = [",".join([*known["features"], "Target"])]
    lines += [",".join(map(str, [*row["features"], row["label"]])) for row in rows]
    (tmp_path / "census.csv").write_text("\n".join(lines) + "\n")
    options = ("-m", "bias", "--facet", "Sex=0", "--label", "Target", "--group-variable", "Age")
    done = run("baseline", str(tmp_path / "census.csv"), *options, "--output", str(tmp_path / "baseline"))
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "baseline" / "analysis.json").read_text())
    assert "post_training_bias_metrics" not in document
    done = run("check", str(tmp_path / "census.csv"), "--baseline", str(tmp_path / "baseline"), "--json")
    assert done.returncode == 0, done.stderr
    measures = {each["name"]: each["value"] for each in json.loads(done.stdout)["measures"]}
    assert measures["CI"] == pytest.approx(0.36936936936936937)
    done = run("baseline", str(tmp_path / "census.csv"), "-m", "bias", "--output", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "--facet" in done.stderr


def mean_row(rows: Sequence[dict[str, Any]]) -> list[int]:
    """Rounded means of the features."""
    columns = zip(*[row["features"] for row in rows], strict=True)
    return [round(sum(column) / len(column)) for column in columns]


def test_explainability_by_clarifys_configuration(known: dict[str, Any], model: str, tmp_path: Path) -> None:
    """EX-01, EX-02, EX-04, EX-07, BL-09, FL-08: SageMaker's files, the cost told, drift when the order changes."""
    rows = [json.loads(line) for line in shared(*DATA).read_text().splitlines()]
    shap = {"baseline": [mean_row(rows)], "num_samples": 200, "save_local_shap_values": True}
    told = config(known, tmp_path, methods={"shap": shap})
    options = ("-m", "explainability", "--analysis-config", told, "--model", model)
    done = run("baseline", str(shared(*DATA)), *options, "--output", str(tmp_path / "baseline"))
    assert done.returncode == 0, done.stderr
    assert "records are asked of the model (200 for each row)" in done.stderr
    document = json.loads((tmp_path / "baseline" / "analysis.json").read_text())
    found = document["explanations"]["kernel_shap"]["label0"]
    assert found["expected_value"] == pytest.approx(0.250623226, abs=1e-7)
    assert list(found["global_shap_values"]) == known["features"]
    local = (tmp_path / "baseline" / "explanations_shap" / "out.csv").read_text().splitlines()
    assert len(local) == 667
    assert local[0].startswith('"Age_label0"')
    assert (tmp_path / "baseline" / "explanations_shap" / "baseline.csv").read_text().startswith("Age,Workclass,")
    odd = tmp_path / "odd.jsonl"
    capital, education = known["features"].index("Capital Gain"), known["features"].index("Education-Num")
    for row in rows:
        row["features"][capital], row["features"][education] = 500, 10
    odd.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run("check", str(odd), *options, "--baseline", str(tmp_path / "baseline"), "--json")
    assert done.returncode == 1, done.stderr
    (violation,) = json.loads(done.stdout)["violations"]
    assert (violation["subject"], violation["check"]) == ("label0", "feature_attribution_drift_check")
    assert violation["value"] < 0.9


def test_a_model_in_python_and_logged_attributions(known: dict[str, Any]) -> None:
    """EX-04, EX-06: a function is explained; attributions that were logged are used as they are."""
    rows = [json.loads(line)["features"] for line in shared(*DATA).read_text().splitlines()[:100]]
    table = pa.table({name: [row[place] for row in rows] for place, name in enumerate(known["features"][:3])})

    def age(batch: pa.RecordBatch) -> list[float]:
        return [value / 100 for value in batch["Age"].to_pylist()]

    normal = driftline.baseline(table, monitor=driftline.Explainability(), model=age)
    (label,) = normal.constraints.labels
    assert label.values["Workclass"] == pytest.approx(0, abs=1e-9)
    assert label.values["Age"] > 0.05
    assert driftline.check(table, normal, model=age).violations == ()
    logged = pa.table({"shap_values.a": [0.5, -0.5], "shap_values.b": [0.1, 0.1], "x": [1, 2]})
    learnt = driftline.baseline(logged, monitor=driftline.Explainability(attributions="shap_values"))
    assert learnt.constraints.labels[0].values == pytest.approx({"a": 0.5, "b": 0.1})
    turned = logged.rename_columns(["shap_values.b", "shap_values.a", "x"])
    assert [each.check for each in driftline.check(turned, learnt).violations] == ["feature_attribution_drift_check"]


def test_a_model_that_cannot_be_explained(tmp_path: Path) -> None:
    """EX-08: names of classes are no numbers; the message says what to do, and nothing is written."""
    (tmp_path / "names.py").write_text("def name(rows):\n    return ['yes'] * rows.num_rows\n")
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,4\n")
    model = f"{tmp_path / 'names.py'}:name"
    out = ("--output", str(tmp_path / "out"))
    done = run("baseline", str(tmp_path / "rows.csv"), "-m", "explainability", "--model", model, *out)
    assert done.returncode == 2
    assert "Kernel SHAP needs probabilities or another number for each row" in done.stderr
    assert not (tmp_path / "out").exists()


def test_labels_of_a_checked_window_may_lie_apart_or_be_missing(tmp_path: Path) -> None:
    """BI-06, G-09: a baseline whose labels were a column judges rows whose labels lie apart, or have not come."""
    ids = [f"o{at}" for at in range(80)]
    told = {"inference_id": ids, "sex": [at % 2 for at in range(80)], "age": [20 + at % 7 for at in range(80)]}
    predicted = [int(at % 3 == 0) for at in range(80)]
    rows = pa.table({**told, "income": [int(at % 4 == 0) for at in range(80)], "predicted": predicted})
    monitor = driftline.Bias(
        facets=(driftline.Facet(("sex",), ((0,),)),),
        label_values_or_threshold=(1,),
        ground_truth_attribute="income",
        inference_attribute="predicted",
    )
    normal = driftline.baseline(rows.drop_columns(["inference_id"]), monitor=monitor)
    apart = tmp_path / "truth.csv"
    apart.write_text("inference_id,ground_truth_label\n" + "".join(f"o{at},{int(at % 4 == 0)}\n" for at in range(80)))
    unlabelled = rows.drop_columns(["income"])

    def measured(report: driftline.Report) -> dict[str, float]:
        return {each.name: each.value for each in report.measures if each.subject == "sex = 0"}

    joined = measured(driftline.check(unlabelled, normal, labels=str(apart)))
    known = measured(driftline.check(rows.drop_columns(["inference_id"]), normal))
    assert joined == pytest.approx(known, nan_ok=True)
    assert known["FT"] == known["FT"], "the labels are no feature"
    bare = unlabelled.drop_columns(["inference_id"])
    for report in (driftline.check(bare, normal), driftline.check(unlabelled, normal, labels=str(tmp_path / "none"))):
        found = measured(report)
        assert found["DPPL"] == known["DPPL"]
        assert found["AD"] != found["AD"]
        assert not report.violations


def test_a_check_reads_as_the_configuration_says(known: dict[str, Any], model: str, tmp_path: Path) -> None:
    """BI-01, EX-03: the configuration of the baseline serves the check too, which knows its monitor by the baseline."""
    data = str(shared("data", "aws-adult", "validation-dataset.jsonl"))
    given = config(known, tmp_path, methods={"shap": {"num_samples": 20}}, predictor={})
    asked = ("--analysis-config", given, "--model", model, "--max-records", "2000")
    folder = ("--baseline", str(tmp_path / "baseline"))
    done = run("baseline", data, "--monitor", "explainability", *asked, "--output", folder[1])
    assert done.returncode == 0, done.stderr
    assert run("check", data, *asked, *folder).returncode == 0
    done = run("check", data, *folder, "--model", model)
    assert done.returncode == 2
    assert "a feature of the model, not among the 2 columns" in " ".join(done.stderr.split())
    done = run("baseline", data, "--analysis-config", given, "--output", str(tmp_path / "other"))
    assert done.returncode == 2
    assert "--monitor bias or --monitor explainability" in " ".join(done.stderr.split())
