"""What a monitor asks of the tables: its settings, with what they leave out as the schema has it, and the columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from driftline.asking import Asked
from driftline.errors import Conflict, Invalid
from driftline.formats.truth import TRUTH
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.monitors.bias import Bias
from driftline.monitors.explainability import Explainability
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.monitor import Monitor
from driftline.monitors.monitors import MONITORS
from driftline.monitors.predictions import EVERY
from driftline.monitors.quality import BINARY, MULTICLASS, RANKING, REGRESSION
from driftline.schemas.fields import Kind, ModelField, ModelSchema, ModelType, Role

PROBLEMS: Mapping[ModelType, str] = {
    ModelType.REGRESSION: REGRESSION,
    ModelType.BINARY: BINARY,
    ModelType.MULTICLASS: MULTICLASS,
    ModelType.RANKING: RANKING,
}
"""What kind of problem a model of each type solves; those that are not here have no such metrics."""

_DATA = (Role.RAW_INPUT, Role.FEATURE, Role.PREDICTION, Role.SCORE, Role.SEGMENT)
"""Roles of fields that are watched unless columns are named: tags say something of the row, not of the model."""


@dataclass(frozen=True)
class Watched:
    """The monitor, the columns of inferences that it reads, which actual is the label, and the model that is asked."""

    monitor: Monitor
    columns: tuple[str, ...]
    label: str | None = None
    model: Asked | None = None


def watched(found: ModelMonitor, type: ModelType, schemas: Sequence[ModelSchema]) -> Watched:
    """What the monitor asks of tables with these schemas: of several versions what all of them have.

    Raises `Invalid` naming the setting that is missing or wrong.
    """
    if not schemas:
        remedy = "Import its rows first, or make a version: driftline models versions add."
        raise Conflict(what="model", name=found.model, reason="it has no version to monitor", remedy=remedy)
    shared = [{each.name for each in schema.early} for schema in schemas]
    early = [each for each in schemas[0].early if all(each.name in names for names in shared)]
    label = _label(found, schemas)
    _refuse_unknown(found, early)
    data = found.columns or tuple(each.name for each in early if each.role in _DATA)
    settings = dict(found.settings)
    asked = _asked(settings.pop("model", None))
    if found.kind == ModelQuality.kind:
        return _model_quality(settings, type, early, label, data)
    if found.kind == Bias.kind:
        return _bias(settings, early, label, data)
    if found.kind == Explainability.kind:
        return _explainability(settings, early, asked)
    return Watched(_made(found.kind, settings), data)


def _label(found: ModelMonitor, schemas: Sequence[ModelSchema]) -> str | None:
    """The field of the actuals that is the truth; the one that is asked for, or the first of the prediction."""
    late = [each for schema in schemas for each in schema.late]
    if found.label is not None:
        if found.label not in {each.name for each in late}:
            known = ", ".join(dict.fromkeys(each.name for each in late)) or "none"
            raise Invalid(what="label", got=found.label, expected=f"an actual of the model: {known}")
        return found.label
    wanted = (Role.RELEVANCE, Role.ACTUAL, Role.ACTUAL_SCORE)
    ordered = sorted(late, key=lambda each: wanted.index(each.role))
    return next((each.name for each in ordered), None)


def _refuse_unknown(found: ModelMonitor, early: Sequence[ModelField]) -> None:
    """Raise `Invalid` for a column, or a setting, that there is not."""
    known = [each.name for each in early]
    for name in (each for each in found.columns or () if each not in known):
        raise Invalid(what=f"column of {found.model}", got=name, expected=f"fields such as {', '.join(known[:12])}")
    members = MONITORS[found.kind].__dataclass_fields__  # type: ignore[attr-defined]
    taken = [*(name for name in members if name != "kind"), "model"]
    for name in (each for each in found.settings if each not in taken):
        raise Invalid(what=f"setting of {found.kind}", got=name, expected=f"one of {', '.join(taken)}")


def _model_quality(
    settings: dict[str, Any], type: ModelType, early: Sequence[ModelField], label: str | None, data: tuple[str, ...]
) -> Watched:
    if "problem_type" not in settings and type not in PROBLEMS:
        remedy = "Say which problem it is seen as: --setting problem_type=MulticlassClassification, for example."
        raise Invalid(what="type of the model", got=str(type), expected=", ".join(PROBLEMS), remedy=remedy)
    if label is None:
        remedy = "Add a field of role actual, or relevance of a ranking, to the schema of the version."
        raise Invalid(what="schema", got="no actual", expected="a field that holds the truth", remedy=remedy)
    problem = settings.setdefault("problem_type", PROBLEMS.get(type))
    settings["ground_truth_attribute"] = TRUTH
    if not settings.get("inference_attribute") and not settings.get("probability_attribute"):
        settings |= {name: value for name, value in _predictions(problem, early) if value and name not in settings}
    if problem == RANKING and "query_attribute" not in settings:
        settings["query_attribute"] = next((each.name for each in early if each.role is Role.GROUP), None)
    made = _made(ModelQuality.kind, settings)
    assert isinstance(made, ModelQuality)
    if EVERY in made.searched:
        made = made.settled(data)
    probability = made.probability_attribute or ()
    several = (probability,) if isinstance(probability, str) else probability
    named = (made.inference_attribute, *several, made.query_attribute, *made.segments, *made.searched)
    return Watched(made, tuple(dict.fromkeys(each for each in named if each)), label)


def _predictions(problem: str | None, early: Sequence[ModelField]) -> Iterator[tuple[str, Any]]:
    """Where predictions and probabilities are, as the schema has it."""
    guess = next((each for each in early if each.role is Role.PREDICTION), None)
    scores = [each for each in early if each.role is Role.SCORE]
    if guess is None and problem in (REGRESSION, RANKING) and scores:
        guess = scores[0]
    yield "inference_attribute", None if guess is None else guess.name
    if problem == BINARY and scores:
        yield "probability_attribute", scores[0].name
        if scores[0].of is not None and (guess is None or guess.kind is not Kind.BOOLEAN):
            yield "positive", scores[0].of
    parted = [each for each in scores if each.of is not None]
    if problem == MULTICLASS and len(parted) > 1:
        yield "probability_attribute", tuple(each.name for each in parted)
        yield "classes", tuple(str(each.of) for each in parted)


def _bias(settings: dict[str, Any], early: Sequence[ModelField], label: str | None, data: tuple[str, ...]) -> Watched:
    if not settings.get("facets"):
        remedy = 'For example --setting \'facets=[{"columns": ["Sex"], "values": [[0]]}]\', or --facet Sex=0.'
        raise Invalid(what="facets", got="none", expected="columns that tell groups apart", remedy=remedy)
    settings["ground_truth_attribute"] = None if label is None else TRUTH
    if not settings.get("inference_attribute") and not settings.get("probability_attribute"):
        guess = [each.name for each in early if each.role is Role.PREDICTION]
        scores = [each.name for each in early if each.role is Role.SCORE]
        settings |= {"inference_attribute": guess[0]} if guess else {}
        settings |= {"probability_attribute": scores[0]} if scores and not guess else {}
    made = _made(Bias.kind, settings)
    assert isinstance(made, Bias)
    probability = made.probability_attribute or ()
    several = (probability,) if isinstance(probability, str) else probability
    named = [name for facet in made.facets for name in facet.columns]
    named += [each for each in (made.group_variable, made.inference_attribute, *several) if each]
    return Watched(made, tuple(dict.fromkeys((*data, *named))), label)


def _explainability(settings: dict[str, Any], early: Sequence[ModelField], asked: Asked | None) -> Watched:
    if asked is not None:
        features = asked.features or tuple(each.name for each in early if each.role is Role.FEATURE)
        return Watched(_made(Explainability.kind, settings), features, None, asked)
    logged = [each for each in early if each.role is Role.ATTRIBUTION]
    if not logged:
        remedy = "Map columns of attributions to the model, or name a model to ask: --setting model=URL."
        raise Invalid(what="schema", got="no attributions", expected="fields of role attribution", remedy=remedy)
    if "attributions" not in settings:
        settings |= _pattern(logged)
    return Watched(_made(Explainability.kind, settings), tuple(each.name for each in logged))


def _pattern(logged: Sequence[ModelField]) -> dict[str, Any]:
    """How the columns are called, seen from the features that they belong to.

    >>> _pattern([ModelField("age_shap", Role.ATTRIBUTION, Kind.NUMERIC, of="age")])
    {'attributions': '{feature}_shap', 'features': ('age',)}
    """
    told = [each for each in logged if each.of and each.of in each.name]
    patterns = {each.name.replace(str(each.of), "{feature}", 1) for each in told}
    if len(patterns) == 1 and len(told) == len(logged):
        return {"attributions": patterns.pop(), "features": tuple(str(each.of) for each in told)}
    return {"attributions": "{feature}", "features": tuple(each.name for each in logged)}


def _asked(given: object) -> Asked | None:
    """The model that is asked, which is a URL: what runs in the server is for whoever runs the server."""
    if given is None:
        return None
    told = {"named": given} if isinstance(given, str) else given
    if not isinstance(told, Mapping) or not str(told.get("named", "")).startswith(("http://", "https://")):
        raise Invalid(what="model", got=given, expected="the URL of its /invocations")
    try:
        return Asked(**told)
    except TypeError as error:
        raise Invalid(what="model", got=sorted(told), expected="named, features, shap", remedy=str(error)) from error


def _made(kind: str, settings: Mapping[str, Any]) -> Monitor:
    """The monitor with these settings; raises `Invalid` naming the one that is wrong."""
    try:
        return _types(kind).validate_python(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or kind
        raise Invalid(what=f"setting {place} of {kind}", got=first["input"], expected=first["msg"]) from error


@cache
def _types(kind: str) -> TypeAdapter[Monitor]:
    """What settings of a kind may be, by the types of its members: they come from requests."""
    return TypeAdapter(MONITORS[kind])
