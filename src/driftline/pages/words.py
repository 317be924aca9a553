"""What a page says in sentences: why a violation fired, and how a column moved."""

from __future__ import annotations

import re
from math import isfinite, isnan, nan

from driftline.monitors.verdict import Violation
from driftline.pages.content import DRIFT, Pair
from driftline.pages.shapes import Shape, moment
from driftline.pages.tables import short
from driftline.pages.terminal import number, percent
from driftline.profile import Column
from driftline.schema import Form

NAME, HINT = 60, 400
"""Names are shown with so many characters, and with so many on pointing."""

SMALL_STEP = 0.05
"""Means that moved by fewer standard deviations are not worth a sentence."""

_CHECKS = {
    "data_type_check": "Type of values",
    "completeness_check": "Missing values",
    "categorical_values_check": "Unknown values",
    "baseline_drift_check": "Distribution moved",
    "non_negative_check": "Negative values",
    "missing_column_check": "Missing columns",
    "extra_column_check": "Extra columns",
    "LessThanThreshold": "Below its limit",
    "GreaterThanThreshold": "Above its limit",
    "bias_drift_check": "Bias grew",
    "feature_attribution_drift_check": "Order of features",
}
_TITLED = re.compile(r"\(([^()]+)\)")
"""The title of the distance that a drift violation is about begins it; SageMaker's own has none."""
_NAMED = re.compile(r"\((missing|extra): (.*)\)$", re.DOTALL)
"""Where a violation names the columns that it is about."""

