"""AWS's query protocol: requests as forms with numbered members, answers in XML."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from driftline.server.aws.validation import parse
from driftline.server.errors import AwsError

FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20_000
_MOST_ELEMENTS, _DEEPEST = 10_000, 16


def fields(body: bytes) -> dict[str, str]:
    """The fields of a form; raises `AwsError` for what is none."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, strict_parsing=bool(body))
    except ValueError as error:
        raise AwsError("MalformedQueryString", f"The request body is no form: {error}") from error
    return dict(pairs)


def request(shape: Any, body: bytes) -> dict[str, Any]:
    """The request of a form, held against the shape; raises as `parse` does."""
    form = fields(body)
    return parse(shape, _value(shape, form, "", _prefixes(form)))


def _prefixes(form: Mapping[str, str]) -> frozenset[str]:
    """Every beginning of a name that ends before a dot, and every name."""
    found = set(form)
    for name in form:
        parts = name.split(".", _DEEPEST)
        found.update(".".join(parts[:count]) for count in range(1, min(len(parts), _DEEPEST)))
    return frozenset(found)


def _value(shape: Any, form: Mapping[str, str], path: str, known: frozenset[str]) -> Any:
    kind = shape.type_name
    if kind == "structure":
        places = (
            (name, member, _under(path, member.serialization.get("name", name)))
            for name, member in shape.members.items()
        )
        return {name: _value(member, form, place, known) for name, member, place in places if place in known}
    if kind == "list":
        word = shape.member.serialization.get("name", "member")
        inner = path if shape.serialization.get("flattened") else f"{path}.{word}"
        return [_value(shape.member, form, place, known) for place in _numbered(inner, known)]
    if kind == "map":
        key, value = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
        inner = path if shape.serialization.get("flattened") else f"{path}.entry"
        found = _numbered(inner, known)
        return {form.get(f"{place}.{key}", ""): _value(shape.value, form, f"{place}.{value}", known) for place in found}
    return _scalar(kind, form.get(path, ""))


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _numbered(path: str, known: frozenset[str]) -> Iterator[str]:
    """The places of a list's elements, which count from 1 without gaps."""
    for number in range(1, _MOST_ELEMENTS):
        place = f"{path}.{number}"
        if place not in known:
            return
        yield place


def _scalar(kind: str, text: str) -> Any:
    """The value of a text; one that is none of this kind stays text, and is refused as such."""
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("float", "double"):
            return float(text)
        if kind == "blob":
            return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return text
    return {"true": True, "false": False}.get(text.lower(), text) if kind == "boolean" else text


def answer(operation: Any, value: Mapping[str, Any], request_id: str) -> bytes:
    """The answer of an operation in XML; `operation` is botocore's model of it, `value` cut to its shape."""
    shape = operation.output_shape
    inner = ""
    if shape is not None:
        frame = shape.serialization.get("resultWrapper", f"{operation.name}Result")
        inner = f"<{frame}>{_members(shape, value)}</{frame}>"
    space = escape(operation.service_model.metadata["xmlNamespace"])
    meta = f"<ResponseMetadata><RequestId>{escape(request_id)}</RequestId></ResponseMetadata>"
    name = f"{operation.name}Response"
    return f'<{name} xmlns="{space}">{inner}{meta}</{name}>'.encode()


def _members(shape: Any, value: Mapping[str, Any]) -> str:
    found = ((name, member) for name, member in shape.members.items() if name in value)
    return "".join(_element(member, member.serialization.get("name", name), value[name]) for name, member in found)


def _element(shape: Any, name: str, value: Any) -> str:
    kind = shape.type_name
    if kind == "list":
        flat = shape.serialization.get("flattened")
        word = name if flat else shape.member.serialization.get("name", "member")
        inner = "".join(_element(shape.member, word, each) for each in value)
        return inner if flat else f"<{name}>{inner}</{name}>"
    if kind == "map":
        pairs = (_element(shape.key, "key", key) + _element(shape.value, "value", each) for key, each in value.items())
        return f"<{name}>{''.join(f'<entry>{pair}</entry>' for pair in pairs)}</{name}>"
    inner = _members(shape, value) if kind == "structure" else escape(_shown(kind, value), {"\r": "&#13;"})
    return f"<{name}>{inner}</{name}>"


def _shown(kind: str, value: Any) -> str:
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "blob":
        return base64.b64encode(value).decode()
    return moment(value) if isinstance(value, datetime) else str(value)


def moment(value: datetime) -> str:
    """A time as XML has it.

    >>> moment(datetime(2026, 3, 1, 12, 30, 15, 120_000, tzinfo=UTC))
    '2026-03-01T12:30:15.120Z'
    """
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
