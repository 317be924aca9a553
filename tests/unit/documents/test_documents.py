"""SageMaker's files: member order, printing, reading by hand edited ones, and errors that name the member (FL-01 to
FL-06, FL-11)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from math import inf, isnan, nan
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.documents import constraints, jackson, statistics, violations
from driftline.errors import Invalid
from driftline.monitors import java
from driftline.monitors.constraints import Config, Constraints
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.monitor import Learnt
from driftline.monitors.verdict import Violation
from driftline.profile import Profile

COLUMNS = {
    "age": [18, 40, None, 90] * 25,
    "price": [0.5, -1.0, 2.5, 1e9] * 25,
    "colour": ["red", "red", "blue", None] * 25,
    "flag": [True, False, True, True] * 25,
    "none": pa.nulls(100),
    "at": pa.array(range(100), pa.timestamp("s")),
    "tags": [["a", "b"]] * 100,
}
PROFILE = Profile.of(pa.table(COLUMNS))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def features() -> dict[str, Any]:
    """The written statistics by column, after a way through text."""
    document = json.loads(jackson.dumps(statistics.write(PROFILE)))
    return {each["name"]: each for each in document["features"]}


@given(JSON)
def test_what_is_printed_is_json(value: Any) -> None:
    """Any value comes back equal."""
    assert json.loads(jackson.dumps(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_java_doubles_come_back(value: float) -> None:
    """The digits that Java prints stand for the same double."""
    assert float(java.double(value)) == value
    assert ("E" in java.double(value)) == (value != 0 and not 1e-3 <= abs(value) < 1e7)


def test_nan_and_infinity_are_strings() -> None:
    """FL-11: no reader of JSON stumbles."""
    assert jackson.dumps([nan, -float("inf")]) == '[ "NaN", "-Infinity" ]'
    assert jackson.dumps({"a": nan, "b": [], "c": [1, "é"]}) == '{\n  "a" : "NaN",\n  "b" : [ ],\n  "c" : [ 1, "é" ]\n}'


def test_members_stand_in_sagemakers_order() -> None:
    """FL-01: as its own files have them, numbers that are doubles there printed as doubles."""
    document = statistics.write(PROFILE)
    assert list(document) == ["version", "dataset", "features"]
    assert jackson.dumps(document).startswith('{\n  "version" : 0.0,\n  "dataset" : {\n    "item_count" : 100\n  },')
    numeric = features()["age"]
    assert list(numeric) == ["name", "inferred_type", "numerical_statistics"]
    figures = numeric["numerical_statistics"]
    assert list(figures) == ["common", "mean", "sum", "std_dev", "min", "max", "distribution"]
    assert figures["common"] == {"num_present": 75, "num_missing": 25}
    assert list(figures["distribution"]["kll"]) == ["buckets", "sketch"]
    assert [list(each) for each in figures["distribution"]["kll"]["buckets"]] == [
        ["lower_bound", "upper_bound", "count"]
    ] * 10
    assert all(isinstance(each["count"], float) for each in figures["distribution"]["kll"]["buckets"])
    assert figures["distribution"]["kll"]["sketch"]["parameters"] == {"c": 0.64, "k": 2048.0}


def test_columns_that_are_no_numbers() -> None:
    """Text and booleans with categories, the most frequent first; nulls, times and lists without."""
    found = features()
    assert {name: each["inferred_type"] for name, each in found.items()} == {
        "age": "Integral",
        "price": "Fractional",
        "colour": "String",
        "flag": "String",
        "none": "Unknown",
        "at": "String",
        "tags": "String",
    }
    colour = found["colour"]["string_statistics"]
    assert list(colour) == ["common", "distinct_count", "distribution"]
    assert isinstance(colour["distinct_count"], float)
    assert colour["distribution"]["categorical"]["buckets"] == [
        {"value": "red", "count": 50},
        {"value": "blue", "count": 25},
    ]
    flags = found["flag"]["string_statistics"]["distribution"]["categorical"]["buckets"]
    assert {each["value"]: each["count"] for each in flags} == {"true": 75, "false": 25}
    assert found["none"]["string_statistics"]["common"] == {"num_present": 0, "num_missing": 100}
    for name in ("at", "tags", "none"):
        assert "distribution" not in found[name]["string_statistics"]


@pytest.mark.parametrize(("distinct", "listed"), [(120, True), (121, False)])
def test_categories_are_listed_up_to_120(distinct: int, listed: bool) -> None:
    """Deequ's limit."""
    profile = Profile.of(pa.table({"c": [f"v{place % distinct}" for place in range(1000)]}))
    (feature,) = statistics.write(profile)["features"]
    assert ("distribution" in feature["string_statistics"]) == listed
    assert statistics.read({**statistics.write(profile)}).column("c").frequent.exact == listed


