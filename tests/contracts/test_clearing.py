"""Rows that go from a model's tables, and what else knew of them; orders that cannot be carried out say why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from importing import Killed

from driftline import registry
from driftline.catalog import Catalog, hours, imports, work
from driftline.catalog.hours import Subject
from driftline.errors import StorageUnavailable
from driftline.imports import clearing, forgetting, jobs, watching
from driftline.imports.clearing import Kind, Order
from driftline.imports.hourparts import folder_of
from driftline.imports.job import FileStatus, ImportJob, Place
from driftline.imports.pushed import inbox_of, push
from driftline.imports.running import drain, tables_of
from driftline.inferences import upkeep
from driftline.inferences.rollups import read, roll_up
from driftline.inferences.sheetbytes import directory, unpack
from driftline.inferences.tables import Tables
from driftline.registry import Model, ModelVersion
from driftline.schemas.columns import Columns
from driftline.schemas.fields import ModelSchema, ModelType
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.window import Window

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
ROLES = Columns(id="id", timestamp="at", lists={"feature": ("city",), "prediction": ("y",)})


@dataclass(frozen=True)
class House:
    """An installation with a model."""

    catalog: Catalog
    settings: Settings

    @property
    def tables(self) -> Tables:
        """Its tables."""
        return tables_of(self.settings, Access())

    @property
    def root(self) -> Path:
        """The folder of all that is kept of the model."""
        return Path(self.settings.tables_root) / "churn"

    def imported(self, folder: Path, format: str | None = None) -> ImportJob:
        """A job that has read a folder."""
        asked = ImportJob("", "churn", "1", Place(f"{folder}/", format), ROLES)
        with self.catalog.begin() as tx:
            job = jobs.create(tx, asked, now=NOW)
        self.looked()
        return job

    def looked(self) -> None:
        """All sources are looked at, and all that waits is read."""
        with self.catalog.begin() as tx:
            for row in imports.active(tx):
                imports.change(tx, row.id, looked=None)
        watching.look(self.catalog, Access(), self.catalog.clock())
        drain(self.catalog, self.settings, Access())

    def carried(self) -> Order:
        """What became of the order whose turn it is."""
        now = self.catalog.clock()
        with self.catalog.begin() as tx:
            held = work.claim(tx, "test", now=now, lease_seconds=60, kinds=(clearing.WORK,))
        assert held is not None
        clearing.run(self.catalog, held, self.settings, Access(), lambda _: None)
        return clearing.outcome(self.catalog, self.tables, "churn", held.subject.partition("/")[0], now=now)

    def ordered(self, order: Order) -> Order:
        """What became of an order that was given and carried out."""
        clearing.give(self.catalog, self.tables, order)
        return self.carried()

    def forgotten(self, *ids: str) -> Order:
        """The same for the rows of a subject."""
        return self.ordered(Order("", "churn", Kind.FORGET, NOW, ids=ids))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An installation with an empty version of a model."""
    settings = Settings(home=tmp_path / "home")
    catalog = Catalog(settings.url)
    catalog.migrate()
    with catalog.begin() as tx:
        registry.create_model(tx, Model("churn", "Churn"), now=NOW)
        registry.create_version(tx, ModelVersion("churn", "1", ModelType.BINARY, ModelSchema()), now=NOW)
    yield House(catalog, settings)
    catalog.close()


