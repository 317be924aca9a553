"""The metrics of Prometheus' page, sent to an OpenTelemetry collector every so often."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from math import inf
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric as Told
from prometheus_client.samples import Sample

from driftline.errors import Invalid
from driftline.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

PATH = "/v1/metrics"
_REMEDY = "Install it: pip install 'driftline[otel]'."
_NANO = 1_000_000_000


class Exporter:
    """A thread that sends all metrics to an endpoint of OTLP over HTTP; what cannot be sent is logged, and left out.

    Headers, certificates and the like are told by OpenTelemetry's own variables, OTEL_EXPORTER_OTLP_HEADERS and others.
    """

    def __init__(self, endpoint: str, every_seconds: float, collect: Callable[[], Iterable[CollectorRegistry]]) -> None:
        """Nothing is sent before `start`; raises `Invalid` where the library is not installed."""
        try:
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        except ImportError as error:
            expected = "the extra `otel`"
            raise Invalid(what="DRIFTLINE_OTEL_ENDPOINT", got=endpoint, expected=expected, remedy=_REMEDY) from error
        self._sender = OTLPMetricExporter(endpoint=place_of(endpoint), timeout=10.0)
        self._every, self._collect = every_seconds, collect
        self._began, self._ended = time.time_ns(), Event()
        self._log = structlog.get_logger("driftline.server")
        self._thread = Thread(target=self._run, name="otel", daemon=True)

    def start(self) -> None:
        """Send from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is on its way is given up."""
        self._ended.set()
        self._sender.shutdown()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def send(self) -> bool:
        """Whether the collector took all metrics as they are."""
        from opentelemetry.sdk.metrics.export import MetricExportResult

        told = data_of(self._collect(), began=self._began, now=time.time_ns())
        return bool(self._sender.export(told) is MetricExportResult.SUCCESS)

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            if not self.send() and not self._ended.is_set():
                self._log.warning("metrics could not be sent", to="DRIFTLINE_OTEL_ENDPOINT")


def place_of(endpoint: str) -> str:
    """Where metrics are sent: the address itself if it has a path, else OTLP's own below it.

    >>> place_of("http://collector:4318"), place_of("http://collector:4318/v1/metrics")
    ('http://collector:4318/v1/metrics', 'http://collector:4318/v1/metrics')
    """
    _, _, behind = endpoint.partition("://")
    return endpoint if behind.partition("/")[2] else endpoint.rstrip("/") + PATH


def data_of(registries: Iterable[CollectorRegistry], *, began: int, now: int) -> MetricsData:
    """All metrics as OTLP has them, cumulative since `began`; times in nanoseconds since 1970."""
    from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    found = [made for each in registries for told in each.collect() if (made := _metric(told, began, now)) is not None]
    resource = Resource.create({"service.name": "driftline", "service.version": VERSION})
    scope = ScopeMetrics(InstrumentationScope("driftline", VERSION), found, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _metric(told: Told, began: int, now: int) -> Any:
    from opentelemetry.sdk.metrics.export import (
        AggregationTemporality,
        Gauge,
        Histogram,
        Metric,
        NumberDataPoint,
        Sum,
    )

    since = AggregationTemporality.CUMULATIVE
    if told.type == "histogram":
        data = Histogram(list(_histograms(told.samples, began, now)), since)
        return Metric(told.name, told.documentation, "", data) if data.data_points else None
    kept = [each for each in told.samples if not each.name.endswith("_created")]
    points = [NumberDataPoint(each.labels, began, now, each.value) for each in kept]
    sums = Sum(points, since, is_monotonic=True) if told.type == "counter" else Gauge(points)
    return Metric(told.name, told.documentation, "", sums) if points else None


def _histograms(samples: Iterable[Sample], began: int, now: int) -> Iterator[Any]:
    """A point for each set of labels: Prometheus' buckets have all below them, OTLP's only their own."""
    from opentelemetry.sdk.metrics.export import HistogramDataPoint

    found: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for each in samples:
        own = tuple(sorted((name, value) for name, value in each.labels.items() if name != "le"))
        found.setdefault(own, []).append(each)
    for labels, some in found.items():
        below = sorted((float(each.labels["le"]), int(each.value)) for each in some if each.name.endswith("_bucket"))
        counts = [count for _, count in below]
        own_counts = [count - before for count, before in zip(counts, [0, *counts[:-1]], strict=True)]
        bounds = [bound for bound, _ in below if bound != inf]
        total = _value(some, "_sum")
        least: Any = None  # Prometheus does not know the least and the largest value
        yield HistogramDataPoint(
            dict(labels), began, now, counts[-1] if counts else 0, total, own_counts, bounds, least, least
        )


def _value(samples: Iterable[Sample], suffix: str) -> float:
    return next((each.value for each in samples if each.name.endswith(suffix)), 0.0)
