"""What scripts may return and what becomes of it (Q-03, Q-04)."""

from __future__ import annotations

import datetime
import json
from typing import Any

import numpy as np
import pytest

from driftline.scripts.preprocess import batch_of, renamed
from driftline.scripts.rows import MOST, Rows, encode
from driftline.scripts.texts import texts_of


def sent(*found: Any) -> list[dict[str, Any]]:
    """What is sent for what a script returned, one record after the other."""
    answers: list[dict[str, Any]] = []
    rows = Rows(lambda value: answers.append(json.loads(encode(value))))
    for line, each in enumerate(found, 1):
        rows.add(each, line, f"e{line}")
    rows.flush()
    return answers


def test_rows_of_the_same_names_are_sent_with_one_list_of_names() -> None:
    assert sent({"b": 1, "a": "x"}, {"b": None, "a": "y"}) == [{"names": ["b", "a"], "rows": [[1, "x"], [None, "y"]]}]


def test_rows_of_other_names_have_their_own() -> None:
    assert sent({"a": 1}, [{"b": 2}, {}], []) == [{"dicts": [{"a": 1}, {"b": 2}]}]


def test_names_that_are_no_text_and_values_of_other_libraries() -> None:
    moment = datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)
    found = sent({0: np.float32(0.5), 1: np.array([1, 2]), 2: b"x", 3: moment})
    assert found == [{"names": ["0", "1", "2", "3"], "rows": [[0.5, [1, 2], "x", "2026-11-20 00:00:00+00:00"]]}]


def test_a_value_that_no_column_can_hold_is_told_and_the_others_are_kept() -> None:
    first, second, third = sent({"a": 1}, {"a": object()}, {"a": 3})
    assert (first, third) == ({"dicts": [{"a": 1}]}, {"dicts": [{"a": 3}]})
    assert (second["line"], second["id"]) == (2, "e2")
    assert "object has no text" in second["error"]


@pytest.mark.parametrize("wrong", [None, "a,b", 3, ({"a": 1},), [1], [{"a": 1}, None]])
def test_what_is_no_row_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match=r"must return a dict of names and values, a list of such dicts, or \[\]"):
        sent(wrong)


def test_a_script_that_fills_one_dict_again_and_again_gives_different_rows() -> None:
    row: dict[str, int] = {}
    answers: list[Any] = []
    rows = Rows(answers.append)
    for value in range(3):
        row["a"] = value
        rows.add(row, 1, None)
    rows.flush()
    assert answers == [{"names": ["a"], "rows": [[0], [1], [2]]}]


def test_many_rows_are_sent_in_pieces() -> None:
    answers: list[Any] = []
    rows = Rows(answers.append)
    for _ in range(2):
        rows.add([{"a": 1}] * MOST, 1, None)
        rows.flush_if_many()
    assert [len(answer["rows"]) for answer in answers] == [MOST, MOST]


def test_columns_come_in_the_order_of_their_names() -> None:
    """Q-03: padded numbers order as the numbers do; None and empty are missing; kinds are kept in text."""
    batch = batch_of([str(place).zfill(20) for place in (0, 10, 2)], [["x", 1.0, True], ["", None, 3]])
    assert batch.schema.names == [str(place).zfill(20) for place in (0, 2, 10)]
    assert [list(row.values()) for row in batch.to_pylist()] == [["x", "true", "1.0"], [None, "3", None]]


def test_nested_values_become_columns_and_numbers_lists() -> None:
    batch = batch_of(["b", "a"], [[{"x": {"y": 1}}, [1, 2.5]], [None, [3]]])
    assert batch.to_pylist() == [{"a": [1.0, 2.5], "b": None, "b.x.y": "1"}, {"a": [3.0], "b": None, "b.x.y": None}]


def test_half_a_character_is_replaced() -> None:
    assert batch_of(["a"], [["\ud800x"]]).to_pylist() == [{"a": "?x"}]


@pytest.mark.parametrize(
    ("names", "known", "expected"),
    [
        (["000", "001"], ["y", "age"], ["y", "age"]),
        (["000", "002"], ["y", "age", "city"], ["y", "city"]),
        (["001", "002"], ["y", "age"], ["y", "age"]),
        (["000", "001", "002"], ["y", "age"], ["y", "age", "002"]),
        (["000", "001"], ["000", "001"], ["000", "001"]),
        (["000", "001"], None, ["000", "001"]),
        (["a", "b"], ["y", "age"], ["y", "age"]),
        (["a", "b", "c"], ["y", "age"], ["a", "b", "c"]),
        (["a", "y"], ["y", "age"], ["a", "y"]),
    ],
)
def test_numbered_columns_take_the_names_of_the_baseline(
    names: list[str], known: list[str] | None, expected: list[str]
) -> None:
    assert renamed(names, known) == expected


def test_rows_of_csv_with_line_ends_in_quotes_are_one_record() -> None:
    """Q-05."""
    assert list(texts_of(b'a,"b\nc"\n\nd\n"never closed\n', "csv")) == [
        (0, 'a,"b\nc"'),
        (3, "d"),
        (4, '"never closed\n'),
    ]
    assert [place for place, _ in texts_of(b'a,"b\nc"\n', "line")] == [0, 1]
