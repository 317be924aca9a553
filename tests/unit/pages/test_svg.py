"""Drawings: well-formed whatever is drawn, escaped, with nothing that a page has to load."""

from __future__ import annotations

from math import inf, nan
from xml.etree import ElementTree

import pytest

from driftline.pages import svg

SHARES = [None, (), (1.0,), (0.0, 0.0), (0.2, 0.3, 0.5), (1e-12, 1.0)]


@pytest.mark.parametrize("baseline", SHARES)
@pytest.mark.parametrize("current", SHARES)
def test_every_drawing_is_well_formed(baseline: tuple[float, ...] | None, current: tuple[float, ...] | None) -> None:
    for drawing in (svg.overlay(baseline, current), svg.sparkline(baseline, current), svg.columns(baseline, current)):
        ElementTree.fromstring(drawing)
        assert "nan" not in drawing and "inf" not in drawing


def test_labels_and_descriptions_are_escaped() -> None:
    found = svg.overlay([1.0], [1.0], ['</title><script>alert("1")</script>'], 'a "b" <c>')
    ElementTree.fromstring(found)
    assert "<script" not in found and 'aria-label="a &quot;b&quot; &lt;c&gt;"' in found


def test_a_bin_tells_its_shares() -> None:
    assert "<title>1 – 2: baseline 25 %, current 75 %</title>" in svg.overlay([0.25], [0.75], ["1 – 2"])


def test_the_step_ends_where_the_drawing_ends() -> None:
    assert "H300V84" in svg.overlay(None, [0.5, 0.5])


@pytest.mark.parametrize(("value", "limit"), [(nan, 0.1), (inf, 0.1), (-1.0, 0.1), (0.1, nan)])
def test_no_meter_of_what_has_no_scale(value: float, limit: float) -> None:
    assert svg.meter(value, limit, exceeded=False) == ""


def test_a_meter_holds_value_and_limit() -> None:
    ElementTree.fromstring(svg.meter(0.5, 0.1, exceeded=True, said="distance 0.5, limit 0.1"))
    ElementTree.fromstring(svg.meter(0.0, 0.0, exceeded=False))


def test_a_pair_leaves_out_the_side_that_has_no_values() -> None:
    assert svg.pair(None, 0.5).count("<rect") == 1
    ElementTree.fromstring(svg.pair(0.5, 0.5, top=0.0))
