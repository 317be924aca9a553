"""How explanations are made, as Clarify's `methods.shap` and `predictor` tell it; a plain JSON value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_RECORDS = 50_000_000
"""So many synthetic rows are asked of a model at most, if nothing else is said: a minute to an hour of most models."""


@dataclass(frozen=True)
class Settings:
    """`baseline` are the background's rows, as lists or objects, or None to choose `num_clusters` of them (None: 1 to
    12, as many as stand out).

    `num_samples` coalitions are tried for each row at most (None: twice the features and 2,048), and `use_logit`
    explains log-odds. `labels` name the outputs. Rows are sampled so that at most `max_records` synthetic rows are
    asked of the model; None asks for all. Only `features` are told of, by name or place, if there are any: the others
    play their part all the same.
    """

    baseline: Any = None
    num_samples: int | None = None
    use_logit: bool = False
    seed: int = 0
    num_clusters: int | None = None
    labels: tuple[str, ...] = ()
    max_records: int | None = MOST_RECORDS
    features: tuple[str | int, ...] = ()

    def __post_init__(self) -> None:
        """Lists that come from JSON become tuples."""
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "features", tuple(self.features))

    @classmethod
    def of(cls, shap: Mapping[str, Any], predictor: Mapping[str, Any] | None = None) -> Settings:
        """The settings that a configuration holds; a baseline that is a URI must be read before.

        >>> Settings.of({"baseline": [[40]], "num_samples": 100}, {"label_headers": ["good"]}).labels
        ('good',)
        """
        seed, samples, clusters = (shap.get(name) for name in ("seed", "num_samples", "num_clusters"))
        return cls(
            shap.get("baseline"),
            None if samples is None else int(samples),
            bool(shap.get("use_logit") or False),
            0 if seed is None else int(seed),
            None if clusters is None else int(clusters),
            tuple(map(str, (predictor or {}).get("label_headers") or ())),
            features=tuple(shap.get("features_to_explain") or ()),
        )
