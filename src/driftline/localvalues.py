"""Local attributions kept as SageMaker keeps them: a CSV file with a row for each record, a column for each feature."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from driftline.documents.explanations import BACKGROUND, LOCAL, local_table
from driftline.storage.access import Access
from driftline.storage.storages import storage_for


class LocalValues:
    """Takes batches as they are explained; what does not fit into memory waits in a temporary file."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=32 << 20)  # noqa: SIM115 - it lives as this does
        self._rows = 0

    def kept(
        self, batches: Iterable[pa.RecordBatch], labels: Sequence[str], features: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        """The batches again, their attributions written down."""
        for batch in batches:
            options = pa_csv.WriteOptions(include_header=not self._rows)
            pa_csv.write_csv(local_table(batch, labels, features), self._file, options)
            self._rows += batch.num_rows
            yield batch

    def save(self, folder: str, access: Access) -> tuple[str, ...]:
        """Write the file beneath the folder, if any row was explained; the result is where."""
        if not self._rows:
            return ()
        self._file.seek(0)
        uri = f"{folder.rstrip('/')}/{LOCAL}"
        storage_for(uri, access).put(uri, self._file.read())
        return (uri,)


def save_background(shap: Mapping[str, Any], folder: str, access: Access) -> tuple[str, ...]:
    """Write the rows that attributions were measured against; the result is where."""
    rows = shap.get("baseline")
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], Mapping):
        return ()
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    uri = f"{folder.rstrip('/')}/{BACKGROUND}"
    storage_for(uri, access).put(uri, text.getvalue().encode())
    return (uri,)
