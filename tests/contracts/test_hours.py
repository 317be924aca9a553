"""Hourly profiles in the catalog, on SQLite and on PostgreSQL, and in objects, in a folder and on S3."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from databases import postgres_url
from s3 import Server

from driftline import comparing
from driftline.catalog import Catalog, hours
from driftline.catalog.hours import DAY, MONTH, PART, WHOLE_HOUR, HourPart, Subject
from driftline.errors import Invalid, Unreadable
from driftline.inferences import rollups
from driftline.inferences.hours import Hourly
from driftline.inferences.sheetbytes import directory, fetch, store
from driftline.inferences.sheets import Sheet
from driftline.profile import Profile
from driftline.storage.access import Access
from driftline.window import HOUR, Window

SUBJECT = Subject("churn", "3")
HERE = Access()
START = datetime(2026, 1, 30, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    made = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    made.migrate()
    yield made
    made.close()


def at(hour: int) -> datetime:
    """So many hours after the start."""
    return START + hour * HOUR


def rows(first: int, last: int, each: int = 40, seed: int = 0) -> pa.RecordBatch:
    """So many rows of each hour from `first` to before `last`."""
    random = np.random.default_rng(seed + first)
    count = (last - first) * each
    seconds = int(START.timestamp()) + np.repeat(np.arange(first, last), each) * 3600 + random.integers(0, 3600, count)
    return pa.record_batch(
        {
            "_id": pa.array([f"{seed}-{first}-{place}" for place in range(count)]),
            "_time": pa.array(seconds * 1_000_000, pa.timestamp("us", "UTC")),
            "age": random.normal(40 + first / 100, 10, count),
            "plan": pa.array(random.choice(["free", "paid", "7"], count)),
        }
    )


def keep(catalog: Catalog, folder: str, name: str, batch: pa.RecordBatch, access: Access = HERE) -> int:
    """A batch as the pass keeps it."""
    found = Hourly(SUBJECT)
    found.observe(batch)
    sheets = found.sheets()
    places = store(sheets, f"{folder}/{name}.hours", access)
    with catalog.begin() as tx:
        return hours.add(tx, SUBJECT, [HourPart(hour, name, places[hour], sheets[hour].rows) for hour in sheets])


def spans(catalog: Catalog, window: Window) -> list[str]:
    """Of which parts a window is made."""
    with catalog.read() as tx:
        return [part.span for part in hours.cover(tx, SUBJECT, window)]


def test_a_window_is_the_profile_of_its_rows(catalog: Catalog, tmp_path: Path) -> None:
    """Parts of several batches, rolled up or not, give what the rows give; batches that come again do not."""
    first, second = rows(0, 80), rows(20, 60, seed=5)
    assert keep(catalog, str(tmp_path), "churn-1", first) == 80
    assert keep(catalog, str(tmp_path), "churn-2", second) == 40
    assert keep(catalog, str(tmp_path), "churn-2", second) == 0
    window = Window(at(10), at(70))
    every = pa.Table.from_batches([first, second])
    inside = every.filter(
        pa.compute.and_(
            pa.compute.greater_equal(every["_time"], pa.scalar(window.start, pa.timestamp("us", "UTC"))),
            pa.compute.less(every["_time"], pa.scalar(window.end, pa.timestamp("us", "UTC"))),
        )
    )
    truth = Profile.of(inside.select(["age", "plan"]))
    for _ in range(2):
        found = rollups.profile(catalog, SUBJECT, window, Access())
        assert found.rows == truth.rows == 60 * 40 + 40 * 40
        for column in truth.columns:
            here = found.column(column.name)
            assert (here.present, here.kinds, here.frequent.exact) == (
                column.present,
                column.kinds,
                column.name == "plan",
            )
            assert here.moments.mean == pytest.approx(column.moments.mean)
            assert here.moments.std_dev == pytest.approx(column.moments.std_dev)
            assert here.distinct == pytest.approx(column.distinct, rel=0.5)
        assert found.column("plan").frequent.counts == truth.column("plan").frequent.counts
        exact = np.sort(inside["age"].to_numpy())
        wrong = np.abs(found.column("age").sketch.rank(exact) - np.arange(1, len(exact) + 1)) / len(exact)
        assert wrong.max() < found.column("age").sketch.rank_error
        rollups.roll_up(catalog, SUBJECT, str(tmp_path / "made"), Access(), until=at(2000))
    assert spans(catalog, Window(at(-29 * 24), at(30 * 24))) == [MONTH, MONTH]
    assert spans(catalog, window).count(DAY) == 1


def test_late_rows_undo_what_was_made_of_less(catalog: Catalog, tmp_path: Path) -> None:
    """A part that comes later takes the hour, day and month of it away, and no other; they are made again."""
    keep(catalog, str(tmp_path), "churn-1", rows(0, 100))
    keep(catalog, str(tmp_path), "churn-2", rows(50, 51))
    assert rollups.roll_up(catalog, SUBJECT, str(tmp_path / "made"), Access(), until=at(2000)) == 7
    assert rollups.roll_up(catalog, SUBJECT, str(tmp_path / "made"), Access(), until=at(2000)) == 0
    whole = Window(START - timedelta(days=29), at(29 * 24 + 48))
    assert spans(catalog, whole) == [MONTH, MONTH]
    keep(catalog, str(tmp_path), "churn-3", rows(50, 51, seed=9))
    assert spans(catalog, whole) == [MONTH, *[PART] * 26, *[DAY] * 2]
    assert rollups.profile(catalog, SUBJECT, whole, Access()).rows == 102 * 40
    assert rollups.roll_up(catalog, SUBJECT, str(tmp_path / "made"), Access(), until=at(2000)) == 2
    assert spans(catalog, whole) == [MONTH, MONTH]
    assert spans(catalog, Window(at(49), at(52))) == [PART, WHOLE_HOUR, PART]
    assert rollups.profile(catalog, SUBJECT, whole, Access()).rows == 102 * 40
    with catalog.read() as tx:
        assert hours.hours(tx, SUBJECT, Window(at(49), at(52))) == {at(49): 40, at(50): 120, at(51): 40}
        assert hours.extent(tx, SUBJECT) == Window(at(0), at(100))
        assert hours.subjects(tx) == hours.subjects(tx, "churn") == [SUBJECT]


def test_days_that_are_not_over_are_not_made(catalog: Catalog, tmp_path: Path) -> None:
    """Only what ended before `until`."""
    keep(catalog, str(tmp_path), "churn-1", rows(0, 60))
    assert rollups.roll_up(catalog, SUBJECT, str(tmp_path / "made"), Access(), until=at(47)) == 1
    assert spans(catalog, Window(at(0), at(60))) == [DAY, *[PART] * 36]


def test_nothing_is_made_of_parts_that_are_not_all(catalog: Catalog) -> None:
    """What was made while another part came is refused, also where both transactions run at once."""
    parts = [HourPart(at(hour), "churn-1", f"a#{hour}-9", 1) for hour in range(24)]
    late = HourPart(at(3), "churn-2", "b#0-9", 1)
    day = HourPart(at(0), "x", "c#0-9", 24, DAY)
    with catalog.begin() as tx:
        hours.add(tx, SUBJECT, parts)
    with ExitStack() as stack:
        tx = stack.enter_context(catalog.begin())
        hours.add(tx, SUBJECT, [late])
        made = list[bool]()

        def make() -> None:
            with catalog.begin() as other:
                made.append(hours.put(other, SUBJECT, day, parts))

        thread = threading.Thread(target=make)
        thread.start()
        thread.join(0.3)
        assert not made
    thread.join(10)
    assert made == [False]
    with catalog.begin() as tx:
        assert len(hours.cover(tx, SUBJECT, day.window)) == 25
        assert hours.put(tx, SUBJECT, day, sorted([*parts, late]))
        assert [part.span for part in hours.cover(tx, SUBJECT, day.window)] == [DAY]
        assert len(hours.remove(tx, "churn")) == 26
        assert hours.cover(tx, SUBJECT, day.window) == []
        assert hours.extent(tx, SUBJECT) is None


def test_hours_are_made_anew_from_the_table(catalog: Catalog, tmp_path: Path) -> None:
    """Hours of which rows were changed or deleted get the profile of the rows that are left."""
    keep(catalog, str(tmp_path), "churn-1", rows(0, 30))
    rollups.roll_up(catalog, SUBJECT, str(tmp_path / "made"), Access(), until=at(2000))
    asked: list[Window] = []

    def read(window: Window) -> Iterator[pa.RecordBatch]:
        asked.append(window)
        if window.start == at(3):
            yield rows(3, 5, each=7)

    changed = [at(4), at(3), at(9)]
    gone = rollups.rebuild(
        catalog.begin, SUBJECT, changed, read, str(tmp_path / "again.hours"), Access(), name="version-8"
    )
    assert asked == [Window(at(3), at(5)), Window(at(9), at(10))]
    assert len(gone) == 2  # those of the day and the month; other hours of the batch still lie in the first
    assert all("/made/" in each for each in gone)
    with catalog.read() as tx:
        here = hours.hours(tx, SUBJECT, Window(at(2), at(11)))
    assert here == {**{at(hour): 40 for hour in (2, 5, 6, 7, 8, 10)}, at(3): 7, at(4): 7}
    assert rollups.profile(catalog, SUBJECT, Window(at(3), at(5)), Access()).rows == 14
    assert rollups.profile(catalog, SUBJECT, Window(at(0), at(30)), Access()).rows == 27 * 40 + 14


def test_an_hour_that_is_made_anew_while_it_is_read(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its old object is gone before it is read: then the window is looked for once more."""
    keep(catalog, str(tmp_path), "1", rows(0, 3))
    window = Window(at(0), at(3))
    turn = iter("abcdef")

    def anew(places: Sequence[str], access: Access, *, whole: bool = True) -> Iterator[Sheet]:
        mine = next(turn)
        if mine in "ac":
            uri = str(tmp_path / f"{mine}.hours")
            gone = rollups.rebuild(
                catalog.begin, SUBJECT, [at(0), at(1), at(2)], lambda _: [rows(0, 2)], uri, access, name=mine
            )
            for each in gone:
                Path(each).unlink()
        return fetch(places, access, whole=whole)

    monkeypatch.setattr(rollups, "fetch", anew)
    assert rollups.profile(catalog, SUBJECT, window, Access()).rows == 80
    found = list(rollups.each(catalog, SUBJECT, window, Access()))
    assert [profile.rows for _, profile in found] == [80]


