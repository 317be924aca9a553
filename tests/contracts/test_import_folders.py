"""What folders of an import job's path say, hive's `name=value/`, is in the rows: F-10."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from driftline.imports.job import ImportJob, Place
from driftline.imports.reading import open_file
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Kind, ModelField, ModelSchema, Role
from driftline.schemas.mapped import resolve
from driftline.storage.access import Access

SCHEMA = ModelSchema((ModelField("x", Role.FEATURE, Kind.NUMERIC), ModelField("city", Role.SEGMENT, Kind.STRING)))


def opened(
    folder: Path, columns: Columns, schema: ModelSchema | None = None, **place: object
) -> tuple[dict[str, object], Columns]:
    """The first row of a file below partitions, and the columns by which it is mapped."""
    file = folder / "city=Rome/dt=2026-11-20/hr=7/a.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("x\n1\n" if place.get("settings") is None else "1\n")
    job = ImportJob("j", "churn", "1", Place(f"{folder}/", **place), columns)  # type: ignore[arg-type]
    found = open_file(job, str(file), schema, Access())
    batch = next(each for each in found.items() if isinstance(each, pa.RecordBatch))
    return batch.to_pylist()[0], found.columns


def test_folders_are_columns_and_dates_are_none_unless_they_are_named(tmp_path: Path) -> None:
    """C-08, F-10: a city is a feature like others; the day that a file was written is no feature."""
    row, columns = opened(tmp_path, Columns())
    assert row["city"] == "Rome"
    assert row["dt"] == "2026-11-20"
    assert columns.exclude == ("dt", "hr")
    _, columns = opened(tmp_path, Columns(version="hr", fields={"day": "dt"}))
    assert columns.exclude == ()
    assert opened(tmp_path, Columns(), select=("city", "dt AS day"))[0] == {"city": "Rome", "day": "2026-11-20"}


@pytest.mark.parametrize("settings", [None, {"header": False}])
def test_they_are_fields_of_a_schema(tmp_path: Path, settings: dict[str, object] | None) -> None:
    """F-06, F-10: files without names of columns have those that no folder is."""
    row, columns = opened(tmp_path, Columns(), SCHEMA, **({"settings": settings} if settings else {}))
    assert (str(row["x"]), row["city"]) == ("1", "Rome")
    mapped = resolve(columns, SCHEMA, pa.schema([(name, pa.string()) for name in row]))
    assert (mapped.faults, mapped.warnings) == ((), ())
