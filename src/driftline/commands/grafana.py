"""`driftline grafana`: a dashboard over the metrics of a server, as Grafana imports it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WIDE, _HIGH = 24, 8
_OF = 'model=~"$model"'


@dataclass(frozen=True)
class Panel:
    """A drawing of some expressions, each with the words of its legend; `red` is the value from which it is red."""

    title: str
    about: str
    targets: tuple[tuple[str, str], ...]
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 8
    red: float | None = None


ROWS: tuple[tuple[Panel, ...], ...] = (
    (
        Panel("Models", "Registered models.", (("driftline_models", ""),), "stat", width=4),
        Panel(
            "With violations", "Monitors whose last run found some.",
            ((f'count(driftline_monitor_verdict{{verdict="CompletedWithViolations",{_OF}}}) or vector(0)', ""),),
            "stat", width=5, red=1,
        ),
        Panel(
            "Failed", "Monitors whose last run failed.",
            ((f'count(driftline_monitor_verdict{{verdict="Failed",{_OF}}}) or vector(0)', ""),),
            "stat", width=5, red=1,
        ),
        Panel(
            "Alerts firing", "Alerts that fire now.", ((f"sum(driftline_alerts_firing{{{_OF}}}) or vector(0)", ""),),
            "stat", width=5, red=1,
        ),
        Panel(
            "Schedules in alert", "Monitoring schedules whose alert is InAlert.",
            (("sum(driftline_schedule_in_alert) or vector(0)", ""),), "stat", width=5, red=1,
        ),
    ),
    (
        Panel(
            "Violations", "Found by the last run of each monitor.",
            ((f"driftline_monitor_violations{{{_OF}}}", "{{model}} {{monitor}}"),), width=12,
        ),
        Panel(
            "Alerts firing, by severity", "How many alerts fire.",
            ((f"sum by (severity) (driftline_alerts_firing{{{_OF}}})", "{{severity}}"),), width=12,
        ),
    ),
    (
        Panel(
            "Drift of the worst features", "Distance from the baseline.",
            ((f'topk(10, driftline_feature_measure{{measure="baseline_drift",{_OF}}})', "{{model}} {{feature}}"),),
            width=12,
        ),
        Panel(
            "Completeness of the worst features", "Share of values that are there.",
            ((f'bottomk(10, driftline_feature_measure{{measure="completeness",{_OF}}})', "{{model}} {{feature}}"),),
            unit="percentunit", width=12,
        ),
    ),
    (
        Panel(
            "Quality", "What the last run measured of the whole model.",
            ((f"driftline_monitor_measure{{{_OF}}}", "{{model}} {{monitor}} {{measure}}"),), width=12,
        ),
        Panel(
            "Label coverage", "Share of rows that have a label.",
            ((f"driftline_monitor_label_coverage_ratio{{{_OF}}}", "{{model}} {{monitor}}"),),
            unit="percentunit", width=12,
        ),
    ),
    (
        Panel(
            "Age of the last run", "Since the last run of a monitor ended.",
            ((f"time() - driftline_monitor_last_run_timestamp_seconds{{{_OF}}}", "{{model}} {{monitor}}"),), unit="s",
        ),
        Panel(
            "Age of the data", "Since the end of the window that was looked at last; of schedules too.",
            (
                (f"time() - driftline_monitor_window_end_timestamp_seconds{{{_OF}}}", "{{model}} {{monitor}}"),
                ("time() - driftline_schedule_window_end_timestamp_seconds", "{{schedule}}"),
            ),
            unit="s",
        ),
        Panel(
            "Rows", "That the last run looked at.",
            ((f"driftline_monitor_rows{{{_OF}}}", "{{model}} {{monitor}}"),),
        ),
    ),
    (
        Panel(
            "Import files that wait or failed", "By model and status.",
            ((f'driftline_import_files{{status!="done",{_OF}}}', "{{model}} {{status}}"),),
        ),
        Panel(
            "Messages that wait or failed", "By channel and status.",
            (('driftline_deliveries{status!="sent"}', "{{channel}} {{status}}"),),
        ),
        Panel(
            "Failed executions of schedules", "Schedules whose last execution failed.",
            (('driftline_schedule_execution_status{status="Failed"}', "{{schedule}}"),),
        ),
    ),
    (
        Panel(
            "Requests", "Answered a second, by code.",
            (("sum by (api, code) (rate(driftline_requests_total[5m]))", "{{api}} {{code}}"),), unit="reqps",
        ),
        Panel(
            "Answers within", "95 of 100 requests are answered within.",
            (
                (
                    "histogram_quantile(0.95, sum by (le, api) (rate(driftline_request_seconds_bucket[5m])))",
                    "{{api}}",
                ),
            ),
            unit="s",
        ),
        Panel(
            "Database, and features not told", "1 where the database answers; features left out being less bad.",
            (("driftline_catalog_up", "database"), (f"sum(driftline_features_left_out{{{_OF}}})", "left out")),
        ),
    ),
)  # fmt: skip
"""The panels from top to bottom; each row fills the width."""


def grafana() -> int:
    """Print a Grafana dashboard over a server's metrics: import it, and choose the Prometheus that scrapes them."""
    print(json.dumps(dashboard(), indent=2))
    return 0


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana has them; its data source and the models shown are variables."""
    return {
        "title": "Driftline",
        "uid": "driftline",
        "description": "Models, monitors, features, alerts and imports of Driftline.",
        "tags": ["driftline"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-7d", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _variables()},
        "panels": list(_panels()),
    }


def _variables() -> list[dict[str, Any]]:
    source = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    asked = "label_values(driftline_monitor_verdict, model)"
    model = {"name": "model", "label": "Model", "type": "query", "datasource": _SOURCE, "refresh": 2, "sort": 1}
    model |= {"query": {"query": asked, "refId": "model"}, "definition": asked, "multi": True, "includeAll": True}
    return [source, {**model, "allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}}]


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for row in ROWS:
        left, high = 0, 4 if row[0].kind == "stat" else _HIGH
        for each in row:
            number += 1
            place = {"x": left, "y": top, "w": each.width, "h": high}
            yield {"id": number, "gridPos": place, **_drawn(each)}
            left += each.width
        top += high


def _drawn(panel: Panel) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + at), "expr": expression, "legendFormat": legend, "datasource": _SOURCE}
        for at, (expression, legend) in enumerate(panel.targets)
    ]
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    steps += [] if panel.red is None else [{"color": "red", "value": panel.red}]
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    told = {"type": panel.kind, "title": panel.title, "description": panel.about, "datasource": _SOURCE}
    return {**told, "targets": targets, "fieldConfig": {"defaults": defaults, "overrides": []}, "options": {}}
