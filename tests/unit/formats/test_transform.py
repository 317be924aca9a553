"""Expressions on read: attacks, errors that help, columns that come and go, limits (F-03)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from driftline.errors import Invalid
from driftline.formats.format import ReadOptions
from driftline.formats.sql import session as session_module
from driftline.formats.sql.expressions import parse
from driftline.formats.sql.functions import FUNCTIONS, REFUSED
from driftline.formats.sql.patterns import SIGNS as PATTERN_LETTERS
from driftline.formats.sql.special import SPECIAL
from driftline.formats.transform import transform, wanted
from driftline.problems import Problem


def select(batch: pa.RecordBatch, *expressions: str, **options: Any) -> pa.RecordBatch:
    """The one batch that comes of `batch`."""
    (result,) = transform([batch], ReadOptions(select=expressions, **options))
    assert isinstance(result, pa.RecordBatch)
    return result


ATTACKS = [
    "(select content from read_text('/etc/passwd'))",
    "read_text('/etc/passwd')",
    "read_csv('/etc/passwd')",
    "read_csv_auto('http://127.0.0.1/x')",
    "read_blob('/etc/shadow')",
    "read_parquet('s3://bucket/key')",
    "glob('/*')",
    "a from read_text('/etc/passwd')",
    "a; copy (select 1) to '/tmp/pwned'",
    "1; attach '/tmp/x.db' as x",
    "1; install httpfs",
    "1; load httpfs",
    "1; set enable_external_access = true",
    "1; pragma database_list",
    "current_setting('memory_limit')",
    "getenv('HOME')",
    "getvariable('x')",
    "exists(select 1)",
    "a in (select a from rows)",
    "a = (select max(a) from rows)",
    "row_number() over (order by a)",
    "sum(a) over ()",
    "sum(a)",
    "count(*)",
    "unnest(generate_series(1, 1000000000))",
    "generate_series(1, 1000000000000)",
    "sequence(1, 1000000000000)",
    "range(1, 10)",
    "query('select 1')",
    "query_table('rows')",
    "reflect('java.lang.System', 'exit', '1')",
    "java_method('java.lang.Runtime', 'getRuntime')",
    "input_file_name()",
    "rand()",
    "uuid()",
    "now()",
    "current_timestamp",
    "current_user()",
    "duckdb_settings()",
    "pragma_version()",
    "write_log('x')",
    "sleep_ms(100000)",
    "nextval('s')",
    "txid_current()",
    "error('x')",
    "spark_double(a)",
    "a union select 1",
    "a where 1 = 1",
    "a limit 1",
    "distinct a",
    "* except (a)",
    "columns('.*')",
    "a as b from (select 1 as a)",
    "$1",
    ":name",
    "?",
    "@@version",
    "a collate nocase",
    "interval (select 1) day",
    "cast(a as read_text)",
    "a'; drop table rows; --'",
    "a -- ' \n; copy rows to '/tmp/pwned'",
    "`a` FROM rows; SELECT 1",
    "get_json_object(a, '$.x' || (select 1))",
    "transform(array(1), x -> (select 1))",
    "a.read_text('/etc/passwd')",
    "struct(a, (select 1))",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_er_expressions_cannot_read_files_reach_the_network_or_change_settings(attack: str) -> None:
    batch = pa.record_batch({"a": ["1"]})
    with pytest.raises(Invalid, match="select expression") as caught:
        list(transform([batch], ReadOptions(select=(attack,))))
    assert "root:" not in str(caught.value)
    assert not Path("/tmp/pwned").exists()


@pytest.mark.parametrize(
    "text",
    ["read_text('/etc/passwd')", "'); copy rows to '/tmp/pwned'; --", "\\' or 1=1", 'a"b', "a`b", "\0x", "x' || y"],
)
def test_er_text_in_quotes_stays_text(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    assert select(pa.record_batch({"a": ["1"]}), f"'{escaped}' AS x").to_pylist() == [{"x": text.replace("\0", "")}]


@pytest.mark.parametrize("name", ['a"b', "a'b", "a; drop table rows", "a`b", "read_text", "select", "Zoë ✓", "a.b"])
def test_er_names_stay_names(name: str) -> None:
    spelt = name.replace("`", "``")
    batch = pa.record_batch({name: ["1", "2"]})
    assert select(batch, f"`{spelt}` + 1 AS `{spelt}`").to_pylist() == [{name: 2.0}, {name: 3.0}]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/pwned'",
        "ATTACH '/tmp/pwned.db'",
        "INSTALL httpfs",
        "LOAD '/tmp/x.duckdb_extension'",
        "SELECT * FROM glob('/*')",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SELECT * FROM batch",
    ],
)
def test_er_the_engine_itself_is_locked_too(query: str) -> None:
    import duckdb

    batch = pa.table({"a": [1]})
    assert batch.num_rows
    with pytest.raises(duckdb.Error):
        session_module.Session()._connection.execute(query)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("upper(", "Expecting"),
        ("a +", "behind it"),
        ("", "expected one"),
        ("a, a", "Give --select-expr once for each"),
        ("uper(a)", r"at character 1: got 'uper\(...\)', .* Did you mean upper"),
        ("1 + uper(a)", "at character 5"),
        ("avg(a)", "aggregate over rows"),
        ("rank()", "looks at other rows"),
        ("now()", "must be repeatable"),
        ("json_tuple(a, 'x')", r"get_json_object\(j, '\$.a'\)"),
        ("posexplode(n)", "several columns at once"),
        ("a and true", r"of type varchar', expected a condition. Say what is meant by cast\(... as boolean\)"),
        ("cast(a as money)", "Expected TYPE"),
        ("cast(a as binary)", "expected one of the types"),
        ("cast(dt as int)", "a cast of date to integer"),
        ("cast(a as decimal(50, 2))", "at most 38 digits"),
        ("upper(n)", "Use get_json_object, to_json or a.b"),
        ("substring(a)", "1 argument of substring"),
        ("left(a)", "1 arguments of left"),
        ("round(a, b)", "a whole number"),
        ("to_date(a, 'QQQ')", "one of the date letters"),
        ("get_json_object(a, 'x')", r"a path such as \$.a.b\[0\]"),
        ("a rlike '(?=b)'", "invalid perl operator"),
        ("regexp_extract(a, 'b', 1)", "a pattern with group 1"),
        ("dt - dt", "Use datediff"),
        ("explode(a)", "expected list"),
        ("upper(explode(n))", "it by itself"),
        ("n.b", "of a value of type|a struct"),
        ("upper(s.*)", "it by itself"),
        ("if(b > 1, a)", "3 arguments"),
        ("b in (n, a)", "text"),
        ("b in (dt, 1)", "values of one type"),
        ("round(b, 'x')", "a whole number"),
        ("* EXCEPT (a)", r"\* alone"),
        ("transform(n, 1)", "a lambda such as x -> x"),
        ("a AS ``", "name|Expected|Expecting"),
        ("(" * 3_000 + "a" + ")" * 3_000, "nested too deeply|Expecting|behind it"),
        ("a" * 20_000, "20000 characters"),
    ],
)
def test_er_bad_sql_names_the_expression_the_place_and_the_remedy(expression: str, said: str) -> None:
    batch = pa.record_batch({"a": ["1"], "b": [2], "n": [[1]], "dt": pa.array([1], pa.date32())})
    with pytest.raises(Invalid, match=rf"(?s)select expression .*({said})"):
        list(transform([batch], ReadOptions(select=(expression,))))


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_what_is_refused_is_refused_with_its_reason(name: str, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        list(transform([pa.record_batch({"a": ["1"]})], ReadOptions(select=(f"{name}(a)",))))
    assert "select expression" in str(caught.value)


def test_f03_the_result_has_exactly_the_selected_columns_in_their_order() -> None:
    batch = pa.record_batch({"a": ["1"], "b": ["x"], "c": [3]})
    assert select(batch, "b AS first", "a + c AS sum", "a").to_pylist() == [{"first": "x", "sum": 4.0, "a": "1"}]


def test_f03_a_star_keeps_all_columns() -> None:
    batch = pa.record_batch({"a": ["1"], "s": [{"x": 1, "y": "u"}]})
    assert select(batch, "*", "a + 1 AS next").to_pylist() == [{"a": "1", "s": {"x": 1, "y": "u"}, "next": 2.0}]
    assert select(batch, "s.*", "a").to_pylist() == [{"x": 1, "y": "u", "a": "1"}]


def test_f03_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(Invalid, match=r"a second column 'a'.*AS"):
        select(pa.record_batch({"a": ["1"]}), "*", "cast(a AS double) AS a")


def test_f03_names_do_not_look_at_case_and_may_contain_dots() -> None:
    batch = pa.record_batch({"Age": [1], "a.b.0": ["x"], "s": [{"Deep": 2}]})
    assert select(batch, "AGE + 1 AS n", "a.b.`0` AS d", "S.DEEP AS e").to_pylist() == [{"n": 2, "d": "x", "e": 2}]


def test_columns_that_pass_keep_type_and_encoding() -> None:
    batch = pa.record_batch(
        {
            "low": pa.array(["u", "v"]).dictionary_encode(),
            "vector": pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2)),
            "nanos": pa.array([1, 2], pa.timestamp("ns", "Europe/Paris")),
            "big": pa.array([1, 2], pa.decimal256(60, 2)),
            "x": [1, 2],
        }
    )
    result = select(batch, "low", "vector AS v", "nanos", "big", "x + 1 AS y")
    assert [field.type for field in result.schema][:4] == [field.type for field in batch.schema][:4]
    assert result.column("y").to_pylist() == [2, 3]


def test_what_is_computed_from_odd_types() -> None:
    batch = pa.record_batch(
        {
            "low": pa.array(["u", None]).dictionary_encode(),
            "vector": pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
            "zoned": pa.array([0, None], pa.timestamp("ns", "Europe/Paris")),
            "u": pa.array([2**63, None], pa.uint64()),
            "large": pa.array(["x", None], pa.large_string()),
            "view": pa.array(["x", None], pa.string_view()),
            "f": pa.array([0.5, None], pa.float32()),
        }
    )
    result = select(
        batch, "upper(low) AS a", "vector[1] AS b", "hour(zoned) AS c", "u % 10 AS d", "upper(large) AS e",
        "upper(view) AS g", "f + 1 AS h", "cast(zoned as string) AS z",
    )  # fmt: skip
    first, second = result.to_pylist()
    assert {**first, "d": int(first["d"])} == {
        "a": "U", "b": 2.0, "c": 0, "d": 8, "e": "X", "g": "X", "h": 1.5, "z": "1970-01-01 00:00:00"
    }  # fmt: skip
    assert set(second.values()) == {None}


def test_explode_multiplies_the_rows_and_drops_those_of_empty_lists() -> None:
    batch = pa.record_batch({"id": ["a", "b", "c"], "xs": [[1, 2], [], None]})
    assert select(batch, "id", "explode(xs) AS x", "size(xs) AS n").to_pylist() == [
        {"id": "a", "x": 1, "n": 2},
        {"id": "a", "x": 2, "n": 2},
    ]
    assert select(batch, "id", "explode_outer(xs) AS x").column("id").to_pylist() == ["a", "a", "b", "c"]
    with pytest.raises(Invalid, match="a second explode"):
        select(batch, "explode(xs) AS x", "explode(xs) AS y")


def test_f12_a_column_that_a_batch_lacks_is_null_there() -> None:
    old, new = pa.record_batch({"a": ["1"]}), pa.record_batch({"b": ["2"], "a": ["3"]})
    results = transform([old, new], ReadOptions(select=("a", "b", "coalesce(b, 'none') AS c", "a + b AS d")))
    assert [row for batch in results if isinstance(batch, pa.RecordBatch) for row in batch.to_pylist()] == [
        {"a": "1", "c": "none", "d": None},
        {"a": "3", "b": "2", "c": "2", "d": 5.0},
    ]


def test_rows_stay_rows_when_no_column_is_left() -> None:
    assert select(pa.record_batch({"a": ["1", "2"]}), "nothing").num_rows == 2
    assert select(pa.record_batch({"a": ["1", "2"]}), columns=("nothing",)).num_rows == 2
    assert select(pa.record_batch({"a": ["1", "2"]}), "1 AS one").to_pylist() == [{"one": 1}, {"one": 1}]


def test_problems_pass_in_their_place() -> None:
    problem = Problem("x.csv", "bad line", line=3)
    batch = pa.record_batch({"a": ["1"]})
    results = list(transform([batch, problem, batch], ReadOptions(select=("a + 1 AS b",))))
    assert results[1] is problem
    assert len(results) == 3


def test_zero_rows_give_zero_rows_of_the_right_types() -> None:
    empty = pa.record_batch({"a": pa.array([], pa.string())})
    result = select(empty, "cast(a AS double) AS x", "explode(split(a, ',')) AS y")
    assert (result.num_rows, result.schema.field("x").type) == (0, pa.float64())


def test_columns_and_exclude_choose_after_the_expressions() -> None:
    batch = pa.record_batch({"a": [1], "s": [{"x": 1, "y": "u"}], "c": [3]})
    assert select(batch, columns=("c", "a")).schema.names == ["a", "c"]
    assert select(batch, exclude=("a", "s.y")).to_pylist() == [{"s": {"x": 1}, "c": 3}]
    assert select(batch, columns=("s.y",)).to_pylist() == [{"s": {"y": "u"}}]
    assert select(batch, "*", "a + c AS d", exclude=("a",), columns=("a", "d")).to_pylist() == [{"d": 4}]


def test_an_expression_that_fails_on_a_value_gives_null_there_and_keeps_the_rest() -> None:
    batch = pa.record_batch({"a": pa.array([1, 2**31 - 1, 3], pa.int32()), "b": ["x", "y", "z"]})
    assert select(batch, "a + 1 AS n", "upper(b) AS u").to_pylist() == [
        {"n": 2, "u": "X"},
        {"n": None, "u": "Y"},
        {"n": 4, "u": "Z"},
    ]


def test_a_part_that_fails_and_occurs_twice_fails_only_in_its_rows() -> None:
    batch = pa.record_batch({"a": pa.array([1, 2**63 - 1], pa.int64())})
    assert select(batch, "(a + 1) * (a + 1) AS n").to_pylist() == [{"n": 4}, {"n": None}]


def test_nothing_is_said_at_the_exit_of_the_interpreter() -> None:
    code = """
