"""How much each feature moved the answers, over all rows: sums of local attributions by label and feature."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from driftline.errors import SchemaMismatch
from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.columns import Floats, Ints
from driftline.profile.outcomes import column_of, numbers_of

PATTERN = "{label}/{feature}"
"""How columns of local attributions are called that Driftline computes itself."""

LABEL = "label0"
"""What the only output is called where it has no name, as SageMaker does."""

_NO_INTS: Ints = np.empty(0, dtype=np.int64)
_NO_FLOATS: Floats = np.empty(0)


def local_name(label: str, feature: str, pattern: str = PATTERN) -> str:
    """The column with the attributions of a feature to a label.

    >>> local_name("label0", "age"), local_name("label0", "age", "{feature}_shap")
    ('label0/age', 'age_shap')
    """
    return pattern.replace("{label}", label).replace("{feature}", feature)


def expected_name(label: str) -> str:
    """The column with what is expected of a row of which nothing is known, the same in every row."""
    return f"{label}/(expected value)"


def prediction_name(label: str) -> str:
    """The column with the answer that was explained: the expected value plus the attributions of all features."""
    return f"{label}/(prediction)"


def pattern_of(told: str) -> str:
    """The pattern that a user means: one with `{feature}` as it is, any other text as what columns begin with.

    >>> pattern_of("shap_values."), pattern_of("shap_values"), pattern_of("{feature}_shap")
    ('shap_values.{feature}', 'shap_values.{feature}', '{feature}_shap')
    """
    if "{feature}" in told:
        return told
    return f"{told}{{feature}}" if told[-1:] in tuple("._/-: ") else f"{told}.{{feature}}"


def logged_features(pattern: str, names: Sequence[str], label: str = LABEL) -> tuple[str, ...]:
    """The features whose attributions to a label are among the columns, in their order.

    Raises `SchemaMismatch` if there is none.

    >>> logged_features("shap_values.{feature}", ["age", "shap_values.age", "shap_values.income"])
    ('age', 'income')
    """
    marked = re.escape(pattern).replace(re.escape("{label}"), re.escape(label))
    wanted = re.compile(marked.replace(re.escape("{feature}"), "(?P<feature>.+)", 1), re.DOTALL)
    own = {expected_name(label), prediction_name(label)}
    found = tuple(match["feature"] for name in names if name not in own and (match := wanted.fullmatch(name)))
    if not found:
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        raise SchemaMismatch(column=pattern, reason=f"no column is called so; there are {shown}")
    return found


@dataclass(frozen=True)
class AttributionState:
    """Sums over rows; parallel arrays with all features of the first label, then all of the next.

    `counts` are rows with a finite attribution, of which `sums`, `absolute` and `squares` are the sums of the values,
    of their sizes and of their squares. `expected_counts` and `expected_sums` are of the expected value of each label.
    """

    counts: Ints = field(default_factory=lambda: _NO_INTS)
    sums: Floats = field(default_factory=lambda: _NO_FLOATS)
    absolute: Floats = field(default_factory=lambda: _NO_FLOATS)
    squares: Floats = field(default_factory=lambda: _NO_FLOATS)
    expected_counts: Ints = field(default_factory=lambda: _NO_INTS)
    expected_sums: Floats = field(default_factory=lambda: _NO_FLOATS)

    def merge(self, other: AttributionState) -> AttributionState:
        """Both sets of rows."""
        return AttributionState(
            self.counts + other.counts,
            self.sums + other.sums,
            self.absolute + other.absolute,
            self.squares + other.squares,
            self.expected_counts + other.expected_counts,
            self.expected_sums + other.expected_sums,
        )


@dataclass(frozen=True)
class Attribution(JointAnalyzer[AttributionState]):
    """How much `features` moved each of `labels`; `pattern` says how the columns are called (`local_name`).

    Columns of expected values are `expected_name(label)` and may lack, as they do where attributions were logged.
    """

    features: tuple[str, ...]
    labels: tuple[str, ...] = (LABEL,)
    pattern: str = PATTERN

    @property
    def subject(self) -> str:
        """The question in short."""
        return "attributions"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are looked at: all features of the first label, then all of the next."""
        return tuple(local_name(label, feature, self.pattern) for label in self.labels for feature in self.features)

    def start(self) -> AttributionState:
        """Nothing seen."""
        size, labels = len(self.columns), len(self.labels)
        none = np.zeros(size, dtype=np.int64)
        zeros = np.zeros(size)
        return AttributionState(none, zeros, zeros, zeros, np.zeros(labels, dtype=np.int64), np.zeros(labels))

    def observe(self, state: AttributionState, batch: pa.RecordBatch) -> AttributionState:
        """With the rows of the batch; raises `SchemaMismatch` if a column lacks. What is not finite is not counted."""
        values = [_finite(numbers_of(column_of(name, batch))) for name in self.columns]
        known = set(batch.schema.names)
        expected = [
            _finite(numbers_of(batch.column(name))) if name in known else _NO_FLOATS
            for name in map(expected_name, self.labels)
        ]
        found = AttributionState(
            np.array([len(each) for each in values], dtype=np.int64),
            np.array([each.sum() for each in values]),
            np.array([np.abs(each).sum() for each in values]),
            np.array([np.square(each).sum() for each in values]),
            np.array([len(each) for each in expected], dtype=np.int64),
            np.array([each.sum() for each in expected]),
        )
        return state.merge(found)

    def mean(self, state: AttributionState, what: str) -> dict[str, dict[str, float]]:
        """For each label and feature the mean of `what` (sums, absolute or squares); NaN where nothing was seen."""
        totals = getattr(state, what)
        means = np.divide(totals, state.counts, out=np.full(len(totals), np.nan), where=state.counts > 0)
        table = means.reshape(len(self.labels), len(self.features)).tolist()
        return {
            label: dict(zip(self.features, row, strict=True)) for label, row in zip(self.labels, table, strict=True)
        }

    def expected(self, state: AttributionState) -> dict[str, float]:
        """The mean expected value of each label; NaN where it was not told."""
        pairs = zip(self.labels, state.expected_counts.tolist(), state.expected_sums.tolist(), strict=True)
        return {label: total / count if count else float("nan") for label, count, total in pairs}

    def unused(self, state: AttributionState, rows: int) -> dict[str, int]:
        """For each column in which there are any, how many of `rows` rows had no finite attribution."""
        lacking = (rows - state.counts).tolist()
        return {name: count for name, count in zip(self.columns, lacking, strict=True) if count}


def _finite(values: Floats) -> Floats:
    kept = np.isfinite(values)
    return values if kept.all() else values[kept]
