"""Rows are made to conform: ids, times, values by kind, rules by role, and the reasons of those that are not kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from driftline.schemas.columns import Columns
from driftline.schemas.conform import Conformed, conform
from driftline.schemas.fields import Environment, Kind, ModelField, ModelSchema, Role
from driftline.schemas.mapped import resolve
from driftline.schemas.rules import CODES, Bounds, Intake, fault_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)
AGE = ModelField("age", Role.FEATURE, Kind.NUMERIC)
LABEL = ModelField("y", Role.PREDICTION, Kind.STRING)
TRUTH = ModelField("truth", Role.ACTUAL, Kind.STRING, of="y")
UTC_TIME = pa.timestamp("us", "UTC")


def conformed(
    rows: dict[str, Any] | pa.RecordBatch,
    *fields: ModelField,
    columns: Columns | None = None,
    content: str | None = None,
    first_row: int = 1,
    **intake: Any,
) -> Conformed:
    batch = rows if isinstance(rows, pa.RecordBatch) else pa.record_batch(rows)
    mapped = resolve(columns or Columns(), ModelSchema(fields), batch.schema, content=content)
    return conform(batch, mapped, Intake(NOW, "file", **intake), first_row)


def early(found: Conformed, name: str) -> list[Any]:
    assert found.early is not None
    values: list[Any] = found.early[name].to_pylist()
    return values


def told(found: Conformed) -> dict[str, tuple[int, ...]]:
    return {each.code: each.rows for each in found.faults}


def test_values_that_fit_are_shared() -> None:
    batch = pa.record_batch({"age": pa.array([1.0, 2.0]), "y": ["a", "b"]})
    found = conformed(batch, AGE, LABEL)
    assert found.early is not None
    assert found.early["age"].buffers()[1].address == batch["age"].buffers()[1].address
    assert found.early["y"].buffers()[2].address == batch["y"].buffers()[2].address
    assert found.early.schema.names == ["_id", "_time", "_batch", "_row", "age", "y"]
    assert found.rejected is None


@pytest.mark.parametrize(
    ("ids", "kept"),
    [
        (pa.array(["a", None, "", "x" * 512, "x" * 513]), [1, 4]),
        (pa.array([1, None, 2], pa.int8()), [1, 3]),
        (pa.array([2**63], pa.uint64()), [1]),
        (pa.array([1.0, 1.5, None, float("inf"), 1e16]), [1]),
        (pa.array(["ü" * 512, "ü" * 513]), [1]),
        (pa.array([True, False]), []),
        (pa.array(["a", None]).dictionary_encode(), [1]),
    ],
    ids=["text", "int8", "uint64", "float", "characters", "boolean", "dictionary"],
)
def test_ids_are_texts_or_whole_numbers(ids: pa.Array, kept: list[int]) -> None:
    """R-01: 1 to 512 characters, no nulls."""
    rows = {"id": ids, "y": ["a"] * len(ids)}
    found = conformed(rows, LABEL, columns=Columns(id="id"))
    assert early(found, "_row") == kept
    assert found.rejected_count == len(ids) - len(kept)
    if found.rejected_count:
        assert set(told(found)) == {"Invalid_Prediction_Id"}


def test_rows_without_ids_have_the_same_ones_again() -> None:
    """R-01: made of the file's key and the row."""
    found = conformed({"y": ["a", "b"]}, LABEL, first_row=11)
    assert early(found, "_id") == ["file-11", "file-12"]
    assert early(found, "_row") == [11, 12]


MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "times",
    [
        pa.array([MOMENT], UTC_TIME),
        pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("ns")),
        pa.array([MOMENT], pa.timestamp("s", "Europe/Berlin")),
        pa.array([int(MOMENT.timestamp())]),
        pa.array([int(MOMENT.timestamp())], pa.int32()),
        pa.array([MOMENT.timestamp()]),
        pa.array([int(MOMENT.timestamp()) * 1000]),
        pa.array([int(MOMENT.timestamp()) * 10**6]),
        pa.array([int(MOMENT.timestamp()) * 10**9]),
        pa.array([MOMENT.timestamp() * 1000]),
        pa.array([Decimal(int(MOMENT.timestamp()))]),
        pa.array(["2026-01-31T12:00:00Z"]),
        pa.array(["2026-01-31t14:00:00.000+02:00"]),
        pa.array(["2026-01-31 12:00:00"], pa.large_string()),
        pa.array(["2026-01-31 12:00:00"], pa.string_view()),
        pa.array([" 2026-01-31T12:00:00.000000000Z "]),
        pa.array([str(int(MOMENT.timestamp()))]),
        pa.array([f"{MOMENT.timestamp():.3f}"]).dictionary_encode(),
    ],
    ids=lambda array: str(array.type),
)
def test_times_are_read_in_every_form(times: pa.Array) -> None:
    """R-02, C-10."""
    found = conformed({"at": times, "y": ["a"]}, LABEL, columns=Columns(timestamp="at"))
    assert early(found, "_time") == [MOMENT]


