"""The demo's endpoint: calls that were captured hour by hour, and a schedule of SageMaker's kind that looks at them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from driftline.catalog import Catalog, alerts, due, resources
from driftline.catalog.alerts import Alert
from driftline.catalog.resources import Resource
from driftline.manifest import Manifest, World
from driftline.runs import learn
from driftline.schedules import KIND, STOPPED, unplan
from driftline.settings import Settings

NAME = "car-loan"
HOURS = 12

_INPUT = ("car_value", "debt_to_income_ratio", "loan_length", "driver_tenure")
_ROWS = 200
"""So many calls an hour are told."""


def begin(history: Path, catalog: Catalog, settings: Settings, now: datetime) -> None:
    """Write the last hours' captures and a baseline below the history's folder, and plan the schedule's executions."""
    folder = (history / "endpoint").resolve()
    normal = pq.read_table(history / NAME / "training", columns=["prediction", *_INPUT])
    folder.mkdir(parents=True, exist_ok=True)
    pa.csv.write_csv(normal, folder / "train.csv")
    learn(Manifest(inputs=(str(folder / "train.csv"),)), World()).save(str(folder / "baseline"))
    calls = pq.read_table(history / NAME / "predictions", columns=["prediction", *_INPUT]).to_pylist()
    last = now.replace(minute=0, second=0, microsecond=0)
    for back in range(HOURS):
        moved = back < HOURS // 2  # until then those asked whom the model knows
        hour, place = last - timedelta(hours=back + 1), (len(calls) if moved else HOURS * _ROWS) - (back + 1) * _ROWS
        rows = calls[place : place + _ROWS]
        path = folder / "capture" / NAME / "AllTraffic" / f"{hour:%Y/%m/%d/%H}" / "00-00-000.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in _records(rows, hour)))
    with catalog.begin() as tx:
        for kind, body, labels in _made(str(folder)):
            status = "Scheduled" if kind == KIND else "InService"
            arn = f"arn:aws:sagemaker:{settings.region}:{settings.account}:{kind}/{NAME}"
            resources.create(tx, Resource(kind, NAME, arn, body, status, now, now, labels))
        due.put(tx, NAME, last - timedelta(hours=HOURS - 1))
        alerts.add(tx, Alert(NAME, f"{NAME}-alert", now, now))


def end(catalog: Catalog, now: datetime) -> None:
    """Stop the schedule once its hours are told: nobody calls the endpoint after them."""
    with catalog.begin() as tx:
        resources.update(tx, KIND, NAME, now=now, status=STOPPED)
        unplan(tx, NAME, now)


def _records(rows: list[dict[str, Any]], hour: datetime) -> Iterator[str]:
    """Each call as Data Capture writes it."""
    for place, row in enumerate(rows):
        sides = (("endpointInput", "INPUT", _INPUT), ("endpointOutput", "OUTPUT", ("prediction",)))
        data = {
            name: {
                "observedContentType": "text/csv", "mode": mode, "encoding": "CSV",
                "data": ",".join(str(row[each]) for each in names),
            }
            for name, mode, names in sides
        }  # fmt: skip
        moment = hour + timedelta(hours=1) / len(rows) * place
        meta = {"eventId": f"{hour:%d%H}-{place}", "inferenceTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
        yield json.dumps({"captureData": data, "eventMetadata": meta, "eventVersion": "0"})


def _made(folder: str) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, str]]]:
    """The endpoint, what its schedule does, and the schedule."""
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"{folder}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    variants = [{"VariantName": "AllTraffic", "ModelName": NAME}]
    yield (
        "endpoint-config",
        {"EndpointConfigName": NAME, "ProductionVariants": variants, "DataCaptureConfig": capture},
        {},
    )
    yield "endpoint", {"EndpointConfigName": NAME}, {}
    output = {"S3Uri": f"{folder}/reports", "LocalPath": "/opt/ml/processing/output"}
    yield (
        "data-quality-job-definition",
        {
            "DataQualityAppSpecification": {
                "ImageUri": "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
            },
            "DataQualityBaselineConfig": {
                "StatisticsResource": {"S3Uri": f"{folder}/baseline/statistics.json"},
                "ConstraintsResource": {"S3Uri": f"{folder}/baseline/constraints.json"},
            },
            "DataQualityJobInput": {
                "EndpointInput": {"EndpointName": NAME, "LocalPath": "/opt/ml/processing/input/endpoint"}
            },
            "DataQualityJobOutputConfig": {"MonitoringOutputs": [{"S3Output": output}]},
            "JobResources": {"ClusterConfig": {"InstanceCount": 1}},
        },
        {},
    )
    config = {
        "MonitoringJobDefinitionName": NAME,
        "MonitoringType": "DataQuality",
        "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
    }
    labels = {"endpoint": NAME, "type": "DataQuality", "definition": NAME}
    yield KIND, {"MonitoringScheduleConfig": config}, labels
