"""Imports from files to rows, counted to the last one: J-09 to J-14, R-09, F-12, M-02, ER-21, ER-22, ER-27."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from databases import postgres_url
from importing import BEGAN, Site, csv_of, labels_of, lines_of, moment, rows_of
from s3 import Server, use

from driftline.catalog import Catalog
from driftline.imports.hourparts import rows_in
from driftline.imports.job import Content, Place, Policies
from driftline.window import Window


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """An empty place, on each database."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    catalog.migrate()
    yield Site(catalog, tmp_path)
    catalog.close()


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[Site]:
    """An empty place, where the database does not matter."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    catalog.migrate()
    yield Site(catalog, tmp_path)
    catalog.close()


def test_predictions_then_actuals(site: Site) -> None:
    """J-12, J-03: two jobs on one model; both find what is new, and only that."""
    site.model()
    early, late = site.job("in"), site.job("late", content=Content.ACTUALS)
    site.put("in/a.csv", csv_of(rows_of("abc")))
    site.put("in/b.jsonl", lines_of(rows_of("de", hour=30)))
    pq.write_table(pa.Table.from_pylist(rows_of("fg", hour=31)), site.folder / "in/c.parquet")
    site.put("in/d.csv.gz", gzip.compress(csv_of(rows_of("h", hour=32))))
    site.put("late/a.csv", csv_of(labels_of("ae", hour=50)))
    site.run(early, late)
    assert site.ids() == list("abcdefgh")
    assert site.ids(None) == ["a", "e"]
    assert site.counts(early) == (8, 8, 0, 0)
    assert site.counts(late) == (2, 2, 0, 0)
    touched = {("1", "production", moment(hour)) for hour in (0, 30, 31, 32)}
    assert site.touched() == touched
    assert site.touched(since=1) == {("1", "production", moment(hour)) for hour in (0, 30)}
    site.put("in/e.csv", csv_of(rows_of("i", hour=33)))
    site.run(early, late)
    assert site.counts(early) == (9, 9, 0, 0)
    assert site.statuses(early) == ["done"] * 5
    rows = {(row["_id"], row["_row"]) for row in site.table()}
    assert {("a", 1), ("b", 2), ("c", 3), ("d", 1)} <= rows


def test_both_in_one_file(site: Site) -> None:
    """J-13, G-07: rows without an actual are predictions all the same."""
    site.model()
    job = site.job(content=Content.BOTH)
    site.put("in/a.csv", csv_of([*rows_of("ab", label=1), *rows_of("c", label="")]))
    site.run(job)
    assert site.counts(job) == (3, 3, 0, 0)
    assert [site.ids(), site.ids(None)] == [["a", "b", "c"], ["a", "b"]]


@pytest.mark.parametrize(("label", "rejected"), [("", 0), ("nonsense", 1)])
def test_actuals_without_a_label(lone: Site, label: str, rejected: int) -> None:
    """R-08, G-07: what cannot be read is rejected; what is not known yet is no fault, and no row of the table."""
    lone.model()
    job = lone.job(content=Content.ACTUALS)
    lone.put("in/a.csv", csv_of([*labels_of("a"), {**labels_of("b")[0], "label": label}]))
    lone.run(job)
    assert lone.counts(job) == (2, 2 - rejected, rejected, 0)
    assert lone.ids(None) == ["a"]


def test_actuals_before_predictions(site: Site) -> None:
    """ER-22, G-06, J-14: the label is kept, and the hour counts as touched when the prediction comes."""
    site.model()
    late, early = site.job("late", content=Content.ACTUALS), site.job("in")
    site.put("late/a.csv", csv_of(labels_of("ax", hour=50)))
    site.run(late)
    assert site.touched() == set()
    site.put("in/a.csv", csv_of(rows_of("ab", hour=3)))
    site.run(early)
    assert site.touched() == {("1", "production", moment(3))}
    site.put("late/b.csv", csv_of(labels_of("ab", hour=60, label=0)))
    site.run(late)
    assert site.counts(late) == (4, 4, 0, 0)
    assert [(row["_id"], row["label"]) for row in site.table(None)] == [("a", 1), ("x", 1), ("a", 0), ("b", 0)]


@pytest.mark.parametrize(("policy", "kept"), [("first", 1.0), ("last", 3.0)])
def test_duplicates_within_a_file(site: Site, policy: str, kept: float) -> None:
    """ER-21, R-09: of rows with one id one counts, and the others are counted as duplicates; J-12."""
    site.model()
    job = site.job(policies=Policies(duplicates=policy))
    rows = [*rows_of("a", amount=1), *rows_of("b"), *rows_of("a", hour=5, amount=2), *rows_of("a", amount=3)]
    site.put("in/a.csv", csv_of([*rows, *rows_of("b")]))
    site.run(job)
    assert site.counts(job) == (5, 2, 0, 3)
    assert [row["amount"] for row in site.table() if row["_id"] == "a"] == [kept]


@pytest.mark.parametrize(("policy", "kept"), [("first", [2, 0]), ("last", [0, 2])])
@pytest.mark.parametrize("batches", [1, 2])
def test_duplicates_across_files(site: Site, policy: str, kept: list[int], batches: int) -> None:
    """ER-21: files of one batch, and of two; hours that lose rows are profiled anew."""
    site.model()
    job = site.job(policies=Policies(duplicates=policy))
    site.put("in/a.csv", csv_of(rows_of("abx", hour=1)))
    if batches == 2:
        site.run(job)
    site.put("in/b.csv", csv_of([*rows_of("ab", hour=30), *rows_of("y", hour=1)]))
    site.run(job)
    assert [each.accepted - 1 for each in site.files(job)] == kept
    assert site.counts(job) == (6, 4, 0, 2)
    late = 30 if policy == "last" else 1
    assert {row["_time"].hour for row in site.table() if row["_id"] in "ab"} == {late % 24}


@pytest.mark.parametrize("policy", ["first", "last"])
def test_duplicates_across_jobs(site: Site, policy: str) -> None:
    """J-12, ER-21: the same file through two jobs, and another one that changes rows of the first."""
    site.model()
    one, two = (site.job(prefix, policies=Policies(duplicates=policy)) for prefix in ("one", "two"))
    for prefix in ("one", "two"):
        site.put(f"{prefix}/a.csv", csv_of(rows_of("abc")))
    site.run(one, two)
    assert (site.counts(one), site.counts(two)) == ((3, 3, 0, 0), (3, 0, 0, 3))
    site.put("two/b.csv", csv_of(rows_of("bcd", hour=4, amount=7)))
    site.run(one, two)
    changed = policy == "last"
    assert site.counts(one) == ((3, 1, 0, 2) if changed else (3, 3, 0, 0))
    assert site.counts(two) == ((6, 3, 0, 3) if changed else (6, 1, 0, 5))
    assert site.ids() == list("abcd")


def test_a_rewritten_file_is_refused(site: Site) -> None:
    """J-09: as Arize does; the rows that were read stay as they are, also if the file is tried again."""
    site.model()
    job = site.job()
    site.put("in/a.csv", csv_of(rows_of("abc")))
    site.run(job)
    site.put("in/a.csv", csv_of(rows_of("abcd", amount=9)))
    site.run(job)
    assert site.statuses(job) == ["done", "failed"]
    assert site.files(job)[1].faults[0].code == "Rewritten_File"
    assert site.counts(job) == (3, 3, 0, 0)


def test_a_rewritten_file_takes_the_place(site: Site) -> None:
    """J-09: rows that are gone from it go, and none counts twice, with and without ids."""
    site.model()
    job = site.job(policies=Policies(rewritten="replace"))
    nameless = site.job("nameless", policies=Policies(rewritten="replace"), columns=type(job.columns)(timestamp="at"))
    for prefix in ("in", "nameless"):
        site.put(f"{prefix}/a.csv", csv_of(rows_of(["a", "b", "c", prefix])))
        site.put(f"{prefix}/b.csv", csv_of(rows_of(["x", f"{prefix} x"], hour=2)))
    site.run(job, nameless)
    for prefix in ("in", "nameless"):
        site.put(f"{prefix}/a.csv", csv_of(rows_of("ab", hour=2, amount=9)))
    site.run(job, nameless)
    assert site.counts(job) == site.counts(nameless) == (8, 4, 0, 4)
    assert "c" not in site.ids()


def test_rewritten_actuals_take_the_place(lone: Site) -> None:
    """J-09, G-08."""
    lone.model()
    early, late = lone.job("in"), lone.job("late", content=Content.ACTUALS, policies=Policies(rewritten="replace"))
    lone.put("in/a.csv", csv_of(rows_of("ab")))
    lone.put("late/a.csv", csv_of(labels_of("ab", hour=30)))
    lone.run(early, late)
    lone.put("late/a.csv", csv_of(labels_of("a", hour=30, label=0)))
    lone.run(late)
    assert [(row["_id"], row["label"]) for row in lone.table(None)] == [("a", 0)]
    assert lone.counts(late) == (3, 1, 0, 2)


def test_rewritten_both_take_the_place(lone: Site) -> None:
    """J-09, J-13."""
    lone.model()
    job = lone.job(content=Content.BOTH, policies=Policies(rewritten="replace"))
    lone.put("in/a.csv", csv_of(rows_of("ab", label=1)))
    lone.run(job)
    lone.put("in/a.csv", csv_of([*rows_of("a", label=0), *rows_of("c", label="")]))
    lone.run(job)
    assert [(row["_id"], row["label"]) for row in lone.table(None)] == [("a", 0)]
    assert lone.ids() == ["a", "c"]


@pytest.mark.parametrize("policy", ["reject", "replace"])
def test_a_file_rewritten_between_finding_and_reading(site: Site, policy: str) -> None:
    """J-09: only its later version counts."""
    site.model()
    job = site.job(policies=Policies(rewritten=policy))
    site.put("in/a.csv", csv_of(rows_of("abc")))
    site.look(job)
    site.put("in/a.csv", csv_of(rows_of("cd")))
    site.run()
    assert site.statuses(job) == ["skipped"]
    site.run(job)
    assert site.statuses(job) == ["skipped", "done"]
    assert site.ids() == ["c", "d"]


def test_a_file_rewritten_twice_before_it_is_read(lone: Site) -> None:
    """J-09: what is gone is not waited for."""
    lone.model()
    job = lone.job()
    for ids in ("abc", "bcd", "cde"):
        lone.put("in/a.csv", csv_of(rows_of(ids)))
        lone.look(job)
    lone.run(job)
    assert lone.statuses(job) == ["skipped", "skipped", "done"]
    assert lone.ids() == ["c", "d", "e"]


@pytest.mark.parametrize("policy", ["reject", "replace"])
def test_bytes_that_come_back(lone: Site, policy: str, s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """J-09: a file is rewritten, and then put back as it was: what is there counts; told twice, nothing changes."""
    use(monkeypatch, s3.environment())
    bucket, client = s3.bucket(f"back-{policy}"), s3.client()
    lone.model()
    job = lone.job(place=Place(f"s3://{bucket}/in/"), policies=Policies(rewritten=policy))
    for ids in ("abc", "cd", "abc", "cd"):
        client.put_object(Bucket=bucket, Key="in/a.csv", Body=csv_of(rows_of(ids, hour=len(ids))))
        lone.run(job)
        lone.run(job)
        assert lone.ids() == list(ids if policy == "replace" else "abc")
        time.sleep(1.1)  # stores tell when an object was written to the second
    assert lone.statuses(job) == (["done"] * 4 if policy == "replace" else ["done", "failed"])
    lone.put("again/a.csv", csv_of(rows_of("cd", hour=2)))
    other = lone.job("again")
    lone.run(other)
    assert lone.counts(other) == ((2, 0, 0, 2) if policy == "replace" else (2, 2, 0, 0))


BAD = {
    "truncated.parquet": b"PAR1 and then nothing of use",
    "empty.jsonl": b"\n\n",
    "nonsense.csv": b"these,are,other\ncolumns,than,wanted\n",
    "broken.csv.gz": gzip.compress(csv_of(rows_of(range(500))))[:-40],
}


def test_bad_files_among_good_ones(site: Site) -> None:
    """J-11, J-10: each has its reason, and stops no other; their rows count as none."""
    site.model()
    job = site.job(policies=Policies(max_file_bytes=50_000, max_rejected_ratio=0.5))
    for number, (name, data) in enumerate(BAD.items()):
        site.put(f"in/{number}-{name}", data)
        site.put(f"in/{number}-good.csv", csv_of(rows_of([f"{number}a", f"{number}b"])))
    site.put("in/large.csv", csv_of(rows_of(range(2000))))
    site.put("in/rejected.csv", csv_of([*rows_of("p"), *rows_of("qr", score="high")]))
    site.put("in/some.csv", csv_of([*rows_of("st"), *rows_of("u", score="high")]))
    site.run(job)
    found = {each.uri.rpartition("/")[2]: each for each in site.files(job)}
    failed = {name: each.faults[0].code for name, each in found.items() if each.status == "failed"}
    assert failed == {
        "0-truncated.parquet": "Unreadable_File",
        "2-nonsense.csv": "Missing_Columns",
        "3-broken.csv.gz": "Unreadable_File",
        "large.csv": "File_Too_Large",
        "rejected.csv": "Too_Many_Rejected",
    }
    assert all(each.ended is not None and each.faults[0].message for each in found.values() if each.status == "failed")
    assert site.counts(job) == (11, 10, 1, 0)
    assert found["some.csv"].faults[0].rows == (3,)


def test_files_that_are_cut_short(lone: Site) -> None:
    """J-11: a Parquet file cut anywhere leaves no row; a cut line of JSON is one rejected row."""
    lone.model()
    job = lone.job()
    stream = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows_of(range(5000))), stream, row_group_size=500)
    whole = stream.getvalue().to_pybytes()
    for part in (1, 2, 3):
        lone.put(f"in/{part}.parquet", whole[: len(whole) * part // 4])
    lone.put("in/lines.jsonl", lines_of(rows_of("ab"))[:-20])
    lone.run(job)
    assert lone.statuses(job) == ["failed"] * 3 + ["done"]
    assert lone.counts(job) == (2, 1, 1, 0)


def test_a_set_in_its_batches(lone: Site) -> None:
    """M-08: the same ids in training, and in two batches of validation, are not one another's duplicates."""
    lone.model()
    kept = [lone.job("in")]
    kept += [lone.job("set", environment="training", content=Content.BOTH)]
    kept += [lone.job("set", environment="validation", content=Content.BOTH, batch=name) for name in ("x", "y")]
    for prefix in ("in", "set"):
        lone.put(f"{prefix}/a.csv", csv_of(rows_of("ab", label=1)))
    lone.run(*kept)
    assert [lone.counts(each) for each in kept] == [(2, 2, 0, 0)] * 4
    assert len(lone.table()) == 8


