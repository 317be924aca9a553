"""A monitored endpoint in a catalog, its captures and baseline in a folder: what the API would have made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import driftline
from driftline.catalog import Catalog, alerts, due, resources
from driftline.catalog.alerts import Alert
from driftline.catalog.resources import Resource
from driftline.schedules import Plan

HOURLY = "cron(0 * ? * * *)"
ARN = "arn:aws:sagemaker:us-east-1:000000000000"


def record(place: int, moment: datetime, values: str, output: str) -> str:
    """One captured call."""
    sides = {"endpointInput": (values, "INPUT"), "endpointOutput": (output, "OUTPUT")}
    data = {
        name: {"observedContentType": "text/csv", "mode": mode, "data": text, "encoding": "CSV"}
        for name, (text, mode) in sides.items()
    }
    meta = {"eventId": f"event-{moment:%H%M}-{place}", "inferenceTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
    return json.dumps({"captureData": data, "eventMetadata": meta, "eventVersion": "0"})


def capture(folder: Path, endpoint: str, hour: datetime, rows: int = 50, *, odd: bool = False) -> None:
    """An hour's captures of an endpoint; odd ones have text where a number was."""
    place = folder / "capture" / endpoint / "AllTraffic" / f"{hour:%Y/%m/%d/%H}"
    place.mkdir(parents=True, exist_ok=True)
    first = "forty" if odd else "40"
    lines = [record(each, hour, f"{first if each == 0 else 30 + each % 40},{each % 7}", "0.5") for each in range(rows)]
    (place / "00-00-000-a.jsonl").write_text("\n".join(lines) + "\n")


def baseline(folder: Path) -> Path:
    """The baseline of normal rows."""
    path = folder / "train.csv"
    path.write_text("score,age,visits\n" + "".join(f"0.5,{30 + each % 40},{each % 7}\n" for each in range(200)))
    driftline.baseline(str(path)).save(str(folder / "baseline"))
    return folder / "baseline"


def monitored(
    catalog: Catalog, folder: Path | str, name: str, *, expression: str = HOURLY, now: datetime, **kept: Any
) -> None:
    """An endpoint, a definition and a schedule of this name; `kept` are members of the definition."""
    learnt = f"{folder}/baseline"
    config = {
        "EndpointConfigName": name,
        "ProductionVariants": [{"VariantName": "AllTraffic"}],
        "DataCaptureConfig": {"EnableCapture": True, "DestinationS3Uri": f"{folder}/capture"},
    }
    definition: Mapping[str, Any] = {
        "DataQualityAppSpecification": {
            "ImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
        },
        "DataQualityBaselineConfig": {
            "StatisticsResource": {"S3Uri": f"{learnt}/statistics.json"},
            "ConstraintsResource": {"S3Uri": f"{learnt}/constraints.json"},
        },
        "DataQualityJobInput": {
            "EndpointInput": {"EndpointName": name, "LocalPath": "/opt/ml/processing/input/endpoint"}
        },
        "DataQualityJobOutputConfig": {
            "MonitoringOutputs": [
                {"S3Output": {"S3Uri": f"{folder}/reports", "LocalPath": "/opt/ml/processing/output"}}
            ]
        },
        "JobResources": {"ClusterConfig": {"InstanceCount": 1}},
        **kept,
    }
    schedule = {
        "MonitoringJobDefinitionName": name,
        "MonitoringType": "DataQuality",
        "ScheduleConfig": {"ScheduleExpression": expression},
    }
    made: list[tuple[str, Mapping[str, Any], Mapping[str, str]]] = [
        ("endpoint-config", config, {}),
        ("endpoint", {"EndpointConfigName": name}, {}),
        ("data-quality-job-definition", definition, {}),
        ("monitoring-schedule", {"MonitoringScheduleConfig": schedule}, {"endpoint": name, "type": "DataQuality"}),
    ]
    with catalog.begin() as tx:
        for kind, body, labels in made:
            status = "Scheduled" if kind == "monitoring-schedule" else "InService"
            resources.create(tx, Resource(kind, name, f"{ARN}:{kind}/{name}", body, status, now, now, labels))
        due.put(tx, name, Plan.of(schedule).first(now))
        alerts.add(tx, Alert(name, f"{name}-alert", now, now))


def hours_ago(count: int) -> datetime:
    """The beginning of the hour so many hours ago."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=count)