def test_dates_are_midnights() -> None:
    """R-02."""
    for kind in (pa.date32(), pa.date64()):
        rows = {"at": pa.array([date(2026, 1, 31)], kind), "y": ["a"]}
        found = conformed(rows, LABEL, columns=Columns(timestamp="at"))
        assert early(found, "_time") == [datetime(2026, 1, 31, tzinfo=UTC)]


def test_one_column_may_hold_several_forms() -> None:
    texts = ["2026-01-31T12:00:00Z", "2026-01-31 12:00:00", str(int(MOMENT.timestamp()) * 1000), "31.1.2026", None]
    found = conformed({"at": texts, "y": ["a"] * 5}, LABEL, columns=Columns(timestamp="at"))
    assert early(found, "_time") == [MOMENT] * 3
    assert told(found) == {"Invalid_Timestamp": (4, 5)}
    assert "2026-01-31T12:00:00Z" in fault_of(next(iter(found.faults))).message


def test_missing_times_are_those_of_the_import() -> None:
    """C-10."""
    assert early(conformed({"y": ["a"]}, LABEL), "_time") == [NOW]


def test_times_beyond_the_bounds_are_rejected() -> None:
    """R-02, ER-23: five years back and one ahead, to the moment, as configured."""
    bounds = Bounds()
    first, last = NOW - timedelta(days=bounds.past_days), NOW + timedelta(days=bounds.ahead_days)
    tick = timedelta(microseconds=1)
    times = pa.array([first - tick, first, last, last + tick], UTC_TIME)
    found = conformed({"at": times, "y": ["a"] * 4}, LABEL, columns=Columns(timestamp="at"))
    assert early(found, "_row") == [2, 3]
    assert told(found) == {"Invalid_Timestamp_Value": (1, 4)}
    wide = Bounds(past_days=3650)
    kept = conformed({"at": times, "y": ["a"] * 4}, LABEL, columns=Columns(timestamp="at"), bounds=wide)
    assert early(kept, "_row") == [1, 2, 3]
    endless = Bounds(past_days=1e8, ahead_days=1e8)
    all_rows = conformed({"at": times, "y": ["a"] * 4}, LABEL, columns=Columns(timestamp="at"), bounds=endless)
    assert early(all_rows, "_row") == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (pa.array([1, None], pa.int8()), [1.0, None]),
        (pa.array([1, 2], pa.uint64()), [1.0, 2.0]),
        (pa.array([1.5, float("nan")], pa.float32()), [1.5, None]),
        (pa.array([1.5, None], pa.float16()), [1.5, None]),
        (pa.array([Decimal("1.50"), None]), [1.5, None]),
        (pa.array([True, False]), [1.0, 0.0]),
        (pa.array(["1.5", ""]), [1.5, None]),
        (pa.array(["1.5", "2"]).dictionary_encode(), [1.5, 2.0]),
        (pa.array(["1e3", "+2"], pa.large_string()), [1000.0, 2.0]),
        (pa.array(["1e3", "x"], pa.string_view()), [1000.0, None]),
        (pa.array([float("inf"), 1.0]), [float("inf"), 1.0]),
        (pa.array([[1.0], None]), [None, None]),
        (pa.array([NOW, None], UTC_TIME), [None, None]),
        (pa.nulls(2), [None, None]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_numbers_come_in_every_type(given: pa.Array, wanted: list[float | None]) -> None:
    """R-03; R-08: null and infinite features are allowed."""
    found = conformed({"age": given, "y": ["a", "b"]}, AGE, LABEL)
    assert early(found, "age") == wanted
    assert found.early is not None
    assert found.early.schema.field("age").type == pa.float64()
    assert found.rejected_count == 0


def test_whole_numbers_stay_whole() -> None:
    whole = ModelField("age", Role.FEATURE, Kind.NUMERIC, whole=True)
    big = 2**53 + 1
    assert early(conformed({"age": [big, None]}, whole), "age") == [big, None]
    assert early(conformed({"age": [str(big), "x"]}, whole), "age") == [big, None]
    found = conformed({"age": [1.0, 1.5, float("inf"), 1e300]}, whole)
    assert early(found, "age") == [1, None, None, None]
    assert told(found) == {"Invalid_Value": (2, 3, 4)}
    assert early(conformed({"age": pa.array([2**63, 1], pa.uint64())}, whole), "age") == [None, 1]


def test_texts_are_alike_whatever_their_type() -> None:
    """MQ-11 begins here: 1 and 1.0 are one category."""
    for given in (pa.array(["1", None]), pa.array([1, None]), pa.array([1.0, None]), pa.array([Decimal("1"), None])):
        assert early(conformed({"y": given}, LABEL), "y") == ["1", None]
    assert early(conformed({"y": [True, None]}, LABEL), "y") == ["true", None]


def test_large_numbers_are_written_out() -> None:
    """I-05: an id that came as a float, beside a null, is the id that came as an integer."""
    number = 2**53 - 1
    rows = {"id": pa.array([float(number), 12345678901.0]), "y": ["a", "b"]}
    assert early(conformed(rows, LABEL, columns=Columns(id="id")), "_id") == [str(number), "12345678901"]
    assert early(conformed({"y": pa.array([Decimal("7.00"), Decimal("7.50")])}, LABEL), "y") == ["7", "7.50"]
    assert early(conformed({"y": pa.array([-0.0, 1e300, float("inf")])}, LABEL), "y") == ["0", "1e+300", "inf"]


def test_booleans_come_as_words_and_digits() -> None:
    flag = ModelField("new", Role.FEATURE, Kind.BOOLEAN)
    assert early(conformed({"new": ["True", "no", "1", "0.0", "maybe"]}, flag), "new") == [
        True,
        False,
        True,
        False,
        None,
    ]
    assert early(conformed({"new": [1, 0, 2]}, flag), "new") == [True, False, None]


def test_one_bad_feature_never_loses_a_row() -> None:
    """R-08, R-10: it is null and told, with the value, the row and the column."""
    found = conformed({"age": ["31", "abc", "old"], "y": ["a", "b", "c"]}, AGE, LABEL, first_row=101)
    assert early(found, "age") == [31.0, None, None]
    fault = fault_of(next(iter(found.faults)))
    assert (fault.code, fault.row, fault.column, fault.value) == ("Invalid_Value", 102, "age", "abc")
    assert (fault.count, fault.rows, fault.field) == (2, (102, 103), "age")
    assert fault.message.startswith("row 102, column 'age': 'abc' is not a number, and so in 2 rows")


def test_strict_bounds_reject_it() -> None:
    found = conformed({"age": ["31", "abc"], "y": ["a", "b"]}, AGE, LABEL, bounds=Bounds(strict=True))
    assert early(found, "_row") == [1]


def test_predictions_and_scores_that_cannot_be_read_lose_the_row() -> None:
    """R-05, R-08: and empty ones do not."""
    score = ModelField("p", Role.SCORE, Kind.NUMERIC)
    found = conformed({"y": ["a"] * 5, "p": ["0.5", "high", "inf", "", "7.5"]}, LABEL, score)
    assert early(found, "p") == [0.5, None, 7.5]
    assert told(found) == {"Invalid_Score": (2,), "Infinite_Value": (3,)}
    assert found.rejected is not None
    assert found.rejected["_reason"].to_pylist() == [
        "column 'p': the score 'high' is not a number",
        "column 'p': 'inf' is infinite, expected a finite number",
    ]


def test_scores_of_classes_are_chances() -> None:
    """R-05: in [0, 1]."""
    score = ModelField("cat", Role.SCORE, Kind.NUMERIC, of="cat")
    found = conformed({"cat": [0.0, 1.0, 1.01, -0.1, None]}, score)
    assert early(found, "_row") == [1, 2, 5]
    assert told(found) == {"Score_Out_Of_Range": (3, 4)}


def test_required_fields_may_not_be_empty_or_infinite() -> None:
    """R-08."""
    required = ModelField("age", Role.FEATURE, Kind.NUMERIC, required=True)
    found = conformed({"age": [1.0, None, float("nan"), float("inf")], "y": ["a"] * 4}, required, LABEL)
    assert early(found, "_row") == [1]
    assert told(found) == {"Missing_Value": (2, 3), "Infinite_Value": (4,)}
    lacking = conformed({"y": ["a"]}, required, LABEL)
    assert told(lacking) == {"Missing_Value": (1,)}


def test_ranking_needs_groups_and_ranks() -> None:
    """C-06, M-07."""
    group, rank = ModelField("g", Role.GROUP, Kind.STRING), ModelField("r", Role.RANK, Kind.NUMERIC, whole=True)
    found = conformed({"g": ["a", None, "a", "a"], "r": [1, 1, 0, None]}, group, rank)
    assert early(found, "_row") == [1]
    assert [(each.code, each.column, each.rows) for each in found.faults] == [
        ("Invalid_Rank", "r", (3,)),
        ("Missing_Value", "g", (2,)),
        ("Missing_Value", "r", (4,)),
    ]


def test_embeddings_have_one_length() -> None:
    """R-06, M-04: kept as lists of float32."""
    vector = ModelField("v", Role.FEATURE, Kind.TENSOR, (2,))
    good: list[Any] = [[1.0, 2.0], None]
    for given in (
        pa.array([*good, [1.0], [1.0, None], [1.0, float("nan")]], pa.list_(pa.float64())),
        pa.array([*good, [1.0], [1.0, None], [1.0, float("nan")]], pa.large_list(pa.float32())),
        pa.array(["[1, 2]", None, "[1]", "[1, null]", "1 x"]),
    ):
        found = conformed({"v": given}, vector)
        assert early(found, "v") == [[1.0, 2.0], None, None, None, None]
        assert told(found) == {"Invalid_Embedding": (3, 4, 5)}
        assert found.early is not None
        assert found.early.schema.field("v").type == pa.list_(pa.float32())
    fixed = conformed({"v": pa.array([[1.0, 2.0], None], pa.list_(pa.float16(), 2))}, vector)
    assert early(fixed, "v") == good
    assert early(conformed({"v": ["0.5 1", "0.5, 1"]}, vector), "v") == [[0.5, 1.0]] * 2


def test_tensors_may_have_dimensions() -> None:
    """M-04: rows one after the other."""
    matrix = ModelField("m", Role.FEATURE, Kind.TENSOR, (2, 2))
    nested = pa.array([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0]]], pa.list_(pa.list_(pa.float32())))
    assert early(conformed({"m": nested}, matrix), "m") == [[1.0, 2.0, 3.0, 4.0], None]


