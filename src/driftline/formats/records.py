"""JSON objects to batches one by one in Python: the exact way, for what the quick one cannot take."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa


def load(text: str | bytes) -> Any:
    """A JSON value whose numbers keep their kind: 3 and 3.0 differ. Raises ValueError where it is none."""
    return json.loads(text, parse_constant=float)


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The members by dotted names, objects and lists of anything but plain values unfolded.

    >>> flat({"a": {"b": 1}, "c": [{"d": 2}], "e": [1, 2]})
    {'a.b': 1, 'c.0.d': 2, 'e': [1, 2]}
    """
    found: dict[str, Any] = {}
    for name, value in record.items():
        path = prefix + str(name)
        if isinstance(value, Mapping):
            found.update(flat(value, path + "."))
        elif isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value):
            found.update(flat({str(place): each for place, each in enumerate(value)}, path + "."))
        else:
            found[path] = value
    return found


def as_text(value: Any) -> str | None:
    """A plain value as the text that tells its kind.

    >>> as_text(3), as_text(3.0), as_text(True), as_text(None)
    ('3', '3.0', 'true', None)
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else repr(value)


def batch_of(records: Iterable[Mapping[str, Any]]) -> pa.RecordBatch:
    """A batch of flat records: text columns, and lists of numbers as lists of doubles.

    Half a surrogate pair, which JSON can spell and UTF-8 cannot, becomes U+FFFD.

    >>> batch_of([{"a": "\\ud83d"}]).to_pylist() == [{"a": "\\ufffd"}]
    True
    """
    rows = list(records)
    try:
        return _batch(rows)
    except UnicodeEncodeError:
        return _batch([_encodable(row) for row in rows])


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_encodable(each) for each in value]
    return {_encodable(name): _encodable(each) for name, each in value.items()} if isinstance(value, Mapping) else value


def _batch(rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.RecordBatch.from_arrays([_array([row.get(name) for row in rows]) for name in names], names=names)


def _array(values: Sequence[Any]) -> pa.Array:
    lists = [value for value in values if isinstance(value, list)]
    if not lists or any(value is not None and not isinstance(value, list) for value in values):
        return pa.array([as_text(value) for value in values], pa.string())
    if all(
        (isinstance(each, int | float) and not isinstance(each, bool)) or each is None
        for value in lists
        for each in value
    ):
        return pa.array(values, pa.list_(pa.float64()))
    texts = [None if value is None else [as_text(each) for each in value] for value in values]
    return pa.array(texts, pa.list_(pa.string()))
