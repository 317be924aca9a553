"""The Grafana dashboard: each expression asks for metrics that /metrics really tells (ME-04)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from driftline.catalog import Catalog
from driftline.cli import main
from driftline.commands.grafana import _WIDE, ROWS, dashboard
from driftline.server.gauges import Gauges
from driftline.server.measures import exposition
from driftline.settings import Settings


def test_every_metric_that_is_asked_for_is_told(tmp_path: Path) -> None:
    """Names in expressions and in variables; labels in selectors and legends are those of the metric."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    catalog.migrate()
    gauges = Gauges(catalog, Settings(home=tmp_path), lambda: 0.0)
    text = exposition(None, gauges).body.decode()
    told = {f"driftline_{each.name}" for each in gauges.families()}
    catalog.close()
    known = {each.name for each in text_string_to_metric_families(text)}
    made = dashboard()
    asked = [target["expr"] for panel in made["panels"] for target in panel["targets"]]
    asked += [each["definition"] for each in made["templating"]["list"] if "definition" in each]
    names = {name for expression in asked for name in re.findall(r"driftline_\w+", expression)}
    assert {re.sub("_(total|bucket)$", "", each) for each in names} <= known
    assert told <= names, "a metric of models that no panel shows"


def test_panels_fill_the_width_and_are_told_apart() -> None:
    """Rows of 24; ids once; every panel says what it is, and takes its data from the variable."""
    assert all(sum(each.width for each in row) == _WIDE for row in ROWS)
    panels = dashboard()["panels"]
    assert len({each["id"] for each in panels}) == len(panels)
    places = [
        (p["gridPos"]["x"] + x, p["gridPos"]["y"] + y)
        for p in panels
        for x in range(p["gridPos"]["w"])
        for y in range(p["gridPos"]["h"])
    ]
    assert len(places) == len(set(places))
    for each in panels:
        assert each["title"] and each["description"]
        assert {json.dumps(one["datasource"]) for one in (each, *each["targets"])} == {
            '{"type": "prometheus", "uid": "${datasource}"}'
        }


def test_the_command_prints_what_grafana_imports(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON, and nothing else."""
    assert main(["grafana"]) == 0
    assert json.loads(capsys.readouterr().out) == dashboard()
