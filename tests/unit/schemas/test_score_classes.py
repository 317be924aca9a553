"""Scores of several classes in one column: lists of names with scores, maps, structs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from driftline.schemas.columns import Columns
from driftline.schemas.conform import conform
from driftline.schemas.fields import ModelSchema, ModelType, Role
from driftline.schemas.inferred import infer, type_of
from driftline.schemas.mapped import resolve
from driftline.schemas.rules import Intake

NOW = datetime(2026, 6, 1, tzinfo=UTC)
COLUMNS = Columns(id="id", lists={"score": ("scores",), "actual_score": ("truth",)})
PAIR = pa.struct([("class_name", pa.string()), ("score", pa.float64())])


def pairs(**scores: float) -> list[dict[str, Any]]:
    return [{"class_name": name, "score": score} for name, score in scores.items()]


BATCH = pa.record_batch(
    {
        "id": ["1", "2", "3"],
        "age": [31, 32, 33],
        "scores": pa.array([pairs(economy=0.8, business=0.2), pairs(first=0.9, business=0.1), None], pa.list_(PAIR)),
        "truth": pa.array([pairs(economy=1), None, pairs(business=1)], pa.list_(PAIR)),
    }
)


def maps(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same with maps."""
    kind = pa.map_(pa.string(), pa.float64())
    columns = {}
    for name in ("scores", "truth"):
        rows = [None if row is None else [tuple(each.values()) for each in row] for row in batch[name].to_pylist()]
        columns[name] = pa.array(rows, kind)
    return pa.record_batch({"id": batch["id"], "age": batch["age"], **columns})


@pytest.mark.parametrize("batch", [BATCH, maps(BATCH)], ids=["lists", "maps"])
def test_scores_by_class_become_fields(batch: pa.RecordBatch) -> None:
    """C-06, M-07: a score for each class, and the class with the highest as label."""
    schema = infer(COLUMNS, pa.Table.from_batches([batch]))
    assert [(field.name, str(field.role), field.of) for field in schema] == [
        ("age", "feature", None),
        ("scores", "prediction", None),
        ("scores.business", "score", "business"),
        ("scores.economy", "score", "economy"),
        ("scores.first", "score", "first"),
        ("truth", "actual", None),
        ("truth.business", "actual_score", "business"),
        ("truth.economy", "actual_score", "economy"),
    ]
    assert type_of(schema, pa.Table.from_batches([batch]), COLUMNS) is ModelType.MULTICLASS
    mapped = resolve(COLUMNS, schema, batch.schema, content="both")
    assert (mapped.faults, mapped.warnings, mapped.missing) == ((), (), ())
    assert {use.becomes for use in mapped.uses if use.column == "scores"} == {"prediction", "score"}
    found = conform(batch, mapped, Intake(NOW, "file"))
    assert found.early is not None and found.late is not None
    names = ["_id", "scores", "scores.business", "scores.economy", "scores.first"]
    assert [tuple(row.values()) for row in found.early.select(names).to_pylist()] == [
        ("1", "economy", 0.2, 0.8, None),
        ("2", "first", 0.1, None, 0.9),
        ("3", None, None, None, None),
    ]
    assert found.late.select(["_id", "truth"]).to_pylist() == [
        {"_id": "1", "truth": "economy"},
        {"_id": "3", "truth": "business"},
    ]


def test_a_label_besides_is_the_label() -> None:
    """C-06."""
    columns = Columns(id="id", lists={"score": ("scores",), "prediction": ("age",), "tag": ("truth",)})
    schema = infer(columns, pa.Table.from_batches([BATCH]))
    assert [field.name for field in schema.having(Role.PREDICTION)] == ["age"]
    assert [str(field.kind) for field in schema.having(Role.TAG)] == ["string"]


def test_members_of_a_struct_are_classes_too() -> None:
    """C-06: objects of JSON."""
    rows = {"id": ["1", "2"], "scores": [{"a": 0.1, "b": 0.7, "c": 0.2}, {"a": 0.5, "b": 0.5, "c": 7.0}]}
    batch = pa.record_batch(rows)
    schema = infer(COLUMNS, pa.Table.from_batches([batch]))
    assert [(field.name, field.of) for field in schema.having(Role.SCORE)] == [("a", "a"), ("b", "b"), ("c", "c")]
    found = conform(batch, resolve(COLUMNS, schema, batch.schema, content="predictions"), Intake(NOW, "file"))
    assert found.accepted.to_pylist() == [True, False]
    assert [each.code for each in found.faults] == ["Score_Out_Of_Range"]


def test_boxes_are_lists() -> None:
    """M-07: object detection; some images have more boxes than others."""
    batch = pa.record_batch({"boxes": [[[1.0, 2.0, 3.0, 4.0]]], "names": [["car"]]})
    columns = Columns(lists={"prediction": ("boxes", "names")})
    schema = infer(columns, pa.Table.from_batches([batch]))
    more = pa.record_batch({"boxes": [[[1.0, 2.0, 3.0, 4.0]] * 2], "names": [["car", "bus"]]})
    mapped = resolve(columns, schema, more.schema)
    assert mapped.faults == ()
    found = conform(more, mapped, Intake(NOW, "file"))
    assert found.early is not None
    assert found.early["boxes"].to_pylist() == [["[1.0, 2.0, 3.0, 4.0]"] * 2]
    assert resolve(columns, ModelSchema(schema.fields), batch.schema).faults == ()
