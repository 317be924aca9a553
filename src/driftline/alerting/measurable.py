"""What rules of a model can be about."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from driftline.alerting import judging
from driftline.catalog import looks, modelmonitors
from driftline.catalog.looks import Looks
from driftline.modelmonitors.running import COMPLETED, VIOLATED


def measured(tx: Connection, model: str, now: datetime) -> tuple[list[str], list[str]]:
    """The measures in the last window of each monitor of the model, and the columns, facets and labels they are of."""
    measures: dict[str, None] = {}
    subjects: dict[str, None] = {}
    for each in modelmonitors.of_model(tx, model):
        runs = looks.looks(tx, Looks(model, each.name, (COMPLETED, VIOLATED)), None, now, 1)
        measures |= dict.fromkeys(judging.measures(runs))
        subjects |= dict.fromkeys(told["subject"] for run in runs for told in run.body.get("figures", ()))
    return list(measures), list(subjects)
