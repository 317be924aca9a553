"""Which column of a file is which field: by name, by list, by prefix; what is missing, near, or in the way."""

from __future__ import annotations

import pyarrow as pa
import pytest

from driftline.errors import Invalid
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Kind, ModelField, ModelSchema, Role
from driftline.schemas.mapped import Mapped, resolve
from driftline.schemas.rules import ARTHUR

AMOUNT = ModelField("amount", Role.FEATURE, Kind.NUMERIC)
OWNER = ModelField("owner", Role.FEATURE, Kind.STRING)
BUYS = ModelField("buys", Role.PREDICTION, Kind.BOOLEAN)
PROBA = ModelField("proba", Role.SCORE, Kind.NUMERIC)
BOUGHT = ModelField("buys", Role.ACTUAL, Kind.BOOLEAN, of="buys")
SCHEMA = ModelSchema((AMOUNT, OWNER, BUYS, PROBA, BOUGHT))
KEYS = Columns(id="uuid", timestamp="at")


def found(*names: str, kind: pa.DataType | None = None) -> pa.Schema:
    return pa.schema([(name, kind or pa.string()) for name in names])


def places(mapped: Mapped) -> dict[str, str]:
    return {f"{field.role}/{field.name}": name for field, name in mapped.columns}


def codes(mapped: Mapped) -> list[str]:
    return [fault.code for fault in mapped.faults]


def test_every_field_is_in_the_column_of_its_name() -> None:
    """C-01, C-02, F-11: whatever the order of the columns."""
    mapped = resolve(
        KEYS, SCHEMA, found("proba", "at", "buys", "owner", "uuid", "amount", "truth"), content="predictions"
    )
    assert places(mapped) == {
        "feature/amount": "amount",
        "feature/owner": "owner",
        "prediction/buys": "buys",
        "score/proba": "proba",
    }
    assert (mapped.id, mapped.timestamp, mapped.faults) == ("uuid", "at", ())
    assert [fault.code for fault in mapped.warnings] == ["Unmapped_Columns"]
    assert mapped.late == ()


def test_fields_may_be_in_other_columns() -> None:
    """C-03, C-04: by `fields`; the actual of a prediction has the name of its own column."""
    columns = Columns(id="uuid", timestamp="at", fields={"amount": "betrag", "actual/buys": "truth"})
    mapped = resolve(columns, SCHEMA, found("uuid", "at", "betrag", "owner", "buys", "proba", "truth"), content="both")
    assert places(mapped)["feature/amount"] == "betrag"
    assert places(mapped)["prediction/buys"] == "buys"
    assert places(mapped)["actual/buys"] == "truth"
    assert mapped.warnings == ()


def test_a_column_is_not_both_the_prediction_and_its_truth() -> None:
    """J-13: an actual of the prediction's name is not read from the prediction's column by itself."""
    mapped = resolve(KEYS, SCHEMA, found("uuid", "at", "amount", "owner", "buys", "proba"), content="both")
    assert [field.role for field in mapped.missing] == [Role.ACTUAL]
    assert mapped.late == ()
    assert not mapped.faults


def test_files_of_actuals_have_only_these() -> None:
    """J-12: a file of actuals needs no features, and ids."""
    mapped = resolve(KEYS, SCHEMA, found("uuid", "at", "buys", "amount"), content="actuals")
    assert places(mapped) == {"actual/buys": "buys"}
    assert mapped.early == ()
    assert not mapped.warnings
    without = resolve(Columns(), SCHEMA, found("buys"), content="actuals")
    assert codes(without) == ["Missing_Id_Column"]


def test_prefixes_name_fields() -> None:
    """C-05, C-07: `feature/bank` is the feature `bank`; attributions are told from features by their names' end."""
    columns = Columns(
        id="prediction_id",
        lists={"prediction": ("label",)},
        prefixes={"feature": "feature/", "tag": "tag/", "attribution": "shap/"},
    )
    names = found("prediction_id", "label", "feature/bank", "tag/state", "shap/bank", "feature/state", "other")
    mapped = resolve(columns, None, names)
    assert places(mapped) == {
        "prediction/label": "label",
        "feature/bank": "feature/bank",
        "tag/state": "tag/state",
        "attribution/bank_shap": "shap/bank",
        "feature/feature/state": "feature/state",
    }
    shap = next(field for field in mapped.schema if field.role is Role.ATTRIBUTION)
    assert shap.of == "bank"
    assert [use.column for use in mapped.uses if use.becomes == "unmapped"] == ["other"]


