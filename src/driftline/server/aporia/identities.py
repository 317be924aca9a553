"""Ids that these clients put into paths: names, said together so that every path can hold them."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

from driftline.errors import NotFound

_PARTED = "\n"
"""What no name can hold."""


def of(*names: str) -> str:
    """The id of what these names name, always the same.

    >>> of("churn", "v1"), parts(of("churn", "v1"), 2)
    ('Y2h1cm4KdjE', ('churn', 'v1'))
    """
    return urlsafe_b64encode(_PARTED.join(names).encode()).decode().rstrip("=")


def parts(id: str, count: int) -> tuple[str, ...]:
    """The names of an id, so many of them; raises `NotFound` for what is none."""
    try:
        names = urlsafe_b64decode(id + "=" * (-len(id) % 4)).decode().split(_PARTED)
    except (Error, ValueError):
        names = []
    if len(names) != count:
        raise NotFound(what="id", name=id, remedy="Ids come with the list of what they are of.")
    return tuple(names)
