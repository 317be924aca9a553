"""What SageMaker's batch transform leaves: lists of its output objects, and the columns that identify inferences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from driftline.errors import Unreadable
from driftline.formats.captured import METADATA
from driftline.formats.format import Item, ReadOptions

ID, TIME = "SageMakerInferenceId", "SageMakerInferenceTime"
"""The members that `GenerateInferenceId` adds to JSON; CSV gets two values without names at the end of each row."""

SUFFIX = ".out"
"""What batch transform adds to the name of an input object."""

_LOOKED_AT = 100
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)")


def listed(data: bytes, uri: str) -> tuple[str, ...]:
    """The objects that the manifest at `uri` lists; raises `Unreadable` if it is none.

    What it lists must lie where it lies itself: no list in a bucket leads to files of this machine.

    >>> listed(b'[{"prefix": "s3://b/x/"}, "1.csv.out", "y/2.csv.out"]', "s3://b/m.json")
    ('s3://b/x/1.csv.out', 's3://b/x/y/2.csv.out')
    """
    try:
        head, *names = json.loads(data)
        prefix = head["prefix"]
        if not isinstance(prefix, str) or not all(isinstance(name, str) for name in names):
            raise TypeError("it holds something else than names")
    except (ValueError, KeyError, TypeError) as error:
        remedy = 'It must be [{"prefix": "s3://..."}, "name", ...].'
        raise Unreadable(uri=uri, reason=f"no list of objects ({error})", remedy=remedy) from error
    if _scheme(prefix) != _scheme(uri):
        reason = f"it lists objects at {prefix!r}, which is another kind of place than its own"
        raise Unreadable(uri=uri, reason=reason, remedy="Keep data and manifest in the same kind of place.")
    return tuple(prefix + name for name in names)


def _scheme(uri: str) -> str:
    scheme, separator, _ = uri.partition("://")
    return scheme.lower() if separator and scheme.lower() != "file" else ""


@dataclass
class Identified:
    """Takes the identifying columns out of one part's batches; which they are is told by its first batch."""

    options: ReadOptions
    last_two: bool | None = None

    def read(self, items: Iterator[Item]) -> Iterator[Item]:
        """The items, id and time of the inference left out; with the setting `metadata` they get the names of captures.

        >>> row = {"_c0": ["0.5"], "_c1": ["0c1e8a0e-7d5f-4b0a-9d53-0c7a4f9c2f11"], "_c2": ["2024-05-06T07:08:09Z"]}
        >>> [found.to_pylist() for found in Identified(ReadOptions()).read(iter([pa.record_batch(row)]))]
        [[{'_c0': '0.5'}]]
        """
        for item in items:
            yield self._without(item) if isinstance(item, pa.RecordBatch) else item

    def _without(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        names = batch.schema.names
        found = {ID: METADATA[0], TIME: METADATA[2]}
        if ID not in names:
            if self.last_two is None:
                self.last_two = _ends_with_identity(batch)
            if self.last_two and len(names) > 2:
                found = dict(zip(names[-2:], (METADATA[0], METADATA[2]), strict=True))
        if self.options.settings.get("metadata"):
            return batch.rename_columns([found.get(name, name) for name in names])
        return batch.select([name for name in names if name not in found]) if found.keys() & set(names) else batch


def _ends_with_identity(batch: pa.RecordBatch) -> bool:
    """Whether the last two columns hold an id and a moment in every row that is looked at."""
    if batch.num_columns < 3:
        return False
    ids, moments = (batch.column(place)[:_LOOKED_AT].to_pylist() for place in (-2, -1))
    return all(_fits(_UUID, each) for each in ids) and all(_fits(_MOMENT, each) for each in moments)


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and bool(pattern.fullmatch(value))
