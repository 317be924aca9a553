"""Makes the Parquet files that ship in `src/driftline/data` from the wheel of nannyml 0.13.1.

Run it as `.venv/bin/python benchmarks/demo_data.py`; the same wheel gives the same files. What it changes is listed in
`src/driftline/data/README.md`. The wheel is only unzipped, never imported.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

WHEEL = "nannyml==0.13.1"
FOLDER = "nannyml/datasets/data"
TARGET = Path(__file__).resolve().parent.parent / "src" / "driftline" / "data"
LABEL_DELAY = timedelta(days=14)

YES_NO = {"0": "not asked", "1": "yes", "2": "no"}
CENSUS_NAMES = {
    "id": "id",
    "year": "year",
    "AGEP": "age",
    "SCHL": "schooling",
    "MAR": "marital_status",
    "RELP": "relationship",
    "DIS": "disability",
    "ESP": "parents_employment",
    "CIT": "citizenship",
    "MIG": "moved",
    "MIL": "military_service",
    "ANC": "ancestry",
    "NATIVITY": "nativity",
    "DEAR": "hearing_difficulty",
    "DEYE": "vision_difficulty",
    "DREM": "cognitive_difficulty",
    "SEX": "sex",
    "RAC1P": "race",
    "predicted_probability": "probability",
    "prediction": "prediction",
    "employed": "employed",
}
CENSUS_CODES: Mapping[str, Mapping[str, str]] = {
    "marital_status": {"1": "married", "2": "widowed", "3": "divorced", "4": "separated", "5": "never married"},
    "disability": YES_NO,
    "citizenship": {
        "1": "born in the US",
        "2": "born in a US territory",
        "3": "born abroad to US parents",
        "4": "naturalised",
        "5": "not a citizen",
    },
    "moved": {"0": "not asked", "1": "same house", "2": "from outside the US", "3": "within the US"},
    "military_service": {
        "0": "not asked",
        "1": "on active duty",
        "2": "on active duty in the past",
        "3": "training only",
        "4": "never",
    },
    "ancestry": {"1": "single", "2": "multiple", "3": "unclassified", "4": "not reported", "8": "suppressed"},
    "nativity": {"1": "native", "2": "foreign born"},
    "hearing_difficulty": YES_NO,
    "vision_difficulty": YES_NO,
    "cognitive_difficulty": YES_NO,
    "sex": {"1": "male", "2": "female"},
    "race": {
        "1": "White",
        "2": "Black",
        "3": "American Indian",
        "4": "Alaska Native",
        "5": "American Indian or Alaska Native",
        "6": "Asian",
        "7": "Pacific Islander",
        "8": "other",
        "9": "two or more",
    },
}


def main() -> int:
    """Download the wheel, write both files, say how large they are."""
    with tempfile.TemporaryDirectory() as scratch:
        wheel = zipfile.ZipFile(download(Path(scratch)))
        write(employment(wheel), "employment.parquet")
        write(car_loan(wheel), "car_loan.parquet")
    return 0


def download(folder: Path) -> Path:
    """The wheel, fetched by pip from wherever pip is set up to look."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--python-version", "3.11"]
    subprocess.run([*command, "--only-binary", ":all:", "-d", str(folder), WHEEL], check=True)
    return next(folder.glob("*.whl"))


def employment(wheel: zipfile.ZipFile) -> pa.Table:
    """The census set: 2015 with labels, and 2016 to 2018 with the labels that came later, joined in row order."""
    reference = parquet(wheel, "employment_MA_reference.pq")
    analysis = parquet(wheel, "employment_MA_analysis.pq")
    analysis = join(analysis, parquet(wheel, "employment_MA_analysis_target.pq"), "employed")
    both = pa.concat_tables([plain(part).select(list(CENSUS_NAMES)) for part in (reference, analysis)])
    table = both.rename_columns(list(CENSUS_NAMES.values()))
    for name, meaning in CENSUS_CODES.items():
        table = put(table, name, decode(table[name], meaning))
    for name in ("year", "age", "schooling", "relationship", "parents_employment", "prediction", "employed"):
        table = put(table, name, pc.cast(table[name], pa.int64()))
    return put(table, "probability", pc.round(table["probability"], 4))