def test_statistics_come_back() -> None:
    """FL-03: moments, sketch, categories and their number; a check against them equals one against the profile."""
    again = statistics.read(json.loads(jackson.dumps(statistics.write(PROFILE))))
    assert (again.rows, again.names) == (PROFILE.rows, PROFILE.names)
    for name in ("age", "price"):
        assert again.column(name).moments.sum == PROFILE.column(name).moments.sum
        assert again.column(name).sketch.quantile(0.5) == PROFILE.column(name).sketch.quantile(0.5)
    assert again.column("colour").frequent.counts == {"red": 50, "blue": 25}
    assert (again.column("colour").distinct, again.column("none").kinds.inferred) == (2.0, "Unknown")
    moved = Profile.of(pa.table({**COLUMNS, "age": [70] * 100, "colour": ["blue"] * 100}))
    monitor = DataQuality(compatible=True)
    learnt = [Learnt(monitor.baseline(PROFILE), each) for each in (PROFILE, again)]
    first, second = (monitor.evaluate(each, moved).violations for each in learnt)
    assert first == second
    assert len(first) == 2


def test_statistics_merge_after_reading() -> None:
    """FL-03: the profile of two files is that of all rows."""
    both = statistics.read(statistics.write(PROFILE)).merge(statistics.read(statistics.write(PROFILE)))
    assert (both.rows, both.column("age").moments.count, both.column("age").sketch.count) == (200, 150, 150)
    assert both.column("colour").frequent.counts == {"red": 100, "blue": 50}


def test_files_of_other_makers_are_read() -> None:
    """Only what a file must have: names and types; the version may be 0 or a text."""
    document = {"version": "0", "dataset": {"item_count": 3}, "features": [{"name": "a", "inferred_type": "Integral"}]}
    assert statistics.read(document).names == ("a",)
    with pytest.raises(Invalid, match=r"statistics.json features\[0\]: got \"no member 'name'\""):
        statistics.read({"dataset": {"item_count": 1}, "features": [{}]})
    with pytest.raises(Invalid, match="Is this the right file"):
        statistics.read([])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every member and item of a JSON value; of long lists the first three items."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for key, inner in members:
        yield from places(inner, (*path, key))


