"""InvokeEndpoint: the call goes to the model's URL, and what it says is captured."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from driftline.captures.config import CaptureConfig
from driftline.captures.forward import Forwarder, Invocation, ModelError
from driftline.captures.recorder import Recorder
from driftline.captures.traffic import Meter
from driftline.catalog import resources
from driftline.catalog.endpoints import config_of
from driftline.processing.served import url_of
from driftline.server.aws.endpoints import ENDPOINT, MODEL
from driftline.server.aws.wire import Call, operation
from driftline.server.errors import AwsError

KEPT_SECONDS = 1.0
"""How long an endpoint is remembered: an update is seen that much later."""


@dataclass(frozen=True)
class Route:
    """Where the calls of an endpoint go: variants with their weights and URLs, and what is captured."""

    endpoint: str
    variants: Sequence[str]
    weights: Sequence[float]
    urls: Sequence[str | None]
    capture: CaptureConfig | None


class Routes:
    """The routes of endpoints that were called lately; threads may share it."""

    def __init__(self) -> None:
        """None is known yet."""
        self._known: dict[str, tuple[float, Route]] = {}

    def route(self, name: str, call: Call) -> Route:
        """The endpoint's route; raises `AwsError` if there is no such endpoint."""
        moment, known = time.monotonic(), self._known.get(name)
        if known is not None and moment - known[0] < KEPT_SECONDS:
            return known[1]
        found = _look_up(name, call)
        self._known[name] = (moment, found)
        return found


@operation("InvokeEndpoint", api="sagemaker-runtime")
def invoke(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The model's answer; captured as the endpoint's configuration says before the caller has it."""
    route = call.part(Routes).route(request["EndpointName"], call)
    place = _chosen(route, request.get("TargetVariant"))
    url = route.urls[place]
    if url is None:
        said = f"It is not known where the model of variant {route.variants[place]} is served"
        raise AwsError("ValidationError", f"{said}: set DRIFTLINE_MODEL_URL in its container's Environment.")
    sent = Invocation(
        request.get("Body") or b"",
        request.get("ContentType"),
        request.get("Accept"),
        request.get("CustomAttributes"),
        request.get("InferenceId"),
    )
    try:
        answer = call.part(Forwarder).invoke(url, sent)
    except ModelError as error:
        status = error.status or 504
        raise AwsError(
            "ModelError", str(error), 424, OriginalStatusCode=status, OriginalMessage=error.message
        ) from error
    recorder, captured = call.part(Recorder), None
    if route.capture is not None and recorder.chooses(route.capture):
        exchange = sent.exchange(answer, call.now)
        captured = recorder.write(route.capture, route.endpoint, route.variants[place], exchange) is not None
    call.part(Meter).count(route.endpoint, call.now, captured)
    told = {"Body": answer.body, "ContentType": answer.content_type}
    told["InvokedProductionVariant"] = route.variants[place]
    return {**told, "CustomAttributes": answer.custom_attributes} if answer.custom_attributes else told


def _look_up(name: str, call: Call) -> Route:
    with call.catalog.read() as tx:
        endpoint = resources.find(tx, ENDPOINT, name)
        if endpoint is None:
            said = f"Endpoint {name} of account {call.settings.account} not found."
            raise AwsError("ValidationError", said)
        config = config_of(tx, endpoint)
        variants = config["ProductionVariants"]
        models = [resources.find(tx, MODEL, each.get("ModelName", "")) for each in variants]
    capture = config.get("DataCaptureConfig")
    return Route(
        endpoint.name,
        [each["VariantName"] for each in variants],
        [float(each.get("InitialVariantWeight", 1.0)) for each in variants],
        [url_of(model.body, call.settings.models) if model else None for model in models],
        CaptureConfig.of(capture) if capture else None,
    )


def _chosen(route: Route, wanted: str | None) -> int:
    if wanted is None:
        weights = route.weights if any(route.weights) else None  # all 0: each is as good
        return random.choices(range(len(route.variants)), weights)[0] if len(route.variants) > 1 else 0
    if wanted not in route.variants:
        said = f"Variant {wanted} not found for endpoint {route.endpoint}."
        raise AwsError("ValidationError", said)
    return list(route.variants).index(wanted)
