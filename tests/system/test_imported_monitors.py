"""Monitors on imported data, end to end: real tables, a real catalog, the rows behind every violation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from loaned import MODEL, SCHEMA, VERSION, Installation, analysis, day, reference

from driftline import registry, runs
from driftline.catalog import modelruns, work
from driftline.catalog.modelruns import ModelRun
from driftline.imports.job import Content
from driftline.manifest import Manifest, World
from driftline.modelmonitors import evidence, following, planning, queueing, register, results, rows, running
from driftline.modelmonitors.monitor import Against, Basis, ModelMonitor
from driftline.registry import ModelVersion
from driftline.schemas.fields import Environment, ModelType
from driftline.window import Window

FIRST, LAST = "2019-03-29", "2019-04-02"
DAYS = [day(FIRST, at) for at in range(4)]


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The training set, with labels, and four days of production around the drift of 2019-03-31."""
    made = Installation(tmp_path_factory.mktemp("imported"))
    training = reference()
    made.predictions(training, Environment.TRAINING)
    made.labels(training, Environment.TRAINING)
    for start in DAYS:
        made.predictions(analysis(f"{start:%Y-%m-%d}", f"{start + timedelta(1):%Y-%m-%d}"))
    yield made
    made.catalog.close()


def create(made: Installation, name: str, kind: str, **asked: object) -> ModelMonitor:
    """A monitor that looks at each day."""
    monitor = ModelMonitor(MODEL, name, kind, **{"cadence": "rate(1 day)", **asked})  # type: ignore[arg-type]
    with made.catalog.begin() as tx:
        return register.create(tx, monitor, now=made.catalog.clock())


def run_days(made: Installation, name: str) -> list[ModelRun]:
    """Back-fill the four days; how each ended."""
    with made.catalog.begin() as tx:
        queued = queueing.backfill(tx, MODEL, name, DAYS[0], DAYS[-1] + timedelta(1), made.catalog.clock())
    made.work()
    with made.catalog.read() as tx:
        found = [modelruns.find(tx, each.id) for each in queued]
    return [each for each in found if each is not None]


def looked_at(made: Installation, run: ModelRun, place: int, limit: int = 50) -> tuple[rows.RowPage, str]:
    """A page of the rows behind a violation, and what it says of them."""
    with made.catalog.read() as tx:
        asked = running.asked_of(tx, run)
    selection = evidence.selection_of(asked, place, World())
    return rows.page(asked, selection, made.tables, World(), limit=limit), selection.said


def test_data_quality_alarms_in_the_window_of_the_drift_and_in_none_before(imported: Installation) -> None:
    """Drift alarm on 2019-03-31; every violation leads to rows with file, row number, id and values (DQ-04)."""
    create(imported, "drift", "data-quality")
    found = run_days(imported, "drift")
    assert [each.status for each in found] == ["Completed", "Completed", *["CompletedWithViolations"] * 2]
    assert [each.body["rows"] for each in found] == [165, 165, 165, 165]
    violations = evidence.violations_of(found[2])
    drifted = {each.subject for each in violations if each.check == "baseline_drift_check"}
    assert "car_value" in drifted
    place = next(place for place, each in enumerate(violations) if each.subject == "car_value")
    page, said = looked_at(imported, found[2], place)
    assert "% of the baseline and" in said
    assert page.rows
    first = page.rows[0]
    table = analysis("2019-03-31", "2019-04-01")
    source = table.slice(first.row - 1, 1).to_pylist()[0]
    assert first.id == str(source["id"])
    assert first.values["car_value"] == source["car_value"]
    assert first.file == 5


def test_a_run_is_repeated_by_its_manifest(imported: Installation) -> None:
    """`run.json` is the manifest: the same objects give the same verdict."""
    create(imported, "again", "data-quality")
    found = run_days(imported, "again")[2]
    kept = Manifest.of(json.loads(evidence.read_file(found, "run.json", World().access)))
    report = runs.run(kept)
    assert [each.said for each in report.violations] == [each.said for each in evidence.violations_of(found)]
    assert b"<html" in evidence.read_file(found, "report.html", World().access)


