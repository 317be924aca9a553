"""Alerts of models on SQLite and on PostgreSQL: flips are told once, whatever ends between two steps."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from alerted import DAY, HOUR, MODEL, NOW, SETTINGS, Board, deliver, ended, look, put, rule, states

from driftline.alerting import planning, register, telling, trying
from driftline.alerting.rule import Absence, Change, Missing, Rule, Severity, Threshold, Violations
from driftline.catalog import Catalog, alerting, batches, deliveries, topics, work
from driftline.catalog.alerting import FIRING, OK
from driftline.channels.channel import ChannelRefused, ChannelUnavailable
from driftline.errors import Invalid, NotFound
from driftline.imports import jobs
from driftline.imports.job import Content, ImportJob, Place
from driftline.processing import executing
from driftline.settings import Settings
from driftline.topics import publishing


def test_only_flips_are_told(catalog: Catalog, board: Board) -> None:
    """AL-09: one message when it begins to fire, the worst first, and one when all of it is over."""
    put(catalog, rule(severity=Severity.CRITICAL, owner="ada", text="See the runbook."))
    ended(catalog, 1, {"age": 0.1, "income": 0.1})
    assert look(catalog, 1) == 0
    ended(catalog, 2, {"age": 0.3, "income": 0.9})
    assert look(catalog, 2) == 1
    assert look(catalog, 2.1) == 0
    ended(catalog, 3, {"age": 0.3, "income": 0.1})
    assert look(catalog, 3) == 0
    assert states(catalog) == {"age": FIRING, "income": OK}
    ended(catalog, 4, {"age": 0.1, "income": 0.1})
    assert look(catalog, 4) == 1
    firing, resolved = board.told
    assert (firing.state, firing.severity, firing.cause) == ("firing", "critical", "drift")
    assert [each.split(":")[0] for each in firing.lines] == ["income", "age"]
    assert "income baseline_drift 0.9, above 0.2 and 1 more" in firing.title
    assert firing.link.startswith("https://drift.example/console/runs/")
    assert "runbook" in firing.text and "ada" in firing.text
    assert (resolved.state, len(resolved.lines)) == ("resolved", 2)
    assert resolved.incident == firing.incident


def test_no_window_is_passed_over(catalog: Catalog, board: Board) -> None:
    """What fired and was over while nobody looked is told all the same."""
    put(catalog, rule())
    for hour, drift in enumerate((0.1, 0.3, 0.1)):
        ended(catalog, hour, {"age": drift})
        if hour == 0:
            look(catalog, 0)
    look(catalog, 3)
    assert [each.state for each in board.told] == ["firing", "resolved"]


def test_a_violation_counts_in_so_many_of_the_last_runs(catalog: Catalog, board: Board) -> None:
    """AL-01: N of the last M, before there are M, too; looks again at a window take the place of the first."""
    put(catalog, rule(Violations(), count=2, last=3))
    for hour, violations in enumerate((1, 0, 1, 0, 0)):
        ended(catalog, hour, violations=violations, status="CompletedWithViolations" if violations else "Completed")
        look(catalog, hour)
    assert [each.state for each in board.told] == ["firing", "resolved"]
    ended(catalog, 4, violations=2, status="CompletedWithViolations", run=2)
    look(catalog, 5)
    assert [each.state for each in board.told] == ["firing", "resolved", "firing"]


def test_a_change_is_one_sided(catalog: Catalog, board: Board) -> None:
    """AL-12: against the windows before; a rise alone, in shares of what was."""
    put(catalog, rule(Change("rows", fall=0.5, relative=True, windows=2)))
    for hour, rows in enumerate((100, 110, 300, 90, 200)):
        ended(catalog, hour, rows=rows)
        look(catalog, hour)
    assert [each.state for each in board.told] == ["firing", "resolved"]
    assert "down by 56.1 %" in board.told[0].title


def test_silence_is_told(catalog: Catalog, board: Board) -> None:
    """AL-11: no data, no labels and no run for so long, and their end."""
    put(catalog, *(rule(Absence(each, 24), str(each), monitor=None) for each in list(Missing)[:3]))
    assert look(catalog, 23) == 0
    with catalog.begin() as tx:
        job = jobs.create(tx, ImportJob("", MODEL, "1", Place("s3://x/"), content=Content.PREDICTIONS), now=NOW)
        number = batches.next_number(tx, jobs.lane_of(MODEL))
        body = {"touched": [["1", "production", "2026-01-10T13:00:00Z"]]}
        batches.begin(tx, jobs.lane_of(MODEL), number, job.id, body, now=NOW)
        batches.commit(tx, jobs.lane_of(MODEL), number, now=NOW + 20 * HOUR)
    look(catalog, 25)
    assert sorted(each.cause for each in board.told) == ["no labels", "no run"]
    ended(catalog, 25)
    look(catalog, 25.9)
    assert [each.cause for each in board.told if each.state == "resolved"] == ["no run"]
    look(catalog, 45)
    assert board.told[-1].cause == "no data"


def test_who_looks_after_it_is_not_woken_again(catalog: Catalog, board: Board) -> None:
    """AL-09: acknowledged alerts are not escalated, others are, once; snoozed ones are told when that is over."""
    with catalog.begin() as tx:
        register.put_channel(tx, "boss", "board", {}, Severity.CRITICAL, now=NOW)
    put(catalog, rule(channels=("ops",), escalate_hours=2, escalate_to=("boss",), severity=Severity.CRITICAL))
    ended(catalog, 1, {"age": 0.3})
    look(catalog, 1)
    ended(catalog, 2, {"age": 0.3, "income": 0.4})
    look(catalog, 2)
    with catalog.begin() as tx:
        age = next(each for each in alerting.states(tx, MODEL) if each.subject == "age")
        register.acknowledge(tx, age.id[:8], "ada", now=NOW)
    for hour in (3.5, 4.5, 5.5):
        look(catalog, hour)
    assert [each.state for each in board.told] == ["firing", "firing", "escalated"]
    assert board.told[2].lines[0].startswith("income")
    ended(catalog, 6, {"age": 0.1, "income": 0.1})
    look(catalog, 6)
    with catalog.read() as tx:
        page = deliveries.page(tx, {"channel": "boss"}, 10, None)
    assert [told["state"] for _, told in page.items] == ["resolved", "escalated"]
    ended(catalog, 7, {"age": 0.3})
    with catalog.begin() as tx:
        with pytest.raises(Invalid):
            register.snooze(tx, age.id, NOW, now=NOW + HOUR)
        register.add_quiet(tx, MODEL, NOW, NOW + 9 * HOUR, "new tables", now=NOW)
    before = len(board.told)
    look(catalog, 8)
    assert len(board.told) == before
    with catalog.begin() as tx:
        register.snooze(tx, age.id, NOW + 12 * HOUR, now=NOW)
    look(catalog, 10)
    assert len(board.told) == before
    look(catalog, 13)
    assert board.told[-1].state == "firing"


def test_severity_finds_its_channel(catalog: Catalog, board: Board) -> None:
    """AL-05: a channel hears what is bad enough for it; without channels nobody is told, and the state is kept."""
    with catalog.begin() as tx:
        register.put_channel(tx, "ops", "board", {}, Severity.CRITICAL, now=NOW)
    put(catalog, rule(), rule(name="silent", channels=()))
    ended(catalog, 1, {"age": 0.3})
    look(catalog, 1)
    assert (board.told, states(catalog)) == ([], {"age": FIRING})


def test_many_things_make_one_message(catalog: Catalog, board: Board) -> None:
    """AL-10: 60 columns are one message that names the worst."""
    put(catalog, rule())
    ended(catalog, 1, {f"column {place}" + "x" * 300: 0.3 + place / 100 for place in range(60)})
    look(catalog, 1)
    assert len(board.told) == 1
    assert board.told[0].lines[0].startswith("column 59")
    assert board.told[0].lines[-1] == "and 50 more"


def test_a_channel_that_is_away_is_told_later(catalog: Catalog, board: Board) -> None:
    """The log of deliveries counts attempts; what is refused is not sent again; a day later it is old news."""
    put(catalog, rule())
    ended(catalog, 1, {"age": 0.3})
    board.fault = ChannelUnavailable(channel="board", reason="500")
    planning.plan(catalog, catalog.clock(), SETTINGS)
    deliver(catalog, catalog.clock())

    def log() -> tuple[str, int]:
        with catalog.read() as tx:
            found = deliveries.page(tx, {}, 1, None).items[0][0]
        return found.status, found.attempts

    assert log() == ("pending", 1)
    assert deliver(catalog, catalog.clock()) == 0
    board.fault = None
    deliver(catalog, catalog.clock() + HOUR)
    assert (log(), len(board.told)) == (("sent", 2), 1)
    board.fault = ChannelRefused(channel="board", reason="400")
    ended(catalog, 2, {"age": 0.1})
    planning.plan(catalog, catalog.clock() + HOUR, SETTINGS)
    deliver(catalog, catalog.clock() + HOUR)
    assert log() == ("failed", 1)
    board.fault = ChannelUnavailable(channel="board", reason="500")
    ended(catalog, 3, {"age": 0.3})
    look(catalog, 3)  # of January
    assert log() == ("failed", 1)


def test_a_delivery_whose_worker_ended_is_queued_again(catalog: Catalog, board: Board) -> None:
    """Killed while it sent, more often than work is begun: the delivery is there, and is sent."""
    put(catalog, rule())
    ended(catalog, 1, {"age": 0.3})
    planning.plan(catalog, NOW + HOUR, SETTINGS)
    with catalog.begin() as tx:
        claimed = work.claim(tx, "worker", now=NOW + DAY, lease_seconds=60, kinds=(telling.WORK,))
        assert claimed is not None
        work.finish(tx, claimed)
    assert look(catalog, 2) == 1
    assert len(board.told) == 1


class Killed(BaseException):
    """The end of a process."""


@pytest.mark.parametrize("step", range(12))
def test_killed_between_any_two_steps_it_is_told_once(
    catalog: Catalog, board: Board, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """A transaction that does not end leaves nothing; done again, it makes the same one delivery."""
    put(catalog, rule())
    ended(catalog, 1, {"age": 0.3, "income": 0.4})
    left = step

    def dying(real: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left == -1:
                raise Killed
            return real(*given, **named)

        return call

    for module, name in (
        (alerting, "flip"), (alerting, "change_state"), (alerting, "looked"), (deliveries, "add_message"),
        (deliveries, "add"), (work, "enqueue"), (work, "finish"), (deliveries, "change"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, dying(getattr(module, name)))
    later = NOW + HOUR
    for _ in range(2):
        try:
            planning.plan(catalog, later, SETTINGS)
            deliver(catalog)
        except Killed:
            with catalog.begin() as tx:
                work.release(tx, "worker", now=later)
    keys = {each.key for each in board.told}
    assert len(keys) == 1
    assert len(board.told) <= 2  # taken, and not noted: sent again with the same key
    with catalog.read() as tx:
        assert [found.status for found, _ in deliveries.page(tx, {}, 10, None).items] == ["sent"]


def test_two_workers_tell_once(catalog: Catalog, board: Board) -> None:
    """Both judge and deliver at the same moments."""
    put(catalog, rule(), rule(Violations(), "violated"))
    for hour in range(6):
        bad = hour % 2
        ended(catalog, hour, {"age": 0.3 * bad}, violations=bad)
        both = threading.Barrier(2)

        def go(hour: int = hour, both: threading.Barrier = both) -> None:
            both.wait(10)
            look(catalog, hour)

        threads = [threading.Thread(target=go) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(30)
    deliver(catalog)
    assert [each.state for each in board.told] == ["firing", "resolved", "firing", "resolved", "firing"]
    assert len({each.key for each in board.told}) == 5


def test_a_rule_is_tried_on_what_was(catalog: Catalog) -> None:
    """When it would have fired, and what can be measured; nothing is kept of it."""
    for hour, drift in enumerate((0.1, 0.3, 0.3, 0.1)):
        ended(catalog, hour, {"age": drift})
    with catalog.read() as tx:
        found = trying.dry_run(tx, rule(), None, NOW + DAY)
        late = trying.dry_run(tx, rule(monitor=None), NOW + HOUR, NOW + DAY)
        silent = trying.dry_run(tx, rule(Absence(Missing.RUN, 2)), None, NOW + DAY)
        wrong = trying.dry_run(tx, rule(Threshold("drfit", above=1)), None, NOW + DAY)
    assert [(each.at.hour, each.state) for each in found.flips] == [(13, FIRING), (15, OK)]
    assert (found.windows, [each.subject for each in late.flips]) == (4, ["drift/age", "drift/age"])
    assert [(each.at.hour, each.state) for each in silent.flips] == [(17, FIRING)]
    assert "baseline_drift" in wrong.measures
    assert states(catalog) == {}


def test_another_rule_of_the_name_begins_anew(catalog: Catalog, board: Board) -> None:
    """What fired for the old one is over; so it is when the rule is deleted, or turned off, or its monitor goes."""
    put(catalog, rule())
    ended(catalog, 1, {"age": 0.3})
    look(catalog, 1)
    put(catalog, rule(Threshold("baseline_drift", above=0.5)))
    look(catalog, 1.1)
    put(catalog, rule())
    look(catalog, 1.2)
    put(catalog, rule(enabled=False))
    look(catalog, 1.3)
    put(catalog, rule())
    look(catalog, 1.4)
    with catalog.begin() as tx:
        register.delete(tx, MODEL, "drifts", now=NOW, settings=SETTINGS)
    deliver(catalog)
    assert [each.state for each in board.told] == ["firing", "resolved"] * 3
    with catalog.begin() as tx, pytest.raises(NotFound):
        register.put(tx, rule(monitor="unknown"), now=NOW, settings=SETTINGS)


@pytest.mark.parametrize(
    "asked",
    [
        {"condition": {"kind": "threshold", "measure": "rows"}},
        {"condition": {"kind": "threshold", "measure": "rows", "above": float("nan")}},
        {"condition": {"kind": "change", "measure": "rows", "fall": -1}},
        {"condition": {"kind": "absence", "of": "money", "hours": 1}},
        {"condition": {"kind": "magic"}},
        {"condition": {"kind": "violations", "at": 3}},
        {"condition": {"kind": "violations"}, "count": 3, "last": 2},
        {"condition": {"kind": "violations"}, "escalate_to": ("boss",)},
        {"condition": {"kind": "violations"}, "escalate_beyond": 0},
        {"condition": {"kind": "violations"}, "schedule": "s"},
        {"condition": {"kind": "monitoring-alert"}},
        {"condition": {"kind": "anomaly", "measure": "rows", "windows": 3}},
        {"condition": {"kind": "anomaly", "measure": "rows", "season": "moon"}},
        {"condition": {"kind": "anomaly", "measure": "rows", "margin": -1}},
        {"condition": {"kind": "partial", "below": 0}},
        {"condition": {"kind": "rejected", "above": 1}},
        {"condition": {"kind": "rejected", "above": 0.5}, "model": ""},
        {"condition": {"kind": "absence", "of": "labels", "hours": 1}, "model": ""},
        {"condition": {"kind": "violations"}, "monitor": "drift", "model": ""},
        {"condition": {"kind": "monitoring-alert"}, "count": 2, "last": 3, "model": ""},
    ],
)
def test_what_cannot_be_a_rule_is_refused(asked: dict[str, Any]) -> None:
    """The error names the member."""
    with pytest.raises(Invalid):
        Rule(**{"model": MODEL, "name": "r", **asked})


def test_what_is_given_up_does_not_wait_for_ever(catalog: Catalog, board: Board) -> None:
    """A worker that ends whenever it sends: tried again, later and later, and after a day it is old news."""
    put(catalog, rule())
    ended(catalog, 1, {"age": 0.3})
    planning.plan(catalog, NOW + HOUR, SETTINGS)
    tried, now, found = 0, NOW + HOUR, None
    while found is None or found.status == "pending":
        with catalog.begin() as tx:
            claimed = work.claim(tx, "worker", now=now, lease_seconds=1, kinds=(telling.WORK,))
            tried += claimed is not None
            now += HOUR
            executing.reap(tx, Settings(attempts=1), now)
            found = deliveries.page(tx, {}, 1, None).items[0][0]
    assert (found.status, found.attempts, board.told) == ("failed", tried, [])
    assert 10 < tried <= 15
    with catalog.begin() as tx:
        topics.add(tx, "arn:t", {}, now=NOW)
        to, _ = topics.subscribe(tx, "arn:t", "sqs", "arn:q", {}, now=NOW)
        notice = topics.send(tx, to.arn, {"Type": "Notification"}, now=NOW)
        work.enqueue(tx, publishing.WORK, notice, now=NOW)
    for now, status in ((NOW + HOUR, "PENDING"), (NOW + DAY, "FAILED")):
        with catalog.begin() as tx:
            assert work.claim(tx, "worker", now=now, lease_seconds=1, kinds=(publishing.WORK,)) is not None
            executing.reap(tx, Settings(attempts=1), now + HOUR)
            assert topics.notices(tx, to.arn)[0].status == status
