"""Rows of files that cannot be read at all: counted, told by their line, and kept readable beside the rejected ones."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from driftline.imports.contents import chunks
from driftline.imports.job import ImportJob, Place
from driftline.imports.reading import open_file
from driftline.imports.rejects import Rejects, read
from driftline.inferences.tables import Tables
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Kind, ModelField, ModelSchema, Role
from driftline.schemas.rules import Intake
from driftline.storage.access import Access

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SCHEMA = ModelSchema((ModelField("y", Role.PREDICTION, Kind.NUMERIC),))


def test_malformed_rows_are_told_by_line_and_kept(tmp_path: Path) -> None:
    """R-10, ER-16: `rejects` shows them as it shows the others."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "a", "y": 1}\n{"id": "b", "y": 2}\n{"id": "bad\n{"id": null, "y": 4}\n')
    job = ImportJob("j", "churn", "1", Place(f"{tmp_path}/"), Columns(id="id"))
    opened = open_file(job, str(path), SCHEMA, Access())
    rejects = Rejects()
    for chunk in chunks(opened, job, SCHEMA, Intake(NOW, "a")):
        rejects.add(chunk.malformed)
        rejects.add(chunk.rows.rejected if chunk.rows else None)
    tally = chunk.tally
    assert (tally.rows, tally.kept, tally.rejected) == (4, 2, 2)
    (told,) = [each for each in tally.told() if each.code == "Malformed_Row"]
    assert "line 3: no JSON object" in told.message
    tables = Tables(str(tmp_path / "tables"), Access(), tmp_path / "cache")
    rejects.keep(tables, "churn", 7)
    malformed, rejected = read(tables, "churn", 7)
    assert malformed["_code"] == "Malformed_Row"
    assert malformed["_reason"].startswith("line 3: no JSON object")
    assert malformed["_reason"].endswith('{"id": "bad')
    assert (rejected["_code"], rejected["y"]) == ("Invalid_Prediction_Id", "4")
