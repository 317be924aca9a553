"""What inputs mean: files, globs, folders, URIs; formats recognised; tasks that never depend on who runs them."""

from __future__ import annotations

import gzip
import json
import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather
from s3 import WRITER, Server, use

from driftline.errors import Denied, EmptyWindow, Invalid, NotFound, Unreadable
from driftline.formats.format import ReadOptions
from driftline.formats.formats import FORMATS, recognise
from driftline.problems import Problem
from driftline.sources import WHOLE_ROWS, Source, read, resolve
from driftline.storage.storages import Access

CAPTURED = {
    "captureData": {
        "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": "41,0.5", "encoding": "CSV"},
        "endpointOutput": {"observedContentType": "text/csv", "mode": "OUTPUT", "data": "1", "encoding": "CSV"},
    },
    "eventMetadata": {"eventId": "e1", "inferenceTime": "2024-05-06T07:08:09Z"},
    "eventVersion": "0",
}


def source_of(*inputs: str | Path, format: str | None = None, **options: Any) -> Source:
    """What the inputs resolve to."""
    return resolve([str(each) for each in inputs], Access(), format, ReadOptions(**options))


def items_of(source: Source) -> list[pa.RecordBatch | Problem]:
    """Everything the tasks yield, in order."""
    return [item for task in source.tasks for item in read(task, source)]


def rows_of(source: Source) -> list[dict[str, Any]]:
    """All rows."""
    return [row for item in items_of(source) if isinstance(item, pa.RecordBatch) for row in item.to_pylist()]


def problems_of(source: Source) -> list[Problem]:
    """All problems met while reading."""
    return [item for item in items_of(source) if isinstance(item, Problem)]


def write(path: Path, text: str | bytes) -> Path:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def parquet(path: Path, columns: dict[str, Any], rows_per_group: int | None = None) -> Path:
    """A Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, row_group_size=rows_per_group)
    return path


def relative(source: Source, folder: Path) -> list[str]:
    """The objects' paths below a folder."""
    return [Path(uri).relative_to(folder).as_posix() for uri in source.objects]


def test_s02_a_folder_is_read_at_any_depth_in_the_order_of_the_paths(tmp_path: Path) -> None:
    for name in ("b/c/d/4.csv", "a-1.csv", "a/2.csv", "z.csv", "a/10.csv"):
        write(tmp_path / name, f"name,n\n{name},1\n{name},2\n")
    source = source_of(tmp_path)
    assert relative(source, tmp_path) == ["a-1.csv", "a/10.csv", "a/2.csv", "b/c/d/4.csv", "z.csv"]
    assert [row["name"] for row in rows_of(source)][::2] == relative(source, tmp_path)
    assert len(source.tasks) == 1


@pytest.mark.parametrize(
    ("glob", "names"),
    [
        ("*.csv", ["x.csv", "y.csv"]),
        ("?.csv", ["x.csv", "y.csv"]),
        ("[x].csv", ["x.csv"]),
        ("[!x].csv", ["y.csv"]),
        ("**/*.csv", ["day=1/x.csv", "day=2/deep/x.csv", "x.csv", "y.csv"]),
        ("day=*", ["day=1/x.csv", "day=2/deep/x.csv"]),
        ("day=*/", ["day=1/x.csv", "day=2/deep/x.csv"]),
        ("day=*/*.csv", ["day=1/x.csv"]),
        ("day=[2-9]/**", ["day=2/deep/x.csv"]),
    ],
)
def test_globs_match_within_folders_and_folders_stand_for_all_below(
    tmp_path: Path, glob: str, names: list[str]
) -> None:
    for name in ("x.csv", "y.csv", "day=1/x.csv", "day=2/deep/x.csv"):
        write(tmp_path / name, "a,b\n1,2\n")
    assert relative(source_of(f"{tmp_path}/{glob}"), tmp_path) == names


def test_relative_paths_stay_as_they_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "in" / "x.csv", "a,b\n1,2\n")
    monkeypatch.chdir(tmp_path)
    assert source_of("in").objects == ("in/x.csv",)
    assert source_of("in/*.csv").objects == ("in/x.csv",)
    assert source_of("i*/x.csv").objects == ("in/x.csv",)
    assert source_of("./in/x.csv").objects == ("./in/x.csv",)
    assert source_of(".").objects == ("./in/x.csv",)