def test_lists_are_of_texts() -> None:
    """R-03."""
    words = ModelField("w", Role.FEATURE, Kind.LIST)
    assert early(conformed({"w": [["a", None], None]}, words), "w") == [["a", None], None]
    assert early(conformed({"w": [[1, 2], []]}, words), "w") == [["1", "2"], []]
    assert early(conformed({"w": ['["a", 2]', "a"]}, words), "w") == [["a", "2"], None]


def test_long_texts_are_told() -> None:
    """R-03, R-06."""
    tag, text = ModelField("t", Role.TAG, Kind.STRING), ModelField("x", Role.RAW_INPUT, Kind.TEXT)
    rows = {"t": ["ü" * 20_000, "a" * 20_001], "x": ["a" * 2_000_001, "a"]}
    found = conformed(rows, tag, text)
    assert [value is None for value in early(found, "t")] == [False, True]
    assert [value is None for value in early(found, "x")] == [True, False]
    assert all(len(each.values[0] or "") <= 80 for each in found.faults)


def test_members_of_structs_are_read() -> None:
    inner = ModelField("who.age", Role.FEATURE, Kind.NUMERIC)
    found = conformed({"who": [{"age": 3}, None, {"age": None}], "y": ["a"] * 3}, inner, LABEL)
    assert early(found, "who.age") == [3.0, None, None]


