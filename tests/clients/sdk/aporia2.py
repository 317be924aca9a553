"""Aporia's SDK 2.x as its users write it, against the server: `aporia2.py HOST PORT KEY BUCKET SECONDS`.

Prints what it found as JSON on its last line. With SECONDS over 0 it waits so long for the rows to be there.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import aporia
from aporia import S3DataSource
from aporia.core.errors import AporiaError

HOST, PORT, KEY, BUCKET, SECONDS = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], float(sys.argv[5])
MODEL, VERSION = "insurance", "v1"
FEATURES = {
    "amount": "numeric",
    "owner": "string",
    "is_new": "boolean",
    "embeddings": {"type": "tensor", "dimensions": [768]},
}
PREDICTIONS = {"will_buy_insurance": "boolean", "proba": "numeric"}


def version(name: str, **changed: Any) -> Any:
    """The seed's version."""
    said = {"raw_inputs": {"raw_text": "text"}, "features": FEATURES, "predictions": PREDICTIONS, **changed}
    return aporia.create_model_version(MODEL, name, "binary", **said)


def refused(call: Callable[[], Any]) -> str:
    """What the SDK raises."""
    try:
        call()
    except AporiaError as error:
        return str(error)
    raise AssertionError("nothing was refused")


def source(path: str, object_format: str = "parquet", **options: Any) -> S3DataSource:
    """Objects below the bucket."""
    return S3DataSource(object_path=f"{BUCKET}/{path}", object_format=object_format, **options)


def connected(model: Any) -> None:
    """The four datasets."""
    model.connect_serving(
        data_source=source("serving/", select_expr=["*", "upper(owner_name) AS owner"]),
        id_column="prediction_id",
        timestamp_column="prediction_timestamp",
        raw_inputs={"raw_text": "text"},
    )
    model.connect_training(
        data_source=source("training/*.parquet"),
        id_column="prediction_id",
        timestamp_column="prediction_timestamp",
        labels={"will_buy_insurance": "bought"},
    )
    model.connect_testing(
        data_source=source("testing/"),
        id_column="prediction_id",
        timestamp_column="prediction_timestamp",
        labels={"will_buy_insurance": "bought"},
    )
    model.connect_actuals(
        data_source=source("actuals/", "csv", read_options={"header": "true", "delimiter": ";", "inferSchema": "true"}),
        id_column="prediction_id",
        timestamp_column="known",
        labels={"will_buy_insurance": "bought"},
        schedule="*/5 * * * *",
    )


def waited(model: Any) -> dict[str, Any]:
    """The status of each dataset, when nothing is left to do."""
    until = time.monotonic() + SECONDS
    while True:
        names = ("serving", "training", "testing", "actuals")
        found = {name: model.get_dataset_sync_status(name) for name in names}
        if time.monotonic() >= until or all(each["status"] in ("synced", "failed") for each in found.values()):
            return found
        time.sleep(0.5)


def main() -> None:
    """The seed's code, then all else."""
    aporia.init(token=KEY, host=HOST, port=PORT, environment="production", throw_errors=True, verbose=True)
    found: dict[str, Any] = {}
    found["made"] = [aporia.create_model(MODEL, "Insurance", tags={"Team": "risk"}, color="green") for _ in range(2)]
    model = version(VERSION)
    version(VERSION)
    for _ in range(2):
        connected(model)
    found["status"] = waited(model)
    model.set_sync_enabled(False)
    found["paused"] = model.get_dataset_sync_status("serving")["status"]
    model.set_sync_enabled(True)
    found["enabled"] = model.get_dataset_sync_status("serving")["enabled"]
    aporia.add_model_tags(MODEL, {"Stage": "pilot", "team": "credit"})
    aporia.delete_model_tag(MODEL, "stage")
    aporia.delete_model_tag(MODEL, "never")
    found["tags"] = aporia.get_model_tags(MODEL)
    model.set_feature_importance({"amount": 0.75, "owner": 0.25})
    found["refused"] = refusals(model)
    logged(model)
    found["versions"] = versions()
    aporia.create_model("short", "Short")
    aporia.create_model_version("short", "v1", "regression", {"x": "numeric"}, {"y": "numeric"})
    aporia.delete_model("short")
    found["deleted"] = refused(lambda: aporia.get_model_tags("short"))
    print(json.dumps(found))


def logged(model: Any) -> None:
    """Predictions and actuals one by one; the second call tells of a field that is not there."""
    values = {"amount": 5.0, "owner": "eve", "is_new": True, "embeddings": [0.5] * 768}
    told = {"predictions": {"will_buy_insurance": True, "proba": 0.9}, "raw_inputs": {"raw_text": "a letter"}}
    for each in range(5):
        model.log_prediction(id=f"l-{each}", features=values, **told)
    model.log_prediction(id="l-5", features={**values, "unheard": 1}, actuals={"will_buy_insurance": False}, **told)
    model.log_actuals(id="l-0", actuals={"will_buy_insurance": True})
    model.flush()


def versions() -> list[list[str]]:
    """The versions before and after one is deleted, by the SDK's experimental functions."""
    version("v2")
    before = aporia.experimental.get_model_versions(MODEL)
    aporia.experimental.delete_model_version(MODEL, "v2")
    return [[each.name for each in some] for some in (before, aporia.experimental.get_model_versions(MODEL))]


def refusals(model: Any) -> dict[str, str]:
    """What cannot be, and why."""
    at = {"id_column": "prediction_id", "timestamp_column": "prediction_timestamp"}
    jdbc = aporia.JDBCDataSource(url="jdbc:postgresql://db", query="SELECT 1", password="hidden-word")
    secret = {"spark.hadoop.fs.s3a.secret.key": "hidden-word"}
    return {
        "fields": refused(lambda: version(VERSION, features={"amount": "string"})),
        "kind": refused(lambda: version("v2", features={"amount": "number"})),
        "type": refused(lambda: aporia.create_model_version(MODEL, "v2", "binari", FEATURES, PREDICTIONS)),
        "model": refused(lambda: aporia.create_model_version("insuranse", "v1", "binary", FEATURES, PREDICTIONS)),
        "source": refused(lambda: model.connect_serving(jdbc, **at)),
        "secret": refused(lambda: model.connect_serving(source("x/", read_options=secret), **at)),
        "option": refused(lambda: model.connect_serving(source("x/", read_options={"dateFormat": "yyyy"}), **at)),
        "column": refused(lambda: model.connect_serving(source("x/"), features={"amonut": "AMOUNT"}, **at)),
        "schedule": refused(lambda: model.connect_serving(source("x/"), schedule="every hour", **at)),
        "dataset": refused(lambda: aporia.Model(MODEL, "v9").get_dataset_sync_status("serving")),
        "monitors": refused(lambda: aporia.experimental.run_all_monitors(MODEL, VERSION)),
        "artifact": refused(lambda: model.upload_model_artifact(b"ONNX", "onnx")),
    }


if __name__ == "__main__":
    main()