def with_other(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """A copy with something else in one place."""
    if not path:
        return other
    found = dict(value) if isinstance(value, dict) else [*value]
    found[path[0]] = with_other(found[path[0]], path[1:], other)
    return found


OTHERS: list[Any] = [
    None,
    True,
    -1,
    1.5,
    inf,
    nan,
    "",
    "x",
    "NaN",
    "Infinity",
    [],
    {},
    [1],
    ["x"],
    [[]],
    {"a": 1},
    10**30,
]


@pytest.mark.parametrize("document", [statistics, constraints], ids=["statistics", "constraints"])
@pytest.mark.parametrize("other", OTHERS, ids=repr)
def test_whatever_stands_in_a_file_is_read_or_refused(document: Any, other: Any) -> None:
    """A wrong value anywhere in either file: a verdict or a plain error, never a crash."""
    constrained = Constraints.suggest(PROFILE)
    written = document.write(PROFILE if document is statistics else constrained)
    for path in places(json.loads(jackson.dumps(written))):
        try:
            found = document.read(with_other(written, path, other))
        except Invalid:
            continue
        learnt = Learnt(constrained, found) if document is statistics else Learnt(found, PROFILE)
        DataQuality().evaluate(learnt, PROFILE)
        document.write(found)


def test_constraints_in_sagemakers_order_with_its_defaults() -> None:
    """FL-04: `monitoring_config` is always printed."""
    document = constraints.write(Constraints.suggest(PROFILE))
    assert list(document) == ["version", "features", "monitoring_config"]
    assert document["features"][0] == {
        "name": "age",
        "inferred_type": "Integral",
        "completeness": 0.75,
        "num_constraints": {"is_non_negative": True},
    }
    assert document["features"][2]["string_constraints"] == {"domains": ["red", "blue"]}
    assert document["monitoring_config"] == {
        "evaluate_constraints": "Enabled",
        "emit_metrics": "Enabled",
        "datatype_check_threshold": 1.0,
        "domain_content_threshold": 1.0,
        "distribution_constraints": {
            "perform_comparison": "Enabled",
            "comparison_threshold": 0.1,
            "comparison_method": "Robust",
        },
    }
    asked = constraints.write(Constraints.suggest(PROFILE, "ChiSquared"))["monitoring_config"]
    assert asked["distribution_constraints"]["categorical_drift_method"] == "ChiSquared"


@pytest.mark.parametrize("spelling", constraints.OVERRIDES)
@pytest.mark.parametrize("place", ["", "num_constraints", "string_constraints"])
def test_overrides_in_both_spellings_and_all_places(spelling: str, place: str) -> None:
    """FL-05: the documentation's spelling on the column, the SDK's inside its constraints."""
    override = {spelling: {"distribution_constraints": {"comparison_threshold": 1}}}
    feature = {"name": "a", "inferred_type": "String", **({place: override} if place else override)}
    (column,) = constraints.read({"features": [feature]}).columns
    assert column.override == Config(comparison_threshold=1.0)
    assert constraints.read(constraints.write(Constraints((column,)))).columns == (column,)


def test_hand_edited_constraints() -> None:
    """Missing members take defaults, null is none, integers are numbers, other spellings and members are kept."""
    text = """{"features": [{"name": "a", "inferred_type": "Integral", "completeness": 1, "note": "by Ann"},
        {"name": "b", "completeness": null, "string_constraints": {"domains": [1, true, "x"]}}],
        "monitoring_config": {"evaluate_constraints": "disabled", "emit_metrics": null, "distribution_constraints":
        {"comparison_method": "linf_simple", "categorical_drift_method": "chisquared", "comparison_threshold": 0}}}"""
    found = constraints.read(json.loads(text))
    first, second = found.columns
    assert (first.completeness, first.rest) == (1.0, {"note": "by Ann"})
    assert constraints.write(found)["features"][0]["note"] == "by Ann"
    assert (second.inferred_type, second.completeness, second.domains) == ("Unknown", None, ("1", "true", "x"))
    config = found.config
    assert (config.evaluate_constraints, config.emit_metrics) == (False, True)
    assert (config.comparison_method, config.categorical_drift_method) == ("Simple", "ChiSquared")
    assert (config.comparison_threshold, config.datatype_check_threshold) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("feature", "config", "said"),
    [
        ({"completeness": "x"}, {}, r"features\[0\].completeness: got 'x', expected a number in \[0, 1\]"),
        ({"completeness": 1.5}, {}, r"features\[0\].completeness: got 1.5"),
        ({"completeness": True}, {}, r"features\[0\].completeness: got True"),
        ({"inferred_type": "Int"}, {}, r"features\[0\].inferred_type: got 'Int', expected one of Integral"),
        ({"num_constraints": {"is_non_negative": "yes"}}, {}, r"num_constraints.is_non_negative: got 'yes'"),
        ({"num_constraints": []}, {}, r"features\[0\].num_constraints: got \[\], expected an object"),
        ({"string_constraints": {"domains": "red"}}, {}, r"string_constraints.domains: got 'red', expected a list"),
        ({"completness": 1}, {}, r"features\[0\].completness: got 'completness', expected completeness"),
        ({}, {"emit_metrics": "on"}, r"monitoring_config.emit_metrics: got 'on', expected Enabled or Disabled"),
        ({}, {"datatype_check_treshold": 1}, r"expected datatype_check_threshold"),
        (
            {},
            {"distribution_constraints": {"comparison_method": "Fast"}},
            r"comparison_method: got 'Fast', expected Robust or Simple",
        ),
        ({}, {"distribution_constraints": {"comparison_threshold": -1}}, r"comparison_threshold: got -1"),
    ],
)
def test_wrong_members_are_named(feature: dict[str, Any], config: dict[str, Any], said: str) -> None:
    """File, place, what was found, what is expected."""
    with pytest.raises(Invalid, match=said):
        constraints.read({"features": [{"name": "a", **feature}], "monitoring_config": config})


