"""What Aporia's clients say, in our words: fields, places, schedules, logged rows."""

from __future__ import annotations

from typing import Any

import pytest

from driftline.errors import Invalid
from driftline.imports.job import Content
from driftline.schemas.fields import Kind, ModelField, ModelSchema, ModelType, Role
from driftline.server.aporia import identities
from driftline.server.aporia.asked import RowAsked
from driftline.server.aporia.fields import KINDS, TYPES, actual_of, columns_of, schema_of, type_of
from driftline.server.aporia.logged import Names, rows_of
from driftline.server.aporia.places import place_of, policies_of

FILES = {"object_path": "logs/churn/", "object_format": "parquet"}


def place(**changed: Any) -> Any:
    """The place of a data source."""
    return place_of("s3", {**FILES, **changed})


@pytest.mark.parametrize(("word", "kind"), KINDS.items())
def test_every_type_of_field_is_a_kind(word: str, kind: Kind) -> None:
    """M-04."""
    said = {"type": word, "dimensions": [3]} if kind is Kind.TENSOR else word
    assert [each.kind for each in schema_of(ModelType.REGRESSION, {"features": {"x": said}})] == [kind]


@pytest.mark.parametrize(("word", "type"), TYPES.items())
def test_every_type_of_model_is_known(word: str, type: ModelType) -> None:
    """M-06."""
    assert type_of(word) is type


@pytest.mark.parametrize(
    ("type", "predictions", "roles"),
    [
        (ModelType.BINARY, {"y": "boolean", "p": "numeric"}, ["prediction", "score"]),
        (ModelType.BINARY, {"y": "numeric"}, ["prediction"]),
        (ModelType.BINARY, {"proba": "numeric"}, ["score"]),
        (ModelType.BINARY, {"a": "numeric", "b": "numeric"}, ["prediction", "prediction"]),
        (ModelType.MULTICLASS, {"y": "string", "p": "numeric"}, ["prediction", "score"]),
        (ModelType.REGRESSION, {"y": "numeric", "score": "numeric"}, ["prediction", "prediction"]),
    ],
)
def test_scores_are_told_from_labels(type: ModelType, predictions: dict[str, str], roles: list[str]) -> None:
    """M-05."""
    assert [str(each.role) for each in schema_of(type, {"predictions": predictions})] == roles


def test_fields_of_a_ranking() -> None:
    """M-06: groups, scores and relevance by the mapping."""
    mapping = {
        "batch_id_column_name": "query",
        "relevance_column_name": "score",
        "actual_relevance_column_name": "score",
    }
    sections = {"raw_inputs": {"query": "string"}, "predictions": {"score": "numeric"}, "metrics": {"ms": "numeric"}}
    schema = schema_of(ModelType.RANKING, sections, mapping)
    assert {each.name: each.role for each in schema} == {"query": Role.GROUP, "score": Role.SCORE, "ms": Role.TAG}
    assert actual_of(schema, "score", mapping).role is Role.RELEVANCE


@pytest.mark.parametrize(
    ("sections", "mapping", "said"),
    [
        ({"features": {"x": "nummeric"}}, None, "type of x in features: got 'nummeric'.*Did you mean 'numeric'"),
        ({"features": {"x": "dict"}}, None, "select it from the files by select_expr"),
        ({"features": {"x": "tensor"}}, None, "dimensions of x: got 'none'"),
        ({"features": {"x": {"type": "tensor", "dimensions": "768"}}}, None, "dimensions of x: got '768'"),
        ({"features": {"x": {"type": "tensor", "dimensions": [0]}}}, None, r"such as \[768\]"),
        ({"features": {"_x": "numeric"}}, None, "does not begin with '_'"),
        ({"features": {"x": "numeric"}, "predictions": {"x": "numeric"}}, None, "field: got 'x', expected names that"),
        ({"features": {"x": "numeric"}}, {"batch_id": "x"}, "mapping: got 'batch_id', expected batch_id_column_name"),
        ({"raw_inputs": {"q": "string"}}, {"batch_id_column_name": "p"}, "mapping.batch_id_column_name: got 'p'"),
    ],
)
def test_wrong_fields_are_told(sections: Any, mapping: Any, said: str) -> None:
    """D-08."""
    with pytest.raises(Invalid, match=said):
        schema_of(ModelType.RANKING, sections, mapping)


def test_the_actual_has_a_name_that_no_field_has() -> None:
    """C-04."""
    fields = [ModelField("y", Role.PREDICTION, Kind.NUMERIC), ModelField("y_actual", Role.FEATURE, Kind.NUMERIC)]
    schema = ModelSchema(tuple(fields))
    assert actual_of(schema, "y").name == "y_actual_"
    with pytest.raises(Invalid, match="labels: got 'z'"):
        actual_of(schema, "z")
    assert columns_of(schema, {"predictions": {"y": "Y"}, "features": None}) == {"y": "Y"}


@pytest.mark.parametrize(
    ("path", "uri", "include"),
    [
        ("logs/churn/", "s3://logs/churn/", ()),
        ("s3://logs/churn/x.parquet", "s3://logs/churn/x.parquet", ()),
        ("s3a://logs/churn", "s3://logs/churn", ()),
        ("logs", "s3://logs", ()),
        ("logs/*/x.parquet", "s3://logs/", ("*/x.parquet",)),
        ("logs/a/{b,c}/[0-9]*", "s3://logs/a/", ("b/[0-9]*", "c/[0-9]*")),
    ],
)
def test_paths_of_objects(path: str, uri: str, include: tuple[str, ...]) -> None:
    """S-01, S-02."""
    found = place(object_path=path)
    assert (found.uri, found.include) == (uri, include)


