"""What became of alerts, on SQLite and on PostgreSQL: their history, what was measured and what was sent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from alerted import HOUR, MODEL, NOW, Board, ended, look, put, rule

from driftline.alerting import measurable, past, register
from driftline.alerting.rule import Absence, Missing, Severity
from driftline.catalog import Catalog, alerting, alertpast
from driftline.catalog.alertpast import Past, Search
from driftline.errors import Invalid


@pytest.fixture
def catalog(catalog: Catalog) -> Catalog:
    """A catalog in which two columns drifted, one of them twice."""
    put(catalog, rule(severity=Severity.CRITICAL, owner="ada"))
    put(catalog, rule(Absence(Missing.LABELS, 2), "labels", monitor=None))
    for hour, (age, income) in enumerate([(0.1, 0.1), (0.3, 0.9), (0.1, 0.9), (0.4, 0.1)]):
        ended(catalog, hour, {"age": age, "income": income})
        look(catalog, hour)
    return catalog


def test_history_is_found_page_by_page(catalog: Catalog) -> None:
    """Each change once, the latest first, whatever the size of a page; by model, rule, state, severity and time."""
    with catalog.read() as tx:
        every = alertpast.history(tx, Search(limit=100)).items
        found: list[Past] = []
        token: str | None = None
        while True:
            page = alertpast.history(tx, Search(limit=2, token=token))
            found += page.items
            token = page.token
            if token is None:
                break
        assert [(each.id, each.flip.number) for each in found] == [(each.id, each.flip.number) for each in every]
        assert [each.flip.at for each in every] == sorted((each.flip.at for each in every), reverse=True)

        def changed(**wanted: object) -> list[tuple[str, str]]:
            items = alertpast.history(tx, Search(**wanted)).items  # type: ignore[arg-type]
            return [(each.flip.subject, each.flip.state) for each in items]

        drifted = [("age", "FIRING"), ("income", "OK"), ("age", "OK"), ("age", "FIRING"), ("income", "FIRING")]
        assert sorted(changed(severity="critical")) == sorted(drifted)
        assert changed(severity="warning") == changed(rule="labels") == [("model", "FIRING")]
        assert sorted(changed(rule="drifts", state="OK")) == [("age", "OK"), ("income", "OK")]
        last = NOW + 3 * HOUR - timedelta(minutes=1)
        assert sorted(changed(severity="critical", since=last)) == [("age", "FIRING"), ("income", "OK")]
        assert sorted(changed(severity="critical", until=last)) == sorted(drifted[2:])
        assert changed(model="another") == []
        with pytest.raises(Invalid, match="NextToken"):
            alertpast.history(tx, Search(token="no"))


def test_an_alert_shows_what_was_measured_and_sent(catalog: Catalog, board: Board) -> None:
    """Of its subject alone, with the bound; nothing was measured of what failed to come (DB-03)."""
    with catalog.read() as tx:
        found = {each.subject: each for each in alerting.states(tx, MODEL, "drifts")}
        kept = register.get(tx, MODEL, "drifts")
        values = past.values(tx, found["income"], kept, NOW + 4 * HOUR)
        assert [(each.value, each.limit, each.fires) for each in values] == [
            (0.1, 0.2, False), (0.9, 0.2, True), (0.9, 0.2, True), (0.1, 0.2, False),
        ]  # fmt: skip
        silence = next(each for each in alerting.states(tx, MODEL, "labels"))
        assert past.values(tx, silence, register.get(tx, MODEL, "labels"), NOW + 4 * HOUR) == []
        sent = alertpast.sent(tx, found["age"])
        assert {told["cause"] for _, told in sent} == {"drift"}
        assert len(sent) == len([each for each in board.told if each.cause == "drift"])
        assert {each.channel for each, _ in sent} == {"ops"}
        measures, subjects = measurable.measured(tx, MODEL, NOW + 4 * HOUR)
        assert "baseline_drift" in measures and "rows" in measures and set(subjects) == {"age", "income"}
