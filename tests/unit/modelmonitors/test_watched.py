"""What a monitor asks follows from the schema of the model version."""

from __future__ import annotations

from typing import Any

import pytest

from driftline.errors import Conflict, Invalid
from driftline.modelmonitors.monitor import Against, Basis, ModelMonitor, against_of
from driftline.modelmonitors.watched import Watched, watched
from driftline.monitors.bias import Bias
from driftline.monitors.explainability import Explainability
from driftline.monitors.model_quality import ModelQuality
from driftline.schemas.fields import Kind, ModelField, ModelSchema, ModelType, Role


def schema(*more: ModelField) -> ModelSchema:
    """Two features, a tag and what else is given."""
    return ModelSchema(
        (
            ModelField("age", Role.FEATURE, Kind.NUMERIC),
            ModelField("city", Role.FEATURE, Kind.STRING),
            ModelField("trace", Role.TAG, Kind.STRING),
            *more,
        )
    )


def score(name: str, of: str | None = None) -> ModelField:
    """A score, of a class."""
    return ModelField(name, Role.SCORE, Kind.NUMERIC, of=of)


PREDICTION = ModelField("label", Role.PREDICTION, Kind.STRING)
PARTED = (score("p_a", "a"), score("p_b", "b"))
ACTUAL = ModelField("truth", Role.ACTUAL, Kind.STRING)


def asked(kind: str, type: ModelType, *fields: ModelField, **told: Any) -> Watched:
    """What a monitor of this kind asks of a model with these fields."""
    return watched(ModelMonitor("m", "x", kind, **told), type, [schema(*fields)])


def test_data_quality_watches_the_data_and_no_tags() -> None:
    found = asked("data-quality", ModelType.BINARY, PREDICTION, ACTUAL)
    assert found.columns == ("age", "city", "label")
    assert asked("data-quality", ModelType.BINARY, columns=("trace",)).columns == ("trace",)


def test_of_several_versions_what_all_have_is_watched() -> None:
    newer = schema(ModelField("income", Role.FEATURE, Kind.NUMERIC))
    found = watched(ModelMonitor("m", "x", "data-quality"), ModelType.BINARY, [newer, schema()])
    assert found.columns == ("age", "city")
    with pytest.raises(Conflict, match="no version to monitor"):
        watched(ModelMonitor("m", "x", "data-quality"), ModelType.BINARY, [])


@pytest.mark.parametrize(
    ("type", "fields", "expected"),
    [
        (ModelType.BINARY, (PREDICTION, score("p", "yes")), ("label", "p", "yes", ())),
        (ModelType.BINARY, (score("p"),), (None, "p", "1", ())),
        (ModelType.MULTICLASS, (PREDICTION, *PARTED), ("label", ("p_a", "p_b"), "1", ("a", "b"))),
        (ModelType.REGRESSION, (ModelField("price", Role.PREDICTION, Kind.NUMERIC),), ("price", None, "1", ())),
    ],
)  # fmt: skip
def test_quality_finds_predictions_and_scores(
    type: ModelType, fields: tuple[ModelField, ...], expected: tuple[Any, ...]
) -> None:
    found = asked("model-quality", type, *fields, ACTUAL)
    made = found.monitor
    assert isinstance(made, ModelQuality)
    assert (made.inference_attribute, made.probability_attribute, made.positive, made.classes) == expected
    assert (made.ground_truth_attribute, found.label) == ("ground_truth", "truth")
    assert set(found.columns) == {each.name for each in fields}


def test_a_ranking_is_judged_by_its_relevance() -> None:
    fields = (
        ModelField("query", Role.GROUP, Kind.STRING),
        ModelField("score", Role.SCORE, Kind.NUMERIC),
        ModelField("clicked", Role.RELEVANCE, Kind.NUMERIC),
    )
    found = asked("model-quality", ModelType.RANKING, *fields, ACTUAL)
    assert isinstance(found.monitor, ModelQuality)
    assert (found.monitor.query_attribute, found.label) == ("query", "clicked")


def test_segments_are_read_beside_predictions() -> None:
    found = asked("model-quality", ModelType.BINARY, PREDICTION, ACTUAL, settings={"searched": ["*"]})
    assert set(found.columns) == {"label", "age", "city"}
    found = asked("model-quality", ModelType.BINARY, PREDICTION, ACTUAL, settings={"segments": ["city"]})
    assert found.columns == ("label", "city")


