"""The Python API on data of every library that speaks Arrow or the dataframe interchange, and in a notebook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from rich.console import Console

import driftline
from driftline.errors import EmptyWindow, Invalid

RNG = np.random.default_rng(11)
COLUMNS = {"age": RNG.integers(18, 90, 1000), "colour": RNG.choice(["red", "blue"], 1000), "score": RNG.random(1000)}


FORMS: dict[str, Any] = {
    "pandas": lambda: pd.DataFrame(COLUMNS),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "pyarrow": lambda: pa.table(COLUMNS),
    "batch": lambda: pa.table(COLUMNS).to_batches()[0],
    "mapping": lambda: {name: list(values) for name, values in COLUMNS.items()},
    "duckdb": lambda: duckdb.from_arrow(pa.table(COLUMNS)),
}


@pytest.mark.parametrize("form", FORMS)
def test_data_of_every_library(form: str) -> None:
    """The same profile, baseline and verdict, whoever holds the rows."""
    data = FORMS[form]()
    found = driftline.profile(data)
    assert found.rows == 1000
    assert found.column("age").moments.mean == pytest.approx(COLUMNS["age"].mean())
    assert set(found.column("colour").frequent.counts) == {"red", "blue"}
    normal = driftline.baseline(FORMS[form]())
    assert driftline.check(FORMS[form](), normal).violations == ()


def test_index_of_pandas_is_no_column() -> None:
    """A frame that was filtered carries its index along; it is no data."""
    frame = pd.DataFrame(COLUMNS)
    assert driftline.profile(frame[frame["age"] > 40]).names == ("age", "colour", "score")


def test_paths_lists_of_paths_and_profiles(tmp_path: Path) -> None:
    """A path, a Path, a list of them, a glob; a profile in place of rows."""
    for name in "ab":
        pl.DataFrame(COLUMNS).write_parquet(tmp_path / f"{name}.parquet")
    one = str(tmp_path / "a.parquet")
    assert driftline.profile(one).rows == driftline.profile(Path(one)).rows == 1000
    assert driftline.profile([tmp_path / "a.parquet", tmp_path / "b.parquet"]).rows == 2000
    assert driftline.profile(str(tmp_path / "*.parquet")).rows == 2000
    whole = driftline.profile(one).merge(driftline.profile(one))
    assert driftline.check(whole, driftline.baseline(one)).current.rows == 2000


def test_baseline_comes_back_from_its_folder(tmp_path: Path) -> None:
    """Save, load, and check against the folder itself."""
    normal = driftline.baseline(pa.table(COLUMNS))
    written = normal.save(str(tmp_path / "baseline"))
    assert [Path(each).name for each in written] == ["statistics.json", "constraints.json"]
    again = driftline.Baseline.load(str(tmp_path / "baseline"))
    assert again.constraints == normal.constraints
    assert driftline.check(pa.table(COLUMNS), tmp_path / "baseline").violations == ()


def test_report_shows_and_saves_itself(tmp_path: Path) -> None:
    """A table on a terminal, HTML in a notebook, JSON for machines, SageMaker's files."""
    normal = driftline.baseline(pa.table(COLUMNS))
    moved = pa.table({**COLUMNS, "age": COLUMNS["age"] + 30})
    report = driftline.check(moved, normal, measures={"age": {"psi": 0.1}})
    assert {found.subject for found in report.violations} == {"age"}
    assert report.status == "CompletedWithViolations"
    console = Console(width=120, record=True, file=(tmp_path / "shown").open("w"))
    console.print(report, normal)
    console.file.close()
    assert "baseline drift" in console.export_text()
    assert "<table" in report._repr_html_()
    assert json.loads(json.dumps(report.to_dict()))["rows"] == 1000
    written = report.save(str(tmp_path / "out"), html=str(tmp_path / "page.html"))
    assert len(written) == 4
    assert all(Path(each).exists() for each in written)


def test_in_a_notebook_or_a_prompt_values_are_short() -> None:
    """What is typed shows its size or verdict, not its states; a baseline shows its columns as HTML."""
    normal = driftline.baseline(pa.table(COLUMNS))
    report = driftline.check(pa.table(COLUMNS), normal)
    assert repr(normal) == "<Baseline of 3 columns and 1,000 rows>"
    assert repr(normal.profile) == "<Profile of 1,000 rows, columns: age, colour, score>"
    assert repr(report) == "<Report on 1,000 rows: Completed: Job completed successfully with no violations.>"
    shown = normal._repr_html_() or ""
    assert "Profile of 1,000 rows" in shown and "colour" in shown and "Distance" not in shown
    assert driftline.Baseline(normal.constraints)._repr_html_() is None


