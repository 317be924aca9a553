"""The merge job: captured calls with their ground truth, written where and as SageMaker writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.formats import records
from driftline.formats.payloads import Unusable, rows_of
from driftline.identities import Identities, Seen
from driftline.labels.calls import Calls, calls_of, hour_of
from driftline.labels.coverage import Coverage
from driftline.labels.index import Index, Places
from driftline.labels.join import Join
from driftline.labels.moments import moments_of
from driftline.labels.parts import SIZE, Parts
from driftline.labels.truth import Truth, indexed
from driftline.listing import find
from driftline.problems import Problem, Problems
from driftline.profile.arrow import places_of, values_of
from driftline.profile.hashing import hash_texts
from driftline.storage.access import Access
from driftline.window import Window

_SEVERAL = r'\\n[^"]|\[|BASE64'
"""What a captured call of several rows has in its text."""

_ENDPOINT = re.compile(r"([^/]+/[^/]+/\d{4}/\d\d/\d\d/\d\d)/[^/]+")


@dataclass(frozen=True)
class Merged:
    """What a merge did: calls and labels counted, the objects it wrote, what it could not use."""

    coverage: Coverage
    written: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    problems: Problems = field(default_factory=Problems)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; `labelled` is how many records were written."""
        return {
            "labelled": self.coverage.labelled,
            "written": list(self.written),
            "labels": list(self.labels),
            "coverage": self.coverage.to_dict(),
            "problems": self.problems.to_dict(),
        }


@dataclass(frozen=True)
class Merging:
    """What is to be merged: captures with labels, into the folder `output`.

    Captures of an endpoint go to `{output}/{endpoint}/{variant}/yyyy/MM/dd/HH`, those of batch transform to
    `{output}/{name}/yyyy/MM/dd/HH`, `name` being the schedule's. Only calls of `window` are merged, those without a
    time as well. `settings` are for files of a batch transform. `size` is about that of an object, in bytes.
    """

    captures: tuple[str, ...]
    truth: Truth
    output: str
    window: Window | None = None
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    size: int = SIZE


def merge(asked: Merging, access: Access) -> Merged:
    """Write every call that has a label, with its label; one without is left out, as SageMaker does.

    Nothing is held whole: labels lie sorted in a temporary folder if they are many, calls pass by in blocks. Where
    there are no labels yet nothing is written, and `coverage.is_none_yet` says so. Raises `NotFound` for captures
    that are not there.
    """
    with indexed(replace(asked.truth, whole=True), access) as truth:
        join = Join(truth.index, window=asked.window)
        parts = Parts(asked.output, access, asked.size, _owner(asked))
        found = find(asked.captures, access, "capture")
        problems, seen = truth.problems.merge(Problems.of(found.problems)), Identities()
        for entry in found.entries:
            parts.open(_folder(entry.uri, asked.name))
            for item in calls_of(entry, access, asked.settings):
                if isinstance(item, Problem):
                    problems = problems.add(item)
                    continue
                hashes = hash_texts(item.batch["inference_id"])
                seen = seen.merge(Identities.of([Seen(entry.uri, hashes, item.first_line)]))
                for lines in _labelled(_within(item, asked.window), join, truth.index):
                    parts.add(lines)
        parts.close()
        again = Problems.of(seen.problems())
        return Merged(join.coverage, tuple(parts.written), truth.objects, problems.merge(again))


def _owner(asked: Merging) -> str:
    """Whose parts are written anew: those of one schedule, and of one window where it cuts hours in pieces.

    Two schedules may have one output, and a window may end where another one of the same hour begins.

    >>> _owner(Merging((), Truth(()), "s3://b/merge", name="nightly"))
    'nightly'
    """
    window = asked.window
    is_whole = window is None or all(not moment.timestamp() % 3600 for moment in (window.start, window.end))
    return asked.name if is_whole else f"{asked.name} {window}"


def _folder(uri: str, name: str) -> str:
    """Where the merged calls of an object go, below the output.

    >>> _folder("s3://b/capture/churn/AllTraffic/2026/01/02/03/00-00-000-x.jsonl", "nightly")
    'churn/AllTraffic/2026/01/02/03'
    >>> _folder("s3://b/batch/output/2026/01/02/03/x.json", "nightly")
    'nightly/2026/01/02/03'
    """
    hour = hour_of(uri)
    captured = _ENDPOINT.search(uri) if not uri.endswith(".json") else None
    return captured[1] if captured else "/".join(each for each in (name, hour) if each)


