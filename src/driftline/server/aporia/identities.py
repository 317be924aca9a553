"""Ids of model versions, which these clients put into paths: both names, said so that every path can hold them."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

from driftline.errors import NotFound

_PARTED = "\n"
"""What no name can hold."""


def of(model: str, version: str) -> str:
    """The id of a version, always the same.

    >>> of("churn", "v1"), parts(of("churn", "v1"))
    ('Y2h1cm4KdjE', ('churn', 'v1'))
    """
    return urlsafe_b64encode(f"{model}{_PARTED}{version}".encode()).decode().rstrip("=")


def parts(id: str) -> tuple[str, str]:
    """Model and version of an id; raises `NotFound` for what is none."""
    try:
        model, version = urlsafe_b64decode(id + "=" * (-len(id) % 4)).decode().split(_PARTED)
    except (Error, ValueError) as error:
        raise NotFound(what="model version", name=id, remedy="Ids of versions come with the list of them.") from error
    return model, version
