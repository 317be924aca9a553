"""The seed's Python classes over a real server: its code with only the import changed, and the SDK's shapes."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import seed
from botocore.exceptions import ClientError
from churn import served
from examples import shared
from s3 import Server, running_s3
from serving import serving, until

from driftline.catalog import Catalog, keys
from driftline.sagemaker import (
    BatchTransformInput,
    BiasAnalysisConfig,
    BiasConfig,
    Constraints,
    CronExpressionGenerator,
    DataCaptureConfig,
    DataConfig,
    DataQualityDistributionConstraints,
    DataQualityMonitoringConfig,
    DatasetFormat,
    DefaultModelMonitor,
    EndpointInput,
    ExplainabilityAnalysisConfig,
    JobFailed,
    ModelBiasMonitor,
    ModelConfig,
    ModelExplainabilityMonitor,
    ModelMonitor,
    ModelPredictedLabelConfig,
    ModelQualityMonitor,
    MonitoringAlertActions,
    MonitoringDatasetFormat,
    MonitoringOutput,
    NetworkConfig,
    ProcessingInput,
    S3Downloader,
    Session,
    SHAPConfig,
    Statistics,
)
from driftline.server.app import create_app
from driftline.server.aws.served import OPERATIONS
from driftline.server.aws.wire import Call, Operations, operation
from driftline.server.listen import Listener
from driftline.settings import Settings

COMPLETED: Operations = {}
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
BUCKETS = ("my-bucket", "bucket")
DATA = ("aws-churn", "training-dataset-with-header.csv")


@dataclass
class Endpoint:
    """What a builder deploys."""

    endpoint_name: str


@dataclass
class Builder:
    """A model that is served somewhere, deployed by its URL."""

    url: str

    def deploy(self, endpoint_name: str, data_capture_config: DataCaptureConfig) -> Endpoint:
        """An endpoint that answers and captures."""
        sagemaker = boto3.client("sagemaker")
        container = {"Image": "churn:1", "Environment": {"DRIFTLINE_MODEL_URL": self.url}}
        sagemaker.create_model(ModelName=endpoint_name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
        sagemaker.create_endpoint_config(
            EndpointConfigName=endpoint_name,
            ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": endpoint_name, "InitialInstanceCount": 1}],
            DataCaptureConfig=data_capture_config._to_request_dict(),
        )
        sagemaker.create_endpoint(EndpointName=endpoint_name, EndpointConfigName=endpoint_name)
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=endpoint_name, WaiterConfig={"Delay": 1})
        return Endpoint(endpoint_name)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An S3 server with the buckets and the training data of the text."""
    with running_s3(tmp_path_factory.mktemp("classes") / "s3") as found:
        for bucket in BUCKETS:
            found.bucket(bucket)
        data = str(shared("data", *DATA))
        found.client().upload_file(data, "my-bucket", "training-data/baseline.csv")
        found.client().upload_file(data, "bucket", "training-data.csv")
        yield found


