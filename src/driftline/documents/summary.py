"""The statistics of a data set for machines: what the table on a terminal shows, with quantiles, and no sketch."""

from __future__ import annotations

from typing import Any

from driftline.profile import Column, Profile
from driftline.schema import Form

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
MOST = 20
"""So many of the most frequent values are told."""


def write(profile: Profile) -> dict[str, Any]:
    """Rows, columns and the columns that failed; members that do not apply to a column are left out."""
    known = [column for column in profile.columns if column.name not in profile.failures]
    return {"rows": profile.rows, "columns": [_column(column) for column in known], "failures": dict(profile.failures)}


def _column(column: Column) -> dict[str, Any]:
    moments = column.moments
    found: dict[str, Any] = {
        "name": column.name,
        "type": column.kinds.inferred,
        "form": column.form.value,
        "present": column.present,
        "missing": column.missing,
        "nan": column.nan,
        "kinds": {
            "integral": column.kinds.integral,
            "fractional": column.kinds.fractional,
            "boolean": column.kinds.boolean,
            "string": column.kinds.string,
        },
    }
    if moments.count:
        found["numbers"] = {
            "count": moments.count,
            "infinite": moments.infinite,
            "mean": moments.mean,
            "sum": moments.sum,
            "std_dev": moments.std_dev,
            "min": moments.minimum,
            "max": moments.maximum,
            "quantiles": {str(q): float(column.sketch.quantile(q)) for q in QUANTILES},
        }
    if column.form is Form.VECTOR:
        vector = column.vector
        found["vectors"] = {"dimension": vector.dimension, "norm_mean": vector.norms.mean, "odd": vector.odd}
    else:
        found["distinct"] = column.distinct
        found["frequent"] = dict(list(column.frequent.counts.items())[:MOST])
        found["frequent_is_exact"] = column.frequent.exact
    if column.lengths.count:
        found["lengths"] = {"min": column.lengths.minimum, "mean": column.lengths.mean, "max": column.lengths.maximum}
    return found
