"""Alert actions by the seed's code: four monitors over a real server, everyone whom their alerts tell, told once."""

from __future__ import annotations

import email
import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy
from typing import Any

import boto3
import pytest
import seed
import urllib3
from answering import answering
from aws import Aws
from examples import shared
from receivers import Letters, Receiver, running_receiver, running_smtp
from s3 import running_s3
from serving import serving, until
from test_seed_monitors import ROLE, answer, document, put, table
from truths import truth

from driftline import schedules
from driftline.catalog import Catalog, alerts, deliveries, executions, keys, work
from driftline.catalog.deliveries import KeptChannel
from driftline.sagemaker import (
    BiasAnalysisConfig,
    DataCaptureConfig,
    DefaultModelMonitor,
    EndpointInput,
    ExplainabilityAnalysisConfig,
    ModelDashboardIndicatorAction,
    MonitoringAlertActions,
    MonitoringOutput,
    SHAPConfig,
)

ENDPOINT = "fully-monitored-endpoint"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:handle-violations"
ALARM = "model-quality-alarm"
SCHEDULES = [f"{ENDPOINT}-{name}" for name in ("data-quality", "model-quality", "bias-drift", "explainability")]
QUALITY, MODEL = SCHEDULES[:2]
TWO = (QUALITY, MODEL)
JSON = {"observedContentType": "application/json", "encoding": "JSON"}


@dataclass
class Endpoint:
    """What a builder deploys."""

    endpoint_name: str


class Builder:
    """A model that is served somewhere."""

    def __init__(self, url: str) -> None:
        self.url = url

    def deploy(self, endpoint_name: str, data_capture_config: DataCaptureConfig) -> Endpoint:
        """An endpoint that captures."""
        client = boto3.client("sagemaker")
        container = {"Image": "model:1", "Environment": {"DRIFTLINE_MODEL_URL": self.url}}
        client.create_model(ModelName=endpoint_name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
        client.create_endpoint_config(
            EndpointConfigName=endpoint_name,
            ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": endpoint_name, "InitialInstanceCount": 1}],
            DataCaptureConfig=data_capture_config._to_request_dict(),
        )
        client.create_endpoint(EndpointName=endpoint_name, EndpointConfigName=endpoint_name)
        return Endpoint(endpoint_name)


@dataclass(frozen=True)
class World:
    """A running server, everyone who can be told, and the catalog."""

    url: str
    catalog: Catalog
    function: Receiver
    web: Receiver
    letters: Letters
    model: str
    aws: Aws
    queued: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, aws: Aws) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("actions")
    home = folder / "home"
    with (
        running_s3(folder / "s3") as s3,
        answering(answer, "application/json") as model,
        running_receiver() as function,
        running_receiver() as web,
        running_smtp() as letters,
        pytest.MonkeyPatch.context() as at,
    ):
        function.answer = lambda request: (202, "")
        amazon = {"AWS_ENDPOINT_URL_LAMBDA": function.url, "AWS_ENDPOINT_URL_SNS": aws.endpoint}
        keys = {"DRIFTLINE_ACCESS_KEY": s3.access_key, "DRIFTLINE_SECRET_KEY": s3.secret_key}
        with serving(home, {**s3.environment(), **amazon}, DRIFTLINE_POLL_SECONDS="0.1", **keys) as server:
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                at.delenv(name)
            variables = {**s3.environment(), "AWS_ENDPOINT_URL": server.url, "AWS_DEFAULT_REGION": "us-east-1"}
            for name, value in variables.items():
                at.setenv(name, value)
            catalog = Catalog(f"sqlite:///{home / 'driftline.sqlite'}")
            config = {"host": "127.0.0.1", "port": letters.port, "security": "none", "from": "driftline@acme.example"}
            post = {"config": {**config, "to": ["ops@acme.example"]}, "least": "critical"}
            with catalog.begin() as tx:
                now = datetime.now(UTC)
                deliveries.put_channel(tx, KeptChannel("post", "email", post, now, now))
            s3.bucket("bucket")
            yield World(server.url, catalog, function, web, letters, model, aws)
            catalog.close()