def test_a_declared_schema_is_found_behind_prefixes() -> None:
    """C-07: the schema says `bank`, the file `feature/bank`."""
    schema = ModelSchema((ModelField("bank", Role.FEATURE, Kind.STRING), BUYS))
    mapped = resolve(Columns(prefixes={"feature": "feature/"}), schema, found("feature/bank", "buys", "feature/new"))
    assert places(mapped)["feature/bank"] == "feature/bank"
    assert [(field.name, field.role) for field in mapped.added] == [("new", Role.FEATURE)]


def test_lists_name_columns() -> None:
    """C-06: lists of features and tags leave the other columns alone."""
    columns = Columns(lists={"feature": ("a", "b"), "tag": ("c",), "prediction": ("y",)})
    mapped = resolve(columns, None, found("a", "b", "c", "d", "y"))
    assert set(places(mapped)) == {"feature/a", "feature/b", "tag/c", "prediction/y"}


def test_all_that_is_left_is_a_feature() -> None:
    """C-08: without a schema, prefix or list, but what is excluded; names beginning with _ are the tables' own."""
    columns = Columns(id="id", timestamp="at", lists={"prediction": ("y",)}, exclude=("secret",))
    mapped = resolve(columns, None, found("id", "at", "y", "a", "b", "secret", "_hidden"))
    assert set(places(mapped)) == {"prediction/y", "feature/a", "feature/b"}
    assert {use.column: use.becomes for use in mapped.uses} == {
        "id": "id",
        "at": "timestamp",
        "y": "prediction",
        "a": "feature",
        "b": "feature",
        "secret": "excluded",
        "_hidden": "unmapped",
    }
    assert [fault.code for fault in mapped.warnings] == ["Reserved_Name"]


def test_members_of_structs_are_columns() -> None:
    """F-11: by dotted names; a column of that very name goes first."""
    schema = pa.schema(
        [
            ("a", pa.struct([("b", pa.struct([("c", pa.int64())])), ("d", pa.string())])),
            ("a.d", pa.float64()),
            ("y", pa.bool_()),
        ]
    )
    mapped = resolve(Columns(lists={"prediction": ("y",)}), None, schema)
    assert {field.name: str(field.kind) for field in mapped.schema} == {
        "a.b.c": "numeric",
        "a.d": "numeric",
        "y": "boolean",
    }


def test_missing_columns_tell_what_was_perhaps_meant() -> None:
    """C-11, ER-10, D-06, D-08: with the field to edit and a near name; ER-24: a lost feature does not stop a file."""
    mapped = resolve(KEYS, SCHEMA, found("uuid", "at", "Amount ", "owner", "buys", "proba"), content="predictions")
    assert not mapped.faults
    fault = mapped.warnings[0]
    assert (fault.code, fault.field, fault.column, fault.value) == ("Missing_Columns", "amount", "amount", "Amount ")
    assert "perhaps it is 'Amount '" in fault.message
    assert "columns of the job" in fault.message
    assert [field.name for field in mapped.missing] == ["amount"]


def test_a_file_without_any_prediction_is_refused() -> None:
    """ER-10: the wrong file."""
    mapped = resolve(KEYS, SCHEMA, found("uuid", "at", "amount", "Buy"), content="predictions")
    assert set(codes(mapped)) == {"Missing_Columns"}
    assert {fault.field for fault in mapped.faults} >= {"buys", "proba"}


def test_missing_keys_are_refused() -> None:
    """C-02, R-01: with the near name."""
    mapped = resolve(KEYS, SCHEMA, found("UUID", "time", "amount", "owner", "buys", "proba"), content="predictions")
    assert [(fault.code, fault.field) for fault in mapped.faults] == [
        ("Missing_Columns", "id"),
        ("Missing_Columns", "timestamp"),
    ]
    assert "perhaps it is 'UUID'" in mapped.faults[0].message


def test_new_columns_are_told() -> None:
    """F-12, ER-24: not fatal, and what they would be."""
    schema = pa.schema([("amount", pa.float64()), ("buys", pa.bool_()), ("extra", pa.int32())])
    mapped = resolve(Columns(), ModelSchema((AMOUNT, BUYS)), schema)
    assert [(fault.code, fault.column) for fault in mapped.warnings] == [("Unmapped_Columns", "extra")]
    assert mapped.added == (ModelField("extra", Role.FEATURE, Kind.NUMERIC, whole=True),)


