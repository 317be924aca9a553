"""What the owner of a bucket must allow, as documents to copy: policies of least privilege, trust, tag, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from driftline.errors import Invalid
from driftline.imports.credentials import AUDIENCE
from driftline.imports.job import Place
from driftline.imports.ownership import TAG
from driftline.imports.triggers import triggers_of
from driftline.storage import uris
from driftline.storage.queues import arn_of

VERSION = "2012-10-17"
"""Of Amazon's language of policies."""

Document = dict[str, Any]

_S3 = ("s3", "s3a")


@dataclass(frozen=True)
class Grant:
    """What is asked for: places to read, and by whom.

    `principal` is the ARN of who reads, in a bucket's policy or, with `external_id`, as the one who assumes a role.
    `provider` is the ARN of an identity provider, whose tokens of `subject` (None: any) for `audience` assume it.
    `queue` is the URL of a queue that the store tells of new objects, `key` the ingestion key of the space.
    """

    places: tuple[Place, ...]
    principal: str | None = None
    external_id: str | None = None
    provider: str | None = None
    subject: str | None = None
    audience: str = AUDIENCE
    kms_keys: tuple[str, ...] = ()
    queue: str | None = None
    key: str | None = None
    buckets: Mapping[str, tuple[Place, ...]] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Raises `Invalid` for places that are not on S3: policies are Amazon's."""
        buckets: dict[str, tuple[Place, ...]] = {}
        for each in self.places:
            if uris.scheme_of(each.uri) not in _S3:
                remedy = "Of other storages --check tells what is missing."
                raise Invalid(what="place", got=each.uri, expected="s3://bucket/prefix/", remedy=remedy)
            bucket = uris.Place.of(each.uri).bucket
            buckets[bucket] = (*buckets.get(bucket, ()), each)
        object.__setattr__(self, "buckets", buckets)


def role_policy(grant: Grant) -> Document:
    """The policy of the role that reads: nothing but these prefixes, their buckets' tags and regions, and the keys.

    >>> [each["Sid"] for each in role_policy(Grant((Place("s3://logs/churn/"),)))["Statement"]]
    ['List0', 'Read0', 'Know0']
    """
    statements = [each for number, bucket in enumerate(grant.buckets) for each in _reading(grant, bucket, number)]
    if grant.kms_keys:
        statements.append(_allow("Decrypt", "kms:Decrypt", grant.kms_keys))
    if grant.queue:
        statements.append(_allow("Hear", ("sqs:ReceiveMessage", "sqs:DeleteMessage"), (arn_of(grant.queue),)))
    return {"Version": VERSION, "Statement": statements}


def bucket_policies(grant: Grant) -> dict[str, Document]:
    """The policy of each bucket that lets the principal read, by the bucket's name; none without a principal."""
    if grant.principal is None:
        return {}
    principal = {"Principal": {"AWS": grant.principal}}
    return {
        bucket: {
            "Version": VERSION,
            "Statement": [{**each, **principal} for each in _reading(grant, bucket, 0)],
        }
        for bucket in grant.buckets
    }


def trust_policy(grant: Grant) -> Document | None:
    """Who may assume the role: the principal by its external id, or tokens of the provider; None if neither is known.

    >>> provider = "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/7"
    >>> trusted = trust_policy(Grant((Place("s3://logs/"),), provider=provider))["Statement"][0]
    >>> trusted["Action"], trusted["Condition"]
    ('sts:AssumeRoleWithWebIdentity', {'StringEquals': {'oidc.example.com/id/7:aud': 'sts.amazonaws.com'}})
    """
    if grant.provider:
        issuer = grant.provider.partition("oidc-provider/")[2] or grant.provider
        wanted = {f"{issuer}:aud": grant.audience, **({f"{issuer}:sub": grant.subject} if grant.subject else {})}
        action, principal = "sts:AssumeRoleWithWebIdentity", {"Federated": grant.provider}
    elif grant.principal:
        wanted = {"sts:ExternalId": grant.external_id} if grant.external_id else {}
        action, principal = "sts:AssumeRole", {"AWS": grant.principal}
    else:
        return None
    condition = {"Condition": {"StringEquals": wanted}} if wanted else {}
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, **condition}
    return {"Version": VERSION, "Statement": [statement]}


def tagging(grant: Grant) -> Document | None:
    """The tag by which a bucket shows that the space may read it, as `PutBucketTagging` takes it."""
    return {"TagSet": [{"Key": TAG, "Value": grant.key}]} if grant.key else None


def notifications(grant: Grant) -> dict[str, Document]:
    """What each bucket sends to the queue, as `PutBucketNotificationConfiguration` takes it; none without a queue."""
    if not grant.queue:
        return {}
    return {
        bucket: {"QueueConfigurations": [_rule(each, grant.queue) for each in _rules(places)]}
        for bucket, places in grant.buckets.items()
    }


def queue_policy(grant: Grant) -> Document | None:
    """What lets the buckets send to the queue; None without one."""
    if not grant.queue:
        return None
    statement = {
        "Sid": "Events",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn_of(grant.queue),
        "Condition": {"ArnLike": {"aws:SourceArn": [f"arn:aws:s3:::{bucket}" for bucket in grant.buckets]}},
    }
    return {"Version": VERSION, "Statement": [statement]}


def _reading(grant: Grant, bucket: str, number: int) -> list[Document]:
    """List below the prefixes only, get from there, and know the bucket's region and tags."""
    arn, prefixes = f"arn:aws:s3:::{bucket}", [uris.Place.of(each.uri).key for each in grant.buckets[bucket]]
    listing = _allow(f"List{number}", "s3:ListBucket", (arn,))
    if all(prefixes):
        wanted = [pattern for prefix in prefixes for pattern in dict.fromkeys((prefix, f"{prefix}*"))]
        listing["Condition"] = {"StringLike": {"s3:prefix": wanted}}
    return [
        listing,
        _allow(f"Read{number}", "s3:GetObject", [f"{arn}/{prefix}*" for prefix in prefixes]),
        _allow(f"Know{number}", ("s3:GetBucketLocation", "s3:GetBucketTagging"), (arn,)),
    ]


def _allow(sid: str, actions: str | Sequence[str], resources: Sequence[str]) -> Document:
    """A statement."""
    named = actions if isinstance(actions, str) else list(actions)
    return {"Sid": sid, "Effect": "Allow", "Action": named, "Resource": list(resources)}


def _rules(places: Sequence[Place]) -> list[tuple[str, str]]:
    """Prefix and suffix of each rule, as Amazon takes them: without the bucket, and none within another."""
    found = [
        (uris.Place.of(each.prefix).key, each.suffix) for place in places for each in triggers_of(place, place.uri)
    ]
    return list(dict.fromkeys(found))


def _rule(names: tuple[str, str], queue: str) -> Document:
    told = [{"Name": name, "Value": value} for name, value in zip(("prefix", "suffix"), names, strict=True) if value]
    rule = {"QueueArn": arn_of(queue), "Events": ["s3:ObjectCreated:*"]}
    return {**rule, "Filter": {"Key": {"FilterRules": told}}} if told else rule