def people(rows: int, skilled: int = 0, wrong: float = 0.1) -> list[dict[str, int]]:
    """Predictions, what somebody thought at first, and two features; a share of the predictions is wrong."""
    draws, found = random.Random(5), []
    for _ in range(rows):
        gender, skill = draws.randint(0, 1), draws.randint(0, 9)
        label = int(skill + draws.randint(-2, 2) > 4)
        prediction = 1 - label if draws.random() < wrong else label
        found.append({"prediction": prediction, "label": label, "gender": gender, "skill": skill + skilled})
    return found


def capture(rows: list[dict[str, int]], moment: datetime) -> None:
    """Calls of that hour as the endpoint would capture them, and their labels."""
    lines, labels = [], []
    for place, row in enumerate(rows):
        told = {name: value for name, value in row.items() if name != "prediction"}
        sides = {
            side: {**JSON, "mode": mode, "data": json.dumps(data)}
            for side, mode, data in (
                ("endpointInput", "INPUT", told),
                ("endpointOutput", "OUTPUT", {"prediction": row["prediction"]}),
            )
        }
        meta = {"eventId": f"{moment:%Y%m%d%H}-{place}", "inferenceTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
        lines.append(json.dumps({"captureData": sides, "eventMetadata": meta, "eventVersion": "0"}))
        labels.append(truth(meta["eventId"], str(row["label"])))
    hour = f"{moment:%Y/%m/%d/%H}"
    put("bucket", f"data-capture/{ENDPOINT}/AllTraffic/{hour}/00-00-000-a.jsonl", "\n".join(lines))
    put("bucket", f"ground-truth/{hour}/labels.jsonl", "\n".join(labels))


def traffic(rows: list[dict[str, int]]) -> None:
    """Calls in the last hour and the last day that are over."""
    now = datetime.now(UTC)
    for moment in (now - timedelta(hours=1), now - timedelta(days=1)):
        capture(rows, moment.replace(minute=0))


def ran(world: World, *names: str) -> list[str]:
    """How one more execution of each schedule ended, once everyone was told of it."""
    with world.catalog.begin() as tx:
        made = [schedules.run_now(tx, name, datetime.now(UTC)) for name in names]
    until(lambda: is_over(world, [each.id for each in made]), 180)
    with world.catalog.read() as tx:
        return [executions.get(tx, each.id).status for each in made]


def is_over(world: World, made: list[str]) -> bool:
    """Whether these executions have ended, and nothing waits to be told."""
    with world.catalog.read() as tx:
        is_told = not alerts.untold(tx) and work.length(tx) == 0
        return is_told and not any(executions.get(tx, each).is_open for each in made)


def seeds(first: str, last: str, **names: Any) -> dict[str, Any]:
    """Run the seed's text from one line to just before another with these names; all names afterwards."""
    text = shared("seeds", "004_de7689b1cf20d5d1.txt").read_text(encoding="utf-8")
    start = text.index(first)
    exec(compile(text[start : text.index(last, start)], f"seed, {first}", "exec"), names)
    return names


def subscribed(world: World) -> str:
    """The seed's topic with its letter to the team, and a web address beside it; both said yes."""
    names = seeds("topic_response = sns.create_topic(", "# Use in monitoring", sns=boto3.client("sns"))
    topic: str = names["topic_arn"]
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=world.web.url)
    until(lambda: world.web.got and world.letters.letters)
    said = email.message_from_bytes(world.letters.letters[0], policy=policy.default).get_body(("plain",))
    assert said is not None
    (link,) = (word for word in said.get_content().split() if word.startswith("http"))
    for each in (link, world.web.got[0].json()["SubscribeURL"]):
        assert urllib3.request("GET", each).status == 200
    return topic


