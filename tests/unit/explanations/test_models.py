"""Models of every kind: functions, files of ONNX and XGBoost, folders of MLflow; what a server takes and answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftline.errors import Invalid, NotFound, SchemaMismatch, ScriptFailed, Unreadable
from driftline.explanations.explainer import explain
from driftline.explanations.model import NotApplicable, ask, matrix_of
from driftline.explanations.models import open_model
from driftline.explanations.requests import CSV, JSON, LINES, Template
from driftline.explanations.responses import Location
from driftline.explanations.settings import Settings

CHURN = Path(__file__).resolve().parents[4] / "shared" / "data" / "aws-churn"
ROWS = pa.record_batch({"age": [40, 41], "size": [1.5, None], "sex": ["f", 'a "b", c']})


@pytest.mark.parametrize("form", ["", "#arrow", "#pandas", "#numpy", "#rows"])
def test_a_function_is_handed_rows_as_it_likes_them(tmp_path: Path, form: str) -> None:
    """EX-04: a batch, a data frame, a matrix, or a list of dicts."""
    (tmp_path / "scoring.py").write_text(
        "import numpy\n"
        "def score(rows):\n"
        "    if isinstance(rows, numpy.ndarray): return rows.sum(axis=1)\n"
        "    if isinstance(rows, list): return [sum(row.values()) for row in rows]\n"
        "    return [sum(row) for row in zip(*[rows[name].tolist() if hasattr(rows[name], 'tolist')\n"
        "                                      else rows[name].to_pylist() for name in ('a', 'b')])]\n"
    )
    model = open_model(f"scoring.py:score{form}", folder=tmp_path)
    assert ask(model, pa.record_batch({"a": [1.0, 2.0], "b": [3.0, 4.0]})).tolist() == [[4.0], [6.0]]


def test_a_module_and_an_object_of_it(tmp_path: Path) -> None:
    """`module:object.method`, found in the folder that is told."""
    (tmp_path / "driftline_scores.py").write_text(
        "class Model:\n"
        "    def predict_proba(self, rows):\n"
        "        return [[0.2, 0.8]] * len(rows)\n"
        "classifier = Model()\n"
    )
    model = open_model("driftline_scores:classifier.predict_proba#rows", folder=tmp_path)
    assert ask(model, ROWS).tolist() == [[0.2, 0.8], [0.2, 0.8]]


def test_functions_that_fail_say_where(tmp_path: Path) -> None:
    """The line of the user's own file."""
    (tmp_path / "broken.py").write_text("def score(rows):\n    return rows['nothing']\n")
    (tmp_path / "odd.py").write_text("x = 1\ny = 1 / 0\n")
    with pytest.raises(ScriptFailed, match=r"broken.py:score.*KeyError"):
        ask(open_model("broken.py:score", folder=tmp_path), ROWS)
    with pytest.raises(ScriptFailed, match=r"line 2: ZeroDivisionError"):
        open_model("odd.py:x", folder=tmp_path)


@pytest.mark.parametrize(("raised", "said"), [("Own('mine')", "Own: mine"), ("SystemExit(3)", "SystemExit: 3")])
def test_functions_may_raise_anything(tmp_path: Path, raised: str, said: str) -> None:
    """EX-08: an error of a library's own is the model's fault, not ours; and a model does not end the command."""
    (tmp_path / "own.py").write_text(f"class Own(Exception): pass\n\ndef score(rows):\n    raise {raised}\n")
    with pytest.raises(ScriptFailed, match=f"line 4: {said}"):
        ask(open_model("own.py:score", folder=tmp_path), ROWS)