def test_quality_is_estimated_before_labels_and_realised_beside_it_after(tmp_path: Path) -> None:
    """Labels come late: the window is run again, the first result stays (G-05, G-06, G-09, G-10)."""
    made = Installation(tmp_path)
    training, window = reference().slice(0, 20_000), analysis("2019-03-29", "2019-04-02")
    made.predictions(training, Environment.TRAINING)
    made.labels(training, Environment.TRAINING)
    made.predictions(window)
    create(made, "quality", "model-quality", window_seconds=4 * 86_400)
    with made.catalog.begin() as tx:
        queueing.run_now(tx, MODEL, "quality", made.catalog.clock(), Window(day("2019-03-29"), day("2019-04-02")))
    planning.plan(made.catalog, made.catalog.clock(), made.settings)
    made.work()
    assert planning.plan(made.catalog, made.catalog.clock(), made.settings) == 0
    made.labels(window)
    assert planning.plan(made.catalog, made.catalog.clock(), made.settings) == 1
    assert planning.plan(made.catalog, made.catalog.clock(), made.settings) == 0
    made.work()
    with made.catalog.read() as tx:
        [found] = results.results(tx, register.get(tx, MODEL, "quality"))
    assert (found.runs, found.first.status) == (2, "NoLabels")
    assert found.first.body["labelled"] == 0
    assert found.latest.body["labelled"] == window.num_rows
    before = {each["name"]: each for each in found.first.body["estimates"]}
    after = {each["name"]: each for each in found.latest.body["estimates"]}
    assert before["accuracy"]["realised"] is None
    assert after["accuracy"]["value"] == pytest.approx(before["accuracy"]["value"])
    wrong = sum(a != b for a, b in zip(window["prediction"].to_pylist(), window["repaid"].to_pylist(), strict=True))
    assert after["accuracy"]["realised"] == pytest.approx(1 - wrong / window.num_rows)
    place = next(at for at, each in enumerate(evidence.violations_of(found.latest)) if each.subject == "accuracy")
    page, _ = looked_at(made, found.latest, place, limit=1000)
    assert len(page.rows) == wrong
    assert all(each.values["prediction"] != each.values["ground_truth"] for each in page.rows)
    with made.catalog.read() as tx:
        assert modelruns.find(tx, found.first.id) == found.first
    made.catalog.close()


def test_bias_shows_the_rows_of_the_facet(imported: Installation) -> None:
    """A facet's violation leads to its group's rows."""
    facets = [{"columns": ["repaid_loan_on_prev_car"], "values": [[1]]}]
    create(imported, "bias", "bias", settings={"facets": facets}, thresholds={"DPPL": 0.0})
    found = run_days(imported, "bias")[3]
    assert found.status == "CompletedWithViolations"
    broken = evidence.violations_of(found)
    place = next(at for at, each in enumerate(broken) if each.subject.endswith("DPPL"))
    page, said = looked_at(imported, found, place, limit=1000)
    assert "group repaid_loan_on_prev_car" in said
    assert page.rows
    assert all(each.values["repaid_loan_on_prev_car"] is True for each in page.rows)


def test_explainability_reads_attributions_that_were_logged(imported: Installation) -> None:
    """nDCG falls when loans' lengths begin to count; the rows are those where they count most."""
    settings = {"threshold": 0.99}
    create(imported, "explained", "explainability", settings=settings)
    found = run_days(imported, "explained")
    assert found[0].status == "Completed", found[0].reason
    assert found[3].status == "CompletedWithViolations"
    page, said = looked_at(imported, found[3], 0, limit=5)
    sizes = [abs(each.values["shap_loan_length"]) for each in page.rows]
    assert "shap_loan_length" in said
    assert sizes == sorted(sizes, reverse=True)


def test_rows_are_downloaded_as_files(imported: Installation, tmp_path: Path) -> None:
    """The same rows as CSV and Parquet, with the URI of each row's file."""
    create(imported, "download", "data-quality")
    found = run_days(imported, "download")[3]
    with imported.catalog.read() as tx:
        asked = running.asked_of(tx, found)
    selection = evidence.selection_of(asked, 0, World())
    uris = {number: f"s3://loans/{number}.parquet" for number in range(1, 10)}
    told = {}
    for name in rows.FORMATS:
        path = tmp_path / f"rows.{name}"
        path.write_bytes(b"".join(rows.download(asked, selection, imported.tables, World(), name, uris)))
        told[name] = pa_csv.read_csv(path) if name == "csv" else pq.read_table(path)
    assert told["csv"].num_rows == told["parquet"].num_rows > 0
    assert set(told["parquet"]["file"].to_pylist()) == {"s3://loans/6.parquet"}


def test_a_file_leads_to_the_alarms_it_took_part_in(imported: Installation) -> None:
    """From a file to the runs whose windows meet it."""
    create(imported, "alarms", "data-quality")
    run_days(imported, "alarms")
    with imported.catalog.read() as tx:
        _, quiet = results.alarms_of(tx, 3)
        file, loud = results.alarms_of(tx, 6)
    assert not [each for each in quiet if each.run.monitor == "alarms"]
    assert [each.run.window_start for each in loud if each.run.monitor == "alarms"] == [DAYS[3]]
    assert file.uri == "s3://loans/6.parquet"


@pytest.mark.parametrize(
    "against",
    [
        Against(Basis.ROLLING, days=2),
        Against(Basis.WINDOW, start=DAYS[0], end=DAYS[2]),
    ],
)
def test_baselines_of_production_are_fixed_or_roll(imported: Installation, against: Against) -> None:
    """The day of the drift differs from the two days before; a rolling baseline has got used to it two days later."""
    name = f"from-{against.basis}"
    create(imported, name, "data-quality", against=against)
    with imported.catalog.begin() as tx:
        window = Window(DAYS[2], DAYS[3])
        made = queueing.run_now(tx, MODEL, name, imported.catalog.clock(), window)
    imported.work()
    with imported.catalog.read() as tx:
        found = modelruns.find(tx, made.id)
    assert found is not None
    assert found.status == "CompletedWithViolations", found.reason
    assert found.body["baseline"]["rows"] == 330


