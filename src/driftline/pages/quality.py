"""The page about model quality: how good predictions are, beside how good they were."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan, nan

from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.quality import BINARY, MULTICLASS, RANKING, REGRESSION, Figure, Quality
from driftline.pages import estimated, inside, matrices, measures, residuals, scored, used, worst
from driftline.pages.body import Body, Page, Section
from driftline.pages.content import Content
from driftline.pages.measures import Beside, Known
from driftline.pages.names import title_of
from driftline.pages.summary import Tile
from driftline.pages.tables import counted
from driftline.pages.terminal import number, percent

MAIN = {
    REGRESSION: ("rmse", "mae", "r2", "mean_error"),
    BINARY: ("accuracy", "precision", "recall", "f1", "auc"),
    MULTICLASS: ("accuracy", "weighted_precision", "weighted_recall", "weighted_f1"),
    RANKING: ("ndcg_at_10", "map_at_10", "mrr_at_10", "ndcg_at_1"),
}
"""What a page tells first of each type of problem."""

COUNTED = "Metrics count the rows that have both a prediction and a label."
SPREAD = (
    "What stands after ± is the standard deviation over five random samples of four rows in five, as SageMaker has it, "
    "where there are 200 rows."
)
CONSTANT = (
    "The best constant classifier always says the most frequent class: a model that is no better has learnt nothing. "
    "Dotted lines are what guessing, or perfect calibration, would give."
)
METHODS = {
    REGRESSION: f"{COUNTED} {SPREAD}",
    BINARY: f"{COUNTED} {SPREAD} {CONSTANT}",
    MULTICLASS: f"{COUNTED} {SPREAD} {CONSTANT}",
    RANKING: "Metrics are means over queries; what stands after ± is their standard error.",
}
"""How the numbers of each type of problem came about."""


def body_of(content: Content) -> Body:
    """The head: coverage of the labels and the main metrics."""
    now, before = sides_of(content)
    broken = {measure.name for measure, some in measures.judged(content.verdict) if some}
    names = [name for name in MAIN[now.problem_type] if name in now.named]
    tiles = [_coverage_tile(now)]
    tiles += [_tile(content, now.named[name], before, name in broken) for name in names]
    return measures.body_of(
        content,
        tiles,
        subject="Metric",
        method=METHODS[now.problem_type],
        unknown="Nothing could be judged" if now.labelled else "No labels yet: nothing could be judged",
    )


def sections_of(content: Content) -> tuple[Section, ...]:
    """Curves, matrices or residuals, then what was estimated, segments, columns and all measures."""
    return tuple(_sections(content))


def _sections(content: Content) -> Iterator[Section]:
    monitor = monitor_of(content)
    now, before = sides_of(content)
    if monitor.problem_type == REGRESSION:
        yield from residuals.sections_of(content, monitor)
    else:
        if monitor.scores is not None:
            yield from scored.sections_of(content, monitor, now, before)
        yield from matrices.sections_of(now, before)
    yield from estimated.sections_of(content)
    yield from worst.sections_of(content)
    yield from inside.sections_of(content, monitor)
    yield from _columns(content, monitor)
    yield measures.table_of(content, known_of(now, before))


def monitor_of(content: Content) -> ModelQuality:
    """The monitor, which is of this kind."""
    assert isinstance(content.monitor, ModelQuality)
    return content.monitor


def sides_of(content: Content) -> tuple[Quality, Quality | None]:
    """The quality now, and in the baseline if its profile has the answers."""
    monitor = monitor_of(content)
    before = None if content.baseline is None else monitor.measure(content.baseline)
    return monitor.measure(content.current), before if before is not None and before.labelled else None


def known_of(now: Quality, before: Quality | None) -> Known:
    """What stands beside the figures in the table of all measures."""
    old = {} if before is None else before.named
    return {
        ("model", figure.name): Beside(old[figure.name].value if figure.name in old else nan, _spread(figure))
        for figure in now.figures
    }


def _spread(figure: Figure) -> str:
    return "" if isnan(figure.standard_deviation) else f"± {figure.standard_deviation:.2g}"


def _coverage_tile(now: Quality) -> Tile:
    share = percent(now.labelled / now.rows) if now.rows else "–"
    return Tile("Labelled", share, f"{now.labelled:,} of {counted(now.rows, 'row')}", "" if now.labelled else "warn")


def _tile(content: Content, figure: Figure, before: Quality | None, is_broken: bool) -> Tile:
    limit = next((each.limit for each in content.verdict.measures if each.name == figure.name), None)
    old = nan if before is None else before.named[figure.name].value
    told = [_spread(figure)] if not isnan(figure.value) else [figure.reason]
    told += [] if isnan(old) else [f"baseline {number(old)}"]
    told += [] if limit is None or limit == old else [f"limit {number(limit)}"]
    return Tile(title_of(figure.name), number(figure.value), ", ".join(filter(None, told)), "bad" if is_broken else "")


def _columns(content: Content, monitor: ModelQuality) -> Iterator[Section]:
    """How the columns of labels, predictions and probabilities are distributed."""
    asked = [monitor.ground_truth_attribute, monitor.inference_attribute, monitor.probability_attribute]
    if monitor.scores is not None:
        asked[2] = monitor.scores.probability
    yield from used.sections_of(content, [each for each in asked if isinstance(each, str)], "Labels and predictions")


PAGE = Page(body_of, sections_of)
