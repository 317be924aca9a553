"""The parts of a URI of an object store: scheme, bucket and key, taken literally."""

from __future__ import annotations

import re
from dataclasses import dataclass

from driftline.errors import Invalid

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def scheme_of(uri: str) -> str:
    """The scheme in lower case, or the empty string for a plain path.

    >>> scheme_of("S3://bucket/key"), scheme_of("folder/a:b.csv")
    ('s3', '')
    """
    found = _SCHEME.match(uri)
    return found.group(1).lower() if found else ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object or a prefix lies; nothing of the key is decoded, so `%`, `#`, `?` and `//` mean themselves."""

    scheme: str
    bucket: str
    key: str

    @classmethod
    def of(cls, uri: str) -> Place:
        """Cut a URI; raises `Invalid` where no bucket is named.

        >>> Place.of("s3://logs/a//b #1.csv")
        Place(scheme='s3', bucket='logs', key='a//b #1.csv')
        """
        scheme, _, rest = uri.partition("://")
        bucket, _, key = rest.partition("/")
        if not bucket or not scheme:
            raise Invalid(
                what="URI", got=uri, expected="scheme://bucket/key", remedy="Name the bucket after the two slashes."
            )
        return cls(scheme, bucket, key)

    def uri(self, key: str) -> str:
        """The URI of another key of the same bucket.

        >>> Place.of("s3://logs/a").uri("b/c")
        's3://logs/b/c'
        """
        return f"{self.scheme}://{self.bucket}/{key}"

    @property
    def folder(self) -> str:
        """What every key below this place starts with; empty for the whole bucket.

        >>> Place.of("s3://logs/a").folder, Place.of("s3://logs/a/").folder, Place.of("s3://logs").folder
        ('a/', 'a/', '')
        """
        return self.key if not self.key or self.key.endswith("/") else self.key + "/"
