"""Tables on a terminal: whole numbers whatever its width, and more of them where there is room."""

from __future__ import annotations

import re
from io import StringIO

import pyarrow as pa
import pytest
from rich.console import Console

from driftline.pages.terminal import Statistics
from driftline.problems import Problem, Problems
from driftline.profile import Profile

TABLE = pa.table(
    {
        "a_rather_long_name_of_a_column": [1_234_567.25 + i for i in range(300)],
        "colour": ["scarlet", "ultramarine", "ultramarine"] * 100,
        "small": [-1.5, 0.25, 1e-7] * 100,
        "是非": [True, False, None] * 100,
    }
)


def shown(profile: Profile, width: int, problems: Problems | None = None) -> str:
    """What is printed on a terminal of that width."""
    file = StringIO()
    Console(width=width, file=file).print(Statistics(profile, problems or Problems()))
    return file.getvalue()


@pytest.mark.parametrize("width", range(60, 200, 7))
def test_numbers_are_never_cut(width: int) -> None:
    """Only the most frequent values may end in an ellipsis; every other cell is there in full or not at all."""
    profile = Profile.of(TABLE)
    wide = {line.split("  ")[0]: set(re.split(r" {2,}", line.strip())) for line in shown(profile, 400).splitlines()}
    lines = shown(profile, width).splitlines()
    head = re.split(r" {2,}", lines[1].strip())
    assert head[:3] == ["column", "type", "missing"] and ("min" in head) == ("max" in head)
    for line in lines[3:7]:
        cells = re.split(r" {2,}", line.strip())
        whole = cells[:-1] if head[-1] == "most frequent" else cells
        assert set(whole) <= wide[line.split("  ")[0]], line


def test_wider_terminals_show_more() -> None:
    """Mean or most frequent value of each column fit on 80 characters; quantiles come with room."""
    profile = Profile.of(pa.table({"age": [30, 40, 40] * 50, "colour": ["red", "blue", "blue"] * 50}))
    narrow, wide = shown(profile, 80), shown(profile, 120)
    assert "mean" in narrow and "blue 66.7 %" in narrow
    assert "median" in wide and "std dev" in wide


def test_a_column_that_failed_says_why_and_one_is_one() -> None:
    """The reason stands below the table; a single row or problem is not told in the plural."""
    failed = Profile(1, Profile.of(TABLE).fields, {}, {"colour": "OverflowError: too large"})
    problems = Problems.of([Problem("a.csv", "a bad line", 2)])
    text = shown(failed, 100, problems)
    assert "not analysed: colour: OverflowError: too large" in text and "1 row, 4 columns" in text
    assert "1 problem in the input (1 row left out)" in text


def test_nothing_in_the_data_commands_the_terminal() -> None:
    """Names, values and problems with escape sequences are shown, not obeyed."""
    profile = Profile.of(pa.table({"\x1b[31mred": ["\x1b]0;title\x07", "\x00"] * 50}))
    problems = Problems.of([Problem("a\x1b[2J.csv", "bad", 2, "\x9b1m", "\x1b[2J")])
    text = shown(profile, 120, problems)
    assert "\ufffd[31mred" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
