"""The objects that an input of a job means."""

from __future__ import annotations

import json

from driftline.errors import EmptyWindow, Invalid, NotFound
from driftline.listing import Found, find
from driftline.processing.contract import Mount
from driftline.storage.access import Access
from driftline.storage.storages import storage_for


def listed(mount: Mount, access: Access) -> list[str]:
    """The objects of an input; SageMaker takes an S3 prefix by its letters, not by its folders."""
    if mount.is_manifest:
        return manifest_uris(read_bytes(mount.uri, access).decode("utf-8", "replace"), mount.uri)
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


def manifest_uris(text: str, uri: str) -> list[str]:
    """The objects that a SageMaker manifest names: a prefix, then keys below it.

    >>> manifest_uris('[{"prefix": "s3://b/x/"}, "1.csv", "y/2.csv"]', "s3://b/m")
    ['s3://b/x/1.csv', 's3://b/x/y/2.csv']
    """
    try:
        head, *names = json.loads(text)
        return [head["prefix"] + str(name) for name in names]
    except (ValueError, KeyError, TypeError) as error:
        expected = '[{"prefix": "s3://..."}, "key", ...]'
        raise Invalid(what=f"manifest {uri}", got=text[:200], expected=expected) from error


def read_bytes(uri: str, access: Access) -> bytes:
    """The bytes of an object."""
    with storage_for(uri, access).open(uri) as stream:
        data: bytes = stream.read()
    return data
