"""Model quality as a user asks for it: the real binary and Python, labels in the rows, apart, late, and of any type."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from test_commands import names, run

import driftline
from driftline.monitors.quality import BINARY, RANKING

LOANS = Path(driftline.__file__).parent / "data" / "car_loan.parquet"
CHURN = Path(__file__).resolve().parents[3] / "shared" / "data" / "aws-churn" / "validation_with_predictions.csv"
COLUMNS = ("--inference-attribute", "prediction", "--probability-attribute", "probability")
KIND = ("--monitor", "model-quality", "--problem-type", "BinaryClassification")
MONITOR = (*KIND, *COLUMNS, "--ground-truth-attribute", "repaid")


def loans(first: int, count: int = 5_000) -> pa.Table:
    """Loans, which are harder to judge from row 75,000 on."""
    return pq.read_table(LOANS).slice(first, count).drop_columns(["id", "period", "timestamp", "labelled_at"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A baseline of loans whose labels are known, and later rows with and without labels."""
    folder = tmp_path_factory.mktemp("loans")
    pq.write_table(loans(0, 50_000), folder / "known.parquet")
    pq.write_table(loans(80_000), folder / "later.parquet")
    pq.write_table(loans(80_000).drop_columns(["repaid"]), folder / "unlabelled.parquet")
    asked = ("--segment", "salary_range", "--segment", "loan_length")
    run("baseline", folder / "known.parquet", "--output", folder / "baseline", *MONITOR, *asked, "--quiet")
    return folder