def test_a_name_with_signs_of_a_glob_is_found_literally(tmp_path: Path) -> None:
    write(tmp_path / "a[1].csv", "a,b\n1,2\n")
    write(tmp_path / "a1.csv", "a,b\n1,2\n")
    assert relative(source_of(tmp_path / "a[1].csv"), tmp_path) == ["a[1].csv"]


def test_an_object_that_several_inputs_mean_is_read_once(tmp_path: Path) -> None:
    file = write(tmp_path / "x.csv", "a,b\n1,2\n")
    assert source_of(tmp_path, file, f"{tmp_path}/*.csv").objects == (str(file),)


def test_leftovers_and_hidden_objects_are_skipped_and_counted(tmp_path: Path) -> None:
    write(tmp_path / "part-0.csv", "a,b\n1,2\n")
    leftovers = ["_SUCCESS", ".part-0.csv.crc", "empty.csv", "_temporary/0/x.csv", ".DS_Store", "x.manifest", "y.crc"]
    for name in leftovers:
        write(tmp_path / name, "" if name in ("_SUCCESS", "empty.csv") else "noise")
    write(tmp_path / "_day=1" / "x.csv", "a,b\n3,4\n")
    source = source_of(tmp_path)
    assert relative(source, tmp_path) == ["_day=1/x.csv", "part-0.csv"]
    assert source.skipped == len(leftovers)
    assert source.problems.count == 0


def test_b03_a_manifest_stands_for_the_objects_that_it_lists(tmp_path: Path) -> None:
    listed = json.dumps([{"prefix": f"{tmp_path}/out/"}, "a.csv.out", "deep/b.csv.out", "gone.csv.out", "void.csv.out"])
    write(tmp_path / "capture" / "output" / "2026" / "11" / "20" / "13" / "0c1e.json", listed)
    write(tmp_path / "capture" / "output" / "2026" / "11" / "20" / "13" / "5f62.json", listed)
    write(tmp_path / "capture" / "output" / "2026" / "11" / "20" / "13" / "data.json", '[{"_c0": "5"}]')
    write(tmp_path / "out" / "a.csv.out", "1,2\n")
    write(tmp_path / "out" / "deep" / "b.csv.out", "3,4\n")
    write(tmp_path / "out" / "void.csv.out", "")
    source = source_of(tmp_path / "capture")
    names = ["capture/output/2026/11/20/13/data.json", "out/a.csv.out", "out/deep/b.csv.out"]
    assert (relative(source, tmp_path), source.skipped) == (names, 2)
    assert [row["_c0"] for row in rows_of(source)] == ["5", "1", "3"]
    missing, void = source.problems.examples
    assert void.reason == "the file is empty (0 bytes)"
    assert "gone.csv.out" in missing.reason
    assert ".json lists it" in missing.remedy


def test_b03_a_manifest_leads_to_its_own_kind_of_place_only(tmp_path: Path) -> None:
    write(tmp_path / "output" / "0.json", json.dumps([{"prefix": "s3://b/out/"}, "a.csv.out"]))
    write(tmp_path / "output" / "x.json", '[{"a": 1}]')
    source = source_of(tmp_path)
    assert relative(source, tmp_path) == ["output/x.json"]
    assert "another kind of place" in source.problems.examples[0].reason


def test_b03_a_format_may_be_named_for_what_a_manifest_lists(tmp_path: Path) -> None:
    write(tmp_path / "output" / "0.json", json.dumps([{"prefix": f"{tmp_path}/out/"}, "a.out", "b.out"]))
    write(tmp_path / "out" / "a.out", "1,2\n")
    write(tmp_path / "out" / "b.out", "x,4\n")
    source = source_of(tmp_path / "output", format="csv", settings={"header": False})
    assert rows_of(source) == [{"_c0": "1", "_c1": "2"}, {"_c0": "x", "_c1": "4"}]


