"""Rows that Aporia's SDK 2.x logs one by one, as JSON lines in the inbox of their model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from driftline import registry
from driftline.imports.job import Content, ImportJob
from driftline.imports.pushed import inbox_of, push
from driftline.registry import ModelVersion
from driftline.schemas.columns import Columns
from driftline.schemas.fields import ModelSchema, Role
from driftline.server.aporia.asked import RowAsked, RowsAsked
from driftline.server.aporia.datasets import served_in
from driftline.server.aporia.fields import actual_of
from driftline.server.aporia.versions import locked, own_of
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call
from driftline.storage.access import Access

_ANSWERS = (Role.PREDICTION, Role.SCORE, Role.RANK)


@dataclass(frozen=True)
class Names:
    """What the columns of logged rows are called: as the fields are, and two names that no field has."""

    id: str
    time: str
    fields: frozenset[str]
    actuals: Mapping[str, str]
    """Prediction -> the field of its truth."""

    @classmethod
    def of(cls, schema: ModelSchema) -> Names:
        """Those of a version with these fields."""
        fields = frozenset(each.name for each in schema)
        id, time = (_free(name, fields) for name in ("prediction_id", "occurred_at"))
        return cls(id, time, fields, {each.of: each.name for each in schema.late if each.of})


def log(call: Call, asked: RowsAsked) -> list[str]:
    """Put logged predictions and actuals where they are imported from; returns what of them could not be kept.

    The same call again changes nothing. Raises `NotFound` for an unknown version.
    """
    found = _with_actuals(call, asked)
    names = Names.of(found.schema)
    rows, warnings = rows_of(names, asked.predictions)
    for content, some in rows.items():
        body = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in some).encode()
        inbox = _inbox(call, found, content, names, asked.environment)
        push(call.catalog, inbox, body, sha256(body).hexdigest(), access=Access(), now=call.now)
    wake(call)
    return warnings


def rows_of(names: Names, said: Sequence[RowAsked]) -> tuple[dict[Content, list[dict[str, Any]]], list[str]]:
    """The rows by what they hold, and warnings; a row without an id gets one that is the same when it comes again.

    >>> names = Names("id", "time", frozenset({"x", "y", "y_actual"}), {"y": "y_actual"})
    >>> rows, warnings = rows_of(names, [RowAsked(id="a", features={"x": 1, "z": 2}, predictions={"y": 3})])
    >>> rows[Content.PREDICTIONS], warnings
    ([{'x': 1, 'y': 3, 'id': 'a', 'time': None}], ['field z: not a field of the version, in 1 rows'])
    """
    seed = sha256(json.dumps([each.model_dump() for each in said], sort_keys=True).encode()).hexdigest()[:32]
    rows: dict[Content, list[dict[str, Any]]] = {}
    left: Counter[str] = Counter()
    for place, each in enumerate(said):
        content, row = _row(names, each, f"{seed}-{place}")
        if set(row) == {names.id}:
            left["raw inputs: kept only with their prediction"] += 1
            continue
        unknown = [name for name in row if name not in names.fields and name not in (names.id, names.time)]
        left.update(f"field {name}: not a field of the version" for name in unknown)
        if each.confidence:
            left["confidence: not kept; declare a numeric prediction for it"] += 1
        rows.setdefault(content, []).append({name: value for name, value in row.items() if name not in unknown})
    return rows, [f"{what}, in {count} rows" for what, count in sorted(left.items())]


def _row(names: Names, said: RowAsked, id: str) -> tuple[Content, dict[str, Any]]:
    truth = {names.actuals.get(name, name): value for name, value in (said.actuals or {}).items()}
    if not said.predictions:
        return Content.ACTUALS, {names.id: said.id, **truth}
    sections = (said.rawInputs, said.features, said.metrics, said.predictions)
    row = {name: value for section in sections for name, value in (section or {}).items()}
    own = {names.id: said.id or id, names.time: said.occurredAt}
    return (Content.BOTH if truth else Content.PREDICTIONS), {**row, **truth, **own}


def _with_actuals(call: Call, asked: RowsAsked) -> ModelVersion:
    """The version with fields for the actuals that are logged."""
    told = {name for each in asked.predictions for name in each.actuals or {}}
    with call.catalog.begin() as tx:
        found = locked(tx, asked.modelId, asked.modelVersion)
        known = [each.name for each in found.schema.having(*_ANSWERS) if each.name in told]
        mapping = own_of(found).get("mapping", {})
        schema = found.schema.with_fields(actual_of(found.schema, name, mapping) for name in known)
        if schema == found.schema:
            return found
        return registry.put_schema(tx, asked.modelId, asked.modelVersion, schema, now=call.now)


def _inbox(call: Call, version: ModelVersion, content: Content, names: Names, served: str) -> ImportJob:
    environment, batch = served_in(served)
    return inbox_of(
        call.settings,
        version.model,
        version.version,
        format="jsonlines",
        content=content,
        columns=Columns(id=names.id, timestamp=None if content is Content.ACTUALS else names.time),
        environment=environment,
        batch=batch,
    )


def _free(name: str, taken: frozenset[str]) -> str:
    while name in taken:
        name += "_"
    return name
