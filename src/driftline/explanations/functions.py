"""Models that are Python functions, named `module:function` or `file.py:function`.

This is also the way for models kept as pickles, joblib files included: loading one runs whatever code is in it, so
Driftline never does so by itself. A function of yours that loads the file you trust is the model.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa

from driftline.errors import Invalid, NotFound, ScriptFailed
from driftline.explanations.model import Model, matrix_of

FORMS: dict[str, Callable[[pa.RecordBatch], Any]] = {
    "arrow": lambda rows: rows,
    "pandas": lambda rows: rows.to_pandas(),
    "numpy": lambda rows: matrix_of(rows).copy(order="K"),
    "rows": lambda rows: rows.to_pylist(),
}
"""What a function may be handed: a batch of Arrow, a data frame, floats (rows, features), or a list of dicts."""


@dataclass(frozen=True)
class Function:
    """A function as a model; `name` is how it was called, `form` one of `FORMS`."""

    function: Callable[[Any], Any]
    name: str
    form: str = "arrow"

    def __call__(self, rows: pa.RecordBatch) -> Any:
        """What the function gives; raises `ScriptFailed` with what it raised, and where."""
        handed = FORMS[self.form](rows)
        try:
            return self.function(handed)
        except (Exception, SystemExit) as error:  # a user's code may raise anything
            raise ScriptFailed(script=self.name, reason=_said(error), line=_line(error)) from error


def load(spec: str, folder: Path | None = None) -> Model:
    """The function that `module:function` names, or `file.py:function`, or `module:object.method`.

    Behind `#` may stand the form in which it takes rows: `arrow` (the default), `pandas`, `numpy` or `rows`. Modules
    are looked for in `folder` too. Raises `NotFound` for what does not exist and `Invalid` for what is no function.

    >>> load("math:fsum#rows").function is __import__("math").fsum
    True
    """
    path, _, form = spec.partition("#")
    place, _, name = path.rpartition(":")
    if not place or not name or (form or "arrow") not in FORMS:
        expected = f"module:function or file.py:function, then #{', #'.join(FORMS)} or nothing"
        raise Invalid(what="model", got=spec, expected=expected)
    found: Any = _module(place, folder)
    for part in name.split("."):
        if not hasattr(found, part):
            raise NotFound(what="function", name=path, remedy=f"{place} has no {part}.")
        found = getattr(found, part)
    if not callable(found):
        raise Invalid(what="model", got=type(found).__name__, expected=f"a function called {name}")
    return Function(found, path, form or "arrow")


def _module(place: str, folder: Path | None) -> ModuleType:
    try:
        if place.endswith(".py"):
            return _file(Path(place) if folder is None else folder / place)
        if folder is not None and str(folder) not in sys.path:
            sys.path.append(str(folder))
        return importlib.import_module(place)
    except NotFound:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name in (place, place.partition(".")[0]):
            raise NotFound(
                what="module", name=place, remedy="Give its folder in PYTHONPATH, or name a file."
            ) from error
        raise ScriptFailed(script=place, reason=_said(error), line=_line(error)) from error


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise NotFound(what="file", name=str(path))
    name = f"driftline_model_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickles look for their module there
    spec.loader.exec_module(module)
    return module


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _line(error: BaseException) -> int | None:
    """The line of the last frame of the error."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return None if trace is None else trace.tb_lineno
