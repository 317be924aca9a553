"""The table of measures on terminals of any width."""

from __future__ import annotations

import pytest
from pictured import BINARY, binary, every
from rich.console import Console

from driftline.baselines import Baseline
from driftline.monitors.verdict import Measure, Verdict, Violation
from driftline.pages.terminal_measures import MOST, chosen, measures_lines
from driftline.profile import Profile
from driftline.reports import Report


def printed(verdict: Verdict, width: int) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as found:
        for line in measures_lines(verdict, width):
            console.print(line)
    return found.get()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_numbers_stay_whole_on_a_narrow_terminal(width: int) -> None:
    for content in every().values():
        said = printed(content.verdict, width)
        assert all(len(line) <= width for line in said.splitlines())
        broken = next(each for each in content.verdict.measures if each.limit is not None and each.value == each.value)
        assert f"{broken.value:.4g}" in said


def test_what_broke_a_limit_is_marked() -> None:
    measures = (
        Measure("model", "auc", 0.5, 0.7),
        Measure("model", "f1", 0.8, 0.7),
        Measure("model", "r2", reason="one row"),
    )
    said = printed(Verdict(measures, (Violation("auc", "LessThanThreshold", 0.5, 0.7, ""),)), 80)
    assert "! 0.5" in said and "! 0.8" not in said and "one row" in said
    assert "subject" not in said, "there is but one"


def test_commands_to_the_terminal_are_not_obeyed() -> None:
    said = printed(Verdict((Measure("a\x1b[2Jb", "auc", 0.5), Measure("[red]c", "auc", 0.5))), 80)
    assert "\x1b" not in said and "[red]c" in said


def test_measures_with_limits_come_before_others_where_room_is_scarce() -> None:
    many = [Measure("model", f"m{i}", 1.0, 1.0 if i >= 90 else None) for i in range(100)]
    assert [each.name for each in chosen(many, 12)] == ["m0", "m1", *(f"m{i}" for i in range(90, 100))]
    assert f"and {100 - MOST} more measures" in printed(Verdict(tuple(many)), 80)


def test_reports_and_baselines_print_what_was_measured() -> None:
    known, current = (Profile.of(each, BINARY.questions()) for each in (binary(), binary(9.0, 1)))
    baseline = Baseline(BINARY.baseline(known), known, monitor=BINARY)
    report = Report(BINARY.evaluate(baseline.learnt, current), current, baseline, monitor=BINARY)
    console = Console(width=100, color_system=None)
    with console.capture() as found:
        console.print(baseline, report)
    said = found.get()
    assert said.count("true_positive_rate") == 2 and "CompletedWithViolations" in said
    assert "label_drift" in said.partition("Current")[2] and "label_drift" not in said.partition("Current")[0]
    assert "True positive rate" in (baseline._repr_html_() or "") and "violations" in report._repr_html_()