@pytest.fixture(scope="module")
def surroundings(store: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A running server, and the variables that point every AWS client at it: one pair of keys for all."""
    keys = {"DRIFTLINE_ACCESS_KEY": store.access_key, "DRIFTLINE_SECRET_KEY": store.secret_key}
    with (
        serving(tmp_path_factory.mktemp("home"), store.environment(), **keys) as server,
        pytest.MonkeyPatch.context() as at,
    ):
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            at.delenv(name)
        variables = {**store.environment(), "AWS_ENDPOINT_URL": server.url, "AWS_DEFAULT_REGION": "us-east-1"}
        for name, value in variables.items():
            at.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def builder(surroundings: None) -> Iterator[Builder]:
    """The churn model behind a URL."""
    with served(shared("data", "aws-churn", "xgb-churn.json")) as url:
        yield Builder(url)


@pytest.fixture
def endpoint(builder: Builder) -> str:
    """An endpoint of its own."""
    name = f"churn-{uuid.uuid4().hex[:8]}"
    return builder.deploy(name, DataCaptureConfig(True, destination_s3_uri="s3://bucket/captured")).endpoint_name


def invoke(store: Server, endpoint: str, prefix: str, bucket: str) -> None:
    """Ask for the test rows, and wait until they are captured."""
    runtime = boto3.client("sagemaker-runtime")
    lines = shared("data", "aws-churn", "test-dataset-input-cols.csv").read_text().splitlines()
    for line in lines:
        runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=line)

    def captured() -> bool:
        s3 = store.client()
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/{endpoint}/AllTraffic/").get("Contents", ())
        bodies = [s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in found]
        return sum(len(body.splitlines()) for body in bodies) == len(lines)

    until(captured, 30)


def test_the_seeds_data_quality_example_and_its_violations(
    store: Server, builder: Builder, capsys: pytest.CaptureFixture[str]
) -> None:
    """IA-01, BL-01, E-02, E-03: deploy, baseline, schedule; then what it finds, read as the text reads it."""
    names = seed.run("data quality", builder=builder)
    monitor = names["monitor"]
    said = capsys.readouterr().out
    assert "Baseline created:" in said
    assert "Monitoring schedule created - checking hourly for data drift" in said
    described = monitor.describe_schedule()
    assert described["MonitoringScheduleConfig"]["ScheduleConfig"]["ScheduleExpression"] == "cron(0 * ? * * *)"
    assert described["MonitoringScheduleStatus"] == "Scheduled"
    invoke(store, "monitored-endpoint", "data-capture", "my-bucket")
    monitor.update_monitoring_schedule(
        schedule_cron_expression=CronExpressionGenerator.now(),
        data_analysis_start_time="-PT1H",
        data_analysis_end_time="-PT0H",
    )
    until(monitor.list_executions)
    execution = monitor.list_executions()[-1]
    execution.wait(logs=True)
    assert "violations" in capsys.readouterr().out
    seed.run("violations", monitor=monitor)
    said = capsys.readouterr().out
    assert "Violations detected at" in said
    assert said.count("constraint_check_type") == 60
    execution = monitor.list_executions()[-1]
    assert execution.monitoring_execution_status == execution["MonitoringExecutionStatus"] == "CompletedWithViolations"
    assert (execution.endpoint_name, execution.failure_reason) == ("monitored-endpoint", None)
    report = json.loads(S3Downloader.read_file(execution.violation_report_uri))
    assert len(report["violations"]) == 60
    assert monitor.latest_monitoring_constraint_violations().body_dict == report
    assert monitor.latest_monitoring_statistics().body_dict["dataset"]["item_count"] > 0
    assert execution.output.destination + "/constraint_violations.json" == execution.violation_report_uri
    assert execution.describe()["ExitMessage"].endswith("with 60 violations.")
    monitor.delete_monitoring_schedule()
    with pytest.raises(ClientError, match="ResourceNotFound"):
        monitor.describe_schedule("data-quality-monitor")


def test_the_seeds_other_schedules(builder: Builder, capsys: pytest.CaptureFixture[str]) -> None:
    """IA-01, CC-01, AL-03: alert actions, batch transform and an own image, as the text writes them."""
    builder.deploy("my-endpoint", DataCaptureConfig(True, destination_s3_uri="s3://bucket/captured"))
    output = MonitoringOutput(destination="s3://bucket/monitoring-results")
    endpoint_input = EndpointInput("my-endpoint", "/opt/ml/processing/input")

    monitor = DefaultModelMonitor(role=ROLE)
    seed.run("alerts", monitor=monitor, endpoint_input=endpoint_input, output=output)
    arn = monitor.describe_schedule()["MonitoringScheduleArn"]
    tags = {each["Key"]: each["Value"] for each in boto3.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]}
    assert MonitoringAlertActions.of_tags(tags) == MonitoringAlertActions(
        sns_topics=["arn:aws:sns:us-west-2:123:ml-team-alerts"],
        lambdas=["arn:aws:lambda:us-west-2:123:function:handle-violations"],
        cloudwatch_alarms=["model-quality-alarm"],
    )

    monitor = DefaultModelMonitor(role=ROLE)
    seed.run("batch", monitor=monitor, output=output)
    assert monitor.job_definition_name is not None
    described = boto3.client("sagemaker").describe_data_quality_job_definition(
        JobDefinitionName=monitor.job_definition_name
    )
    batch = described["DataQualityJobInput"]["BatchTransformInput"]
    assert (batch["DatasetFormat"], batch["LocalPath"]) == ({"Csv": {"Header": False}}, "/opt/ml/processing/input")

    seed.run("custom", role=ROLE, endpoint_input=endpoint_input, output=output)
    custom = ModelMonitor.attach("custom-monitor")
    assert custom.image_uri == "123456789012.dkr.ecr.us-west-2.amazonaws.com/custom-monitor:latest"
    assert custom.env == {"CUSTOM_THRESHOLD": "0.05", "ALERT_EMAIL": "team@company.com"}
    custom.update_monitoring_schedule(instance_count=2, arguments=["--deep"])
    definition = custom.describe_schedule()["MonitoringScheduleConfig"]["MonitoringJobDefinition"]
    assert definition["MonitoringResources"]["ClusterConfig"]["InstanceCount"] == custom.instance_count == 2
    assert definition["MonitoringAppSpecification"]["ContainerArguments"] == ["--deep"]
    assert definition["MonitoringInputs"][0]["EndpointInput"]["EndpointName"] == "my-endpoint"
    with pytest.raises(TypeError, match="ModelQualityMonitor can only attach to ModelQuality monitoring schedule"):
        ModelQualityMonitor.attach("custom-monitor")


@operation("DescribeProcessingJob", into=COMPLETED)
def describe(request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    """Every job as if it had completed: for the kinds of analysis that a server may not run yet."""
    found = OPERATIONS["sagemaker", "DescribeProcessingJob"].perform(request, call)
    return {**(found or {}), "ProcessingJobStatus": "Completed"}


@pytest.fixture
def completing(store: Server, builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server of all operations, but whose jobs are complete as soon as they are made."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    catalog.migrate()
    with catalog.begin() as tx:
        keys.put_access_key(tx, keys.AccessKey(store.access_key, store.secret_key), note="", now=datetime.now(UTC))
    settings = Settings(home=tmp_path)
    listener = Listener(create_app(settings, catalog, operations={**OPERATIONS, **COMPLETED}), "127.0.0.1", 0)
    listener.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", listener.url)
    yield
    listener.stop()
    catalog.close()


def definition_of(monitor: ModelMonitor) -> Any:
    """The job definition of a monitor's schedule."""
    kind = re.sub("(?<=[a-z])(?=[A-Z])", "_", monitor.monitoring_type()).lower()
    operation = getattr(boto3.client("sagemaker"), f"describe_{kind}_job_definition")
    return operation(JobDefinitionName=monitor.job_definition_name)


def document(uri: str) -> Any:
    """A JSON file of the object storage."""
    return json.loads(S3Downloader.read_file(uri))


def test_the_seeds_model_quality_example(completing: None, builder: Builder) -> None:
    """IA-01, BL-07: problem and columns reach the job; the definition names ground truth and constraints."""
    builder.deploy("my-endpoint", DataCaptureConfig(True, destination_s3_uri="s3://bucket/captured"))
    monitor = seed.run("model quality")["quality_monitor"]
    environment = monitor.describe_latest_baselining_job()["Environment"]
    assert {name: environment[name] for name in ("analysis_type", "problem_type", "inference_attribute")} == {
        "analysis_type": "MODEL_QUALITY",
        "problem_type": "BinaryClassification",
        "inference_attribute": "prediction",
    }
    found = definition_of(monitor)
    assert found["ModelQualityAppSpecification"]["ProblemType"] == "BinaryClassification"
    assert found["ModelQualityJobInput"]["GroundTruthS3Input"]["S3Uri"] == "s3://my-bucket/ground-truth-labels/"
    assert found["ModelQualityJobInput"]["EndpointInput"]["ProbabilityAttribute"] == "probability"
    assert found["ModelQualityBaselineConfig"] == {
        "BaseliningJobName": monitor.latest_baselining_job_name,
        "ConstraintsResource": {"S3Uri": "s3://my-bucket/quality-baseline/constraints.json"},
    }
    place = found["ModelQualityJobOutputConfig"]["MonitoringOutputs"][0]["S3Output"]
    assert (place["S3Uri"], place["S3UploadMode"]) == ("s3://my-bucket/quality-monitoring", "EndOfJob")


def test_the_seeds_bias_example(completing: None, builder: Builder) -> None:
    """IA-01, BL-08: the analysis is put beside the results and read by both job and schedule."""
    builder.deploy("my-endpoint", DataCaptureConfig(True, destination_s3_uri="s3://bucket/captured"))
    monitor = seed.run("bias")["bias_monitor"]
    wanted = {
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "gender", "value_or_threshold": [0]}],
    }
    analysis = document("s3://my-bucket/bias-baseline/analysis_config.json")
    assert analysis == {
        **wanted,
        "dataset_type": "text/csv",
        "predicted_label": "prediction",
        "methods": {
            "pre_training_bias": {"methods": "all"},
            "post_training_bias": {"methods": "all"},
            "report": {"name": "report", "title": "Analysis Report"},
        },
    }
    found = definition_of(monitor)
    assert document(found["ModelBiasAppSpecification"]["ConfigUri"]) == wanted
    assert found["ModelBiasJobInput"]["EndpointInput"]["FeaturesAttribute"] == "features"
    assert found["ModelBiasBaselineConfig"] == {
        "ConstraintsResource": {"S3Uri": "s3://my-bucket/bias-baseline/constraints.json"}
    }


