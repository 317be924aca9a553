"""S3 and whatever speaks its protocol, under `s3://bucket/key`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, BinaryIO

from driftline.errors import Conflict, Denied
from driftline.storage.access import Access
from driftline.storage.clouds import leading, ranged
from driftline.storage.ranges import FIRST, Ranges, stream
from driftline.storage.s3connection import Connection, connect
from driftline.storage.s3errors import code_of, key_of, told
from driftline.storage.storage import Object
from driftline.storage.uris import Place

_ABSENT = ("PreconditionFailed", "412")
_RACING = ("ConditionalRequestConflict", "409")


@dataclass(frozen=True, slots=True)
class S3:
    """The storage; a plain value, its connections are kept apart and made when first needed.

    boto3 lists, writes and finds credentials, obstore reads, several times cheaper. Where obstore cannot (keys such
    as `a//b`) or fails, boto3 reads too, and its error is the one told.
    """

    access: Access = field(default_factory=Access)

    def list(self, prefix: str) -> Iterator[Object]:
        """Every object below `prefix` in the byte order of the keys, the object itself first if there is one."""
        place = Place.of(prefix)
        connection = connect(self.access, prefix, "s3:ListBucket")
        itself, below = _itself(place, prefix, connection)
        yield from itself
        if below:
            # Amazon lists in this order; servers that keep keys as files list a folder before `a-b`, and so on.
            pages = _pages(place, prefix, connection, {})
            yield from sorted((each for page in pages for each in page), key=lambda each: each.uri)

    def scan(self, prefix: str, *, after: str | None = None) -> Iterator[Sequence[Object]]:
        """A page for each request; a prefix that ends with a slash costs none to see whether it is an object."""
        place = Place.of(prefix)
        connection = connect(self.access, prefix, "s3:ListBucket")
        itself, below = _itself(place, prefix, connection)
        if itself and (after is None or itself[0].uri > after):
            yield itself
        if below:
            yield from _pages(place, prefix, connection, {"StartAfter": Place.of(after).key} if after else {})

    def open(self, uri: str) -> BinaryIO:
        """A stream of the version that is there now; should the object change meanwhile, reading fails."""
        place = Place.of(uri)
        connection = connect(self.access, uri, "s3:GetObject")
        size, version, first = _leading(connection, place, uri)

        def fetch(start: int, stop: int) -> Any:
            return _range(connection, place, uri, start, stop, version)

        return stream(Ranges(fetch, size, version, first))

    def put(self, uri: str, data: bytes, *, kms_key: str | None = None) -> None:
        """Write the whole object by one request, encrypted with `kms_key` or the access's key, if any (SSE-KMS)."""
        place = Place.of(uri)
        connection = connect(self.access, uri, "s3:PutObject")
        key = kms_key or self.access.kms_key
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
        with told(uri, "s3:PutObject", connection.endpoint):
            connection.client.put_object(Bucket=place.bucket, Key=place.key, Body=data, **encrypted)

    def put_if_absent(self, uri: str, data: bytes) -> bool:
        """Write by a request with `If-None-Match: *`, so that of several writers exactly one succeeds."""
        from botocore.exceptions import ClientError

        place = Place.of(uri)
        connection = connect(self.access, uri, "s3:PutObject")
        for _ in range(5):
            with told(uri, "s3:PutObject", connection.endpoint):
                try:
                    connection.client.put_object(Bucket=place.bucket, Key=place.key, Body=data, IfNoneMatch="*")
                    return True
                except ClientError as error:
                    if code_of(error) in _ABSENT:
                        return False
                    if code_of(error) not in _RACING:
                        raise
        reason = "others write it at the same time, again and again"
        raise Conflict(what="object", name=uri, reason=reason, remedy="Try again.")

    def delete(self, uri: str) -> None:
        """Remove the object."""
        place = Place.of(uri)
        connection = connect(self.access, uri, "s3:DeleteObject")
        with told(uri, "s3:DeleteObject", connection.endpoint):
            connection.client.delete_object(Bucket=place.bucket, Key=place.key)


