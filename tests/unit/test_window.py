"""Windows: what a run is about follows from its scheduled time; durations as ISO 8601 and AWS write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.cron import NOW
from driftline.errors import Invalid
from driftline.window import Window, duration, remark, window_of

HOURLY = "cron(0 * ? * * *)"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "scheduled", "start"),
    [
        (HOURLY, "2026-11-21T14:00", "2026-11-21T13:00"),
        (HOURLY, "2027-01-01T00:00", "2026-12-31T23:00"),
        ("cron(0 5 ? * * *)", "2026-02-20T05:00", "2026-02-19T05:00"),
        ("cron(0 0/6 ? * * *)", "2026-11-21T12:00", "2026-11-21T06:00"),
        ("cron(0 0 ? * SUN *)", "2026-11-22T00:00", "2026-11-15T00:00"),
        ("cron(0 0 1 * ? *)", "2028-03-01T00:00", "2028-02-01T00:00"),
        ("cron(0/10 * ? * * *)", "2026-11-21T12:10", "2026-11-21T12:00"),
    ],
)
def test_without_offsets_it_is_the_time_since_the_run_before(expression: str, scheduled: str, start: str) -> None:
    """SC-06, ER-27"""
    assert window_of(expression, at(scheduled)) == Window(at(start), at(scheduled))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("-P8D", "-P1D", ("2020-01-01T13:00", "2020-01-08T13:00")),
        ("-PT2D", "-PT0H", ("2020-01-07T13:00", "2020-01-09T13:00")),
        ("-P1DT6H", None, ("2020-01-08T07:00", "2020-01-09T13:00")),
        (None, "-PT1H", ("2020-01-09T11:00", "2020-01-09T12:00")),
        ("-PT90M", "-PT30M", ("2020-01-09T11:30", "2020-01-09T12:30")),
    ],
)
def test_offsets_count_from_the_scheduled_time(start: str | None, end: str | None, expected: tuple[str, str]) -> None:
    """Section 8: AWS's own example, its lenient spelling, and one offset alone."""
    window = window_of(HOURLY, at("2020-01-09T13:00"), start, end)
    assert (window.start, window.end) == (at(expected[0]), at(expected[1]))


def test_now_needs_both_times_and_at_most_a_day() -> None:
    """SC-07"""
    moment = at("2026-11-21T10:21:14")
    assert window_of(NOW, moment, "-PT1H", "-PT0H") == Window(moment - timedelta(hours=1), moment)
    for start, end in [(None, "-PT0H"), ("-PT1H", None), (None, None)]:
        with pytest.raises(Invalid, match="expected DataAnalysisStartTime and DataAnalysisEndTime"):
            window_of(NOW, moment, start, end)
    with pytest.raises(Invalid, match="at most 24 hours"):
        window_of(NOW, moment, "-PT25H", "-PT0H")
    with pytest.raises(Invalid, match="a start before the end"):
        window_of(NOW, moment, "-PT1H", "-PT1H")
    assert window_of(NOW, moment, "-PT1H", "PT1H").end == moment + timedelta(hours=1)
    with pytest.raises(Invalid, match="DataAnalysisStartTime: got 'PT1H'"):
        window_of(NOW, moment, "PT1H", "PT2H")


def test_offsets_that_make_no_window() -> None:
    """Ends in the future, empty windows and times before the calendar."""
    with pytest.raises(Invalid, match="EndTimeOffset: got 'PT1H'"):
        window_of(HOURLY, at("2026-11-21T14:00"), None, "PT1H")
    with pytest.raises(Invalid, match="StartTimeOffset -PT1H, EndTimeOffset -PT2H"):
        window_of(HOURLY, at("2026-11-21T14:00"), "-PT1H", "-PT2H")
    with pytest.raises(Invalid, match="a year from 1 to 9999"):
        window_of(HOURLY, at("2026-11-21T14:00"), "-P999999D", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-PT1H", timedelta(hours=-1)),
        ("-PT0H", timedelta(0)),
        ("PT0H", timedelta(0)),
        ("+P1D", timedelta(days=1)),
        ("-P1DT6H30M15S", -timedelta(days=1, hours=6, minutes=30, seconds=15)),
        ("-P2W", timedelta(weeks=-2)),
        ("-PT2D", timedelta(days=-2)),
        ("-P1DT1D", timedelta(days=-2)),
        ("-pt6h", timedelta(hours=-6)),
    ],
)
def test_durations(text: str, expected: timedelta) -> None:
    """ISO 8601, and days after the T."""
    assert duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "P", "-P", "PT", "-PT", "1H", "-1H", "-P1M", "-P1Y", "-PT1.5H", "-PT1H ago", "-PT-1H"]
)
def test_other_texts_are_no_durations(text: str) -> None:
    """What has no fixed length or no meaning is refused, with an example."""
    with pytest.raises(Invalid, match="such as -PT1H or -P1DT6H"):
        duration(text)


@given(st.text("+-PTWDHMS0123456789", max_size=25))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No other error leaves it, however long the number."""
    try:
        duration(text)
    except Invalid:
        return


times = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 1), timezones=st.just(UTC))


@given(times, st.timedeltas(timedelta(microseconds=1), timedelta(days=4)))
def test_hours_cover_the_window_and_no_more(start: datetime, length: timedelta) -> None:
    """ER-27: across midnight, month and year."""
    window = Window(start, start + length)
    hours = list(window.hours())
    assert hours == sorted(set(hours))
    assert hours[0] == f"{start:%Y/%m/%d/%H}"
    assert hours[-1] == f"{window.end - timedelta(microseconds=1):%Y/%m/%d/%H}"
    assert len(hours) == (_hour(window.end - timedelta(microseconds=1)) - _hour(start)) // timedelta(hours=1) + 1


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def test_half_open_and_in_utc() -> None:
    """The start belongs to it, the end to the next; other zones are turned into UTC."""
    window = Window(at("2026-11-21T13:00"), at("2026-11-21T14:00"))
    assert window.start in window
    assert window.end not in window
    assert list(window.hours()) == ["2026/11/21/13"]
    east = timezone(timedelta(hours=5, minutes=30))
    assert list(Window(window.start.astimezone(east), window.end.astimezone(east)).hours()) == ["2026/11/21/13"]
    with pytest.raises(Invalid, match="times with a zone"):
        Window(datetime(2026, 11, 21), datetime(2026, 11, 22))


@pytest.mark.parametrize(
    ("text", "meant"),
    [("-PT2D", "-P2D"), ("-PT2DT", None), ("-P1DT2D", "-P3D"), ("PT1D3H", "P1DT3H"), ("-P1WT1D5M", "-P1W1DT5M")],
)
def test_a_duration_that_is_none_is_remarked_on(text: str, meant: str | None) -> None:
    """G-04: AWS's own sample has `-PT2D`."""
    if meant is None:
        assert remark(text) is None
        return
    assert (remark(text) or "").endswith(f"read as {meant}")
    assert duration(text) == duration(meant)
    assert remark(meant) is None
