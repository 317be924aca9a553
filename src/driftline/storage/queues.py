"""Queues that speak SQS's protocol: messages received, and deleted when they are done with."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from driftline.errors import Denied, Invalid, NotFound, StorageUnavailable
from driftline.storage.access import Access
from driftline.storage.s3connection import connect
from driftline.storage.s3errors import code_of

_AMAZON = re.compile(r"sqs\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_GONE = ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")
_AT_ONCE = 10
"""Messages that one request may carry."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message; `receipt` deletes it, `received` counts how often it was handed out."""

    id: str
    body: str
    receipt: str
    received: int


def receive(url: str, access: Access, *, wait_seconds: int = 0) -> list[Message]:
    """Up to ten messages, hidden from others until the queue's visibility timeout ends; none after the wait.

    Raises `Denied`, `NotFound`, `Invalid`, `StorageUnavailable`.
    """
    client = _client(url, access, "sqs:ReceiveMessage")
    with _told(url, "sqs:ReceiveMessage"):
        answer = client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_AT_ONCE,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
    return [_message(each) for each in answer.get("Messages", [])]


def try_out(url: str, access: Access) -> None:
    """Receive as `receive` does, but leave what comes visible to others. Raises as `receive`."""
    client = _client(url, access, "sqs:ReceiveMessage")
    with _told(url, "sqs:ReceiveMessage"):
        client.receive_message(QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=0)


def delete(url: str, access: Access, messages: Sequence[Message]) -> None:
    """Forget messages that are done with; those that cannot be deleted come again. Raises as `receive`."""
    client = _client(url, access, "sqs:DeleteMessage")
    for start in range(0, len(messages), _AT_ONCE):
        entries = [
            {"Id": str(number), "ReceiptHandle": each.receipt}
            for number, each in enumerate(messages[start : start + _AT_ONCE])
        ]
        with _told(url, "sqs:DeleteMessage"):
            client.delete_message_batch(QueueUrl=url, Entries=entries)


def send(url: str, access: Access, body: str) -> None:
    """Put a message into the queue. Raises as `receive`."""
    client = _client(url, access, "sqs:SendMessage")
    with _told(url, "sqs:SendMessage"):
        client.send_message(QueueUrl=url, MessageBody=body)


def url_of(place: str) -> str:
    """The URL of a queue that is given by URL, or by its ARN at Amazon.

    >>> url_of("arn:aws:sqs:eu-west-1:123456789012:churn")
    'https://sqs.eu-west-1.amazonaws.com/123456789012/churn'
    """
    parts = place.split(":")
    if place.startswith("arn:") and len(parts) == 6 and parts[2] == "sqs":
        return f"https://sqs.{parts[3]}.amazonaws.com/{parts[4]}/{parts[5]}"
    return place


def arn_of(url: str) -> str:
    """The ARN of a queue at Amazon; the URL itself of any other.

    >>> arn_of("https://sqs.eu-west-1.amazonaws.com/123456789012/churn")
    'arn:aws:sqs:eu-west-1:123456789012:churn'
    """
    parts = urlsplit(url)
    amazon = _AMAZON.fullmatch(parts.hostname or "")
    path = parts.path.strip("/").split("/")
    return f"arn:aws:sqs:{amazon['region']}:{path[0]}:{path[-1]}" if amazon and len(path) == 2 else url


def refuse(url: str) -> None:
    """Raise `Invalid` for what is no URL of a queue; an address of the link-local network is none.

    >>> refuse("http://169.254.169.254/latest/meta-data")
    Traceback (most recent call last):
    driftline.errors.Invalid: queue: got 'http://169.254.169.254/latest/meta-data', expected https://sqs.REGION...
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or _is_link_local(host):
        expected = "https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, or the URL of another server's queue"
        raise Invalid(what="queue", got=url, expected=expected)


def _is_link_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_link_local
    except ValueError:
        return False


def _message(found: Any) -> Message:
    count = found.get("Attributes", {}).get("ApproximateReceiveCount", "1")
    return Message(found["MessageId"], found["Body"], found["ReceiptHandle"], int(count))


def _client(url: str, access: Access, action: str) -> Any:
    refuse(url)
    parts = urlsplit(url)
    amazon = _AMAZON.fullmatch(parts.hostname or "")
    endpoint = None if amazon else f"{parts.scheme}://{parts.netloc}"
    with _told(url, action):
        connection = connect(access, url, action)
        return connection.other("sqs", endpoint_url=endpoint, region=amazon["region"] if amazon else None)


@contextmanager
def _told(url: str, action: str) -> Iterator[None]:
    """Turn boto3's errors into ours."""
    from botocore import exceptions

    try:
        yield
    except exceptions.ClientError as error:
        code, status = code_of(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _GONE:
            raise NotFound(what="queue", name=url, remedy="Check its URL, its region and the account.") from error
        if status in (401, 403) or "AccessDenied" in code:
            remedy = f"Allow {action} on {arn_of(url)} to these credentials ({code})."
            raise Denied(action=action, resource=arn_of(url), remedy=remedy) from error
        raise StorageUnavailable(where=url, reason=str(error)[:300]) from error
    except exceptions.NoCredentialsError as error:
        raise Denied(action=action, resource=arn_of(url), remedy="Name credentials that may read it.") from error
    except exceptions.BotoCoreError as error:
        raise StorageUnavailable(where=url, reason=" ".join(str(error).split())[:300]) from error