def test_a_window_over_midnight_and_new_year(lone: Site) -> None:
    """ER-27: the rows of the window, and no others, from partitions of two years; reading the table in place."""
    lone.model()
    job = lone.job()
    times = ["2025-12-31T22:59:59.999999Z", "2025-12-31T23:00:00Z", "2025-12-31T23:59:59.999999Z"]
    times += ["2026-01-01T00:00:00Z", "2026-01-01T00:59:59.999999Z", "2026-01-01T01:00:00Z"]
    lone.put("in/a.csv", csv_of([{**rows_of([place])[0], "at": time} for place, time in enumerate(times)]))
    lone.run(job)
    uri = lone.tables.inferences_uri("m", "1")
    start = BEGAN.replace(year=2025, month=12, day=31, hour=23)

    def ids(window: Window) -> list[str]:
        return sorted(
            each for batch in rows_in(lone.tables, uri, "production", window) for each in batch["_id"].to_pylist()
        )

    assert ids(Window(start, start.replace(year=2026, month=1, day=1, hour=1))) == ["1", "2", "3", "4"]
    assert ids(Window(start, start.replace(year=2026, month=1, day=1, hour=0))) == ["1", "2"]
    assert {f"{hour:%Y-%m-%dT%H}": rows for hour, rows in lone.hours().items()} == {
        "2025-12-31T22": 1,
        "2025-12-31T23": 2,
        "2026-01-01T00": 2,
        "2026-01-01T01": 1,
    }
