"""The pages about model quality, bias and explanations: what they show, and what odd data leave of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import unescape
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from pictured import (
    BIAS,
    BINARY,
    CLASSES,
    EXPLAINED,
    REGRESSION,
    binary,
    checked,
    classes,
    every,
    explained,
    people,
    prices,
)

from driftline.monitors.bias import Bias
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.explainability import Explainability
from driftline.monitors.facets import Facet
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.tracks import track_of
from driftline.monitors.verdict import Compared, Measure, Verdict, Violation
from driftline.pages import signs
from driftline.pages.content import Content
from driftline.pages.measures import ROWS_MOST
from driftline.pages.report import fragment, render
from driftline.profile import Profile
from driftline.profile.losses import Losses

EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'\"`&amp;{{ 7*7 }}{% raw %}",
    "\u202egnirts\u202d",
    "x" * 10_000,
    "a|#b\nc",
    "名前 عمود 🙂",
]


def text(page: str) -> str:
    """What is read: without markup, blanks made one."""
    bare = re.sub(r"<(style|script).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare.replace("<wbr>", ""))).split())


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {name: render(content) for name, content in every().items()}


@pytest.mark.parametrize(
    ("kind", "sections"),
    [
        ("binary", ["curves", "confusion", "columns", "measures", "method"]),
        ("classes", ["confusion", "columns", "measures", "method"]),
        ("regression", ["residuals", "columns", "measures", "method"]),
        ("bias", ["bias", "groups", "columns", "measures", "method"]),
        ("explainability", ["labels", "attributions", "measures", "method"]),
    ],
)
def test_every_kind_has_its_sections(pages: dict[str, str], kind: str, sections: list[str]) -> None:
    """The issue: curves, matrices, fairness by group, attributions; each section is in the navigation."""
    page = pages[kind]
    assert re.findall(r'<section id="(\w+)"', page) == ["violations", *sections]
    assert all(f'<li><a href="#{name}">' in page for name in sections)
    assert "CompletedWithViolations" in page and len(page) < 300_000


@pytest.mark.parametrize("kind", ["binary", "classes", "regression", "bias", "explainability"])
def test_pages_need_nothing_else_and_say_what_drawings_show(pages: dict[str, str], kind: str) -> None:
    page = pages[kind]
    assert not re.search(r"""\s(?:src|href)=(?!"(?:#|data:,"))""", page)
    assert "url(" not in page and not re.search(r"\sstyle=|\son[a-z]+=", page)
    for name in ("plot", "dumbbell", "boxes", "bars"):
        drawn = re.findall(rf'<svg class="{name}"[^>]*>', page)
        assert all("aria-label=" in each for each in drawn), name
    assert (
        "nan"
        not in re.sub(r'aria-label="[^"]*"', "", page)
        .lower()
        .replace("nan if", "")
        .replace("nan for", "")
        .split('<section id="method"')[0]
    )


def test_tiles_tell_value_spread_baseline_and_verdict(pages: dict[str, str]) -> None:
    """MQ-05: metrics with their uncertainty."""
    said = text(pages["binary"])
    assert re.search(r"Accuracy 0\.\d+ ± 0\.\d+, baseline 0\.\d+", said)
    assert re.search(r"Labelled 100 % 1,500 of 1,500 rows", said)
    assert re.search(r'<div class="bad"><dt>Accuracy</dt>', pages["binary"])


def test_curves_show_both_sides_in_different_strokes(pages: dict[str, str]) -> None:
    """Nothing rests on colour alone: the baseline is dashed, and its dots are hollow."""
    roc = re.search(r'<svg class="plot".*?ROC curve.*?</svg>', pages["binary"], re.DOTALL)
    assert roc is not None
    assert re.search(r'<path class="was"[^>]*stroke-dasharray', roc[0]) and '<path class="is"' in roc[0]
    assert re.search(r'<circle class="was dot"[^>]*fill="none"', roc[0])


def test_matrices_have_counts_and_shares_of_rows() -> None:
    now = pa.table({"kind": ["a"] * 4 + ["b"] * 2, "guess": ["a", "a", "a", "b", "b", "b"]})
    said = text(render(checked(CLASSES, now, now)))
    assert "true ↓ guess → a b a 4 rows 3 75 % 1 25 % b 2 rows 0 2 100 %" in said


def test_many_classes_are_joined_and_joined_ones_are_not_right() -> None:
    table = classes(0.5, 0, 3_000, 40)
    content = checked(CLASSES, table, table)
    right = np.mean([a == b for a, b in zip(table["kind"].to_pylist(), table["guess"].to_pylist(), strict=True)])
    said = text(render(content))
    assert f"3,000 rows, {right * 100:.3g} % right" in said
    assert "The 8 classes with most rows are shown." in said and "(rest)" in said


def test_no_labels_is_told_first_and_not_called_good() -> None:
    """G-09: no ground truth is an outcome of its own."""
    now = binary().set_column(1, "churned", pa.nulls(1_500, pa.int64()))
    page = render(checked(BINARY, binary(), now))
    assert "No labels yet" in re.findall(r"<h1.*?</h1>", page)[0]
    assert '<section class="verdict plain"' in page


def test_estimates_stand_beside_what_came_true() -> None:
    found = (
        Compared("accuracy", 0.77, 0.75, 0.79, 0.74, 900),
        Compared("auc", 0.8, 0.7, 0.9, 0.81, 900),
        Compared("f1", 0.7, 0.6, 0.8),
    )
    said = text(render(checked(BINARY, binary(), binary(), estimates=found, tracks=track_of((*found, *found)))))
    assert "Accuracy 0.77 0.75 – 0.79 0.74 outside the interval" in said
    assert "AUC (ROC) 0.8 0.7 – 0.9 0.81 within the interval" in said and "not known yet" in said
    assert "How right past estimates were" in said


def test_the_worst_segments_are_shown_where_they_were_sought() -> None:
    asked = Losses(("region",), "error", "churned", "predicted")
    said = text(render(checked(BINARY, binary(), binary(40.0, 1), (asked,))))
    assert "Worse than the other rows: share of wrong predictions" in said and "region is 'west'" in said
    assert "Worse than in the baseline" in said


def test_segments_stand_worst_first_beside_their_baseline() -> None:
    monitor = replace(BINARY, segments=("region",))
    said = text(render(checked(monitor, binary(), binary(40.0, 1))))
    table = said[said.rindex("Segment by segment") :]
    assert re.search(r"Accuracy Precision Recall F1 AUC \(ROC\) region is 'west' 0\.\d+ was 0\.\d+", table)


def test_rankings_have_a_page() -> None:
    rng = np.random.default_rng(0)
    table = pa.table({"query": np.repeat(np.arange(60), 5), "score": rng.random(300), "gain": rng.integers(0, 3, 300)})
    monitor = ModelQuality("Ranking", "gain", None, "score", query_attribute="query")
    said = text(render(checked(monitor, table, table)))
    assert re.search(r"nDCG at 10 0\.\d+ ± 0\.\d+", said) and "their standard error" in said


def test_bias_metrics_have_their_meaning_in_words(pages: dict[str, str]) -> None:
    """The issue: every metric's meaning and sign told in words."""
    said = text(pages["bias"])
    assert "DPPL Difference in Positive Proportions in Predicted Labels" in said
    assert "The others are predicted positive more often. Farther from neutral than its limit." in said
    assert re.search(
        r"DI Disparate Impact 0\.\d+ 0\.\d+ – 0\.\d+ 0\.\d+ The group is predicted positive less often", said
    )
    assert set(signs.SIGNS) >= {*BIAS.pre_training, *BIAS.post_training}