def test_bias_reads_its_facets_whatever_their_role() -> None:
    facets = [{"columns": ["trace"], "values": [["a"]]}]
    found = asked("bias", ModelType.BINARY, PREDICTION, ACTUAL, settings={"facets": facets})
    assert isinstance(found.monitor, Bias)
    assert found.columns == ("age", "city", "label", "trace")
    assert found.monitor.inference_attribute == "label"


def test_attributions_are_read_as_the_schema_names_them() -> None:
    named = [ModelField(f"shap_{name}", Role.ATTRIBUTION, Kind.NUMERIC, of=name) for name in ("age", "city")]
    found = asked("explainability", ModelType.BINARY, *named)
    assert isinstance(found.monitor, Explainability)
    assert (found.monitor.attributions, found.monitor.features) == ("shap_{feature}", ("age", "city"))
    odd = ModelField("weight_of_age", Role.ATTRIBUTION, Kind.NUMERIC)
    found = asked("explainability", ModelType.BINARY, odd)
    assert isinstance(found.monitor, Explainability)
    assert (found.monitor.attributions, found.monitor.features) == ("{feature}", ("weight_of_age",))


def test_a_model_that_is_asked_takes_the_features() -> None:
    told = {"model": {"named": "http://models/x/invocations"}}
    found = asked("explainability", ModelType.BINARY, PREDICTION, settings=told)
    assert found.columns == ("age", "city")
    assert found.model is not None


@pytest.mark.parametrize(
    ("kind", "type", "fields", "told", "said"),
    [
        ("model-quality", ModelType.OBJECT_DETECTION, (PREDICTION, ACTUAL), {}, "type of the model"),
        ("model-quality", ModelType.BINARY, (PREDICTION,), {}, "no actual"),
        ("model-quality", ModelType.BINARY, (PREDICTION, ACTUAL), {"label": "lable"}, "an actual of the model: truth"),
        ("model-quality", ModelType.REGRESSION, (ACTUAL,), {}, "inference attribute"),
        ("bias", ModelType.BINARY, (PREDICTION,), {}, "columns that tell groups apart"),
        ("bias", ModelType.BINARY, (PREDICTION,), {"settings": {"facets": [1]}}, "setting facets.0 of bias"),
        ("data-quality", ModelType.BINARY, (), {"settings": {"measures": {"*": {"psi": "x"}}}}, "a valid number"),
        ("data-quality", ModelType.BINARY, (), {"settings": {"measures": {"*": {"ps": 1}}}}, "Did you mean"),
        ("explainability", ModelType.BINARY, (), {}, "no attributions"),
        ("explainability", ModelType.BINARY, (), {"settings": {"model": "pickle.loads"}}, "URL"),
        ("data-quality", ModelType.BINARY, (), {"columns": ["aeg"]}, "fields such as age"),
        ("data-quality", ModelType.BINARY, (), {"settings": {"thresholds": 1}}, "setting of data-quality"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    kind: str, type: ModelType, fields: tuple[ModelField, ...], told: dict[str, Any], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        asked(kind, type, *fields, **told)


@pytest.mark.parametrize(
    "told",
    [
        {"name": "a b"},
        {"kind": "quality"},
        {"cadence": "daily"},
        {"cadence": "rate(0 days)"},
        {"window_seconds": 1},
        {"window_seconds": 1e300},
        {"delay_seconds": -1},
        {"against": {"basis": "rows"}},
        {"against": {"basis": "window", "start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}},
        {"against": {"basis": "window", "start": "2026-01-01", "end": "2026-01-02"}},
        {"against": {"basis": "files"}},
        {"against": {"basis": "rolling", "days": 0}},
        {"against": {"base": "rolling"}},
    ],
)
def test_monitors_that_cannot_be_are_refused(told: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        ModelMonitor(**{"model": "m", "name": "x", "kind": "bias", **told})


def test_what_was_asked_comes_back_from_json() -> None:
    against = Against(Basis.ROLLING, days=3)
    made = ModelMonitor("m", "x", "bias", where={"city": "Rome"}, against=against, columns=("age",), since=None)
    assert ModelMonitor(model="m", name="x", kind="bias", **made.asked()) == made
    assert against_of(against.to_dict()) == against