def test_the_seeds_explainability_example(completing: None, builder: Builder) -> None:
    """IA-01, BL-09: SHAP's background as rows, the model's predictor as it was given."""
    builder.deploy("my-endpoint", DataCaptureConfig(True, destination_s3_uri="s3://bucket/captured"))
    monitor = seed.run("explainability")["explainability_monitor"]
    config = document(definition_of(monitor)["ModelExplainabilityAppSpecification"]["ConfigUri"])
    assert config == {
        "methods": {
            "shap": {
                "baseline": [[0.5, 0.3, 0.2, 0.1]],
                "num_samples": 100,
                "agg_method": "mean_abs",
                "use_logit": False,
                "save_local_shap_values": True,
            }
        },
        "predictor": {
            "model_name": "my-model",
            "instance_type": "ml.m5.xlarge",
            "initial_instance_count": 1,
            "content_type": "text/csv",
            "accept_type": "application/json",
        },
    }
    analysis = document("s3://bucket/explainability-baseline/analysis_config.json")
    assert analysis["methods"] == {**config["methods"], "report": {"name": "report", "title": "Analysis Report"}}


def test_the_seeds_loop_over_all_monitors(
    completing: None, builder: Builder, capsys: pytest.CaptureFixture[str]
) -> None:
    """IA-07: four monitors on one endpoint, at different times."""
    shap = SHAPConfig(baseline=[[0.5]], num_samples=10)
    names = seed.run(
        "all",
        builder=builder,
        role=ROLE,
        problem_type_config={
            "problem_type": "BinaryClassification",
            "inference_attribute": "prediction",
            "ground_truth_attribute": "label",
        },
        bias_config=BiasAnalysisConfig(
            label_values_or_threshold=[1], facet_name="gender", predicted_label_name="prediction"
        ),
        explainability_config=ExplainabilityAnalysisConfig(shap, {"model_name": "m", "initial_instance_count": 1}),
    )
    assert "All monitoring types active" in capsys.readouterr().out
    found = boto3.client("sagemaker").list_monitoring_schedules(SortBy="Name", SortOrder="Ascending")
    kinds = [
        (each["MonitoringScheduleName"], each["MonitoringType"], each["EndpointName"])
        for each in found["MonitoringScheduleSummaries"]
    ]
    assert kinds == [
        (f"fully-monitored-endpoint-{name}", kind, "fully-monitored-endpoint")
        for name, kind in [
            ("bias-drift", "ModelBias"),
            ("data-quality", "DataQuality"),
            ("explainability", "ModelExplainability"),
            ("model-quality", "ModelQuality"),
        ]
    ]
    expressions = [
        each.describe_schedule()["MonitoringScheduleConfig"]["ScheduleConfig"]["ScheduleExpression"]
        for each, *_ in names["monitors"]
    ]
    assert expressions == ["cron(0 * ? * * *)", *["cron(0 0 ? * * *)"] * 3]


