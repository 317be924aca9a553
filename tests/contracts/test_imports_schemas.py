"""Imports of files that differ: growing schemas, versions in a column, captures, Delta tables; F-12, M-02, I-04."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from importing import BEGAN, SCHEMA, Site, csv_of, labels_of, lines_of, moment, rows_of

from driftline import registry
from driftline.catalog import Catalog, hours, work
from driftline.catalog.hours import Subject
from driftline.imports import batch, jobs, running, tending
from driftline.imports.job import Content, Policies
from driftline.inferences import rollups
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Kind, ModelField, ModelSchema, Role
from driftline.storage.access import Access
from driftline.window import Window

PREFIXED = Columns(id="id", timestamp="at", prefixes={"feature": "f_", "prediction": "p_"})
VERSIONED = replace(PREFIXED, version="version")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An empty place."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    catalog.migrate()
    yield Site(catalog, tmp_path)
    catalog.close()


def names(schema: ModelSchema) -> set[str]:
    """The fields of a schema."""
    return {each.name for each in schema}


def prefixed(ids: Any, hour: float = 0, **more: Any) -> list[dict[str, Any]]:
    """Rows whose columns say by a prefix what they are."""
    return [{"id": str(each), "at": moment(hour), "f_a": 1.5, "p_y": 0.5, **more} for each in ids]


def test_a_schema_grows_by_a_prefix(site: Site) -> None:
    """F-12, ER-24: a new column of the prefix becomes a field; one of no prefix is told, and not imported."""
    site.model(ModelSchema())
    job = site.job(columns=PREFIXED)
    site.put("in/a.csv", csv_of(prefixed("ab")))
    site.run(job)
    site.put("in/b.csv", csv_of(prefixed("cd", f_b="x", other=3)))
    site.put("in/c.csv", csv_of(prefixed("ef", f_c=2, f_b="y")))
    site.put("in/d.csv", csv_of(prefixed("g")))
    site.run(job)
    assert names(site.schema()) == {"a", "y", "b", "c"}
    assert {row["_id"]: (row["b"], row["c"]) for row in site.table()} == {
        **dict.fromkeys("abg", (None, None)),
        **dict.fromkeys("cd", ("x", None)),
        **dict.fromkeys("ef", ("y", 2)),
    }
    assert [[each.code for each in file.faults] for file in site.files(job)] == [[], ["Unmapped_Columns"], [], []]


def test_files_that_disagree_on_a_new_column(site: Site) -> None:
    """F-12, ER-24: the first says what it is; what cannot be that is told by its rows, or its file."""
    site.model(ModelSchema())
    job = site.job(columns=PREFIXED)
    site.put("in/0.csv", csv_of(prefixed("z")))
    site.run(job)
    site.put("in/a.csv", csv_of(prefixed("ab", f_b=7)))
    site.put("in/b.csv", csv_of(prefixed("cd", f_b="seven")))
    site.run(job)
    assert site.statuses(job) == ["done"] * 3
    assert [row["b"] for row in site.table()] == [None, 7, 7, None, None]
    assert site.counts(job) == (5, 5, 0, 0)
    assert site.files(job)[2].faults[0].code == "Invalid_Value"


@pytest.mark.parametrize("small", [True, False])
def test_a_schema_that_grows_within_a_file(site: Site, small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-12: rows of JSON further down have a member more; also in a file that is not held in memory."""
    if not small:
        for module in (batch, running):
            monkeypatch.setattr(module, "SMALL_BYTES", 1000)
    site.model(ModelSchema())
    job = site.job(columns=PREFIXED)
    rows = [*prefixed(range(20_000), f_t="x" * 400), *prefixed("xyz", f_b=1.5), *prefixed("z", f_b=2.5, f_c="c")]
    site.put("in/a.jsonl", lines_of(rows))
    site.put("in/b.jsonl", lines_of(prefixed("w", f_b=1.5)))
    site.run(job)
    assert site.statuses(job) == ["done", "done"]
    assert site.counts(job) == (20_005, 20_004, 0, 1)
    assert {(row["_id"], row["b"], row["c"]) for row in site.table() if row["b"]} == {
        ("x", 1.5, None),
        ("y", 1.5, None),
        ("z", 2.5, "c"),
        ("w", 1.5, None),
    }


