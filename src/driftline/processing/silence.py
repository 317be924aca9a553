"""Why there are no captured data where there should be: traffic without capture is told from a quiet hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline.catalog.traffic import Traffic


@dataclass(frozen=True)
class Silence:
    """Why a window has no data, a sentence or nothing; and whether that is a gap: calls may come, and none is kept."""

    said: str = ""
    is_gap: bool = False


def silence_of(endpoint: str | None, config: Mapping[str, Any] | None, seen: Traffic) -> Silence:
    """What is known of a window without data: by the endpoint's configuration as it is now, and by its calls.

    Calls that came on other ways than through this server (a middleware, SageMaker itself) are not known.

    >>> config = {"EndpointConfigName": "c2", "DataCaptureConfig": {"InitialSamplingPercentage": 0}}
    >>> print(silence_of("churn", config, Traffic(7)).said)
    Endpoint churn was called 7 times, but capture is stopped: InitialSamplingPercentage is 0 in its configuration c2.
    >>> silence_of("churn", config, Traffic()).said
    'Capture of endpoint churn is stopped: InitialSamplingPercentage is 0 in its configuration c2.'
    """
    if config is None:
        return Silence()
    capture = config["DataCaptureConfig"]
    called = f"Endpoint {endpoint} was called {seen.calls} time{'s' if seen.calls != 1 else ''}"
    why = _stopped(capture)
    if seen.captured:
        why = "they wait until it can be reached, or it was changed or emptied"
        return Silence(f"{called}, {seen.captured} captured, but not at their destination: {why}.", True)
    if seen.dropped:
        return Silence(f"{called}, but {gap_in(seen)}.", True)
    if why:
        where = f"{why} in its configuration {config['EndpointConfigName']}."
        stopped = f"{called}, but capture is stopped" if seen.calls else f"Capture of endpoint {endpoint} is stopped"
        return Silence(f"{stopped}: {where}", True)
    if seen.calls:
        return Silence(f"{called}, but none was chosen: {_share(capture):g} % of the calls are captured.")
    return Silence()


def gap_in(seen: Traffic) -> str:
    """What could not be captured, if anything.

    >>> gap_in(Traffic(9, 4, 5, "the disk of the journal is nearly full"))
    '5 of 9 calls could not be captured (the disk of the journal is nearly full)'
    >>> gap_in(Traffic(9, 9))
    ''
    """
    why = f" ({seen.reason})" if seen.reason else ""
    return f"{seen.dropped} of {seen.calls} calls could not be captured{why}" if seen.dropped else ""


def _stopped(capture: Mapping[str, Any]) -> str:
    """What stops capture altogether, if anything."""
    if not capture.get("EnableCapture", True):
        return "EnableCapture is false"
    return "" if _share(capture) else "InitialSamplingPercentage is 0"


def _share(capture: Mapping[str, Any]) -> float:
    return float(capture.get("InitialSamplingPercentage", 100))