@pytest.mark.parametrize("name", sorted(signs.SIGNS))
def test_no_sign_is_left_without_words(name: str) -> None:
    values = (0.5, 1.5) if name == "DI" else (-0.5, 0.5)
    said = [signs.said_of(name, value) for value in values]
    assert all(said) and (len(set(said)) == 2 or not signs.SIGNS[name].below or signs.SIGNS[name].below == said[1])
    assert signs.said_of(name, float("nan")) == ""


def test_fairness_by_group_counts_like_the_rows() -> None:
    table = people(1.2, 1)
    women = [row for row in table.to_pylist() if row["sex"] == "F"]
    hits = sum(row["label"] and row["predicted"] for row in women) / sum(row["label"] for row in women)
    said = text(render(checked(BIAS, people(), table)))
    assert re.search(rf"sex = F {len(women)} was \d+ .* {hits * 100:.3g} %", said)
    assert "all others" in said and "city = Ulm" in said


def test_attributions_side_by_side_with_their_ranks(pages: dict[str, str]) -> None:
    said = text(pages["explainability"])
    assert re.search(r"age 0\.0\d+ was 0\.\d+ 1 → 4 down 3", said)
    assert re.search(r"nDCG of the features 0\.\d+ (yes|no), limit 0.9", said)
    assert pages["explainability"].count('<svg class="boxes"') == 8


def test_pages_do_without_the_baselines_profile() -> None:
    for content in every().values():
        page = render(replace(content, baseline=None))
        assert "</html>" in page and 'class="legend' not in page


@dataclass(frozen=True)
class Fresh(DataQuality):
    """A kind of monitor that nobody has made a page for."""

    kind: ClassVar[str] = "fresh"


def test_a_kind_without_a_page_shows_its_measures() -> None:
    current = Profile.of(pa.table({"a": [1, 2]}))
    measures = (Measure("a", "oddity", 0.5, 0.2), Measure("a", "calm", reason="it never stood still"))
    violations = (Violation("a", "oddity_check", 0.5, 0.2, "a is odd"),)
    content = Content(Verdict(measures, violations), current, None, every()["bias"].problems, "T", (), "", (), Fresh())
    page = render(content)
    assert "1 violation" in text(page) and "Oddity" in page and "it never stood still" in page
    assert 'href="#measure-0"' in page and 'id="measure-0"' in page
    assert "Oddity" in fragment(content)


