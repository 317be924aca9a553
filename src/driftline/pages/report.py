"""The report as one self-contained HTML page, and a short form of it for notebooks."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from driftline.monitors.bias import Bias
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.explainability import Explainability
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.verdict import Verdict
from driftline.pages import columns, fairness, importance, measures, quality, words
from driftline.pages.body import Page
from driftline.pages.content import Content, pairs_of
from driftline.pages.method import formulas_of, gaps_of
from driftline.pages.rows import moved_most, row_of
from driftline.problems import Problems
from driftline.profile import Profile
from driftline.version import VERSION

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FIRED_OPEN, FIRED_MOST = 8, 500
"""So many violations are listed at once, and so many at all; the table of columns names every one."""
FRAGMENT_ROWS, FRAGMENT_MEASURES = 10, 20

PAGES: dict[str, Page] = {
    DataQuality.kind: columns.PAGE,
    ModelQuality.kind: quality.PAGE,
    Bias.kind: fairness.PAGE,
    Explainability.kind: importance.PAGE,
}
"""What makes the page of each kind of monitor; a kind that is not here gets a table of its measures."""

TEMPLATES = (
    "report.html",
    "fragment.html",
    "macros.html",
    "moved.html",
    "columns.html",
    "blocks.html",
    "measures.html",
)


def render(content: Content) -> str:
    """The page: one HTML document that needs nothing else, with every text from the data escaped.

    A policy in the page allows no script, style or address but its own.
    """
    style, script = _text("report.css"), _text("report.js")
    return _printed("report.html", **_view(content), style=style, script=script, policy=_policy(style, script))


def render_profile(profile: Profile, *, title: str, created: str, problems: Problems | None = None) -> str:
    """The page of one profile alone: no baseline, no verdict."""
    return render(Content(Verdict(), profile, None, problems or Problems(), title, (), created, ()))


def fragment(content: Content) -> str:
    """A short form for notebooks: verdict, violations and what moved most, or else the measures with limits."""
    page = page_of(content)
    body, is_columns = page.body(content), page is columns.PAGE
    pairs = pairs_of(content) if is_columns else ()
    return _printed(
        "fragment.html",
        body=body,
        rows=[row_of(pair, ()) for pair in moved_most(pairs)[:FRAGMENT_ROWS]],
        measures=() if is_columns else measures.most_telling(content.verdict, FRAGMENT_MEASURES),
        all_measures=len(content.verdict.measures),
        fired=body.fired[:FRAGMENT_ROWS],
        columns=len(pairs),
        content=content,
    )


def page_of(content: Content) -> Page:
    """What makes the page of this kind of monitor; a profile alone looks the same whoever asked for it."""
    return columns.PAGE if content.is_profile else PAGES.get(content.monitor.kind, measures.PAGE)


def _view(content: Content) -> dict[str, Any]:
    """All that the template prints."""
    page = page_of(content)
    body = page.body(content)
    return {
        "content": content,
        "body": body,
        "sections": page.sections(content),
        "fired": body.fired[:FIRED_MOST],
        "fired_open": FIRED_OPEN if len(body.fired) > FIRED_OPEN + 2 else len(body.fired),
        "fired_count": len(body.fired),
        "problems": content.problems,
        "formulas": formulas_of(content.verdict.measures, body.limited),
        "gaps": gaps_of(content.verdict.measures),
        "failures": [(words.name_of(name), words.hint(why)) for name, why in content.current.failures.items()],
        "version": VERSION,
        "words": words,
    }


def _policy(style: str, script: str) -> str:
    """A content security policy that knows the page's own style and script by their hashes."""
    styles, scripts = (b64encode(sha256(text.encode()).digest()).decode() for text in (style, script))
    return (
        f"default-src 'none'; style-src 'sha256-{styles}'; script-src 'sha256-{scripts}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _printed(name: str, **values: Any) -> str:
    """The template with these values; halves of surrogate pairs, which no file can hold, become `?`."""
    return _environment().get_template(name).render(**values).encode(errors="replace").decode()


def breakable(name: str) -> Markup:
    """A name that may be broken behind each `_`, `.` and `/`, escaped."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"([_./])", r"\1<wbr>", str(escape(name))))


@cache
def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    texts = {name: _text(name) for name in TEMPLATES}
    found = Environment(
        loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.filters["breakable"] = breakable
    found.filters["commas"] = lambda count: f"{count:,}"
    return found


@cache
def _text(name: str) -> str:
    from importlib.resources import files

    return files("driftline.pages").joinpath(name).read_text(encoding="utf-8")
