"""What boto3's exceptions mean: the error of ours that names bucket or key, the permission and the remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from driftline.errors import Denied, DriftlineError, Invalid, NotFound, StorageUnavailable, Unreadable
from driftline.storage.uris import Place

_LOGIN = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose a profile that has them (AWS_PROFILE, --profile)."
_REFUSED = {
    "InvalidAccessKeyId": "The server does not know this access key: check AWS_ACCESS_KEY_ID, profile and endpoint.",
    "SignatureDoesNotMatch": "The secret does not belong to the access key: check AWS_SECRET_ACCESS_KEY.",
    "ExpiredToken": "The session has expired: log in again.",
    "ExpiredTokenException": "The session has expired: log in again.",
    "InvalidToken": "The session token is not valid: log in again, or unset AWS_SESSION_TOKEN.",
    "TokenRefreshRequired": "The session has expired: log in again.",
    "RequestTimeTooSkewed": "The clock of this machine is wrong: set it.",
    "AccountProblem": "The AWS account has a problem: ask its owner.",
}
_UNREADABLE = {
    "InvalidObjectState": ("archived (Glacier)", "Restore the object first."),
    "PreconditionFailed": ("it changed while it was read", "Read it again."),
    "412": ("it changed while it was read", "Read it again."),
}
_OF_BUCKETS = ("s3:ListBucket", "s3:GetBucketTagging", "s3:GetBucketLocation", "s3:GetBucketNotification")
_REGION = ("PermanentRedirect", "301", "IllegalLocationConstraintException", "AuthorizationHeaderMalformed")
_BUSY = ("SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling", "503", "500", "502", "504")
_TOLD_BY_AWS = re.compile(r"not authorized to perform: (?P<action>\S+) on resource: \"?(?P<resource>[^\s\"]+)")


@contextmanager
def told(uri: str, action: str, endpoint: str = "S3") -> Iterator[None]:
    """Run a block in which boto3 does `action` (as IAM spells it) on `uri`, and raise errors of ours only."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _answered(error, uri, action) from error
    except BotoCoreError as error:
        raise _unanswered(error, uri, action, endpoint) from error


def code_of(error: Any) -> str:
    """The code of boto3's `ClientError`, as the server gave it."""
    return str(error.response.get("Error", {}).get("Code", ""))


def key_of(answer: Any) -> str | None:
    """The key of AWS KMS that an object is encrypted with, as S3's answer says; None if with none.

    >>> key_of({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "arn:aws:kms:eu-west-1:1:key/k"})
    'arn:aws:kms:eu-west-1:1:key/k'
    """
    is_kms = "kms" in str(answer.get("ServerSideEncryption", ""))
    return (str(answer.get("SSEKMSKeyId") or "") or None) if is_kms else None


def arn(place: Place, action: str) -> str:
    """The resource that a policy must name for `action`.

    >>> arn(Place.of("s3://logs/a.csv"), "s3:GetObject"), arn(Place.of("s3://logs/a.csv"), "s3:ListBucket")
    ('arn:aws:s3:::logs/a.csv', 'arn:aws:s3:::logs')
    """
    return f"arn:aws:s3:::{place.bucket}" + ("" if action in _OF_BUCKETS else f"/{place.key}")


def _answered(error: Any, uri: str, action: str) -> DriftlineError:
    code, place = code_of(error), Place.of(uri)
    message = str(error.response.get("Error", {}).get("Message", "")).strip()
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "NoSuchBucket":
        return NotFound(what="bucket", name=place.bucket, remedy="Check its name, the profile and the endpoint.")
    if code in ("NoSuchKey", "NoSuchVersion", "404", "NotFound"):
        return NotFound(what="object", name=uri, remedy="Check the key; upper and lower case differ.")
    if code in _REGION:
        remedy = f"Give the region of the bucket (AWS_REGION, --region). S3 said: {message}"
        return Invalid(what=f"region for bucket {place.bucket}", got=code, expected="its own region", remedy=remedy)
    if code in _UNREADABLE:
        reason, remedy = _UNREADABLE[code]
        return Unreadable(uri=uri, reason=reason, remedy=remedy)
    if code in _REFUSED:
        return Denied(action=action, resource=arn(place, action), remedy=_REFUSED[code])
    if status in (401, 403) or "AccessDenied" in code:
        return _denied(message, place, action)
    if code in _BUSY or status >= 500:
        return StorageUnavailable(where=uri, reason=f"{code}: {message}")
    return Invalid(what=f"request {action} for {uri}", got=f"{code} {message}".strip(), expected="an answer of S3")


def _denied(message: str, place: Place, action: str) -> Denied:
    """AWS often says in the message which permission it missed; with encrypted buckets that is one of KMS."""
    found = _TOLD_BY_AWS.search(message)
    action = found["action"] if found else action
    resource = found["resource"] if found else arn(place, action)
    return Denied(action=action, resource=resource, remedy=f"Allow {action} on {resource} to these credentials.")


def _unanswered(error: Exception, uri: str, action: str, endpoint: str) -> DriftlineError:
    from botocore import exceptions

    place = Place.of(uri)
    login = (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.SSOError,
        exceptions.TokenRetrievalError,
    )
    if isinstance(error, login):
        return Denied(action=action, resource=arn(place, action), remedy=f"{str(error).rstrip('.')}. {_LOGIN}")
    if isinstance(error, exceptions.ProfileNotFound):
        remedy = "Correct AWS_PROFILE or --profile, or add it to ~/.aws/config."
        return Invalid(what="AWS profile", got=str(error), expected="a profile that is configured", remedy=remedy)
    if isinstance(error, (exceptions.ConfigParseError, exceptions.InvalidConfigError)):
        return Invalid(what="AWS configuration", got=str(error), expected="a readable file", remedy="Correct it.")
    if isinstance(error, exceptions.ParamValidationError):
        expected = "a bucket and a key as S3 allows them (buckets: 3 to 63 of a-z, 0-9, dot, hyphen)"
        return Invalid(what="S3 URI", got=uri, expected=expected, remedy="Correct the bucket or the key.")
    return StorageUnavailable(where=endpoint, reason=" ".join(str(error).split())[:300])
