"""What a message says: the worst first, what moved and since when, what to do, and a link to the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from driftline.alerting.rule import SCHEDULES, Rule, Severity
from driftline.catalog.alerting import State
from driftline.settings import Settings

LINES = 10
"""So many things are named in a message, the worst first; of the rest it is said how many there are."""
ADVICE = "Much has moved at once: look at what the data come from first, then consider retraining."

_WHOLE = ("model", "alert")
"""Subjects that say no more than the model, or schedule, itself."""


@dataclass(frozen=True)
class Told:
    """A message to be: of these states, what has become of them, and which channels hear of it (None: all)."""

    state: str
    cause: str
    states: Sequence[State]
    channels: tuple[str, ...] | None
    still: int = 0


def body(model: str, told: Told, rules: Mapping[str, Rule], settings: Settings) -> dict[str, Any]:
    """The members of a message on states of a model, or of schedules."""
    severity = severity_of(told, rules)
    order = sorted(told.states, key=lambda each: (-rules[each.rule].severity.rank, -(each.body.get("score") or 0.0)))
    worst = order[0]
    run = worst.body.get("run")
    used = [rules[name] for name in dict.fromkeys(each.rule for each in order)]
    text = [each.text for each in used if each.text]
    owners = list(dict.fromkeys(each.owner for each in used if each.owner))
    text += [f"Owner: {', '.join(owners)}"] if owners else []
    text += [ADVICE] if told.state != "resolved" and sum(map(_weight, order)) > LINES else []
    return {
        "severity": str(severity),
        "title": _title(model, told, order),
        "text": "\n".join(text),
        "cause": told.cause,
        "link": f"{root(settings)}/console/{_page(model, worst)}",
        "lines": list(_lines(told, order)),
        "monitor": worst.cause if run else "",
        "endpoint": worst.body.get("endpoint", ""),
        "report": worst.body.get("report", ""),
    }


def severity_of(told: Told, rules: Mapping[str, Rule]) -> Severity:
    """The worst of those of its rules."""
    return max((rules[each.rule].severity for each in told.states), key=lambda each: each.rank)


def root(settings: Settings) -> str:
    """Where people reach the server."""
    return settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"


def _title(model: str, told: Told, order: Sequence[State]) -> str:
    worst = order[0]
    whose = model or (worst.cause if worst.body.get("run") else "Schedules")
    more = f" and {len(order) - 1} more" if len(order) > 1 else ""
    if told.state == "resolved":
        about = worst.body["about"] if worst.body.get("run") else worst.cause
        said = f"is over, {worst.body['said']}" if worst.body.get("closed") else "is back to normal"
        return f"{whose}: {about} {said}{more}"
    return f"{whose}: {_said(worst, ' ')}{more}"


def _said(found: State, between: str) -> str:
    """What a state is about, if its words do not say it, and those."""
    about, said = found.body["about"], found.body["said"]
    needless = about in _WHOLE or not found.body.get("run") or said.startswith(f"{about} ")
    return str(said) if needless else f"{about}{between}{said}"


def _weight(found: State) -> int:
    """How many things have moved: the violations of a run, or this one."""
    return max(1, int(found.body.get("value") or 0)) if found.body.get("worst") else 1


def _lines(told: Told, order: Sequence[State]) -> Iterator[str]:
    """At most so many, the worst first, each run followed by its worst violations; then what is left out."""
    left = LINES
    for place, each in enumerate(order):
        if not left:
            yield f"and {len(order) - place} more"
            break
        fires = f", fires since {each.since:%Y-%m-%d %H:%M} UTC" if told.state == "escalated" else ""
        yield f"{_said(each, ': ')}{_window(each)}{fires}"
        shown = each.body.get("worst", ())[: left - 1] if told.state != "resolved" else ()
        yield from shown
        left -= 1 + len(shown)
        hidden = _weight(each) - len(shown)
        if shown and hidden > 0:
            yield f"and {hidden} more violations"
    if told.still:
        yield f"{told.still} of the same cause fired before and still do"


def _window(found: State) -> str:
    end = found.body.get("window_end")
    return f" (window until {datetime.fromisoformat(end):%Y-%m-%d %H:%M} UTC)" if end else ""


def _page(model: str, found: State) -> str:
    run = found.body.get("run")
    if model == SCHEDULES:
        name = quote(str(found.body["about"]), safe="")
        return f"executions/{run}" if run else f"schedules/{name}"
    return f"runs/{run}" if run else f"models/{quote(model, safe='')}"
