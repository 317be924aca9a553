"""Models of XGBoost as JSON or UBJ files; needs the extra `xgboost`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from driftline.errors import Invalid, NotFound, Unreadable
from driftline.explanations.model import NotApplicable, matrix_of


@dataclass(frozen=True)
class Boosted:
    """A booster, which takes the features by place and answers with probabilities or numbers."""

    booster: Any

    def __call__(self, rows: pa.RecordBatch) -> Any:
        """The numbers of all rows; raises `NotApplicable` if the model takes another number of features."""
        wanted = self.booster.num_features()
        if rows.num_columns != wanted:
            raise NotApplicable(reason=f"it takes {wanted} features, got {rows.num_columns}", remedy="Name them.")
        return self.booster.inplace_predict(matrix_of(rows), validate_features=False)


def load(path: str) -> Boosted:
    """The model in a file; raises `Invalid` without XGBoost, `NotFound` and `Unreadable` for what is no model."""
    try:
        import xgboost
    except ImportError as error:
        remedy = "pip install 'driftline[xgboost]'"
        raise Invalid(what="model", got=path, expected="XGBoost to be installed", remedy=remedy) from error
    try:
        with open(path, "rb"):  # noqa: PTH123
            pass
        return Boosted(xgboost.Booster(model_file=path))
    except OSError as error:
        raise NotFound(what="model", name=path, remedy=str(error)) from error
    except xgboost.core.XGBoostError as error:
        reason = f"no model of XGBoost ({str(error).split('Stack trace')[0][:200]})"
        raise Unreadable(uri=path, reason=" ".join(reason.split())) from error
