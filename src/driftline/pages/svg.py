"""Drawings as SVG text: pure functions of shares in [0, 1], for pages of any kind.

Every shape has a class (`base` for the baseline, `now` for the current data) that a style sheet may colour, and plain
attributes that hold where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import isfinite

WIDTH, HEIGHT = 300, 84
_TREND = 20
GREY, BLUE = "#a3adb9", "#2563eb"
RED = "#c62828"

Shares = Sequence[float] | None


def overlay(baseline: Shares, current: Shares, labels: Sequence[str] = (), said: str = "") -> str:
    """Both histograms over each other: the baseline as grey bars, the current data as a blue step over an area.

    `labels` name the bins and show on pointing; `said` is read out in place of the drawing.

    >>> overlay([0.5, 0.5], [0.25, 0.75]).count("<path")
    3
    """
    top = _top(baseline, current)
    pieces = [_histogram(baseline, current, top, WIDTH, HEIGHT)]
    count = len(labels)
    if count:
        nothing: Sequence[float | None] = [None] * count
        names = zip(labels, baseline or nothing, current or nothing, strict=True)
        width = WIDTH / count
        pieces += [
            f'<rect class="hit" x="{i * width:.1f}" width="{width:.1f}" height="{HEIGHT}" fill="transparent">'
            f"<title>{escape(_told(*each))}</title></rect>"
            for i, each in enumerate(names)
        ]
    return _svg("overlay", WIDTH, HEIGHT, "".join(pieces), said)


def sparkline(baseline: Shares, current: Shares, said: str = "", width: int = 96, height: int = 22) -> str:
    """The same, small, for a row of a table."""
    return _svg("spark", width, height, _histogram(baseline, current, _top(baseline, current), width, height), said)


def columns(baseline: Shares, current: Shares, said: str = "", width: int = 96, height: int = 22) -> str:
    """Categories as pairs of upright bars side by side, small.

    >>> columns([0.5, 0.5], [1.0, 0.0]).count("<path")
    2
    """
    count = max(len(baseline or ()), len(current or ()), 1)
    top, step = _top(baseline, current), width / max(count, 4)
    half = step * 0.4
    body = _bars(baseline, top, height, step, half, 0.0, "base", GREY)
    body += _bars(current, top, height, step, half, half, "now", BLUE)
    return _svg("spark", width, height, body, said)


def pair(baseline: float | None, current: float | None, top: float = 1.0, said: str = "") -> str:
    """One category as two lying bars, the baseline's above; `top` is the share that fills the width."""
    bars = ((baseline, 1, "base", GREY), (current, 7, "now", BLUE))
    body = "".join(
        f'<rect class="{name}" x="0" y="{y}" width="{_round(100 * min(share / top, 1.0))}" height="5" fill="{fill}"/>'
        for share, y, name, fill in bars
        if share is not None and top > 0
    )
    return _svg("pair", 100, 13, body, said)


def meter(value: float, limit: float, exceeded: bool, said: str = "") -> str:
    """A value against its limit: a bar and a mark, on a scale that begins at 0 and holds both."""
    if not (isfinite(value) and isfinite(limit)) or value < 0 or limit < 0:
        return ""
    scale = 100 / (max(value, limit) * 1.08 or 1.0)
    name, fill = ("over", RED) if exceeded else ("under", GREY)
    body = (
        f'<rect class="track" width="100" height="6" rx="1" fill="{GREY}" fill-opacity=".25"/>'
        f'<rect class="{name}" width="{_round(value * scale)}" height="6" rx="1" fill="{fill}"/>'
        f'<rect class="mark" x="{_round(limit * scale)}" width=".8" height="6" fill="currentColor"/>'
    )
    return _svg("meter", 100, 6, body, said)


def trend(values: Sequence[float | None], limit: float | None = None, said: str = "") -> str:
    """A figure over time as a thin line from 0 up, gaps where it is not known; its limit as a dashed one.

    >>> trend([0.0, 0.5, None, 1.0, 0.5], 0.1).count("M")
    3
    """
    known = [each for each in values if each is not None and isfinite(each)]
    if not known:
        return ""
    top = max(*known, limit or 0.0) or 1.0
    step, body, pen = WIDTH / max(len(values) - 1, 1), "", "M"
    for place, value in enumerate(values):
        if value is None or not isfinite(value):
            pen = "M"
            continue
        body += f"{pen}{_round(place * step)} {_round(_TREND - 1 - value / top * (_TREND - 2))}"
        pen = "L"
    found = f'<path class="flow" d="{body}" fill="none" stroke="{GREY}" vector-effect="non-scaling-stroke"/>'
    if limit is not None and isfinite(limit):
        at = _round(_TREND - 1 - limit / top * (_TREND - 2))
        found += f'<path class="bound" d="M0 {at}H{WIDTH}" stroke="{RED}" stroke-dasharray="3 3"/>'
    return _svg("trend", WIDTH, _TREND, found, said)


def _histogram(baseline: Shares, current: Shares, top: float, width: int, height: int) -> str:
    found = ""
    if baseline:
        step = width / len(baseline)
        found += _bars(baseline, top, height, step, step - min(1.0, step * 0.12), 0.0, "base", GREY)
    if current:
        line = _steps(current, top, width, height)
        found += f'<path class="area" d="{line}V{height}H0Z" fill="{BLUE}" fill-opacity=".15"/>'
        found += f'<path class="now" d="{line}V{height}" fill="none" stroke="{BLUE}" stroke-width="1.5"'
        found += ' vector-effect="non-scaling-stroke"/>'
    return found


def _bars(shares: Shares, top: float, height: int, step: float, wide: float, shift: float, name: str, fill: str) -> str:
    room = height - 2
    bars = [
        f"M{_round(i * step + shift)} {height}v-{_round(max(share / top * room, 0.6))}h{_round(wide)}V{height}z"
        for i, share in enumerate(shares or ())
        if share > 0
    ]
    return f'<path class="{name}" d="{"".join(bars)}" fill="{fill}"/>' if bars else ""


def _steps(shares: Sequence[float], top: float, width: int, height: int) -> str:
    step, room = width / len(shares), height - 2
    moves = [f"V{_round(height - share / top * room)}H{_round((i + 1) * step)}" for i, share in enumerate(shares)]
    return f"M0 {height}" + "".join(moves)


def _top(*sides: Shares) -> float:
    return max((share for shares in sides for share in shares or ()), default=0.0) or 1.0


def _round(value: float) -> str:
    """A coordinate in few characters."""
    return f"{value:.1f}".removesuffix(".0")


def _told(label: str, before: float | None, now: float | None) -> str:
    sides = [
        f"{name} {share * 100:.2g} %" for name, share in (("baseline", before), ("current", now)) if share is not None
    ]
    return f"{label}: {', '.join(sides)}"


def _svg(name: str, width: int, height: int, body: str, said: str) -> str:
    told = f'role="img" aria-label="{escape(said)}"' if said else 'aria-hidden="true"'
    return (
        f'<svg class="{name}" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' preserveAspectRatio="none" {told}>{body}</svg>'
    )