def test_clarify_s_own_configurations(completing: None, endpoint_of_completing: str) -> None:
    """BL-08, BL-09: the SDK's signatures; a schedule is told what the latest baseline was told."""
    data = DataConfig("s3://bucket/training-data.csv", "s3://bucket/clarify", label="y", headers=["a", "g", "y"])
    model = ModelConfig("m", 1, "ml.m5.large", accept_type="text/csv", content_type="text/csv")
    bias = ModelBiasMonitor(role=ROLE, sagemaker_session=Session(default_bucket="bucket"))
    told = BiasConfig([1], ["g", "a"], [[0], [30]], group_name="a")
    label = ModelPredictedLabelConfig(probability_threshold=0.8, probability=0)
    bias.suggest_baseline(data, told, model, label, wait=False)
    analysis = document("s3://bucket/clarify/analysis_config.json")
    assert analysis["facet"] == [
        {"name_or_index": "g", "value_or_threshold": [0]},
        {"name_or_index": "a", "value_or_threshold": [30]},
    ]
    assert (analysis["group_variable"], analysis["probability_threshold"]) == ("a", 0.8)
    assert analysis["predictor"]["initial_instance_count"] == 1
    bias.create_monitoring_schedule(
        endpoint_input=endpoint_of_completing, ground_truth_input="s3://bucket/truth", output_s3_uri="s3://bucket/bias"
    )
    found = definition_of(bias)
    assert found["ModelBiasBaselineConfig"] == {"BaseliningJobName": bias.latest_baselining_job_name}
    reading = found["ModelBiasJobInput"]["EndpointInput"]
    assert (reading["ProbabilityAttribute"], reading["ProbabilityThresholdAttribute"]) == ("0", 0.8)
    assert document(found["ModelBiasAppSpecification"]["ConfigUri"])["headers"] == ["a", "g", "y"]
    with pytest.raises(NotImplementedError, match="doesn't support statistics"):
        bias.baseline_statistics()

    explained = ModelExplainabilityMonitor(role=ROLE)
    with pytest.raises(ValueError, match="analysis_config is mandatory"):
        explained.create_monitoring_schedule(endpoint_input=endpoint_of_completing, output_s3_uri="s3://bucket/shap")
    explained.suggest_baseline(data, SHAPConfig([[1, 2]], 5, "mean_abs"), model, wait=False)
    explained.create_monitoring_schedule(endpoint_input=endpoint_of_completing, output_s3_uri="s3://bucket/shap")
    config = document(definition_of(explained)["ModelExplainabilityAppSpecification"]["ConfigUri"])
    assert config["headers"] == ["a", "g"]
    again = ModelExplainabilityMonitor.attach(explained.monitoring_schedule_name or "")
    again.update_monitoring_schedule(endpoint_input=EndpointInput(endpoint_of_completing, features_attribute="f"))
    changed = definition_of(again)
    assert changed["ModelExplainabilityJobInput"]["EndpointInput"]["FeaturesAttribute"] == "f"
    assert document(changed["ModelExplainabilityAppSpecification"]["ConfigUri"]) == config


