"""SageMaker's introduction example as a user of the SageMaker Python SDK 3.x writes it; prints what it found as JSON.

Only the environment says where the services are. Arguments: folder of the churn data, bucket, URL of the served model,
image whose URL the server's settings know.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from sagemaker.core.helper.session_helper import Session
from sagemaker.core.model_monitor import CronExpressionGenerator, DataCaptureConfig, DefaultModelMonitor, EndpointInput
from sagemaker.core.model_monitor.dataset_format import DatasetFormat
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, MonitoringSchedule, ProcessingJob
from sagemaker.core.shapes import ContainerDefinition, ProductionVariant
from sagemaker.serve import ModelBuilder

ROLE = "arn:aws:iam::000000000000:role/service-role/monitor"


def build(session: Session, bucket: str, url: str) -> Endpoint:
    """An endpoint of the model, by the SDK's builder, that captures every call; it is in service at once."""
    name = f"churn-v3-{time.time_ns()}"
    capture = DataCaptureConfig(True, 100, f"s3://{bucket}/{name}/datacapture", sagemaker_session=session)
    builder = ModelBuilder(
        image_uri="churn:1",
        env_vars={"DRIFTLINE_MODEL_URL": url},
        role_arn=ROLE,
        instance_type="ml.m5.xlarge",
        sagemaker_session=session,
    )
    builder.build(model_name=name)
    return builder.deploy(endpoint_name=name, wait=False, data_capture_config=capture)


def register(image: str) -> Endpoint:
    """An endpoint of the model, by the SDK's resources; where the image is served is in the server's settings."""
    name = f"churn-v3-{time.time_ns()}"
    Model.create(model_name=name, primary_container=ContainerDefinition(image=image), execution_role_arn=ROLE)
    variant = ProductionVariant(
        variant_name="AllTraffic", model_name=name, initial_instance_count=1, instance_type="ml.m5.xlarge"
    )
    EndpointConfig.create(endpoint_config_name=name, production_variants=[variant])
    endpoint = Endpoint.create(endpoint_name=name, endpoint_config_name=name)
    endpoint.wait_for_status("InService", poll=1)
    return endpoint


def predict(endpoint: Endpoint, line: str) -> float:
    """What the model says about a row."""
    return float(endpoint.invoke(body=line, content_type="text/csv").body.read())


def invoke(session: Session, endpoint: Endpoint, bucket: str, lines: list[str]) -> list[float]:
    """The model's answers, as soon as all calls are in the bucket."""
    answers = [predict(endpoint, line) for line in lines]
    until = time.monotonic() + 60
    while time.monotonic() < until:
        keys = session.list_s3_files(bucket, f"{endpoint.endpoint_name}/datacapture")
        if sum(len(session.read_s3_file(bucket, key).splitlines()) for key in keys) == len(lines):
            return answers
        time.sleep(1)
    raise TimeoutError("the calls were not captured")


