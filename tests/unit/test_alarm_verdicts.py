"""The state of an alarm when data are missing, by the tables of CloudWatch's user guide (AL-07)."""

from __future__ import annotations

import pytest

from driftline.alarms.verdict import judge
from driftline.catalog.alarms import ALARM, INSUFFICIENT_DATA, OK

KEPT = "what it was"
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


@pytest.mark.parametrize(
    ("points", "needed", "states"),
    [
        ("0-X-X", 3, (OK, OK, OK, OK)),
        ("0----", 3, (OK, OK, OK, OK)),
        ("-----", 3, (INSUFFICIENT_DATA, KEPT, ALARM, OK)),
        ("0XX-X", 3, (ALARM, ALARM, ALARM, ALARM)),
        ("----X", 3, (INSUFFICIENT_DATA, KEPT, ALARM, OK)),
        ("X----", 3, (ALARM, KEPT, ALARM, OK)),
        ("0-X-X", 2, (ALARM, ALARM, ALARM, ALARM)),
        ("00X0X", 2, (ALARM, ALARM, ALARM, ALARM)),
        ("0-X--", 2, (OK, OK, ALARM, OK)),
        ("----0", 2, (OK, OK, ALARM, OK)),
        ("----X", 2, (INSUFFICIENT_DATA, KEPT, ALARM, OK)),
    ],
)
def test_states_are_those_of_the_guide(points: str, needed: int, states: tuple[str, ...]) -> None:
    """AL-07: both tables, row by row and column by column."""
    seen = [{"0": False, "X": True, "-": None}[point] for point in points]
    assert tuple(judge(seen, needed, 3, missing, KEPT) for missing in TREATMENTS) == states


def test_only_the_last_periods_count_when_nothing_is_missing() -> None:
    assert judge([True, True, False, False, False], 2, 3, "missing", ALARM) == OK