def test_versions_in_a_column(site: Site) -> None:
    """M-02: each row goes to its version, which begins with its first rows; those that say none are the job's own."""
    site.model(SCHEMA, "1", "2")
    job = site.job(columns=Columns(id="id", timestamp="at", version="version"))
    rows = [
        *rows_of("ab", version="2"),
        *rows_of("c", version="3"),
        *rows_of("d", version=""),
        *rows_of("e", version="1"),
    ]
    site.put("in/a.csv", csv_of(rows))
    site.run(job)
    assert [site.ids(each) for each in ("1", "2", "3")] == [["d", "e"], ["a", "b"], ["c"]]
    assert site.schema("3") == SCHEMA
    late = site.job("late", content=Content.ACTUALS)
    site.put("late/a.csv", csv_of(labels_of("ac")))
    site.run(late)
    assert {version for version, _, _ in site.touched(since=1)} == {"2", "3"}


def test_versions_in_a_column_grow(site: Site) -> None:
    """M-02, F-12: a new column is a field of every version that has rows with it."""
    site.model(ModelSchema(), "1", "2")
    job = site.job(columns=VERSIONED)
    site.put("in/a.csv", csv_of([*prefixed("a", version="1"), *prefixed("b", version="2")]))
    site.run(job)
    site.put("in/b.csv", csv_of([*prefixed("c", version="1", f_b=1), *prefixed("d", version="2", f_b=2)]))
    site.run(job)
    site.put("in/c.csv", csv_of(prefixed("e", version="2", f_b=3)))
    site.run(job)
    assert site.statuses(job) == ["done"] * 3
    assert [row["b"] for row in site.table("2")] == [None, 2, 3]
    assert names(site.schema("2")) == {"a", "b", "y"}


def test_versions_with_schemas_of_their_own(site: Site) -> None:
    """M-02: rows of a version whose schema lacks a field of the job's version bring it along."""
    site.model(SCHEMA)
    with site.catalog.begin() as tx:
        other = ModelSchema((ModelField("score", Role.PREDICTION, Kind.NUMERIC),))
        kind = registry.get_version(tx, "m", "1").type
        registry.create_version(tx, registry.ModelVersion("m", "2", kind, other), now=site.catalog.clock())
    job = site.job(columns=Columns(id="id", timestamp="at", version="version"))
    site.put("in/a.csv", csv_of([*rows_of("a", version="2"), *rows_of("b", version="1")]))
    site.run(job)
    assert site.statuses(job) == ["done"]
    assert [row["kind"] for row in site.table("2")] == ["k0"]
    assert names(site.schema("2")) >= {"score", "kind", "amount"}


def test_a_version_without_fields_learns_from_the_first_file(site: Site) -> None:
    """F-12: however many files wait, and though the first cannot be read."""
    site.model(ModelSchema())
    job = site.job(
        columns=Columns(id="id", timestamp="at", lists={"prediction": ("score",), "actual": ("label",)}),
        content=Content.BOTH,
    )
    site.put("in/0.parquet", b"PAR1 nothing")
    for number in range(4):
        site.put(f"in/{number + 1}.csv", csv_of(rows_of([f"{number}a", f"{number}b"], label=number)))
    site.run(job)
    assert site.statuses(job) == ["failed"] + ["done"] * 4
    assert names(site.schema()) == {"amount", "kind", "score", "label"}
    assert [len(site.table()), len(site.table(None))] == [8, 8]


