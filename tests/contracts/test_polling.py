"""Looking for new files: each found once, from anywhere, with few requests; on folders and a real S3 server."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from s3 import Server, use

from driftline.imports import polling
from driftline.imports.job import ImportJob, Place
from driftline.imports.polling import Look, look
from driftline.storage.s3connection import connect
from driftline.storage.storages import Access, storage_for

NOW = datetime(2026, 11, 21, 13, 30, tzinfo=UTC)
TICK = timedelta(seconds=10)
_numbers = count()


@dataclass
class Watch:
    """A job whose ledger is a dictionary; every cursor is written and read as the database does."""

    place: Place
    now: datetime = NOW
    budget: int = polling.BUDGET
    cursor: dict[str, Any] = field(default_factory=dict)
    ledger: dict[tuple[str, str], int] = field(default_factory=dict)
    passed: dict[str, str] = field(default_factory=dict)
    requests: int = 0

    @property
    def job(self) -> ImportJob:
        """The job."""
        return ImportJob("j", "churn", "1", self.place)

    def look(self, pages: int | None = None) -> bool:
        """One look, or its first pages only, as if it were killed then; whether it was done."""
        self.now, self.requests, done = self.now + TICK, 0, False
        for number, each in enumerate(look(self.job, self.cursor, Access(), now=self.now, budget=self.budget)):
            if number == pages:
                return False
            done = self.note(each)
        return done

    def note(self, each: Look) -> bool:
        """Keep what a page says."""
        for one in each.objects:
            self.ledger[one.uri, one.etag] = self.ledger.get((one.uri, one.etag), 0) + 1
        self.passed |= {one.object.uri: one.reason for one in each.passed}
        self.requests += each.requests
        self.cursor = json.loads(json.dumps(each.cursor))
        return each.done

    def settle(self) -> int:
        """Look until everything was listed; how many looks it took."""
        for number in range(1, 500):
            if self.look():
                return number
        raise AssertionError("no end")

    @property
    def names(self) -> set[str]:
        """Everything found, below the prefix."""
        return {uri.removeprefix(self.place.uri) for uri, _ in self.ledger}


def at(root: Path, name: str, data: bytes = b"1", age: timedelta = timedelta(0)) -> None:
    """Write a file, as old as that."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    moment = (NOW - age).timestamp()
    os.utime(path, (moment, moment))


