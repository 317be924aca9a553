"""What was told of alerts while rules, channels, monitors and models change, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
from alerted import HOUR, MODEL, NOW, SETTINGS, Board, deliver, ended, look, put, rule, states

from driftline.alerting import register
from driftline.alerting.rule import Absence, Missing, Severity
from driftline.catalog import Catalog, alerting, deliveries
from driftline.catalog.alerting import FIRING, OK
from driftline.modelmonitors import register as monitors
from driftline.modelmonitors.monitor import ModelMonitor


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    """The catalog, with a second channel."""
    with catalog.begin() as tx:
        register.put_channel(tx, "boss", "board", {}, now=NOW)
    return catalog


def heard(catalog: Catalog, channel: str) -> list[str]:
    """What a channel was told, in order."""
    with catalog.read() as tx:
        return [told["state"] for _, told in reversed(deliveries.page(tx, {"channel": channel}, 20, None).items)]


def test_who_was_told_hears_that_it_is_over(catalog: Catalog, board: Board) -> None:
    """AL-09: though the channel listens to worse things only by now, or the rule names others."""
    put(catalog, rule(channels=("ops", "boss")))
    ended(catalog, 1, {"age": 0.3})
    look(catalog, 1)
    with catalog.begin() as tx:
        register.put_channel(tx, "ops", "board", {}, Severity.CRITICAL, now=NOW)
    put(catalog, rule(channels=()))
    ended(catalog, 2, {"age": 0.1})
    look(catalog, 2)
    assert (heard(catalog, "ops"), heard(catalog, "boss")) == (["firing", "resolved"], ["firing", "resolved"])
    ended(catalog, 3, {"age": 0.3})
    look(catalog, 3)
    ended(catalog, 4, {"age": 0.1})
    look(catalog, 4)
    assert len(heard(catalog, "ops")) == 2


def test_a_rule_that_begins_to_name_its_channels(catalog: Catalog, board: Board) -> None:
    """AL-09: its messages are others from then on; the old ones end, and each incident that opened is closed."""
    put(catalog, rule())
    ended(catalog, 1, {"age": 0.3})
    look(catalog, 1)
    with catalog.begin() as tx:
        register.put(tx, rule(channels=("boss",)), now=NOW + 1.1 * HOUR, settings=SETTINGS)
    look(catalog, 1.2)
    ended(catalog, 2, {"age": 0.1})
    look(catalog, 2)
    assert heard(catalog, "ops") == ["firing", "resolved"]
    assert heard(catalog, "boss") == ["firing", "resolved"] * 2
    opened_by = {each.incident for each in board.told if each.state == "firing"}
    assert opened_by == {each.incident for each in board.told if each.state == "resolved"}
    assert len(opened_by) == 2


def test_a_snooze_lasts(catalog: Catalog, board: Board) -> None:
    """AL-09: what comes and goes meanwhile wakes nobody; what still fires at the end is told."""
    put(catalog, rule(channels=("ops",)))
    ended(catalog, 1, {"age": 0.3})
    look(catalog, 1)
    with catalog.begin() as tx:
        (found,) = alerting.states(tx, MODEL)
        register.snooze(tx, found.id, NOW + 6 * HOUR, now=NOW + HOUR)
    for hour, drift in ((2, 0.1), (3, 0.3), (4, 0.3)):
        ended(catalog, hour, {"age": drift})
        look(catalog, hour)
    assert heard(catalog, "ops") == ["firing", "resolved"]
    look(catalog, 7)
    assert heard(catalog, "ops") == ["firing", "resolved", "firing"]


def test_a_column_that_is_measured_no_more_is_over(catalog: Catalog, board: Board) -> None:
    """Of many columns a run keeps the worst figures only, and a column may be gone; nothing measured says nothing."""
    put(catalog, rule(channels=("ops",)))
    ended(catalog, 1, {"age": 0.3, "pay": 0.1})
    look(catalog, 1)
    ended(catalog, 2, {})
    look(catalog, 2)
    assert states(catalog)["age"] == FIRING
    ended(catalog, 3, {"pay": 0.1})
    look(catalog, 3)
    assert states(catalog)["age"] == OK
    assert board.told[-1].title.startswith("churn: age is over, it is no more among what the monitor measures")


def test_a_new_monitor_has_missed_nothing(catalog: Catalog, board: Board) -> None:
    """AL-11: nor is a run of it missed before it was made, however old the rule is."""
    put(catalog, rule(Absence(Missing.RUN, 24), monitor=None, channels=("ops",)))
    for hour in (20, 40):
        ended(catalog, hour)
    with catalog.begin() as tx:
        monitors.create(tx, ModelMonitor(MODEL, "new", "data-quality", cadence="rate(1 day)"), now=NOW + 40 * HOUR)
    look(catalog, 41)
    assert board.told == []
    look(catalog, 66)
    assert "new has not run ever" in " ".join(board.told[0].lines)


def test_a_clock_that_is_set_back_silences_nobody(catalog: Catalog, board: Board) -> None:
    """Rules that were looked at later than it is now are looked at."""
    put(catalog, rule(Absence(Missing.RUN, 2), channels=("ops",)))
    look(catalog, 100)
    ended(catalog, 3)
    look(catalog, 4)
    assert [each.state for each in board.told] == ["firing", "resolved"]


def test_a_digest_is_sent_before_its_channel_takes_none(catalog: Catalog, board: Board) -> None:
    """Else it would say that what is over still fires."""
    with catalog.begin() as tx:
        register.put_channel(tx, "ops", "board", {}, now=NOW, digest="day")
    put(catalog, rule(channels=("ops",)))
    ended(catalog, 1, {"age": 0.3})
    look(catalog, 1)
    with catalog.begin() as tx:
        register.put_channel(tx, "ops", "board", {}, now=NOW + HOUR)
    ended(catalog, 2, {"age": 0.1})
    look(catalog, 2)
    look(catalog, 30)
    assert [each.state for each in board.told] == ["digest", "resolved"]


def test_a_model_that_is_deleted_is_over(catalog: Catalog, board: Board) -> None:
    """AL-09: incidents that were opened are closed."""
    put(catalog, rule(channels=("ops",)))
    ended(catalog, 1, {"age": 0.3})
    look(catalog, 1)
    with catalog.begin() as tx:
        register.end(tx, MODEL, now=NOW + HOUR, settings=SETTINGS)
    deliver(catalog)
    assert [each.state for each in board.told] == ["firing", "resolved"]
    assert board.told[1].title == "churn: age is over, the model was deleted"
