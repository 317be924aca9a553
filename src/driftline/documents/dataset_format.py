"""SageMaker's `dataset_format`, the JSON text by which jobs and the command line say how data is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from driftline.errors import Invalid

_FORMATS = {"csv": "csv", "json": "json", "parquet": "parquet", "sagemakerCaptureJson": "capture"}


def read(given: str | None) -> tuple[str | None, dict[str, Any]]:
    """SageMaker's `dataset_format`: the format and its settings.

    >>> read('{"csv": {"header": true, "output_columns_position": "START"}}')
    ('csv', {'header': True, 'output_columns_position': 'START'})
    >>> read('{"json": {"lines": true}}')
    ('jsonlines', {})
    """
    if given is None:
        return None, {}
    expected = """'{"csv": {"header": true}}', '{"json": {"lines": true}}' or '{"parquet": {}}'"""
    try:
        wanted: Any = json.loads(given)
    except ValueError as error:
        raise Invalid(what="dataset_format", got=given, expected=expected, remedy=f"It is no JSON: {error}.") from error
    wanted = {wanted: {}} if isinstance(wanted, str) else wanted
    if not isinstance(wanted, dict) or len(wanted) != 1 or next(iter(wanted)) not in _FORMATS:
        raise Invalid(what="dataset_format", got=given, expected=expected)
    name, found = next(iter(wanted.items()))
    settings: dict[str, Any] = dict(found) if isinstance(found, Mapping) else {}
    if name == "json":
        lines = settings.pop("lines", settings.pop("line", False))
        return ("jsonlines" if lines else "json"), settings
    if name == "sagemakerCaptureJson":
        return "capture", {}
    return _FORMATS[name], settings