def test_actuals_go_their_own_way() -> None:
    """J-13, C-04: an actual may be null until it is known."""
    rows = {"id": ["a", "b"], "age": [1.0, 2.0], "y": ["x", "x"], "truth": ["x", None]}
    found = conformed(rows, AGE, LABEL, TRUTH, columns=Columns(id="id"), content="both")
    assert early(found, "_id") == ["a", "b"]
    assert found.late is not None
    assert found.late.to_pylist() == [{"_id": "a", "_time": NOW, "_batch": None, "_row": 1, "truth": "x"}]


def test_files_of_actuals() -> None:
    """J-12: unreadable actuals are rejected, empty ones only wait."""
    truth = ModelField("truth", Role.ACTUAL, Kind.BOOLEAN)
    rows = {"id": ["a", "b", "c"], "truth": ["true", "perhaps", None]}
    found = conformed(rows, LABEL, truth, columns=Columns(id="id"), content="actuals")
    assert found.early is None
    assert found.late is not None
    assert found.late["_id"].to_pylist() == ["a"]
    assert found.accepted.to_pylist() == [True, False, True]
    assert told(found) == {"Invalid_Label": (2,)}


def test_training_rows_need_predictions_and_actuals() -> None:
    """M-08."""
    rows = {"y": ["a", None, "a"], "truth": ["a", "a", None]}
    found = conformed(rows, LABEL, TRUTH, environment=Environment.TRAINING)
    assert early(found, "_row") == [1]
    assert told(found) == {"Missing_Prediction": (2,), "Missing_Actual": (3,)}
    assert conformed(rows, LABEL, TRUTH).rejected_count == 0
    loose = conformed(rows, LABEL, TRUTH, environment=Environment.TRAINING, bounds=Bounds(complete=False))
    assert loose.rejected_count == 0
    assert conformed({"y": ["a"]}, LABEL, environment=Environment.TRAINING).rejected_count == 0


