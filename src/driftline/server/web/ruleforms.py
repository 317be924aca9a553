"""The form of a rule: entries for each kind of condition, as requests describe them, and what was typed as a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from driftline.alerting.rule import Rule
from driftline.errors import Invalid
from driftline.server.rest.alerted import OfMonitors, OfSchedules, RuleParts, RuleWanted, ScheduleRuleWanted
from driftline.server.web.fields import Field, errors_of, fields_of, filled, offered, read, typed

CONDITION = "condition"

_NAME = Field("name", "Name", "Letters and digits, with - in between: drift-of-prices.", required=True)
_AT = {"escalation": "escalate_hours", "rule": "name"}
"""What errors of rules are about -> the entry where they are shown."""
_CHANNELS = "Who is told. Only these, and none of them ticked: nobody is, it is shown here."


@dataclass(frozen=True)
class Scheme:
    """What requests may say of rules: of those of models, or of those of schedules."""

    wanted: type[RuleParts]

    @cached_property
    def kinds(self) -> dict[str, type[BaseModel]]:
        """What they may say of a condition, by its kind."""
        known = get_args(self.wanted.model_fields[CONDITION].annotation)
        return {get_args(each.model_fields["kind"].annotation)[0]: each for each in known}


MODELS, SCHEDULES = Scheme(RuleWanted), Scheme(ScheduleRuleWanted)


@dataclass(frozen=True)
class Known:
    """What a rule can name."""

    monitors: Sequence[str] = ()
    versions: Sequence[str] = ()
    channels: Sequence[str] = ()
    measures: Sequence[str] = ()
    subjects: Sequence[str] = ()
    schedules: Sequence[str] = ()
    endpoints: Sequence[str] = ()


@dataclass(frozen=True)
class Draft:
    """A form as it stands: its entries, what is wrong with all of it, and, if nothing is, the rule that it says."""

    scheme: Scheme
    kind: str
    fields: Sequence[Field]
    trouble: str = ""
    name: str = ""
    wanted: RuleParts | None = None
    groups: Sequence[tuple[str, Sequence[Field]]] = field(init=False)

    def __post_init__(self) -> None:
        """Put the entries under headings."""
        whose = {*OfMonitors.model_fields, *OfSchedules.model_fields}
        groups = (
            ("What must not be", [each for each in self.fields if _of_condition(each)]),
            ("Whose runs", [each for each in self.fields if each.name in whose]),
            (
                "When it fires, and who is told",
                [each for each in self.fields if not _of_condition(each) and each.name not in whose],
            ),
        )
        object.__setattr__(self, "groups", [(title, found) for title, found in groups if found])


def empty(scheme: Scheme, kind: str, known: Known) -> Draft:
    """The form of a new rule; raises `Invalid` for a kind that there is not."""
    return Draft(scheme, kind, _entries(scheme, kind, known))


def of_rule(scheme: Scheme, name: str, asked: Mapping[str, Any], known: Known, kind: str | None = None) -> Draft:
    """The form of a rule that there is; of another kind of condition, what both kinds have stays."""
    kind = kind or asked[CONDITION]["kind"]
    return Draft(scheme, kind, filled(_entries(scheme, kind, known), {**asked, "name": name}), name=name)


def drafted(scheme: Scheme, model: str, kind: str, values: Mapping[str, str], known: Known) -> Draft:
    """What a form says, with what is wrong at its entries; the rule is of a model, or, without one, of schedules."""
    entries = _entries(scheme, kind, known)
    document = read(entries, values)
    name = document.pop("name", "")
    errors = {} if name else {"name": "Please fill this in."}
    wanted: RuleParts | None = None
    try:
        found = scheme.wanted.model_validate({**document, CONDITION: {**document.get(CONDITION, {}), "kind": kind}})
        Rule(model, name or "unnamed", **found.model_dump(mode="json"))
        wanted = None if errors else found
    except ValidationError as error:
        errors |= errors_of(error, _place)
    except Invalid as error:
        errors[_at(error, kind, entries)] = str(error)
    trouble = "; ".join(said for at, said in errors.items() if at not in {each.name for each in entries})
    return Draft(scheme, kind, typed(entries, values, errors), trouble, name, wanted)


def refused(draft: Draft, name: str, why: str) -> Draft:
    """The form with one more thing that is wrong."""
    fields = [replace(each, error=why) if each.name == name else each for each in draft.fields]
    return Draft(draft.scheme, draft.kind, fields, draft.trouble, draft.name)


def _entries(scheme: Scheme, kind: str, known: Known) -> list[Field]:
    """The entries of a rule with a condition of this kind; raises `Invalid` for a kind that there is not."""
    if kind not in scheme.kinds:
        raise Invalid(what="kind", got=kind, expected=f"one of {', '.join(scheme.kinds)}")
    found = [_NAME, *fields_of(scheme.kinds[kind], f"{CONDITION}."), *fields_of(scheme.wanted, without=(CONDITION,))]
    channels: dict[str, Any] = {"kind": "choices", "choices": tuple(known.channels)}
    more: dict[str, Mapping[str, Any]] = {
        f"{CONDITION}.measure": {"known": tuple(known.measures)},
        f"{CONDITION}.subject": {"known": ("*", *known.subjects)},
        f"{CONDITION}.to": {"kind": "choice", "choices": tuple(known.monitors)},
        "monitor": {"kind": "choice", "choices": tuple(known.monitors)},
        "version": {"kind": "choice", "choices": tuple(known.versions)},
        "where": {"meaning": 'Only monitors of this segment: {"country": "DE"}.'},
        "schedule": {"known": tuple(known.schedules)},
        "endpoint": {"known": tuple(known.endpoints)},
        "channels": {**channels, "meaning": _CHANNELS},
        "escalate_to": channels,
    }
    return offered(found, **more)


def _of_condition(each: Field) -> bool:
    return each.name == "name" or each.name.startswith(f"{CONDITION}.")


def _place(loc: Sequence[str]) -> str:
    """The entry of a place in the JSON; those of a condition have its kind in between."""
    return f"{CONDITION}.{loc[2]}" if loc[0] == CONDITION and len(loc) > 2 else loc[0]


def _at(error: Invalid, kind: str, entries: Sequence[Field]) -> str:
    """The entry that an error of the rule is about, or none; where the whole condition is wrong, that of a bound."""
    what = str(error.facts["what"])
    if what == "windows" and not isinstance(error.facts["got"], int):  # so many of how many, not those of a condition
        return "count"
    if what == kind:
        bounds = [each.name for each in entries if each.kind == "number" and each.name.startswith(f"{CONDITION}.")]
        return bounds[0] if bounds else ""
    names = {each.name for each in entries}
    return next((each for each in (_AT.get(what, ""), f"{CONDITION}.{what}", what) if each in names), "")