@pytest.fixture
def endpoint_of_completing(completing: None, builder: Builder) -> str:
    """An endpoint of the server whose jobs are complete at once."""
    config = DataCaptureConfig(True, destination_s3_uri="s3://bucket/captured")
    return builder.deploy("my-endpoint", config).endpoint_name


@pytest.fixture
def session() -> Session:
    """A session with a bucket for what has no place of its own."""
    return Session(default_bucket="bucket")


def test_what_contradicts_itself_is_refused_in_the_sdk_s_words(endpoint: str, session: Session) -> None:
    """SC-07, SC-14, ER-25, ER-07, ER-08, ER-26, BL-17."""
    with pytest.raises(ValueError, match="An AWS IAM role is required to create a Monitoring Schedule"):
        DefaultModelMonitor()
    monitor = DefaultModelMonitor(role=ROLE, sagemaker_session=session)
    batch = BatchTransformInput("s3://bucket/batch", "/opt/ml/processing/input", MonitoringDatasetFormat.csv())
    one = "Need to have either batch_transform_input or endpoint_input to create an Amazon Model Monitoring Schedule."
    for inputs in ({}, {"endpoint_input": endpoint, "batch_transform_input": batch}):
        with pytest.raises(ValueError, match=one):
            monitor.create_monitoring_schedule(**inputs)  # type: ignore[arg-type]
    both = "Both data_analysis_start_time and data_analysis_end_time are required for one time monitoring schedule"
    with pytest.raises(ValueError, match=both):
        monitor.create_monitoring_schedule(
            endpoint_input=endpoint, schedule_cron_expression="NOW", data_analysis_start_time="-PT1H"
        )
    with pytest.raises(ValueError, match="Endpoint 'nowhere' does not exist or is not valid"):
        monitor.create_monitoring_schedule(endpoint_input="nowhere")
    with pytest.raises(ValueError, match="hour of cron"):
        monitor.create_monitoring_schedule(endpoint_input=endpoint, schedule_cron_expression="cron(0 25 ? * * *)")
    left = boto3.client("sagemaker").list_data_quality_job_definitions(EndpointName=endpoint)
    assert left["JobDefinitionSummaries"] == []
    with pytest.raises(TypeError, match="unexpected keyword argument 'endpoint'"):
        monitor.create_monitoring_schedule(endpoint=endpoint)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="Nothing to update, please create a schedule first"):
        monitor.update_monitoring_schedule(instance_count=2)
    with pytest.raises(ValueError, match="No suggestion jobs were kicked off"):
        monitor.describe_latest_baselining_job()
    monitor.create_monitoring_schedule(endpoint_input=endpoint)
    with pytest.raises(ValueError, match="It seems that this object was already used to create an Amazon Model"):
        monitor.create_monitoring_schedule(endpoint_input=endpoint)
    with pytest.raises(ValueError, match="Cannot update both batch_transform_input and endpoint_input"):
        monitor.update_monitoring_schedule(endpoint_input=endpoint, batch_transform_input=batch)
    with pytest.raises(ValueError, match="No execution jobs were kicked off"):
        monitor.get_latest_execution_logs()
    monitor.delete_monitoring_schedule()
    quality = ModelQualityMonitor(role=ROLE, sagemaker_session=session)
    with pytest.raises(ValueError, match="ground_truth_input can not be None"):
        quality.create_monitoring_schedule(endpoint_input=endpoint, problem_type="Regression")
    with pytest.raises(ValueError, match="problem_type: got 'Ranking', expected one of BinaryClassification"):
        quality.create_monitoring_schedule(
            endpoint_input=endpoint, ground_truth_input="s3://b/t", problem_type="Ranking"
        )
    with pytest.raises(ValueError, match="sampling_percentage: got 101, expected 0 to 100"):
        DataCaptureConfig(True, 101, "s3://bucket/captured")
    wrong = DataQualityMonitoringConfig(DataQualityDistributionConstraints("Kolmogorov"))
    with pytest.raises(RuntimeError, match="Invalid value for monitoring_config_override"):
        monitor.suggest_baseline("s3://bucket/t.csv", DatasetFormat.csv(), monitoring_config_override=wrong)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        monitor.delete_monitoring_schedule("never-made")
    with pytest.raises(ValueError, match="There is no default bucket"):
        DataCaptureConfig(True)