@pytest.mark.parametrize("metadata", [False, True])
def test_b04_ids_and_times_of_inferences_are_no_features(tmp_path: Path, metadata: bool) -> None:
    uuid, moment = "0c1e8a0e-7d5f-4b0a-9d53-0c7a4f9c2f11", "2026-11-20T13:00:00Z"
    write(tmp_path / "in" / "a.csv.out", f"0.5,red,{uuid},{moment}\n0.7,blue,{uuid},{moment}\n")
    write(tmp_path / "in" / "b.csv", f"0.5,red,{uuid},{moment}\n")
    row = {"y": 1, "SageMakerInferenceId": uuid, "SageMakerInferenceTime": moment}
    write(tmp_path / "in" / "c.jsonl.out", json.dumps(row) + "\n")
    rows = rows_of(source_of(tmp_path / "in", settings={"header": False, "metadata": metadata}))
    known = {"inference_id": uuid, "inference_time": moment} if metadata else {}
    assert rows[0] == {"_c0": "0.5", "_c1": "red", **known}
    assert rows[2] == {"_c0": "0.5", "_c1": "red", "_c2": uuid, "_c3": moment}  # of no batch transform: a feature
    assert rows[3] == {"y": 1, **known}


def test_er_a_file_named_by_itself_is_never_skipped(tmp_path: Path) -> None:
    hidden = write(tmp_path / "_x.csv", "a,b\n1,2\n")
    assert source_of(hidden).objects == (str(hidden),)
    empty = write(tmp_path / "empty.csv", "")
    source = source_of(empty, hidden)
    (problem,) = source.problems.examples
    assert (problem.uri, problem.reason, problem.rows) == (str(empty), "the file is empty (0 bytes)", 0)
    assert source_of(empty).tasks == ()


def test_er_nothing_but_leftovers_is_told(tmp_path: Path) -> None:
    write(tmp_path / "_SUCCESS", "")
    with pytest.raises(EmptyWindow, match="1 objects were found, but all are empty, hidden or markers"):
        source_of(tmp_path)


@pytest.mark.parametrize("name", ["nothing.csv", "nothing/", "*.nothing", "no/**/x.csv"])
def test_er_an_input_that_matches_nothing_is_told(tmp_path: Path, name: str) -> None:
    write(tmp_path / "x.csv", "a,b\n1,2\n")
    with pytest.raises(NotFound, match=r"input not found: .*(neither an object|No object below)"):
        source_of(tmp_path / "x.csv", f"{tmp_path}/{name}")


def test_er_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="neither an object of this name nor one below it"):
        source_of(tmp_path)


def test_f10_hive_partitions_become_columns_of_text(tmp_path: Path) -> None:
    write(tmp_path / "day=2024-01-02" / "city=a%2Fb" / "x.csv", "n,m\n1,2\n")
    write(tmp_path / "day=__HIVE_DEFAULT_PARTITION__" / "city=Rome" / "x.csv", "n,m\n3,4\n")
    assert rows_of(source_of(tmp_path)) == [
        {"n": "1", "m": "2", "day": "2024-01-02", "city": "a/b"},
        {"n": "3", "m": "4", "day": None, "city": "Rome"},
    ]
    below = source_of(tmp_path / "day=2024-01-02")
    assert rows_of(below) == rows_of(source_of(f"{tmp_path}/day=2024*/*/x.csv")) == rows_of(source_of(tmp_path))[:1]


def test_f10_a_folder_far_above_the_data_is_no_partition(tmp_path: Path) -> None:
    write(tmp_path / "run=5" / "data" / "x.csv", "n,m\n1,2\n")
    assert rows_of(source_of(tmp_path / "run=5" / "data")) == [{"n": "1", "m": "2"}]


def test_f10_the_path_goes_before_a_column_of_the_same_name(tmp_path: Path) -> None:
    parquet(tmp_path / "day=2" / "x.parquet", {"day": [1], "n": [7]})
    assert rows_of(source_of(tmp_path)) == [{"day": "2", "n": 7}]


def test_partitions_can_be_chosen_and_used_in_expressions(tmp_path: Path) -> None:
    parquet(tmp_path / "day=2" / "x.parquet", {"n": [7, 8]})
    assert rows_of(source_of(tmp_path, columns=("day",))) == [{"day": "2"}, {"day": "2"}]
    assert rows_of(source_of(tmp_path, select=("n + day AS s",))) == [{"s": 9.0}, {"s": 10.0}]
    assert rows_of(source_of(tmp_path, exclude=("n",))) == [{"day": "2"}, {"day": "2"}]


