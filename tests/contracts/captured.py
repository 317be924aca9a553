"""What was captured, as any reader finds it in the storage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from driftline.storage.access import Access
from driftline.storage.storages import storage_for


def objects(destination: str) -> list[str]:
    """The URIs of all captured objects."""
    return [each.uri for each in storage_for(destination, Access()).list(destination) if each.uri.endswith(".jsonl")]


def records(destination: str) -> Iterator[dict[str, Any]]:
    """All records of all objects."""
    storage = storage_for(destination, Access())
    for uri in objects(destination):
        with storage.open(uri) as file:
            text = file.read()
        assert text.endswith(b"\n"), uri
        yield from map(json.loads, text.splitlines())


def ids(destination: str) -> list[str]:
    """The inference ids, in the order of the objects."""
    return [record["eventMetadata"]["inferenceId"] for record in records(destination)]
