"""When a monitor looks next, as its page tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from driftline.modelmonitors.monitor import ModelMonitor
from driftline.server.web.models import next_times

NOW = datetime(2026, 11, 21, 13, tzinfo=UTC)


def test_each_time_waits_as_long_as_the_monitor_does() -> None:
    """Six hours after each midnight, also while the planned time is over and not looked at yet (DB-02)."""
    for planned in (22, 21):
        next = datetime(2026, 11, planned, 6, tzinfo=UTC)
        found = ModelMonitor("m", "n", "data-quality", cadence="rate(1 day)", delay_seconds=6 * 3600.0, next=next)
        first = datetime(2026, 11, 22, 6, tzinfo=UTC)
        assert next_times(found, NOW) == tuple(first + timedelta(days=day) for day in range(5))
