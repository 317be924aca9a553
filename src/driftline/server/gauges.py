"""The gauges of all models, read from the catalog when somebody asks, and kept for a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from driftline.catalog import Catalog, alerting, measured
from driftline.catalog.measured import Last
from driftline.server.families import Family, Found, families
from driftline.server.worst import Figures, figures_of, kept
from driftline.settings import Settings

SECONDS, SHARE = 5.0, 20.0
"""So long an answer is kept, and so many times longer than it took: no scraper makes the catalog busy with it."""


class Gauges:
    """What machines are told of models; threads may share it.

    What runs measured is read once for each run, and of each only the worst features are remembered.
    """

    def __init__(self, catalog: Catalog, settings: Settings, seconds: Callable[[], float]) -> None:
        """Nothing is read yet; `seconds` is a clock that never goes back."""
        self._catalog, self._settings, self._seconds = catalog, settings, seconds
        self._figures: Mapping[str, Figures] = {}
        self._told: list[Family] = []
        self._until = float("-inf")
        self._turn = Lock()

    def families(self) -> list[Family]:
        """As they are, or were a few seconds ago; raises `Unavailable` without a database."""
        with self._turn:
            began = self._seconds()
            if began >= self._until:
                self._told = list(families(self._read()))
                ended = self._seconds()
                self._until = ended + max(SECONDS, SHARE * (ended - began))
            return self._told

    def _read(self) -> Found:
        with self._catalog.read() as tx:
            runs = measured.last_runs(tx)
            self._figures = self._measured(tx, runs)
            pairs = [(each.model, each.id, self._figures[each.id]) for each in runs if each.id in self._figures]
            fires = Counter(_severity(*each) for each in measured.firing(tx, alerting.FIRING))
            return Found(
                runs,
                self._figures,
                kept(pairs, self._settings.metric_features, self._settings.metric_series),
                measured.last_executions(tx),
                fires,
                measured.files(tx),
                measured.deliveries(tx),
                measured.models(tx),
            )

    def _measured(self, tx: Any, runs: list[Last]) -> dict[str, Figures]:
        """What each run measured; only runs that are new are read."""
        known = {each.id: self._figures[each.id] for each in runs if each.id in self._figures}
        new = [each.id for each in runs if each.id not in known]
        most = self._settings.metric_features
        return known | {run: figures_of(body, most) for run, body in measured.bodies(tx, new)}


def _severity(model: str, rule: Mapping[str, Any]) -> tuple[str, ...]:
    return model, str(rule.get("severity", "warning"))
