"""The report as one self-contained HTML page, and a short form of it for notebooks."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from driftline.monitors.verdict import Verdict
from driftline.pages import words
from driftline.pages.content import DRIFT, Content, Pair, pairs_of
from driftline.pages.method import formulas_of, gaps_of
from driftline.pages.rows import SPARKLINES, Fired, card_of, drawn, extra_names, fired_of, moved_most, row_of
from driftline.pages.summary import headline, tiles_of
from driftline.problems import Problems
from driftline.profile import Profile
from driftline.version import VERSION

if TYPE_CHECKING:
    from jinja2 import Environment

FIRED_OPEN, FIRED_MOST = 8, 500
"""So many violations are listed at once, and so many at all; the table of columns names every one."""
FRAGMENT_ROWS = 10


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
    """A short form for notebooks: verdict, violations and what moved most, styled inline, without scripts."""
    pairs = pairs_of(content)
    ordered = moved_most(pairs)[:FRAGMENT_ROWS]
    return _printed(
        "fragment.html",
        headline=headline(content, pairs),
        tiles=tiles_of(content, pairs),
        rows=[row_of(pair, ()) for pair in ordered],
        fired=_fired(content, pairs, frozenset())[:FRAGMENT_ROWS],
        count=len(content.verdict.violations),
        columns=len(pairs),
        content=content,
    )


def _view(content: Content) -> dict[str, Any]:
    """All that the template prints."""
    pairs = pairs_of(content)
    extras = extra_names(pairs)
    shown = drawn(pairs)
    cards = frozenset(pair.name for pair in shown)
    sparks = frozenset(pair.name for pair in moved_most(pairs)[:SPARKLINES])
    rows = {pair.name: row_of(pair, extras, spark=pair.name in sparks, cards=cards) for pair in pairs}
    fired = _fired(content, pairs, cards)
    return {
        "content": content,
        "headline": headline(content, pairs),
        "tiles": tiles_of(content, pairs),
        "fired": fired[:FIRED_MOST],
        "fired_open": FIRED_OPEN if len(fired) > FIRED_OPEN + 2 else len(fired),
        "fired_count": len(fired),
        "cards": [card_of(pair, rows[pair.name]) for pair in shown],
        "rows": list(rows.values()),
        "sparks": len(sparks),
        "extras": [_extra(name, pairs) for name in extras],
        "has_distance": any(DRIFT in pair.measures for pair in pairs),
        "problems": content.problems,
        "formulas": formulas_of(content.verdict.measures),
        "gaps": gaps_of(content.verdict.measures),
        "failures": [(words.name_of(name), words.hint(why)) for name, why in content.current.failures.items()],
        "version": VERSION,
        "words": words,
    }


def _fired(content: Content, pairs: Sequence[Pair], cards: frozenset[str]) -> list[Fired]:
    """All violations: those of the data set first, then those of the columns that moved most."""
    named = {pair.name: (place, pair) for place, pair in enumerate(moved_most(pairs))}
    found = [(*named.get(each.subject, (-1, None)), each) for each in content.verdict.violations]
    return [fired_of(each, pair, cards) for _, pair, each in sorted(found, key=lambda each: each[0])]


def _extra(name: str, pairs: Sequence[Pair]) -> dict[str, Any]:
    """A measure's heading; hidden until asked for, unless it is PSI or somewhere has a limit."""
    limited = any(name in pair.measures and pair.measures[name].limit is not None for pair in pairs)
    return {"name": name, "title": words.measure_title(name), "hidden": not limited and name != "psi"}


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


@cache
def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup, escape

    texts = {name: _text(name) for name in ("report.html", "fragment.html")}
    found = Environment(
        loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.filters["breakable"] = lambda name: Markup(re.sub(r"([_./])", r"\1<wbr>", str(escape(name))))
    found.filters["commas"] = lambda count: f"{count:,}"
    return found


@cache
def _text(name: str) -> str:
    from importlib.resources import files

    return files("driftline.pages").joinpath(name).read_text(encoding="utf-8")