FORMATTED = ["csv", "tsv", "jsonl", "json", "parquet", "arrow", "feather", "avro", "capture", "csv.gz", "jsonl.gz"]


def formatted(kind: str, path: Path) -> Path:
    """A file with one row, a = 41 and b = 0.5."""
    rows = [{"a": 41, "b": 0.5}]
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind in ("arrow", "feather"):
        feather.write_feather(pa.Table.from_pylist(rows), str(path))
    elif kind == "avro":
        import polars as pl

        pl.DataFrame(rows).write_avro(path)
    elif kind == "capture":
        write(path, json.dumps(CAPTURED) + "\n")
    else:
        texts = {
            "csv": "a,b\n41,0.5\n",
            "tsv": "a\tb\n41\t0.5\n",
            "jsonl": '{"a": 41, "b": 0.5}\n',
            "json": json.dumps(rows),
        }
        text = texts[kind.removesuffix(".gz")].encode()
        write(path, gzip.compress(text) if kind.endswith(".gz") else text)
    return path


def numbers_of(rows: Sequence[dict[str, Any]]) -> list[list[float]]:
    """The values without their names and types."""
    return [sorted(float(value) for value in row.values()) for row in rows]


@pytest.mark.parametrize("kind", FORMATTED)
@pytest.mark.parametrize("named", [True, False], ids=["by its name", "by its content"])
def test_f01_f02_f05_f07_formats_are_recognised(tmp_path: Path, kind: str, named: bool) -> None:
    suffix = {"capture": "jsonl"}.get(kind, kind)
    source = source_of(formatted(kind, tmp_path / (f"x.{suffix}" if named else "part-00000")))
    assert numbers_of(rows_of(source)) == [[0.5, 1.0, 41.0] if kind == "capture" else [0.5, 41.0]]


@pytest.mark.parametrize("kind", ["parquet", "avro", "capture", "jsonl"])
def test_content_goes_before_a_misleading_name(tmp_path: Path, kind: str) -> None:
    source = source_of(formatted(kind, tmp_path / "x.txt"))
    assert len(rows_of(source)) == 1


def test_formats_may_differ_within_a_run(tmp_path: Path) -> None:
    for kind in ("csv", "parquet", "jsonl", "json"):
        formatted(kind, tmp_path / f"x.{kind}")
    source = source_of(tmp_path)
    assert numbers_of(rows_of(source)) == [[0.5, 41.0]] * 4
    assert [piece.format for task in source.tasks for piece in task.pieces] == ["csv", "json", "jsonlines", "parquet"]


def test_a_delta_table_is_read_as_one(tmp_path: Path) -> None:
    from deltalake import write_deltalake

    root = tmp_path / "tables" / "t1"
    write_deltalake(str(root), pa.table({"n": [1, 2], "day": ["a", "b"]}), partition_by=["day"])
    write_deltalake(str(root), pa.table({"n": [3], "day": ["a"]}), partition_by=["day"], mode="overwrite")
    write(tmp_path / "tables" / "plain.csv", "n,day\n9,z\n")
    source = source_of(tmp_path)
    assert relative(source, tmp_path) == ["tables/plain.csv", "tables/t1"]
    assert rows_of(source) == [{"n": "9", "day": "z"}, {"n": 3, "day": "a"}]
    first = source_of(root, format="delta", settings={"version": 0})
    assert rows_of(first) == [{"n": 1, "day": "a"}, {"n": 2, "day": "b"}]
    with pytest.raises((NotFound, Unreadable)):
        source_of(tmp_path / "tables", format="delta")


def test_er_an_unknown_format_is_told_with_those_there_are(tmp_path: Path) -> None:
    file = write(tmp_path / "x.csv", "a,b\n1,2\n")
    with pytest.raises(
        Invalid, match=rf"format: got 'parket', expected one of {', '.join(FORMATS)}. Did you mean 'parquet'"
    ):
        source_of(file, format="parket")


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"PK\x03\x04rest", "ZIP archive or Excel workbook"),
        (b"\x89PNG\x00\x00\x01", "neither its name nor its content"),
        (b"ORC\x00", "an ORC file"),
        (b"", "there is nothing in it"),
        (b"   \n", "there is nothing in it"),
    ],
)
def test_er_what_is_no_format_is_told(head: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=f"{said}.*formats that can be read: csv, .*--format"):
        recognise("s3://b/thing", head)