def _within(calls: Calls, window: Window | None) -> pa.RecordBatch:
    if window is None:
        return calls.batch
    moments = moments_of(calls.batch["inference_time"])
    kept = pc.and_(pc.greater_equal(moments, window.start), pc.less(moments, window.end))
    return calls.batch.filter(pc.fill_null(kept, True))


def _labelled(calls: pa.RecordBatch, join: Join, index: Index) -> Iterator[bytes]:
    """The merged records of some calls, in their order."""
    if not calls.num_rows:
        return
    rows, labels = join.look_up(calls)
    data, encodings = labels["label"], pc.if_else(labels["has_members"], "JSON", "CSV")
    left = np.setdiff1d(np.arange(calls.num_rows), rows)
    composed = _composed(calls.take(places_of(left)), index)
    if composed:
        join.count(Coverage(labelled=len(composed)))
        rows = np.append(rows, left[list(composed)])
        data = pa.concat_arrays([data, pa.array([text for text, _ in composed.values()], pa.string())])
        encodings = pa.concat_arrays([encodings, pa.array([kind for _, kind in composed.values()], pa.string())])
        order = places_of(np.argsort(rows))
        rows, data, encodings = np.sort(rows), data.take(order), encodings.take(order)
    if len(rows):
        yield _records(calls.take(places_of(rows)), data, encodings)


def _records(calls: pa.RecordBatch, data: pa.Array, encodings: pa.Array) -> bytes:
    """Lines of JSON with the members in SageMaker's order."""
    lines = pc.binary_join_element_wise(
        '{"eventVersion":"0","groundTruthData":{"data":',
        _quoted(data),
        ',"encoding":"',
        encodings,
        '"},"captureData":',
        calls["capture"],
        ',"eventMetadata":',
        calls["meta"],
        "}\n",
        "",
    )
    offsets = np.frombuffer(lines.buffers()[1], np.int32, len(lines) + 1, lines.offset * 4)
    return bytes(memoryview(lines.buffers()[2])[offsets[0] : offsets[-1]])


def _quoted(texts: pa.Array) -> pa.Array:
    """The texts as strings of JSON; labels are few different ones, mostly."""
    encoded = texts.dictionary_encode()
    quoted = pa.array([json.dumps(each, ensure_ascii=False) for each in encoded.dictionary.to_pylist()], pa.string())
    return quoted.take(encoded.indices)


def _composed(calls: pa.RecordBatch, index: Index) -> dict[int, tuple[str, str]]:
    """Labels of calls with several rows that came row by row, with the ids `ID_0`, `ID_1`, ...; by place of the call.

    They are made a line for each row, empty (in JSON null) where the row has no label yet.
    """
    found = dict[int, tuple[str, str]]()
    if not index.has_rows:
        return found
    several = pc.match_substring_regex(calls["capture"], _SEVERAL)
    for place in np.flatnonzero(values_of(several)).tolist():
        count = _rows(records.load(calls["capture"][place].as_py()))
        ids = [f"{calls['inference_id'][place].as_py()}_{row}" for row in range(count)]
        places = index.find(pa.array(ids, pa.string()))
        known = places[places >= 0]
        if len(known):
            index.use(known)
            found[place] = _lines(places, index.take(known).to_pylist())
    return found


def _lines(places: Places, labels: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Data and encoding of labels of rows, in the order of the rows."""
    encoding = "JSON" if any(each["has_members"] for each in labels) else "CSV"
    left = iter(labels)
    texts = [next(left)["label"].strip() if place >= 0 else "" for place in places.tolist()]
    if encoding == "JSON":
        texts = [text or "null" for text in texts]
    return "".join(f"{text}\n" for text in texts), encoding


def _rows(capture: Mapping[str, Any]) -> int:
    """How many rows a call has; 1 if that cannot be told."""
    sides = [capture.get(name) for name in ("endpointOutput", "endpointInput")]
    try:
        return max([len(rows_of(side)) for side in sides if isinstance(side, Mapping)], default=1)
    except Unusable:
        return 1
