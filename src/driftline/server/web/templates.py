"""The console's pages as text: templates with every value escaped, the style, and the headers all pages have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from math import isnan
from typing import TYPE_CHECKING, Any

from driftline.pages.report import breakable
from driftline.pages.terminal import number
from driftline.version import VERSION

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
"""No script and no style but our own files, no frame around a page, and no page kept by caches."""

OF_REPORTS = ("blocks.html", "moved.html", "macros.html")
"""Parts of reports that pages show, too."""

_TONES = {
    "good": ("Completed", "active", "done", "Scheduled", "OK", "InService"),
    "bad": ("CompletedWithViolations", "Failed", "failed", "InAlert"),
    "warn": ("NoData", "NoLabels", "NoBaseline", "inactive", "paused", "Stopped", "Stopping"),
}
_SPOKEN = {
    "CompletedWithViolations": "violations",
    "Completed": "fine",
    "NoData": "no data",
    "NoLabels": "no labels",
    "NoBaseline": "no baseline",
    "InProgress": "running",
    "InAlert": "in alert",
    "inactive": "paused",
}


def printed(name: str, **values: Any) -> str:
    """The template with these values; halves of surrogate pairs become `?`."""
    return _environment().get_template(name).render(**values).encode(errors="replace").decode()


def tone(status: object) -> str:
    """How a status is coloured: good, bad, warn or plain.

    >>> tone("Completed"), tone("NoData"), tone("Pending")
    ('good', 'warn', 'plain')
    """
    return next((name for name, known in _TONES.items() if str(status) in known), "plain")


def spoken(status: object) -> str:
    """A status in plain words.

    >>> spoken("CompletedWithViolations"), spoken("Pending")
    ('violations', 'pending')
    """
    return _SPOKEN.get(str(status), str(status).lower())


def when(moment: datetime | None) -> Markup:
    """A time to the minute in UTC, which programs can read too; a dash for none."""
    from markupsafe import Markup

    if moment is None:
        return Markup('<span class="old">–</span>')
    shown = moment.astimezone(UTC)
    return Markup('<time datetime="{}">{} UTC</time>').format(shown.isoformat(), f"{shown:%Y-%m-%d %H:%M}")


def count(value: float | None) -> str:
    """A number for people; a dash for none.

    >>> count(1234), count(None)
    ('1,234', '–')
    """
    return "–" if value is None or isnan(value) else f"{value:,}" if isinstance(value, int) else number(value)


@cache
def style() -> str:
    """The style of the reports, and what the console has beside it: each file of styles, by name."""
    reports = files("driftline.pages").joinpath("report.css").read_text(encoding="utf-8")
    return "\n".join((reports, *_static(".css")))


@cache
def script() -> str:
    """htmx, and what the console has beside it, likewise. Without scripts all can still be read and done."""
    return "\n".join(_static(".js"))


@cache
def _mark() -> str:
    """A mark of this style and script, so that browsers keep them until they change."""
    return sha256((style() + script()).encode()).hexdigest()[:12]


@cache
def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    found = Environment(
        loader=DictLoader(dict(_texts())), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    found.filters |= {"when": when, "count": count, "tone": tone, "spoken": spoken, "breakable": breakable}
    found.globals |= {"release": VERSION, "mark": _mark()}
    return found


def _texts() -> Iterator[tuple[str, str]]:
    for each in files("driftline.server.web").joinpath("templates").iterdir():
        if each.name.endswith(".html"):
            yield each.name, each.read_text(encoding="utf-8")
    for name in OF_REPORTS:
        yield name, files("driftline.pages").joinpath(name).read_text(encoding="utf-8")


def _static(kind: str) -> list[str]:
    """The files of this kind: the libraries, which are `.min`, before our own."""
    found = [each for each in files("driftline.server.web").joinpath("static").iterdir() if each.name.endswith(kind)]
    found.sort(key=lambda each: (".min." not in each.name, each.name))
    return [each.read_text(encoding="utf-8") for each in found]
