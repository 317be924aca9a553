"""Topics on both databases: subscriptions made once, notices queued with what they tell of, delivered and retried."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from databases import postgres_url
from receivers import Receiver, running_receiver

from driftline.catalog import Catalog, topics, work
from driftline.catalog.topics import Subscription
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.topics import delivering
from driftline.topics.publishing import WORK, Publication, publish

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOPIC = f"arn:aws:sns:us-east-1:000000000000:{'t' * 256}"
SETTINGS = Settings(home=Path("unused"))
REMOTE = Settings(home=Path("unused"), host="0.0.0.0")


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """A catalog with one topic."""
    made = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    made.migrate()
    with made.begin() as tx:
        assert topics.add(tx, TOPIC, {}, now=NOW)
        assert not topics.add(tx, TOPIC, {}, now=NOW)
    yield made
    made.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


def subscribe(catalog: Catalog, endpoint: str) -> Subscription:
    """A confirmed subscription."""
    with catalog.begin() as tx:
        made, _ = topics.subscribe(tx, TOPIC, "http", endpoint, {}, now=NOW)
        found = topics.confirm(tx, TOPIC, made.token)
    assert found is not None and found.confirmed
    return found


def tell(catalog: Catalog, *, at: datetime | None = None) -> str:
    """Publish a message, now unless another time is given."""
    with catalog.begin() as tx:
        return publish(tx, TOPIC, Publication("m"), now=at or catalog.clock())


def claim(catalog: Catalog, owner: str = "a", *, after: timedelta = timedelta()) -> work.Work | None:
    with catalog.begin() as tx:
        return work.claim(tx, owner, now=catalog.clock() + after, lease_seconds=30, kinds=(WORK,))


def deliver(catalog: Catalog, held: work.Work | None, settings: Settings = SETTINGS) -> str:
    assert held is not None
    return delivering.run(catalog, held, settings, Access(), lambda _: None)


def states(catalog: Catalog, to: Subscription) -> list[tuple[str, int]]:
    with catalog.read() as tx:
        return [(each.status, each.attempts) for each in topics.notices(tx, to.arn)]


def test_who_subscribes_twice_at_once_subscribed_once(catalog: Catalog) -> None:
    def again(_: int) -> str:
        with catalog.begin() as tx:
            return topics.subscribe(tx, TOPIC, "http", "http://127.0.0.1:9/", {}, now=NOW)[0].arn

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(again, range(8)))) == 1


def test_what_is_not_committed_is_not_told(catalog: Catalog) -> None:
    subscribe(catalog, "http://127.0.0.1:9/")
    with pytest.raises(ZeroDivisionError), catalog.begin() as tx:
        publish(tx, TOPIC, Publication("m"), now=NOW)
        raise ZeroDivisionError
    assert claim(catalog) is None


def test_a_worker_that_dies_after_sending_sends_the_same_again(catalog: Catalog, receiver: Receiver) -> None:
    to = subscribe(catalog, receiver.url)
    made = tell(catalog)
    held = claim(catalog)
    with catalog.begin() as tx:
        work.release(tx, "a", now=NOW)
    assert "belongs to another worker" in deliver(catalog, held)
    assert states(catalog, to) == [("PENDING", 0)]
    deliver(catalog, claim(catalog, "b"))
    assert [each.json()["MessageId"] for each in receiver.got] == [made, made]
    assert states(catalog, to) == [("SENT", 1)]
    assert claim(catalog, after=timedelta(days=1)) is None


def test_a_receiver_that_is_away_is_tried_later_and_given_up_after_a_day(catalog: Catalog, receiver: Receiver) -> None:
    to = subscribe(catalog, receiver.url)
    receiver.answer = lambda request: (503, "later")
    tell(catalog, at=NOW)
    deliver(catalog, claim(catalog))
    assert states(catalog, to) == [("FAILED", 1)]
    tell(catalog)
    assert "to be tried again" in deliver(catalog, claim(catalog))
    assert ("PENDING", 1) in states(catalog, to)
    assert claim(catalog) is None


def test_what_is_published_arrives_in_its_order(catalog: Catalog, receiver: Receiver) -> None:
    """What is told later waits for what is tried again: an end does not come before its beginning."""
    subscribe(catalog, receiver.url)
    receiver.answer = lambda request: (503, "later")
    made = [tell(catalog)]
    deliver(catalog, claim(catalog))
    made.append(tell(catalog))
    assert claim(catalog) is None
    receiver.answer = lambda request: (200, "")
    receiver.got.clear()
    later = timedelta(minutes=1)
    while (held := claim(catalog, after=later)) is not None:
        deliver(catalog, held)
    assert [each.json()["MessageId"] for each in receiver.got] == made


def test_a_server_that_others_reach_tells_no_private_address(catalog: Catalog, receiver: Receiver) -> None:
    to = subscribe(catalog, receiver.url)
    tell(catalog)
    assert "access denied" in deliver(catalog, claim(catalog), REMOTE)
    assert (states(catalog, to), receiver.got) == ([("FAILED", 1)], [])


def test_a_topic_takes_with_it_what_is_on_its_way(catalog: Catalog, receiver: Receiver) -> None:
    subscribe(catalog, receiver.url)
    tell(catalog)
    held = claim(catalog)
    with catalog.begin() as tx:
        topics.remove(tx, TOPIC)
    assert "is gone" in deliver(catalog, held)
    assert (receiver.got, claim(catalog, after=timedelta(days=1))) == ([], None)
