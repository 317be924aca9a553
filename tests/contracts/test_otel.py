"""Metrics over OpenTelemetry: the same as Prometheus', taken by a real receiver of OTLP over HTTP (ME-04)."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families
from test_gauges import fill

from driftline.catalog import Catalog
from driftline.server.gauges import Gauges
from driftline.server.measures import collectors, exposition
from driftline.server.otel import Exporter
from driftline.settings import Settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Receiver:
    """A collector: what it was sent, and how it answers."""

    url: str = ""
    status: int = 200
    paths: list[str] = field(default_factory=list)
    sent: list[ExportMetricsServiceRequest] = field(default_factory=list)

    def take(self, path: str, headers: Any, body: bytes) -> int:
        """The status of the answer."""
        data = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
        self.paths.append(path)
        self.sent.append(ExportMetricsServiceRequest.FromString(data))
        return self.status

    def metrics(self) -> dict[str, Any]:
        """The last ones by name."""
        (resource,) = self.sent[-1].resource_metrics
        (scope,) = resource.scope_metrics
        assert {each.key: each.value.string_value for each in resource.resource.attributes}[
            "service.name"
        ] == "driftline"
        return {each.name: each for each in scope.metrics}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A real server."""
    made = Receiver()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(made.take(self.path, self.headers, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()


def labelled(points: Any) -> dict[tuple[tuple[str, str], ...], Any]:
    """Points by their labels."""
    return {tuple(sorted((each.key, each.value.string_value) for each in point.attributes)): point for point in points}


def test_a_collector_is_sent_what_prometheus_is_told(receiver: Receiver, tmp_path: Path) -> None:
    """Every gauge of the catalog with its labels and its value, at the path of OTLP."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    catalog.migrate()
    fill(catalog)
    gauges = Gauges(catalog, Settings(home=tmp_path), lambda: 0.0)
    exporter = Exporter(receiver.url, 60.0, lambda: collectors(None, gauges))
    assert exporter.send()
    exporter.stop()
    assert receiver.paths == ["/v1/metrics"]
    found = receiver.metrics()
    text = exposition(None, gauges).body.decode()
    told = {each.name: each for each in text_string_to_metric_families(text) if each.name.startswith("driftline_")}
    gauged = {
        name: each
        for name, each in told.items()
        if each.type == "gauge" and each.samples and not name.endswith("_created")
    }
    assert "driftline_monitor_violations" in gauged
    for name, family in gauged.items():
        points = labelled(found[name].gauge.data_points)
        assert {labels: each.as_double for labels, each in points.items()} == {
            tuple(sorted(each.labels.items())): each.value for each in family.samples
        }, name
        assert found[name].description == family.documentation
    catalog.close()


def test_counters_and_histograms_keep_their_meaning(receiver: Receiver) -> None:
    """Sums are monotonic; buckets have their own count alone, as OTLP wants it."""
    registry = CollectorRegistry()
    Counter("asked_total", "Asked.", ["who"], registry=registry).labels("ada").inc(3)
    Gauge("level", "Level.", registry=registry).set(0.5)
    took = Histogram("took", "Took.", buckets=(1.0, 2.0), registry=registry)
    for seconds in (0.5, 1.5, 1.6, 9.0):
        took.observe(seconds)
    exporter = Exporter(f"{receiver.url}/own/path", 60.0, lambda: [registry])
    assert exporter.send()
    exporter.stop()
    found = receiver.metrics()
    assert receiver.paths == ["/own/path"]
    assert found["asked"].sum.is_monotonic
    assert labelled(found["asked"].sum.data_points)[(("who", "ada"),)].as_double == 3.0
    (point,) = found["took"].histogram.data_points
    assert (list(point.bucket_counts), list(point.explicit_bounds)) == ([1, 2, 1], [1.0, 2.0])
    assert (point.count, round(point.sum, 6), point.HasField("min")) == (4, 12.6, False)


def test_it_goes_on_by_itself_and_outlives_a_collector_that_refuses(receiver: Receiver) -> None:
    """Sent every so often; an answer that is no success ends nothing."""
    registry = CollectorRegistry()
    Gauge("level", "Level.", registry=registry).set(1)
    receiver.status = 400
    exporter = Exporter(receiver.url, 0.05, lambda: [registry])
    exporter.start()
    _wait(lambda: len(receiver.sent) > 1)
    receiver.status = 200
    seen = len(receiver.sent)
    _wait(lambda: len(receiver.sent) > seen)
    exporter.stop()


def _wait(found: Any) -> None:
    until = time.monotonic() + 60
    while not found():
        assert time.monotonic() < until
        time.sleep(0.02)