def test_more_measures_than_a_page_holds() -> None:
    measures = tuple(Measure(f"c{i}", "oddity", float(i), 1e9) for i in range(ROWS_MOST + 50))
    last = measures[-1]
    violations = (Violation(last.subject, "oddity_check", last.value, 1e9, "odd"),)
    content = Content(
        Verdict(measures, violations), Profile(), None, every()["bias"].problems, "T", (), "", (), Fresh()
    )
    page = render(content)
    assert f"{ROWS_MOST:,} of {len(measures):,} measures are listed" in page
    assert '<tr id="measure-0" class="broken">' in page


def named(name: str) -> list[Content]:
    """Checks in which every text that may come from data is this one."""
    label = Explainability((name, name + "2"), (name, name + "3"))
    local = pa.table({f"{each}/{feature}": [1.0, 2.0, -1.0] for each in label.labels for feature in label.features})
    group = Bias((Facet.of(name),), ("1",), name + "2", name + "3")
    rows = pa.table({name: [name, "b"] * 60, name + "2": [1, 0, 0] * 40, name + "3": [0, 1, 1, 0] * 30})
    guesses = replace(CLASSES, ground_truth_attribute=name, inference_attribute=name + "2")
    two = replace(BINARY, ground_truth_attribute=name, inference_attribute=name + "2", probability_attribute=name + "3",
                  positive=name)  # fmt: skip
    kinds = pa.table({name: [name, name + "!", "c"] * 50, name + "2": [name, "c", name + "!"] * 50,
                      name + "3": np.linspace(0, 1, 150)})  # fmt: skip
    checks = ((label, local), (group, rows), (guesses, kinds), (two, kinds))
    return [checked(monitor, table, table, title=name, inputs=(name,), notes=(name,)) for monitor, table in checks]


@pytest.mark.parametrize("name", EVIL)
@pytest.mark.parametrize("show", [render, fragment])
def test_texts_of_the_data_are_no_markup(name: str, show: Callable[[Content], str]) -> None:
    for content, harmless in zip(named(name), named("age"), strict=True):
        page, other = show(content), show(harmless)
        tags = [re.sub(r"<wbr>", "", each) for each in (page, other)]
        found, expected = (sorted(re.findall(r"<(?!wbr)/?([a-zA-Z]+)", each)) for each in tags)
        assert found == expected, content.monitor.kind
        assert len(page) < len(other) + 120_000
        assert ("{{ 7*7 }}" in page) == ("{{" in name)
        page.encode()


def odd() -> list[tuple[Any, pa.Table, pa.Table]]:
    """Monitors with tables in which little or nothing is defined."""
    inf, nan = float("inf"), float("nan")
    one = binary(1.0, 0, 1)
    positive = binary().filter(pa.array([bool(each) for each in binary()["churned"].to_pylist()]))
    lonely = pa.table({"price": [1.0, None, 5.0], "forecast": [None, 2.0, 5.0]})
    wild = pa.table({"price": [1e308, -1e308, inf, nan], "forecast": [-1e308, 1e308, 1.0, 2.0]})
    nobody = people().filter(pa.array([each == "M" for each in people()["sex"].to_pylist()]))
    flat = explained((0.0, 0.0, 0.0, 0.0))
    missing = pa.table({name: pa.nulls(5, pa.float64()) for name in explained().column_names})
    return [
        (BINARY, binary(), one), (BINARY, one, binary()), (BINARY, binary(), positive), (BINARY, positive, positive),
        (BINARY, binary(), binary().slice(0, 0)), (BINARY, binary().slice(0, 0), binary()),
        (REGRESSION, prices(), lonely), (REGRESSION, wild, wild), (REGRESSION, prices(), prices().slice(0, 0)),
        (CLASSES, classes(), classes(0.5, 1, 1)), (CLASSES, classes(0.5, 0, 500, 300), classes()),
        (BIAS, people(), nobody), (BIAS, nobody, people()), (BIAS, people(), people().slice(0, 0)),
        (EXPLAINED, flat, explained()), (EXPLAINED, explained(), flat), (EXPLAINED, explained(), missing),
        (EXPLAINED, missing, missing),
    ]  # fmt: skip


@pytest.mark.parametrize("place", range(18))
def test_windows_in_which_little_is_defined_have_pages(place: int) -> None:
    """MQ-10: one class, one row, nothing: undefined numbers have a reason, and no page breaks."""
    monitor, before, now = odd()[place]
    with np.errstate(all="ignore"):
        content = checked(monitor, before, now)
        page, short = render(content), fragment(content)
    assert "</html>" in page and "</div>" in short
    assert not re.search(r'[\s"]nan[\s"]', re.sub(r"<title>.*?</title>|aria-label=\"[^\"]*\"", "", page))
