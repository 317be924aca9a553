"""The table of analyzers: which questions are asked of a column of which form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from driftline.profile.analyzer import Analyzer, JointAnalyzer
from driftline.profile.attribution import Attribution
from driftline.profile.confusion import Confusion
from driftline.profile.contingency import Contingency
from driftline.profile.count import Count
from driftline.profile.distinct import Distinct
from driftline.profile.frequent import Frequent
from driftline.profile.kinds import Kinds
from driftline.profile.losses import Losses
from driftline.profile.misses import Misses
from driftline.profile.moments import Lengths, Moments
from driftline.profile.neighbours import Neighbours
from driftline.profile.quantiles import Quantiles
from driftline.profile.ranking import Ranking
from driftline.profile.residuals import Residuals
from driftline.profile.scores import Scores
from driftline.profile.segments import Segments
from driftline.profile.vectors import Vectors
from driftline.profile.votes import Votes
from driftline.schema import Form

Question = Callable[[str], Analyzer[Any]]

ANALYZERS: dict[str, type[Analyzer[Any]]] = {
    "count": Count,
    "kinds": Kinds,
    "moments": Moments,
    "quantiles": Quantiles,
    "distinct": Distinct,
    "frequent": Frequent,
    "lengths": Lengths,
    "vectors": Vectors,
}

JOINT: dict[str, type[JointAnalyzer[Any]]] = {
    "confusion": Confusion,
    "scores": Scores,
    "residuals": Residuals,
    "contingency": Contingency,
    "neighbours": Neighbours,
    "ranking": Ranking,
    "misses": Misses,
    "segments": Segments,
    "votes": Votes,
    "attribution": Attribution,
    "losses": Losses,
}
"""Questions about several columns of the same rows; monitors ask them."""

FORMS: dict[Form, tuple[type[Analyzer[Any]], ...]] = {
    Form.NUMBER: (Count, Kinds, Moments, Quantiles, Distinct, Frequent),
    Form.TEXT: (Count, Kinds, Moments, Quantiles, Distinct, Frequent, Lengths),
    Form.BOOLEAN: (Count, Kinds, Distinct, Frequent),
    Form.TIME: (Count, Kinds, Moments, Quantiles, Distinct),
    Form.VECTOR: (Count, Kinds, Vectors),
    Form.LIST: (Count, Kinds, Lengths, Distinct, Frequent),
    Form.OTHER: (Count, Kinds),
}
