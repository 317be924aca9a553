"""The buckets that a caller may name: any, or those of the settings' patterns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from driftline.errors import Denied

_BUCKETS = ("s3://", "s3a://", "gs://", "az://", "abfs://", "abfss://")
"""How the URIs of storages with buckets begin."""


def refuse(request: Any, allowed: Sequence[str]) -> None:
    """Raise `Denied` for a URI anywhere in a request whose bucket fits none of the patterns; none allow all.

    >>> refuse({"Outputs": [{"S3Uri": "s3://churn-logs/x"}]}, ["churn-*"])
    >>> refuse({"S3Uri": "s3://payroll/x"}, ["churn-*"])
    Traceback (most recent call last):
    driftline.errors.Denied: access denied: s3:* on arn:aws:s3:::payroll. ...
    >>> refuse(["S3a://payroll/x"], ["churn-*"])
    Traceback (most recent call last):
    driftline.errors.Denied: access denied: s3:* on arn:aws:s3:::payroll. ...
    >>> refuse(["abfss://payroll@acme.dfs.core.windows.net/x"], ["churn-*"])
    Traceback (most recent call last):
    driftline.errors.Denied: access denied: abfss:* on abfss://payroll. ...
    """
    if not allowed:
        return
    for uri in _uris(request):
        scheme, _, place = uri.partition("://")
        scheme = "s3" if scheme.lower() == "s3a" else scheme
        bucket = place.partition("/")[0].partition("@")[0]
        if not any(fnmatchcase(bucket, pattern) for pattern in allowed):
            remedy = "Buckets that may be used are listed in DRIFTLINE_ALLOWED_BUCKETS."
            resource = f"arn:aws:s3:::{bucket}" if scheme == "s3" else f"{scheme}://{bucket}"
            raise Denied(action=f"{scheme}:*", resource=resource, remedy=remedy)


def _uris(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.lower().startswith(_BUCKETS):
            yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _uris(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _uris(each)
