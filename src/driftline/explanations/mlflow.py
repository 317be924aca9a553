"""Models in folders as MLflow writes them; needs the extra `mlflow`.

MLflow keeps many models as pickles, and loading one runs whatever code is in it: name folders that you trust.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from driftline.errors import Invalid, Unreadable
from driftline.explanations.model import NotApplicable


@dataclass(frozen=True)
class Folder:
    """A model that takes data frames; of an answer with several columns of numbers each is an output."""

    model: Any
    path: str

    def __call__(self, rows: pa.RecordBatch) -> Any:
        """The numbers of all rows."""
        answer = self.model.predict(rows.to_pandas())
        if hasattr(answer, "select_dtypes"):
            numeric = answer.select_dtypes("number")
            if not len(numeric.columns):
                raise NotApplicable(reason=f"{self.path} answers with {list(answer.columns)}, no numbers")
            return numeric.to_numpy()
        return answer


def load(path: str) -> Folder:
    """The model in a folder; raises `Invalid` without MLflow and `Unreadable` for a folder that cannot be loaded."""
    try:
        import mlflow.pyfunc
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        remedy = "pip install 'driftline[mlflow]'"
        raise Invalid(what="model", got=path, expected="MLflow to be installed", remedy=remedy) from error
    try:
        return Folder(mlflow.pyfunc.load_model(path), path)
    except (MlflowException, ImportError, OSError) as error:
        reason = f"MLflow cannot load it ({' '.join(str(error).split())[:200]})"
        raise Unreadable(uri=path, reason=reason, remedy="Install what the model needs.") from error