def test_a_failed_baseline_says_why(surroundings: None, session: Session) -> None:
    """BL-20: the reason, in an error that callers of the SDK, of boto3 and of the text catch."""
    monitor = DefaultModelMonitor(role="monitor", sagemaker_session=session)
    with pytest.raises(RuntimeError, match="nothing-here") as failed:
        monitor.suggest_baseline("s3://bucket/nothing-here/", DatasetFormat.csv(), output_s3_uri="s3://bucket/none")
    assert isinstance(failed.value, JobFailed)
    assert failed.value.actual_status == "Failed"
    with pytest.raises(ValueError, match="The underlying job is not in 'Completed' state"):
        monitor.baseline_statistics()


def test_local_data_and_scripts_are_uploaded_and_files_edited(
    store: Server, surroundings: None, endpoint: str, session: Session, tmp_path: Path
) -> None:
    """BL-01, BL-16, BL-17, BL-10: what is local goes to the default bucket; constraints are edited and saved."""
    data, script = tmp_path / "train.csv", tmp_path / "keep.py"
    data.write_text("age,colour\n" + "".join(f"{age},{'red' if age % 2 else 'blue'}\n" for age in range(200)))
    script.write_text("def preprocess_handler(inference_record):\n    return inference_record\n")
    monitor = DefaultModelMonitor(role=ROLE, sagemaker_session=session, env={"TEAM": "risk"}, tags={"team": "risk"})
    drift = DataQualityMonitoringConfig(DataQualityDistributionConstraints("ChiSquared"))
    job = monitor.suggest_baseline(str(data), DatasetFormat.csv(), logs=False, monitoring_config_override=drift)
    environment = job.describe()["Environment"]
    assert (environment["categorical_drift_method"], environment["TEAM"]) == ("ChiSquared", "risk")
    root = f"s3://bucket/model-monitor/baselining/{job.job_name}"
    assert [each.source for each in job.inputs] == [f"{root}/input/baseline_dataset_input/train.csv"]
    assert job.output.s3_output.s3_uri == f"{root}/results"
    constraints = monitor.suggested_constraints()
    assert [each["name"] for each in constraints.body_dict["features"]] == ["age", "colour"]
    assert monitor.baseline_statistics().body_dict["dataset"]["item_count"] == 200
    constraints.set_monitoring(False)
    constraints.set_monitoring(True, "age")
    with pytest.raises(ValueError, match="got 'height', expected one of age, colour"):
        constraints.set_monitoring(True, "height")
    saved = Constraints.from_s3_uri(constraints.save("s3://bucket/edited/constraints.json"))
    assert saved.body_dict["monitoring_config"]["evaluate_constraints"] == "Disabled"
    assert saved.body_dict["features"][0]["monitoring_config_overrides"] == {"evaluate_constraints": "Enabled"}
    copied = Statistics.from_string(statistics_file_string='{"version": 0}', sagemaker_session=session)
    assert Statistics.from_s3_uri(statistics_file_s3_uri=copied.file_s3_uri).body_dict == {"version": 0}
    (tmp_path / "c.json").write_text("{}")
    assert Constraints.from_file_path(str(tmp_path / "c.json"), sagemaker_session=session).body_dict == {}
    monitor.create_monitoring_schedule(
        endpoint_input=endpoint,
        constraints=saved,
        record_preprocessor_script=str(script),
        enable_cloudwatch_metrics=False,
    )
    found = definition_of(monitor)
    assert found["DataQualityBaselineConfig"]["ConstraintsResource"]["S3Uri"] == "s3://bucket/edited/constraints.json"
    application = found["DataQualityAppSpecification"]
    assert application["Environment"] == {"TEAM": "risk", "publish_cloudwatch_metrics": "Disabled"}
    assert S3Downloader.read_file(application["RecordPreprocessorSourceUri"]) == script.read_text()


