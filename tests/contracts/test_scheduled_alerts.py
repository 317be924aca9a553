"""Flips of schedules' alerts on both databases: followed once by however many workers, kept back in maintenance."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import postgres_url

from driftline.alarms import evaluating
from driftline.alerting import actions, targets
from driftline.alerting.targets import Targets
from driftline.catalog import Catalog, alarms, alerts, deliveries, resources, tags, topics
from driftline.catalog.alarms import FLIPPED
from driftline.catalog.alerts import IN_ALERT, OK, Alert
from driftline.catalog.deliveries import Quiet
from driftline.catalog.resources import Resource
from driftline.errors import Invalid
from driftline.schedules import KIND
from driftline.settings import Settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:000000000000:monitoring-schedule/{}"
TOPIC = "arn:aws:sns:us-east-1:000000000000:team"
ELSEWHERE = "arn:aws:sns:us-west-2:123456789012:team"
FUNCTION = "arn:aws:lambda:us-west-2:123456789012:function:f:live"
SETTINGS = Settings(home=Path("unused"))
WANTED = Targets((TOPIC, ELSEWHERE), (FUNCTION,), ("drift",), severity="critical")


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """A catalog with two schedules that tell the same, and a topic that a queue hears."""
    made = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    made.migrate()
    with made.begin() as tx:
        topics.add(tx, TOPIC, {}, now=NOW)
        topics.subscribe(tx, TOPIC, "sqs", "https://sqs.us-east-1.amazonaws.com/000000000000/q", {}, now=NOW)
        for name in ("One", "two"):
            resources.create(tx, Resource(KIND, name, ARN.format(name), {}, "Scheduled", NOW, NOW))
            alerts.add(tx, Alert(name, f"{name}-alert", NOW, NOW))
            tags.put(tx, ARN.format(name), WANTED.tags())
            actions.prepare(tx, ARN.format(name), name, now=NOW)
    yield made
    made.close()


def flip(catalog: Catalog, name: str, status: str) -> None:
    """An execution that changes the status of a schedule's alert."""
    said = {"said": "Completed", "violations": 1, "worst": ["age: drifts"], "bad": 2, "of": 3}
    body = {
        "execution": "e",
        "schedule": name,
        "endpoint": "churn",
        "status": "Completed",
        "report": "s3://b/v",
        **said,
    }
    with catalog.begin() as tx:
        found = alerts.find(tx, name)
        assert found is not None
        assert alerts.flip(tx, found, status, now=NOW, body=body)


def sent(catalog: Catalog) -> list[tuple[str, str]]:
    """State and address of each delivery."""
    with catalog.read() as tx:
        items = deliveries.page(tx, {}, 100, None).items
    return sorted((told["state"], each.channel) for each, told in items)


def published(catalog: Catalog) -> list[dict[str, Any]]:
    """What the subscription of our own topic is told."""
    with catalog.read() as tx:
        (to,) = topics.subscriptions(tx, TOPIC)
        return [dict(each.body) for each in topics.notices(tx, to.arn)]


def alarm(catalog: Catalog) -> tuple[str, int]:
    """The state of the alarm, and how often it became another one."""
    with catalog.read() as tx:
        found = alarms.find(tx, "drift")
        assert found is not None
        return found.state, len(alarms.events(tx, "drift", kind=FLIPPED))


def act(catalog: Catalog, now: datetime = NOW) -> int:
    return actions.act(catalog, now, SETTINGS)


def test_each_flip_is_followed_once_by_several_workers(catalog: Catalog) -> None:
    """AL-01, AL-03: the alarm of two schedules is over when none of them is in alert."""
    assert alarm(catalog) == ("INSUFFICIENT_DATA", 0)
    flip(catalog, "One", IN_ALERT)
    flip(catalog, "two", IN_ALERT)
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: act(catalog), range(8))) == 2
    assert sent(catalog) == sorted(2 * [("firing", ELSEWHERE), ("firing", FUNCTION)])
    assert [each["Subject"] for each in published(catalog)].count("[CRITICAL] One found 1 violation") == 1
    assert len(published(catalog)) == 2
    evaluating.evaluate(catalog, NOW + timedelta(minutes=10), SETTINGS)
    assert alarm(catalog) == ("ALARM", 1)
    flip(catalog, "One", OK)
    assert (act(catalog), alarm(catalog)) == (1, ("ALARM", 1))
    flip(catalog, "two", OK)
    assert (act(catalog), alarm(catalog)) == (1, ("OK", 2))
    assert len(sent(catalog)) == 8
    assert act(catalog) == 0


