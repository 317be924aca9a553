"""SNS on our own address: topics, subscriptions by e-mail, to web addresses and queues, publications."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from driftline.catalog import tags, topics
from driftline.catalog.topics import Subscription, Topic
from driftline.channels.posting import target_of
from driftline.errors import Invalid, NotFound
from driftline.server.aws.tags import tags_of
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call, operation
from driftline.storage import queues
from driftline.topics.publishing import Publication, ask, publish

API = "sns"
CONFIRMING = "/subscriptions/confirm"
"""The path that confirms a subscription, for whoever has its token."""
PENDING_ARN = "pending confirmation"

_PAGE = 100
_LARGEST_BYTES = 1 << 18
_PROTOCOLS = ("email", "email-json", "http", "https", "sqs")
_TOPIC_ATTRIBUTES = ("DisplayName",)
_ATTRIBUTES = {"RawMessageDelivery": ("true", "false")}


@operation("CreateTopic", api=API)
def create(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Make a topic; one that is there is answered as it is."""
    name = request["Name"]
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", name):
        raise Invalid(what="Name", got=name, expected="1 to 256 letters, digits, hyphens and underscores")
    attributes = dict(request.get("Attributes") or {})
    for each in attributes:
        _refuse_attribute(each)
    arn = f"arn:aws:sns:{call.settings.region}:{call.settings.account}:{name}"
    with call.catalog.begin() as tx:
        if topics.add(tx, arn, attributes, now=call.now) and request.get("Tags"):
            tags.put(tx, arn, tags_of(request))
    return {"TopicArn": arn}


def _refuse_attribute(name: str) -> None:
    if name not in _TOPIC_ATTRIBUTES:
        raise Invalid(what="attribute of a topic", got=name, expected=", ".join(_TOPIC_ATTRIBUTES))


@operation("DeleteTopic", api=API)
def delete(request: Mapping[str, Any], call: Call) -> None:
    """Forget a topic with its subscriptions; one that is not there is no error."""
    with call.catalog.begin() as tx:
        topics.remove(tx, request["TopicArn"])
        tags.remove(tx, request["TopicArn"])