import pyarrow as pa
from driftline.formats.format import ReadOptions
from driftline.formats.transform import transform
print([row.to_pylist() for row in transform([pa.record_batch({"a": [1]})], ReadOptions(select=("a + 1 AS b",)))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[[{'b': 2}]]", "")


def test_an_expression_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "SECONDS", 0.3)
    batch = pa.record_batch({"xs": [list(range(1_000))] * 2_000})
    nested = "aggregate(xs, 0L, (a, x) -> a + aggregate(xs, 0L, (b, y) -> (b + x * y) % 7))"
    began = time.monotonic()
    with pytest.raises(Invalid, match="seconds for one batch"):
        select(batch, nested)
    assert time.monotonic() - began < 30
    assert select(pa.record_batch({"a": [1]}), "a + 1 AS b").to_pylist() == [{"b": 2}]


def test_an_expression_that_wants_too_much_memory_is_told_and_the_rest_stays() -> None:
    batch = pa.record_batch({"a": ["x" * 1_000] * 200})
    problem, result = transform([batch], ReadOptions(select=("repeat(a, 100000000) AS big", "length(a) AS n")))
    assert isinstance(problem, Problem)
    assert isinstance(result, pa.RecordBatch)
    assert result.column("big").null_count == 200
    assert result.column("n").to_pylist() == [1_000] * 200


def test_several_threads_transform_at_the_same_time() -> None:
    answers: dict[int, list[Any]] = {}

    def work(number: int) -> None:
        batch = pa.record_batch({"a": [str(number)] * 1_000})
        answers[number] = select(batch, "a * 2 AS b").column("b").to_pylist()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: [number * 2.0] * 1_000 for number in range(8)}