def test_windows_are_compared_and_followed(catalog: Catalog, tmp_path: Path) -> None:
    """Drift of two windows, ranked, and day by day against a fixed one; windows off the hour tell so."""
    keep(catalog, str(tmp_path), "churn-1", rows(0, 24, each=200))
    keep(catalog, str(tmp_path), "churn-2", rows(1000, 1048, each=200))
    before, after = Window(at(0), at(24)), Window(at(1000), at(1048))
    found = comparing.windows(catalog, SUBJECT, before, after, Access(), "ks")
    assert [(each.feature, each.value > 0.25) for each in found.features] == [("age", True), ("plan", False)]
    assert found.to_dict()["features"][1]["value"] is None
    points = list(comparing.series(catalog, SUBJECT, before, Window(at(0), at(1048)), Access(), features=["age"]))
    assert [point.values["age"] > 0.2 for point in points] == [False, True, True, True]
    assert points[1].window == Window(at(1008 - 24), at(1008))
    assert points[0].to_dict()["rows"] == 4800
    told = rollups.read(catalog, SUBJECT, Window(at(1) + HOUR / 2, at(3) + HOUR / 2), Access())
    assert (told.window, told.partial, told.parts) == (Window(at(1), at(4)), (at(1), at(3)), 3)
    with pytest.raises(Invalid, match="one of linf, ks"):
        comparing.windows(catalog, SUBJECT, before, after, Access(), "accuracy")