def test_vectors_in_hours_made_anew(site: Site) -> None:
    """M-04: the first file of a version without fields changes rows of its own; vectors are such in its profile too."""
    site.model(ModelSchema())
    job = site.job(columns=Columns(id="id", timestamp="at", lists={"prediction": ("score",)}))
    rows = [{**row, "v": [1.0, 2.0, 3.0]} for row in (*rows_of("xy"), *rows_of("xy", amount=7))]
    site.put("in/a.jsonl", lines_of(rows))
    site.put("in/b.jsonl", lines_of([{**row, "v": [1.0, 2.0, 3.0]} for row in rows_of("z", hour=1)]))
    site.run(job)
    assert site.counts(job) == (5, 3, 0, 2)
    assert {each.kind for each in site.schema() if each.name == "v"} == {Kind.TENSOR}
    first, second = (
        rollups.profile(
            site.catalog, Subject("m", "1"), Window(BEGAN.replace(hour=hour), BEGAN.replace(hour=hour + 1)), Access()
        )
        for hour in (0, 1)
    )
    assert first.states.keys() == second.states.keys()
    assert first.names == second.names


def call(event: str, lines: int = 1, inference: str | None = None, *, encoding: str = "CSV") -> dict[str, Any]:
    """A captured call with so many inferences."""
    if encoding == "CSV":
        kind, given = "text/csv", "\n".join(["1.5,red"] * lines)
        answered = "\n".join(["0.25"] * lines)
    else:
        kind = "application/json"
        given = "\n".join([json.dumps({"amount": 1.5, "kind": "red"})] * lines)
        answered = "\n".join([json.dumps({"score": 0.25})] * lines)
    sides = {
        side: {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}
        for side, mode, data in (("endpointInput", "INPUT", given), ("endpointOutput", "OUTPUT", answered))
    }
    meta = {"eventId": event, "inferenceTime": moment(2), **({"inferenceId": inference} if inference else {})}
    return {"captureData": sides, "eventMetadata": meta, "eventVersion": "0"}


@pytest.mark.parametrize("encoding", ["CSV", "JSON"])
def test_captured_calls(site: Site, encoding: str) -> None:
    """I-01, I-02, I-03, I-04: ids by the rules, whatever the encoding; one that is used again is told as duplicate."""
    fields = SCHEMA.early
    if encoding == "CSV":  # columns are told by their order: the answer comes first
        fields = (fields[2], fields[0], fields[1])
    site.model(ModelSchema(fields))
    job = site.job(columns=Columns(), format="capture")
    calls = [
        call("e1"),
        call("e2", 3),
        call("e3", inference="mine"),
        call("e4", 2, "many"),
        call("e5", inference="mine"),
    ]
    site.put(
        "in/2026/01/05/02/a.jsonl",
        lines_of(
            [{**call(""), **each} for each in calls]
            if encoding == "CSV"
            else [
                call(e["eventMetadata"]["eventId"], _lines(e), e["eventMetadata"].get("inferenceId"), encoding="JSON")
                for e in calls
            ]
        ),
    )
    site.run(job)
    assert site.ids() == ["e1", "e2_0", "e2_1", "e2_2", "many_0", "many_1", "mine"]
    assert site.counts(job) == (8, 7, 0, 1)
    row = site.table()[0]
    assert (row["amount"], row["kind"], row["score"]) == (1.5, "red", 0.25)
    assert row["_time"] == BEGAN.replace(hour=2)
    assert names(site.schema()) == {"amount", "kind", "score"}


def _lines(each: dict[str, Any]) -> int:
    return len(each["captureData"]["endpointOutput"]["data"].splitlines())


def test_captured_calls_of_a_version_without_fields(site: Site) -> None:
    """Both encodings are learned from; captures in a batch of their own order."""
    site.model(ModelSchema())
    job = site.job(columns=Columns(), format="capture")
    site.put("in/a.jsonl", lines_of([call(f"a{each}", encoding="JSON") for each in range(3)]))
    site.put("in/b.jsonl", lines_of([call(f"b{each}", encoding="JSON") for each in range(3)]))
    site.run(job)
    assert site.counts(job) == (6, 6, 0, 0)
    assert names(site.schema()) == {"amount", "kind", "score"}


