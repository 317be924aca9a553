"""JSON as SageMaker's files are printed: the default pretty printer of Jackson, doubles as Java prints them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from driftline.monitors import java


def dumps(value: Any, depth: int = 0) -> str:
    """The text of a JSON value; NaN and infinities become strings, which every reader takes.

    >>> print(dumps({"version": 0.0, "features": [{"name": "age"}], "data": [[1.0, 2.5]], "none": {}}))
    {
      "version" : 0.0,
      "features" : [ {
        "name" : "age"
      } ],
      "data" : [ [ 1.0, 2.5 ] ],
      "none" : { }
    }
    """
    if isinstance(value, Mapping):
        return _members(value, depth)
    if isinstance(value, list) and value and all(type(each) is float for each in value):
        return "[ " + ", ".join(map(_double, value)) + " ]"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[ " + ", ".join(dumps(each, depth) for each in value) + " ]" if value else "[ ]"
    if isinstance(value, float):
        return _double(value)
    return json.dumps(value, ensure_ascii=False)


def _double(value: float) -> str:
    return java.double(value) if isfinite(value) else f'"{java.double(value)}"'


def _members(value: Mapping[str, Any], depth: int) -> str:
    if not value:
        return "{ }"
    pad = "  " * (depth + 1)
    members = [f"{pad}{json.dumps(key, ensure_ascii=False)} : {dumps(each, depth + 1)}" for key, each in value.items()]
    return "{\n" + ",\n".join(members) + "\n" + "  " * depth + "}"
