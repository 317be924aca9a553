"""Every kind of monitor by SDK 2.x or 3.x: scheduled, attached, changed, deleted; prints what it found as JSON.

Arguments: bucket, URL of the served model.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

try:
    from sagemaker.core.clarify import BiasConfig, ModelConfig, SHAPConfig
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.core.model_monitor import (
        BatchTransformInput,
        BiasAnalysisConfig,
        DataCaptureConfig,
        DefaultModelMonitor,
        EndpointInput,
        ExplainabilityAnalysisConfig,
        ModelBiasMonitor,
        ModelExplainabilityMonitor,
        ModelMonitor,
        ModelQualityMonitor,
        MonitoringOutput,
    )
    from sagemaker.core.model_monitor.dataset_format import MonitoringDatasetFormat
except ModuleNotFoundError:
    from sagemaker import Session
    from sagemaker.clarify import BiasConfig, ModelConfig, SHAPConfig
    from sagemaker.model_monitor import (
        BatchTransformInput,
        BiasAnalysisConfig,
        DataCaptureConfig,
        DefaultModelMonitor,
        EndpointInput,
        ExplainabilityAnalysisConfig,
        ModelBiasMonitor,
        ModelExplainabilityMonitor,
        ModelMonitor,
        ModelQualityMonitor,
        MonitoringOutput,
    )
    from sagemaker.model_monitor.dataset_format import MonitoringDatasetFormat

ROLE = "arn:aws:iam::000000000000:role/service-role/monitor"
HOURLY = "cron(0 * ? * * *)"


@dataclass(frozen=True)
class Place:
    """A session, the endpoint that is monitored, and the folder of its files."""

    session: Session
    endpoint: str
    root: str

    def input(self, **options: Any) -> EndpointInput:
        """The endpoint as an input."""
        return EndpointInput(self.endpoint, "/opt/ml/processing/input/endpoint", **options)


def deploy(session: Session, bucket: str, url: str) -> Place:
    """An endpoint that captures."""
    name, client = f"kinds-{time.time_ns()}", session.sagemaker_client
    root = f"s3://{bucket}/{name}"
    capture = DataCaptureConfig(True, 100, f"{root}/datacapture", sagemaker_session=session)
    container = {"Image": "churn:1", "Environment": {"DRIFTLINE_MODEL_URL": url}}
    client.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    client.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1}],
        DataCaptureConfig=capture._to_request_dict(),
    )
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return Place(session, name, root)


def lived(monitor: ModelMonitor, schedule: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """What another object says of the schedule after it was made and changed, and whether it is gone at the end."""
    monitor.create_monitoring_schedule(schedule_cron_expression=HOURLY, **schedule)
    monitor.update_monitoring_schedule(**change)
    attached = type(monitor).attach(monitor.monitoring_schedule_name, monitor.sagemaker_session)
    told = attached.describe_schedule()
    found = {
        "status": told["MonitoringScheduleStatus"],
        "type": told["MonitoringType"],
        "expression": told["MonitoringScheduleConfig"]["ScheduleConfig"]["ScheduleExpression"],
        "executions": attached.list_executions(),
        "runtime": attached.max_runtime_in_seconds,
    }
    attached.delete_monitoring_schedule()
    describe = monitor.sagemaker_session.sagemaker_client.describe_monitoring_schedule
    return {**found, "after": refusal(describe, MonitoringScheduleName=monitor.monitoring_schedule_name)}


def refusal(call: Any, *given: Any, **named: Any) -> str:
    """The code of the error that the server answers with."""
    try:
        call(*given, **named)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "none"


def monitors(place: Place) -> dict[str, Any]:
    """Every kind, one after another."""
    settings = {"role": ROLE, "sagemaker_session": place.session, "max_runtime_in_seconds": 1800}
    longer, output = {"max_runtime_in_seconds": 2400}, {"output_s3_uri": f"{place.root}/reports"}
    captured = BatchTransformInput(
        f"{place.root}/batch", "/opt/ml/processing/input/batch", MonitoringDatasetFormat.csv(header=False)
    )
    found = {"batch": lived(DefaultModelMonitor(**settings), {"batch_transform_input": captured, **output}, longer)}
    script = {"endpoint_input": place.endpoint, "record_preprocessor_script": __file__}
    found["script"] = lived(DefaultModelMonitor(**settings), {**script, **output}, longer)
    quality = {"endpoint_input": place.input(start_time_offset="-PT2D", end_time_offset="-PT1D"), **output}
    quality |= {"ground_truth_input": f"{place.root}/truth", "problem_type": "BinaryClassification"}
    found["quality"] = lived(ModelQualityMonitor(**settings), quality, longer)
    bias = BiasAnalysisConfig(BiasConfig([1], "age", [40]), headers=["age", "label"], label="label")
    truth = {"endpoint_input": place.input(probability_threshold_attribute=0.8), "analysis_config": bias, **output}
    found["bias"] = lived(ModelBiasMonitor(**settings), {**truth, "ground_truth_input": f"{place.root}/truth"}, longer)
    model = ModelConfig(place.endpoint, 1, "ml.m5.xlarge", content_type="text/csv", accept_type="text/csv")
    shap = SHAPConfig(baseline=[[40]], num_samples=10, agg_method="mean_abs")
    reasons = ExplainabilityAnalysisConfig(shap, model, headers=["age"])
    given = {"endpoint_input": place.endpoint, "analysis_config": reasons, **output}
    found["explainability"] = lived(ModelExplainabilityMonitor(**settings), given, longer)
    own = ModelMonitor(image_uri="own:1", env={"A": "b"}, entrypoint=["python", "run.py"], **settings)
    result = MonitoringOutput("/opt/ml/processing/output", f"{place.root}/own")
    found["own"] = lived(own, {"endpoint_input": place.endpoint, "output": result}, longer)
    return found


def refusals(place: Place) -> dict[str, str]:
    """What the server says to what cannot be."""

    def schedule(endpoint: str, expression: str) -> str:
        monitor = DefaultModelMonitor(ROLE, sagemaker_session=place.session)
        given = {"endpoint_input": endpoint, "schedule_cron_expression": expression}
        return refusal(monitor.create_monitoring_schedule, output_s3_uri=f"{place.root}/reports", **given)

    return {
        "attach": refusal(DefaultModelMonitor.attach, "missing", place.session),
        "endpoint": schedule("missing", HOURLY),
        "expression": schedule(place.endpoint, "cron(0 * * *)"),
    }


def told(call: Any, *given: Any) -> str:
    """What the SDK says of a call that it refuses by itself, or the code of the server's error."""
    try:
        return refusal(call, *given)
    except ValueError as error:
        return str(error)


