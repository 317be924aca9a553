"""The catalog on SQLite and on PostgreSQL: the same answers, the same guarantees."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from databases import postgres_url

from driftline.catalog import Catalog, alerts, due, executions, keys, logs, resources, tags, traffic, work
from driftline.catalog.alerts import Alert
from driftline.catalog.columns import metadata
from driftline.catalog.database import MIGRATIONS
from driftline.catalog.executions import Execution
from driftline.catalog.resources import Resource, Search
from driftline.catalog.tables import VERSION
from driftline.catalog.traffic import KEPT, Traffic
from driftline.errors import Conflict, Invalid, NotFound, Unavailable
from driftline.window import Window

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    url = f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url()
    made = Catalog(url)
    made.migrate()
    made.migrate()
    yield made
    made.close()


def test_the_tables_are_those_of_the_migrations(catalog: Catalog) -> None:
    """Alembic finds nothing to change, and its last step is the version that the catalog knows."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == VERSION
    with catalog.begin() as tx:
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []


def resource(name: str, moment: datetime = NOW, **labels: str) -> Resource:
    """A schedule."""
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:monitoring-schedule/{name.lower()}"
    return Resource("monitoring-schedule", name, arn, {"a": [1, None]}, "Scheduled", moment, moment, labels)


def test_resources_are_found_whatever_their_case(catalog: Catalog) -> None:
    """A name exists once; body, labels and times come back as they were."""
    with catalog.begin() as tx:
        resources.create(tx, resource("My-Schedule", endpoint="ep"))
        assert resources.get(tx, "monitoring-schedule", "my-schedule") == resource("My-Schedule", endpoint="ep")
        with pytest.raises(Conflict):
            resources.create(tx, resource("MY-SCHEDULE"))
        changed = resources.update(tx, "monitoring-schedule", "MY-schedule", now=NOW + HOUR, status="Stopped")
        assert (changed.status, changed.modified, changed.labels) == ("Stopped", NOW + HOUR, {"endpoint": "ep"})
        resources.delete(tx, "monitoring-schedule", "my-SCHEDULE")
        assert resources.find(tx, "monitoring-schedule", "My-Schedule") is None
        with pytest.raises(NotFound):
            resources.delete(tx, "monitoring-schedule", "My-Schedule")


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort_by", ["created", "modified", "name", "status"])
def test_pages_cover_all_once_in_order(catalog: Catalog, sort_by: str, descending: bool) -> None:
    """Also where many have the same time, and while others come and go."""
    with catalog.begin() as tx:
        for place in range(25):
            resources.create(tx, resource(f"s{place:02}", NOW + HOUR * (place // 10), endpoint=f"e{place % 2}"))
    seen, token = [], None
    while True:
        with catalog.read() as tx:
            wanted = Search(sort_by=sort_by, descending=descending, limit=7, token=token)
            page = resources.search(tx, "monitoring-schedule", wanted)
        seen += [item.name for item in page.items]
        token = page.token
        if token is None:
            break
    assert seen == sorted(seen, reverse=descending)
    assert len(seen) == 25


def test_searches_filter(catalog: Catalog) -> None:
    """By part of the name, by times, by labels; a token of elsewhere is refused."""
    with catalog.begin() as tx:
        for place in range(6):
            resources.create(tx, resource(f"a_{place}%", NOW + HOUR * place, endpoint=f"e{place % 2}"))

        def names(**wanted: object) -> list[str]:
            found = resources.search(tx, "monitoring-schedule", Search(sort_by="name", descending=False, **wanted))  # type: ignore[arg-type]
            return [item.name[2] for item in found.items]

        assert names(name_contains="_3%") == ["3"]
        assert names(name_contains="3_") == []
        assert names(created_after=NOW + HOUR, created_before=NOW + 4 * HOUR) == ["2", "3"]
        assert names(attributes={"endpoint": "e1"}) == ["1", "3", "5"]
        with pytest.raises(Invalid):
            names(token="nonsense")


def execution(place: int, **values: object) -> Execution:
    """An execution of schedule `S`."""
    moment = NOW + HOUR * place
    made = Execution(f"id-{place}", "S", moment, moment - HOUR, moment, moment, moment)
    return Execution(**{**made.__dict__, **values})


def test_a_scheduled_time_runs_once(catalog: Catalog) -> None:
    """The second attempt to add it is refused; a re-run has a number of its own."""
    with catalog.begin() as tx:
        assert executions.add(tx, execution(0))
        assert not executions.add(tx, execution(0, id="other"))
        again = executions.next_run(tx, "s", NOW)
        assert again == 1
        assert executions.add(tx, execution(0, id="other", run=again, origin="rerun"))
        assert [found.run for found in executions.open_of(tx, "S")] == [0, 1]
        executions.update(tx, "id-0", now=NOW, expected=("Pending",), status="InProgress")
        with pytest.raises(Conflict):
            executions.update(tx, "id-0", now=NOW, expected=("Pending",), status="InProgress")
        page = executions.search(tx, executions.Search(equal={"schedule": "s", "status": "InProgress"}))
        assert [(found.id, found.schedule) for found in page.items] == [("id-0", "S")]


def test_work_is_done_by_one_and_in_turn(catalog: Catalog) -> None:
    """Many workers at once: each piece once, never two of a lane; a fenced-out owner cannot end it."""
    with catalog.begin() as tx:
        for place in range(30):
            work.enqueue(tx, "execution", f"e{place}", now=NOW, lane=f"lane-{place % 7}")
        work.enqueue(tx, "execution", "e0", now=NOW)
        assert work.length(tx) == 30
    done: list[str] = []
    running: set[str | None] = set()
    clashes: list[str] = []
    guard = threading.Lock()

    def labour(owner: str) -> None:
        idle = 0
        while idle < 20:
            with catalog.begin() as tx:
                held = work.claim(tx, owner, now=NOW, lease_seconds=30)
            if held is None:
                idle += 1
                continue
            with guard:
                clashes.extend([held.subject] if held.lane in running else [])
                running.add(held.lane)
                done.append(held.subject)
            with guard:
                running.discard(held.lane)
            with catalog.begin() as tx:
                assert work.finish(tx, held)

    threads = [threading.Thread(target=labour, args=(f"w{place}",)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == sorted(f"e{place}" for place in range(30))
    assert not clashes
    for lane in range(7):
        turns = [int(subject[1:]) for subject in done if int(subject[1:]) % 7 == lane]
        assert turns == sorted(turns)


def test_a_lapsed_lease_goes_to_another(catalog: Catalog) -> None:
    """The first owner's end counts no more."""
    with catalog.begin() as tx:
        work.enqueue(tx, "execution", "e", now=NOW)
        first = work.claim(tx, "a", now=NOW, lease_seconds=30)
        assert first is not None
        assert work.claim(tx, "b", now=NOW, lease_seconds=30) is None
        assert work.beat(tx, first, now=NOW + HOUR, lease_seconds=30)
        (lapsed,) = work.lapsed(tx, now=NOW + 2 * HOUR)
        assert work.give_back(tx, lapsed, run_after=NOW)
        second = work.claim(tx, "b", now=NOW, lease_seconds=30)
        assert second is not None
        assert second.attempt == 2
        assert not work.beat(tx, first, now=NOW, lease_seconds=30)
        assert not work.finish(tx, first)
        assert work.finish(tx, second)


def test_small_nouns(catalog: Catalog) -> None:
    """Tags, keys, logs, alerts, due times."""
    with catalog.begin() as tx:
        tags.put(tx, "arn", {"a": "1", "b": "2"})
        tags.put(tx, "arn", {"b": "3"})
        tags.remove(tx, "arn", ["a"])
        assert tags.of(tx, "arn") == {"b": "3"}
        made = keys.new_access_key()
        keys.put_access_key(tx, made, note="first", now=NOW)
        signer = keys.find_access_key(tx, made.id)
        assert signer is not None and (signer.secret, signer.spaces) == (made.secret, frozenset("*"))
        shown = keys.create_api_key(tx, "ci", ["read"], now=NOW)
        found = keys.find_api_key(tx, keys.digest(shown))
        assert found is not None and (found.scopes, found.spaces) == (frozenset({"read"}), frozenset("*"))
        assert keys.find_api_key(tx, keys.digest("dl_other")) is None
        logs.append(tx, "job", ["one", "two"], now=NOW)
        first, second = logs.read(tx, "job")
        assert [line.text for line in logs.read(tx, "job", after=first.id)] == [second.text] == ["two"]
        alert = Alert("S", "S-alert", NOW, NOW)
        alerts.add(tx, alert)
        assert alerts.flip(tx, alert, alerts.IN_ALERT, now=NOW, body={})
        assert not alerts.flip(tx, alert, alerts.IN_ALERT, now=NOW, body={})
        assert [change.status for change in alerts.changes(tx, "s")] == ["InAlert"]
        due.put(tx, "S", NOW)
        assert due.before(tx, NOW, 10) == [("s", NOW)]
        due.put(tx, "S", None)
        assert due.before(tx, NOW + HOUR, 10) == []
    assert abs(catalog.clock() - datetime.now(UTC)) < timedelta(minutes=1)


def test_traffic_adds_up(catalog: Catalog) -> None:
    """X-15: by the hours that a window touches, from several servers, whatever the case of the name."""
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    full = "the disk of the journal is nearly full"
    for _ in range(2):
        with catalog.begin() as tx:
            traffic.add(tx, {("Churn", hour): Traffic(3, 2, 1, full), ("other", hour): Traffic(9, 9)})
            traffic.add(tx, {("churn", hour + HOUR): Traffic(1, 1), ("churn", hour - 9 * HOUR): Traffic(5, 5)})
    with catalog.read() as tx:
        assert traffic.between(tx, "CHURN", Window(NOW, NOW + HOUR)) == Traffic(8, 6, 2, full)
        assert traffic.between(tx, "churn", Window(hour, hour + HOUR)) == Traffic(6, 4, 2, full)
        assert traffic.between(tx, "nobody", Window(NOW, NOW + HOUR)) == Traffic()
    with catalog.begin() as tx:
        traffic.forget(tx, hour + KEPT)
        assert traffic.between(tx, "churn", Window(hour - 10 * HOUR, NOW + 2 * HOUR)) == Traffic(8, 6, 2, full)


def test_servers_count_at_the_same_time(catalog: Catalog) -> None:
    """X-15: the first row of an hour is made once."""

    def count() -> None:
        for _ in range(10):
            with catalog.begin() as tx:
                traffic.add(tx, {("churn", NOW): Traffic(1, 1), ("other", NOW): Traffic(1)})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with catalog.read() as tx:
        assert traffic.between(tx, "churn", Window(NOW, NOW + HOUR)) == Traffic(40, 40)


def test_a_database_whose_connections_are_all_in_use_is_unavailable(catalog: Catalog) -> None:
    """E-05: clients are told to try again, and work is given back."""
    catalog._engine.pool._timeout = 0.05  # type: ignore[attr-defined]
    with ExitStack() as held, pytest.raises(Unavailable, match="in use"):
        for _ in range(100):
            held.enter_context(catalog.read())
