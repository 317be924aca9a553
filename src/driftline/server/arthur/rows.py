"""Inferences and labels as Arthur's client sends them, made into lines that an import reads, with a result for each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from driftline.errors import Invalid
from driftline.formats.records import batch_of
from driftline.imports.job import Content
from driftline.schemas.columns import Columns
from driftline.schemas.conform import conform
from driftline.schemas.fields import ModelSchema
from driftline.schemas.mapped import resolve
from driftline.schemas.rules import Intake

ID, TIME, TRUTH_TIME, BATCH = "partner_inference_id", "inference_timestamp", "ground_truth_timestamp", "batch_id"
INFERENCE, TRUTH = "inference_data", "ground_truth_data"
_LONGEST = 512
"""Characters of an id, as in all imports."""


@dataclass(frozen=True)
class Lines:
    """Rows as JSON lines, what is in them, and what the client is told of each row."""

    data: bytes
    content: Content
    columns: Columns
    results: Sequence[Mapping[str, Any]]

    def answer(self) -> dict[str, Any]:
        """What the client is told: how many rows are taken, and of each whether it is."""
        failed = sum(each["status"] != 200 for each in self.results)
        total = len(self.results)
        counts = {"success": total - failed, "failure": failed, "total": total}
        return {"counts": counts, "results": list(self.results)}


def lines_of(rows: object, schema: ModelSchema, *, now: datetime, late: bool = False) -> Lines:
    """The rows of a request, those that cannot be taken left out and told; `late` are labels of earlier inferences.

    Rows are held to the schema as in every import. Raises `Invalid` if there is no list of rows at all, or if an
    attribute is in none of them without which they are worth nothing.

    >>> from datetime import UTC
    >>> from driftline.schemas.fields import Kind, ModelField, Role
    >>> schema = ModelSchema((ModelField("x", Role.PREDICTION, Kind.NUMERIC),))
    >>> rows = [{"partner_inference_id": "a", "inference_data": {"x": 1}}, {"inference_data": {"x": 1}},
    ...         {"partner_inference_id": "b", "inference_data": {"x": "high"}}]
    >>> made = lines_of(rows, schema, now=datetime(2026, 1, 1, tzinfo=UTC))
    >>> made.data, made.answer()["counts"], made.results[2]["message"]
    (b'{"partner_inference_id":"a","x":1}\\n', {'success': 1, 'failure': 2, 'total': 3},
     "column 'x': the label 'high' is not a number")
    """
    if not isinstance(rows, list) or not rows:
        raise Invalid(what="body", got=type(rows).__name__, expected="a list of rows", remedy="Send at least one row.")
    faults = [_fault(row, late) for row in rows]
    flat = {place: _flat(row, late) for place, row in enumerate(rows) if not faults[place]}
    has_truth = any(rows[place].get(TRUTH) for place in flat)
    content = Content.ACTUALS if late else Content.BOTH if has_truth else Content.PREDICTIONS
    columns = columns_for(frozenset(name for each in flat.values() for name in each), content)
    if flat and schema.fields:
        for place, reason in _rejected(flat, columns, schema, content, now).items():
            faults[place] = reason
            del flat[place]
    data = b"".join(json.dumps(each, separators=(",", ":")).encode() + b"\n" for each in flat.values())
    return Lines(data, content, columns, [_result(row, fault) for row, fault in zip(rows, faults, strict=True)])


def _result(row: object, fault: str) -> dict[str, Any]:
    id = row.get(ID) if isinstance(row, Mapping) else None
    return {ID: id, "message": fault or "success", "status": 400 if fault else 200}


def _rejected(
    flat: Mapping[int, Mapping[str, Any]], columns: Columns, schema: ModelSchema, content: Content, now: datetime
) -> dict[int, str]:
    """Which rows break a rule, by their place, and what is said of that; raises `Invalid` where all would."""
    batch = batch_of(flat.values())
    mapped = resolve(columns, schema, batch.schema, content=str(content))
    if mapped.faults:
        fault = mapped.faults[0]
        raise Invalid(what="rows", got=fault.code, expected="the attributes of the model", remedy=fault.message)
    rejected = conform(batch, mapped, Intake(now, "")).rejected
    if rejected is None:
        return {}
    places = list(flat)
    reasons = zip(rejected["_row"].to_pylist(), rejected["_reason"].to_pylist(), strict=True)
    return {places[row - 1]: reason for row, reason in reasons}


def columns_for(named: frozenset[str], content: Content) -> Columns:
    """Which of these columns are the id, the time and the batch; the rest are attributes by their names.

    >>> columns_for(frozenset(["partner_inference_id", "ground_truth_timestamp", "y"]), Content.ACTUALS).timestamp
    'ground_truth_timestamp'
    """
    time = TRUTH_TIME if content is Content.ACTUALS else TIME
    others = tuple(name for name in (TIME, TRUTH_TIME, BATCH) if name != time and name in named)
    batch = BATCH if BATCH in named and content is not Content.ACTUALS else None
    exclude = tuple(name for name in others if name != batch)
    return Columns(ID if ID in named else None, time if time in named else None, batch=batch, exclude=exclude)


def _fault(row: object, late: bool) -> str:
    """What is wrong with a row, in words; empty if nothing is."""
    if not isinstance(row, Mapping):
        return f"a row is an object, not {type(row).__name__}"
    id = row.get(ID)
    if not isinstance(id, str) or not 0 < len(id) <= _LONGEST:
        return f"{ID}: got {id!r}, expected a text of 1 to {_LONGEST} characters"
    wanted = TRUTH if late else INFERENCE
    if not isinstance(row.get(wanted), Mapping) or not row[wanted]:
        return f"{wanted}: got {row.get(wanted)!r}, expected an object of attributes and their values"
    for part in (INFERENCE, TRUTH):
        if row.get(part) is not None and not isinstance(row[part], Mapping):
            return f"{part}: got {row[part]!r}, expected an object of attributes and their values"
    odd = next(
        (name for part in (INFERENCE, TRUTH) for name, value in (row.get(part) or {}).items() if _odd(value)), None
    )
    if odd is not None:
        return f"{odd}: got a number that is infinite or none at all; send null for a value that is not known"
    return next((said for name in (TIME, TRUTH_TIME) if (said := _wrong_time(name, row.get(name)))), "")


def _odd(value: object) -> bool:
    return isinstance(value, float) and not isfinite(value)


def _wrong_time(name: str, value: object) -> str:
    if value is None:
        return ""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        return f"{name}: got {value!r}, expected a time with its zone, such as 2026-11-21T13:00:00+00:00"
    return ""


def _flat(row: Mapping[str, Any], late: bool) -> dict[str, Any]:
    kept = {name: row[name] for name in (ID, TIME, TRUTH_TIME, BATCH) if row.get(name) is not None}
    return {**kept, **({} if late else row[INFERENCE]), **(row.get(TRUTH) or {})}