_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that change the direction of text, and may be left open."""

SHARES = ("completeness", "data_type_match", "domain_match")
"""Measures that are shares of rows or values."""

_TITLES = {
    DRIFT: "Distance",
    "linf": "L∞",
    "ks": "KS",
    "psi": "PSI",
    "wasserstein": "Wasserstein",
    "wasserstein_normed": "Wasserstein / σ",
    "jensen_shannon": "Jensen–Shannon",
    "kullback_leibler": "Kullback–Leibler",
    "hellinger": "Hellinger",
}


def name_of(text: str) -> str:
    """A column's name in one line of at most `NAME` characters; a blank one is said to be so.

    >>> name_of("age"), name_of(" ")
    ('age', '(blank name)')
    """
    return short(text, NAME) or "(blank name)"


def isolated(text: str) -> str:
    """A text from the data inside a sentence: whatever its direction, it does not turn what stands around it.

    >>> ascii(isolated("ab\\u202ecd"))
    "'\\\\u2068abcd\\\\u2069'"
    """
    return f"\u2068{_TURNS.sub('', text)}\u2069"


def quoted(value: str, width: int) -> str:
    """A value in quotation marks, cut to `width` characters."""
    return f"“{isolated(short(value, width) or '(empty)')}”"


def brief(value: float) -> str:
    """A number in at most a dozen characters.

    >>> brief(123456789012.0), brief(1234.5)
    ('1.235e+11', '1,234.5')
    """
    return f"{value:.4g}" if isfinite(value) and abs(value) >= 1e9 else number(value)


def hint(text: str) -> str:
    """A longer form of a text, for pointing at it."""
    return short(text, HINT)


def check_title(check: str) -> str:
    """SageMaker's check in plain words.

    >>> check_title("completeness_check"), check_title("odd_check")
    ('Missing values', 'Odd')
    """
    return _CHECKS.get(check) or check.removesuffix("_check").replace("_", " ").capitalize()


def measure_title(name: str) -> str:
    """A measure in a heading."""
    return _TITLES.get(name) or name.replace("_", " ").capitalize()


def amount(violation: Violation, value: float) -> str:
    """A value or limit of a violation, a percentage where it is a share."""
    shares = ("data_type_check", "completeness_check", "categorical_values_check")
    return percent(value) if violation.check in shares else number(value)


def why(violation: Violation) -> str:
    """One sentence that answers: why did this fire?"""
    value, limit = amount(violation, violation.value), amount(violation, violation.limit)
    match violation.check:
        case "completeness_check":
            return f"{value} of the rows have a value; at least {limit} are expected."
        case "data_type_check":
            return f"{value} of the values are of the expected type; at least {limit} must be."
        case "categorical_values_check":
            return f"{value} of the values are among those the baseline had; at least {limit} must be."
        case "non_negative_check":
            return f"The lowest value is {value}; the baseline had none below {limit}."
        case "missing_column_check" | "extra_column_check":
            named = _NAMED.search(violation.said)
            who = f" {named[1].capitalize()}: {isolated(hint(named[2]))}." if named else ""
            return f"{value} columns now, {limit} in the baseline.{who}"
        case "baseline_drift_check":
            return _why_drift(violation, value, limit)
    return f"{value} was measured, the limit is {limit}."


def _why_drift(violation: Violation, value: str, limit: str) -> str:
    if "p-value" in violation.said:
        return f"The chi-squared test gives a p-value of {value}; below {limit} the distributions count as different."
    titled = _TITLED.match(violation.said)
    what = titled[1] if titled else "distance from the baseline"
    times = violation.value / violation.limit if violation.limit > 0 else nan
    if times >= 1.05:
        return f"The {what} is {value}, {times:.3g} times the {limit} that is accepted."
    return f"The {what} is {value}; up to {limit} is accepted."


def centre(column: Column | None) -> str:
    """What is typical of a column: mean, most frequent value, span of time, dimensions."""
    if column is None or not column.present:
        return "–"
    if column.form is Form.TIME:
        return moment(column.moments.mean)
    if column.form is Form.VECTOR:
        return f"norm {number(column.vector.norms.mean)}"
    if column.is_numeric:
        return brief(column.moments.mean)
    counts = column.frequent.counts
    name = next(iter(counts), None)
    if name is None or (counts[name] == 1 and column.present > 20):
        return "all different"
    return f"{isolated(short(name, 16) or '(empty)')} ({percent(counts[name] / max(column.present, counts[name]))})"


def story(pair: Pair, shape: Shape) -> list[str]:
    """How a column moved, in a few short sentences."""
    if pair.failure:
        return [f"It could not be analysed: {hint(pair.failure)}."]
    if pair.now is None:
        return ["The current data lacks this column."]
    if pair.before is None:
        return []
    said = [_missing(pair.before, pair.now), _mean(pair.before, pair.now)]
    said += [] if shape.is_histogram else [_category(shape), _unknown(pair.before, pair.now)]
    found = pair.distance
    said += [f"No distance: {hint(found.reason)}."] if found is not None and isnan(found.value) and found.reason else []
    return [each for each in said if each]


def _missing(before: Column, now: Column) -> str:
    old, new = 1 - before.completeness, 1 - now.completeness
    if isnan(old) or isnan(new) or abs(new - old) < 0.005:
        return ""
    return f"Missing values went from {percent(old)} to {percent(new)}."


def _mean(before: Column, now: Column) -> str:
    if not (before.is_numeric and now.is_numeric):
        return ""
    old, new, spread = before.moments.mean, now.moments.mean, before.moments.std_dev
    if not (isfinite(old) and isfinite(new)) or number(old) == number(new):
        return ""
    steps = abs(new - old) / spread if spread > 0 and isfinite(spread) else nan
    if steps < SMALL_STEP:
        return ""
    told = f"{steps:.2g}"
    by = "" if isnan(steps) else f", {told} standard deviation" + ("" if told == "1" else "s")
    return f"The mean {'rose' if new > old else 'fell'} from {brief(old)} to {brief(new)}{by}."


def _category(shape: Shape) -> str:
    if not shape.baseline or not shape.current:
        return ""
    moves = {place: shape.current[place] - old for place, old in enumerate(shape.baseline) if old > 0}
    if shape.pooled:
        moves.pop(len(shape.labels) - 1, None)
    most = max(moves, key=lambda place: abs(moves[place]), default=None)
    if most is None or abs(moves[most]) < 0.01:
        return ""
    verb = "rose" if moves[most] > 0 else "fell"
    old, new = shape.baseline[most], shape.current[most]
    return f"The share of {quoted(shape.labels[most], 40)} {verb} from {percent(old)} to {percent(new)}."


def _unknown(before: Column, now: Column) -> str:
    """Values that the baseline never had, which is only known where its counts are complete."""
    if before.is_numeric or not before.frequent.exact or not before.present or not now.present:
        return ""
    known, counts = before.frequent.counts, now.frequent.counts
    fresh = {name: count for name, count in counts.items() if name not in known}
    if not fresh:
        return ""
    share = percent(min(1.0, sum(fresh.values()) / now.present))
    named = ", ".join(quoted(name, 20) for name in list(fresh)[:3])
    some = f"{len(fresh):,} values are" if len(fresh) > 1 else "1 value is"
    return f"{some} new ({share} of the values): {named}{', …' if len(fresh) > 3 else ''}."