def test_er_one_bad_object_never_loses_the_rest(tmp_path: Path) -> None:
    good = parquet(tmp_path / "a.parquet", {"n": [1, 2]})
    bad = write(tmp_path / "b.parquet", good.read_bytes()[:-20])
    parquet(tmp_path / "c.parquet", {"n": [3]})
    write(tmp_path / "d.bin", b"\x00\x01\x02")
    source = source_of(tmp_path)
    assert [row["n"] for row in rows_of(source)] == [1, 2, 3]
    assert [Path(problem.uri).name for problem in source.problems.examples] == ["b.parquet", "d.bin"]
    assert source.problems.rows == 0
    assert relative(source, tmp_path) == ["a.parquet", "c.parquet"]
    with pytest.raises(Unreadable, match=r"b\.parquet"):
        source_of(bad)


def test_er_an_object_that_goes_bad_meanwhile_is_a_problem(tmp_path: Path) -> None:
    first = parquet(tmp_path / "a.parquet", {"n": list(range(1_000))}, rows_per_group=500)
    parquet(tmp_path / "b.parquet", {"n": [-1]})
    source = source_of(tmp_path)
    first.write_bytes(b"PAR1 broken PAR1")
    assert [row["n"] for row in rows_of(source)] == [-1]
    assert {problem.uri for problem in problems_of(source)} == {str(first)}
    first.unlink()
    assert [row["n"] for row in rows_of(source)] == [-1]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_er_04_an_object_that_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "a,b\n1,2\n")
    write(tmp_path / "b.csv", "a,b\n1,2\n").chmod(0)
    source = source_of(tmp_path)
    assert len(rows_of(source)) == 1
    assert "denied" in source.problems.examples[0].reason
    with pytest.raises(Denied):
        source_of(tmp_path / "b.csv")


def test_problems_of_rows_name_file_and_line(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "a,b\n1,2\n3\n4,5\n")
    source = source_of(tmp_path, select=("a + b AS s",))
    assert [row["s"] for row in rows_of(source)] == [3.0, 9.0]
    (problem,) = problems_of(source)
    assert (problem.uri, problem.line, problem.rows) == (str(tmp_path / "a.csv"), 3, 1)


def test_f11_f12_columns_in_another_order_and_columns_that_come_and_go(tmp_path: Path) -> None:
    parquet(tmp_path / "1.parquet", {"a": [1], "b": ["x"]})
    parquet(tmp_path / "2.parquet", {"c": [0.5], "b": ["y"], "a": [2]})
    assert rows_of(source_of(tmp_path)) == [{"a": 1, "b": "x"}, {"c": 0.5, "b": "y", "a": 2}]
    assert rows_of(source_of(tmp_path, columns=("c", "a"))) == [{"a": 1}, {"c": 0.5, "a": 2}]
    selected = rows_of(source_of(tmp_path, select=("a", "coalesce(c, 9) AS c")))
    assert [(row["a"], float(row["c"])) for row in selected] == [(1, 9.0), (2, 0.5)]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_er_a_column_that_is_nowhere_is_told_with_the_closest(tmp_path: Path, suffix: str) -> None:
    for name in ("x", "y"):
        if suffix == "parquet":
            parquet(tmp_path / f"{name}.parquet", {"colour": ["red"], name: [1]})
        elif suffix == "csv":
            write(tmp_path / f"{name}.csv", f"colour,{name}\nred,1\n")
        else:
            write(tmp_path / f"{name}.jsonl", f'{{"colour": "red"}}\n{{"colour": "red", "{name}": 1}}\n')
    with pytest.raises(Invalid, match=r"column: got 'color', .* Did you mean colour\?"):
        source_of(tmp_path, columns=("color",))
    with pytest.raises(Invalid, match=r"column: got 'color', .* Did you mean colour\?"):
        source_of(tmp_path, exclude=("color",))
    with pytest.raises(Invalid, match=r"'upper\(color\)' at character 7: got 'color'.* Did you mean colour\?"):
        source_of(tmp_path, select=("upper(color)",))
    assert source_of(tmp_path, columns=("x", "y")).tasks
    assert source_of(tmp_path, select=("X + y AS z",)).tasks


