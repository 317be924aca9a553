"""The metrics of a run, kept where CloudWatch's calls on our own address find them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from driftline.alarms import samples
from driftline.catalog import metrics
from driftline.errors import Invalid
from driftline.processing.metrics import namespace


def record(tx: Connection, environment: Mapping[str, str], found: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Keep the metrics that a job told of; what a container wrote that is none is left out."""
    space, told = namespace(environment), []
    for each in found:
        try:
            told.append(samples.read(each, space, now=now))
        except (Invalid, KeyError, TypeError, AttributeError):  # a container may write anything
            continue
    metrics.put(tx, told)