def written(folder: Path, name: str, *rows: str) -> None:
    """A CSV file of rows."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(["id,at,city,y", *rows, ""]))


def test_an_order_that_cannot_be_carried_out_ends_with_its_reason(house: House, tmp_path: Path) -> None:
    """Damaged data of ours: it is not tried again, and the ids are not kept."""
    written(tmp_path / "in", "a.csv", "a,2026-01-09T01:00:00Z,Rome,1", ",2026-01-09,Rome,1", "b,1926-01-09,Bonn,0")
    house.imported(tmp_path / "in")
    (kept,) = house.root.glob("rejects/*.parquet")
    kept.write_bytes(b"damaged")
    failed = house.forgotten("a")
    assert failed.ended is not None and failed.ids == ()
    assert failed.reason is not None and "the rejected rows that are kept are damaged" in failed.reason
    with house.catalog.read() as tx:
        assert work.length(tx) == 0
    kept.unlink()
    assert house.forgotten("a").reason is None


def test_an_order_whose_workers_were_killed_has_failed(house: House) -> None:
    """What nobody works at any more will never end by itself."""
    given = clearing.give(house.catalog, house.tables, Order("", "churn", Kind.COMPACT, NOW))
    assert clearing.outcome(house.catalog, house.tables, "churn", given.id, now=NOW).ended is None
    with house.catalog.begin() as tx:
        work.remove(tx, clearing.WORK, f"{given.id}/churn")
    failed = clearing.outcome(house.catalog, house.tables, "churn", given.id, now=NOW)
    assert failed.ended == NOW and "its worker ended" in str(failed.reason)
    assert clearing.find(house.tables, "churn", given.id) == failed


def test_storage_that_stays_away_fails_an_order_at_last(house: House, tmp_path: Path) -> None:
    """What may come back is waited for, as often as the settings say."""
    written(tmp_path / "in", "a.csv", "a,2026-01-09T01:00:00Z,Rome,1")
    house.imported(tmp_path / "in")
    (log,) = house.root.glob("versions/1/_delta_log/*1.json")
    log.write_text("damaged")
    with pytest.raises(StorageUnavailable):
        house.forgotten("a")
    with house.catalog.begin() as tx:
        work.release(tx, "test", now=NOW)
    hasty = House(house.catalog, house.settings.model_copy(update={"attempts": 1}))
    assert "does not answer" in str(hasty.carried().reason)


def sheets(root: Path) -> bytes:
    """All that profiles hold, unpacked, as bytes in which a value can be looked for."""
    found = b""
    for path in [each for each in root.glob("profiles/**/*") if each.is_file()]:
        data = path.read_bytes()
        for start, end, _ in directory(data, str(path)).values():
            found += repr(unpack(data[start:end], str(path))).encode()
        listed = sum(end - start for start, end, _ in directory(data, str(path)).values())
        assert listed == max(end for _, end, _ in directory(data, str(path)).values()), "bytes that no sheet has"
    return found


def test_profiles_keep_nothing_of_a_subject(house: House, tmp_path: Path) -> None:
    """Hours, days and months lose it, also the bytes that lie in objects with other hours, and what nobody names."""
    told = {hour: f"2026-01-08T{hour:02}:00:00Z" for hour in range(4)}
    written(tmp_path / "in", "a.csv", *[f"a{hour},{moment},Rome,1" for hour, moment in told.items()])
    house.imported(tmp_path / "in")
    written(tmp_path / "in", "b.csv", f"b1,{told[1]},Bonn,1", f"b2,{told[2]},Atlantis,0", f"b3,{told[3]},Bonn,0")
    house.looked()
    subject = Subject("churn", "1")
    folder = folder_of(house.tables, subject)
    assert roll_up(house.catalog, subject, folder, Access(), until=datetime(2026, 3, 1, tzinfo=UTC)) == 2
    left = Path(folder, "00000099-hours.profiles")  # as a worker that was killed leaves it
    left.write_bytes(max(Path(folder).glob("*-hours.profiles")).read_bytes())
    assert b"Atlantis" in sheets(house.root)
    whole = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    for _ in range(2):
        assert house.forgotten("b2").reason is None
        assert b"Atlantis" not in sheets(house.root) and not left.exists()
        assert read(house.catalog, subject, whole, Access()).profile.rows == 6
    with house.catalog.read() as tx:
        assert sum(hours.hours(tx, subject, whole).values()) == 6
        named = set(hours.objects(tx, subject))
    assert named == {str(each) for each in Path(folder).rglob("*") if each.is_file()}


CALL = {
    "captureData": {
        "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV"},
        "endpointOutput": {"observedContentType": "text/csv", "mode": "OUTPUT", "data": "1", "encoding": "CSV"},
    },
    "eventVersion": "0",
}


def call(id: str) -> bytes:
    """A call that was captured, as a line."""
    about = {"eventId": f"event-{id}", "inferenceId": id, "inferenceTime": "2026-01-09T01:00:00Z"}
    return json.dumps({**CALL, "eventMetadata": about}).encode() + b"\n"


def encoded(table: pa.Table, format: str) -> bytes:
    """Rows as a file of a format."""
    stream = BytesIO()
    if format == "csv":
        pa.csv.write_csv(table, stream)
    elif format == "jsonlines":
        return b"".join(json.dumps(each).encode() + b"\n" for each in table.to_pylist())
    elif format == "json":
        return json.dumps({"rows": table.to_pylist()}).encode()
    elif format == "parquet":
        pq.write_table(table, stream)
    elif format == "arrow":
        with pa.ipc.new_file(stream, table.schema) as writer:
            writer.write_table(table)
    else:
        fields = [{"name": name, "type": "string"} for name in table.column_names]
        fastavro.writer(stream, {"type": "record", "name": "row", "fields": fields}, table.to_pylist())
    return stream.getvalue()


TEXTS = pa.table({"id": ["r7", "r70", "r8"], "city": ["Atlantis", "Rome", "Bonn"], "y": ["1", "0", "1"]})


@pytest.mark.parametrize("format", ["csv", "jsonlines", "json", "parquet", "arrow", "avro"])
def test_what_was_pushed_loses_the_rows_of_a_subject(house: House, format: str) -> None:
    """In the form in which it came; it is not read again, and pushed again it is known."""
    inbox = inbox_of(house.settings, "churn", "1", format=format, columns=replace(ROLES, timestamp=None))
    data = encoded(TEXTS, format)
    assert inbox.policies.poll_seconds == 300  # what is pushed is told at once
    file = push(house.catalog, inbox, data, "day", access=Access(), now=NOW)
    drain(house.catalog, house.settings, Access())
    assert house.forgotten("r7").rows == 1
    left = Path(file.uri).read_bytes()
    assert left != data and b"Atlantis" not in left
    before = [each.read_bytes() for each in house.root.glob("inbox/*/*")]
    assert house.forgotten("r7").rows == 0
    assert push(house.catalog, inbox, data, "day", access=Access(), now=NOW).number == file.number
    house.looked()
    assert [each.read_bytes() for each in house.root.glob("inbox/*/*")] == before
    with house.catalog.read() as tx:
        (known,) = jobs.files(tx, inbox.id)
        assert (known.status, known.accepted, known.size) == (FileStatus.DONE, 3, len(left))
        assert jobs.counts(tx, inbox.id).pending == 0
    again = push(house.catalog, inbox, left, "anew", access=Access(), now=NOW)
    drain(house.catalog, house.settings, Access())
    with house.catalog.read() as tx:
        assert (jobs.file(tx, again.number).rows, jobs.counts(tx, inbox.id).duplicate) == (2, 2)


def test_calls_that_were_pushed_go_as_a_whole(house: House) -> None:
    """A line is a call; what cannot be read and names the id goes too, other lines stay as they are."""
    inbox = inbox_of(house.settings, "churn", "1", format="capture")
    data = call("a") + b'{"broken": "b", \n' + call("b") + b"\n" + call("ab")
    file = push(house.catalog, inbox, data, "calls", access=Access(), now=NOW)
    drain(house.catalog, house.settings, Access())
    assert house.forgotten("b").reason is None
    assert Path(file.uri).read_bytes() == call("a") + b"\n" + call("ab")
    with house.catalog.read() as tx:
        said = {each.code: each.message for each in jobs.file(tx, file.number).faults}
    assert said["Malformed_Row"] == "its words were removed with the rows of a subject"
    assert house.forgotten("event-a").reason is None
    assert Path(file.uri).read_bytes() == b"\n" + call("ab")


def test_an_order_is_behind_what_was_pushed_before_it(house: House) -> None:
    """Rows that wait are in no table yet: they are read, then they go. What comes later stays."""
    inbox = inbox_of(house.settings, "churn", "1", format="jsonlines", columns=replace(ROLES, timestamp=None))
    data = encoded(TEXTS, "jsonlines")
    push(house.catalog, inbox, data, "before", access=Access(), now=NOW)
    with house.catalog.begin() as tx:
        work.remove(tx, jobs.WORK, inbox.id)  # given up, since the store was away
    assert house.forgotten("r7").ended is None
    push(house.catalog, inbox, data + b"\n", "after", access=Access(), now=NOW + timedelta(seconds=1))
    drain(house.catalog, house.settings, Access())
    done = house.carried()
    assert (done.rows, done.reason) == (1, None)


def test_objects_without_ids_of_their_own_go(house: House) -> None:
    """Where an id was made of the object's name and the row, the copy goes; the ledger still knows it."""
    columns = Columns(lists={"feature": ("city",), "prediction": ("y",)}, exclude=("id",))
    inbox = inbox_of(house.settings, "churn", "1", format="csv", columns=columns)
    file = push(house.catalog, inbox, encoded(TEXTS, "csv"), "day", access=Access(), now=NOW)
    drain(house.catalog, house.settings, Access())
    assert house.forgotten(f"day.csv-{file.etag}-1").rows == 1
    assert not Path(file.uri).exists()
    push(house.catalog, inbox, encoded(TEXTS, "csv"), "day", access=Access(), now=NOW)
    house.looked()
    with house.catalog.read() as tx:
        assert [each.status for each in jobs.files(tx, inbox.id)] == [FileStatus.DONE]


