"""Calls of Aporia's SDK 2.x that are not for here, refused with what to do instead."""

from __future__ import annotations

from fastapi import APIRouter

from driftline.errors import Invalid
from driftline.server.rest.callers import Writing

router = APIRouter(prefix="/v1beta")

ROWS = "Driftline makes its baselines of rows: bring the set with model.connect_training or connect_testing."
MONITORS = "Monitors are made and run by the REST API under /v1, or on the command line."
_LATER = "Driftline reads rows, and neither models nor vocabularies: leave this call out."


@router.post("/models/{model}/versions/{version}/model_artifact")
@router.post("/models/{model}/versions/{version}/index_to_word_mapping")
def refuse_artifact(_call: Writing) -> None:
    """Binary models and tables of words."""
    raise Invalid(what="what belongs to a version", got="a model or its words", expected="rows", remedy=_LATER)


@router.post("/models/{model}/versions/{version}/training_sample")
def refuse_sample(_call: Writing) -> None:
    """Features and labels of a training set, drawn apart from each other: rows cannot be made of them."""
    raise Invalid(what="training set", got="values that belong to no rows", expected="rows", remedy=ROWS)


@router.post("/monitors")
@router.delete("/monitors/{monitor}")
def refuse_monitors(_call: Writing) -> None:
    """Monitors of these clients' own sorts."""
    raise Invalid(what="monitor", got="one of Aporia's", expected="one of Driftline's", remedy=MONITORS)
