"""SNS by unmodified boto3 against the running server: topics, subscriptions of every protocol, alarms that tell."""

from __future__ import annotations

import email
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from typing import Any

import pytest
import urllib3
from aws import Aws
from botocore.exceptions import ClientError
from examples import shared
from receivers import Letters, Receiver, running_receiver, running_smtp
from serving import Served, serving, until

from driftline.catalog import Catalog, deliveries, topics
from driftline.catalog.deliveries import KeptChannel

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Place:
    """A running server, an SMTP server that its e-mail channel writes to, and its database."""

    served: Served
    client: Any
    letters: Letters
    catalog: Catalog

    def topic(self, name: str) -> str:
        """A topic of this name."""
        arn: str = self.client.create_topic(Name=name)["TopicArn"]
        return arn

    def reasons(self, subscription: str) -> list[tuple[str, str | None]]:
        """What became of the notices to a subscription."""
        with self.catalog.read() as tx:
            return [(each.status, each.reason) for each in topics.notices(tx, subscription)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, aws: Aws) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("sns") / "home"
    keys = {name: value for name, value in aws.environment().items() if name != "AWS_ENDPOINT_URL"}
    with running_smtp() as letters, serving(home, keys) as served:
        catalog = Catalog(f"sqlite:///{home / 'driftline.sqlite'}")
        config = {"host": "127.0.0.1", "port": letters.port, "security": "none", "from": "driftline@acme.example"}
        made = KeptChannel("post", "email", {"config": {**config, "to": ["ops@acme.example"]}}, NOW, NOW)
        with catalog.begin() as tx:
            deliveries.put_channel(tx, made)
        yield Place(served, served.client("sns"), letters, catalog)
        catalog.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


def got(receiver: Receiver, count: int) -> list[dict[str, Any]]:
    """What a web address was told, once it was told so often."""
    until(lambda: len(receiver.got) >= count)
    return [each.json() for each in receiver.got]


def subscribed(place: Place, topic: str, receiver: Receiver, **attributes: str) -> str:
    """A confirmed subscription of a web address."""
    place.client.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url, Attributes=attributes)
    (asked,) = got(receiver, 1)
    assert asked["Type"] == "SubscriptionConfirmation"
    arn: str = place.client.confirm_subscription(TopicArn=topic, Token=asked["Token"])["SubscriptionArn"]
    return arn


def refused(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_the_seeds_topic_is_made_and_asks_its_subscriber(place: Place) -> None:
    """AL-03: the documentation's topic with its e-mail subscription, run as it is written; confirmed by its link."""
    text = shared("seeds", "004_de7689b1cf20d5d1.txt").read_text(encoding="utf-8")
    start = text.index("topic_response = sns.create_topic(")
    names: dict[str, Any] = {"sns": place.client}
    exec(compile(text[start : text.index("# Use in monitoring", start)], "seed, topic", "exec"), names)
    topic = names["topic_arn"]
    assert topic == "arn:aws:sns:us-east-1:000000000000:sagemaker-monitoring-alerts"
    (listed,) = place.client.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (listed["SubscriptionArn"], listed["Endpoint"]) == ("PendingConfirmation", "ml-team@company.com")
    letter = until(lambda: place.letters.letters and place.letters.letters[-1])
    assert place.letters.recipients[-1] == ["ml-team@company.com"]
    body = email.message_from_bytes(letter, policy=policy.default).get_body(("plain",))
    assert body is not None
    (link,) = (word for word in body.get_content().split() if word.startswith("http"))
    answer = urllib3.request("GET", link)
    assert answer.status == 200
    assert b"ml-team@company.com" in answer.data
    place.client.publish(TopicArn=topic, Subject="Drift", Message="age drifts")
    letter = until(lambda: len(place.letters.letters) > 1 and place.letters.letters[-1])
    told = email.message_from_bytes(letter, policy=policy.default)
    assert "Drift" in told["Subject"]
    body = told.get_body(("plain",))
    assert body is not None
    assert "age drifts" in body.get_content()


def test_a_web_address_is_told_once_it_said_yes(place: Place, receiver: Receiver) -> None:
    topic = place.topic("web")
    shown = place.client.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    assert shown["SubscriptionArn"] == "pending confirmation"
    (asked,) = got(receiver, 1)
    place.client.publish(TopicArn=topic, Message="too early")
    assert urllib3.request("GET", asked["SubscribeURL"]).status == 200
    attributes = {"kind": {"DataType": "String", "StringValue": "drift"}}
    made = place.client.publish(TopicArn=topic, Subject="s", Message="größe", MessageAttributes=attributes)
    told = got(receiver, 2)[1]
    assert (told["Type"], told["MessageId"], told["Message"]) == ("Notification", made["MessageId"], "größe")
    assert told["MessageAttributes"] == {"kind": {"Type": "String", "Value": "drift"}}
    headers = receiver.got[1].headers
    assert headers["x-amz-sns-message-type"] == "Notification"
    assert headers["x-amz-sns-topic-arn"] == topic
    counts = place.client.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (counts["SubscriptionsConfirmed"], counts["SubscriptionsPending"]) == ("1", "0")
    again = place.client.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)["SubscriptionArn"]
    assert again == headers["x-amz-sns-subscription-arn"]
    place.client.unsubscribe(SubscriptionArn=again)
    assert place.client.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_a_message_for_each_protocol_and_nothing_about_it(place: Place, receiver: Receiver) -> None:
    topic = place.topic("raw")
    subscribed(place, topic, receiver, RawMessageDelivery="true")
    texts = json.dumps({"default": "for all", "http": "for the web"})
    place.client.publish(TopicArn=topic, Message=texts, MessageStructure="json")
    until(lambda: len(receiver.got) >= 2)
    assert receiver.got[1].body == b"for the web"


