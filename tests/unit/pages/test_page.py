"""The page as text: verdict, reasons, untrusted names, odd columns, sizes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

from driftline.documents import statistics
from driftline.monitors.constraints import Constraints
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.monitor import Learnt
from driftline.pages.content import Content, pairs_of
from driftline.pages.report import fragment, render, render_profile
from driftline.pages.rows import CARDS_MOST, SPARKLINES
from driftline.problems import Problem, Problems
from driftline.profile import Profile

EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></style></script><b>",
    "'\"`&amp;{{ 7*7 }}{% raw %}",
    "\u202egnirts\u202d",
    "x" * 10_000,
    "",
    " ",
    "a\nb\tc",
    "\x00\x01",
    "名前 عمود 🙂",
]


def content(before: pa.Table | None, now: pa.Table, **changes: object) -> Content:
    known = None if before is None else Profile.of(before)
    current = Profile.of(now)
    constraints = Constraints.suggest(known if known is not None else current)
    verdict = DataQuality().evaluate(Learnt(constraints, known), current)
    found = Content(verdict, current, known, Problems(), "Data quality", ("a.csv",), "2026-11-21", ("A note.",))
    return replace(found, **changes)  # type: ignore[arg-type]


def ages(start: int, count: int = 1000) -> pa.Table:
    return pa.table({"age": [start + i % 50 for i in range(count)], "colour": ["red", "blue"] * (count // 2)})


def test_the_verdict_comes_first_and_every_violation_says_why() -> None:
    page = render(content(ages(20), ages(40)))
    assert "1 violation in 1 of 2 columns" in page and "CompletedWithViolations" in page
    assert re.search(r"The distance from the baseline is [\d.]+, [\d.]+ times the 0.1 that is accepted", page)
    assert page.index("1 violation in") < page.index("What moved most") < page.index("All columns")
    assert "The mean rose from 44.5 to 64.5, 1.4 standard deviations." in page


def test_no_violation() -> None:
    page = render(content(ages(20), ages(20)))
    assert "No violations" in page and "Completed<" in page and "Violations, and why" not in page


def test_the_page_needs_nothing_else() -> None:
    page = render(content(ages(20), ages(40)))
    assert not re.search(r"""\s(?:src|href)=(?!"(?:#|data:,"))""", page)
    assert "url(" not in page and "@import" not in page and "http" not in page.replace("http-equiv", "")
    assert not re.search(r"\sstyle=|\son[a-z]+=", page)


class Elements(HTMLParser):
    """Counts elements with the names of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: Counter[tuple[str, ...]] = Counter()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[(tag, *sorted(name for name, _ in attrs if name != "title"))] += 1


def named(name: str) -> Content:
    before = pa.table({name: [name, "b", name, "c"] * 50, name + "2": range(200)})
    now = pa.table({name: [name + "!", name + "!", "d", "d", name + "!"] * 40, name + "3": range(200)})
    problem = Problem(name, name, 1, name, name, name)
    return content(before, now, title=name, inputs=(name,), notes=(name,), problems=Problems.of([problem]))


@pytest.mark.parametrize("name", EVIL)
@pytest.mark.parametrize("show", [render, fragment])
def test_names_and_values_of_the_data_are_only_text(name: str, show: Callable[[Content], str]) -> None:
    page, harmless = show(named(name)), show(named("age"))
    found, expected = Elements(page).found, Elements(harmless).found
    found.pop(("wbr",), None)
    assert found == expected
    assert ("{{ 7*7 }}" in page) == ("{{" in name)
    assert len(page) < len(harmless) + 60_000
    page.encode()


def test_half_a_surrogate_pair_does_not_break_the_file() -> None:
    render(content(None, ages(20), inputs=("bad\udcff.csv",))).encode()


def test_odd_columns_do_not_break_a_page() -> None:
    inf, nan = float("inf"), float("nan")
    odd = pa.table(
        {
            "nulls": pa.nulls(4, pa.float64()),
            "nothing": pa.nulls(4),
            "constant": [7.0] * 4,
            "infinite": [inf, -inf, inf, inf],
            "mixed": [inf, nan, 1.0, None],
            "huge": [1e308, -1e308, 1.7e308, 0.0],
            "vector": pa.array([[1.0, 2.0]] * 4, pa.list_(pa.float32(), 2)),
            "list": [["a"], [], None, ["b", "c"]],
            "struct": [{"a": 1}, {"a": 2}, None, {"a": 3}],
            "time": pa.array([0, 2**62, -(2**62), None], pa.timestamp("us")),
            "flag": [True, False, None, True],
            "bytes": [b"\xff", b"", None, b"a"],
        }
    )
    for before, now in ((odd, odd), (None, odd), (odd, odd.slice(0, 0)), (odd.slice(0, 0), odd), (odd, ages(20))):
        with np.errstate(all="ignore"):
            found = content(before, now)
        assert "</html>" in render(found) and "</div>" in fragment(found)


