"""AWS cron: every form, against an independent implementation and by hand; refusals that say which field."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pyawscron import AWSCron

from driftline.cron import FIELDS, NOW, Cron, is_aws_schedule
from driftline.errors import Invalid

MONTHS = [name.upper() for name in "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()]  # noqa: SIM905
WEEKDAYS = [name.upper() for name in "Sun Mon Tue Wed Thu Fri Sat".split()]  # noqa: SIM905

moments = st.datetimes(datetime(1971, 1, 1), datetime(2190, 1, 1), timezones=st.just(UTC))


def _range(low: int, high: int) -> st.SearchStrategy[str]:
    pair = st.tuples(st.integers(low, high), st.integers(low, high))
    return pair.map(lambda found: f"{min(found)}-{max(found)}")


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    """`*`, a value, a range, a list or a step, as the oracle reads them."""
    value = st.integers(low, high).map(str)
    step = st.integers(1, high - low).map(str)
    lists = st.lists(value | _range(low, high), min_size=1, max_size=4).map(",".join)
    steps = st.tuples(st.just("*") | value | _range(low, high), step).map("/".join)
    return st.just("*") | value | lists | steps


days = _field(1, 31) | st.sampled_from(["L", "L-1", "L-5", "L-27"]) | st.integers(1, 31).map("{}W".format)
weekdays = st.one_of(
    _field(1, 7),
    st.sampled_from([*WEEKDAYS, "MON-FRI", "TUE,THU", "SUN,SAT"]),
    st.integers(1, 7).map("{}L".format),
    st.tuples(st.integers(1, 7), st.integers(1, 5)).map(lambda found: f"{found[0]}#{found[1]}"),
)
months = _field(1, 12) | st.sampled_from([*MONTHS, "JAN-MAR", "FEB,NOV"])
years = st.just("*") | st.integers(1975, 2190).map(str) | _range(1975, 2190)
either = st.tuples(days, st.just("?")) | st.tuples(st.just("?"), weekdays)
expressions = st.builds(
    lambda minute, hour, days, month, year: f"{minute} {hour} {days[0]} {month} {days[1]} {year}",
    _field(0, 59),
    _field(0, 23),
    either,
    months,
    years,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@settings(max_examples=3000, deadline=None)
@given(expressions, moments)
@example("0 0 31W * ? *", at("2026-05-30T00:00"))
@example("0 0 1W * ? *", at("2026-07-31T00:00"))
def test_agrees_with_an_independent_implementation(expression: str, moment: datetime) -> None:
    """SC-02, SC-13"""
    try:
        theirs = AWSCron(expression).occurrence(moment).next()
    except Exception as error:  # It gives up after ten steps with a bare Exception, and makes 31 June a ValueError.
        assume("iter" not in str(error) and "day is out of range" not in str(error))
        raise
    try:
        ours = Cron.parse(f"cron({expression})").next_after(moment)
    except Invalid as refused:
        assert "days that exist" in str(refused)
        assert theirs is None
        return
    assert ours == theirs


@settings(max_examples=300, deadline=None)
@given(expressions, moments)
def test_next_and_last_are_inverse(expression: str, moment: datetime) -> None:
    """SC-13"""
    try:
        cron = Cron.parse(f"cron({expression})")
    except Invalid:
        assume(False)
    fires = cron.next_times(4, moment)
    assert all(before < after for before, after in pairwise([moment, *fires]))
    for before, after in pairwise(fires):
        assert cron.last_before(after) == before
        assert cron.next_after(before) == after
        assert cron.next_after(after - timedelta(microseconds=1)) == after
        assert cron.last_before(before + timedelta(microseconds=1)) == before


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 * ? * * *", "2026-12-31T23:00", "2027-01-01T00:00"),
        ("0 2 ? * * *", "2026-02-28T02:00", "2026-03-01T02:00"),
        ("0 */6 ? * * *", "2026-11-21T18:00:01", "2026-11-22T00:00"),
        ("0 0/10 ? * * *", "2026-11-21T20:00", "2026-11-22T00:00"),
        ("0 12 ? * MON-FRI *", "2026-11-20T12:00", "2026-11-23T12:00"),
        ("0 12 ? * fri-mon *", "2026-11-23T12:00", "2026-11-27T12:00"),
        ("0/15 * ? * * *", "2026-11-21T10:59:59", "2026-11-21T11:00"),
        ("30 6 ? * SUN *", "2026-11-21T00:00", "2026-11-22T06:30"),
        ("0 0 1 * ? *", "2026-11-21T00:00", "2026-12-01T00:00"),
        ("0 0 L 2 ? *", "2027-03-01T00:00", "2028-02-29T00:00"),
        ("0 0 29 2 ? *", "2096-02-29T00:00", "2104-02-29T00:00"),
        ("0 9 LW * ? *", "2026-05-01T00:00", "2026-05-29T09:00"),
        ("0 9 1,15,L * ? *", "2026-02-15T09:00", "2026-02-28T09:00"),
        ("0 9 ? * L *", "2026-11-16T00:00", "2026-11-21T09:00"),
        ("0 9 ? * FRIL *", "2026-11-01T00:00", "2026-11-27T09:00"),
        ("0 9 ? * MON#5 *", "2026-11-01T00:00", "2026-11-30T09:00"),
        ("0 9 ? * MON#1,FRI#3 *", "2026-11-02T09:00", "2026-11-20T09:00"),
        ("0 22-1 ? * * *", "2026-11-21T23:00", "2026-11-22T00:00"),
        ("0 0 ? * * 2030-2032/2", "2030-12-31T00:00", "2032-01-01T00:00"),
        ("59 23 31 12 ? 2199", "2026-01-01T00:00", "2199-12-31T23:59"),
        ("0 0 1 1 ? 1970", "1969-06-01T00:00", "1970-01-01T00:00"),
    ],
)
def test_forms(expression: str, after: str, expected: str) -> None:
    """SC-01, SC-02, SC-04, SC-13: the forms by hand, those too that the oracle does not read."""
    assert Cron.parse(f"cron({expression})").next_after(at(after)) == at(expected)


def test_other_zones_and_the_end_of_time() -> None:
    """SC-03: a moment of any zone is read in UTC; after the last year there is no more."""
    from zoneinfo import ZoneInfo

    before_summer_time = datetime(2026, 3, 29, 1, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    fires = Cron.parse("cron(0 * ? * * *)").next_times(3, before_summer_time)
    assert fires == [at("2026-03-29T01:00"), at("2026-03-29T02:00"), at("2026-03-29T03:00")]
    over = Cron.parse("cron(0 0 1 1 ? 2020)")
    assert over.next_after(at("2026-01-01T00:00")) is None
    assert over.last_before(at("2026-01-01T00:00")) == at("2020-01-01T00:00")
    assert Cron.parse("cron(0 0 1 1 ? 2030)").last_before(at("2026-01-01T00:00")) is None
    assert Cron.parse("cron(* * * * ? *)").next_after(at("2200-01-01T00:00")) is None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("cron(60 * ? * * *)", "minute of cron(60 * ? * * *): got '60', expected 0 to 59"),
        ("cron(0 25 ? * * *)", "hour of cron(0 25 ? * * *): got '25', expected 0 to 23"),
        ("cron(0 0 32 * ? *)", "day-of-month of cron(0 0 32 * ? *): got '32', expected 1 to 31"),
        ("cron(0 0 0W * ? *)", "day-of-month of"),
        ("cron(0 0 L-0 * ? *)", "day-of-month of"),
        ("cron(0 0 ? 13 * *)", "month of cron(0 0 ? 13 * *): got '13', expected 1 to 12 or JAN to DEC"),
        ("cron(0 0 ? * 0 *)", "day-of-week of cron(0 0 ? * 0 *): got '0', expected 1 (Sunday) to 7"),
        ("cron(0 0 ? * MON#6 *)", "day-of-week of"),
        ("cron(0 0 ? * MON#TUE *)", "day-of-week of"),
        ("cron(0 0 ? * MONDAY *)", "got 'MONDAY'"),
        ("cron(0 0 ? * * 1969)", "year of cron(0 0 ? * * 1969): got '1969', expected 1970 to 2199"),
        ("cron(0 0 ? * * 2030-2026)", "year of"),
        ("cron(0 ? ? * * *)", "hour of"),
        ("cron(0 0/0 ? * * *)", "hour of"),
        ("cron(0 0/25 ? * * *)", "got '0/25'"),
        ("cron(0 1,,2 ? * * *)", "got ''"),
        ("cron(0 -1 ? * * *)", "got '-1'"),
        ("cron(0 ² ? * * *)", "got '²'"),
        (
            "cron(0 0 1 * 2 *)",
            "day-of-month and day-of-week of cron(0 0 1 * 2 *): got '1 2', expected ? in one of them",
        ),
        ("cron(0 0 * * * *)", "got '* *', expected ? in one of them"),
        ("cron(0 0 ? * ? *)", "got '? ?', expected ? in one of them"),
        ("cron(0 0 30 2 ? *)", "expected days that exist"),
        ("cron(0 0 29 2 ? 2026)", "expected days that exist"),
        ("cron(0 * ? * *)", "expected six fields, cron(minute hour day-of-month month day-of-week year), not 5"),
        ("cron()", "not 0"),
        ("0 * ? * * *", "expected cron(minute hour day-of-month month day-of-week year) or NOW"),
        ("rate(1 hour)", "Hourly is cron(0 * ? * * *)"),
        ("", "ScheduleExpression"),
        (NOW, "ScheduleExpression"),
    ],
)
def test_refusals_say_the_field_what_it_holds_and_what_it_may_hold(expression: str, said: str) -> None:
    """ER-06"""
    with pytest.raises(Invalid) as refused:
        Cron.parse(expression)
    assert said in str(refused.value)


@settings(max_examples=500, deadline=None)
@given(st.text("0123456789*?/,-LW#()MONFRI cron", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """ER-06: no other error leaves the parser."""
    for expression in (text, f"cron({text})", f"cron(0 {text} ? * * *)", f"cron(0 0 {text} * ? *)"):
        try:
            Cron.parse(expression)
        except Invalid as refused:
            assert str(refused)


@pytest.mark.parametrize(
    ("expression", "scheduled", "hours"),
    [
        ("0 * ? * * *", "2026-11-21T14:00", 1),
        ("0 5 ? * * *", "2026-02-20T05:00", 24),
        ("0 0/6 ? * * *", "2026-11-21T12:00", 6),
        ("0 0/10 ? * * *", "2026-11-21T00:00", 10),
        ("0 9/6 ? * * *", "2026-11-21T09:00", 12),
        ("0 0/24 ? * * *", "2026-11-21T00:00", 24),
        ("0/15 * ? * * *", "2026-11-21T10:15", 0.25),
        ("0 12 ? * MON-FRI *", "2026-11-23T12:00", 72),
        ("0 0 1 * ? *", "2026-03-01T00:00", 28 * 24),
        ("0 0 1 1 ? 2027", "2027-01-01T00:00", 24),
    ],
)
def test_a_period_leaves_no_hour_out(expression: str, scheduled: str, hours: float) -> None:
    """SC-04, SC-06"""
    assert Cron.parse(f"cron({expression})").period(at(scheduled)) == timedelta(hours=hours)


def test_what_sagemaker_itself_takes() -> None:
    """SC-04: hourly, daily, every 1 to 24 hours, at minute 0; NOW."""
    theirs = ["0 * ? * * *", "0 0 ? * * *", "0 23 ? * * *", "0 0/1 ? * * *", "0 5/24 ? * * *"]
    ours = ["5 * ? * * *", "0/15 * ? * * *", "0 0 1 * ? *", "0 12 ? * MON-FRI *", "0 24 ? * * *", "0 0/25 ? * * *"]
    assert all(is_aws_schedule(f"cron({each})") for each in theirs)
    assert not any(is_aws_schedule(f"cron({each})") for each in ours)
    assert is_aws_schedule(NOW)
    assert not is_aws_schedule("now")


def test_names_of_fields_and_of_days() -> None:
    """SC-02: Sunday is 1."""
    assert [each.name for each in FIELDS] == ["minute", "hour", "day-of-month", "month", "day-of-week", "year"]
    for number, name in enumerate(WEEKDAYS, 1):
        fire = Cron.parse(f"cron(0 0 ? * {name} *)").next_after(at("2026-11-21T12:00"))
        assert fire == Cron.parse(f"cron(0 0 ? * {number} *)").next_after(at("2026-11-21T12:00"))
        assert fire is not None
        assert fire.weekday() == (number + 5) % 7
    for number, name in enumerate(MONTHS, 1):
        fire = Cron.parse(f"cron(0 0 1 {name} ? *)").next_after(at("2026-11-21T12:00"))
        assert fire is not None
        assert fire.month == number
    assert calendar.weekday(2026, 11, 22) == calendar.SUNDAY


def test_equal_by_what_was_written() -> None:
    """Values: compared and shown by their text."""
    assert Cron.parse(" cron(0 * ? * * *) ") == Cron.parse("cron(0 * ? * * *)")
    assert repr(Cron.parse("cron(0 * ? * * *)")) == "Cron(text='cron(0 * ? * * *)')"
