"""The form of a rule in the console: made, changed, tried on what was before it is kept, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from driftline.server.rest.alerted import RuleDetail, RuleName, TrialResult
from driftline.server.rest.callers import Reading
from driftline.server.rest.registered import ModelId
from driftline.server.web import ruleforms
from driftline.server.web.rulebooks import Book
from driftline.server.web.ruleforms import Draft
from driftline.server.web.rules import ALERTS, RULES, told
from driftline.server.web.shown import Form, Formed, Heading, page
from driftline.server.web.timelines import Timeline, timeline

router = APIRouter(prefix="/console", include_in_schema=False)

_MODEL, _SCHEDULES = "/models/{model}", "/alerts/of-schedules"
_DAYS = ("7", "30", "90")


@dataclass(frozen=True)
class Tried:
    """What came of trying a rule on so many of the last days, `all` for all that was."""

    days: str = "30"
    trial: TrialResult | None = None
    drawn: Timeline | None = None


Kind = Annotated[str | None, Query(max_length=32)]


@router.get(f"{_MODEL}/new-rule")
def ask(request: Request, call: Reading, model: ModelId, kind: Kind = None) -> Response:
    """The form of a new rule of a model."""
    return _ask(request, Book(call, model), kind)


@router.get(f"{_SCHEDULES}/new-rule")
def ask_of_schedules(request: Request, call: Reading, kind: Kind = None) -> Response:
    """The form of a new rule of schedules."""
    return _ask(request, Book(call), kind)


@router.get(f"{_MODEL}/rules/{{name}}")
def show(request: Request, call: Reading, model: ModelId, name: RuleName, kind: Kind = None) -> Response:
    """The form of a rule of a model."""
    return _show(request, Book(call, model), name, kind)


@router.get(f"{_SCHEDULES}/rules/{{name}}")
def show_of_schedules(request: Request, call: Reading, name: RuleName, kind: Kind = None) -> Response:
    """The form of a rule of schedules."""
    return _show(request, Book(call), name, kind)


@router.post(f"{_MODEL}/rules")
def save(request: Request, form: Formed, model: ModelId) -> Response:
    """Keep the rule of a model."""
    return _save(request, form, Book(form.call, model))


@router.post(f"{_SCHEDULES}/rules")
def save_of_schedules(request: Request, form: Formed) -> Response:
    """Keep the rule of schedules."""
    return _save(request, form, Book(form.call))


@router.post(f"{_MODEL}/rule-trials")
def try_out(request: Request, form: Formed, model: ModelId) -> Response:
    """The form again, with when the rule would have fired."""
    return _try(request, form, Book(form.call, model))


@router.post(f"{_SCHEDULES}/rule-trials")
def try_of_schedules(request: Request, form: Formed) -> Response:
    """Likewise, of schedules."""
    return _try(request, form, Book(form.call))


@router.post(f"{_MODEL}/rules/{{name}}/delete")
def delete(form: Formed, model: ModelId, name: RuleName) -> Response:
    """Forget a rule of a model."""
    return _delete(form, Book(form.call, model), name)


@router.post(f"{_SCHEDULES}/rules/{{name}}/delete")
def delete_of_schedules(form: Formed, name: RuleName) -> Response:
    """Forget a rule of schedules."""
    return _delete(form, Book(form.call), name)


def _ask(request: Request, book: Book, kind: str | None) -> Response:
    return _form(request, book, ruleforms.empty(book.scheme, kind or next(iter(book.scheme.kinds)), book.known()))


def _show(request: Request, book: Book, name: str, kind: str | None) -> Response:
    rule = book.show(name)
    draft = ruleforms.of_rule(book.scheme, name, rule.model_dump(mode="json"), book.known(), kind)
    return _form(request, book, draft, rule=rule)


def _save(request: Request, form: Form, book: Book) -> Response:
    """Back to the list; the form again, with what is wrong where it stands."""
    draft = _sent(form, book)
    if draft.wanted is None:
        return _form(request, book, draft, was=form.values.get("was", ""))
    book.put(draft.name, draft.wanted)
    return form.back(book.list)


def _try(request: Request, form: Form, book: Book) -> Response:
    draft, days = _sent(form, book), form.values.get("days", "")
    trial, drawn = None, None
    if draft.wanted is not None:
        since = form.call.now - timedelta(days=int(days)) if days in _DAYS else None
        trial = book.try_out(draft.wanted, since)
        drawn = timeline(trial.flips, since, form.call.now)
    tried = Tried(days, trial, drawn)
    return _form(request, book, draft, was=form.values.get("was", ""), tried=tried)


def _delete(form: Form, book: Book, name: str) -> Response:
    book.delete(name)
    return form.back(book.list)


def _sent(form: Form, book: Book) -> Draft:
    """What the form says; a new rule does not take the place of another."""
    draft = ruleforms.drafted(book.scheme, book.model, form.values.get("kind", ""), form.values, book.known())
    if draft.name in book.names() and draft.name != form.values.get("was", ""):
        return ruleforms.refused(draft, "name", "There is a rule of this name: open that one, or take another.")
    return draft


def _form(
    request: Request, book: Book, draft: Draft, *, rule: RuleDetail | None = None, was: str = "",
    tried: Tried | None = None,
) -> Response:  # fmt: skip
    tried = tried or Tried()
    was = rule.name if rule else was
    facts: dict[str, Any] = {
        "model": book.model,
        "kind": draft.kind,
        "rule": rule if draft.wanted is None else draft.wanted,
        "errors": {each.name: each.error for each in draft.fields if each.error},
        "trouble": draft.trouble,
        "trial": None if tried.trial is None else told(tried.trial),
    }
    meaning = (book.scheme.kinds[draft.kind].__doc__ or "").split("\n")[0]
    drawn = {
        "draft": draft, "was": was, "kinds": _kinds(draft), "meaning": meaning, "days": _DAYS, "chosen": tried.days,
        "timeline": tried.drawn, "path": book.path, "silent": rule.silent if rule else [],
    }  # fmt: skip
    heading = Heading(f"Rule {was}" if was else "New rule", "alerts", (ALERTS, RULES, *book.above))
    return page(request, book.call, "rule.html", heading, facts, **drawn)


def _kinds(draft: Draft) -> Sequence[tuple[str, str]]:
    return [(kind, kind.replace("_", " ").replace("-", " ")) for kind in draft.scheme.kinds]