def fault(options: ReadOptions, seen: list[str]) -> Iterator[str]:
    """What is said of each column that is wanted and was not seen."""
    return (str(each.fault(seen)) for each in wanted(options) if not each.is_among(seen))


def test_unknown_columns_are_told_with_those_whose_names_are_close() -> None:
    seen = ["age", "city", "s", "s.x", "tags"]
    assert "Did you mean city?" in next(fault(ReadOptions(columns=("citty",)), seen))
    assert "Did you mean age?" in next(fault(ReadOptions(exclude=("agee",)), seen))
    said = next(fault(ReadOptions(select=("upper(citty) AS c",)), seen))
    assert "'upper(citty) AS c' at character 7: got 'citty'" in said
    assert "Did you mean city?" in said
    assert not list(fault(ReadOptions(select=("AGE", "s.X", "tags.anything", "1 AS one")), seen))
    assert "s.z" in next(fault(ReadOptions(select=("s.z",)), seen))


def test_columns_that_no_expression_gives_are_refused_at_once() -> None:
    with pytest.raises(Invalid, match="Did you mean next"):
        wanted(ReadOptions(select=("age + 1 AS next",), columns=("nxt",)))
    assert [each.name for each in wanted(ReadOptions(select=("s AS t",), columns=("t.x",)))] == ["s"]


