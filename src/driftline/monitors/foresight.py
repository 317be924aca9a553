"""What model quality says before the labels are there: estimates as measures, limits on them, and their record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan

from driftline.monitors.estimates import Estimates
from driftline.monitors.quality import LESS, Limit, camel
from driftline.monitors.tracks import track_of, widened
from driftline.monitors.verdict import Compared, Measure, Verdict, Violation
from driftline.profile import Profile

PREFIX = "estimated_"
"""How the measures and limits of estimates begin."""

SUBJECT = "model"


def foreseen(
    asked: Estimates, before: Profile, now: Profile, limits: Mapping[str, Limit], past: Sequence[Compared]
) -> Verdict:
    """Every metric as the baseline's labelled rows let it be expected, and what is beyond a limit for sure.

    `limits` are those whose name begins with `PREFIX`, and `past` are earlier estimates beside what came of them, which
    widen the intervals (`widened`). The verdict's own `estimates` are not widened.
    """
    found = asked.compare(asked.baseline(before), now)
    tracks = {track.name: track for track in track_of(past)}
    wide = [widened(each, tracks[each.name]) if each.name in tracks else each for each in found]
    measures, violations = [], []
    for each in wide:
        name = PREFIX + each.name
        limit = limits.get(name)
        threshold = None if limit is None else limit.threshold
        measures.append(Measure(SUBJECT, name, each.value, threshold, each.reason))
        if limit is not None and limit.violated_by(each.high if limit.operator == LESS else each.low):
            violations.append(Violation(camel(name), limit.operator, each.value, limit.threshold, _said(each, limit)))
    known = {each.name for each in measures}
    measures += [_unmeasured(limit) for name, limit in limits.items() if name not in known]
    return Verdict(tuple(measures), tuple(violations), found, tuple(_notes(wide)))


def unforeseen(limits: Mapping[str, Limit], reason: str) -> Verdict:
    """The verdict where nothing can be estimated, for this reason."""
    return Verdict(tuple(Measure(SUBJECT, name, limit=each.threshold, reason=reason) for name, each in limits.items()))


def _unmeasured(limit: Limit) -> Measure:
    return Measure(SUBJECT, limit.metric, limit=limit.threshold, reason="is not among the metrics that are estimated")


def _said(found: Compared, limit: Limit) -> str:
    """That all of the interval is beyond the limit.

    >>> _said(Compared("accuracy", 0.7, 0.65, 0.74), Limit("estimated_accuracy", 0.8, LESS))
    "Metric estimatedAccuracy with 0.7 (0.65 to 0.74) was LessThanThreshold '0.8', all of its interval"
    """
    interval = f"{found.value:.4g} ({found.low:.4g} to {found.high:.4g})"
    threshold = f"{limit.threshold:g}"
    return f"Metric {camel(limit.metric)} with {interval} was {limit.operator} '{threshold}', all of its interval"


def _notes(found: Sequence[Compared]) -> Iterator[str]:
    """The estimates in a sentence where there are no labels to measure by."""
    if any(each.labelled for each in found):
        return
    shown = [each for each in found if each.name in SHOWN and not isnan(each.value)]
    if shown:
        told = ", ".join(f"{each.name} {each.value:.4g} ({each.low:.4g} to {each.high:.4g})" for each in shown)
        yield f"No labels yet; estimated: {told}."
    else:
        why = next((each.reason for each in found if each.reason), "there is nothing to estimate of")
        yield f"No labels yet, and no estimates: {why}."


SHOWN = ("accuracy", "precision", "recall", "f1", "weighted_f1", "auc", "mae", "rmse", "r2")
"""The estimates that are told in a sentence."""