def test_a_schedule_s_life(endpoint: str, session: Session) -> None:
    """SC-08, SC-16: what is not changed stays; attach, stop, start; definitions are not left behind."""
    sagemaker = boto3.client("sagemaker")
    monitor = DefaultModelMonitor(
        role=ROLE, sagemaker_session=session, base_job_name=endpoint, max_runtime_in_seconds=600
    )
    reading = EndpointInput(endpoint, start_time_offset="-PT2H", end_time_offset="-PT1H")
    answer = monitor.create_monitoring_schedule(
        endpoint_input=reading,
        statistics="s3://bucket/baseline/statistics.json",
        constraints="s3://bucket/baseline/constraints.json",
        schedule_cron_expression=CronExpressionGenerator.daily_every_x_hours(6, 3),
        data_quality_monitoring_config={"distribution_constraints": {"categorical_drift_method": "LInfinity"}},
        alert_actions=MonitoringAlertActions(sns_topics=["arn:aws:sns:us-west-2:123:a"]),
    )
    assert answer["MonitoringScheduleArn"].endswith(f"monitoring-schedule/{monitor.monitoring_schedule_name}")
    before = definition_of(monitor)
    assert before["DataQualityAppSpecification"]["Environment"]["categorical_drift_method"] == "LInfinity"
    monitor.update_monitoring_schedule(
        env={"A": "1"}, statistics="s3://bucket/new/statistics.json", volume_size_in_gb=50
    )
    after = definition_of(monitor)
    changing = ("JobDefinitionName", "JobDefinitionArn", "CreationTime")
    for each in changing:
        assert before.pop(each) != after.pop(each)
    expected = json.loads(json.dumps(before, default=str))
    expected["DataQualityAppSpecification"]["Environment"]["A"] = "1"
    expected["DataQualityBaselineConfig"]["StatisticsResource"]["S3Uri"] = "s3://bucket/new/statistics.json"
    expected["JobResources"]["ClusterConfig"]["VolumeSizeInGB"] = 50
    found = json.loads(json.dumps(after, default=str))
    assert {**found, "ResponseMetadata": None} == {**expected, "ResponseMetadata": None}
    names = sagemaker.list_data_quality_job_definitions(EndpointName=endpoint)["JobDefinitionSummaries"]
    assert [each["MonitoringJobDefinitionName"] for each in names] == [monitor.job_definition_name]
    schedule = monitor.describe_schedule()["MonitoringScheduleConfig"]["ScheduleConfig"]
    assert schedule == {"ScheduleExpression": "cron(0 3/6 ? * * *)"}

    again = DefaultModelMonitor.attach(monitor.monitoring_schedule_name or "", session)
    same = (
        "role",
        "instance_type",
        "volume_size_in_gb",
        "max_runtime_in_seconds",
        "network_config",
        "job_definition_name",
    )
    assert [getattr(again, each) for each in same] == [getattr(monitor, each) for each in same]
    assert {each["Key"] for each in again.tags} == {"driftline:alert:sns:1"}
    again.stop_monitoring_schedule()
    assert monitor.describe_schedule()["MonitoringScheduleStatus"] == "Stopped"
    again.start_monitoring_schedule()
    assert monitor.describe_schedule()["MonitoringScheduleStatus"] == "Scheduled"
    again.update_monitoring_schedule(
        monitor.monitoring_schedule_name, schedule_cron_expression=CronExpressionGenerator.daily(2)
    )
    assert again.job_definition_name == monitor.job_definition_name

    (alert,), token = monitor.list_monitoring_alerts()
    assert (alert.alert_status, alert.data_points_to_alert, token) == ("OK", 1, None)
    with pytest.raises(ValueError, match="Got no alert property to update"):
        monitor.update_monitoring_alert(alert.alert_name, None, None)
    monitor.update_monitoring_alert(alert.alert_name, 2, 3)
    assert [(each.data_points_to_alert, each.evaluation_period) for each in monitor.list_monitoring_alerts()[0]] == [
        (2, 3)
    ]
    assert monitor.list_monitoring_alert_history(alert.alert_name) == ([], None)
    monitor.delete_monitoring_schedule()
    assert sagemaker.list_data_quality_job_definitions(EndpointName=endpoint)["JobDefinitionSummaries"] == []
    assert (monitor.monitoring_schedule_name, monitor.list_monitoring_alerts()) == (None, ([], None))


