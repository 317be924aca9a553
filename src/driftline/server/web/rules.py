"""The rules of alerts in the console: all of them, with what each says and how many alerts of it fire."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fastapi import APIRouter, Request, Response

from driftline.server.rest import alerting as rest
from driftline.server.rest import alertpast
from driftline.server.rest import models as registered
from driftline.server.rest.alerted import OfModel, RuleValue, TrialResult
from driftline.server.rest.callers import Reading
from driftline.server.rest.registered import ModelsWanted
from driftline.server.web.rulewords import sentence, windows
from driftline.server.web.shown import Heading, page

router = APIRouter(prefix="/console/alerts", include_in_schema=False)

ALERTS = ("Alerts", "/console/alerts")
RULES = ("Rules", "/console/alerts/rules")
_MODELS, _RULES = 1000, 250
_SHOWN = 100
"""So many flips of a trial are shown."""


@router.get("/rules")
def show_all(request: Request, call: Reading, model: OfModel = None) -> Response:
    """All rules; those of one model, if it is given."""
    found = alertpast.list_all_rules(call, model).items
    fires = Counter((each.model, each.rule) for each in rest.list_alerts(call, model, "FIRING").items)
    rules = [
        {**each.model_dump(), "says": says(each), "firing": fires[each.model, each.name]} for each in found[:_RULES]
    ]  # fmt: skip
    models = [each.id for each in registered.list_models(call, ModelsWanted(limit=_MODELS, sort_by="name")).items]
    facts = {"rules": rules, "models": models, "more": max(0, len(found) - _RULES)}
    return page(request, call, "rules.html", Heading("Rules", "alerts", (ALERTS,)), facts, model=model)


def says(rule: RuleValue) -> str:
    """What makes it fire, in a sentence."""
    return f"{sentence(rule.condition.model_dump(mode='json'))}, {windows(rule.count, rule.last)}"


def told(trial: TrialResult) -> dict[str, Any]:
    """A trial in numbers: how often it would have fired and of how many, its last flips, and what could not be told."""
    begun = [each for each in trial.flips if each.state == "FIRING"]
    return {
        "fired": len(begun),
        "subjects": len({each.subject for each in begun}),
        "windows": trial.windows,
        "silent": trial.silent,
        "flips": [each.model_dump() for each in reversed(trial.flips[-_SHOWN:])],
        "more": max(0, len(trial.flips) - _SHOWN),
    }