def test_reserved_doubled_and_empty_names_are_refused() -> None:
    """R-07."""
    schema = ModelSchema((ModelField("uuid", Role.FEATURE, Kind.STRING), BUYS))
    mapped = resolve(Columns(id="uuid"), schema, found("uuid", "buys", "a", "a", " "))
    assert sorted(codes(mapped)) == ["Duplicate_Columns", "Empty_Column_Name", "Reserved_Columns"]
    both = resolve(Columns(id="uuid", timestamp="uuid"), schema, found("uuid", "buys"))
    assert "Reserved_Columns" in codes(both)


@pytest.mark.parametrize("role", [Role.FEATURE, Role.TAG])
def test_names_of_attributions_are_for_attributions(role: Role) -> None:
    """R-04."""
    schema = ModelSchema((ModelField("age_shap", role, Kind.NUMERIC), BUYS))
    mapped = resolve(Columns(), schema, found("age_shap", "buys"))
    assert codes(mapped) == ["Reserved_Suffix"]
    assert "prefix" in mapped.faults[0].message


def test_arthur_forbids_its_own_members() -> None:
    """R-11."""
    schema = ModelSchema((ModelField("instances", Role.FEATURE, Kind.NUMERIC), BUYS))
    assert codes(resolve(Columns(), schema, found("instances", "buys"), forbidden=ARTHUR)) == ["Forbidden_Name"]
    assert codes(resolve(Columns(), schema, found("instances", "buys"))) == []


@pytest.mark.parametrize(
    ("field", "code"),
    [
        (ModelField("f", Role.SCORE, Kind.STRING), "Invalid_Kind"),
        (ModelField("f", Role.TAG, Kind.LIST), "Invalid_Kind"),
        (ModelField("f", Role.ATTRIBUTION, Kind.STRING), "Invalid_Kind"),
        (ModelField("f", Role.PREDICTION, Kind.TIMESTAMP), "Invalid_Kind"),
        (ModelField("f", Role.FEATURE, Kind.TENSOR, (1,)), "Invalid_Dimension"),
        (ModelField("f", Role.FEATURE, Kind.TENSOR, (200, 101)), "Invalid_Dimension"),
        (ModelField("f", Role.SCORE, Kind.NUMERIC, of="x" * 101), "Invalid_Class_Name"),
    ],
)
def test_kinds_and_sizes_are_held_to_the_rules(field: ModelField, code: str) -> None:
    """R-03, R-04, R-05, R-06."""
    mapped = resolve(Columns(), ModelSchema((field,)), found("f"))
    assert codes(mapped) == [code]
    assert mapped.faults[0].field == "f"


def test_there_are_only_so_many_classes_and_embeddings() -> None:
    """R-05, R-06."""
    scores = [ModelField(f"c{n}", Role.SCORE, Kind.NUMERIC, of=f"c{n}") for n in range(501)]
    vectors = [ModelField(f"v{n}", Role.FEATURE, Kind.TENSOR, (2,)) for n in range(31)]
    schema = ModelSchema((*scores, *vectors))
    mapped = resolve(Columns(), schema, found(*(each.name for each in schema)))
    assert codes(mapped) == ["Too_Many_Classes", "Too_Many_Embeddings"]


def test_uses_show_kinds_and_values() -> None:
    """D-05: what each column becomes, its kind and three values."""
    batch = pa.record_batch({"uuid": ["a", "b", "c", "d"], "amount": [None, 1.5, 2.0, 3.0], "buys": [True] * 4})
    mapped = resolve(Columns(id="uuid"), ModelSchema((AMOUNT, BUYS)), batch.schema).sampled(batch)
    assert [(use.column, use.becomes, use.kind, use.samples) for use in mapped.uses] == [
        ("uuid", "id", "string", ("a", "b", "c")),
        ("amount", "feature", "numeric", ("1.5", "2", "3")),
        ("buys", "prediction", "boolean", ("true", "true", "true")),
    ]


def test_roles_that_do_not_exist_are_refused() -> None:
    with pytest.raises(Invalid, match="features"):
        resolve(Columns(prefixes={"features": "f/"}), None, found("f/a"))


def test_only_so_many_columns_are_named() -> None:
    """ER-24: the ledger keeps what is told with every file."""
    mapped = resolve(Columns(), ModelSchema((BUYS,)), found("buys", *(f"extra{place}" for place in range(500))))
    assert len(mapped.warnings) == 21
    assert sum(fault.count for fault in mapped.warnings) == 500
    assert len(mapped.added) == 500