def test_few_rows_are_warned_of() -> None:
    """BL-14: a baseline of fewer than 100 rows."""
    assert driftline.baseline(pa.table({"x": [1, 2, 3]})).warnings
    assert not driftline.baseline(pa.table(COLUMNS)).warnings


def test_options_by_the_names_of_the_command_line() -> None:
    """Expressions, columns and exclusion on rows in memory."""
    found = driftline.profile(pa.table(COLUMNS), select=["age + 1 as older", "upper(colour) as c"], exclude=["c"])
    assert found.names == ("older",)
    assert found.column("older").moments.minimum == COLUMNS["age"].min() + 1


def test_wrong_calls_say_what_is_right() -> None:
    """What is no data, an empty frame, an unknown method."""
    with pytest.raises(Invalid, match="pandas, polars"):
        driftline.profile(42)
    with pytest.raises(EmptyWindow):
        driftline.profile(pa.table({"x": pa.array([], pa.int64())}))
    with pytest.raises(Invalid, match="ChiSquared"):
        driftline.baseline(pa.table(COLUMNS), categorical_drift_method="Chi")
    with pytest.raises(AttributeError):
        _ = driftline.nothing


def test_a_column_of_several_types_is_text_and_loses_no_other() -> None:
    """What pandas calls `object`: numbers, texts and nothing, as a file would hold them."""
    frame = pd.DataFrame(
        {"mixed": [1, "x", None, True, 2.5], "plain": range(5), "day": pd.to_datetime(["2026-11-21"] * 5)}
    )
    for data in (frame, {name: frame[name].tolist() for name in frame}):
        found = driftline.profile(data)
        assert set(found.column("mixed").frequent.counts) == {"1", "x", "true", "2.5"}
        assert (found.column("mixed").missing, found.column("plain").moments.maximum) == (1, 4.0)
    assert frame["mixed"].tolist()[0] == 1, "the frame is the caller's, and stays as it was"


def test_frames_that_are_none_say_so() -> None:
    """One column, two of the same name, columns of several lengths, a frame that is not computed yet."""
    for series in (pd.Series([1, 2]), pl.Series("x", [1, 2]), pa.chunked_array([[1, 2]])):
        with pytest.raises(Invalid, match="to_frame"):
            driftline.profile(series)
    with pytest.raises(Invalid, match="two columns 'a'"):
        driftline.profile(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(Invalid, match="as many values"):
        driftline.profile({"a": [1, 2], "b": [1]})
    with pytest.raises(Invalid, match="collect"):
        driftline.profile(pl.LazyFrame(COLUMNS))


def test_unknown_columns_and_options_are_refused_in_memory_as_in_files() -> None:
    """A column that is not there, an option that is none; a single name or expression needs no list."""
    data = pa.table(COLUMNS)
    for wrong in ({"columns": ["agee"]}, {"exclude": "agee"}, {"select": "agee + 1"}):
        with pytest.raises(Invalid, match="age"):
            driftline.profile(data, **wrong)
    with pytest.raises(TypeError, match=r"colums.*columns"):
        driftline.profile(data, colums="age")  # type: ignore[call-arg]
    assert driftline.profile(data, columns="age").names == ("age",)
    assert driftline.profile(data, select="age + 1 as older").names == ("older",)
    with pytest.raises(EmptyWindow):
        driftline.profile(data.slice(0, 0), select="age + 1 as older")


def test_profile_is_the_verb_and_the_package() -> None:
    """Importing the subpackage leaves the verb where it is."""
    import driftline.profile

    assert callable(driftline.profile)
    assert driftline.Profile.of(pa.table({"x": [1]})).rows == 1


def test_two_profiles_compare_without_their_rows() -> None:
    """Any two windows: profiles of hours merge, and are judged from memory."""
    hours = [driftline.profile(pa.table({"x": RNG.normal(hour / 100, 1, 500)})) for hour in range(24)]
    night, day = hours[0], hours[12]
    for hour in hours[1:12]:
        night = night.merge(hour)
    for hour in hours[13:]:
        day = day.merge(hour)
    normal = driftline.Baseline(driftline.Constraints.suggest(night), night)
    assert {found.name for found in driftline.check(day, normal).measures} >= {"ks", "psi", "baseline_drift"}
