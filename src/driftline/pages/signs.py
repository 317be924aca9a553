"""What the sign of a bias metric says, in words: about "the group", which is the sensitive one, and "the others"."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

from driftline.monitors.disparities import NEUTRAL

EVEN = 1e-12
"""What is no farther from neutral counts as neutral."""


@dataclass(frozen=True)
class Sign:
    """What a metric is about, and what values above and below neutral say."""

    about: str
    above: str
    below: str = ""


_APART = "The labels of the group and of the others are distributed differently."

SIGNS: dict[str, Sign] = {
    "CI": Sign(
        "How many rows each side has",
        "The group has fewer rows than the others.",
        "The group has more rows than the others.",
    ),
    "DPL": Sign(
        "How often labels are positive",
        "The others have more positive labels for their number.",
        "The group has more positive labels for its number.",
    ),
    "CDDL": Sign(
        "Labels among like rows",
        "Among like rows, the group has more of the negative labels than of the positive ones.",
        "Among like rows, the group has fewer of the negative labels than of the positive ones.",
    ),
    "JS": Sign("Distribution of labels", _APART),
    "KL": Sign("Distribution of labels", _APART, _APART),
    "KS": Sign("Distribution of labels", _APART),
    "LP": Sign("Distribution of labels", _APART),
    "TVD": Sign("Distribution of labels", _APART),
    "DPPL": Sign(
        "How often predictions are positive",
        "The others are predicted positive more often.",
        "The group is predicted positive more often.",
    ),
    "DI": Sign(
        "How often predictions are positive, as a ratio",
        "The group is predicted positive more often.",
        "The group is predicted positive less often.",
    ),
    "CDDPL": Sign(
        "Predictions among like rows",
        "Among like rows, the group has more of the negative predictions than of the positive ones.",
        "Among like rows, the group has fewer of the negative predictions than of the positive ones.",
    ),
    "AD": Sign(
        "How often the model is right",
        "The model is right more often about the others.",
        "The model is right more often about the group.",
    ),
    "RD": Sign(
        "How many positive rows are found",
        "The model finds more of the others' positive rows.",
        "The model finds more of the group's positive rows.",
    ),
    "SD": Sign(
        "How many negative rows are found",
        "The model takes more of the others' negative rows for positive.",
        "The model takes more of the group's negative rows for positive.",
    ),
    "DAR": Sign(
        "How far positive predictions can be trusted",
        "Positive predictions are wrong more often about the group.",
        "Positive predictions are wrong more often about the others.",
    ),
    "DRR": Sign(
        "How far negative predictions can be trusted",
        "Negative predictions are wrong more often about the others.",
        "Negative predictions are wrong more often about the group.",
    ),
    "DCA": Sign(
        "Positive labels to positive predictions",
        "The others are predicted positive less often than their labels ask for, as compared with the group.",
        "The group is predicted positive less often than its labels ask for, as compared with the others.",
    ),
    "DCR": Sign(
        "Negative labels to negative predictions",
        "The others are predicted negative more often than their labels ask for, as compared with the group.",
        "The group is predicted negative more often than its labels ask for, as compared with the others.",
    ),
    "TE": Sign(
        "Which errors are made",
        "Of the errors, wrong negatives weigh more about the group.",
        "Of the errors, wrong negatives weigh more about the others.",
    ),
    "FT": Sign(
        "Rows of the group against the nearest others",
        "The model favours the group over like rows of the others.",
        "The model puts the group at a disadvantage to like rows of the others.",
    ),
    "GE": Sign("Equal treatment of all rows", "Rows are treated unequally, whatever their group."),
    "DPPL-DPL": Sign(
        "What the model adds to the labels",
        "Predictions favour the others more than the labels do.",
        "Predictions favour the group more than the labels do.",
    ),
    "CDDPL-CDDL": Sign(
        "What the model adds to the labels, among like rows",
        "Among like rows, predictions are harder on the group than the labels are.",
        "Among like rows, predictions are kinder to the group than the labels are.",
    ),
}


def said_of(name: str, value: float) -> str:
    """What a value says; empty where it is undefined or the metric is unknown.

    >>> said_of("DPPL", 0.2), said_of("DI", 0.8), said_of("DI", 1.0)
    ('The others are predicted positive more often.', 'The group is predicted positive less often.', 'No difference.')
    """
    sign = SIGNS.get(name)
    if sign is None or isnan(value):
        return ""
    apart = value - NEUTRAL.get(name, 0.0)
    if abs(apart) <= EVEN:
        return "No difference."
    return sign.above if apart > 0 else sign.below or sign.above
