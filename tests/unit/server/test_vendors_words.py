"""What vendors' clients send, read by hand: right where it is right, and refused, never a fault, where it is not."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.errors import Invalid
from driftline.imports.job import Content
from driftline.schemas.fields import Environment, Kind, ModelField, ModelSchema, ModelType, Role
from driftline.server.arize import mapping
from driftline.server.arize.document import parse
from driftline.server.arize.messages import METADATA, logged_row, logged_table
from driftline.server.arize.protobuf import message
from driftline.server.arthur.attributes import attributes_of, schema_of
from driftline.server.arthur.rows import lines_of
from driftline.server.multipart import parts_of

NOW = datetime(2026, 11, 21, tzinfo=UTC)
NAMES = st.text("abcxyz", min_size=1, max_size=4)
KINDS = st.sampled_from(list(ModelType))


@given(st.text('{}()[]:$!@|.,"\\ #ab1-query mutation\n', max_size=80))
def test_any_text_is_a_document_or_refused(text: str) -> None:
    """IA-05."""
    with suppress(Invalid):
        parse(text, {})


def test_documents() -> None:
    """IA-05: what the language allows: names for answers, fragments, comments, block strings, absent variables."""
    text = '''
    # a comment
    query one { me }
    query two($id: ID!, $gone: Int = 3) @cached {
        first: node(id: $id, after: $gone, note: """a "quoted" note""", list: [1, -2.5, true, null, {a: "x"}]) {
            ...Parts
            ... on Space @include(if: true) { name }
        }
    }
    fragment Parts on Space { importJobs(first: 1) { edges { node { id } } } }
    '''
    (field,) = parse(text, {"id": "s"}, "two").fields
    assert (field.name, field.key) == ("node", "first")
    wanted = {"id": "s", "note": 'a "quoted" note', "list": [1, -2.5, True, None, {"a": "x"}]}
    assert field.arguments == wanted
    assert field.asks("importJobs", "edges", "node", "id")
    assert field.asks("name")
    nested = parse("mutation($jobId: ID!) { delete(input: {jobId: $jobId}) { ok } }", {"input": {"jobId": "7"}})
    assert nested.fields[0].arguments == {"input": {"jobId": "7"}}


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    """IA-05."""
    with suppress(Invalid):
        message(data)
    with suppress(Invalid):
        logged_table({METADATA: base64.b64encode(data)})
    with suppress(Invalid):
        logged_table({METADATA: data})


@given(
    KINDS.filter(lambda each: each is not ModelType.OBJECT_DETECTION),
    st.fixed_dictionaries(
        {},
        optional={
            "predictionId": NAMES,
            "timestamp": NAMES,
            "version": NAMES,
            "batchId": NAMES,
            "features": NAMES,
            "tags": NAMES,
            "shapValues": NAMES,
            "predictionLabel": st.just("label"),
            "featuresList": st.lists(NAMES, min_size=1, unique=True),
            "tagsList": st.lists(NAMES, min_size=1, unique=True),
            "exclude": st.lists(NAMES, min_size=1, unique=True),
        },
    ),
)
def test_schemas_come_back_as_they_were_sent(type: ModelType, schema: dict[str, Any]) -> None:
    """J-05, C-05, C-06: the toolkit edits a schema by sending all of what it was shown."""
    columns = mapping.columns_of(schema, type)
    shown = mapping.schema_said(columns, type)
    if type is not ModelType.REGRESSION:  # whose label is its score
        assert {name: value for name, value in shown.items() if value is not None} == schema
    assert mapping.columns_of(shown, type) == columns


def test_schemas_of_every_type() -> None:
    """M-07, C-05, C-06."""
    ranking = {"predictionGroupId": "g", "rank": "r", "predictionScores": "s", "relevanceScore": "v"}
    boxes = {"boundingBoxesCoordinatesColumnName": "c", "boundingBoxesCategoriesColumnName": "k"}
    for type, schema in (
        (ModelType.REGRESSION, {"predictionScore": "p", "actualScore": "a"}),
        (ModelType.BINARY, {"predictionLabel": "l", "predictionScore": "p", "actualLabel": "a", "actualScore": "b"}),
        (ModelType.MULTICLASS, {"predictionScores": "p", "actualScores": "a"}),
        (ModelType.RANKING, ranking),
        (ModelType.OBJECT_DETECTION, {"predictionObjectDetection": boxes}),
    ):
        shown = mapping.schema_said(mapping.columns_of(schema, type), type)
        assert {name: value for name, value in shown.items() if value} == schema
    assert mapping.content_of(mapping.columns_of(ranking, ModelType.RANKING)) is Content.BOTH
    vector = {"embeddingFeatures": [{"featureName": "e", "vectorCol": "v", "rawDataCol": "raw"}]}
    assert mapping.columns_of(vector, ModelType.BINARY).fields == {"e": "v", "tag/e raw data": "raw"}


def test_rows_of_a_log() -> None:
    """IA-05, M-08."""
    sent = {"model_id": "m", "prediction_id": "a", "actual": {"actual_label": {"numeric": 1.5}}}
    logged, row = logged_row({**sent, "environment_params": {"validation": {"batch_id": "b"}}})
    assert (logged.environment, logged.batch, row) == (
        Environment.VALIDATION,
        "b",
        {"prediction_id": "a", "actual": 1.5},
    )
    assert mapping.content_of(logged.columns) is Content.ACTUALS
    for wrong in (
        {},
        {"model_id": "m"},
        {"model_id": "m", "prediction": []},
        {"model_id": "m", "prediction": {"features": {"a": 3}}},
        {"model_id": "m", "prediction": {"prediction_label": {"object_detection": {}}}},
    ):
        with pytest.raises(Invalid):
            logged_row(wrong)


@given(st.binary(max_size=80))
def test_any_body_is_parts_or_refused(data: bytes) -> None:
    """P-01."""
    with suppress(Invalid):
        parts_of(data, "multipart/form-data; boundary=x")
    with suppress(Invalid):
        parts_of(b"--x\r\n" + data + b"\r\n--x--\r\n", "multipart/form-data; boundary=x")


@given(st.binary(max_size=200).filter(lambda data: b"--border" not in data))
def test_the_bytes_of_a_file_are_kept(data: bytes) -> None:
    """P-01: whatever is in a file, line ends too."""
    head = b'--border\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n'
    (part,) = parts_of(head + data + b"\r\n--border--\r\n", 'multipart/form-data; boundary="border"')
    assert (part.name, part.filename, part.data) == ("f", "a.bin", data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "partner_inference_id": st.text(max_size=3) | JSON,
            "inference_data": st.dictionaries(st.sampled_from(["x", "y"]), JSON, max_size=2) | JSON,
            "ground_truth_data": st.dictionaries(st.just("z"), JSON, max_size=1) | JSON,
            "inference_timestamp": st.just("2026-11-20T12:00:00+00:00") | JSON,
        },
    )
    | JSON,
    max_size=4,
)
SCHEMA = ModelSchema(
    (
        ModelField("x", Role.PREDICTION, Kind.NUMERIC),
        ModelField("y", Role.FEATURE, Kind.STRING),
        ModelField("z", Role.ACTUAL, Kind.NUMERIC, of="x"),
    )
)


@settings(deadline=None)
@given(ROWS, st.booleans())
def test_every_row_has_a_result(rows: list[Any], late: bool) -> None:
    """IA-06, R-08: whatever a row is, it is taken or the client is told why not; those taken are the lines."""
    with suppress(Invalid):
        made = lines_of(rows, SCHEMA, now=NOW, late=late)
        answer = made.answer()
        assert len(answer["results"]) == len(rows)
        assert made.data.count(b"\n") == answer["counts"]["success"]
        assert all(each["message"] for each in answer["results"])


def test_attributes_come_back() -> None:
    """M-03, M-04, R-11: the fields of a model that another client made are attributes, and these its fields."""
    fields = ModelSchema(
        (
            ModelField("p", Role.PREDICTION, Kind.NUMERIC),
            ModelField("age", Role.FEATURE, Kind.NUMERIC, whole=True),
            ModelField("note", Role.FEATURE, Kind.TEXT),
            ModelField("team", Role.TAG, Kind.BOOLEAN),
            ModelField("y", Role.ACTUAL, Kind.NUMERIC),
        )
    )
    assert schema_of(attributes_of(fields.fields), ModelType.REGRESSION) == fields
    for wrong in (
        {"name": "probabilities", "stage": "PIPELINE_INPUT", "value_type": "FLOAT"},
        {"name": "a", "stage": "NOWHERE", "value_type": "FLOAT"},
        {"name": "a", "stage": "PIPELINE_INPUT", "value_type": "QUATERNION"},
        {"stage": "PIPELINE_INPUT", "value_type": "FLOAT"},
    ):
        with pytest.raises(Invalid):
            schema_of([wrong], ModelType.REGRESSION)