def test_a_purged_job_has_read_nothing(house: House, tmp_path: Path) -> None:
    """J-15: its ledger says so, it is purged again without harm, and another job brings the rows again."""
    written(tmp_path / "in", "a.csv", "a,2026-01-09T01:00:00Z,Rome,1", "b,2026-01-09T02:00:00Z,Bonn,0")
    job = house.imported(tmp_path / "in")
    with house.catalog.begin() as tx:
        jobs.delete(tx, job.id, now=NOW)
    for rows in (2, 0):
        assert house.ordered(Order("", "churn", Kind.PURGE, NOW, job=job.id)).rows == rows
        with house.catalog.read() as tx:
            (file,) = jobs.files(tx, job.id)
            assert imports.get(tx, job.id).cursor == {}
            assert jobs.counts(tx, job.id) == jobs.Counts(skipped=1)
        assert [each.code for each in file.faults] == ["Purged"]
    again = house.imported(tmp_path / "in")
    with house.catalog.read() as tx:
        assert jobs.counts(tx, again.id).accepted == 2


def test_what_was_pushed_is_purged_and_can_be_pushed_again(house: House) -> None:
    """Copies go with the rows; what was pushed beside does not come back by itself."""
    inbox = inbox_of(house.settings, "churn", "1", format="csv", columns=replace(ROLES, timestamp=None))
    for name in ("one", "two"):
        push(house.catalog, inbox, encoded(TEXTS, "csv"), name, access=Access(), now=NOW)
    drain(house.catalog, house.settings, Access())
    with house.catalog.begin() as tx:
        jobs.delete(tx, inbox.id, now=NOW)
    assert house.ordered(Order("", "churn", Kind.PURGE, NOW, job=inbox.id)).rows == 3
    assert not list(house.root.glob("inbox/*/*"))
    push(house.catalog, inbox, encoded(TEXTS, "csv"), "one", access=Access(), now=NOW)
    house.looked()
    with house.catalog.read() as tx:
        assert jobs.counts(tx, inbox.id) == jobs.Counts(done=1, skipped=2, rows=3, accepted=3)
    with house.catalog.begin() as tx:
        jobs.delete(tx, inbox.id, now=NOW)
    assert house.ordered(Order("", "churn", Kind.PURGE, NOW, job=inbox.id)).rows == 3