@pytest.fixture(scope="module")
def churn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SageMaker's churn example: a baseline, the calls without labels, and the labels apart in both forms."""
    if not CHURN.exists():
        pytest.skip("SageMaker's churn example lies beside the repository only where it is built")
    folder = tmp_path_factory.mktemp("churn")
    with CHURN.open() as file:
        rows = list(csv.DictReader(file))
    calls = [f"call-{at},{row['probability']},{row['prediction']}" for at, row in enumerate(rows)]
    (folder / "calls.csv").write_text("\n".join(["inference_id,probability,prediction", *calls]) + "\n")
    table = [f"call-{at},{row['label']}" for at, row in enumerate(rows)]
    (folder / "truth.csv").write_text("\n".join(["inference_id,ground_truth_label", *table]) + "\n")
    hour = folder / "truth" / "2026" / "01" / "02" / "03"
    hour.mkdir(parents=True)
    lines = [
        {
            "groundTruthData": {"data": row["label"], "encoding": "CSV"},
            "eventMetadata": {"eventId": f"call-{at}"},
            "eventVersion": "0",
        }
        for at, row in enumerate(rows)
    ]
    (hour / "labels.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    monitor = (*KIND, *COLUMNS, "--ground-truth-attribute", "label")
    run("baseline", CHURN, "--output", folder / "baseline", *monitor, "--quiet")
    return folder


def checked(*arguments: object, expected: int = 0) -> dict[str, Any]:
    """The report of a check as JSON."""
    found: dict[str, Any] = json.loads(run("check", *arguments, "--json", expected=expected).stdout)
    return found


def value(report: dict[str, Any], name: str, subject: str = "model") -> Any:
    """One measure of a report."""
    return next(each["value"] for each in report["measures"] if (each["subject"], each["name"]) == (subject, name))


def test_labels_in_the_rows(folder: Path, tmp_path: Path) -> None:
    """MQ-03, MQ-07: figures against the baseline's; status 1; SageMaker's three files, and the record of estimates."""
    report = checked(folder / "later.parquet", "--baseline", folder / "baseline", "-o", tmp_path, expected=1)
    table = loans(80_000)
    right = pc.mean(pc.equal(table["prediction"], table["repaid"])).as_py()
    assert value(report, "accuracy") == pytest.approx(right)
    assert "accuracy" in {each["subject"] for each in report["violations"]}
    files = ["constraint_violations.json", "constraints.json", "estimates.jsonl", "statistics.json"]
    assert names(tmp_path) == files
    written = json.loads((tmp_path / "statistics.json").read_text())
    assert written["binary_classification_metrics"]["accuracy"]["value"] == pytest.approx(right)


def test_estimates_before_the_labels_and_their_record(folder: Path, tmp_path: Path) -> None:
    """MQ-10, G-09: without labels no failure, figures NaN, estimates with intervals; later beside what came true."""
    arguments = ("--baseline", folder / "baseline", "-o", tmp_path)
    early = checked(folder / "unlabelled.parquet", *arguments)
    measure = next(each for each in early["measures"] if each["name"] == "accuracy")
    assert measure["value"] == "NaN" and measure["reason"] == "no labels yet"
    assert value(early, "label_coverage") == 0 and early["violations"] == []
    assert early["notes"][0].startswith("No labels yet; estimated: accuracy 0.91")
    assert not (tmp_path / "estimates.jsonl").exists() and early["tracks"] == []
    for _ in range(2):  # the same rows count once, however often they are looked at
        late = checked(folder / "later.parquet", *arguments, expected=1)
    before, after = ({each["name"]: each for each in report["estimates"]} for report in (early, late))
    for name in ("accuracy", "f1", "auc"):
        assert after[name]["value"] == pytest.approx(before[name]["value"])
        assert after[name]["realised"] == pytest.approx(value(late, name), abs=1e-3)
        assert before[name]["low"] < before[name]["value"] < before[name]["high"]
    assert {track["count"] for track in late["tracks"]} == {1}
    shown = run("check", folder / "unlabelled.parquet", *arguments).stdout
    assert "Estimates so far: accuracy held in 1 of 1 checks" in " ".join(shown.split())


def test_a_limit_on_an_estimate_is_violated_when_the_whole_interval_is(folder: Path, tmp_path: Path) -> None:
    """MQ-07: limits that constraints.json sets on estimates hold without labels."""
    baseline = driftline.Baseline.load(str(folder / "baseline"))
    baseline.save(str(tmp_path))
    place = tmp_path / "constraints.json"
    for limit, expected in ((0.915, 0), (0.93, 1)):
        document = json.loads(place.read_text())
        told = {"threshold": limit, "comparison_operator": "LessThanThreshold"}
        document["binary_classification_constraints"]["estimated_accuracy"] = told
        place.write_text(json.dumps(document))
        report = checked(folder / "unlabelled.parquet", "--baseline", tmp_path, expected=expected)
        assert [each["subject"] for each in report["violations"]] == ["estimatedAccuracy"] * expected
    off = checked(folder / "unlabelled.parquet", "--baseline", tmp_path, "--no-estimates")
    assert off["estimates"] == [] and off["notes"] == ["No labels yet, and no estimates: estimates are turned off."]


def test_segments(folder: Path) -> None:
    """Metrics of each value and range, the worst segments, and those that got worse, in words."""
    report = checked(folder / "later.parquet", "--baseline", folder / "baseline", "--segments", "auto", expected=1)
    table = loans(80_000)
    poor = table.filter(pc.equal(table["salary_range"], "0 - 20K €"))
    right = pc.mean(pc.equal(poor["prediction"], poor["repaid"])).as_py()
    assert value(report, "accuracy", "model[salary_range is '0 - 20K €']") == pytest.approx(right)
    ranges = {each["subject"] for each in report["measures"] if each["subject"].startswith("model[loan_length is ")}
    assert 4 <= len(ranges) <= 16
    assert any("Worst for salary_range is '0 - 20K €' and " in note for note in report["notes"])
    named = checked(folder / "later.parquet", "--baseline", folder / "baseline", expected=1)
    assert any(note.startswith("Got worse for salary_range is '0 - 20K €'") for note in named["notes"])


def test_worse_since_the_baseline_among_all_columns(folder: Path, tmp_path: Path) -> None:
    """A baseline that searched all columns knows them, so that what got worse in any of them is found."""
    monitor = driftline.ModelQuality(BINARY, "repaid", "prediction", "probability", searched=("*",))
    learnt = driftline.baseline(str(folder / "known.parquet"), monitor=monitor)
    learnt.save(str(tmp_path))
    known = driftline.Baseline.load(str(tmp_path))
    assert isinstance(known.monitor, driftline.ModelQuality)
    assert set(known.monitor.searched).isdisjoint({"prediction", "probability", "repaid", "*"})
    report = driftline.check(loans(80_000), known)
    assert any(note.startswith("Got worse for ") for note in report.notes)
    alike = driftline.check(loans(50_000), known)
    assert any("none is surely worse" in note for note in alike.notes)


@pytest.mark.parametrize("truth", ["truth", "truth.csv"])
def test_labels_apart(churn: Path, truth: str) -> None:
    """G-01, G-03, G-07: in SageMaker's records and as a table; the figures are those of labels in the rows."""
    arguments = ("--baseline", churn / "baseline", "--ground-truth", churn / truth)
    report = checked(churn / "calls.csv", *arguments)
    assert report["coverage"]["labelled"] == report["rows"] == 201
    beside = checked(CHURN, "--baseline", churn / "baseline")
    for name in ("accuracy", "precision", "recall", "auc", "f1"):
        assert value(report, name) == pytest.approx(value(beside, name))


def test_labels_that_have_not_come(churn: Path) -> None:
    """G-09: nothing where labels shall lie is neither failure nor violation."""
    report = checked(churn / "calls.csv", "--baseline", churn / "baseline", "--ground-truth", churn / "nowhere")
    assert report["coverage"]["labelled"] == 0 and report["violations"] == []
    assert report["notes"][0].startswith("No labels yet; estimated: ")


def spelt(labels: Sequence[int]) -> dict[str, pa.Array]:
    """The same labels as whole numbers, decimals, truth values and texts."""
    return {
        "whole": pa.array(labels, pa.int64()),
        "decimal": pa.array(labels, pa.float64()),
        "boolean": pa.array([bool(each) for each in labels]),
        "text": pa.array([str(each) for each in labels]),
        "decimal text": pa.array([f"{each}.0" for each in labels]),
    }


def test_labels_of_any_type_are_alike() -> None:
    """MQ-11: also where the predictions are of another type."""
    table = loans(0, 2_000)
    found = set()
    for labels in spelt(table["repaid"].to_pylist()).values():
        for guesses in spelt(table["prediction"].to_pylist()).values():
            rows = pa.table({"y": labels, "guess": guesses, "p": table["probability"]})
            learnt = driftline.baseline(rows, monitor=driftline.ModelQuality(BINARY, "y", "guess", "p"))
            found.add(tuple((limit.metric, limit.threshold) for limit in learnt.constraints.limits))
    assert len(found) == 1


def test_words_as_labels(tmp_path: Path) -> None:
    """MQ-06: the positive label has a name, and predictions follow from probabilities; segments are found too."""
    table = loans(0, 10_000)
    words = pc.if_else(pc.equal(table["repaid"], 1), "paid", "owing")
    place = table.column_names.index("repaid")
    pacsv.write_csv(table.set_column(place, "repaid", words).drop_columns(["prediction"]), tmp_path / "words.csv")
    asked = (*KIND, "--probability-attribute", "probability", "--ground-truth-attribute", "repaid")
    more = ("--positive", "paid", "--segment", "salary_range")
    run("baseline", tmp_path / "words.csv", "-o", tmp_path / "baseline", *asked, *more, "--quiet")
    report = checked(tmp_path / "words.csv", "--baseline", tmp_path / "baseline")
    guess = np.asarray(table["probability"]) > 0.5
    right = float(np.mean(guess == (np.asarray(table["repaid"]) == 1)))
    assert value(report, "accuracy") == pytest.approx(right)
    segment = next(each for each in report["measures"] if each["subject"].startswith("model[salary_range is '40K"))
    assert segment["value"] > 0.9


def searches(queries: int, noise: float) -> pa.Table:
    """Eight items for each query, ranked by their relevance and noise."""
    rng = np.random.default_rng(queries)
    relevance = rng.integers(0, 4, queries * 8)
    return pa.table(
        {
            "search": np.repeat(np.arange(queries), 8),
            "score": relevance + rng.normal(0, noise, queries * 8),
            "clicks": relevance,
        }
    )


def test_rankings(tmp_path: Path) -> None:
    """NDCG, MAP and MRR cut at places; a ranking that got worse violates them, in SageMaker's words."""
    pq.write_table(searches(500, 1.0), tmp_path / "before.parquet")
    pq.write_table(searches(300, 3.0), tmp_path / "now.parquet")
    asked = ("-m", "model-quality", "--problem-type", RANKING, "--query-attribute", "search")
    columns = ("--probability-attribute", "score", "--ground-truth-attribute", "clicks")
    run("baseline", tmp_path / "before.parquet", "-o", tmp_path / "baseline", *asked, *columns, "--quiet")
    limits = json.loads((tmp_path / "baseline" / "constraints.json").read_text())["ranking_constraints"]
    assert limits["ndcg_at_10"]["comparison_operator"] == "LessThanThreshold" and "map_at_5" in limits
    html = tmp_path / "report.html"
    out = ("--baseline", tmp_path / "baseline", "-o", tmp_path / "out", "--html", html)
    report = checked(tmp_path / "now.parquet", *out, expected=1)
    told = {each["subject"]: each["said"] for each in report["violations"]}
    assert "ndcgAt10" in told and "mrrAt1" in told and "was LessThanThreshold" in told["mapAt5"]
    assert value(report, "ndcg_at_10") < limits["ndcg_at_10"]["threshold"]
    assert "<html" in html.read_text()[:200].lower()
    assert "ranking_metrics" in json.loads((tmp_path / "out" / "statistics.json").read_text())
    same = driftline.check(searches(500, 1.0), str(tmp_path / "baseline"))
    assert same.violations == ()


def test_record_widens_estimates(folder: Path, tmp_path: Path) -> None:
    """A record of estimates that were off makes the next intervals wider; a damaged one is named with its line."""
    known = driftline.Baseline.load(str(folder / "baseline"))
    place = tmp_path / "estimates.jsonl"
    past = [
        {"name": "accuracy", "value": 0.9 + at / 1e4, "low": 0.89, "high": 0.91, "realised": 0.8, "labelled": 99}
        for at in range(8)
    ]
    place.write_text("\n".join(map(json.dumps, past)) + "\n")
    rows = loans(80_000).drop_columns(["repaid"])
    plain = {each.name: each for each in driftline.check(rows, known).estimates}
    wide = {each.name: each for each in driftline.check(rows, known, record=place).estimates}
    assert wide["accuracy"].high - wide["accuracy"].low > 5 * (plain["accuracy"].high - plain["accuracy"].low)
    assert wide["f1"] == plain["f1"] and isnan(wide["f1"].realised)
    place.write_text('{"name": "accuracy"}\n')
    with pytest.raises(driftline.errors.Unreadable, match=r"estimates\.jsonl line 1.*begin a new record"):
        driftline.check(rows, known, record=place)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--problem-type", "Ranking", *COLUMNS, "--ground-truth-attribute", "repaid"), "--query-attribute"),
        (("--problem-type", "Regression", "--ground-truth-attribute", "repaid"), "--inference-attribute"),
        (("--problem-type", "Regression", *COLUMNS), "Labels that lie apart are named with --ground-truth"),
        ((*COLUMNS,), "--problem-type"),
        (("--problem-type", "BinaryClassification", *COLUMNS, "--ground-truth-attribute", "repayed"), "'repaid'"),
        ((*KIND[2:], *COLUMNS, "--ground-truth-attribute", "repaid", "--segment", "salary"), "'salary_range'"),
    ],
)
def test_errors_say_what_to_do(folder: Path, tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    """MQ-01: status 2, and the remedy or the names that are meant."""
    arguments = ("-o", tmp_path / "baseline", "-m", "model-quality", *options)
    done = run("baseline", folder / "later.parquet", *arguments, expected=2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_guide_works_word_for_word(tmp_path: Path) -> None:
    """Every command of docs/howto/model-quality.md whose data are there, then its Python."""
    guide = (Path(__file__).resolve().parents[2] / "docs" / "howto" / "model-quality.md").read_text(encoding="utf-8")
    found = re.findall(r"^```(sh|python)\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    steps = [text for kind, text in found if kind == "sh" and "s3://" not in text and "clicks" not in text]
    assert len(steps) == 5
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    script = "set -e\n" + "\n".join(steps)
    done = subprocess.run(
        ["sh"], input=script, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    words = " ".join(done.stdout.split())
    assert "No labels yet; estimated: accuracy 0.9111 (0.9042 to 0.9178), precision 0.9408 (0.9302 to 0.9499)" in words
    program = "\n".join(text for kind, text in found if kind == "python")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "accuracy 0.91" in done.stdout


def test_an_expression_is_a_segment(folder: Path) -> None:
    """Bounds of one's own, over several columns: an expression on read, of the baseline and of the check."""
    select = ("--select-expr", "*", "--select-expr", "loan_length < 12 AND driver_tenure < 5 AS short_and_new")
    report = checked(
        *(folder / "later.parquet", "--baseline", folder / "baseline", *select, "--segment", "short_and_new"),
        expected=1,
    )
    table = loans(80_000)
    chosen = pc.and_(pc.less(table["loan_length"], 12), pc.less(table["driver_tenure"], 5))
    part = table.filter(chosen)
    right = pc.mean(pc.equal(part["prediction"], part["repaid"])).as_py()
    assert value(report, "accuracy", "model[short_and_new is 1]") == pytest.approx(right)
