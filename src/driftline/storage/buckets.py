"""What S3 says of a bucket as a whole: its tags, its region, and how one of its objects is encrypted."""

from __future__ import annotations

from collections.abc import Mapping

from driftline.storage.access import Access
from driftline.storage.s3connection import connect
from driftline.storage.s3errors import code_of, key_of, told
from driftline.storage.uris import Place

_NO_TAGS = ("NoSuchTagSet", "NoSuchTagSetError")
_NOT_KNOWN = ("NotImplemented", "MethodNotAllowed", "501", "405", "UnsupportedOperation", "XNotImplemented")


def tags_of(uri: str, access: Access) -> Mapping[str, str] | None:
    """The tags of the bucket; None where the server knows no tags of buckets. Raises `Denied`, `NotFound`."""
    from botocore.exceptions import ClientError

    place, connection = Place.of(uri), connect(access, uri, "s3:GetBucketTagging")
    with told(uri, "s3:GetBucketTagging", connection.endpoint):
        try:
            answer = connection.client.get_bucket_tagging(Bucket=place.bucket)
        except ClientError as error:
            if code_of(error) in _NO_TAGS:
                return {}
            if code_of(error) in _NOT_KNOWN:
                return None
            raise
    return {str(each["Key"]): str(each["Value"]) for each in answer.get("TagSet", [])}


def region_of(uri: str, access: Access) -> tuple[str, str]:
    """Where the bucket is, and where requests are sent; raises `Denied`, `NotFound`."""
    place, connection = Place.of(uri), connect(access, uri, "s3:GetBucketLocation")
    asked = str(connection.client.meta.region_name or "us-east-1")
    with told(uri, "s3:GetBucketLocation", connection.endpoint):
        answer = connection.client.get_bucket_location(Bucket=place.bucket)
    found = answer.get("LocationConstraint") or "us-east-1"
    return {"EU": "eu-west-1"}.get(found, found), asked


def key_of_object(uri: str, access: Access) -> str | None:
    """The key of AWS KMS of an object; S3 says it to whoever may get the object, even if the key may not be used."""
    place, connection = Place.of(uri), connect(access, uri, "s3:GetObject")
    with told(uri, "s3:GetObject", connection.endpoint):
        return key_of(connection.client.head_object(Bucket=place.bucket, Key=place.key))
