"""The buckets that a caller may name: any, or those of the settings' patterns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from driftline.errors import Denied


def refuse(request: Any, allowed: Sequence[str]) -> None:
    """Raise `Denied` for a URI anywhere in a request whose bucket fits none of the patterns; none allow all.

    >>> refuse({"Outputs": [{"S3Uri": "s3://churn-logs/x"}]}, ["churn-*"])
    >>> refuse({"S3Uri": "s3://payroll/x"}, ["churn-*"])
    Traceback (most recent call last):
    driftline.errors.Denied: access denied: s3:* on arn:aws:s3:::payroll. ...
    """
    if not allowed:
        return
    for uri in _uris(request):
        bucket = uri.removeprefix("s3://").partition("/")[0]
        if not any(fnmatchcase(bucket, pattern) for pattern in allowed):
            remedy = "Buckets that may be used are listed in DRIFTLINE_ALLOWED_BUCKETS."
            raise Denied(action="s3:*", resource=f"arn:aws:s3:::{bucket}", remedy=remedy)


def _uris(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith("s3://"):
            yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _uris(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _uris(each)
