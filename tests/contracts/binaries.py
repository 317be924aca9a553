"""Data of the usual kinds, written by other libraries than the reader, and how the tests read it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
from deltalake import write_deltalake

from driftline.formats.arrow import Arrow
from driftline.formats.avro import Avro
from driftline.formats.delta import Delta
from driftline.formats.format import Format, Opener, Part, ReadOptions
from driftline.formats.parquet import Parquet
from driftline.problems import Problem
from driftline.storage.file import File
from driftline.storage.ranges import Ranges, stream

WRITERS: dict[str, tuple[Format, Callable[[pl.DataFrame, Path], object]]] = {
    "parquet by polars": (Parquet(), lambda frame, path: frame.write_parquet(path, row_group_size=1_000)),
    "parquet by polars, zstd": (Parquet(), lambda frame, path: frame.write_parquet(path, compression="zstd")),
    "parquet by duckdb": (Parquet(), lambda frame, path: frame.pipe(_by_duckdb, path)),
    "parquet by pandas": (Parquet(), lambda frame, path: frame.to_pandas().to_parquet(path)),
    "avro by polars": (Avro(), lambda frame, path: frame.write_avro(path, compression="uncompressed")),
    "avro by polars, snappy": (Avro(), lambda frame, path: frame.write_avro(path, compression="snappy")),
    "avro by polars, deflate": (Avro(), lambda frame, path: frame.write_avro(path, compression="deflate")),
    "arrow file by polars": (Arrow(), lambda frame, path: frame.write_ipc(path, compression="uncompressed")),
    "arrow file by polars, lz4": (Arrow(), lambda frame, path: frame.write_ipc(path, compression="lz4")),
    "arrow file by polars, zstd": (Arrow(), lambda frame, path: frame.write_ipc(path, compression="zstd")),
    "arrow stream by polars": (Arrow(), lambda frame, path: frame.write_ipc_stream(path)),
    "feather by pandas": (Arrow(), lambda frame, path: frame.to_pandas().to_feather(path)),
    "delta": (Delta(), lambda frame, path: write_deltalake(path, frame.to_arrow())),
}


def _by_duckdb(frame: pl.DataFrame, path: Path) -> None:
    table = frame.to_arrow()
    with duckdb.connect() as connection:
        connection.register("given", table)
        connection.execute(f"copy given to '{path}' (format parquet, row_group_size 2048)")


def local(uri: str) -> BinaryIO:
    """A plain file."""
    return File().open(uri)


def remote(uri: str) -> BinaryIO:
    """The same bytes by ranges, as from an object store."""
    with local(uri) as file:
        data = file.read()
    return stream(Ranges(lambda start, stop: data[start:stop], len(data), f"{uri}{hash(data)}", data[:1000]))


@dataclass
class Answer:
    """What came out of all parts."""

    parts: list[Part]
    batches: list[pa.RecordBatch]
    problems: list[Problem]

    @property
    def rows(self) -> int:
        """The number of rows in all batches."""
        return sum(batch.num_rows for batch in self.batches)

    def column(self, name: str) -> list[Any]:
        """The values of a column, wherever it is."""
        return [value for batch in self.batches for value in batch.column(name).to_pylist()]


def read(format: Format, uri: str, options: ReadOptions | None = None, opener: Opener = local) -> Answer:
    """Split, and read every part."""
    options = options or ReadOptions()
    size = Path(uri).stat().st_size if Path(uri).is_file() else 0
    parts = list(format.split(uri, size, opener, options))
    items = [item for part in parts for item in format.read(part, opener, options)]
    batches = [item for item in items if not isinstance(item, Problem)]
    return Answer(parts, batches, [item for item in items if isinstance(item, Problem)])


_KINDS = ("red", "green", "blue")


def frame_of(rows: int) -> pl.DataFrame:
    """Columns of the usual kinds, with nulls."""
    rng = np.random.default_rng(rows)
    day = dt.datetime(2024, 5, 1)
    number = pl.Series("number", rng.normal(size=rows))
    return pl.DataFrame(
        {
            "integer": rng.integers(-(2**40), 2**40, rows),
            "number": number,
            "missing": pl.Series([None if each % 3 == 0 else each / 7 for each in range(rows)], dtype=pl.Float64),
            "text": pl.Series([f"user-{each}" for each in rng.integers(0, 10**9, rows)], dtype=pl.String),
            "kind": pl.Series([None if each % 10 == 0 else _KINDS[each % 3] for each in range(rows)], dtype=pl.String),
            "yes": pl.Series([None if each % 11 == 0 else each % 2 == 0 for each in range(rows)], dtype=pl.Boolean),
            "when": pl.Series([day + dt.timedelta(minutes=each) for each in range(rows)], dtype=pl.Datetime("us")),
            "day": pl.Series([(day + dt.timedelta(days=each % 300)).date() for each in range(rows)], dtype=pl.Date),
        }
    )
