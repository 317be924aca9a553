"""The console's pages with much to show: how large each is, and how long the server and a browser take for it.

`python benchmarks/console.py` fills a catalog with 200 models of three monitors and thirty windows each, one of them
with 100 features and two weeks of hourly profiles, 500 schedules and 10,000 executions, and asks for each page five
times, signed in, as Debian's Chromium does and alone. 1 if a page is over 300 KB or takes over half a second.
"""

from __future__ import annotations

import json
import logging
import re
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import driftline  # noqa: F401 - it says which sort numpy takes

# isort: split
import requests
import structlog
from rich.console import Console
from rich.table import Table
from windows import batch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "system"))

from browsing import running_browser

from driftline import registry
from driftline.catalog import Catalog, alerts, executions, hours, keys, modelruns, resources
from driftline.catalog.executions import Execution
from driftline.catalog.hours import HourPart, Subject
from driftline.catalog.modelruns import ModelRun
from driftline.catalog.resources import Resource
from driftline.inferences import rollups
from driftline.inferences.hours import Hourly
from driftline.inferences.sheetbytes import store
from driftline.modelmonitors import register
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.registry import Model, ModelVersion
from driftline.schemas.fields import Kind, ModelField, ModelSchema, ModelType, Role
from driftline.server.app import create_app
from driftline.server.listen import Listener
from driftline.settings import Settings
from driftline.storage.access import Access

MODELS, WINDOWS, SCHEDULES, EXECUTIONS, DAYS, ROWS = 200, 30, 500, 10_000, 14, 200
KINDS = {"drift": "data-quality", "quality": "model-quality", "fairness": "bias"}
TIMES = 5
MOST_BYTES, MOST_SECONDS = 300_000, 0.5
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
WIDE = "model-000"


@dataclass(frozen=True)
class Taken:
    """A page: its bytes, median seconds of the server alone, and of a browser until all is drawn."""

    bytes: int
    server: float
    browser: float

    @property
    def is_within(self) -> bool:
        """Whether it keeps the budget."""
        return self.bytes <= MOST_BYTES and self.browser <= MOST_SECONDS


