"""The table of storages, and the one that a URI belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from driftline.errors import Invalid
from driftline.storage import az, gs
from driftline.storage.access import Access
from driftline.storage.file import File
from driftline.storage.s3 import S3
from driftline.storage.s3connection import connect
from driftline.storage.storage import Storage
from driftline.storage.uris import Place, scheme_of

__all__ = ["STORAGES", "Access", "location_for", "storage_for"]

STORAGES: dict[str, Callable[[Access], Storage]] = {
    "": File,
    "file": File,
    "s3": S3,
    "s3a": S3,
    "gs": gs.gs,
    "az": az.az,
    "abfs": az.az,
    "abfss": az.az,
}
"""From the scheme of a URI to its storage; the empty scheme is a plain path."""


def storage_for(uri: str, access: Access) -> Storage:
    """The storage of `uri`; raises `Invalid` for a scheme that is not in the table. Cheap: nothing is connected yet.

    >>> type(storage_for("data/churn.csv", Access())).__name__
    'File'
    """
    scheme = scheme_of(uri)
    if scheme not in STORAGES:
        known = ", ".join(f"{name}://" for name in STORAGES if name)
        remedy = "Download the data first, or copy it to one of these."
        raise Invalid(what="URI", got=uri, expected=f"a path or one of {known}", remedy=remedy)
    return STORAGES[scheme](access)


def location_for(uri: str, access: Access) -> Mapping[str, str]:
    """What delta-rs needs to open a table at `uri` by itself; holds secrets, so it is never logged.

    >>> location_for("data/table", Access())
    {}
    """
    scheme = scheme_of(uri)
    if scheme in ("s3", "s3a"):
        return connect(access, uri, "s3:GetObject").location()
    if scheme == "gs":
        return gs.location(access)
    return az.location(access, Place.of(uri)) if scheme in ("az", "abfs", "abfss") else {}