def test_a_run_without_data_is_waited_for_and_says_why(endpoint: str, session: Session) -> None:
    """E-02, E-04, ER-01: it has no job; its reason is in the error."""
    monitor = DefaultModelMonitor(role=ROLE, sagemaker_session=session)
    monitor.create_monitoring_schedule(
        endpoint_input=endpoint,
        schedule_cron_expression=CronExpressionGenerator.now(),
        data_analysis_start_time="-PT3H",
        data_analysis_end_time="-PT2H",
    )
    (execution,) = until(lambda: monitor.list_executions(sort_by="ScheduledTime"))
    with pytest.raises(JobFailed, match="Job inputs had no data"):
        execution.wait()
    assert (execution.processing_job_arn, execution.violation_report_uri) == (None, None)
    assert execution.get("MonitoringExecutionStatus") == execution.describe()["MonitoringExecutionStatus"] == "Failed"
    assert monitor.list_executions(status_equals="Completed") == []
    assert monitor.latest_monitoring_statistics() is None
    with pytest.raises(ValueError, match="Processing Job did not run for the last execution"):
        monitor.get_latest_execution_logs()


def test_an_own_image_may_make_baselines(surroundings: None, session: Session, tmp_path: Path) -> None:
    """CC-01, SE-01, SE-02: inputs, arguments, keys and network reach the job; only an own image is run so."""
    (tmp_path / "t.csv").write_text("1,2\n")
    monitor = ModelMonitor(
        ROLE, "example.com/own:1", entrypoint=["python", "/m.py"], output_kms_key="k", sagemaker_session=session
    )
    monitor.network_config = NetworkConfig(True, ["sg-1"], ["subnet-1"], True)
    files = ProcessingInput(str(tmp_path / "t.csv"), "/opt/ml/processing/input/data")
    job = monitor.run_baseline([files], "/opt/ml/processing/output", arguments=["--all"], wait=False)
    found = job.describe()
    assert found["AppSpecification"] == {
        "ImageUri": "example.com/own:1",
        "ContainerEntrypoint": ["python", "/m.py"],
        "ContainerArguments": ["--all"],
    }
    assert found["ProcessingOutputConfig"]["KmsKeyId"] == "k"
    assert found["NetworkConfig"]["VpcConfig"] == {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    assert [(each.name, each.destination) for each in job.inputs] == [("input-1", "/opt/ml/processing/input/data")]
    with pytest.raises(NotImplementedError, match="only allowed for ModelMonitor objects"):
        DefaultModelMonitor(role=ROLE, sagemaker_session=session).run_baseline()
    with pytest.raises(TypeError, match="shall define this property"):
        monitor.monitoring_type()
