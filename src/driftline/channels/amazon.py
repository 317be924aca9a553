"""What the channels of AWS have in common: a client that tries once, and which of its errors are worth another try."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from driftline.channels.channel import ChannelRefused, ChannelUnavailable
from driftline.channels.members import SECONDS, Given, Member
from driftline.channels.posting import Post, target_of
from driftline.hosts import Reach

AWS: tuple[Member, ...] = (
    Member("region", "Region; if it is not given that of the ARN, else that of the surroundings."),
    Member("access_key", "Access key; if it is not given the credentials are those of the surroundings.", "secret"),
    Member("secret_key", "Its secret.", "secret"),
    Member("url", "What is called instead of AWS itself.", "url"),
    SECONDS,
)


@contextmanager
def calling(title: str, kind: str, given: Given, reach: Reach, arn: str = "") -> Iterator[Any]:
    """A client of AWS's service `kind`; what it raises in the block comes out as the errors of channels."""
    from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
    from botocore.parsers import ResponseParserError

    try:
        yield _client(title, kind, given, reach, arn)
    except ClientError as error:
        raise _told(title, error.response, given) from None  # the response may repeat what was sent
    except (HTTPClientError, ConnectionError, ResponseParserError) as error:
        raise ChannelUnavailable(channel=title, reason=given.hide(str(error))) from None
    except BotoCoreError as error:
        raise ChannelRefused(channel=title, reason=given.hide(str(error))) from None


def _client(title: str, kind: str, given: Given, reach: Reach, arn: str) -> Any:
    import boto3
    from botocore.config import Config

    if given["url"]:
        target = target_of(given["url"])
        Post(title, given, reach).addresses(target)
    seconds = given.number("seconds")
    retries = {"total_max_attempts": 1, "mode": "standard"}
    config = Config(connect_timeout=seconds, read_timeout=seconds, retries=retries)
    parts = arn.split(":")
    return boto3.client(
        kind,
        endpoint_url=given["url"] or None,
        region_name=given["region"] or (parts[3] if len(parts) > 3 else None),
        aws_access_key_id=given["access_key"] or None,
        aws_secret_access_key=given["secret_key"] or None,
        config=config,
    )


def _told(title: str, response: Mapping[str, Any], given: Given) -> ChannelRefused | ChannelUnavailable:
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = str(response.get("Error", {}).get("Code", ""))
    reason = given.hide(f"{status} {code}: {response.get('Error', {}).get('Message', '')}")
    if is_passing(status, code):
        return ChannelUnavailable(channel=title, reason=reason)
    return ChannelRefused(channel=title, reason=reason)


def is_passing(status: int, code: str) -> bool:
    """Whether the same call may succeed later.

    >>> is_passing(400, "ThrottlingException"), is_passing(403, "AccessDenied")
    (True, False)
    """
    return status >= 500 or status == 429 or any(word in code for word in ("Throttl", "TooMany", "LimitExceeded"))
