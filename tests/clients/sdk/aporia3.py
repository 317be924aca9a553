"""Aporia's SDK 3.x as its users write it, against the server: `aporia3.py HOST PORT KEY BUCKET`.

Prints what it found as JSON on its last line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import aporia
from aporia.sdk.client import BackendRuntimeError, EntityNotFoundException
from aporia.sdk.data_sources import DataSourceType
from aporia.sdk.datasets import DatasetSchema, DatasetType, FieldSchema
from aporia.sdk.fields import FieldType
from aporia.sdk.models import ModelColor, ModelIcon, ModelType

URL, KEY, BUCKET = f"{sys.argv[1]}:{sys.argv[2]}", sys.argv[3], sys.argv[4]


def schema(**actuals: str) -> DatasetSchema:
    """The columns of a dataset; actuals by the prediction that each is the truth of."""
    said = {"amount": "numeric", "owner": "categorical", "is_new": "boolean"}
    told = {"will_buy_insurance": "boolean", "proba": "numeric"}
    return DatasetSchema(
        id_column="prediction_id",
        timestamp_column="prediction_timestamp",
        raw_inputs=[],
        features=[FieldSchema(name=name, type=FieldType(type)) for name, type in said.items()],
        predictions=[FieldSchema(name=name, type=FieldType(type)) for name, type in told.items()],
        actuals=[
            FieldSchema(name=name, type=FieldType.BOOLEAN, properties={"prediction": of})
            for name, of in actuals.items()
        ],
    )


def refused(call: Callable[[], Any]) -> str:
    """What the SDK raises."""
    try:
        call()
    except (BackendRuntimeError, EntityNotFoundException) as error:
        return f"{type(error).__name__} {error}"
    raise AssertionError("nothing was refused")


def main() -> None:
    """A model with a version, its two datasets, then all else."""
    client = aporia.Aporia(token=KEY, account_name="acme", base_url=URL)
    found: dict[str, Any] = {}
    look = {"icon": ModelIcon.CREDIT_RISK, "color": ModelColor.GREEN, "description": "who buys", "owner": "ann@acme"}
    model = client.create_model("Insurance 3", ModelType.BINARY, **look)
    found["model"] = [model.id, model.name, model.type.value, model.icon.value, model.color.value, model.owner]
    source = client.create_data_source("bucket", DataSourceType.S3, {"region": "us-east-1", "arn": "hidden-word"})
    again = client.create_data_source("bucket", DataSourceType.S3, {})
    found["source"] = [source.id == again.id, source.name, source.type.value]
    version = model.create_model_version("v1")
    at = {"object_format": "parquet", "object_path": f"{BUCKET}/serving/"}
    serving = version.create_dataset(DatasetType.SERVING, source, at, schema())
    trained = {**at, "object_path": f"{BUCKET}/training/"}
    training = version.create_dataset(DatasetType.TRAINING, source, trained, schema(bought="will_buy_insurance"))
    serving.update(connection_data={**at, "object_path": f"{BUCKET}/serving/2026/"})
    found["datasets"] = sorted(each.raw_data["stage"] for each in version.get_datasets())
    found["config"] = serving.raw_data["config"]["object_path"]
    version.update(is_active=False)
    found["active"] = [version.is_active, type(serving).read(client.client, serving.id).raw_data["sync"]["status"]]
    version.update(is_active=True)
    found["fields"] = {each.name: [each.type.value, each.group.value] for each in model.get_fields()}
    model.update(name="Insurances", icon=ModelIcon.GENERAL)
    found["models"] = [[each.name, each.icon.value] for each in client.get_models() if each.id == model.id]
    found["none"] = [model.get_segments(), model.get_monitors(), model.get_custom_metrics()]
    found["refused"] = {
        "source": refused(
            lambda: client.create_data_source("db", DataSourceType.POSTGRES, {"password": "hidden-word"})
        ),
        "segment": refused(lambda: model.create_segment("s", "owner", ["a"])),
        "dataset": refused(lambda: version.create_dataset(DatasetType.SERVING, source, at, schema())),
        "actual": refused(lambda: other(model).create_dataset(DatasetType.SERVING, source, at, schema(y="unknown"))),
        "workspace": refused(lambda: aporia.Aporia(token="dl_wrong", account_name="acme", base_url=URL)),
        "elsewhere": refused(lambda: elsewhere(model.id)),
    }
    found["workspace"] = [each.name for each in workspace().get_models()]
    training.delete()
    found["left"] = [each.raw_data["stage"] for each in version.get_datasets()]
    short = client.create_model("Short", ModelType.REGRESSION)
    short.delete()
    found["deleted"] = refused(lambda: type(short).read(client.client, short.id))
    print(json.dumps(found))


def other(model: Any) -> Any:
    """Another version."""
    return model.create_model_version("v2")


def workspace() -> Any:
    """Another workspace."""
    return aporia.Aporia(token=KEY, account_name="acme", workspace_name="risk", base_url=URL)


def elsewhere(id: str) -> Any:
    """A model looked for in another workspace."""
    return aporia.sdk.models.Model.read(workspace().client, id)


if __name__ == "__main__":
    main()
