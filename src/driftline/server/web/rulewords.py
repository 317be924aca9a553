"""What a rule says, as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Condition = Mapping[str, Any]


def sentence(condition: Condition) -> str:
    """What must not be, in words; conditions of kinds that have none of their own say their members.

    >>> sentence({"kind": "threshold", "measure": "accuracy", "subject": "*", "above": None, "below": 0.9})
    'accuracy below 0.9'
    >>> sentence({"kind": "absence", "of": "labels", "hours": 48})
    'no labels for 48 hours'
    >>> sentence({"kind": "anomaly", "measure": "rows", "least": 4, "season": None})
    'anomaly: measure rows, least 4'
    """
    kind = str(condition["kind"])
    if kind in _SAID:
        return _SAID[kind](condition)
    told = [f"{name.replace('_', ' ')} {value}" for name, value in condition.items() if _tells(name, value)]
    return f"{kind.replace('_', ' ')}: {', '.join(told)}" if told else kind.replace("_", " ")


def windows(count: int, last: int) -> str:
    """How many windows make it fire.

    >>> windows(1, 1), windows(2, 3)
    ('at once', 'in 2 of the last 3 windows')
    """
    return "at once" if last == 1 else f"in {count} of the last {last} windows"


def _tells(name: str, value: Any) -> bool:
    return name != "kind" and value not in (None, False, "", "*")


def _measured(condition: Condition) -> str:
    subject = condition.get("subject", "*")
    return str(condition["measure"]) + ("" if subject == "*" else f" of {subject}")


def _threshold(condition: Condition) -> str:
    bounds = [f"{side} {condition[side]:g}" for side in ("above", "below") if condition.get(side) is not None]
    return f"{_measured(condition)} {' or '.join(bounds)}"


def _change(condition: Condition) -> str:
    moved = [
        f"{verb} by more than {_amount(condition[side], condition)}"
        for side, verb in (("rise", "rises"), ("fall", "falls"))
        if condition.get(side) is not None
    ]
    before = condition.get("windows", 1)
    against = "the window before" if before == 1 else f"the mean of the {before} windows before"
    if condition.get("to"):
        against = f"what {condition['to']} says of the same window"
    return f"{_measured(condition)} {' or '.join(moved)} against {against}"


def _amount(value: float, condition: Condition) -> str:
    return f"{100 * value:g} %" if condition.get("relative") else f"{value:g}"


def _violations(condition: Condition) -> str:
    least, check = condition.get("least", 1), condition.get("check", "*")
    told = "a run with violations" if least == 1 else f"a run with {least:,} violations or more"
    told += "" if check == "*" else f" of {check}"
    return told + (", or one that failed" if condition.get("failed") else "")


def _absence(condition: Condition) -> str:
    of, hours = condition["of"], f"{condition['hours']:g} {'hour' if condition['hours'] == 1 else 'hours'}"
    known = {
        "imports": f"imports that fail for {hours}",
        "schedule": f"a schedule that is stopped for {hours}",
        "version": f"no new version for {hours}",
    }
    return known.get(str(of), f"no {of} for {hours}")


_SAID: dict[str, Callable[[Condition], str]] = {
    "threshold": _threshold,
    "change": _change,
    "violations": _violations,
    "absence": _absence,
}
