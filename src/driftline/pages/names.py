"""What measures are called for people."""

from __future__ import annotations

from driftline.metrics.metric import METRICS
from driftline.monitors.quality import CONSTANT, NAMED_AT, camel
from driftline.pages.words import measure_title

_SHORT = {
    "label_coverage": "Label coverage",
    "mae": "MAE",
    "mse": "MSE",
    "rmse": "RMSE",
    "mape": "MAPE",
    "r2": "R²",
    "f0_5": "F0.5",
    "f1": "F1",
    "f2": "F2",
    "auc": "AUC (ROC)",
    "au_prc": "AUC (precision-recall)",
    "weighted_f0_5": "Weighted F0.5",
    "weighted_f1": "Weighted F1",
    "weighted_f2": "Weighted F2",
    "ndcg": "nDCG",
    "map": "MAP",
    "mrr": "MRR",
    "matthews_correlation": "Matthews correlation",
    "attribution": "Global attribution",
    "attribution_ndcg": "nDCG of the features",
    "attribution_change": "Change of the attribution",
    "attribution_value_drift": "Drift of local attributions",
    "rank_change": "Change of rank",
}

ESTIMATED = "estimated_"
"""What the names of metrics begin with that were estimated without labels."""


def title_of(name: str) -> str:
    """A measure's name for people, whether ours or as SageMaker's violations spell it.

    >>> title_of("true_positive_rate"), title_of("truePositiveRate"), title_of("f1_best_constant_classifier")
    ('True positive rate', 'True positive rate', 'F1 of the best constant classifier')
    """
    name = _SPELT.get(name, name)
    if name.startswith(ESTIMATED):
        return f"{title_of(name.removeprefix(ESTIMATED))}, estimated"
    if name.endswith(CONSTANT):
        return f"{title_of(name.removesuffix(CONSTANT))} of the best constant classifier"
    whole, cut, place = name.partition(NAMED_AT)
    if cut and whole in METRICS:
        return f"{title_of(whole)} at {place}"
    known = METRICS.get(name)
    if name in _SHORT or known is None or known.takes in ("sketches", "shares"):
        return _SHORT.get(name) or measure_title(name)
    return known.title


_SPELT = {camel(name): name for name in METRICS if camel(name) != name}