def test_validation_rows_need_a_batch() -> None:
    """M-08: of the job or of a column; an empty one is none."""
    rows = {"y": ["a", "b"], "truth": ["a", "a"], "set": ["one", ""]}
    validation = Environment.VALIDATION
    assert told(conformed(rows, LABEL, TRUTH, environment=validation)) == {"Invalid_Batch_Id": (1, 2)}
    by_column = conformed(rows, LABEL, TRUTH, environment=validation, columns=Columns(batch="set"))
    assert early(by_column, "_batch") == ["one"]
    both = conformed(rows, LABEL, TRUTH, environment=validation, columns=Columns(batch="set"), batch="two")
    assert early(both, "_batch") == ["one", "two"]


def test_versions_may_be_in_a_column() -> None:
    """M-12, C-05."""
    found = conformed({"y": ["a", "b"], "v": [1, 2]}, LABEL, columns=Columns(version="v"))
    assert early(found, "_version") == ["1", "2"]


def test_rejected_rows_are_kept_as_they_were() -> None:
    """R-10: all columns as text, with every reason."""
    batch = pa.record_batch(
        {
            "id": pa.array(["a", None, None]),
            "p": pa.array(["0.1", "x", "0.3"]),
            "more": pa.array([{"n": [1, 2]}, {"n": None}, None]),
        }
    )
    score = ModelField("p", Role.SCORE, Kind.NUMERIC)
    found = conformed(batch, score, columns=Columns(id="id"), first_row=5)
    assert found.rejected is not None
    wanted = "a text or whole number of 1 to 512 characters"
    assert found.rejected.to_pylist() == [
        {
            "_row": 6,
            "_code": "Invalid_Prediction_Id",
            "_reason": f"column 'id': the id nothing is not {wanted}; column 'p': the score 'x' is not a number",
            "id": None,
            "p": "x",
            "more.n": None,
        },
        {
            "_row": 7,
            "_code": "Invalid_Prediction_Id",
            "_reason": f"column 'id': the id nothing is not {wanted}",
            "id": None,
            "p": "0.3",
            "more.n": None,
        },
    ]


def test_a_batch_may_lack_columns_of_its_file() -> None:
    """F-12: JSON lines leave members out."""
    mapped = resolve(Columns(), ModelSchema((AGE, LABEL)), pa.schema([("age", pa.int64()), ("y", pa.string())]))
    found = conform(pa.record_batch({"y": ["a"]}), mapped, Intake(NOW, "file"))
    assert early(found, "age") == [None]


def test_no_rows_are_no_trouble() -> None:
    batch = pa.record_batch({"age": pa.array([], pa.string()), "y": pa.array([], pa.string())})
    found = conformed(batch, AGE, LABEL, TRUTH)
    assert (found.accepted_count, found.rejected_count) == (0, 0)
    assert found.early is not None
    assert found.early.schema.field("age").type == pa.float64()


def test_every_code_says_which_rule_it_is() -> None:
    """R-10."""
    assert all(rule.row_id and rule.words and rule.remedy for rule in CODES.values())