def test_er_a_wrong_expression_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="select expression"):
        source_of(tmp_path / "nothing.csv", select=("upper(",))


def test_a_small_input_is_one_task_and_a_large_one_many_that_depend_on_nothing_else(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        parquet(tmp_path / f"{name}.parquet", {"n": range(WHOLE_ROWS // 3)}, rows_per_group=20_000)
    assert len(source_of(tmp_path).tasks) == 1
    parquet(tmp_path / "d.parquet", {"n": range(WHOLE_ROWS)}, rows_per_group=30_000)
    source = source_of(tmp_path)
    assert len(source.tasks) == 2
    assert (
        sum(piece.part.rows or 0 for task in source.tasks for piece in task.pieces)
        == 3 * (WHOLE_ROWS // 3) + WHOLE_ROWS
    )
    assert source == source_of(tmp_path)


def test_a_source_is_a_plain_value_that_travels(tmp_path: Path) -> None:
    parquet(tmp_path / "day=1" / "a.parquet", {"n": [1]})
    source = source_of(tmp_path, select=("n + 1 AS m", "day"))
    again = pickle.loads(pickle.dumps(source))
    assert again == source
    assert rows_of(again) == [{"m": 2, "day": "1"}]


def stored(server: Server, bucket: str, keys: dict[str, bytes]) -> str:
    """A bucket with these objects; its URI."""
    client = server.client()
    server.bucket(bucket)
    for key, data in keys.items():
        client.put_object(Bucket=bucket, Key=key, Body=data)
    return f"s3://{bucket}"


def test_s01_s02_prefixes_and_globs_in_s3(s3: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, s3.environment())
    table = parquet(tmp_path / "x.parquet", {"n": [1, 2]}).read_bytes()
    keys = {
        "log/day=1/a.parquet": table,
        "log/day=1/_SUCCESS": b"",
        "log/day=2/deep/b.csv": b"n,m\n3,4\n",
        "log/day=2/": b"",
        "logs-of-others/c.csv": b"n,m\n5,6\n",
        "one.csv": b"n,m\n7,8\n",
    }
    root = stored(s3, "sources", keys)
    source = source_of(f"{root}/log/", f"{root}/one.csv")
    assert source.objects == (f"{root}/log/day=1/a.parquet", f"{root}/log/day=2/deep/b.csv", f"{root}/one.csv")
    assert source.skipped == 2
    assert rows_of(source)[-2:] == [{"n": "3", "m": "4", "day": "2"}, {"n": "7", "m": "8"}]
    assert source_of(f"{root}/log/**/*.csv").objects == (f"{root}/log/day=2/deep/b.csv",)
    assert source_of(f"{root}/lo*").objects[-1] == f"{root}/logs-of-others/c.csv"
    assert len(source_of(root).objects) == 4
    with pytest.raises(NotFound, match=r"Names that only begin so are found by a \* at the end"):
        source_of(f"{root}/lo")
    with pytest.raises(NotFound, match="no-such-bucket"):
        source_of("s3://no-such-bucket/x")


def test_f09_a_delta_table_in_s3(s3: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from deltalake import write_deltalake

    use(monkeypatch, s3.environment())
    write_deltalake(str(tmp_path / "t"), pa.table({"n": [1, 2], "day": ["a", "b"]}), partition_by=["day"])
    keys = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    root = stored(s3, "delta-sources", keys)
    assert rows_of(source_of(f"{root}/t")) == [{"n": 1, "day": "a"}, {"n": 2, "day": "b"}]


def test_er_04_an_object_may_be_read_by_who_may_not_list(s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    root = stored(s3, "closed", {"x.csv": b"n,m\n7,8\n"})
    use(monkeypatch, s3.environment(WRITER))
    with pytest.raises(Denied, match="s3:ListBucket"):
        source_of(f"{root}/x.csv")
