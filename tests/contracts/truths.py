"""Captured calls, ground truth and merged records for tests, as SageMaker has them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MERGED = (
    '{"eventVersion":"0","groundTruthData":{"data":"1","encoding":"CSV"},'
    '"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"41,0.5","encoding":"CSV"},'
    '"endpointOutput":{"observedContentType":"text/csv","mode":"OUTPUT","data":"0.83","encoding":"CSV"}},'
    '"eventMetadata":{"eventId":"0c1e","inferenceId":"order-17","inferenceTime":"2024-05-06T07:08:09Z"}}'
)
"""A record of the merge job as the reference has it."""

TRUTH = '{"groundTruthData":{"data":"1","encoding":"CSV"},"eventMetadata":{"eventId":"order-17"},"eventVersion":"0"}'
"""A record of ground truth as the reference has it."""


def truth(identity: object, data: object, encoding: str = "CSV", **meta: Any) -> str:
    """One line of a ground truth file."""
    member = {"data": data, "encoding": encoding}
    return json.dumps({"groundTruthData": member, "eventMetadata": {"eventId": identity, **meta}, "eventVersion": "0"})


def call(identity: str | None, output: str, source: str = "1,2", encoding: str = "CSV", **meta: Any) -> str:
    """One line of a capture file; `event` is another id than the caller's."""
    sides = {
        name: {"observedContentType": "text/csv", "mode": mode, "data": data, "encoding": encoding}
        for name, mode, data in (("endpointInput", "INPUT", source), ("endpointOutput", "OUTPUT", output))
    }
    known = {"eventId": meta.pop("event", f"event-{identity}"), "inferenceTime": "2026-01-02T03:04:05Z", **meta}
    if identity is not None:
        known["inferenceId"] = identity
    return json.dumps({"captureData": sides, "eventMetadata": known, "eventVersion": "0"})


def write(path: Path, lines: Sequence[str]) -> Path:
    """A file of these lines, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path
