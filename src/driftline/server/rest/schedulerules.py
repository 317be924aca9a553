"""Rules over executions of SageMaker's schedules, and their trials."""

from __future__ import annotations

from fastapi import APIRouter

from driftline.alerting import register, trying
from driftline.alerting.rule import SCHEDULES, Rule
from driftline.server.aws.waking import wake
from driftline.server.rest.alerted import (
    RuleDetail,
    RuleName,
    RuleValue,
    ScheduleRuleWanted,
    ScheduleTrialWanted,
    TrialResult,
)
from driftline.server.rest.alerting import rule_detail, rule_value, trial
from driftline.server.rest.answers import Page
from driftline.server.rest.callers import Reading, Writing

router = APIRouter(tags=["alerts"])


@router.get("/schedule-rules", summary="List the rules of schedules")
def list_rules(call: Reading) -> Page[RuleValue]:
    """All rules over executions of schedules, by name."""
    with call.catalog.read() as tx:
        return Page(items=[rule_value(each) for each in register.of_model(tx, SCHEDULES)])


@router.get("/schedule-rules/{name}", summary="Show a rule of schedules")
def show_rule(call: Reading, name: RuleName) -> RuleDetail:
    """What must not be, of which schedules, how bad it is, and who is told."""
    with call.catalog.read() as tx:
        return rule_detail(tx, register.get(tx, SCHEDULES, name))


@router.put("/schedule-rules/{name}", summary="Keep a rule of schedules")
def put_rule(call: Writing, name: RuleName, wanted: ScheduleRuleWanted) -> RuleValue:
    """Keep a rule in the place of the one of its name; what fires is judged anew if it watches other things."""
    made = Rule(SCHEDULES, name, **wanted.model_dump(mode="json"))
    with call.catalog.begin() as tx:
        found = rule_value(register.put(tx, made, now=call.now, settings=call.settings))
    wake(call)
    return found


@router.delete("/schedule-rules/{name}", summary="Delete a rule of schedules", status_code=204)
def delete_rule(call: Writing, name: RuleName) -> None:
    """Forget a rule; who was told that it fires is told that it is over."""
    with call.catalog.begin() as tx:
        register.delete(tx, SCHEDULES, name, now=call.now, settings=call.settings)
    wake(call)


@router.post("/schedule-rule-trials", summary="Try a rule of schedules on what was")
def try_rule(call: Writing, wanted: ScheduleTrialWanted) -> TrialResult:
    """When it would have fired and been over, execution by execution; nothing is kept."""
    made = Rule(SCHEDULES, "trial", **wanted.rule.model_dump(mode="json"))
    with call.catalog.read() as tx:
        register.check(tx, made)
        return trial(trying.dry_run(tx, made, wanted.since, wanted.until or call.now))