@operation("ListTopics", api=API)
def list_(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Topics, a hundred a page; the token is the ARN of the last one."""
    with call.catalog.read() as tx:
        found = topics.listed(tx, after=request.get("NextToken") or "", limit=_PAGE + 1)
    answer: dict[str, Any] = {"Topics": [{"TopicArn": each.arn} for each in found[:_PAGE]]}
    return {**answer, "NextToken": found[_PAGE - 1].arn} if len(found) > _PAGE else answer


@operation("GetTopicAttributes", api=API)
def attributes(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """What a topic is called, and how many subscribed."""
    with call.catalog.read() as tx:
        found = _topic(tx, request["TopicArn"])
        held = topics.subscriptions(tx, found.arn)
    confirmed = sum(each.confirmed for each in held)
    counts = {"SubscriptionsConfirmed": str(confirmed), "SubscriptionsPending": str(len(held) - confirmed)}
    named = {"TopicArn": found.arn, "Owner": call.settings.account, "DisplayName": "", "SubscriptionsDeleted": "0"}
    return {"Attributes": {**named, **counts, **found.attributes}}


@operation("SetTopicAttributes", api=API)
def set_attributes(request: Mapping[str, Any], call: Call) -> None:
    """Another name for people."""
    _refuse_attribute(request["AttributeName"])
    with call.catalog.begin() as tx:
        found = _topic(tx, request["TopicArn"])
        changed = {**found.attributes, request["AttributeName"]: request.get("AttributeValue", "")}
        topics.change(tx, found.arn, changed)


@operation("Subscribe", api=API)
def subscribe(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Tell an endpoint what is published, once its owner says yes; a queue is told at once."""
    protocol, endpoint = request["Protocol"], request.get("Endpoint") or ""
    _check_endpoint(protocol, endpoint)
    wanted = dict(request.get("Attributes") or {})
    for name, value in wanted.items():
        _refuse(name, value)
    with call.catalog.begin() as tx:
        to = _topic(tx, request["TopicArn"])
        made, is_new = topics.subscribe(tx, to.arn, protocol, endpoint, wanted, now=call.now)
        if is_new and not made.confirmed:
            ask(tx, made, _link(call, made), now=call.now)
    wake(call)
    shown = made.confirmed or request.get("ReturnSubscriptionArn")
    return {"SubscriptionArn": made.arn if shown else PENDING_ARN}


def _check_endpoint(protocol: str, endpoint: str) -> None:
    if protocol not in _PROTOCOLS:
        raise Invalid(what="Protocol", got=protocol, expected=f"one of {', '.join(_PROTOCOLS)}")
    if len(endpoint) > 2048 or not endpoint.isprintable():
        raise Invalid(what="Endpoint", got=f"{len(endpoint)} characters", expected="at most 2048 that can be printed")
    if protocol == "sqs":
        queues.refuse(queues.url_of(endpoint))
    elif protocol.startswith("http"):
        if target_of(endpoint).scheme != protocol:
            raise Invalid(what="Endpoint", got=endpoint.partition(":")[0], expected=f"{protocol}://host/path")
    elif not re.fullmatch(r"[^@\s,<>]+@[^@\s,<>]+", endpoint):
        raise Invalid(what="Endpoint", got=endpoint, expected="an address such as ops@acme.example")


def _link(call: Call, made: Subscription) -> str:
    """What confirms a subscription, at the public address or else at the one that the caller used."""
    headers = call.received.headers if call.received else {}
    used = f"{headers.get('x-forwarded-proto', 'http')}://{headers.get('host', 'localhost')}"
    address = call.settings.public_url.rstrip("/") or used
    return f"{address}{CONFIRMING}?topic={made.topic}&token={made.token}"


def _refuse(name: str, value: str) -> None:
    """Raise `Invalid` for an attribute of a subscription that has no meaning here."""
    if value not in _ATTRIBUTES.get(name, ()):
        got = f"{name}={value}"
        raise Invalid(what="attribute of a subscription", got=got, expected="RawMessageDelivery, true or false")


@operation("ConfirmSubscription", api=API)
def confirm(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Say yes to a subscription, with the token that its endpoint was sent."""
    with call.catalog.begin() as tx:
        found = topics.confirm(tx, _topic(tx, request["TopicArn"]).arn, request["Token"])
    if found is None:
        raise Invalid(what="Token", got="a token of no subscription", expected="the token that the endpoint was sent")
    return {"SubscriptionArn": found.arn}


@operation("Unsubscribe", api=API)
def unsubscribe(request: Mapping[str, Any], call: Call) -> None:
    """Forget a subscription; one that is not there is no error."""
    with call.catalog.begin() as tx:
        topics.unsubscribe(tx, request["SubscriptionArn"])


@operation("ListSubscriptions", api=API)
def subscriptions(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """All subscriptions, a hundred a page."""
    with call.catalog.read() as tx:
        found = topics.subscriptions(tx, after=request.get("NextToken") or "", limit=_PAGE + 1)
    return _page(found, call)


@operation("ListSubscriptionsByTopic", api=API)
def subscriptions_of(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The subscriptions of one topic, a hundred a page."""
    with call.catalog.read() as tx:
        to = _topic(tx, request["TopicArn"])
        found = topics.subscriptions(tx, to.arn, after=request.get("NextToken") or "", limit=_PAGE + 1)
    return _page(found, call)


def _page(found: list[Subscription], call: Call) -> dict[str, Any]:
    answer: dict[str, Any] = {"Subscriptions": [_shown(each, call) for each in found[:_PAGE]]}
    return {**answer, "NextToken": found[_PAGE - 1].arn} if len(found) > _PAGE else answer


def _shown(found: Subscription, call: Call) -> dict[str, Any]:
    return {
        "SubscriptionArn": found.arn if found.confirmed else "PendingConfirmation",
        "Owner": call.settings.account,
        "Protocol": found.protocol,
        "Endpoint": found.endpoint,
        "TopicArn": found.topic,
    }


@operation("GetSubscriptionAttributes", api=API)
def subscription_attributes(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """How a subscription is told."""
    with call.catalog.read() as tx:
        found = _subscription(tx, request["SubscriptionArn"])
    pending = {"PendingConfirmation": "false" if found.confirmed else "true"}
    return {"Attributes": {"RawMessageDelivery": "false", **_shown(found, call), **pending, **found.attributes}}


@operation("SetSubscriptionAttributes", api=API)
def set_subscription_attributes(request: Mapping[str, Any], call: Call) -> None:
    """Tell a subscription otherwise."""
    name, value = request["AttributeName"], request.get("AttributeValue", "")
    _refuse(name, value)
    with call.catalog.begin() as tx:
        found = _subscription(tx, request["SubscriptionArn"])
        topics.configure(tx, found.arn, {**found.attributes, name: value})


@operation("Publish", api=API)
def publish_(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """Queue a message for everybody who confirmed a subscription to the topic."""
    arn = request.get("TopicArn") or request.get("TargetArn")
    if not arn:
        raise Invalid(what="TopicArn", got="nothing", expected="the ARN of a topic, which alone is published to here")
    told = _publication(request)
    with call.catalog.begin() as tx:
        made = publish(tx, _topic(tx, arn).arn, told, now=call.now)
    wake(call)
    return {"MessageId": made}


def _publication(request: Mapping[str, Any]) -> Publication:
    message, subject = request["Message"], request.get("Subject")
    if not message or len(message.encode()) > _LARGEST_BYTES:
        raise Invalid(what="Message", got=f"{len(message.encode())} bytes", expected=f"1 to {_LARGEST_BYTES}")
    if subject is not None and not re.fullmatch(r"[ -~]{1,100}", subject):
        raise Invalid(what="Subject", got=subject[:200], expected="1 to 100 ASCII characters of one line")
    by_protocol: dict[str, str] = {}
    if request.get("MessageStructure") == "json":
        by_protocol = _structured(message)
        message = by_protocol["default"]
    given = request.get("MessageAttributes") or {}
    return Publication(message, subject, by_protocol, {name: _attribute(each) for name, each in given.items()})


def _structured(message: str) -> dict[str, str]:
    """The texts of a message that has one for each protocol, and a default."""
    try:
        found = json.loads(message)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("default"), str):
        expected = "JSON with a text for each protocol, and one named default"
        raise Invalid(what="Message", got=message[:200], expected=expected)
    return {name: text for name, text in found.items() if isinstance(text, str)}


def _attribute(given: Mapping[str, Any]) -> dict[str, str]:
    binary = given.get("BinaryValue")
    value = given.get("StringValue", "") if binary is None else base64.b64encode(binary).decode()
    return {"Type": given["DataType"], "Value": value}


@operation("ListTagsForResource", api=API)
def list_tags(request: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The tags of a topic."""
    with call.catalog.read() as tx:
        found = tags.of(tx, _topic(tx, request["ResourceArn"]).arn)
    return {"Tags": [{"Key": key, "Value": value} for key, value in found.items()]}


def _topic(tx: Connection, arn: str) -> Topic:
    found = topics.find(tx, arn)
    if found is None:
        raise NotFound(what="Topic", name=arn, remedy="Create it, or correct the region and account in its ARN.")
    return found


def _subscription(tx: Connection, arn: str) -> Subscription:
    found = topics.subscription_of(tx, arn)
    if found is None:
        raise NotFound(what="Subscription", name=arn)
    return found