@pytest.mark.parametrize(
    ("named", "error", "said"),
    [
        ("nothing.py:score", NotFound, "nothing.py"),
        ("no_such_module_of_ours:score", NotFound, "PYTHONPATH"),
        ("math:no_such_function", NotFound, "math has no"),
        ("math:pi", Invalid, "a function called pi"),
        ("math:fsum#table", Invalid, "#pandas"),
        ("model.joblib", Invalid, "runs any code"),
        ("model.pkl", Invalid, "no pickle"),
        ("model", Invalid, "module:function"),
        ("http://127.0.0.1:1/", Invalid, "no network"),
        ("nothing.json", NotFound, "nothing.json"),
        ("nothing.onnx", Unreadable, "nothing.onnx"),
    ],
)
def test_what_names_no_model_is_told(tmp_path: Path, named: str, error: type[Exception], said: str) -> None:
    """With what would have been right."""
    with pytest.raises(error, match=said):
        open_model(named, folder=tmp_path)


def test_texts_are_not_numbers() -> None:
    """A model of numbers is not handed texts; texts that read as numbers are."""
    with pytest.raises(SchemaMismatch, match=r"'sex': got 'f'"):
        matrix_of(ROWS)
    assert matrix_of(pa.record_batch({"a": ["1", "", None, "nan", "2.5"]}))[:, 0].tolist()[::4] == [1.0, 2.5]


def test_xgboost_gives_the_published_answer() -> None:
    """The churn example's model: 0.0363977, as SageMaker's captured data has it; its attributions add up."""
    pytest.importorskip("xgboost")
    if not CHURN.exists():
        pytest.skip("needs data/aws-churn in the folder `shared` beside the repository")
    model = open_model(str(CHURN / "xgb-churn.json"))
    lines = (CHURN / "test-dataset-input-cols.csv").read_text().splitlines()[1:]
    cells = np.array([[float(cell) for cell in line.split(",")] for line in lines])
    rows = pa.record_batch({f"f{place}": np.ascontiguousarray(cells[:, place]) for place in range(69)})
    line = "132,10,182.9,54,292.4,68,142.3,116,11.5,4,0"
    (place,) = [place for place, each in enumerate(lines) if each.startswith(line)]
    assert ask(model, rows[place : place + 1])[0, 0] == pytest.approx(0.0363977, abs=5e-8)
    found = pa.Table.from_batches(explain([rows[:5]], model, Settings(rows[20:21], 100)))
    sums = np.sum([found[f"label0/f{place}"].to_numpy() for place in range(69)], axis=0)
    expected = found["label0/(expected value)"].to_numpy()
    np.testing.assert_allclose(sums + expected, found["label0/(prediction)"].to_numpy(), atol=1e-6)
    with pytest.raises(NotApplicable, match="69 features, got 2"):
        ask(model, rows.select(["f1", "f2"]))


def test_a_file_that_is_no_model_is_told(tmp_path: Path) -> None:
    """Not by a trace of the library."""
    pytest.importorskip("xgboost")
    pytest.importorskip("onnxruntime")
    for name in ("some.json", "some.onnx"):
        (tmp_path / name).write_text('{"a": 1}')
        with pytest.raises(Unreadable, match=name):
            open_model(name, folder=tmp_path)


