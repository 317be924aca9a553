"""A version of a model: its datasets connected, its predictions and labels logged."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict, Unpack

from driftline.aporia.connection import connection, only, path, told
from driftline.aporia.sources import S3DataSource

CONNECT_SECONDS = 600
Columns = Mapping[str, str]
"""Name of a field -> the column that holds it, where the two differ."""

_LOG = "mutation Log { logPredictions(modelId: $modelId) { warnings } }"
_MOST = 4000
"""Rows of one request."""


class DatasetOptions(TypedDict, total=False):
    """How a dataset is connected, beside its columns; `schedule` is a cron expression of five fields, in UTC."""

    http_timeout_seconds: int | None
    schedule: str | None


@dataclass(frozen=True)
class Model:
    """A version of a model, as `create_model_version` returns it."""

    model_id: str
    model_version: str

    @told("Connection to serving")
    def connect_serving(
        self,
        data_source: S3DataSource,
        id_column: str,
        timestamp_column: str,
        predictions: Columns | None = None,
        features: Columns | None = None,
        labels: Columns | None = None,
        raw_inputs: Columns | None = None,
        **options: Unpack[DatasetOptions],
    ) -> None:
        """Import what the model predicted in production; `labels` names the columns of truths, null until known."""
        fields = {"predictions": predictions, "features": features, "labels": labels, "raw_inputs": raw_inputs}
        self._connect("serving", data_source, id_column, timestamp_column, fields, options)

    @told("Connection to training set")
    def connect_training(
        self,
        data_source: S3DataSource,
        id_column: str,
        timestamp_column: str,
        predictions: Columns | None = None,
        features: Columns | None = None,
        labels: Columns | None = None,
        raw_inputs: Columns | None = None,
        **options: Unpack[DatasetOptions],
    ) -> None:
        """Import the set that the model was made with, which a baseline is learnt from."""
        fields = {"predictions": predictions, "features": features, "labels": labels, "raw_inputs": raw_inputs}
        self._connect("training", data_source, id_column, timestamp_column, fields, options)

    @told("Connection to test set")
    def connect_testing(
        self,
        data_source: S3DataSource,
        id_column: str,
        timestamp_column: str,
        predictions: Columns | None = None,
        features: Columns | None = None,
        labels: Columns | None = None,
        raw_inputs: Columns | None = None,
        **options: Unpack[DatasetOptions],
    ) -> None:
        """Import the set that the model was tested with, as validation set `testing`."""
        fields = {"predictions": predictions, "features": features, "labels": labels, "raw_inputs": raw_inputs}
        self._connect("testing", data_source, id_column, timestamp_column, fields, options)

    @told("Connection to actuals")
    def connect_actuals(
        self,
        data_source: S3DataSource,
        id_column: str,
        timestamp_column: str,
        labels: Columns | None = None,
        **options: Unpack[DatasetOptions],
    ) -> None:
        """Import what became of the predictions, joined by id whenever it comes; `timestamp_column` tells when."""
        self._connect("actuals", data_source, id_column, timestamp_column, {"labels": labels}, options)

    @told("Setting sync status")
    def set_sync_enabled(self, enabled: bool) -> None:
        """Whether the version's datasets look for new files."""
        connection().call("POST", self._path("datasets_sync") + f"?enabled={str(bool(enabled)).lower()}", {})

    @told("Getting sync status")
    def get_dataset_sync_status(self, dataset: str) -> dict[str, Any]:
        """How far `serving`, `training`, `testing` or `actuals` is: status, files, rows, errors."""
        return dict(connection().call("GET", self._path("sync_status", dataset)))

    @told("Setting feature importance")
    def set_feature_importance(self, feature_importance: Mapping[str, float]) -> None:
        """How much each feature matters."""
        connection().call("POST", self._path("feature_importance"), {"feature_importance": feature_importance})

    def log_prediction(
        self,
        features: Mapping[str, Any],
        predictions: Mapping[str, Any],
        id: str | None = None,
        metrics: Mapping[str, Any] | None = None,
        occurred_at: datetime | None = None,
        raw_inputs: Mapping[str, Any] | None = None,
        actuals: Mapping[str, Any] | None = None,
    ) -> None:
        """Log one prediction, made now if not told otherwise; it is at the server when this returns."""
        row = {"id": id, "features": features, "predictions": predictions, "metrics": metrics}
        self.log_batch_prediction([{**row, "occurred_at": occurred_at, "raw_inputs": raw_inputs, "actuals": actuals}])

    @told("Logging prediction batch")
    def log_batch_prediction(self, batch_predictions: Iterable[Mapping[str, Any]]) -> None:
        """Log many: dicts of what `log_prediction` takes."""
        now = datetime.now(UTC).isoformat()
        self._log({**_sent(each), "occurredAt": str(each.get("occurred_at") or now)} for each in batch_predictions)

    def log_actuals(self, id: str, actuals: Mapping[str, Any]) -> None:
        """Log what became of one prediction."""
        self.log_batch_actuals([{"id": id, "actuals": actuals}])

    @told("Logging actuals batch")
    def log_batch_actuals(self, batch_actuals: Iterable[Mapping[str, Any]]) -> None:
        """Log many: dicts with `id` and `actuals`."""
        self._log(_sent(each) for each in batch_actuals)

    def flush(self, timeout: int | None = None) -> int:  # noqa: ARG002
        """How many rows wait to be sent: none ever, since each call sends its own."""
        return 0

    def _connect(
        self,
        name: str,
        source: S3DataSource,
        id: str,
        timestamp: str,
        fields: Mapping[str, Columns | None],
        options: DatasetOptions,
    ) -> None:
        only(options, DatasetOptions)
        reached, schedule = connection(), options.get("schedule")
        body = {
            "name": name,
            "data_source": source.serialize(),
            "sync": {"enabled": True, "environment": reached.environment, "schedule": schedule},
            "id_column": id,
            "timestamp_column": timestamp,
            **{section: columns for section, columns in fields.items() if columns is not None},
        }
        seconds = options.get("http_timeout_seconds") or CONNECT_SECONDS
        reached.call("POST", self._path("datasets"), body, seconds)

    def _log(self, rows: Iterable[Mapping[str, Any]]) -> None:
        reached, waiting = connection(), list[Mapping[str, Any]]()
        named = {"modelId": self.model_id, "modelVersion": self.model_version, "environment": reached.environment}
        for row in rows:
            waiting.append(row)
            if len(waiting) == _MOST:
                _send(named, waiting)
                waiting = []
        if waiting:
            _send(named, waiting)

    def _path(self, *names: str) -> str:
        return path("models", self.model_id, "versions", self.model_version, *names)


def _send(named: Mapping[str, str], rows: list[Mapping[str, Any]]) -> None:
    body = {"query": _LOG, "variables": {**named, "predictions": rows, "isSync": True}}
    said = connection().call("POST", "/v1/controller/graphql", body)
    for warning in said["data"]["logPredictions"]["warnings"]:
        logging.getLogger("driftline.aporia").warning("%s", warning)


def _sent(row: Mapping[str, Any]) -> dict[str, Any]:
    names = {"id": "id", "features": "features", "predictions": "predictions", "metrics": "metrics"}
    names |= {"raw_inputs": "rawInputs", "actuals": "actuals"}
    return {sent: row[name] for name, sent in names.items() if row.get(name) is not None}