@pytest.mark.parametrize("step", ["hours_with", "rebuild", "sweep", "clear_inbox", "clear_rejects"])
def test_an_order_goes_on_after_a_kill(house: House, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """P-05: whoever comes after a worker that was killed behind a step ends what it began."""
    inbox = inbox_of(house.settings, "churn", "1", format="csv", columns=replace(ROLES, timestamp=None))
    file = push(house.catalog, inbox, encoded(TEXTS, "csv"), "day", access=Access(), now=NOW)
    drain(house.catalog, house.settings, Access())
    where = {"hours_with": upkeep, "rebuild": clearing, "sweep": clearing}.get(step, forgetting)
    true: Callable[..., Any] = getattr(where, step)

    def killed(*args: Any, **kwargs: Any) -> None:
        done = true(*args, **kwargs)
        if step == "hours_with":
            list(done)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(where, step, killed)
        house.forgotten("r7")
    with house.catalog.begin() as tx:
        work.release(tx, "test", now=NOW)
    assert house.carried().reason is None
    assert b"Atlantis" not in sheets(house.root) + Path(file.uri).read_bytes()
    with house.catalog.read() as tx:
        subject = Subject("churn", "1")
        assert [each.rows for each in hours.cover(tx, subject, hours.extent(tx, subject) or pytest.fail())] == [2]
        named = set(hours.objects(tx, subject))
        (known,) = jobs.files(tx, inbox.id)
    assert named == {str(each) for each in Path(folder_of(house.tables, subject)).rglob("*") if each.is_file()}
    assert known.size == Path(file.uri).stat().st_size and known.etag
