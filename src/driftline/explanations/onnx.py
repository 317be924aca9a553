"""Models in ONNX's format, run by onnxruntime; needs the extra `onnx`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from driftline.errors import Invalid, Unreadable
from driftline.explanations.model import NotApplicable, matrix_of
from driftline.profile.columns import Floats

_KINDS: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}


@dataclass(frozen=True)
class Onnx:
    """A session: one input with all features side by side, or an input for each feature by its name.

    The answer is the output called `output`; without it, the one whose name speaks of probabilities, else the last
    one of numbers.
    """

    session: Any
    output: str | None = None

    def __call__(self, rows: pa.RecordBatch) -> Floats:
        """The numbers of all rows (rows, outputs)."""
        inputs = self.session.get_inputs()
        if len(inputs) == 1 and inputs[0].name not in rows.schema.names:
            fed = {inputs[0].name: _matrix(rows, inputs[0].type)}
        else:
            fed = {each.name: _column(rows, each.name, each.type) for each in inputs}
        try:
            answer = self.session.run([self._output()], fed)[0]
        except _faults() as error:  # as of another number of features
            raise NotApplicable(reason=f"onnxruntime says {' '.join(str(error).split())[:300]}") from error
        if isinstance(answer, list):  # a map for each row, as converters of scikit-learn write it
            answer = [[row[name] for name in sorted(row)] for row in answer]
        found: Floats = np.asarray(answer, dtype=np.float64)
        return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found

    def _output(self) -> str:
        known = {each.name: each.type for each in self.session.get_outputs()}
        if self.output is not None and self.output not in known:
            raise Invalid(what="output of the model", got=self.output, expected=f"one of {', '.join(known)}")
        numeric = [name for name, kind in known.items() if "float" in kind or "double" in kind]
        likely = [name for name in numeric if "prob" in name.lower()]
        chosen = self.output or next(iter(likely), None) or (numeric[-1] if numeric else None)
        if chosen is None:
            raise NotApplicable(reason=f"its outputs are {known}, none of them of numbers")
        return chosen


def load(path: str, output: str | None = None) -> Onnx:
    """The model in a file; raises `Invalid` without onnxruntime and `Unreadable` for what is no model."""
    try:
        import onnxruntime
    except ImportError as error:
        remedy = "pip install 'driftline[onnx]'"
        raise Invalid(what="model", got=path, expected="onnxruntime to be installed", remedy=remedy) from error
    try:
        return Onnx(onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]), output)
    except _faults() as error:
        raise Unreadable(
            uri=path, reason=f"no model in ONNX's format ({' '.join(str(error).split())[:200]})"
        ) from error


def _faults() -> tuple[type[Exception], ...]:
    """What onnxruntime raises, which has no class of its own above it."""
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    return (
        *(errors.Fail, errors.InvalidArgument, errors.InvalidGraph, errors.InvalidProtobuf, errors.NoSuchFile),
        *(errors.NotImplemented, errors.RuntimeException),
    )


def _matrix(rows: pa.RecordBatch, kind: str) -> npt.NDArray[Any]:
    if kind == "tensor(string)":
        texts = [["" if cell is None else str(cell) for cell in column.to_pylist()] for column in rows.columns]
        return np.array(texts, dtype=object).T
    return matrix_of(rows).astype(_KINDS.get(kind, np.float32), order="C")


def _column(rows: pa.RecordBatch, name: str, kind: str) -> npt.NDArray[Any]:
    """A feature as (rows, 1)."""
    if name not in rows.schema.names:
        raise Invalid(what="input of the model", got=name, expected=f"one of {', '.join(rows.schema.names[:8])}")
    return _matrix(rows.select([name]), kind)