def test_a_delta_table_with_new_versions(site: Site) -> None:
    """J-03, J-16: what is appended is read once; what is deleted or rewritten in place brings no row twice."""
    site.model()
    source = str(site.folder / "source")
    write_deltalake(source, pa.Table.from_pylist(rows_of("abc")))
    job = site.job("source", format="delta")
    site.run(job)
    assert site.counts(job) == (3, 3, 0, 0)
    write_deltalake(source, pa.Table.from_pylist(rows_of("de", hour=2)), mode="append")
    write_deltalake(source, pa.Table.from_pylist(rows_of("f", hour=3)), mode="append")
    site.run(job)
    site.run(job)
    assert [len(site.files(job)), site.counts(job)] == [3, (6, 6, 0, 0)]
    DeltaTable(source).delete("id = 'a'")
    DeltaTable(source).optimize.compact()
    DeltaTable(source).vacuum(0, dry_run=False, enforce_retention_duration=False)
    write_deltalake(source, pa.Table.from_pylist(rows_of("g", hour=3)), mode="append")
    site.run(job)
    assert site.ids() == list("abcdefg")
    assert set(site.statuses(job)) == {"done"}


def test_tables_are_tended(site: Site) -> None:
    """Many batches, then few files, days and months; duplicates are known as before, and nothing is counted twice."""
    site.model()
    job = site.job(policies=Policies(duplicates="last"))
    before = 1
    for number in range(12):
        site.put(f"in/{number}.csv", csv_of(rows_of([number, f"{number}x"], hour=number % 3)))
        site.run(job)
    _tend(site, before)
    assert len(DeltaTable(site.tables.inferences_uri("m", "1")).file_uris()) == 1
    with site.catalog.read() as tx:
        (whole,) = hours.cover(tx, Subject("m", "1"), Window(BEGAN, BEGAN.replace(day=6)))
    assert (whole.span, whole.rows) == ("day", 24)
    site.check()
    site.put("in/a.csv", csv_of([*rows_of([3, 4, "new"], hour=30), *rows_of(["5x"], hour=2)]))
    site.worker += 1
    site.run(job)
    assert site.counts(job) == (28, 25, 0, 3)
    with site.catalog.read() as tx:
        parts = hours.cover(tx, Subject("m", "1"), Window(BEGAN, BEGAN.replace(day=7)))
    assert sum(part.rows for part in parts) == 25
    _tend(site, before)
    site.check()


def _tend(site: Site, before: int) -> None:
    now = site.catalog.clock()
    with site.catalog.begin() as tx:
        tending.plan(tx, "m", before - tending.EVERY, now=now)
        held = work.claim(tx, "tender", now=now, lease_seconds=60, kinds=(tending.WORK,))
    assert held is not None
    tending.run(site.catalog, held, site.settings, Access(), site.told.append)


def test_jobs_of_one_model_take_turns(site: Site) -> None:
    """J-12: with other columns each, and one that is paused."""
    site.model()
    one = site.job("one")
    two = site.job("two", columns=Columns(id="key", timestamp="at", fields={"amount": "sum"}))
    paused = site.job("three")
    with site.catalog.begin() as tx:
        jobs.pause(tx, paused.id, now=site.catalog.clock())
    site.put("one/a.csv", csv_of(rows_of("ab")))
    site.put(
        "two/a.csv",
        csv_of([{"key": row["id"] + "2", "at": row["at"], "sum": 7, "kind": "k", "score": 1} for row in rows_of("ab")]),
    )
    site.put("three/a.csv", csv_of(rows_of("xyz")))
    site.run(one, two, paused)
    assert [site.statuses(each) for each in (one, two, paused)] == [["done"], ["done"], ["pending"]]
    assert site.ids() == ["a", "a2", "b", "b2"]
    with site.catalog.begin() as tx:
        jobs.start(tx, paused.id, now=site.catalog.clock())
    site.run()
    assert site.counts(paused) == (3, 3, 0, 0)
