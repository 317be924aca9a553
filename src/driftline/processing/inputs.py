"""The objects that an input of a job means."""

from __future__ import annotations

from driftline.errors import EmptyWindow, NotFound
from driftline.formats import transformjob
from driftline.listing import Found, find
from driftline.processing.contract import Mount
from driftline.storage.access import Access
from driftline.storage.storages import storage_for


def listed(mount: Mount, access: Access) -> list[str]:
    """The objects of an input; SageMaker takes an S3 prefix by its letters, not by its folders."""
    if mount.is_manifest:
        return list(transformjob.listed(read_bytes(mount.uri, access), mount.uri))
    try:
        found: Found = find([mount.uri], access, None)
    except NotFound:
        try:
            found = find([f"{mount.uri}*"], access, None)
        except (NotFound, EmptyWindow):
            return []
    except EmptyWindow:
        return []
    return [entry.uri for entry in found.entries] or [problem.uri for problem in found.problems]


def read_bytes(uri: str, access: Access) -> bytes:
    """The bytes of an object."""
    with storage_for(uri, access).open(uri) as stream:
        data: bytes = stream.read()
    return data
