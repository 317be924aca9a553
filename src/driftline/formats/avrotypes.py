"""Avro's types as Arrow's, and what must be done to the values on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa

Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class Shape:
    """An Arrow type, and how a value is changed before Arrow takes it; None where it is taken as it is."""

    kind: pa.DataType
    convert: Convert | None = None

    def array(self, values: Sequence[Any]) -> pa.Array:
        """The values as an Arrow array; None is null."""
        if self.convert is not None:
            convert = self.convert
            values = [None if value is None else convert(value) for value in values]
        return pa.array(values, self.kind)


def _text(value: Any) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


TEXT = Shape(pa.string(), _text)
"""For what Arrow has no type for: unions of different things, records within themselves."""

_PRIMITIVE = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
}

# fastavro is asked for the plain integers, which Arrow takes for times at once.
_TIMES = {
    ("int", "date"): pa.date32(),
    ("int", "time-millis"): pa.time32("ms"),
    ("long", "time-micros"): pa.time64("us"),
    ("long", "timestamp-millis"): pa.timestamp("ms", "UTC"),
    ("long", "timestamp-micros"): pa.timestamp("us", "UTC"),
    ("long", "timestamp-nanos"): pa.timestamp("ns", "UTC"),
    ("long", "local-timestamp-millis"): pa.timestamp("ms"),
    ("long", "local-timestamp-micros"): pa.timestamp("us"),
    ("long", "local-timestamp-nanos"): pa.timestamp("ns"),
}

_NUMBERS = ("int", "long", "float", "double")


def columns_of(schema: Any) -> dict[str, Shape] | None:
    """The columns of a record's schema, in order; None where the rows are no records but bare values.

    >>> columns_of({"type": "record", "name": "R", "fields": [{"name": "a", "type": ["null", "int"]}]})
    {'a': Shape(kind=DataType(int32), convert=None)}
    """
    if not isinstance(schema, Mapping) or schema.get("type") != "record":
        return None
    known: dict[str, Shape] = {}
    name = _full_name(schema, "")
    known[name] = TEXT
    return {each["name"]: shape_of(each["type"], known, _space(name)) for each in schema["fields"]}


def shape_of(schema: Any, known: dict[str, Shape], space: str = "") -> Shape:
    """The shape of a type; `known` are the named types met so far, `space` the namespace around."""
    if isinstance(schema, str):
        return _reference(schema, known, space)
    if isinstance(schema, Sequence):
        return _union(schema, known, space)
    found = _logical(schema)
    if found is not None:
        return _named(schema, found, known, space)
    match schema["type"]:
        case "array":
            return _list(shape_of(schema["items"], known, space))
        case "map":
            return _map(shape_of(schema["values"], known, space))
        case "enum" | "fixed" as kind:
            plain = pa.string() if kind == "enum" else pa.binary(schema["size"])
            return _named(schema, Shape(plain), known, space)
        case "record" | "error":
            return _record(schema, known, space)
        case inner:
            return shape_of(inner, known, space)


def without_logic(schema: Any) -> Any:
    """The same schema without logical types, under which fastavro gives plain integers and bytes."""
    if isinstance(schema, Mapping):
        kept = {key: value for key, value in schema.items() if key not in ("logicalType", "default")}
        for key in ("type", "items", "values", "fields"):
            if key in kept:
                kept[key] = without_logic(kept[key])
        return kept
    return [without_logic(each) for each in schema] if isinstance(schema, list) else schema


def _full_name(schema: Mapping[str, Any], space: str) -> str:
    name = str(schema.get("name", ""))
    space = str(schema.get("namespace", space))
    return name if "." in name or not space else f"{space}.{name}"


def _space(full_name: str) -> str:
    return full_name.rpartition(".")[0]


def _named(schema: Mapping[str, Any], shape: Shape, known: dict[str, Shape], space: str) -> Shape:
    if "name" in schema:
        known[_full_name(schema, space)] = shape
    return shape


def _reference(name: str, known: dict[str, Shape], space: str) -> Shape:
    """A primitive type, or one that was named before, in the namespace around or with its full name."""
    if name in _PRIMITIVE:
        return Shape(_PRIMITIVE[name])
    full = name if "." in name or not space else f"{space}.{name}"
    return known.get(full) or known[name]


def _logical(schema: Mapping[str, Any]) -> Shape | None:
    """The shape of a logical type; None where it is not known, which Avro wants to be passed over."""
    kind, logical = schema["type"], schema.get("logicalType")
    if not isinstance(kind, str) or not isinstance(logical, str):
        return None
    if (kind, logical) in _TIMES:
        return Shape(_TIMES[kind, logical])
    if logical == "uuid":
        return Shape(pa.string(), None if kind == "string" else lambda value: str(UUID(bytes=value)))
    if logical == "decimal" and kind in ("bytes", "fixed"):
        return _decimal(int(schema["precision"]), int(schema.get("scale", 0)))
    return None


def _decimal(precision: int, scale: int) -> Shape | None:
    if not 0 < precision <= 76:  # more than Arrow's widest
        return None
    context = Context(prec=precision + 1)

    def convert(value: bytes) -> Decimal:
        return context.scaleb(Decimal(int.from_bytes(value, "big", signed=True)), -scale)

    return Shape((pa.decimal128 if precision <= 38 else pa.decimal256)(precision, scale), convert)


def _union(members: Sequence[Any], known: dict[str, Shape], space: str) -> Shape:
    """One type and null is that type; several numbers are the widest; anything else becomes text."""
    kinds = [each for each in members if each != "null"]
    if not kinds:
        return Shape(pa.null())
    if len(kinds) == 1:
        return shape_of(kinds[0], known, space)
    shapes = [shape_of(each, known, space) for each in kinds]  # named types in here may be meant later
    if all(isinstance(each, str) and each in _NUMBERS for each in kinds):
        return Shape(pa.int64()) if set(kinds) <= {"int", "long"} else Shape(pa.float64(), float)
    if all(shape == Shape(pa.string()) for shape in shapes):
        return Shape(pa.string())
    return TEXT


def _list(item: Shape) -> Shape:
    convert = item.convert
    if convert is None:
        return Shape(pa.list_(item.kind))
    change = convert
    return Shape(pa.list_(item.kind), lambda values: [None if each is None else change(each) for each in values])


def _map(value: Shape) -> Shape:
    kind, change = pa.map_(pa.string(), value.kind), value.convert
    if change is None:
        return Shape(kind, lambda entries: list(entries.items()))
    return Shape(kind, lambda entries: [(key, None if each is None else change(each)) for key, each in entries.items()])


def _record(schema: Mapping[str, Any], known: dict[str, Shape], space: str) -> Shape:
    name = _full_name(schema, space)
    known[name] = TEXT  # a record within itself has no type in Arrow
    members = {each["name"]: shape_of(each["type"], known, _space(name)) for each in schema["fields"]}
    changes = {key: shape.convert for key, shape in members.items() if shape.convert is not None}
    kind = pa.struct([pa.field(key, shape.kind) for key, shape in members.items()])

    def convert(value: Mapping[str, Any]) -> dict[str, Any]:
        new = dict(value)
        for key, change in changes.items():
            if new.get(key) is not None:
                new[key] = change(new[key])
        return new

    known[name] = Shape(kind, convert if changes else None)
    return known[name]
