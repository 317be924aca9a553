"""SageMaker's own figures for its public churn example, to every printed digit (FL-01, FL-04, FL-06, DQ-01, DQ-02)."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pytest
from examples import figures, shared

from driftline.documents import constraints as constraints_document
from driftline.documents import jackson
from driftline.documents import statistics as statistics_document
from driftline.documents import violations as violations_document
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.monitor import Learnt
from driftline.profile import Profile

TRAFFIC = ("data", "aws-churn", "test-dataset-input-cols.csv")


def texts(path: Path, names: list[str]) -> pa.Table:
    """A CSV file with every value as text, as SageMaker reads it."""
    reading = pc.ReadOptions(column_names=names)
    return pc.read_csv(path, reading, convert_options=pc.ConvertOptions(column_types=dict.fromkeys(names, pa.string())))


@pytest.fixture(scope="module")
def baseline() -> Profile:
    """The profile of the example's training data."""
    path = shared("data", "aws-churn", "training-dataset-with-header.csv")
    names = path.read_text().splitlines()[0].split(",")
    return Profile.of(texts(path, names).slice(1))


def captured(lines: list[str], folder: Path, names: tuple[str, ...]) -> Profile:
    """The traffic as SageMaker flattens it: the output, a probability, before the inputs."""
    path = folder / "traffic.csv"
    path.write_text("".join(f"0.0{place % 9 + 1},{line}\n" for place, line in enumerate(lines)))
    return Profile.of(texts(path, list(names)))


def test_statistics_equal_the_published_ones(baseline: Profile) -> None:
    """Types, counts and moments of the ten printed columns, to the six decimals that were printed."""
    golden = figures("churn-data-quality.json")
    assert (baseline.rows, len(baseline.names)) == (golden["item_count"], golden["features"])
    for name, printed in golden["statistics"].items():
        column, moments = baseline.column(name), baseline.column(name).moments
        found = [column.kinds.inferred, column.present, column.missing]
        figured = [moments.mean, moments.sum, moments.std_dev, moments.minimum, moments.maximum]
        assert found + [round(figure, golden["rounded_to"]) for figure in figured] == printed, name


def test_sketch_equals_the_published_one(baseline: Profile) -> None:
    """FL-02, FL-03: first items of level 0, k and c, and the bounds of the first bucket."""
    golden = figures("churn-data-quality.json")["kll"]
    document = {each["name"]: each for each in statistics_document.write(baseline)["features"]}
    for name, items in golden["first_items_of_level_0"].items():
        sketch = document[name]["numerical_statistics"]["distribution"]["kll"]["sketch"]
        assert sketch["data"][0][: len(items)] == items
        assert sketch["parameters"] == {"c": golden["c"], "k": golden["k"]}
    for name, (lower, upper) in golden["first_bucket_bounds"].items():
        bucket = document[name]["numerical_statistics"]["distribution"]["kll"]["buckets"][0]
        assert (bucket["lower_bound"], bucket["upper_bound"]) == (lower, upper)


def test_constraints_equal_the_published_ones(baseline: Profile) -> None:
    """Completeness 1.0 and non-negative for the ten columns."""
    constraints = DataQuality().baseline(baseline)
    printed = figures("churn-data-quality.json")["statistics"]
    for column in (each for each in constraints.columns if each.name in printed):
        assert (column.completeness, column.is_non_negative) == (1.0, True)
        assert column.inferred_type == printed[column.name][0]


@pytest.mark.parametrize("compatible", [True, False])
def test_captured_traffic_gives_the_sixty_violations(baseline: Profile, tmp_path: Path, compatible: bool) -> None:
    """Sent once, the 334 rows give SageMaker's 60 violations, all of the data type."""
    golden = figures("churn-data-quality.json")["monitoring"]
    monitor = DataQuality(compatible=compatible)
    lines = shared(*TRAFFIC).read_text().splitlines()
    verdict = monitor.evaluate(Learnt(monitor.baseline(baseline), baseline), captured(lines, tmp_path, baseline.names))
    assert len(verdict.violations) == golden["violations"]
    assert {found.check for found in verdict.violations} == {golden["all_of_type"]}


def test_wording_equals_the_published_line(baseline: Profile, tmp_path: Path) -> None:
    """That run saw 1,977 rows, 7 of them the odd first line: its printed sentence, digit by digit."""
    golden = figures("churn-data-quality.json")["monitoring"]
    odd, *others = shared(*TRAFFIC).read_text().splitlines()
    lines = [odd] * 7 + [others[place % len(others)] for place in range(1970)]
    monitor = DataQuality(compatible=True)
    verdict = monitor.evaluate(Learnt(monitor.baseline(baseline), baseline), captured(lines, tmp_path, baseline.names))
    assert golden["one_line"] in {found.said for found in verdict.violations}


def test_documents_come_back_as_they_went(baseline: Profile) -> None:
    """What is written is read again to the digit: sketch, moments, constraints, violations."""
    document = json.loads(jackson.dumps(statistics_document.write(baseline)))
    again = statistics_document.read(document)
    for column, first in zip(again.columns, baseline.columns, strict=True):
        assert [level.tolist() for level in column.sketch.levels] == [level.tolist() for level in first.sketch.levels]
        assert (column.moments.mean, column.moments.sum) == (first.moments.mean, first.moments.sum)
        assert column.moments.std_dev == pytest.approx(first.moments.std_dev, rel=1e-15)
        assert (column.name, column.present, column.kinds) == (first.name, first.present, first.kinds)
    constraints = DataQuality().baseline(baseline)
    assert constraints_document.read(json.loads(jackson.dumps(constraints_document.write(constraints)))) == constraints
    verdict = DataQuality().evaluate(Learnt(constraints, baseline), Profile.of(pa.table({"Churn": ["x", "1"]})))
    written = violations_document.write(verdict.violations)
    assert [each.said for each in violations_document.read(written)] == [each.said for each in verdict.violations]
