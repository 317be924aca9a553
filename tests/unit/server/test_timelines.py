"""When alerts fired, as bars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from driftline.server.web.timelines import stretches, timeline

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Flip:
    """A change of a state."""

    at: datetime
    subject: str
    state: str


def test_what_still_fires_reaches_to_the_end() -> None:
    """And what was over twice is two bars."""
    flips = [Flip(START + at * HOUR, "age", state) for at, state in ((1, "FIRING"), (2, "OK"), (5, "FIRING"))]
    assert stretches(flips, START + 8 * HOUR) == [
        (START + HOUR, START + 2 * HOUR),
        (START + 5 * HOUR, START + 8 * HOUR),
    ]
    assert stretches([Flip(START, "age", "OK")], START) == []


def test_the_subjects_that_fire_most_come_first() -> None:
    """Twelve of them; bars stay within the drawing, and names are escaped."""
    flips = [Flip(START + at * HOUR, f"<{at % 15}>", "FIRING" if at % 30 < 15 else "OK") for at in range(64)]
    found = timeline(flips, None, START + 100 * HOUR)
    assert found is not None and len(found.rows) == 12 and found.more == 3
    assert [each.times for each in found.rows] == sorted((each.times for each in found.rows), reverse=True)
    assert all("&lt;" in each.drawing and "<0>" not in each.drawing for each in found.rows)
    assert timeline([], None, START) is None
    one = timeline(flips[:1], None, START + HOUR)
    assert one is not None and 'class="over"' in one.rows[0].drawing