def main() -> int:
    """Fill, measure, print."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="driftline-console-") as name, serving(Path(name)) as (url, key, ids):
        found = {path: each for path, each in measured(url, key, pages(ids))}
    table = Table("page", "KB", "server, ms", "browser, ms", "")
    for path, each in found.items():
        mark = "" if each.is_within else "over"
        figures = f"{each.bytes / 1000:.0f}", f"{each.server * 1000:.0f}", f"{each.browser * 1000:.0f}"
        table.add_row(path, *figures, mark)
    Console().print(table)
    print(json.dumps({path: vars(each) for path, each in found.items()}))
    return int(not all(each.is_within for each in found.values()))


def pages(ids: Mapping[str, str]) -> list[str]:
    """The pages that have much to show."""
    of = f"/console/models/{WIDE}"
    return [
        "/console", of, f"{of}/features", f"{of}/features/float_00", f"{of}/compare", "/console/imports",
        "/console/schedules", "/console/schedules/schedule-000", f"/console/executions/{ids['execution']}",
        "/console/alerts", "/console/search?q=model",
    ]  # fmt: skip


def measured(url: str, key: str, paths: list[str]) -> Iterator[tuple[str, Taken]]:
    """Each page asked for, alone and by a browser."""
    asked = requests.Session()
    form = asked.get(f"{url}/console/sign-in", timeout=60)
    token = re.search(r'name="token" value="(\w+)"', form.text)
    assert token is not None
    asked.post(f"{url}/console/sign-in", data={"key": key, "token": token[1]}, timeout=60)
    with running_browser() as browser:
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.goto(f"{url}/console")
        page.fill("input[name=key]", key)
        page.click("button")
        for path in paths:
            asked.get(url + path, timeout=60).raise_for_status()
            alone, drawn, size = list[float](), list[float](), 0
            for _ in range(TIMES):
                began = time.perf_counter()
                size = len(asked.get(url + path, timeout=60).content)
                alone.append(time.perf_counter() - began)
                began = time.perf_counter()
                page.goto(url + path, wait_until="load")
                drawn.append(time.perf_counter() - began)
            yield path, Taken(size, statistics.median(alone), statistics.median(drawn))


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """The address of a server that has all this, a key, and ids."""
    settings = Settings(home=folder)
    catalog = Catalog(settings.url)
    catalog.migrate()
    with catalog.begin() as tx:
        key = keys.create_api_key(tx, "bench", ["read", "write"], now=NOW)
        for place in range(MODELS):
            model(tx, f"model-{place:03d}", place)
        ids = {"execution": schedules(tx)}
    profiled(catalog, folder)
    listener = Listener(create_app(settings, catalog), "127.0.0.1", 0)
    listener.start()
    try:
        yield listener.url, key, ids
    finally:
        listener.stop()
        catalog.close()


def model(tx: Any, name: str, place: int) -> None:
    """A model with three monitors that looked at each of the last days; every fifth finds something."""
    registry.create_model(tx, Model(name, f"Model {place}", owner="risk"), now=NOW)
    registry.create_version(tx, ModelVersion(name, "1", ModelType.BINARY, schema()), now=NOW)
    for monitor, kind in KINDS.items():
        settings = {"facets": [{"columns": ["text_00"], "values": [["value 0"]]}]} if kind == "bias" else {}
        register.create(tx, ModelMonitor(name, monitor, kind, settings, cadence="rate(1 day)"), now=NOW)
        for days in range(WINDOWS):
            modelruns.add(tx, run(name, monitor, kind, NOW - timedelta(days=days), place % 5 == 0 and days < 3))


def run(name: str, monitor: str, kind: str, end: datetime, fires: bool) -> ModelRun:
    """How a day ended, with the figures of its features."""
    figures = [
        {"subject": column, "name": "baseline_drift", "value": 0.2 if fires else 0.02, "limit": 0.1}
        for column in names()
        if kind == "data-quality"
    ]
    estimates = [
        {"name": each, "value": 0.9, "low": 0.88, "high": 0.92, "realised": 0.91}
        for each in ("accuracy", "precision", "recall")
        if kind == "model-quality"
    ]
    body = {"asked": {}, "kind": kind, "origin": "schedule", "rows": 4800, "figures": figures, "estimates": estimates}
    status, violations = ("CompletedWithViolations", 3) if fires else ("Completed", 0)
    return ModelRun(
        str(uuid.uuid4()), name, monitor, "", "production", end - timedelta(days=1), end, end, 1, end, status,
        violations, None, body, end,
    )  # fmt: skip


def names() -> list[str]:
    """The hundred features."""
    return [name for name in batch(0, 1).schema.names if name != "_time"]


def schema() -> ModelSchema:
    """That of all models."""
    fields = [
        ModelField(name, Role.FEATURE, Kind.CATEGORICAL if name.startswith("text") else Kind.NUMERIC)
        for name in names()
    ]
    late = ModelField("prediction", Role.PREDICTION, Kind.CATEGORICAL), ModelField("truth", Role.ACTUAL, Kind.NUMERIC)
    return ModelSchema((*fields, *late))


def profiled(catalog: Catalog, folder: Path) -> None:
    """The hours of one model: two weeks of production, and a day of training."""
    for environment, first, count in (("production", 0, 24 * DAYS), ("training", 24 * DAYS, 24)):
        subject = Subject(WIDE, "1", environment)
        for number in range(first, first + count):
            found = Hourly(subject)
            found.observe(batch(number, ROWS))
            sheet = next(iter(found.sheets().values()))
            hour = NOW - timedelta(hours=first + count - number)
            places = store({hour: sheet}, f"{folder}/parts/{environment}-{number:05d}.hours", Access())
            with catalog.begin() as tx:
                hours.add(tx, subject, [HourPart(hour, f"{environment}-{number}", places[hour], sheet.rows)])
        rollups.roll_up(catalog, subject, f"{folder}/made-{environment}", Access(), until=NOW)


def schedules(tx: Any) -> str:
    """500 schedules, one of which has had nearly all executions; the id of its last."""
    definition = {"MonitoringJobDefinition": {"MonitoringInputs": []}, "MonitoringType": "DataQuality"}
    config = {"ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}, **definition}
    body = {"MonitoringScheduleConfig": config}
    for place in range(SCHEDULES):
        name = f"schedule-{place:03d}"
        arn, labels = f"arn:aws:sagemaker:us-east-1:1:schedule/{name}", {"type": "DataQuality", "endpoint": "shop"}
        resources.create(tx, Resource("monitoring-schedule", name, arn, body, "Scheduled", NOW, NOW, labels))
        alerts.add(tx, alerts.Alert(name, name, NOW, NOW, alerts.IN_ALERT if place % 20 == 0 else "OK"))
    last = ""
    for place in range(EXECUTIONS):
        name = f"schedule-{place:03d}" if 0 < place < SCHEDULES else "schedule-000"
        at = NOW - timedelta(hours=EXECUTIONS - place)
        last = str(uuid.uuid4())
        ended = Execution(
            last, name, at, at - timedelta(hours=1), at, at, at, status="CompletedWithViolations",
            type="DataQuality", endpoint="shop",
        )  # fmt: skip
        assert executions.add(tx, ended)
    return last


if __name__ == "__main__":
    sys.exit(main())
