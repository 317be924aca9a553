"""`constraint_violations.json`: what broke a constraint, in SageMaker's words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import nan
from typing import Any

from driftline.documents.members import listed, text
from driftline.monitors.verdict import Violation

FILE = "constraint_violations.json"
"""The name that is written."""

OTHER_FILES = ("constraints_violations.json", "violations.json")
"""Names that documents and custom containers use; they are read too."""

_NUMBER = r"(-?[0-9]+(?:\.[0-9]+)?(?:E-?[0-9]+)?|NaN|-?Infinity)"
_WORDINGS = (
    re.compile(rf"(?i)distance: {_NUMBER} exceeds (?:numerical |categorical )?threshold: {_NUMBER}"),
    re.compile(rf"Expected match: (?P<limit>{_NUMBER})%.*Only (?P<value>{_NUMBER})%"),
    re.compile(rf"Expected: (?P<limit>{_NUMBER})%\. Observed: Only (?P<value>{_NUMBER})%"),
    re.compile(rf"Value: {_NUMBER} does not meet"),
)


def write(violations: Iterable[Violation]) -> dict[str, Any]:
    """The document; it has no version."""
    return {
        "violations": [
            {"feature_name": each.subject, "constraint_check_type": each.check, "description": each.said}
            for each in violations
        ]
    }


def read(document: Any) -> tuple[Violation, ...]:
    """The violations of a document of any container's age; value and limit are taken from the words, NaN if not told.

    >>> old = {"feature_name": "age", "constraint_check_type": "baseline_drift_check",
    ...        "description": "Numerical distance: 0.4 exceeds numerical threshold: 0"}
    >>> read({"violations": [old]})[0].value
    0.4
    """
    found = []
    for place, each in enumerate(listed(document, "violations", FILE)):
        where = f"{FILE} violations[{place}]"
        said = text(each, "description", where, default="")
        subject = text(each, "feature_name", where, default=each.get("metric_name", ""))
        found.append(Violation(subject, text(each, "constraint_check_type", where), *_figures(said), said))
    return tuple(found)


def _figures(said: str) -> tuple[float, float]:
    for wording in _WORDINGS:
        match = wording.search(said)
        if match is None:
            continue
        named = match.groupdict()
        if named:
            return float(named["value"]) / 100, float(named["limit"]) / 100
        groups = [float(group) for group in match.groups()]
        return groups[0], groups[1] if len(groups) > 1 else nan
    return nan, nan