def test_versions_without_rows_hold_up_no_others(tmp_path: Path) -> None:
    """A monitor of all versions reads those that there are (M-02)."""
    made = Installation(tmp_path)
    made.predictions(analysis("2019-03-29", "2019-03-31"))
    with made.catalog.begin() as tx:
        registry.create_version(tx, ModelVersion(MODEL, "2", ModelType.BINARY, SCHEMA), now=made.catalog.clock())
    create(made, "all", "data-quality", against=Against(Basis.ROLLING, days=1))
    with made.catalog.begin() as tx:
        window = Window(day("2019-03-30"), day("2019-03-31"))
        queueing.run_now(tx, MODEL, "all", made.catalog.clock(), window)
    made.work()
    with made.catalog.read() as tx:
        [found] = modelruns.of_monitor(tx, MODEL, "all")
    assert (found.body["rows"], found.body["baseline"]["rows"]) == (165, 165)
    report = json.loads(evidence.read_file(found, "report.json", World().access))
    assert report["problems"]["count"] == 0
    made.catalog.close()


def test_a_window_of_nothing_is_no_failure(imported: Installation) -> None:
    """No rows, and no baseline, are outcomes of their own."""
    create(imported, "empty", "data-quality")
    create(imported, "baseless", "data-quality", against=Against(Basis.VALIDATION))
    with imported.catalog.begin() as tx:
        now = imported.catalog.clock()
        window = Window(day("2010-01-01"), day("2010-01-02"))
        made = [queueing.run_now(tx, MODEL, name, now, window) for name in ("empty", "baseless")]
    imported.work()
    with imported.catalog.read() as tx:
        found = [modelruns.find(tx, each.id) for each in made]
    assert [each.status for each in found if each] == ["NoData", "NoBaseline"]


def test_a_baseline_follows_when_the_set_is_imported(tmp_path: Path) -> None:
    """A training set makes a baseline, and a monitor that compares with it; windows that waited are run again."""
    made = Installation(tmp_path)
    training = reference().slice(0, 5_000)
    made.predictions(analysis("2019-03-29", "2019-03-31"))
    create(made, "waits", "data-quality")
    with made.catalog.begin() as tx:
        queueing.run_now(tx, MODEL, "waits", made.catalog.clock(), Window(day("2019-03-29"), day("2019-03-30")))
    made.work()
    made.predictions(training, Environment.TRAINING)
    job = made.job(Content.PREDICTIONS, Environment.TRAINING)
    assert following.follow(made.catalog, job) == 1
    made.work()
    assert following.follow(made.catalog, job) == 0
    with made.catalog.read() as tx:
        [found] = results.results(tx, register.get(tx, MODEL, "waits"))
    assert found.runs == 2
    assert found.latest.status in ("Completed", "CompletedWithViolations"), found.latest.reason
    made.catalog.close()


def test_killed_at_any_moment_no_window_is_lost_and_none_looked_at_twice(imported: Installation) -> None:
    """Work that lapses is done again and gives the same; a zombie's end does not count."""
    create(imported, "killed", "data-quality")
    with imported.catalog.begin() as tx:
        now = imported.catalog.clock()
        made = queueing.run_now(tx, MODEL, "killed", now, Window(DAYS[2], DAYS[3]))
        zombie = work.claim(tx, "zombie", now=now, lease_seconds=0.0)
    assert zombie is not None
    asked = running._begin(imported.catalog, zombie)
    assert asked is not None
    with imported.catalog.begin() as tx:
        [lapsed] = work.lapsed(tx, now=now + timedelta(1))
        work.give_back(tx, lapsed, run_after=now)
    imported.work()
    with imported.catalog.read() as tx:
        found = modelruns.find(tx, made.id)
    assert found is not None
    assert found.as_of == asked.run.as_of
    assert found.status == "CompletedWithViolations"
    said = running._end(imported.catalog, zombie, asked, running.Ended("Failed"))
    assert "another worker" in said
    with imported.catalog.read() as tx:
        assert modelruns.find(tx, made.id) == found


def test_windows_are_planned_from_any_time_on(imported: Installation) -> None:
    """A monitor with `since` plans all windows from then on, each once, as complete as they are."""
    create(imported, "planned", "data-quality", since=DAYS[0], version=VERSION, cadence="cron(0 0 ? * * *)")
    now = DAYS[-1] + timedelta(1, hours=1)
    assert planning.plan(imported.catalog, now, imported.settings) >= 4
    with imported.catalog.read() as tx:
        found = modelruns.of_monitor(tx, MODEL, "planned")
        again = register.get(tx, MODEL, "planned")
    assert [each.window_start for each in found] == DAYS
    assert again.next == day(LAST, 1)
    with imported.catalog.begin() as tx:
        register.change(tx, MODEL, "planned", {"since": DAYS[0]}, now=now)
    planning.plan(imported.catalog, now, imported.settings)
    with imported.catalog.read() as tx:
        assert [each.id for each in modelruns.of_monitor(tx, MODEL, "planned")] == [each.id for each in found]
    with imported.catalog.begin() as tx:
        register.delete(tx, MODEL, "planned")
