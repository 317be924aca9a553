"""Conditions of rules over what monitors measured: a season's past, another segment, part of the rows, imports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from alerted import DAY, HOUR, MODEL, NOW, Board, ended, look, put, rule, states

from driftline import registry
from driftline.alerting import past, register, trying
from driftline.alerting.rule import (
    Absence,
    Anomaly,
    Change,
    Missing,
    Partial,
    Rejected,
    Severity,
    Threshold,
    Violations,
)
from driftline.catalog import Catalog, alerting, deliveries, hours, imports
from driftline.catalog.alerting import FIRING, OK
from driftline.catalog.deliveries import HELD
from driftline.catalog.hours import HourPart, Subject
from driftline.errors import Invalid, NotFound
from driftline.imports import jobs
from driftline.imports.job import Content, ImportJob, Place
from driftline.modelmonitors import register as monitors
from driftline.modelmonitors.monitor import ModelMonitor

WEEK = 24 * 7


def silent(catalog: Catalog) -> list[str]:
    """Of what the rule can say nothing."""
    with catalog.read() as tx:
        return register.silent(tx, rule())


def test_a_window_is_held_against_its_own_season(catalog: Catalog, board: Board) -> None:
    """AL-12: against the same hour of past weeks; silent with a reason until there are enough, then with its band."""
    usual = Anomaly("rows", side="below", windows=6, least=3)  # type: ignore[arg-type]
    put(catalog, rule(usual))
    for week in range(4):
        ended(catalog, week * WEEK, rows=1000 + 10 * week)
        ended(catalog, week * WEEK + 5, rows=20)  # of another hour: the night
        look(catalog, week * WEEK + 6)
        if week < 3:
            assert silent(catalog) == [
                f"drift: window until {NOW.replace(minute=0) + (week * WEEK + 5) * HOUR:%Y-%m-%d %H:%M} UTC: "
                f"{week} past windows of its season, 3 are needed"
            ]
    assert (silent(catalog), board.told) == ([], [])
    ended(catalog, 4 * WEEK, rows=600)
    look(catalog, 4 * WEEK)
    said = "rows 600, below the 955.7 or more of the 4 windows of the same hour of the week (median 1015)"
    assert [each.title for each in board.told] == [f"churn: {said}"]
    ended(catalog, 5 * WEEK, rows=5000)  # the other side does not hurt
    look(catalog, 5 * WEEK)
    assert [each.state for each in board.told] == ["firing", "resolved"]
    with catalog.read() as tx:
        tried = trying.dry_run(tx, rule(usual), NOW + 4 * WEEK * HOUR - HOUR, NOW + 6 * WEEK * HOUR)
        early = trying.dry_run(tx, rule(usual), None, NOW + WEEK * HOUR)
        found = alerting.states(tx, MODEL)[0]
        values = past.values(tx, found, rule(usual), NOW + 6 * WEEK * HOUR)
    assert [each.state for each in tried.flips] == [FIRING, OK]
    assert early.flips == [] and "1 past windows of its season, 3 are needed" in early.silent[0]
    assert [(each.value, each.fires) for each in values][-2:] == [(600.0, True), (5000.0, False)]


def test_a_window_is_held_against_those_just_before(catalog: Catalog, board: Board) -> None:
    """AL-12: without a season, on both sides, each column by itself; values of one spread are expected."""
    put(catalog, rule(Anomaly("baseline_drift", season="none", windows=5, least=4)))  # type: ignore[arg-type]
    for hour in range(6):
        ended(catalog, hour, {"age": 0.10 + 0.01 * (hour % 3), "income": 0.5})
        look(catalog, hour)
    ended(catalog, 6, {"age": 0.12, "income": 0.1})
    look(catalog, 6)
    assert states(catalog) == {"income": FIRING}


def test_a_segment_is_held_against_all_traffic(catalog: Catalog, board: Board) -> None:
    """AL-12: the same window of another monitor; nothing is said while that has not looked."""
    with catalog.begin() as tx:
        monitors.create(tx, ModelMonitor(MODEL, "all", "data-quality", cadence="rate(1 hour)"), now=NOW)
    put(catalog, rule(Change("rows", fall=0.5, relative=True, to="all")))
    ended(catalog, 1, rows=10)
    look(catalog, 1)
    assert "all has no such window" in silent(catalog)[0]
    ended(catalog, 1, rows=100, monitor="all")
    look(catalog, 1.2)
    assert board.told[0].title == "churn: rows 10, down by 90.0 % from 100 of all"
    with catalog.begin() as tx, pytest.raises(NotFound):
        register.check(tx, rule(Change("rows", fall=0.5, to="unknown")))


def test_a_run_that_saw_a_part_of_the_rows(catalog: Catalog, board: Board) -> None:
    """AL-11: rows that a run looked at against those that came, late ones too; silent off the hour."""
    put(catalog, rule(Partial(0.9)))
    start = NOW.replace(minute=0)

    def came(version: str, name: str, rows: int) -> None:
        with catalog.begin() as tx:
            hours.add(tx, Subject(MODEL, version), [HourPart(start, name, "s3://x", rows)])

    came("1", "a", 100)
    ended(catalog, 1, rows=100)
    look(catalog, 1)
    assert board.told == []
    came("2", "b", 300)
    look(catalog, 1.1)
    assert board.told[0].title == "churn: looked at 100 of 400 rows (25.0 %)"
    with catalog.begin() as tx:
        hours.add(tx, Subject(MODEL, "1", "validation"), [HourPart(start, "c", "s3://x", 900)])
    ended(catalog, 1, rows=400, run=2)
    look(catalog, 1.2)
    assert board.told[-1].state == "resolved"


def test_one_check_of_a_run(catalog: Catalog, board: Board) -> None:
    """AL-10, AL-12: new values alone; the message ranks the violations and says what to do about many."""
    broken = [
        {"subject": f"c{place}", "check": "categorical_values_check", "value": 0.9 - place / 20, "limit": 1.0,
         "said": f"{place} new values"} for place in range(12)
    ]  # fmt: skip
    other = [{"subject": "age", "check": "baseline_drift_check", "value": 9.0, "limit": 0.1, "said": "drifts"}]
    put(catalog, rule(Violations(check="categorical_values_check")))
    ended(catalog, 1, violations=1, broken=other)
    look(catalog, 1)
    assert board.told == []
    ended(catalog, 2, violations=13, broken=[*other, *broken], output="s3://tables/churn/runs/2")
    look(catalog, 2)
    found = board.told[0]
    assert found.title == "churn: 12 violations of categorical_values_check"
    assert found.lines[1] == "c11: 11 new values"
    assert found.lines[-1] == "and 3 more violations"
    assert len(found.lines) == 11
    assert "consider retraining" in found.text
    assert found.report == "s3://tables/churn/runs/2/constraint_violations.json"


def test_the_range_of_a_column(catalog: Catalog, board: Board) -> None:
    """AL-12: the least, the mean or the largest number of a column, as runs keep them."""
    put(catalog, rule(Threshold("maximum", "age", above=120)), rule(Threshold("minimum", below=0), "negative"))
    ended(catalog, 1, ranges={"age": [18.0, 44.0, 130.0], "pay": [-1.0, 2.0, 3.0]})
    look(catalog, 1)
    assert [each.partition(" (")[0] for each in board.told[0].lines] == [
        "pay: minimum -1, below 0",
        "age: maximum 130, above 120",
    ]
    with catalog.read() as tx:
        assert {"minimum", "mean", "maximum"} <= set(trying.dry_run(tx, rule(), None, NOW + DAY).measures)


def test_what_is_stopped_stale_or_rejected(catalog: Catalog, board: Board) -> None:
    """AL-11, AL-12: a monitor that is paused, no new version, an import that rejects, files that wait."""
    conditions: dict[str, Any] = {
        "stopped": Absence(Missing.SCHEDULE, 2),
        "stale": Absence(Missing.VERSION, 48),
        "rejected": Rejected(0.1),
        "waiting": Absence(Missing.IMPORTS, 6),
    }
    put(catalog, *(rule(each, name, monitor=None) for name, each in conditions.items()))
    with catalog.begin() as tx:
        monitors.pause(tx, MODEL, "drift", now=NOW)
        job = jobs.create(tx, ImportJob("", MODEL, "1", Place("s3://x/"), content=Content.PREDICTIONS), now=NOW)
        row = {"job": job.id, "etag": "e", "size": 1, "body": {}, "found": NOW, "ended": NOW + HOUR}
        read = {"uri": "s3://x/a", "status": "done", "rows": 100, "accepted": 80, "rejected": 20}
        waits = {**row, **read, "uri": "s3://x/b", "status": "pending", "ended": None}
        imports.add(tx, [{**row, **read}, waits])
    look(catalog, 1)
    assert [each.title for each in board.told] == [
        f"churn: import job {job.id[:8]} rejected 20 of 100 rows (20.0 %) in 24 hours"
    ]
    look(catalog, 8)
    assert {each.cause for each in board.told[1:]} == {"no schedule", "no imports"}
    assert "drift: it is paused since 2026-01-10 12:30 UTC" in " ".join(each.title for each in board.told)
    assert "1 files wait since before" in " ".join(each.title for each in board.told)
    with catalog.begin() as tx:
        monitors.start(tx, MODEL, "drift", now=NOW + 9 * HOUR)
    look(catalog, 49)
    over = [each.cause for each in board.told if each.state == "resolved"]
    assert sorted(over) == ["no schedule", "rejected rows"]
    assert "no new version came" in board.told[-1].title or "no new version came" in board.told[-2].title
    with catalog.begin() as tx, pytest.raises(Invalid):
        trying.dry_run(tx, rule(Rejected(0.1)), None, NOW + DAY)


def test_what_gets_much_worse_is_escalated_once(catalog: Catalog, board: Board) -> None:
    """AL-09: though somebody looks after it; one message for all that did, to those that hear of it."""
    with catalog.begin() as tx:
        register.put_channel(tx, "boss", "board", {}, Severity.CRITICAL, now=NOW)
    put(catalog, rule(escalate_beyond=3, severity=Severity.CRITICAL, channels=("ops",)))
    ended(catalog, 1, {"age": 0.3, "income": 0.3})
    look(catalog, 1)
    with catalog.begin() as tx:
        for each in alerting.states(tx, MODEL):
            register.acknowledge(tx, each.id, "ada", now=NOW)
    for hour in (2, 3):
        ended(catalog, hour, {"age": 0.9, "income": 1.0})
        look(catalog, hour)
    assert [each.state for each in board.told] == ["firing", "escalated"]
    assert board.told[1].lines == (
        "income: baseline_drift 1, above 0.2 (window until 2026-01-10 14:00 UTC), fires since 2026-01-10 13:30 UTC",
        "age: baseline_drift 0.9, above 0.2 (window until 2026-01-10 14:00 UTC), fires since 2026-01-10 13:30 UTC",
    )


def test_a_digest_once_a_day(catalog: Catalog, board: Board) -> None:
    """AL-09, AL-10: what still fires first, the worst of it before the rest; bounded; the log says what is in it."""
    with catalog.begin() as tx:
        register.put_channel(tx, "ops", "board", {}, now=NOW, digest="day")
        with pytest.raises(Invalid):
            register.put_channel(tx, "pager", "pagerduty", {"routing_key": "env:KEY"}, now=NOW, digest="day")
        for place in range(30):
            monitors.create(tx, ModelMonitor(MODEL, f"m{place}", "data-quality", cadence="rate(1 hour)"), now=NOW)
    put(catalog, *(rule(monitor=f"m{each}", name=f"m{each}", severity=Severity.WARNING) for each in range(29)))
    put(catalog, rule(monitor="m29", name="worst", severity=Severity.CRITICAL))
    for place in range(30):
        ended(catalog, 1, {"age": 0.3}, monitor=f"m{place}")
    look(catalog, 1)
    ended(catalog, 2, {"age": 0.1}, monitor="m0")
    look(catalog, 2)
    assert board.told == []
    look(catalog, 19)  # seven in the morning
    look(catalog, 20)
    (found,) = board.told
    assert (found.state, found.severity, found.model, len(found.lines)) == ("digest", "critical", "", 21)
    assert found.title.startswith("29 of 30 alerts still fire, 1 are over: churn: age baseline_drift 0.3, above 0.2")
    assert found.lines[0].startswith("[CRITICAL]") and found.lines[-1] == "and 10 more"
    assert "consider retraining" in found.text
    with catalog.read() as tx:
        log = deliveries.page(tx, {}, 100, None).items
        assert deliveries.held(tx, "ops", NOW + 30 * DAY, 10) == []
    assert {each.status for each, _ in log} == {"sent", "digested"}
    assert HELD not in {each.status for each, _ in log}
    assert timedelta(0) < log[0][0].created - NOW < DAY


def test_the_rules_of_a_model_go_with_it(catalog: Catalog, board: Board) -> None:
    """And their alerts, though rules may be of no model."""
    put(catalog, rule())
    ended(catalog, 1, {"age": 0.3})
    look(catalog, 1)
    with catalog.begin() as tx:
        registry.delete_model(tx, MODEL)
        assert (alerting.rules(tx), alerting.states(tx)) == ([], [])
