"""Why violations of every kind fired, in one sentence each."""

from __future__ import annotations

from driftline.monitors.bias import CHECK as BIAS
from driftline.monitors.disparities import NEUTRAL
from driftline.monitors.explainability import CHECK as ATTRIBUTIONS
from driftline.monitors.quality import GREATER, LESS
from driftline.monitors.verdict import Violation
from driftline.pages import words
from driftline.pages.terminal import number


def why(violation: Violation) -> str:
    """One sentence that answers: why did this fire?

    >>> why(Violation("auc", "LessThanThreshold", 0.8, 0.9, ""))
    'It is 0.8; below its limit of 0.9 it counts as worse.'
    >>> why(Violation("sex = 0: DI", "bias_drift_check", 0.7, 0.9, ""))
    'It is 0.3 away from 1, where there is no bias; up to 0.1 is accepted.'
    """
    value, limit = number(violation.value), number(violation.limit)
    match violation.check:
        case found if found in (LESS, GREATER):
            side = "below" if found == LESS else "above"
            return f"It is {value}; {side} its limit of {limit} it counts as worse."
        case found if found == BIAS:
            neutral = NEUTRAL.get(violation.subject.rpartition(": ")[2], 0.0)
            now, before = abs(violation.value - neutral), abs(violation.limit - neutral)
            return (
                f"It is {number(now)} away from {number(neutral)}, where there is no bias; up to {number(before)} is "
                "accepted."
            )
        case found if found == ATTRIBUTIONS:
            return (
                f"The nDCG of the features' order is {value}, below {limit}; it is 1 while the features rank as in the "
                "baseline."
            )
    return words.why(violation)
