"""What one ground truth record says: the labels of the rows of a call, whatever their encoding."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from driftline.formats import records
from driftline.formats.payloads import Row, Unusable, rows_of

TRUTH = "ground_truth"
"""The column that holds the whole label of a row."""


@dataclass(frozen=True, slots=True)
class Label:
    """What is true of one row: a text, or the text of a JSON object with several values (`has_members`)."""

    text: str | None
    has_members: bool = False

    def columns(self, taken: Collection[str] = ()) -> dict[str, Any]:
        """As columns: `ground_truth`, and one for each member, called `ground_truth.NAME` if its name is `taken`.

        An object of one value is that value in `ground_truth`.
        """
        if self.text is None or not self.has_members:
            return {TRUTH: self.text}
        members = records.flat(records.load(self.text))
        whole = next(iter(members.values())) if len(members) == 1 else self.text
        named = {f"{TRUTH}.{name}" if name in taken or name == TRUTH else name: each for name, each in members.items()}
        return {TRUTH: records.as_text(whole), **named}


def labels_of(data: str, encoding: str) -> list[Label]:
    """The labels in `groundTruthData.data`, one for each row of the call, in its order; raises `Unusable`.

    A line of CSV with several values is one label, as it stands. A list in JSON has a label for each of its members.

    >>> [each.text for each in labels_of("1\\n\\n0\\n", "CSV")], labels_of('{"label": 0}', "JSON")
    (['1', None, '0'], [Label(text='{"label": 0}', has_members=True)])
    >>> [each.text for each in labels_of("[1, 0.5]", "JSON")], [each.text for each in labels_of("", "CSV")]
    (['1', '0.5'], [None])
    """
    if encoding.upper() == "CSV":
        return _csv(data)
    if not data.strip():
        return [Label(None)]
    found: list[Label] = []
    for row in rows_of({"data": data, "encoding": encoding}):
        found.extend(_json(row))
    return found


def labels_in(member: Any) -> list[Label]:
    """The labels in a record's `groundTruthData`; raises `Unusable`."""
    if not isinstance(member, Mapping) or "data" not in member:
        raise Unusable("no ground truth: there is no groundTruthData.data")
    data, encoding = member["data"], str(member.get("encoding") or "CSV")
    if data is None:
        return [Label(None)]
    if isinstance(data, Mapping | list):  # written by hand: SageMaker always has a text here
        encoding = "JSON"
    return labels_of(records.as_text(data) or "", encoding)


def columns_of(texts: pa.Array, with_members: npt.NDArray[np.bool_], taken: Collection[str] = ()) -> pa.RecordBatch:
    """The labels of rows as columns: `ground_truth`, and one for each member of the JSON objects among them.

    >>> columns_of(pa.array(["1", '{"label": 0}']), np.array([False, True])).to_pylist()
    [{'ground_truth': '1', 'label': None}, {'ground_truth': '0', 'label': '0'}]
    """
    if not with_members.any():
        return pa.RecordBatch.from_arrays([texts], names=[TRUTH])
    labels = map(Label, texts.to_pylist(), with_members.tolist())
    return records.batch_of([label.columns(taken) for label in labels])


def needs_look(data: pa.Array, encodings: pa.Array) -> bool:
    """Whether there are records without data, encodings to be undone, or JSON by hand where SageMaker has a text."""
    if data.null_count or not set(encodings.unique().to_pylist()) <= {"CSV", "JSON"}:
        return True
    by_hand = pc.and_(pc.equal(encodings, "CSV"), pc.match_substring_regex(data, r"^[\[{]"))
    return bool(pc.any(by_hand).as_py())


def plain_labels(data: pa.Array, encodings: pa.Array) -> pa.Array | None:
    """The labels of records that hold one plain value each, by far the most; None where some need a closer look."""
    if data.null_count or encodings.unique().to_pylist() != ["CSV"]:
        return None
    texts = pc.ascii_trim_whitespace(data)
    if pc.any(pc.match_substring_regex(texts, '[\n"]')).as_py():
        return None
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def single_labels(data: pa.Array, encodings: pa.Array) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """The labels of records for one row each, and which of them have members; raises `Unusable` for others."""
    if needs_look(data, encodings):
        raise Unusable("records without data, or with something else than text")
    texts = plain_labels(data, encodings)
    if texts is not None:
        return texts, np.zeros(len(texts), np.bool_)
    labels = [
        labels_in({"data": text, "encoding": kind})
        for text, kind in zip(data.to_pylist(), encodings.to_pylist(), strict=True)
    ]
    if any(len(each) != 1 for each in labels):
        raise Unusable("several labels in a record")
    single = [each for (each,) in labels]
    members = np.array([each.has_members for each in single], np.bool_)
    return pa.array([each.text for each in single], pa.string()), members


def _csv(data: str) -> list[Label]:
    text = data.replace("\r\n", "\n").removesuffix("\n")
    if '"' not in text:
        return [Label(line.strip() or None) for line in text.split("\n")]
    return [Label(_line(row)) for row in csv.reader(io.StringIO(text, newline=""))]


def _line(row: Sequence[str]) -> str | None:
    """One value bare, several as the line of CSV that they are."""
    if len(row) < 2:
        return (row[0].strip() if row else "") or None
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(row)
    return written.getvalue()


def _json(row: Row) -> list[Label]:
    if not row.named:
        return [Label(each) for each in row.positional]
    if all(value is None for value in row.named.values()):
        return [Label(None)]
    return [Label(json.dumps(row.named, ensure_ascii=False), has_members=True)]