def alerts(place: Place) -> dict[str, Any]:
    """The alert of a schedule with the longest name; what it does is in tags, which the SDK passes on."""
    tags = [
        {"Key": "driftline:alert:dashboard", "Value": "Disabled"},
        {"Key": "driftline:alert:cloudwatch-alarm:1", "Value": "by-the-sdk"},
    ]
    monitor = DefaultModelMonitor(ROLE, sagemaker_session=place.session, tags=tags)
    found: dict[str, Any] = {
        "too early": [
            told(monitor.update_monitoring_alert, "none", 1, 1),
            monitor.list_monitoring_alerts(),
            monitor.list_monitoring_alert_history(),
        ]
    }
    schedule = {"endpoint_input": place.endpoint, "schedule_cron_expression": HOURLY}
    schedule |= {"monitor_schedule_name": "s" * 63, "output_s3_uri": f"{place.root}/reports"}
    monitor.create_monitoring_schedule(**schedule)
    (made,), _ = monitor.list_monitoring_alerts(max_results=1)
    name = made.alert_name
    monitor.update_monitoring_alert(name, data_points_to_alert=2, evaluation_period=3)
    (made,), _ = monitor.list_monitoring_alerts()
    found["alert"] = [made.alert_status, made.data_points_to_alert, made.evaluation_period, len(name)]
    found["shown"] = made.actions.model_dashboard_indicator.enabled
    found["refused"] = [
        told(monitor.update_monitoring_alert, name, None, None),
        told(monitor.update_monitoring_alert, name, 3, 2),
        told(monitor.update_monitoring_alert, name, 1, 101),
        told(monitor.update_monitoring_alert, "another", 1, 1),
        told(monitor.list_monitoring_alerts, None, 101),
    ]
    history = monitor.list_monitoring_alert_history
    found["history"] = history(name, status_equals="InAlert", sort_by="Status", sort_order="Ascending", max_results=1)
    monitor.delete_monitoring_schedule()
    return found


def main(bucket: str, url: str) -> dict[str, Any]:
    """Deploy, monitor, be refused."""
    place = deploy(Session(default_bucket=bucket), bucket, url)
    found = {**monitors(place), "refused": refusals(place), "alerts": alerts(place)}
    place.session.sagemaker_client.delete_endpoint(EndpointName=place.endpoint)
    return found


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:]), default=str))
