"""What one side of a captured call holds: rows of named or positional values, whatever its encoding."""

from __future__ import annotations

import base64
import binascii
import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from driftline.formats import records

LISTS = ("instances", "predictions", "outputs", "rows", "inputs")
"""Members under which serving containers put the rows of a call."""

VALUES = ("features", "probabilities", "data")
"""Members that hold the values of one row by position."""

CSV_TYPES = ("text/csv", "application/csv", "text/plain")
JSON_TYPES = ("application/json", "application/jsonlines", "application/x-json", "application/json-lines")


class Unusable(ValueError):
    """A payload that cannot be read, and why."""


@dataclass(frozen=True)
class Row:
    """Values of one inference on one side: by name, or by position where there are no names."""

    named: Mapping[str, Any]
    positional: Sequence[str | None] = ()


def is_row(path: str) -> bool:
    """Whether a JMESPath leads to what is taken for the values of a row without being told.

    >>> is_row("features"), is_row("instances[*].features"), is_row("person.features")
    (True, True, False)
    """
    *before, last = re.findall(r"\w+", path)
    return last in VALUES and not set(before) - set(LISTS)


def rows_of(side: Mapping[str, Any], *, compatible: bool = False) -> list[Row]:
    """The rows of an `endpointInput` or `endpointOutput`; raises `Unusable`.

    `compatible` refuses what SageMaker does not analyse: JSON but objects of plain values, and BASE64.

    >>> [row.positional for row in rows_of({"data": "1,2\\n3,\\n", "encoding": "CSV"})]
    [['1', '2'], ['3', None]]
    >>> [dict(row.named) for row in rows_of({"data": '{"instances": [{"a": 1}, {"a": 2}]}', "encoding": "JSON"})]
    [{'a': 1}, {'a': 2}]
    """
    kind, text = text_of(side)
    if compatible and str(side.get("encoding", "CSV")).upper() == "BASE64":
        raise Unusable("data in BASE64 is not analysed by SageMaker without a preprocessor")
    return _csv(text) if kind == "CSV" else _json(text, compatible)


def text_of(side: Mapping[str, Any]) -> tuple[str, str]:
    """`CSV` or `JSON`, and the payload as text; BASE64 is decoded and told by its content type."""
    encoding, data = str(side.get("encoding", "CSV")).upper(), side.get("data")
    if not isinstance(data, str):
        if isinstance(data, Mapping | list):  # written by hand: SageMaker always has a text here
            return "JSON", records.as_text(data) or ""
        raise Unusable("there is no data")
    if encoding in ("CSV", "JSON"):
        return encoding, data
    if encoding != "BASE64":
        raise Unusable(f"unsupported encoding {encoding!r}")
    kind_of(str(side.get("observedContentType", "")), "")
    try:
        text = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise Unusable(f"the data is no text in base64 ({error})") from error
    return kind_of(str(side.get("observedContentType", "")), text), text


def kind_of(content_type: str, text: str) -> str:
    """`CSV` or `JSON` by the media type, by the first character where that is missing."""
    media = content_type.partition(";")[0].strip().lower()
    if media in CSV_TYPES:
        return "CSV"
    if media in JSON_TYPES or media.endswith("+json"):
        return "JSON"
    if media:
        raise Unusable(f"unsupported content type {media!r}")
    return "JSON" if text.lstrip()[:1] in ("{", "[") else "CSV"


def _csv(text: str) -> list[Row]:
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n") if '"' not in text else text.splitlines(keepends=True)
    return [Row({}, [value or None for value in row]) for row in csv.reader(lines) if row]


def _json(text: str, compatible: bool) -> list[Row]:
    try:
        values = [records.load(text)]
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise Unusable(f"no JSON: {error}") from error
        try:
            values = [records.load(line) for line in lines]
        except ValueError as again:
            raise Unusable(f"no JSON: {again}") from again
    if compatible:
        _refuse_nested(values)
    return [row for value in values for row in _unfold(value)]


def _refuse_nested(values: Sequence[Any]) -> None:
    """SageMaker takes tabular or flattened JSON only."""
    for value in values:
        if not isinstance(value, Mapping):
            raise Unusable(f"{_kind(value)} in place of an object: SageMaker analyses flattened JSON only")
        for name, inner in value.items():
            if isinstance(inner, Mapping | list):
                raise Unusable(f"member {name!r} is {_kind(inner)}: SageMaker analyses flattened JSON only")


def _kind(value: Any) -> str:
    return "an object" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else "a plain value"


def _unfold(value: Any) -> list[Row]:
    """The rows of a JSON value: the list of a call, an object of columns, or one object."""
    if isinstance(value, list):
        if value and not any(isinstance(each, Mapping | list) for each in value):
            return [_positional(value)]
        return [row for each in value for row in _unfold(each)]
    if not isinstance(value, Mapping):
        return [_positional([value])]
    if len(value) == 1:
        (name, inner), *_ = value.items()
        if name in LISTS and isinstance(inner, list):
            return [_scalar(each) if not isinstance(each, Mapping | list) else _unfold(each)[0] for each in inner]
        if name in VALUES and isinstance(inner, list) and not any(isinstance(each, Mapping) for each in inner):
            return [_positional(inner)]
    if value and all(isinstance(each, list) and each for each in value.values()):
        widths = {len(each) for each in value.values()}
        plain = not any(isinstance(item, Mapping | list) for each in value.values() for item in each)
        if len(widths) == 1 and plain and len(value) > 1:
            return [Row(dict(zip(value, row, strict=True))) for row in zip(*value.values(), strict=True)]
    return [Row(records.flat(value))]


def _scalar(value: Any) -> Row:
    return _positional([value])


def _positional(values: Sequence[Any]) -> Row:
    return Row({}, [records.as_text(each) for each in values])