def test_maintenance_keeps_back_what_begins_in_it(catalog: Catalog) -> None:
    """AL-09: told when it is over, unless it ended meanwhile; the end of what was told before is told."""
    flip(catalog, "two", IN_ALERT)
    assert act(catalog) == 1
    later = NOW + timedelta(hours=1)
    with catalog.begin() as tx:
        deliveries.add_quiet(tx, Quiet("q", None, "", NOW, later, NOW))
    flip(catalog, "One", IN_ALERT)
    flip(catalog, "two", OK)
    flip(catalog, "two", IN_ALERT)
    assert act(catalog) == 1
    assert act(catalog) == 0
    subjects = sorted(each["Subject"] for each in published(catalog))
    assert subjects == ["[CRITICAL] two found 1 violation", "[RESOLVED] two is back to normal"]
    flip(catalog, "two", OK)
    assert act(catalog) == 0
    assert len(published(catalog)) == 2
    assert act(catalog, later) == 1
    assert len(published(catalog)) == 3


def test_a_schedule_that_is_deleted_is_over(catalog: Catalog) -> None:
    flip(catalog, "One", IN_ALERT)
    with catalog.begin() as tx:
        actions.end(tx, resources.get(tx, KIND, "two"), NOW, SETTINGS)
        actions.end(tx, resources.get(tx, KIND, "One"), NOW, SETTINGS)
    subjects = [each["Subject"] for each in published(catalog)]
    assert sorted(subjects) == ["[CRITICAL] One found 1 violation", "[RESOLVED] One was deleted"]
    assert alarm(catalog) == ("OK", 2)
    flip(catalog, "two", IN_ALERT)
    with catalog.begin() as tx:
        resources.delete(tx, KIND, "two")
    assert act(catalog) == 0  # there are no tags that say whom to tell


def test_a_schedule_that_is_deleted_before_anybody_followed_its_alert(catalog: Catalog) -> None:
    """Whoever was told that it is raised is told that it is over."""
    flip(catalog, "One", IN_ALERT)
    act(catalog)
    flip(catalog, "One", OK)
    with catalog.begin() as tx:
        actions.end(tx, resources.get(tx, KIND, "One"), NOW, SETTINGS)
        resources.delete(tx, KIND, "One")
    assert act(catalog) == 0
    subjects = sorted(each["Subject"] for each in published(catalog))
    assert subjects == ["[CRITICAL] One found 1 violation", "[RESOLVED] One is back to normal"]


@pytest.mark.parametrize(
    ("tag", "value", "said"),
    [
        ("sns:1", FUNCTION, "an ARN such as arn:aws:sns:"),
        ("lambda:1", "handle-violations", "an ARN such as arn:aws:lambda:"),
        ("cloudwatch-alarm:1", "a" * 256, "of at most 255 characters"),
        ("dashboard", "off", "Enabled or Disabled"),
        ("severity", "bad", "one of info, warning, error, critical"),
        ("email:1", "ops@acme.example", "a tag named driftline:alert:sns:1, "),
    ],
)
def test_a_tag_that_means_nothing_is_refused(tag: str, value: str, said: str) -> None:
    """AL-03, AL-06."""
    with pytest.raises(Invalid, match=said):
        targets.check({f"{targets.PREFIX}{tag}": value})
    assert Targets.of({f"{targets.PREFIX}{tag}": value}) == Targets()
    targets.check({"team": value})


def test_tags_say_the_same_as_targets() -> None:
    many = Targets(tuple(f"{TOPIC}-{number}" for number in range(12)), (FUNCTION,), ("a b",), "info", shown=False)
    assert Targets.of(many.tags()) == many
    targets.check(many.tags())
