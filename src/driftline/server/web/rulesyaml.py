"""The rules of a model as YAML, in the shape of the files that the command line takes: changed and tried as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from driftline.alerting.rule import NAME, Rule
from driftline.errors import CallerError, Invalid
from driftline.server.aws.wire import Call
from driftline.server.rest import alerting as rest
from driftline.server.rest import models as registered
from driftline.server.rest.alerted import RuleValue, RuleWanted, TrialWanted
from driftline.server.rest.callers import Reading
from driftline.server.rest.registered import ModelId
from driftline.server.web.rules import ALERTS, RULES, told
from driftline.server.web.shown import Formed, Heading, page

router = APIRouter(prefix="/console/models/{model}", include_in_schema=False)

_LONGEST = 100_000
_DEEPEST = 32
_MOST = 200
_EXAMPLE = """- name: drift
  condition: {kind: threshold, measure: baseline_drift, above: 0.2}
  count: 2
  last: 3
"""

RuleName = Annotated[str | None, Query(pattern=NAME)]


@router.get("/rules-as-yaml")
def show(request: Request, call: Reading, model: ModelId, rule: RuleName = None) -> Response:
    """The rules of the model, or one of them."""
    found = [each for each in rest.list_rules(call, model).items if rule in (None, each.name)]
    return _text(request, call, model, written(found) if found else _EXAMPLE)


@router.post("/rules-as-yaml")
def save(request: Request, form: Formed, model: ModelId) -> Response:
    """Keep each rule in the place of the one of its name; none of them if one is wrong."""
    text = form.values.get("text", "")
    try:
        for name, wanted in parsed(model, text).items():
            rest.put_rule(form.call, model, name, wanted)
    except CallerError as error:
        return _text(request, form.call, model, text, trouble=str(error))
    return form.back(f"/console/alerts/rules?model={quote(model, safe='')}")


@router.post("/rules-as-yaml/trials")
def try_out(request: Request, form: Formed, model: ModelId) -> Response:
    """The text again, with when each rule would have fired."""
    text = form.values.get("text", "")
    try:
        trials = [
            {"rule": name, **told(rest.try_rule(form.call, model, TrialWanted(rule=wanted)))}
            for name, wanted in parsed(model, text).items()
        ]
    except CallerError as error:
        return _text(request, form.call, model, text, trouble=str(error))
    return _text(request, form.call, model, text, trials=trials)


def written(rules: Sequence[RuleValue]) -> str:
    """Rules as YAML, without what holds if nothing is said."""
    import yaml

    left = {"model", "created", "modified"}
    found = [each.model_dump(mode="json", exclude=left, exclude_defaults=True) for each in rules]
    ordered = [{"name": each.name, **{k: v for k, v in one.items() if k != "name"}} for each, one in zip(
        rules, found, strict=True)]  # fmt: skip
    for each, one in zip(rules, ordered, strict=True):
        one["condition"] = {"kind": each.condition.kind, **one["condition"]}
    text: str = yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=100)
    return text


def parsed(model: str, text: str) -> dict[str, RuleWanted]:
    """The rules of a text by name, all of them checked; raises `Invalid` naming the first that is wrong, and why."""
    found: dict[str, RuleWanted] = {}
    for place, each in enumerate(_rules(text), 1):
        name = str(each.get("name", ""))
        about = f"rule {place}" + (f" ({name[:80]})" if name else "")
        if name in found:
            raise Invalid(what=about, got="the same name twice", expected="another name for each rule")
        try:
            wanted = RuleWanted.model_validate({key: value for key, value in each.items() if key != "name"})
            Rule(model, name, **wanted.model_dump(mode="json"))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise Invalid(what=f"{about}: {where}", got="something else", expected=first["msg"]) from error
        found[name] = wanted
    return found


def _rules(text: str) -> list[Mapping[str, Any]]:
    """The objects of the text; raises `Invalid` for what is no list of them, and for anchors, which may grow."""
    import yaml

    expected = "YAML: a list of rules, each with a name and a condition"
    if len(text) > _LONGEST:
        raise Invalid(what="text", got=f"{len(text):,} characters", expected=f"at most {_LONGEST:,}")
    try:
        depth = 0
        for each in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(each, yaml.AliasEvent):
                raise Invalid(what="text", got="an alias (*)", expected="each rule written out")
            depth += isinstance(each, yaml.CollectionStartEvent) - isinstance(each, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise Invalid(what="text", got="lists within lists within lists", expected=expected)
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())[:300]
        raise Invalid(what="text", got="something else", expected=expected, remedy=f"{said}.") from error
    rules = [found] if isinstance(found, Mapping) else found
    if not isinstance(rules, list) or not all(isinstance(each, Mapping) for each in rules):
        raise Invalid(what="text", got=type(found).__name__, expected=expected)
    if len(rules) > _MOST:
        raise Invalid(what="text", got=f"{len(rules)} rules", expected=f"at most {_MOST}")
    return [{str(key): value for key, value in each.items()} for each in rules]


def _text(
    request: Request, call: Call, model: str, text: str, *, trouble: str = "", trials: Sequence[Any] | None = None
) -> Response:
    found = registered.show_model(call, model)
    facts = {"model": model, "text": text, "trouble": trouble, "trials": trials}
    heading = Heading("Rules as YAML", "alerts", (ALERTS, RULES, (found.name, f"/console/models/{model}")))
    return page(request, call, "rules-yaml.html", heading, facts, path=f"/console/models/{model}/rules-as-yaml")