def dates(stem: str = "", days: int = 30) -> Iterator[str]:
    """A key an hour for some days before now."""
    for hours in range(days * 24):
        yield f"{stem}{NOW - timedelta(hours=hours):%Y/%m/%d/%H}/{hours}.jsonl"


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every prefix counts as a large one, and pages are of ten."""
    monkeypatch.setattr(polling, "SMALL", 0)
    for module in ("file", "clouds"):
        monkeypatch.setattr(f"driftline.storage.{module}.PAGE", 10)


def test_the_first_listing_is_resumed_wherever_it_was_killed(tmp_path: Path, large: None) -> None:
    """J-02, J-14: each file is found exactly once, however often the looker dies between two pages."""
    for number in range(203):
        at(tmp_path, f"{number % 7}/{number:03}.csv")
    watch = Watch(Place(f"{tmp_path}/"), budget=4)
    for pages in (1, 2, 0, 3, 1, 1):
        assert not watch.look(pages)
    assert watch.settle() == 4
    assert len(watch.ledger) == 203
    assert set(watch.ledger.values()) == {1}


def test_a_small_prefix_is_listed_whole_and_told_once(tmp_path: Path) -> None:
    """J-02: a new file is found by the next look; what did not change is not told again."""
    for number in range(30):
        at(tmp_path, f"{number}.csv")
    watch = Watch(Place(f"{tmp_path}/"))
    assert watch.settle() == 1
    assert watch.look() and watch.look()
    before = dict(watch.ledger)
    assert watch.look()
    assert watch.ledger == before
    at(tmp_path, "0000.csv")
    assert watch.look()
    assert watch.requests == 1
    assert "0000.csv" in watch.names


def test_a_rewritten_file_shows_as_another_version(tmp_path: Path) -> None:
    """J-09: the same name with another etag."""
    at(tmp_path, "a.csv", b"1")
    watch = Watch(Place(f"{tmp_path}/"))
    watch.settle()
    at(tmp_path, "a.csv", b"22", age=-TICK)
    watch.look()
    assert len(watch.ledger) == 2
    assert watch.names == {"a.csv"}


@pytest.mark.parametrize("stem", ["", "churn/AllTraffic/"])
@pytest.mark.parametrize("form", ["%Y/%m/%d/%H/", "dt=%Y-%m-%d/hr=%H/", "date=%Y-%m-%d/", "year=%Y/month=%m/day=%d/"])
def test_of_dated_keys_only_the_latest_are_listed(tmp_path: Path, large: None, stem: str, form: str) -> None:
    """J-02, J-14: a poll takes few requests; what comes late is found within the hour, and in order of its date."""
    for hours in range(40 * 24):
        moment = NOW - timedelta(hours=hours)
        at(tmp_path, f"{stem}{moment.strftime(form)}{hours}.csv")
    watch = Watch(Place(f"{tmp_path}/"), budget=12)
    watch.settle()
    assert len(watch.ledger) == 960
    watch.look()
    watch.look()
    assert watch.requests <= 4
    fresh = f"{stem}{NOW.strftime(form)}fresh.csv"
    at(tmp_path, fresh)
    watch.look()
    assert fresh in watch.names
    assert watch.requests <= 4
    following = f"{stem}{(NOW + timedelta(days=1)).strftime(form)}next.csv"
    at(tmp_path, following)
    watch.look()
    assert following in watch.names
    late = f"{stem}{(NOW - timedelta(days=20)).strftime(form)}late.csv"
    at(tmp_path, late)
    watch.look()
    assert late not in watch.names
    watch.now += timedelta(hours=1)
    while late not in watch.names:
        watch.look()
        assert watch.requests <= watch.budget
    assert watch.now - NOW < timedelta(hours=1, minutes=10)


def test_unpadded_and_local_dates_are_found_too(tmp_path: Path, large: None) -> None:
    """Spark writes `month=1`; clocks of other zones are ahead of or behind ours."""
    for day in range(1, 29):
        at(tmp_path, f"year=2026/month=9/day={day}/x.csv")
        at(tmp_path, f"year=2026/month=10/day={day}/x.csv")
    watch = Watch(Place(f"{tmp_path}/"))
    watch.settle()
    for name in (
        "year=2026/month=10/day=29/x.csv",
        "year=2026/month=11/day=2/x.csv",
        "year=2026/month=11/day=12/x.csv",
    ):
        at(tmp_path, name)
        watch.look()
        assert name in watch.names


def test_many_stems_take_turns(tmp_path: Path, large: None) -> None:
    """The budget of a look holds, and no stem is forgotten."""
    stems = [f"endpoint-{number:02}/v/" for number in range(25)]
    for stem in stems:
        for name in dates(stem, 2):
            at(tmp_path, name)
    watch = Watch(Place(f"{tmp_path}/"), budget=7)
    watch.settle()
    fresh = {f"{stem}{NOW:%Y/%m/%d/%H}/fresh.jsonl" for stem in stems}
    for name in fresh:
        at(tmp_path, name)
    for _ in range(60):
        watch.look()
        assert watch.requests <= 8
        if fresh <= watch.names:
            return
    raise AssertionError(fresh - watch.names)


def test_keys_that_sort_by_time_are_listed_from_behind_the_last(tmp_path: Path, large: None) -> None:
    """J-02: by what the times of change show; J-14: what sorts before is found by the hourly sweep."""
    for number in range(100):
        at(tmp_path, f"{number:05}.csv", age=timedelta(hours=100 - number))
    watch = Watch(Place(f"{tmp_path}/"), budget=30)
    watch.settle()
    at(tmp_path, "00100.csv")
    watch.look()
    assert "00100.csv" in watch.names
    assert watch.requests == 1
    at(tmp_path, "00000a.csv")
    watch.look()
    assert "00000a.csv" not in watch.names
    watch.now += timedelta(hours=1)
    for _ in range(3):
        watch.look()
    assert "00000a.csv" in watch.names


def test_other_keys_are_listed_in_turns(tmp_path: Path, large: None) -> None:
    """Neither dates nor order: the whole prefix, a budget at a time."""
    for number in range(300):
        at(tmp_path, f"{number * 7919 % 1000:03}.csv")
    watch = Watch(Place(f"{tmp_path}/"), budget=10)
    watch.settle()
    at(tmp_path, "500a.csv")
    for _ in range(9):
        watch.look()
        assert watch.requests <= polling.STEADY
    assert "500a.csv" in watch.names


def test_what_is_no_file_is_passed_over_with_a_reason(tmp_path: Path) -> None:
    """J-17: empty, markers, hidden, other names and formats."""
    for name in ("a.csv", "sub/b.csv", "_SUCCESS", ".hidden/c.csv", "d.csv.crc", "e.parquet", "notes.txt"):
        at(tmp_path, name)
    at(tmp_path, "empty.csv", b"")
    watch = Watch(Place(f"{tmp_path}/", format="csv", include=("**/*.csv", "*.parquet")))
    watch.settle()
    assert watch.names == {"a.csv", "sub/b.csv"}
    reasons = {uri.removeprefix(f"{tmp_path}/"): reason for uri, reason in watch.passed.items()}
    assert reasons == {
        "_SUCCESS": "hidden: _SUCCESS begins with _",
        ".hidden/c.csv": "hidden: .hidden begins with .",
        "d.csv.crc": "left by a writer",
        "e.parquet": "its name says parquet, the job reads csv",
        "notes.txt": "matches none of **/*.csv, *.parquet",
        "empty.csv": "empty (0 bytes)",
    }


def test_where_events_come_the_prefix_is_listed_once_an_hour(tmp_path: Path) -> None:
    """P-10: and so nothing is lost if an event is."""
    at(tmp_path, "a.csv")
    watch = Watch(Place(f"{tmp_path}/", events="webhook"))
    watch.settle()
    at(tmp_path, "b.csv")
    watch.look()
    assert (watch.requests, watch.names) == (0, {"a.csv"})
    watch.now += timedelta(hours=1)
    watch.look()
    assert watch.names == {"a.csv", "b.csv"}


def test_a_single_file_and_a_prefix_that_is_empty_yet(tmp_path: Path) -> None:
    """S-01: what comes later is found."""
    at(tmp_path, "in/a.csv")
    single = Watch(Place(f"{tmp_path}/in/a.csv"))
    single.settle()
    assert [uri for uri, _ in single.ledger] == [f"{tmp_path}/in/a.csv"]
    watch = Watch(Place(f"{tmp_path}/later/"))
    watch.settle()
    assert watch.ledger == {}
    at(tmp_path, "later/x/y/z.csv")
    watch.look()
    assert watch.names == {"x/y/z.csv"}


def test_a_delta_table_gives_its_files_when_its_log_grows(tmp_path: Path) -> None:
    """S-16: data files, and only when there is a new version."""
    import pyarrow as pa
    from deltalake import write_deltalake

    table = str(tmp_path / "table")
    write_deltalake(table, pa.table({"a": [1]}))
    watch = Watch(Place(table, format="delta"))
    assert watch.look() and len(watch.ledger) == 1
    watch.look()
    assert set(watch.ledger.values()) == {1}
    write_deltalake(table, pa.table({"a": [2]}), mode="append")
    watch.look()
    assert len(watch.ledger) == 2


@pytest.mark.parametrize("is_table", [False, True])
def test_it_is_told_when_all_that_was_there_has_been_found(tmp_path: Path, is_table: bool) -> None:
    """J-08: who follows a job waits for that, and for it again when the job is asked to look."""
    import pyarrow as pa
    from deltalake import write_deltalake

    write_deltalake(str(tmp_path / "table"), pa.table({"a": [1]}))
    watch = Watch(Place(str(tmp_path / "table"), format="delta" if is_table else "parquet"))
    assert not polling.is_listed(watch.cursor)
    watch.settle()
    assert polling.is_listed(watch.cursor)
    watch.cursor = polling.anew(watch.cursor)
    assert not polling.is_listed(watch.cursor)
    watch.settle()
    assert polling.is_listed(watch.cursor) and len(watch.ledger) == 1


def test_requests_to_a_real_server_are_as_few_as_they_are_counted(
    s3: Server, monkeypatch: pytest.MonkeyPatch, large: None
) -> None:
    """J-02: what `requests` counts is what the server is asked."""
    use(monkeypatch, s3.environment())
    root = f"s3://{s3.bucket('polling')}/case-{next(_numbers)}/"
    storage = storage_for(root, Access())
    for name in dates("churn/AllTraffic/", 4):
        storage.put(root + name, b"1")
    sent: list[str] = []
    events = connect(Access(), root, "s3:ListBucket").client.meta.events
    events.register("before-send.s3", lambda request, **_: sent.append(request.url))
    watch = Watch(Place(root))
    watch.settle()
    assert len(watch.ledger) == 96
    for _ in range(3):
        sent.clear()
        watch.look()
        assert len(sent) == watch.requests == 1
    storage.put(f"{root}churn/AllTraffic/{NOW:%Y/%m/%d/%H}/fresh.jsonl", b"1")
    watch.look()
    assert len(watch.ledger) == 97
    storage.put(f"{root}churn/AllTraffic/{NOW - timedelta(days=3):%Y/%m/%d/%H}/late.jsonl", b"1")
    watch.now += timedelta(hours=1)
    watch.look()
    assert len(watch.ledger) == 98


def test_memory_does_not_grow_with_the_prefix(tmp_path: Path) -> None:
    """J-02: twenty thousand files, and never more than some pages of them at hand."""
    for number in range(20_000):
        if number % 500 == 0:
            (tmp_path / f"{number:06}").mkdir()
        (tmp_path / f"{number - number % 500:06}" / f"{number}.csv").touch()
    job = replace(Watch(Place(f"{tmp_path}/")).job)
    tracemalloc.start()
    try:
        seen = sum(len(each.objects) + len(each.passed) for each in look(job, {}, Access(), now=NOW, budget=100))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen == 20_000
    assert peak < 4 << 20
