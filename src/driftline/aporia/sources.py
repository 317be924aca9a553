"""Where the rows of a dataset are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class S3FileFormat(Enum):
    """Formats of files."""

    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"
    DELTA = "delta"


@dataclass(frozen=True)
class S3DataSource:
    """Objects of S3: `object_path` is `bucket/prefix/`, with wildcards if wanted, or a single object.

    `select_expr` are Spark SQL expressions that make the columns, `read_options` are Spark's for the format; the one
    more is `credentials`, the name of credentials that the server knows. All rows are read: `sample_size` stays 1.
    """

    object_path: str
    object_format: S3FileFormat | str
    sample_size: float = 1.0
    select_expr: Sequence[str] | None = None
    read_options: Mapping[str, Any] | None = None

    def serialize(self) -> dict[str, Any]:
        """As it is sent; raises `ValueError` for an unknown format.

        >>> S3DataSource("logs/churn/", "csv").serialize()["config"]["object_format"]
        'csv'
        """
        config = {
            "object_path": self.object_path,
            "object_format": S3FileFormat(self.object_format).value,
            "sample_size": self.sample_size,
            "select_expr": None if self.select_expr is None else list(self.select_expr),
            "read_options": None if self.read_options is None else dict(self.read_options),
        }
        return {"type": "s3", "config": config}
