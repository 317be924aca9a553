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
    """An HTML page of an OpenAPI document, for people: paths, parameters, answers. Needs no script."""
    about = document["info"]
    parts = [
        _operation(path, method, entry)
        for path, entries in document.get("paths", {}).items()
        for method, entry in entries.items()
    ]
    title = escape(f"{about['title']} {about['version']}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{escape(about.get('description', ''))}</p>"
        '<p>For programs: <a href="/openapi.json">openapi.json</a></p>' + "".join(parts) + "</html>"
    )


def _operation(path: str, method: str, entry: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code><td>{escape(one['in'])}"
        f"<td>{'required' if one.get('required') else ''}<td>{escape(one.get('description', ''))}"
        for one in entry.get("parameters", ())
    )
    answers = ", ".join(
        f"{escape(code)} {escape(said.get('description', ''))}" for code, said in entry["responses"].items()
    )
    said = escape(entry.get("description") or entry.get("summary", ""))
    table = f"<table>{rows}</table>" if rows else ""
    return (
        f'<section><h3><span class="method">{escape(method.upper())}</span><code>{escape(path)}</code></h3>'
        f"<p>{said}</p>{table}<p>Answers: {answers}</p></section>"
    )