@pytest.mark.parametrize("text", ["a", "a AS b", "upper(a)", "s.x", "*"])
def test_parsing_is_remembered(text: str) -> None:
    assert parse(text) is parse(text)


REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "select-expr.md"


def documented() -> list[tuple[str, Any]]:
    """The examples of the reference: expression and answer."""
    rows = re.findall(r"^\| `(.+)` \| `(.+)` \|$", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    return [(expression, json.loads(answer)) for expression, answer in rows]


@pytest.mark.parametrize(("expression", "answer"), documented())
def test_f03_the_examples_of_the_reference_hold(expression: str, answer: Any) -> None:
    row = {
        "age": "41",
        "price": "12.50",
        "name": "Ann Lee",
        "day": "2024-02-29",
        "tags": ["a", "b"],
        "address": {"city": "Rome", "zip": None},
        "payload": '{"a": {"b": [1, 2]}}',
    }
    schema = pa.RecordBatch.from_pylist([{**row, "address": {"city": "Rome", "zip": ""}}]).schema
    (found,) = select(pa.RecordBatch.from_pylist([row], schema), f"{expression} AS x").column("x").to_pylist()
    found = float(found) if isinstance(found, Decimal) else found
    assert (type(found), found) == (type(answer), answer)


def test_the_reference_lists_every_function_and_no_other() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    listed = re.findall(r"`(\w+)`", text[text.index("\n## Functions") : text.index("\nDate patterns know")])
    assert sorted(listed) == sorted({**FUNCTIONS, **SPECIAL})
    assert [name for name in REFUSED if f"`{name}`" not in text] == []
    assert [letters for letters in PATTERN_LETTERS if f"`{letters}`" not in text] == []