def at_amazon(world: World) -> tuple[str, str]:
    """A topic at AWS, and the URL of a queue that hears what is published to it."""
    sns, sqs = world.aws.client("sns"), world.aws.client("sqs")
    topic = sns.create_topic(Name="alerts-of-driftline")["TopicArn"]
    url = sqs.create_queue(QueueName="alerts-of-driftline")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic, url


def alarm() -> tuple[str, int]:
    """The state of the alarm, and how often it became another one."""
    client = boto3.client("cloudwatch")
    (found,) = client.describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
    items = client.describe_alarm_history(AlarmName=ALARM, HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    return found["StateValue"], len(items)


def set_up(world: World, actions: MonitoringAlertActions) -> None:
    """The seed's loop over all monitors, its schedules with these actions."""
    put("bucket", "training-data.csv", table(people(300)))
    last = '"enable_cloudwatch_metrics": True\n'
    code = seed.code("all").replace(last, f'{last.strip()}, "alert_actions": alert_actions')
    shap = SHAPConfig(baseline=[[0, 0.5, 0.5, 4.5]], num_samples=10)
    names: dict[str, Any] = {
        "alert_actions": actions,
        "builder": Builder(world.model),
        "role": ROLE,
        "problem_type_config": {
            "problem_type": "BinaryClassification",
            "inference_attribute": "prediction",
            "ground_truth_attribute": "label",
        },
        "bias_config": BiasAnalysisConfig(
            label_values_or_threshold=[1], facet_name="gender", predicted_label_name="prediction"
        ),
        "explainability_config": ExplainabilityAnalysisConfig(shap, {"model_name": ENDPOINT}),
    }
    exec(compile(code, "seed, all", "exec"), names)


@dataclass(frozen=True)
class Heard:
    """What everyone was told since the start: events, and the headlines of letters."""

    function: list[dict[str, Any]]
    web: list[dict[str, Any]]
    queue: list[dict[str, Any]]
    letters: list[str]


def heard(world: World, queue: str) -> Heard:
    """What has come by now; the questions of subscriptions are left out."""
    sqs = world.aws.client("sqs")
    while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        world.queued.extend(json.loads(json.loads(each["Body"])["Message"]) for each in found)
    notices = [each.json() for each in world.web.got]
    return Heard(
        [each.json() for each in world.function.got],
        [json.loads(each["Message"]) for each in notices if each["Type"] == "Notification"],
        world.queued,
        [
            str(email.message_from_bytes(each, policy=policy.default)["Subject"]).strip()
            for each in world.letters.letters[1:]
        ],
    )


def by_schedule(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Schedule and state of events, in the order of names."""
    return sorted((each["monitoringScheduleName"], each["state"]) for each in events)


def routed(event: dict[str, Any]) -> str:
    """What the seed's function does with an event: page somebody, or write to a log."""
    said: list[str] = []
    bucket, _, key = event["violationReport"].removeprefix("s3://").partition("/")
    names = seeds(
        "import json\nimport boto3\n\ndef lambda_handler",
        "\nModelDashboardIndicatorAction",
        violations=document(bucket, key)["violations"],
        is_critical=lambda violations: len(violations) > 1,
        send_page_alert=lambda endpoint, violations: said.append(f"page of {endpoint}"),
        log_violation=lambda endpoint, violations: said.append(f"log of {endpoint}"),
    )
    assert names["lambda_handler"](event, None) == {"statusCode": 200}
    (only,) = said
    return only


def test_the_seeds_four_monitors_tell_everyone_once(world: World) -> None:
    """AL-01, AL-03, AL-04, AL-05, IA-07: each flip is told once by each way; so is its end."""
    topic = subscribed(world)
    elsewhere, queue = at_amazon(world)
    actions: MonitoringAlertActions = seeds(
        "alert_actions = MonitoringAlertActions()\nalert_actions.add_sns_topic(topic_arn)",
        "\n\nLambda Handler",
        MonitoringAlertActions=MonitoringAlertActions,
        topic_arn=topic,
    )["alert_actions"]
    actions.add_sns_topic(elsewhere)
    actions.add_lambda(FUNCTION)
    actions.add_cloudwatch_alarm(ALARM)
    set_up(world, actions)
    assert alarm() == ("INSUFFICIENT_DATA", 0)

    traffic(people(300, 5, 0.6))
    assert ran(world, *SCHEDULES) == ["CompletedWithViolations"] * 3 + ["Failed"]  # its background has the label
    told = heard(world, queue)
    firing = sorted((each, "firing") for each in SCHEDULES)
    assert [by_schedule(each) for each in (told.function, told.web, told.queue)] == [firing] * 3
    assert alarm() == ("ALARM", 1)
    (drift, model) = (next(each for each in told.web if each["monitoringScheduleName"] == one) for one in TWO)
    assert list(drift)[:4] == ["monitoringScheduleName", "endpointName", "violationReport", "timestamp"]
    assert (drift["endpointName"], drift["title"]) == (ENDPOINT, f"{QUALITY} found 1 violation")
    assert drift["lines"][0].startswith("skill: Baseline drift distance")
    assert "retraining" in model["text"]
    assert f"[WARNING] {QUALITY} found 1 violation" in told.letters
    assert len(told.letters) == 4
    assert [routed(each) for each in (drift, model)] == [f"log of {ENDPOINT}", f"page of {ENDPOINT}"]

    traffic(people(300))
    assert ran(world, *TWO) == ["Completed"] * 2
    for name in SCHEDULES[2:]:
        boto3.client("sagemaker").delete_monitoring_schedule(MonitoringScheduleName=name)
    until(lambda: is_over(world, []))
    told = heard(world, queue)
    both = sorted([*firing, *((each, "resolved") for each in SCHEDULES)])
    assert [by_schedule(each) for each in (told.function, told.web, told.queue)] == [both] * 3
    assert f"[RESOLVED] {QUALITY} is back to normal" in told.letters
    assert f"[RESOLVED] {SCHEDULES[2]} was deleted" in told.letters
    assert alarm() == ("OK", 2)
    assert ran(world, QUALITY) == ["Completed"]
    assert heard(world, queue) == told


def test_the_seeds_actions_are_shown_replaced_and_hidden(world: World) -> None:
    """AL-03, AL-06: at creation as it is written; an update says all anew."""
    Builder(world.model).deploy("shown", DataCaptureConfig(True, destination_s3_uri="s3://bucket/shown"))
    monitor = DefaultModelMonitor(role=ROLE)
    output = MonitoringOutput(source="/opt/ml/processing/output", destination="s3://bucket/results")
    seed.run("alerts", monitor=monitor, endpoint_input=EndpointInput("shown"), output=output)
    (alert,), _ = monitor.list_monitoring_alerts()
    assert (alert.actions.sns_topics, alert.actions.lambdas, alert.actions.cloudwatch_alarms) == (
        ["arn:aws:sns:us-west-2:123:ml-team-alerts"],
        ["arn:aws:lambda:us-west-2:123:function:handle-violations"],
        ["model-quality-alarm"],
    )
    with pytest.raises(ValueError, match="an ARN such as arn:aws:sns"):
        monitor.update_monitoring_schedule(alert_actions=MonitoringAlertActions(sns_topics=["ml-team-alerts"]))
    hidden = MonitoringAlertActions(ModelDashboardIndicatorAction(enabled=False), severity="critical")
    monitor.update_monitoring_schedule(alert_actions=hidden)
    (alert,), _ = monitor.list_monitoring_alerts()
    assert alert.actions == hidden
    with world.catalog.begin() as tx:
        key = keys.create_api_key(tx, "looks", ["read"], now=datetime.now(UTC))
    page = urllib3.request("GET", f"{world.url}/console?format=json", headers={"Authorization": f"Bearer {key}"})
    found = [each["alert"] for each in page.json()["schedules"] if each["endpoint"] == "shown"]
    assert found == ["Hidden"]
