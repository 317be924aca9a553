"""What Prometheus is told of the server: requests by operation and outcome, and how long they took."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

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


def exposition() -> Answer:
    """All metrics of this process in Prometheus' text format."""
    return Answer(200, generate_latest(), {"content-type": CONTENT_TYPE_LATEST})