def first_execution(monitor: DefaultModelMonitor) -> Any:
    """The schedule's first execution, as soon as it has ended."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        last = monitor.describe_schedule().get("LastMonitoringExecutionSummary", {})
        if last.get("MonitoringExecutionStatus") in ("Completed", "CompletedWithViolations", "Failed", "Stopped"):
            return monitor.list_executions()[-1]
        time.sleep(0.5)
    raise TimeoutError("the schedule did not run")


def changes(session: Session, monitor: DefaultModelMonitor) -> dict[str, Any]:
    """What the schedule says after each change of it."""
    found: dict[str, Any] = {}
    name = monitor.monitoring_schedule_name
    monitor.stop_monitoring_schedule()
    found["stopped"] = monitor.describe_schedule()["MonitoringScheduleStatus"]
    monitor.start_monitoring_schedule()
    found["started"] = monitor.describe_schedule()["MonitoringScheduleStatus"]
    monitor.update_monitoring_schedule(schedule_cron_expression=CronExpressionGenerator.daily(hour=4))
    monitor.update_monitoring_schedule(max_runtime_in_seconds=1800, env={"LEVEL": "2"})
    attached = DefaultModelMonitor.attach(name, session)
    found["attached"] = [attached.max_runtime_in_seconds, attached.env["LEVEL"], attached.tags]
    config = attached.describe_schedule()["MonitoringScheduleConfig"]
    found["expression"] = config["ScheduleConfig"]["ScheduleExpression"]
    (alert,), _ = attached.list_monitoring_alerts()
    attached.update_monitoring_alert(alert.alert_name, data_points_to_alert=2, evaluation_period=3)
    (alert,), _ = attached.list_monitoring_alerts()
    found["alert"] = [alert.alert_status, alert.data_points_to_alert, alert.evaluation_period]
    found["alert history"] = len(attached.list_monitoring_alert_history(alert.alert_name)[0])
    attached.delete_monitoring_schedule()
    found["left"] = [each.monitoring_schedule_name for each in MonitoringSchedule.get_all()]
    return found


def main(data: Path, bucket: str, url: str, image: str) -> dict[str, Any]:
    """All steps of the example, one after another."""
    session = Session(default_bucket=bucket)
    lines = (data / "test-dataset-input-cols.csv").read_text().splitlines()
    endpoint = build(session, bucket, url)
    answers = invoke(session, endpoint, bucket, lines)
    known = register(image)
    found: dict[str, Any] = {"answers": len(answers), "same": predict(known, lines[0]) == answers[0]}

    place, tags = f"s3://{bucket}/{endpoint.endpoint_name}", [{"Key": "team", "Value": "churn"}]
    monitor = DefaultModelMonitor(
        ROLE, 1, "ml.m5.xlarge", 20, max_runtime_in_seconds=3600, sagemaker_session=session, tags=tags
    )
    training = str(data / "training-dataset-with-header.csv")
    began = time.monotonic()
    monitor.suggest_baseline(training, DatasetFormat.csv(header=True), output_s3_uri=f"{place}/baseline", logs=True)
    found["seconds with logs"] = time.monotonic() - began
    found["columns"] = len(monitor.baseline_statistics().body_dict["features"])
    found["constraints"] = len(monitor.suggested_constraints().body_dict["features"])
    schedule = {
        "endpoint_input": EndpointInput(endpoint.endpoint_name, "/opt/ml/processing/input/endpoint"),
        "output_s3_uri": f"{place}/reports",
        "statistics": monitor.baseline_statistics(),
        "constraints": monitor.suggested_constraints(),
        "enable_cloudwatch_metrics": True,
    }
    monitor.create_monitoring_schedule(
        monitor_schedule_name=endpoint.endpoint_name,
        schedule_cron_expression=CronExpressionGenerator.now(),
        data_analysis_start_time="-PT1H",
        data_analysis_end_time="-PT0H",
        **schedule,
    )
    execution = first_execution(monitor)
    ProcessingJob.get(execution.processing_job_name).wait()
    found["exit message"] = execution.describe()["ExitMessage"]
    found["violations"] = len(monitor.latest_monitoring_constraint_violations().body_dict["violations"])
    found["rows"] = monitor.latest_monitoring_statistics().body_dict["dataset"]["item_count"]
    found["of the execution"] = len(execution.constraint_violations().body_dict["violations"])
    monitor.get_latest_execution_logs(wait=True)
    named = MonitoringSchedule.get_all(endpoint_name=endpoint.endpoint_name)
    found["listed"] = [each.monitoring_schedule_name for each in named]
    monitor.delete_monitoring_schedule()
    monitor.create_monitoring_schedule(schedule_cron_expression=CronExpressionGenerator.hourly(), **schedule)
    found |= changes(session, monitor)
    for each in (endpoint, known):
        each.delete()
        EndpointConfig.get(each.endpoint_name).delete()
        Model.get(each.endpoint_name).delete()
    found["endpoints"] = len(list(Endpoint.get_all()))
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), *sys.argv[2:]), default=str))