def test_a_column_that_could_not_be_analysed_says_why() -> None:
    found = content(ages(20), ages(20))
    failed = replace(found.current, failures={"age": "ArrowInvalid: <no> such thing"})
    page = render(replace(found, current=failed))
    assert "ArrowInvalid: &lt;no&gt; such thing" in page and "Columns that could not be analysed" in page


def test_types_that_changed_and_types_that_a_file_cannot_tell() -> None:
    """A boolean is a text in SageMaker's files: coming back from one it did not change. A date that became text did."""
    now = pa.table({"flag": [True, False] * 100, "day": ["soon", "late"] * 100})
    before = pa.table({"flag": [True, False] * 100, "day": pa.array([1, 2] * 100, pa.date32())})
    saved = statistics.read(statistics.write(Profile.of(pa.table({"flag": before["flag"]}))))
    assert "String → Boolean" not in render(content(now, now, baseline=saved))
    assert "Time → String" in render(content(before, now))


def test_new_and_gone_columns() -> None:
    found = content(ages(20), ages(20).rename_columns(["age", "hue"]))
    assert {pair.name: pair.state for pair in pairs_of(found)} == {"age": "", "hue": "new", "colour": "gone"}
    assert "Missing: \u2068colour\u2069." in render(found)


def test_a_profile_alone() -> None:
    page = render_profile(Profile.of(ages(20)), title="Profile", created="today")
    assert "Profile of 1,000 rows" in page and "baseline" not in re.sub(
        r"<style>.*?</style>", "", page, flags=re.DOTALL
    )
    assert "</html>" in render_profile(Profile(), title="Nothing", created="")


def test_a_p_value_is_small_when_it_is_bad() -> None:
    before = pa.table({"moved": ["x", "y"] * 500, "same": ["x", "y"] * 500})
    now = pa.table({"moved": ["x", "y", "y"] * 300, "same": ["x", "y"] * 450})
    known, current = Profile.of(before), Profile.of(now)
    verdict = DataQuality().evaluate(Learnt(Constraints.suggest(known, "ChiSquared"), known), current)
    found = content(before, now, verdict=verdict)
    page = render(found)
    assert [pair.is_p_value for pair in pairs_of(found)] == [True, True]
    assert "below 0.1 the distributions count as different" in page and "p-value, limit 0.1" in page
    assert "Largest distance" not in page


def test_problems_are_shown_with_place_value_and_remedy() -> None:
    some = [Problem("a.csv", "expected 3 values, got 2", 7 + i, "age", "1,2", "Quote it.") for i in range(30)]
    page = render(content(ages(20), ages(20), problems=Problems.of(some)))
    assert "30 problems; 30 rows could not be used. The first 20 are shown." in page and "Quote it." in page


def test_limits_in_use_and_gaps_are_told() -> None:
    times = pa.table({"t": pa.array([0, 1, 2], pa.timestamp("s"))})
    page = render(content(times, times))
    assert "time columns have no distribution to compare" in page
    assert "0.1 (2 columns)" in render(content(ages(20), ages(20)))


def test_a_limit_on_another_distance_names_it() -> None:
    before, now = Profile.of(ages(20)), Profile.of(ages(40))
    monitor = DataQuality(measures={"age": {"psi": 0.2}})
    verdict = monitor.evaluate(Learnt(Constraints.suggest(before), before), now)
    page = render(content(ages(20), ages(40), verdict=verdict))
    assert "The Population stability index is" in page


def test_thousands_of_columns_are_capped_and_said_to_be() -> None:
    rng = np.random.default_rng(1)

    def wide(shift: float) -> pa.Table:
        return pa.table({f"f{i}": rng.normal(shift, 1, 40) for i in range(1200)})

    page = render(content(wide(0), wide(9)))
    assert page.count('<article class="card') == CARDS_MOST
    assert page.count('<svg class="spark"') == SPARKLINES
    assert f"Only the {SPARKLINES:,} columns that moved most have a drawing" in page
    assert "The first 500 of 1,200 are listed here" in page
    assert len(page) < 3_000_000


def test_the_fragment_has_inline_styles_only_and_no_script() -> None:
    found = fragment(content(ages(20), ages(40)))
    assert "<style" not in found and "<script" not in found and " id=" not in found and 'class="c' not in found
    assert "1 violation in 1 of 2 columns" in found


def test_violations_of_the_data_set_come_first_then_the_worst() -> None:
    table = pa.table({"little": range(1000), "much": range(1000), "gone": range(1000)})
    now = pa.table({"little": range(300, 1300), "much": range(900, 1900)})
    page = render(content(table, now))
    listed = re.findall(r'<td data-name="Check">([^<]*)</td><td class="n bad" data-name="Value">([^<]*)<', page)
    assert [title for title, _ in listed] == ["Missing columns", "Distribution moved", "Distribution moved"]
    assert float(listed[1][1]) > float(listed[2][1])
