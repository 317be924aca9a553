"""What to know before rows are taken as a baseline of model quality."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan

from driftline.monitors.quality import BINARY, LIMITED, Quality

ENOUGH_ROWS, ROWS_FOR_DEVIATIONS = 100, 200


def caveats_of(quality: Quality, positive: str) -> Iterator[str]:
    """What to know: too few rows, classes that are missing, metrics that cannot be limited.

    >>> next(caveats_of(Quality("Regression", 9, 9, ()), "1"))
    'The baseline has 9 rows with a prediction and a label; 100 or more are recommended, fewer say little.'
    """
    if quality.labelled < ENOUGH_ROWS:
        yield (
            f"The baseline has {quality.labelled:,} rows with a prediction and a label; "
            f"{ENOUGH_ROWS} or more are recommended, fewer say little."
        )
    elif quality.labelled < ROWS_FOR_DEVIATIONS:
        yield f"With fewer than {ROWS_FOR_DEVIATIONS} labelled rows there are no standard deviations."
    if quality.matrix is not None and quality.labelled:
        yield from _missing_classes(quality, positive)
    named = quality.named
    limited = LIMITED.get(quality.problem_type, tuple(named))
    for name in (name for name in limited if name in named and isnan(named[name].value)):
        yield f"There is no limit on {name}: {named[name].reason}."


def _missing_classes(quality: Quality, positive: str) -> Iterator[str]:
    assert quality.matrix is not None
    actual = dict(zip(quality.matrix.labels, quality.matrix.actual.tolist(), strict=True))
    absent = [name for name, count in actual.items() if not count]
    if absent:
        shown = ", ".join(map(repr, absent[:10]))
        yield f"No row of the baseline is of class {shown}: it should have rows of every class."
    if quality.problem_type == BINARY and len(quality.classes) > 2:
        shown = ", ".join(map(repr, quality.classes[:5]))
        yield f"There are {len(quality.classes)} classes ({shown}); all but {positive!r} are negative."
