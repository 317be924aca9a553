"""Alerts that fire: what each is about and since when; and taking one on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from sqlalchemy import Connection

from driftline.alerting import register
from driftline.catalog import alerting
from driftline.server.web.shown import Formed

router = APIRouter(prefix="/console/alerts", include_in_schema=False)

AlertId = Annotated[str, Path(pattern=r"^[0-9a-f-]{4,64}$", description="The alert's id.")]


@dataclass(frozen=True)
class Firing:
    """An alert that fires: `about` what, and what is `said` of it; `run` is the run that says so, if one does."""

    id: str
    model: str
    rule: str
    severity: str
    about: str
    said: str
    text: str
    since: datetime
    run: str | None
    acknowledged_by: str | None
    snoozed: datetime | None


def firing(tx: Connection, model: str | None = None) -> list[Firing]:
    """The alerts of a model, or of all, that fire: the severest first, of those the latest."""
    states = alerting.states(tx, model, state=alerting.FIRING)
    rules = register.known_rules(tx, states)
    pairs = [(each, rules[each.model, each.rule]) for each in states if (each.model, each.rule) in rules]
    pairs.sort(key=lambda pair: (-pair[1].severity.rank, -pair[0].since.timestamp()))
    return [
        Firing(
            each.id, each.model, each.rule, str(rule.severity), str(each.body.get("about", each.subject)),
            str(each.body.get("said", "")), rule.text, each.since, each.body.get("run"), each.acknowledged_by,
            each.snoozed,
        )
        for each, rule in pairs
    ]  # fmt: skip


@router.post("/{id}/acknowledge")
def acknowledge(form: Formed, id: AlertId) -> Response:
    """Whoever is signed in looks after it: it is not escalated."""
    with form.call.catalog.begin() as tx:
        found = register.acknowledge(tx, id, form.who, now=form.call.now)
    return form.back(f"/console/models/{found.model}")
