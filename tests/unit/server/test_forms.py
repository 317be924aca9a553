"""Forms that are made from what requests may say."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from driftline.channels.channels import CHANNELS
from driftline.server.web.channels import entries
from driftline.server.web.fields import Field, filled, read, typed
from driftline.server.web.ruleforms import MODELS, SCHEDULES, Known, Scheme, drafted, empty, of_rule

KNOWN = Known(["drift"], ["1"], ["ops", "pager"], ["rows"], ["age"])


@pytest.mark.parametrize("scheme", [MODELS, SCHEDULES])
def test_every_kind_of_rule_has_a_form(scheme: Scheme) -> None:
    """With a meaning for each entry; and what a rule says comes back out of its form as it was."""
    for kind in scheme.kinds:
        draft = empty(scheme, kind, KNOWN)
        assert all(each.meaning for each in draft.fields), kind
        assert {each.name for _, some in draft.groups for each in some} == {each.name for each in draft.fields}


def test_a_rule_comes_out_of_its_form_as_it_went_in() -> None:
    """Numbers, choices, lists that mean all, some or none, objects and switches."""
    for channels in (None, ["ops"], []):
        asked = {
            "condition": {"kind": "change", "measure": "rows", "subject": "*", "rise": None, "fall": 0.5,
                          "relative": True, "windows": 7, "to": None},
            "monitor": "drift", "version": None, "where": {"country": "DE"}, "count": 2, "last": 3,
            "severity": "critical", "owner": "ada", "text": "Ask.\nThe shop.", "channels": channels,
            "escalate_hours": 4.0, "escalate_beyond": None, "escalate_to": ["pager"], "enabled": False,
        }  # fmt: skip
        shown = of_rule(MODELS, "fewer", asked, KNOWN)
        told = drafted(MODELS, "churn", "change", sent(shown.fields), KNOWN)
        assert told.wanted is not None, told
        assert told.name == "fewer" and told.wanted.model_dump(mode="json") == asked


def test_what_is_wrong_stands_at_its_entry() -> None:
    """All of it at once, in plain words; what was typed stays."""
    values = {"condition.measure": "", "condition.above": "1,5", "count": "x", "where": "DE", "owner": "ada"}
    draft = drafted(MODELS, "churn", "threshold", values, KNOWN)
    found = {each.name: each for each in draft.fields}
    wrong = {each.name for each in draft.fields if each.error}
    assert wrong == {"name", "condition.measure", "condition.above", "count", "where"} and draft.wanted is None
    assert (
        found["condition.above"].error == "Expected a number, such as 0.2." and found["condition.above"].value == "1,5"
    )
    assert found["owner"].value == "ada" and not draft.trouble
    least = drafted(MODELS, "churn", "threshold", {"name": "x", "condition.measure": "rows"}, KNOWN)
    assert "above or below" in next(each.error for each in least.fields if each.name == "condition.above")


@pytest.mark.parametrize("kind", CHANNELS)
def test_every_kind_of_channel_has_a_form(kind: str) -> None:
    """And what may be a secret does not come back unless it is a reference."""
    for each in entries(kind):
        assert each.meaning and each.label
        if each.kind == "secret":
            assert typed([each], {each.name: "hunter2"}, {})[0].value == ""
            assert typed([each], {each.name: "env:X"}, {})[0].value == "env:X"


def test_what_is_not_said_stands_as_it_holds() -> None:
    """A channel without `seconds` waits for ten; what is null stands empty."""
    config = {"url": "https://x.example", "secret": "env:X"}
    found = {each.name: each.value for each in filled(entries("webhook"), {"name": "x", "config": config})}
    assert found["config.seconds"] == "10" and found["config.url"] == "https://x.example"
    shown = of_rule(MODELS, "x", {"condition": {"kind": "threshold", "above": None}, "owner": ""}, KNOWN)
    assert {each.name: each.value for each in shown.fields}["condition.above"] == ""


def test_times_of_forms_are_utc() -> None:
    """Browsers send them without a zone."""
    until = Field("until", "Until", kind="moment")
    assert read([until], {"until": "2026-11-21T13:00"}) == {"until": "2026-11-21T13:00Z"}
    assert read([until], {"until": ""}) == {}


def sent(fields: Sequence[Field]) -> dict[str, str]:
    """What a browser sends of these entries."""
    found: dict[str, str] = {}
    for each in fields:
        if each.kind == "choices":
            found |= {f"{each.name}:{one}": "on" for one in each.choices if one in each.chosen}
            found |= {each.name: "some" if each.chosen else "all"} if each.may_lack else {}
        elif each.kind != "flag" or each.value:
            found[each.name] = each.value
    return found
