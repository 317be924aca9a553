"""Constraints as fields of a form: what nobody touched is what it was, and what is wrong is told at its field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.documents import constraints as document
from driftline.monitors.constraints import ColumnConstraints, Config, Constraints
from driftline.monitors.quality import LESS, Limit, QualityConstraints
from driftline.server.web import constraintforms as forms

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
RATIOS = st.none() | st.floats(0, 1)
COLUMNS = st.builds(
    ColumnConstraints,
    name=NAMES,
    inferred_type=st.sampled_from(forms.KINDS),
    completeness=RATIOS,
    is_non_negative=st.none() | st.booleans(),
    domains=st.none() | st.lists(st.text(max_size=8), min_size=1, max_size=4, unique=True).map(tuple),
    override=st.none() | st.builds(Config, comparison_threshold=st.none() | st.floats(0, 100)),
)


def sent(constraints: Constraints) -> dict[str, str]:
    """The form as a browser sends it back: lines end with CR and LF."""
    sheet = forms.sheet_of(constraints, constraints.names, {})
    values = {f"config.{name}": text for name, text in sheet.options.items()}
    for row in sheet.rows:
        for member in ("name", "kind", "completeness", "non_negative", "drift", "domains"):
            values[f"{member}.{row.place}"] = getattr(row, member).replace("\n", "\r\n")
    return values


@given(st.lists(COLUMNS, max_size=5, unique_by=lambda each: each.name).map(tuple))
def test_what_nobody_touched_stays_as_it_was(columns: tuple[ColumnConstraints, ...]) -> None:
    constraints = Constraints(columns)
    found, errors = forms.typed(constraints, sent(constraints))
    assert errors == {}
    for before, after in zip(columns, found.columns, strict=True):
        assert {**vars(after), "override": 0} == {**vars(before), "override": 0}
        assert found.effective(after) == constraints.effective(before)


def test_columns_that_the_page_did_not_show_stay() -> None:
    constraints = Constraints((ColumnConstraints("a", "Integral", 1.0), ColumnConstraints("b", "String", 0.9)))
    found, errors = forms.typed(constraints, {"name.1": "b", "completeness.1": "0.5"})
    assert not errors
    assert [each.completeness for each in found.columns] == [1.0, 0.5]


@pytest.mark.parametrize(
    ("field", "text"),
    [("completeness.0", "1.5"), ("completeness.0", "nan"), ("drift.0", "-1"), ("drift.0", "much"), ("kind.0", "Date"),
     ("non_negative.0", "perhaps"), ("config.comparison_method", "Fuzzy"), ("config.datatype_check_threshold", "2")],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_field(field: str, text: str) -> None:
    constraints = Constraints((ColumnConstraints("a", "Integral", 1.0),))
    _, errors = forms.typed(constraints, {**sent(constraints), field: text})
    assert list(errors) == [field]


def test_a_column_of_its_own_limit_loses_it_when_the_field_is_emptied() -> None:
    constraints = Constraints((ColumnConstraints("a", "Integral", override=Config(comparison_threshold=0.3)),))
    found, _ = forms.typed(constraints, {**sent(constraints), "drift.0": ""})
    assert found.columns[0].override is None
    own, _ = forms.typed(found, {**sent(found), "drift.0": "0.5", "domains.0": "x\r\ny\r\nx"})
    assert own.columns[0].override == Config(comparison_threshold=0.5)
    assert own.columns[0].domains == ("x", "y")


def test_limits_of_metrics_and_documents_as_text() -> None:
    limits = QualityConstraints("Regression", (Limit("mae", 0.5, "GreaterThanThreshold"), Limit("r2", 0.8, LESS)))
    found, errors = forms.typed(limits, {"limit.mae": "0.75", "limit.r2": ""})
    assert not errors and found.limits == (Limit("mae", 0.75, "GreaterThanThreshold"),)
    told: Any = {"features": []}
    assert forms.document_of("data-quality", told, {"document": '{"features": [], "version": 1}'})[0]["version"] == 1
    assert list(forms.document_of("data-quality", told, {"document": "{"})[1]) == ["document"]
    assert forms.document_of("data-quality", told, {})[0] == document.write(Constraints())