def _itself(place: Place, prefix: str, connection: Connection) -> tuple[list[Object], bool]:
    """The object of exactly this key, if there is one, and whether there may be others below it."""
    if not place.key or place.folder == place.key:
        return [], True
    # What begins with the key sorts behind it, so two keys tell whether it is there and mostly what else is.
    with told(prefix, "s3:ListBucket", connection.endpoint):
        answer = connection.client.list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=2)
    found = answer.get("Contents", [])
    itself = [_object(place, each) for each in found[:1] if each["Key"] == place.key]
    return itself, bool(found) and found[-1]["Key"] < place.key + "0"  # "0" comes right behind "/"


def _pages(place: Place, prefix: str, connection: Connection, how: Mapping[str, Any]) -> Iterator[list[Object]]:
    asked = {"Bucket": place.bucket, "Prefix": place.folder, **how}
    pages = iter(connection.client.get_paginator("list_objects_v2").paginate(**asked))
    while True:
        with told(prefix, "s3:ListBucket", connection.endpoint):
            page = next(pages, None)
        if page is None:
            return
        yield [_object(place, each) for each in page.get("Contents", [])]


def _object(place: Place, found: Any) -> Object:
    return Object(place.uri(found["Key"]), found["Size"], found.get("ETag", ""), found["LastModified"].astimezone(UTC))


def _leading(connection: Connection, place: Place, uri: str) -> tuple[int, str, Any]:
    """Size, version and first bytes: by obstore, or by boto3."""
    from obstore import exceptions

    if not _odd(place.key):
        try:
            return leading(connection.store(place.bucket), place.key)
        except (exceptions.BaseError, OSError, ValueError):
            pass  # boto3 below succeeds, or says precisely what is wrong
    return _leading_by_boto3(connection, place, uri)


def _leading_by_boto3(connection: Connection, place: Place, uri: str) -> tuple[int, str, Any]:
    from botocore.exceptions import ClientError

    of = {"Bucket": place.bucket, "Key": place.key}
    with told(uri, "s3:GetObject", connection.endpoint):
        try:
            answer = connection.client.get_object(**of, Range=f"bytes=0-{FIRST - 1}")
        except ClientError as error:
            _refuse_key(connection, of, error)
            if code_of(error) not in ("InvalidRange", "416"):  # an empty object has no first byte
                raise
            answer = connection.client.get_object(**of)
        data = answer["Body"].read()
    size = int(answer.get("ContentRange", f"/{len(data)}").rpartition("/")[2])
    return size, answer.get("ETag", ""), data


def _refuse_key(connection: Connection, of: Mapping[str, str], error: Any) -> None:
    """Raise `Denied` naming the key of AWS KMS if that is what may not be used: the object's head tells it to all who
    may get the object.
    """
    from botocore.exceptions import ClientError

    if code_of(error) not in ("AccessDenied", "AccessDeniedException", "KMS.AccessDeniedException"):
        return
    try:
        key = key_of(connection.client.head_object(**of))
    except ClientError:
        return
    if key is not None:
        remedy = "Allow it to these credentials, in their policy and in the policy of the key."
        raise Denied(action="kms:Decrypt", resource=key, remedy=remedy) from error


def _range(connection: Connection, place: Place, uri: str, start: int, stop: int, version: str) -> Any:
    """The bytes from `start` to before `stop` of that version."""
    from obstore import exceptions

    if not _odd(place.key):
        try:
            return ranged(connection.store(place.bucket), place.key, start, stop, version).bytes()
        except (exceptions.BaseError, OSError, ValueError):
            pass
    match = {"IfMatch": version} if version else {}
    with told(uri, "s3:GetObject", connection.endpoint):
        wanted = f"bytes={start}-{stop - 1}"
        answer = connection.client.get_object(Bucket=place.bucket, Key=place.key, Range=wanted, **match)
        return answer["Body"].read()


def _odd(key: str) -> bool:
    """Whether obstore would read another key than this one, or none.

    >>> _odd("a//b"), _odd("a/../b"), _odd("a/"), _odd("a/b c#%.csv")
    (True, True, True, False)
    """
    return any(segment in ("", ".", "..") for segment in key.split("/"))
