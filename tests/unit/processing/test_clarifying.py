"""What Clarify jobs of a server may reach: models that are served by URL, and data that their inputs bring."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from answering import answering

from driftline.clarify import Given, bias_run
from driftline.documents.analysis_config import AnalysisConfig
from driftline.errors import Invalid, Unavailable
from driftline.processing import clarifying
from driftline.processing.contract import Contract, Mount, Output
from driftline.storage.access import Access

DATA, CONFIG, OUTPUT = (f"/opt/ml/processing/{name}" for name in ("input/data", "input/config", "output"))


def job(folder: Path, shap: dict[str, Any]) -> Contract:
    """A job that explains three rows."""
    (folder / "rows.csv").write_text("1,2\n3,4\n5,6\n")
    predictor = {"model_name": "m", "instance_type": "ml.m5.large", "initial_instance_count": 1}
    methods = {"shap": {"num_samples": 10, "agg_method": "mean_abs", **shap}}
    document = {"dataset_type": "text/csv", "headers": ["a", "b"], "methods": methods, "predictor": predictor}
    (folder / "analysis_config.json").write_text(json.dumps(document))
    inputs = (
        Mount("dataset", DATA, str(folder / "rows.csv")),
        Mount("analysis_config", CONFIG, str(folder / "analysis_config.json")),
    )
    return Contract("j", "sagemaker-clarify-processing", {}, inputs, (Output("r", OUTPUT, str(folder / "out")),))


@pytest.mark.parametrize("named", ["{0}/model.py:predict", "model:predict", "{0}/model.json", "{0}", "file://{0}/m"])
def test_models_of_jobs_are_urls(tmp_path: Path, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SE-06: whoever may register a model may not have the worker run a function or open a file of its machine."""
    (tmp_path / "model.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n\ndef predict(rows):\n    return [0]\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    asked = job(tmp_path, {"baseline": [[0, 0]]})
    with pytest.raises(Invalid, match="URL of model m"):
        clarifying.run(asked, Access(), print, {"m": named.format(tmp_path)})
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_baseline_is_no_file_of_the_machine(tmp_path: Path, scheme: str) -> None:
    """SE-06: the rows of a background go to the model and to the results: no place for a file of the worker's."""
    secret = tmp_path / "secret.csv"
    secret.write_text("1,2\n")
    with pytest.raises(Invalid, match="path in the container"):
        clarifying.run(job(tmp_path, {"baseline": f"{scheme}{secret}"}), Access(), print, {"m": "http://127.0.0.1:9"})


def test_a_baseline_may_be_a_path_of_an_input(tmp_path: Path) -> None:
    """EX-02: a path in the container is what an input brings there."""
    asked = job(tmp_path, {"baseline": f"{DATA}/rows.csv"})
    found = clarifying.remote(clarifying.config_of(asked, Access()), asked)
    assert found.methods["shap"]["baseline"] == str(tmp_path / "rows.csv")


def test_methods_that_are_left_out_are_told(tmp_path: Path) -> None:
    """What a job does not do its log says."""
    asked = job(tmp_path, {"baseline": [[0, 0]]})
    path = tmp_path / "analysis_config.json"
    document = json.loads(path.read_text())
    document["methods"] |= {"pdp": {}}
    path.write_text(json.dumps(document))
    lines: list[str] = []
    with pytest.raises(Unavailable):
        clarifying.run(asked, Access(), lines.append, {"m": "http://127.0.0.1:9"}, ["192.0.2.1", "127.0.0.1"])
    assert "methods.pdp is left out" in lines[0]


def test_both_analyses_in_one_job(tmp_path: Path) -> None:
    """FL-10: as `run_bias_and_explainability` of the SDKs asks: one document has both parts."""
    rows = [(place, place % 2, int(place > 20)) for place in range(60)]
    (tmp_path / "rows.csv").write_text("".join(f"{a},{b},{c}\n" for a, b, c in rows))
    document = {
        "dataset_type": "text/csv",
        "headers": ["a", "b", "y"],
        "label": "y",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "b", "value_or_threshold": [1]}],
        "methods": {
            "pre_training_bias": {"methods": "all"},
            "post_training_bias": {"methods": ["DPPL", "DI"]},
            "shap": {"baseline": [[0, 0]], "num_samples": 10},
        },
        "predictor": {"model_name": "m", "instance_type": "ml.m5.large", "initial_instance_count": 1},
    }
    (tmp_path / "analysis_config.json").write_text(json.dumps(document))
    inputs = tuple(
        Mount(name, path, str(tmp_path / file))
        for name, path, file in (("dataset", DATA, "rows.csv"), ("analysis_config", CONFIG, "analysis_config.json"))
    )
    asked = Contract("j", "sagemaker-clarify-processing", {}, inputs, (Output("r", OUTPUT, str(tmp_path / "out")),))

    def answer(text: str) -> str:
        return "\n".join(str(float(line.split(",")[0]) / 60) for line in text.splitlines())

    with answering(answer, "text/csv") as url:
        outcome = clarifying.run(asked, Access(), print, {"m": url}, ["127.0.0.1", "127.0.0.0/8"])
    assert outcome.status == "Completed", outcome.failure_reason
    found = json.loads((tmp_path / "out" / "analysis.json").read_text())
    assert set(found) == {"version", "explanations", "pre_training_bias_metrics", "post_training_bias_metrics"}
    shap = found["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    assert shap == pytest.approx({"a": 0.49166667, "b": 0.0})


@pytest.mark.parametrize("member", ["facet_dataset_uri", "predicted_label_dataset_uri"])
def test_columns_in_other_files_are_refused(member: str) -> None:
    """BI-08: figures of other columns than those that were meant would be silently wrong."""
    told: dict[str, Any] = {member: "s3://b/x.csv"}
    with pytest.raises(Invalid, match=f"{member}.*Put their columns into the data set"):
        bias_run(AnalysisConfig(**told), ["a.csv"], Given())


def test_a_bias_run_without_its_methods_is_refused() -> None:
    """BI-02: a configuration of other analyses asks for no metric of bias."""
    with pytest.raises(Invalid, match=r"got \['pdp'\], expected pre_training_bias"):
        bias_run(AnalysisConfig(methods={"pdp": {}}), ["a.csv"], Given())
