"""Constraints: what is expected of each column and how strictly, as SageMaker's `constraints.json` says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from driftline.profile import Column, Profile
from driftline.schema import Form

MOST_CATEGORIES = 120
"""Deequ keeps a histogram for so many distinct values."""

LARGEST_SINGLETON_SHARE = 0.1
"""A domain is suggested while at most this share of the distinct values occurs only once (Deequ's category rule)."""


@dataclass(frozen=True)
class Config:
    """How strictly constraints are checked: `monitoring_config`, with the defaults of SageMaker's generated files.

    A member that is None was not given: in the file's own configuration its default holds, in a column's override the
    file's. Thresholds are ratios in [0, 1] or distances.
    """

    evaluate_constraints: bool | None = None
    emit_metrics: bool | None = None
    datatype_check_threshold: float | None = None
    domain_content_threshold: float | None = None
    perform_comparison: bool | None = None
    comparison_threshold: float | None = None
    comparison_method: str | None = None
    categorical_comparison_threshold: float | None = None
    categorical_drift_method: str | None = None

    def under(self, override: Config) -> Config:
        """This configuration with the override's members in place of its own.

        >>> DEFAULTS.under(Config(comparison_threshold=0.3)).comparison_threshold
        0.3
        """
        given = {each.name: getattr(override, each.name) for each in fields(override)}
        return replace(self, **{name: value for name, value in given.items() if value is not None})


DEFAULTS = Config(
    evaluate_constraints=True,
    emit_metrics=True,
    datatype_check_threshold=1.0,
    domain_content_threshold=1.0,
    perform_comparison=True,
    comparison_threshold=0.1,
    comparison_method="Robust",
)


@dataclass(frozen=True)
class ColumnConstraints:
    """What is expected of one column.

    `completeness` is the least ratio of rows with a value. `is_non_negative` and `domains` are None where nothing is
    expected. `rest` keeps members of the file that we do not know, so that nothing is lost when it is written again.
    """

    name: str
    inferred_type: str
    completeness: float | None = None
    is_non_negative: bool | None = None
    domains: tuple[str, ...] | None = None
    override: Config | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Constraints:
    """What is expected of a data set: its columns in order, and how strictly they are checked."""

    columns: tuple[ColumnConstraints, ...] = ()
    config: Config = DEFAULTS

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in order."""
        return tuple(column.name for column in self.columns)

    def effective(self, column: ColumnConstraints) -> Config:
        """The configuration that holds for a column: defaults, the file's, its own."""
        config = DEFAULTS.under(self.config)
        return config if column.override is None else config.under(column.override)

    @classmethod
    def suggest(cls, profile: Profile, categorical_drift_method: str | None = None) -> Constraints:
        """The constraints that a baseline suggests, by SageMaker's rules (`constraints.json` of a baseline job)."""
        config = replace(DEFAULTS, categorical_drift_method=categorical_drift_method)
        known = [column for column in profile.columns if column.name not in profile.failures]
        return cls(tuple(_suggest(column) for column in known), config)


def _suggest(column: Column) -> ColumnConstraints:
    return ColumnConstraints(
        column.name,
        column.kinds.inferred,
        completeness=column.completeness,
        is_non_negative=bool(column.moments.minimum >= 0) if column.is_numeric else None,
        domains=domain_of(column),
    )


def domain_of(column: Column) -> tuple[str, ...] | None:
    """The values of a categorical column, the most frequent first; None where it is not categorical.

    Deequ's `CategoricalRangeRule`: at most 120 distinct values, of which at most a tenth occur only once.
    """
    counts = column.frequent.counts
    categorical = column.form in (Form.TEXT, Form.BOOLEAN) and column.kinds.inferred == "String"
    if not categorical or not column.frequent.exact or not 0 < len(counts) <= MOST_CATEGORIES:
        return None
    singletons = sum(1 for count in counts.values() if count == 1)
    return tuple(counts) if singletons / len(counts) <= LARGEST_SINGLETON_SHARE else None
