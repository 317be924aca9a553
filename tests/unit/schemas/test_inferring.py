"""Schemas inferred from samples."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from driftline.schemas.columns import Columns
from driftline.schemas.fields import Kind, ModelField, ModelSchema, ModelType, Role
from driftline.schemas.inferred import infer, type_of

LONG = ["The quick brown fox jumps over the lazy dog, and then over the fence.", "x" * 60, "y" * 70]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([1, 2]), Kind.NUMERIC),
        (pa.array([Decimal("1.5")]), Kind.NUMERIC),
        (pa.array(["1", "", "2.5"]), Kind.NUMERIC),
        (pa.array(["1", "2"]).dictionary_encode(), Kind.NUMERIC),
        (pa.array([True, None]), Kind.BOOLEAN),
        (pa.array(["true", "False"]), Kind.BOOLEAN),
        (pa.array(["0", "1"]), Kind.NUMERIC),
        (pa.array([datetime(2026, 1, 1, tzinfo=UTC)]), Kind.TIMESTAMP),
        (pa.array(["2026-01-01", "2026-01-02T03:04:05Z"]), Kind.TIMESTAMP),
        (pa.array(["a", "b"], pa.string_view()), Kind.STRING),
        (pa.array(["a", "1"]), Kind.STRING),
        (pa.array(LONG), Kind.TEXT),
        (pa.array(LONG[:1] * 10), Kind.STRING),
        (pa.array([[1.0, 2.0], None]), Kind.TENSOR),
        (pa.array([[1.0, 2.0]], pa.list_(pa.float32(), 2)), Kind.TENSOR),
        (pa.array([[1.0, 2.0], [1.0]]), Kind.LIST),
        (pa.array([["a"], ["b"]]), Kind.LIST),
        (pa.array(["[1, 2]", "[3, 4]"]), Kind.TENSOR),
        (pa.array(['["a"]', "[]"]), Kind.LIST),
        (pa.array([{"x": 1}]), Kind.NUMERIC),
    ],
    ids=lambda value: str(getattr(value, "type", value)),
)
def test_kinds_are_told_by_values(values: pa.Array, kind: Kind) -> None:
    """M-04, D-05: inferred types."""
    (field,) = infer(Columns(), pa.table({"a": values}))
    assert field.kind is kind
    assert field.role is Role.FEATURE


def test_dimensions_are_those_of_the_vectors() -> None:
    """M-04."""
    sample = pa.table({"v": [[0.0] * 768], "m": [[[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]]})
    assert [field.dimensions for field in infer(Columns(), sample)] == [(768,), (2, 3)]


def test_whole_numbers_are_told_by_their_type() -> None:
    """A file of text may have a fraction further down, a column of integers may not."""
    sample = pa.table({"a": [1, 2], "b": ["1", "2"], "c": pa.array([1], pa.uint64()).take(pa.array([0, 0]))})
    assert [field.whole for field in infer(Columns(), sample)] == [True, False, False]


def test_empty_columns_are_left_out() -> None:
    sample = pa.table({"a": pa.nulls(2), "b": pa.array([None, None], pa.string()), "c": [1, 2]})
    assert [field.name for field in infer(Columns(), sample)] == ["c"]


def test_roles_are_those_of_the_columns() -> None:
    """C-05 to C-08: own columns are no fields; scores by class belong to their classes."""
    columns = Columns(
        id="id",
        timestamp="at",
        prefixes={"score": "p_", "actual_score": "q_"},
        lists={"prediction": ("label",), "actual": ("truth",), "tag": ("state",), "group": ("g",)},
    )
    names = ["id", "at", "label", "truth", "state", "g", "p_a", "p_b", "p_c", "q_a", "age"]
    schema = infer(columns, pa.table({name: [1] for name in names}))
    assert [(field.name, str(field.role), field.of) for field in schema] == [
        ("label", "prediction", None),
        ("truth", "actual", "label"),
        ("state", "tag", None),
        ("g", "group", None),
        ("a", "score", "a"),
        ("b", "score", "b"),
        ("c", "score", "c"),
        ("a", "actual_score", None),
        ("age", "feature", None),
    ]
    assert [field.kind for field in schema.having(Role.GROUP)] == [Kind.STRING]


@pytest.mark.parametrize(
    ("rows", "roles", "wanted"),
    [
        ({"y": [0.5, 1.5]}, {"prediction": ["y"]}, ModelType.REGRESSION),
        ({"y": list(range(50))}, {"prediction": ["y"]}, ModelType.REGRESSION),
        ({"y": [0, 1, 1]}, {"prediction": ["y"]}, ModelType.BINARY),
        ({"y": ["0", "1"]}, {"prediction": ["y"]}, ModelType.BINARY),
        ({"y": ["a", "b", "c"]}, {"prediction": ["y"]}, ModelType.MULTICLASS),
        ({"y": [True]}, {"prediction": ["y"]}, ModelType.BINARY),
        ({"y": [True], "proba": [0.5]}, {"prediction": ["y", "proba"]}, ModelType.BINARY),
        ({"y": [["a", "b"]]}, {"prediction": ["y"]}, ModelType.MULTILABEL),
        ({"y": LONG}, {"prediction": ["y"]}, ModelType.GENERATIVE),
        ({"r": [1], "g": ["q"]}, {"rank": ["r"], "group": ["g"]}, ModelType.RANKING),
        ({"p": [0.5]}, {"score": ["p"]}, ModelType.BINARY),
        ({"a": [0.5], "b": [0.2], "c": [0.3]}, {"score": ["a", "b", "c"]}, ModelType.MULTICLASS),
        ({"x": [1.0]}, {}, ModelType.REGRESSION),
    ],
)
def test_types_of_models_are_guessed(rows: dict[str, Any], roles: dict[str, Any], wanted: ModelType) -> None:
    """M-06, M-07."""
    sample, columns = pa.table(rows), Columns(lists=roles)
    assert type_of(infer(columns, sample), sample, columns) is wanted


def test_schemas_survive_json() -> None:
    fields = (
        ModelField("a", Role.FEATURE, Kind.NUMERIC, whole=True, required=True),
        ModelField("v", Role.FEATURE, Kind.TENSOR, (2, 3)),
    )
    document = ModelSchema(fields).to_dict()
    assert document["fields"][0] == {
        "name": "a",
        "role": "feature",
        "kind": "numeric",
        "whole": True,
        "required": True,
    }
    assert ModelSchema.of(document).fields == fields
