"""What Prometheus is told: requests by operation and outcome, how long they took, captured calls, and all models."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from driftline.captures.journal import Counts
from driftline.errors import Unavailable
from driftline.server.gauges import Gauges
from driftline.server.messages import Answer

REQUESTS = Counter(
    "driftline_requests_total", "Requests answered, by API, operation and code.", ["api", "operation", "code"]
)
SECONDS = Histogram(
    "driftline_request_seconds",
    "Seconds from the last byte of a request to its answer.",
    ["api"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0),
)


def observe(*, api: str, operation: str, code: str, seconds: float) -> None:
    """Count one answer. `operation` must come from a closed set: each value is a series that is kept."""
    REQUESTS.labels(api, operation, code).inc()
    SECONDS.labels(api).observe(seconds)


class Captures:
    """What the journal of captured calls counted, as Prometheus collects it: five series, whatever the endpoints."""

    def __init__(self, counts: Counts) -> None:
        """`counts` as they are now."""
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """A metric for each count; those of one endpoint are in the REST API."""
        found, said = self._counts, "since the server started."
        totals = {
            "captured_records": (found.records, f"Captured calls kept in the journal {said}"),
            "capture_dropped_records": (found.dropped, f"Calls that were to be captured and could not be {said}"),
            "capture_objects": (found.objects, f"Objects of captured calls that were stored {said}"),
            "capture_failures": (found.failures, f"Attempts to store such an object that failed {said}"),
        }
        for name, (value, meaning) in totals.items():
            yield CounterMetricFamily(f"driftline_{name}", meaning, value=value)
        waiting = "Bytes of captured calls that wait in the journal for their destination."
        yield GaugeMetricFamily("driftline_capture_backlog_bytes", waiting, value=found.backlog_bytes)


class Models:
    """What is told of models, as Prometheus collects it."""

    def __init__(self, gauges: Gauges) -> None:
        """`gauges` are read at each collection, unless they were a few seconds ago."""
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """A metric for each family; without a database only that there is none."""
        try:
            told = self._gauges.families()
        except Unavailable:
            told = []
        yield GaugeMetricFamily("driftline_catalog_up", "1 where the database answers.", value=float(bool(told)))
        for each in told:
            found = GaugeMetricFamily(f"driftline_{each.name}", each.meaning, labels=each.labels)
            for labels, value in each.points:
                found.add_metric(labels, value)
            yield found


def collectors(captures: Counts | None, gauges: Gauges | None) -> Iterator[CollectorRegistry]:
    """All that is measured: of this process, of the journal of its captures, and of models."""
    yield REGISTRY
    more = CollectorRegistry()
    if captures is not None:
        more.register(Captures(captures))
    if gauges is not None:
        more.register(Models(gauges))
    yield more


def exposition(captures: Counts | None = None, gauges: Gauges | None = None) -> Answer:
    """All metrics in Prometheus' text format; `captures` are the counts of the journal, `gauges` those of models."""
    text = b"".join(generate_latest(each) for each in collectors(captures, gauges))
    return Answer(200, text, {"content-type": CONTENT_TYPE_LATEST})