def test_read_options_are_sparks() -> None:
    """F-04, F-05, F-06: in any case, and our own as well; what Spark would do anyway is passed over."""
    options = {"Header": "true", "sep": ";", "nullValue": "NA", "inferSchema": True, "spark.executor.cores": 4}
    found = place(object_format="csv", read_options={**options, "skip_rows": 2, "pathGlobFilter": "*.csv"})
    assert found.settings == {"header": "true", "separator": ";", "null_values": "NA", "skip_rows": 2}
    assert found.include == ("**/*.csv",)
    assert place(object_format="json").format is None
    assert place(object_format="json", read_options={"multiLine": "true"}).format == "json"
    assert place(object_format="delta", read_options={"versionAsOf": 3}).settings == {"version": 3}
    assert place(read_options={"credentials": "lake"}).credentials == "lake"
    assert place(header=False, object_format="csv").settings == {"header": False}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"object_path": ""}, "object_path: got ''"),
        ({"object_path": "gs://logs/x"}, "object_path"),
        ({"object_path": "*/x"}, "a bucket without wildcards"),
        ({"object_path": 3}, "data source.object_path: got 'int'"),
        ({"object_format": "orc"}, "object_format: got 'orc', expected parquet, csv, json, delta"),
        ({"sample_size": 0.5}, "every row is read"),
        ({"sample_size": "half"}, "data source.sample_size: got 'str'"),
        ({"select_expr": "a AS b"}, "data source.select_expr: got 'str'"),
        ({"read_options": ["header"]}, "data source.read_options: got 'list'"),
        ({"read_options": {"timestampFormat": "yyyy"}}, "got 'timestampFormat'.*select_expr"),
        ({"read_options": {"fs.s3a.access.key": "hidden"}}, "got 'fs.s3a.access.key', expected no secrets"),
        ({"read_options": {"mode": "FAILFAST"}}, "got 'mode'"),
    ],
)
def test_what_would_lose_its_meaning_is_refused(changed: dict[str, Any], said: str) -> None:
    """D-08, S-14: without the values of secrets."""
    with pytest.raises(Invalid, match=said) as error:
        place(**changed)
    assert "hidden" not in str(error.value)


def test_databases_are_no_places() -> None:
    """S-16."""
    with pytest.raises(Invalid, match="data source: got 'snowflake'"):
        place_of("snowflake", {"password": "hidden"})


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [
        (None, 10.0),
        ("* * * * *", 60.0),
        ("*/15 * * * *", 900.0),
        ("0,10 * * * *", 600.0),
        ("30 2 * * *", 3600.0),
        ("0 * * * 1-5", 3600.0),
        ("*/30 8-18 * * mon-fri", 1800.0),
        ("0 0 1 * 0", 3600.0),
        ("0 0 * * 7", 3600.0),
    ],
)
def test_schedules_are_paces(schedule: str | None, seconds: float) -> None:
    """J-02: Unix cron expressions, whose weeks begin with 0, a Sunday, and end with 7, another one."""
    assert policies_of(schedule).poll_seconds == seconds


@pytest.mark.parametrize("schedule", ["hourly", "* * * *", "61 * * * *", "* * * * 9", "@daily"])
def test_wrong_schedules_are_told(schedule: str) -> None:
    """D-08."""
    with pytest.raises(Invalid):
        policies_of(schedule)


def test_logged_rows_by_what_they_hold() -> None:
    """J-13: rows without an id get the same one whenever they are sent; what is no field is told."""
    names = Names("id", "time", frozenset({"x", "y", "y_actual"}), {"y": "y_actual"})
    said = [
        RowAsked(features={"x": 1}, predictions={"y": 2}, occurredAt="2026-11-21T00:00:00Z"),
        RowAsked(id="b", features={"x": 1}, predictions={"y": 2}, actuals={"y": 3}, confidence=[0.5]),
        RowAsked(id="c", actuals={"y": 4}),
        RowAsked(id="d", rawInputs={"x": 4}),
    ]
    rows, warnings = rows_of(names, said)
    again, _ = rows_of(names, said)
    assert rows == again
    assert {content: len(some) for content, some in rows.items()} == {
        Content.PREDICTIONS: 1,
        Content.BOTH: 1,
        Content.ACTUALS: 1,
    }
    assert rows[Content.ACTUALS] == [{"id": "c", "y_actual": 4}]
    assert rows[Content.BOTH][0]["y_actual"] == 3
    assert [each.partition(":")[0] for each in warnings] == ["confidence", "raw inputs"]


def test_names_of_columns_that_no_field_has() -> None:
    """A field may be called as the column of ids is."""
    schema = ModelSchema((ModelField("prediction_id", Role.FEATURE, Kind.STRING),))
    assert Names.of(schema).id == "prediction_id_"


def test_ids_are_names() -> None:
    """Any name that a model can have, and nothing else."""
    assert identities.parts(identities.of("ä b/c", "v+1"), 2) == ("ä b/c", "v+1")
    for wrong in ("", "x", "churn", "Y2h1cm4", "///", "ü"):
        with pytest.raises(Exception, match="id not found"):
            identities.parts(wrong, 2)
