"""The page that describes the REST API, made of its OpenAPI document, and the shape of its errors."""

from __future__ import annotations

from html import escape
from typing import Any

from driftline.server.aws.shapes import dumps
from driftline.server.errors import Told
from driftline.server.messages import Answer

_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code{font-family:ui-monospace,monospace}section{border-top:1px solid #8884;padding:.6rem 0}
.method{font-weight:600;display:inline-block;min-width:4.5rem}table{border-collapse:collapse}
td,th{padding:.1rem .8rem .1rem 0;text-align:left;vertical-align:top}
"""


def refused(found: Told) -> Answer:
    """An error of the REST API: `{"error": {"code", "message"}}`."""
    headers = {"content-type": "application/json"}
    if found.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Answer(found.status, dumps({"error": {"code": found.code, "message": found.message}}), headers)


def page(document: dict[str, Any]) -> str:
    """An HTML page of an OpenAPI document, for people: paths, parameters, bodies, answers. Needs no script."""
    about = document["info"]
    parts = [
        _operation(path, method, entry)
        for path, entries in document.get("paths", {}).items()
        for method, entry in entries.items()
    ]
    schemas = document.get("components", {}).get("schemas", {})
    values = [_value(name, schema) for name, schema in schemas.items() if schema.get("type") == "object"]
    title = escape(f"{about['title']} {about['version']}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{escape(about.get('description', ''))}</p>"
        "<p>Send <code>Authorization: Bearer KEY</code> with an API key, or sign as AWS clients do. "
        'For programs: <a href="/openapi.json">openapi.json</a></p>'
        + "".join(parts)
        + "<h2>Values</h2>"
        + "".join(values)
        + "</html>"
    )


def _operation(path: str, method: str, entry: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code><td>{escape(one['in'])}"
        f"<td>{'required' if one.get('required') else ''}<td>{escape(one.get('description', ''))}"
        for one in entry.get("parameters", ())
    )
    body = _content(entry.get("requestBody", {}))
    answers = ", ".join(
        f"{escape(code)} {_content(said) if code < '3' else escape(said.get('description', ''))}"
        for code, said in entry["responses"].items()
    )
    said = escape(entry.get("description") or entry.get("summary", ""))
    scopes = ", ".join(f"<code>{escape(scope)}</code>" for scope in scopes_of(entry))
    asked = f"<p>Scope: {scopes}</p>" if scopes else ""
    asked += f"<table>{rows}</table>" if rows else ""
    return (
        f'<section><h3><span class="method">{escape(method.upper())}</span><code>{escape(path)}</code></h3>'
        f"<p>{said}</p>{asked}{f'<p>Body: {body}</p>' if body else ''}<p>Answers: {answers}</p></section>"
    )


def scopes_of(entry: dict[str, Any]) -> list[str]:
    """What a caller of the operation must be allowed.

    >>> scopes_of({"security": [{"key": ["read"]}]})
    ['read']
    """
    return [scope for way in entry.get("security", ()) for scopes in way.values() for scope in scopes]


def _value(name: str, schema: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(member)}</code><td>{type_of(found)}<td>{escape(found.get('description', ''))}"
        for member, found in schema.get("properties", {}).items()
    )
    said = escape(schema.get("description", ""))
    return (
        f'<section id="{escape(name)}"><h3><code>{escape(name)}</code></h3><p>{said}</p><table>{rows}</table></section>'
    )


def _content(said: dict[str, Any]) -> str:
    """The value that a body or an answer holds, with a link to it."""
    return " ".join(type_of(each["schema"]) for each in said.get("content", {}).values() if each.get("schema"))


def type_of(schema: dict[str, Any]) -> str:
    """The type that a JSON schema describes, as HTML with links to the values of the page.

    >>> type_of({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]})
    'date-time or null'
    """
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}"><code>{name}</code></a>'
    if "anyOf" in schema:
        return " or ".join(map(type_of, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    if "enum" in schema:
        return ", ".join(escape(str(each)) for each in schema["enum"])
    return escape(schema.get("format") or schema.get("type") or "anything")