def test_a_name_twice_is_refused() -> None:
    """Which of the two would hold?"""
    with pytest.raises(Invalid, match="'a', expected each name once"):
        constraints.read({"features": [{"name": "a"}, {"name": "a"}]})


def test_violations_of_every_age() -> None:
    """FL-06: the newest wording, that of older containers and bias monitors' shape; value and limit from the words."""
    told = [
        ("Baseline drift distance: 0.9293 exceeds threshold: 0.1", 0.9293, 0.1),
        ("Numerical distance: 5.0E-4 exceeds numerical threshold: 0", 5e-4, 0.0),
        ("Data completeness requirement is not met. Expected: 100.0%. Observed: Only 0.5%.", 0.005, 1.0),
        (
            "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
            "Observed: Only 99.6% of data is Integral.",
            0.996,
            1.0,
        ),
        ("Value: 0.93 does not meet the constraint requirement! ", 0.93, nan),
        ("Baseline drift distance: Infinity exceeds threshold: 0.1.", inf, 0.1),
        ("Baseline drift distance: 1.2.3 exceeds threshold: 5", nan, nan),
        ("something else", nan, nan),
    ]
    document = {
        "violations": [
            {"feature_name": "a", "constraint_check_type": "check", "description": said} for said, _, _ in told
        ]
    }
    for found, (said, value, limit) in zip(violations.read(document), told, strict=True):
        assert (found.subject, found.check, found.said) == ("a", "check", said)
        assert found.value == pytest.approx(value, nan_ok=True)
        assert found.limit == pytest.approx(limit, nan_ok=True)
    assert violations.write(violations.read(document)) == document
    assert {violations.FILE, *violations.OTHER_FILES} == {
        "constraint_violations.json",
        "constraints_violations.json",
        "violations.json",
    }


def test_every_wording_of_ours_is_read_back() -> None:
    """What readers of SageMaker's files parse: a number on either side of `exceeds threshold`, nothing after it."""
    moved = Profile.of(pa.table({**COLUMNS, "price": [1e9] * 100, "colour": ["blue"] * 90 + ["new"] * 10}))
    monitor = DataQuality(measures={"*": {"psi": 0.1}}, categorical_drift_method="ChiSquared")
    found = monitor.evaluate(Learnt(monitor.baseline(PROFILE), PROFILE), moved).violations
    again = violations.read(violations.write(found))
    drifts = [each for each in again if each.check == "baseline_drift_check"]
    assert len(drifts) == 4
    assert all(each.said.endswith(f"exceeds threshold: {java.double(each.limit)}") for each in drifts)
    assert not any(isnan(each.value) for each in again)
    assert violations.read({"violations": []}) == ()
    one = Violation("a", "c", 1.0, 0.0, "s")
    assert [each.said for each in violations.read(violations.write([one, replace(one, said="t")]))] == ["s", "t"]