def car_loan(wheel: zipfile.ZipFile) -> pa.Table:
    """The car-loan set: both periods with labels, and the time at which each label became known."""
    reference = comma(wheel, "synthetic_car_loan_reference.csv")
    analysis = comma(wheel, "synthetic_car_loan_analysis.csv")
    analysis = join(analysis, comma(wheel, "synthetic_car_loan_analysis_target.csv"), "repaid")
    parts = [add(reference, "period", "reference"), add(analysis, "period", "analysis")]
    names = [*parts[1].column_names]
    table = pa.concat_tables([whole(part.select(names)) for part in parts])
    table = put(table, "timestamp", pc.cast(table["timestamp"], pa.timestamp("ms")))
    table = put(table, "debt_to_income_ratio", pc.round(table["debt_to_income_ratio"], 4))
    table = put(table, "driver_tenure", pc.round(table["driver_tenure"], 3))
    late = pc.add(table["timestamp"], pa.scalar(LABEL_DELAY, pa.duration("ms")))
    first = ["id", "period", "timestamp"]
    last = ["y_pred_proba", "y_pred", "repaid"]
    middle = [name for name in names if name not in (*first, *last)]
    renamed = [*first, *middle, "probability", "prediction", "repaid"]
    return table.select([*first, *middle, *last]).rename_columns(renamed).append_column("labelled_at", late)


def whole(table: pa.Table) -> pa.Table:
    """Columns that hold whole numbers written as decimals, as integers."""
    for name in ("car_value", "loan_length", "repaid"):
        table = put(table, name, pc.cast(table[name], pa.int64()))
    return table


def parquet(wheel: zipfile.ZipFile, name: str) -> pa.Table:
    """A Parquet file of the wheel."""
    return pq.read_table(io.BytesIO(wheel.read(f"{FOLDER}/{name}"))).replace_schema_metadata(None)


def comma(wheel: zipfile.ZipFile, name: str) -> pa.Table:
    """A CSV file of the wheel."""
    return csv.read_csv(io.BytesIO(wheel.read(f"{FOLDER}/{name}")))


def join(rows: pa.Table, labels: pa.Table, label: str) -> pa.Table:
    """The labels beside their rows; both files are in the order of `id`, which is checked."""
    if not rows["id"].equals(labels["id"]):
        raise SystemExit(f"the labels of {label!r} are not in the order of the rows; is this {WHEEL}?")
    return rows.append_column(label, labels[label])


def plain(table: pa.Table) -> pa.Table:
    """The table with text instead of dictionaries, so that parts with different dictionaries concatenate."""
    for field in table.schema:
        if pa.types.is_dictionary(field.type):
            table = put(table, field.name, pc.cast(table[field.name], pa.string()))
    return table


def decode(codes: pa.ChunkedArray, meaning: Mapping[str, str]) -> pa.ChunkedArray:
    """What each code stands for; a code without meaning stops the script."""
    found: Sequence[str] = pc.unique(codes).to_pylist()
    unknown = sorted(set(found) - set(meaning))
    if unknown:
        raise SystemExit(f"codes without meaning: {unknown}")
    places = pc.index_in(codes, pa.array(list(meaning)))
    return pc.take(pa.array(list(meaning.values())), places)


def put(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    """The table with one column replaced."""
    return table.set_column(table.schema.get_field_index(name), name, values)


def add(table: pa.Table, name: str, value: str) -> pa.Table:
    """The table with one more column that holds one value."""
    return table.append_column(name, pa.array([value] * table.num_rows))


def write(table: pa.Table, name: str) -> None:
    """One file, small: zstd, dictionaries where they help, and steps instead of values for ids and times."""
    steps = [column for column in ("id", "timestamp", "labelled_at") if column in table.column_names]
    TARGET.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table.combine_chunks(),
        TARGET / name,
        compression="zstd",
        compression_level=19,
        use_dictionary=[column for column in table.column_names if column not in steps],
        column_encoding=dict.fromkeys(steps, "DELTA_BINARY_PACKED"),
        row_group_size=1 << 17,
        dictionary_pagesize_limit=1 << 20,
    )
    size = (TARGET / name).stat().st_size
    print(f"{name}: {table.num_rows:,} rows, {table.num_columns} columns, {size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