@pytest.mark.parametrize("apart", [False, True])
def test_onnx_is_run(tmp_path: Path, apart: bool) -> None:
    """EX-04: one input with all features, or one for each; the output of probabilities is found among others."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    of, kinds = onnx.helper, onnx.TensorProto
    names = ["a", "b"]
    if apart:
        inputs = [of.make_tensor_value_info(name, kinds.FLOAT, [None, 1]) for name in names]
        nodes = [of.make_node("Add", names, ["sum"])]
    else:
        inputs = [of.make_tensor_value_info("x", kinds.FLOAT, [None, 2])]
        nodes = [of.make_node("MatMul", ["x", "w"], ["sum"])]
    nodes += [
        of.make_node("Sigmoid", ["sum"], ["probabilities"]),
        of.make_node("Cast", ["probabilities"], ["label"], to=kinds.INT64),
    ]
    outputs = [
        of.make_tensor_value_info("label", kinds.INT64, [None, 1]),
        of.make_tensor_value_info("probabilities", kinds.FLOAT, [None, 1]),
    ]
    weights = [of.make_tensor("w", kinds.FLOAT, [2, 1], [1.0, 1.0])]
    graph = of.make_graph(nodes, "model", inputs, outputs, [] if apart else weights)
    path = tmp_path / "model.onnx"
    onnx.save(of.make_model(graph, opset_imports=[of.make_opsetid("", 17)], ir_version=8), path)
    rows = pa.record_batch({"a": [0.0, 1.0], "b": [0.0, 1.0]})
    assert ask(open_model(str(path)), rows)[:, 0].tolist() == pytest.approx([0.5, 1 / (1 + np.exp(-2))])
    if not apart:
        with pytest.raises(NotApplicable, match="onnxruntime says"):
            ask(open_model(str(path)), pa.record_batch({"a": [0.0], "b": [0.0], "c": [0.0]}))


def test_bodies_are_what_models_take() -> None:
    """EX-03: CSV with quotes where they are needed, JSON lines by template, JSON with a list of records."""
    assert Template(CSV).body(ROWS).decode().splitlines() == ["40,1.5,f", '41,,"a ""b"", c"']
    lines = Template(LINES, '{"instance": $features}').body(ROWS).decode().splitlines()
    assert [json.loads(line) for line in lines] == [{"instance": [40, 1.5, "f"]}, {"instance": [41, None, 'a "b", c']}]
    pairs = Template(JSON, '{"rows": $records, "of": "us"}', "$features_kvp").body(ROWS)
    assert json.loads(pairs) == {"rows": ROWS.to_pylist(), "of": "us"}
    named = Template(JSON, '{"rows": $records}', '{"sex": "${sex}", "old": $age}').body(ROWS)
    assert json.loads(named)["rows"] == [{"sex": "f", "old": 40}, {"sex": 'a "b", c', "old": 41}]
    assert json.loads(Template(JSON, '{"instances": [$features]}').body(ROWS[:1])) == {"instances": [[40, 1.5, "f"]]}
    assert json.loads(Template(JSON, '{"one": $record}', "$features_kvp").body(ROWS[:1]))["one"]["sex"] == "f"


def test_bodies_are_cut() -> None:
    """By number and by size; templates for a single record have one each."""
    rows = pa.record_batch({"a": list(range(100))})
    assert [number for number, _ in Template(CSV).bodies(rows, 40, 1 << 20)] == [40, 40, 20]
    sizes = [len(body) for _, body in Template(CSV).bodies(rows, 100, 60)]
    assert max(sizes) <= 60
    assert b"".join(body for _, body in Template(CSV).bodies(rows, 100, 60)) == Template(CSV).body(rows)
    assert [number for number, _ in Template(JSON, '{"x": $features}').bodies(rows[:3], 100, 60)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("kind", "content", "record", "said"),
    [
        (JSON, None, None, "application/json needs one"),
        (LINES, '{"features": []}', None, "placeholder"),
        ("text/plain", None, None, "text/csv"),
        (LINES, '{"a": $nothing}', None, "nothing"),
    ],
)
def test_odd_templates_are_told(kind: str, content: str | None, record: str | None, said: str) -> None:
    """With what would have been right."""
    with pytest.raises(Invalid, match=said):
        Template(kind, content, record).body(ROWS)


@pytest.mark.parametrize(
    ("location", "body", "found"),
    [
        (Location(CSV), "0.1\n0.2\n", [[0.1], [0.2]]),
        (Location(CSV), "0.1,0.9\n0.2,0.8", [[0.1, 0.9], [0.2, 0.8]]),
        (Location(CSV, 1), 'yes,"[0.1,0.9]"\nno,"[0.2,0.8]"', [[0.1, 0.9], [0.2, 0.8]]),
        (Location(CSV, None, 0), "1,yes\n0,no", [[1.0], [0.0]]),
        (Location(LINES), '{"score": 0.1, "predicted_label": 0}\n{"score": 0.9, "predicted_label": 1}', [[0.1], [0.9]]),
        (Location(LINES, "a.b[1]"), '{"a": {"b": [1, 2]}}\n{"a": {"b": [3, 4]}}', [[2.0], [4.0]]),
        (Location(LINES), "0.1\n[0.2]", None),
        (Location(LINES), "[0.1, 0.9]\n[0.2, 0.8]", [[0.1, 0.9], [0.2, 0.8]]),
        (Location(JSON), '{"predictions": [[0.1, 0.9], [0.2, 0.8]]}', [[0.1, 0.9], [0.2, 0.8]]),
        (Location(JSON), '{"predictions": [0.1, 0.2]}', [[0.1], [0.2]]),
        (Location(JSON), "[0.1, 0.2]", [[0.1], [0.2]]),
        (Location(JSON, "predictions[*].p"), '{"predictions": [{"p": 1}, {"p": 2}]}', [[1.0], [2.0]]),
        (Location(JSON, "p"), '{"predictions": [{"p": 1}, {"p": 2}]}', [[1.0], [2.0]]),
        (Location(JSON, "score"), '{"score": 0.5}', [[0.5]]),
        (Location(CSV), "yes\nno\n", None),
        (Location(CSV, 3), "0.1,0.2", None),
        (Location(JSON), '{"answers": 1}', None),
        (Location(JSON), "not json", None),
        (Location(LINES, "p"), '{"q": 1}', None),
        (Location(CSV), "0.1,0.2\n0.3", None),
    ],
)
def test_numbers_are_found_in_answers(location: Location, body: str, found: list[list[float]] | None) -> None:
    """EX-03, EX-08: or it is told what the answer was."""
    if found is None:
        with pytest.raises(NotApplicable, match="its answer has no numbers"):
            location.numbers(body.encode())
    else:
        assert location.numbers(body.encode()).tolist() == found


def test_the_answers_own_type_decides() -> None:
    """A model that was asked for CSV may answer with JSON all the same."""
    assert Location(CSV).numbers(b'{"predictions": [1, 2]}', "application/json; charset=utf-8").tolist() == [[1], [2]]
    assert Location(CSV).numbers(b"1\n2", "text/html").tolist() == [[1], [2]]


@pytest.mark.parametrize(("settings", "said"), [((JSON, "a["), "JMESPath"), (("text/html",), "text/csv")])
def test_odd_locations_are_told(settings: tuple[Any, ...], said: str) -> None:
    """Before any call."""
    with pytest.raises(Invalid, match=said):
        Location(*settings)


def test_a_folder_of_mlflow_is_run(tmp_path: Path) -> None:
    """EX-04: a data frame goes in, numbers come out; of a frame with other columns the numbers."""
    mlflow = pytest.importorskip("mlflow.pyfunc", reason="needs MLflow, which is no part of the tests' environment")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "driftline_mlflow_model.py").write_text(
        "class Model:\n"
        "    def predict(self, frame):\n"
        "        return frame.assign(score=frame['a'] + frame['b'], said='x')[['score', 'said']]\n"
        "def _load_pyfunc(path):\n"
        "    return Model()\n"
    )
    mlflow.save_model(
        path=str(tmp_path / "model"),
        loader_module="driftline_mlflow_model",
        code_paths=[str(tmp_path / "code" / "driftline_mlflow_model.py")],
        data_path=None,
        pip_requirements=[],
    )
    model = open_model(str(tmp_path / "model"))
    assert ask(model, pa.record_batch({"a": [1.0, 2.0], "b": [0.5, 0.5]})).tolist() == [[1.5], [2.5]]


def test_a_folder_that_mlflow_cannot_load_is_told(tmp_path: Path) -> None:
    """Also where MLflow is not installed."""
    (tmp_path / "MLmodel").write_text("flavors: {}\n")
    with pytest.raises((Invalid, Unreadable), match="MLflow"):
        open_model(str(tmp_path))