def test_hours_lie_on_s3(s3: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same objects on a real server, each hour read by its range; damaged ones are told."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    catalog.migrate()
    for variable, value in s3.environment().items():
        monkeypatch.setenv(variable, value)
    bucket, access = f"s3://{s3.bucket('hours')}", Access()
    for name in range(3):
        keep(catalog, bucket, f"churn-{name}", rows(24 * name, 24 * name + 24, seed=name), access)
    assert rollups.roll_up(catalog, SUBJECT, f"{bucket}/made", access, until=at(60)) == 3
    assert rollups.profile(catalog, SUBJECT, Window(at(0), at(72)), access).rows == 72 * 40
    catalog.close()


def test_damaged_objects_are_told(tmp_path: Path) -> None:
    """The place is named, and what to do."""
    found = Hourly(SUBJECT)
    found.observe(rows(0, 2))
    places = store(found.sheets(), str(tmp_path / "a.hours"), Access())
    data = (tmp_path / "a.hours").read_bytes()
    listed = directory(data, "a")
    assert [f"{tmp_path / 'a.hours'}#{start}-{end}" for start, end, _ in listed.values()] == list(places.values())
    (tmp_path / "a.hours").write_bytes(data[:100] + b"xxxx" + data[104:])
    with pytest.raises(Unreadable, match=r"damaged hourly profile.*Rebuild the hour"):
        list(fetch([places[at(0)]], Access()))
    with pytest.raises(Unreadable, match="not the place"):
        list(fetch(["a.hours"], Access()))
