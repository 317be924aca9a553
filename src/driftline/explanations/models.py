"""The table of models: what a text on the command line names, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from driftline.errors import Invalid
from driftline.explanations import functions, mlflow, onnx, xgboost
from driftline.explanations.endpoint import Endpoint, Invoke
from driftline.explanations.model import Model

MODELS: dict[str, Callable[[str], Model]] = {
    ".onnx": onnx.load,
    ".json": xgboost.load,
    ".ubj": xgboost.load,
}
"""How a file is opened, by how its name ends."""

PICKLES = (".pkl", ".pickle", ".joblib", ".sav")

_EXPECTED = "a URL, module:function, file.py:function, a file ending in .onnx, .json or .ubj, or a folder of MLflow"


def open_model(
    named: str,
    predictor: Mapping[str, Any] | None = None,
    invoke: Callable[[str], Invoke] | None = None,
    folder: Path | None = None,
) -> Model:
    """The model that a text names: a URL (`http://...`), `module:function`, or a file or folder.

    `predictor` has the members of Clarify's, which tell an endpoint's types and templates; `invoke` makes what calls a
    URL; files and modules are looked for in `folder`. Raises `Invalid` for what names no model and for pickles.
    """
    if named.startswith(("http://", "https://")):
        if invoke is None:
            raise Invalid(what="model", got=named, expected="a model that needs no network")
        return Endpoint.of(invoke(named), named, predictor or {})
    path = Path(named) if folder is None else folder / named
    kind = MODELS.get(path.suffix.lower())
    if kind is not None:
        return kind(str(path))
    if (path / "MLmodel").is_file():
        return mlflow.load(str(path))
    if path.suffix.lower() in PICKLES:
        remedy = "Loading it runs any code in it: write a function that loads it, and name that as module:function."
        raise Invalid(what="model", got=named, expected="no pickle", remedy=remedy)
    if ":" in named:
        return functions.load(named, folder)
    raise Invalid(what="model", got=named, expected=_EXPECTED)