def test_a_receiver_that_is_away_is_tried_again_and_one_that_refuses_is_not(place: Place, receiver: Receiver) -> None:
    topic = place.topic("retried")
    arn = subscribed(place, topic, receiver)
    answers = iter([(503, "later"), (200, "{}"), (403, "no")])
    receiver.answer = lambda request: next(answers)
    place.client.publish(TopicArn=topic, Message="first")
    told = got(receiver, 3)
    assert told[1]["MessageId"] == told[2]["MessageId"]
    place.client.publish(TopicArn=topic, Message="second")
    until(lambda: place.reasons(arn)[-1][0] == "FAILED")
    assert [status for status, _ in place.reasons(arn)] == ["SENT", "SENT", "FAILED"]
    assert "403" in str(place.reasons(arn)[-1][1])


def test_a_queue_is_told_at_once(place: Place, aws: Aws) -> None:
    queue = aws.client("sqs").create_queue(QueueName="told")["QueueUrl"]
    topic = place.topic("queued")
    arn = place.client.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    assert arn.startswith(topic)
    place.client.publish(TopicArn=topic, Message="into the queue")
    found = until(lambda: aws.client("sqs").receive_message(QueueUrl=queue).get("Messages"))
    assert json.loads(found[0]["Body"])["Message"] == "into the queue"


def test_an_alarm_tells_its_topic_once(place: Place, receiver: Receiver) -> None:
    """AL-07: PutMetricAlarm with the ARN of a topic of ours; the message has CloudWatch's keys."""
    topic = place.topic("alarmed")
    subscribed(place, topic, receiver)
    watch = place.served.client("cloudwatch")
    watch.put_metric_alarm(
        AlarmName="told",
        Namespace="n",
        MetricName="m",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )
    watch.set_alarm_state(AlarmName="told", StateValue="ALARM", StateReason="tried out")
    told = got(receiver, 2)[1]
    assert told["Subject"] == 'ALARM: "told" in us-east-1'
    message = json.loads(told["Message"])
    assert (message["AlarmName"], message["NewStateValue"], message["OldStateValue"]) == (
        "told",
        "ALARM",
        "INSUFFICIENT_DATA",
    )
    assert message["Trigger"]["MetricName"] == "m"
    watch.set_alarm_state(AlarmName="told", StateValue="ALARM", StateReason="again")
    history = watch.describe_alarm_history(AlarmName="told", HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    entered = [each for each in history if each["HistorySummary"].endswith("to ALARM")]  # an evaluation may lie between
    assert 1 <= len(receiver.got) - 1 <= len(entered)
    watch.delete_alarms(AlarmNames=["told"])


def test_topics_are_listed_named_tagged_and_deleted(place: Place) -> None:
    tags = [{"Key": "team", "Value": "ml"}]
    arn = place.client.create_topic(Name="named", Attributes={"DisplayName": "Named"}, Tags=tags)["TopicArn"]
    assert place.client.create_topic(Name="named")["TopicArn"] == arn
    place.client.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName", AttributeValue="Another")
    assert place.client.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "Another"
    assert place.client.list_tags_for_resource(ResourceArn=arn)["Tags"] == tags
    pages = place.client.get_paginator("list_topics").paginate()
    assert {"TopicArn": arn} in [each for page in pages for each in page["Topics"]]
    place.client.delete_topic(TopicArn=arn)
    place.client.delete_topic(TopicArn=arn)
    with pytest.raises(place.client.exceptions.NotFoundException):
        place.client.publish(TopicArn=arn, Message="x")


def test_many_topics_are_listed_in_pages(place: Place) -> None:
    names = [f"many-{number:03d}" for number in range(101)]
    arns = {place.topic(name) for name in names}
    pages = list(place.client.get_paginator("list_topics").paginate())
    assert len(pages) == 2
    assert arns <= {each["TopicArn"] for page in pages for each in page["Topics"]}
    for arn in arns:
        place.client.delete_topic(TopicArn=arn)


@pytest.mark.parametrize(
    ("protocol", "endpoint", "said"),
    [
        ("email", "nobody", "ops@acme.example"),
        ("sms", "+491", "one of email"),
        ("https", "http://hooks.acme.example", "https://host/path"),
        ("http", "http://user:secret@hooks.acme.example", "without a user's name"),
        ("sqs", "http://169.254.169.254/q", "queue"),
    ],
)
def test_what_cannot_be_told_is_refused(place: Place, protocol: str, endpoint: str, said: str) -> None:
    topic = place.topic("refusing")
    code, message = refused(place.client.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    assert code == "InvalidParameter"
    assert said in message
    assert "secret" not in message


def test_metadata_of_the_machine_are_never_called(place: Place) -> None:
    topic = place.topic("inner")
    shown = place.client.subscribe(
        TopicArn=topic, Protocol="http", Endpoint="http://169.254.169.254/latest", ReturnSubscriptionArn=True
    )
    until(lambda: place.reasons(shown["SubscriptionArn"])[0][0] == "FAILED")
    assert "access denied" in str(place.reasons(shown["SubscriptionArn"])[0][1])


def test_nobody_confirms_with_a_token_of_another(place: Place) -> None:
    topic = place.topic("tokens")
    assert refused(place.client.confirm_subscription, TopicArn=topic, Token="0" * 64)[0] == "InvalidParameter"
    url = f"{place.served.url}/subscriptions/confirm?topic={topic}&token={'0' * 64}"
    assert urllib3.request("GET", url).status == 404
    assert urllib3.request("GET", url[:-1]).status == 422
    assert refused(place.client.publish, TopicArn=topic, Message="x", Subject="two\nlines")[0] == "InvalidParameter"
