"""SageMaker's `dataset_format`, the JSON text by which jobs and the command line say how data is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from driftline.errors import Invalid

_CALLS = {"sagemakerCaptureJson": "capture", "sagemakerMergeJson": "merged"}
_FORMATS = {"csv": "csv", "json": "json", "parquet": "parquet", **_CALLS}
_SIDES = {"endpointOutput": "output", "endpointInput": "input"}


def read(given: str | None) -> tuple[str | None, dict[str, Any]]:
    """SageMaker's `dataset_format`: the format and its settings.

    >>> read('{"csv": {"header": true, "output_columns_position": "START"}}')
    ('csv', {'header': True, 'output_columns_position': 'START'})
    >>> read('{"json": {"lines": true}}')
    ('jsonlines', {})
    >>> read('{"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"], "originalDatasetFormat": null}}')
    ('merged', {'side': 'output'})
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
    if name in _CALLS:
        sides = [_SIDES[each] for each in settings.get("captureIndexNames") or () if each in _SIDES]
        return _CALLS[name], {"side": sides[0]} if len(sides) == 1 else {}
    return _FORMATS[name], settings
