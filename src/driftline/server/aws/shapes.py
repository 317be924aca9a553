"""Answers cut to botocore's output shapes, and the parts of a rest-json request that are not its body."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from driftline.server.aws.validation import loads, parse
from driftline.server.messages import Answer, Received


def cut(shape: Any, value: Any, moment: Callable[[Any], Any] | None = None) -> Any:
    """The value as the shape has it: only members that it knows, no nulls.

    Times are what `moment` makes of them: if it is not given, seconds with milliseconds, as JSON has them.
    """
    kind = shape.type_name
    if kind == "structure":
        found = ((name, member, value.get(name)) for name, member in shape.members.items())
        return {name: cut(member, given, moment) for name, member, given in found if given is not None}
    if kind == "list":
        return [cut(shape.member, element, moment) for element in value]
    if kind == "map":
        return {key: cut(shape.value, element, moment) for key, element in value.items()}
    if kind == "timestamp":
        return (moment or seconds)(value)
    return value


def seconds(moment: datetime | float) -> float:
    """Seconds since 1970 with milliseconds, as SageMaker answers.

    >>> from datetime import UTC
    >>> seconds(datetime(2024, 3, 18, 10, 52, 57, 786123, tzinfo=UTC))
    1710759177.786
    """
    return round(moment.timestamp() if isinstance(moment, datetime) else moment, 3)


def dumps(value: Any) -> bytes:
    """JSON in ASCII, without spaces; refuses NaN, which JSON has not."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def rest_request(shape: Any, received: Received, named: Mapping[str, str]) -> dict[str, Any]:
    """The request of a rest-json operation, from its path, query, headers and body; raises as `parse` does."""
    query = dict(parse_qsl(received.query, keep_blank_values=True))
    payload = shape.serialization.get("payload")
    found: dict[str, Any] = {}
    if payload is None and received.body:
        body = loads(received.body)
        found.update(body if isinstance(body, dict) else {})
    for name, member in shape.members.items():
        where, key = member.serialization.get("location"), member.serialization.get("name", name)
        if where == "uri":
            found[name] = named.get(key)
        elif where == "querystring":
            found[name] = query.get(key)
        elif where == "header":
            found[name] = received.headers.get(key.lower())
        elif name == payload:
            found[name] = received.body
    return parse(shape, found)


def rest_answer(shape: Any, value: Mapping[str, Any]) -> Answer:
    """The answer of a rest-json operation: headers and body as the shape places its members."""
    payload = shape.serialization.get("payload")
    headers: dict[str, str] = {}
    for name, member in shape.members.items():
        if member.serialization.get("location") == "header" and value.get(name) is not None:
            headers[member.serialization.get("name", name).lower()] = str(value[name])
    if payload is not None:
        body = value.get(payload) or b""
        return Answer(200, body if isinstance(body, bytes) else str(body).encode(), headers)
    places = (member.serialization.get("location") for member in shape.members.values())
    inner = {name: value.get(name) for (name, _), place in zip(shape.members.items(), places, strict=True) if not place}
    return Answer(200, dumps(cut(shape, inner)), {"content-type": "application/json", **headers})
