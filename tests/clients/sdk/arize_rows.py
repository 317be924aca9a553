"""Rows as a user of Arize's SDK logs them; prints what it found as JSON.

Arguments: URL of the server, API key.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from arize import ArizeClient
from arize.exceptions.auth import AuthenticationError
from arize.ml.types import EmbeddingColumnNames, Environments, ModelTypes, Schema

COUNT = 20


def clicks() -> pd.DataFrame:
    """Predictions with features, a vector, a tag, attributions and what became of them."""
    now, numbers = int(time.time()), range(COUNT)
    return pd.DataFrame(
        {
            "id": [f"c-{each}" for each in numbers],
            "ts": [now - 60 * each for each in numbers],
            "age": [20 + each for each in numbers],
            "region": [("n", "s")[each % 2] for each in numbers],
            "vector": [np.full(4, each / 10) for each in numbers],
            "pred": [("yes", "no")[each % 2] for each in numbers],
            "score": [each / COUNT for each in numbers],
            "act": [("yes", "no")[each % 3 == 0] for each in numbers],
            "age attribution": [each / 100 for each in numbers],
            "team": "growth",
        }
    )


PREDICTIONS = {
    "prediction_id_column_name": "id",
    "timestamp_column_name": "ts",
    "feature_column_names": ["age", "region"],
    "tag_column_names": ["team"],
    "prediction_label_column_name": "pred",
    "prediction_score_column_name": "score",
}


def main(url: str, key: str) -> dict[str, Any]:
    """Tables into three environments, labels apart, single rows, and a wrong key."""
    parts = urlsplit(url)
    place = {"api_host": parts.hostname, "api_port": parts.port, "api_scheme": "http"}
    client = ArizeClient(api_key=key, **place)
    model = {"space_id": "default", "model_name": "clicks", "model_type": ModelTypes.SCORE_CATEGORICAL}
    frame = clicks()
    production = {**model, "environment": Environments.PRODUCTION}
    early = Schema(
        **PREDICTIONS,
        embedding_feature_column_names={"words": EmbeddingColumnNames("vector")},
        shap_values_column_names={"age": "age attribution"},
    )
    table = {**production, "model_version": "v1", "dataframe": frame.drop(columns="act"), "schema": early}
    statuses = [client.ml.log(**table).status_code for _ in range(2)]
    late = {**production, "model_version": "v1"}
    labels = Schema(prediction_id_column_name="id", actual_label_column_name="act")
    statuses.append(client.ml.log(**late, dataframe=frame[["id", "act"]][:10], schema=labels).status_code)
    whole = Schema(**PREDICTIONS, actual_label_column_name="act")
    for environment, batch in ((Environments.TRAINING, ""), (Environments.VALIDATION, "night")):
        sent = {**model, "environment": environment, "model_version": "v1", "batch_id": batch}
        statuses.append(client.ml.log(**sent, dataframe=frame, schema=whole).status_code)
    single = {**production, "prediction_id": "single"}
    now = int(time.time())
    later = [
        client.ml.log_stream(
            **single, model_version="v1", prediction_label=("yes", 0.7), prediction_timestamp=now, features={"age": 31}
        ),
        client.ml.log_stream(**single, actual_label="no"),
        client.ml.log_stream(
            space_id="default",
            model_name="prices",
            model_type=ModelTypes.REGRESSION,
            environment=Environments.PRODUCTION,
            prediction_id="p-1",
            prediction_label=2.5,
            actual_label=3.5,
            features={"rooms": 3, "area": 70.5, "garden": True, "kinds": ["a", "b"]},
        ),
    ]
    statuses += [each.result().status_code for each in later]
    found: dict[str, Any] = {"statuses": statuses}
    try:
        ArizeClient(api_key="dl_wrong", **place).ml.log(**table)
    except AuthenticationError as error:
        found["key"] = str(error)
    return found


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:]), default=str))
