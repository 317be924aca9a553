"""The table of monitors: each kind by its name on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from driftline.errors import Invalid
from driftline.monitors.bias import Bias
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.explainability import Explainability
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.monitor import Monitor

MONITORS: dict[str, type[Monitor]] = {
    DataQuality.kind: DataQuality,
    ModelQuality.kind: ModelQuality,
    Bias.kind: Bias,
    Explainability.kind: Explainability,
}


def monitor_to(monitor: Monitor) -> dict[str, Any]:
    """The monitor as JSON has it.

    >>> monitor_to(DataQuality(compatible=True))["kind"]
    'data-quality'
    """
    return {"kind": monitor.kind, **asdict(monitor)}  # type: ignore[call-overload]


def monitor_from(document: Mapping[str, Any]) -> Monitor:
    """The monitor that `monitor_to` wrote; raises `Invalid` for a kind that does not exist.

    >>> monitor_from(monitor_to(DataQuality(measures={"*": {"psi": 0.2}}))).measures
    {'*': {'psi': 0.2}}
    """
    settings = dict(document)
    kind = settings.pop("kind", DataQuality.kind)
    if kind not in MONITORS:
        raise Invalid(what="monitor", got=kind, expected=f"one of {', '.join(MONITORS)}")
    return MONITORS[kind](**settings)
