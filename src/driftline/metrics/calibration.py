"""Whether scores are probabilities: how far they are off, and a calibrator learnt from labelled scores."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
import numpy.typing as npt

from driftline.metrics.metric import metric
from driftline.profile.columns import Floats, Ints
from driftline.profile.scores import ScoresState

BINS = 10

STEPS = 50
"""Newton's steps at most; about six are taken."""

Z_95 = 1.959963984540054
"""So many standard deviations on either side hold 95 % of a normal distribution."""


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability diagram: rows with scores in (lower, upper], the first bin also its lower bound.

    `low` and `high` bound the rate of positives with 95 % confidence.
    """

    lower: float
    upper: float
    count: int
    score: float
    rate: float
    low: float
    high: float


def reliability(state: ScoresState, bins: int = BINS, *, equal_counts: bool = False) -> tuple[Bin, ...]:
    """The mean score beside the rate of positives, bin by bin; empty bins are left out, as are unlabelled rows.

    Bins are of equal width in [0, 1], or between quantiles of the scores if `equal_counts` (fewer where many scores are
    equal). Scores outside [0, 1] fall into the first and the last bin.

    Source: Niculescu-Mizil, Caruana, "Predicting Good Probabilities with Supervised Learning", ICML 2005.

    >>> found = reliability(ScoresState.of(np.array([0.1, 0.2, 0.9]), np.array([False, True, True])), 2)
    >>> [(round(each.score, 9), each.rate) for each in found]
    [(0.15, 0.5), (0.9, 1.0)]
    """
    known = state.labelled()
    if not len(known.values):
        return ()
    counts = known.positives + known.negatives
    edges = _quantile_edges(known.values, counts, bins) if equal_counts else np.arange(bins + 1) / bins
    places = np.searchsorted(edges[1:-1], known.values, side="left")
    size, positives, sums = (
        np.bincount(places, weights, len(edges) - 1) for weights in (counts, known.positives, counts * known.values)
    )
    return tuple(
        Bin(
            float(edges[at]),
            float(edges[at + 1]),
            int(size[at]),
            float(sums[at] / size[at]),
            float(positives[at] / size[at]),
            *share_interval(int(positives[at]), int(size[at])),
        )
        for at in np.flatnonzero(size).tolist()
    )


def _quantile_edges(values: Floats, counts: Ints, bins: int) -> Floats:
    wanted = np.arange(1, bins) / bins * counts.sum()
    inner = values[np.searchsorted(np.cumsum(counts), wanted)]
    found: Floats = np.concatenate((values[:1], np.unique(inner[inner < values[-1]]), values[-1:]))
    return found


def share_interval(part: int, whole: int, z: float = Z_95) -> tuple[float, float]:
    """Bounds of the true share of which `part` of `whole` were seen; NaN of nothing.

    Source: Wilson, Journal of the American Statistical Association 22 (1927).

    >>> [round(bound, 4) for bound in share_interval(5, 10)]
    [0.2366, 0.7634]
    """
    if not whole:
        return nan, nan
    square = z * z / whole
    centre = (part / whole + square / 2) / (1 + square)
    spread = z / (1 + square) * sqrt(part / whole * (1 - part / whole) / whole + square / whole / 4)
    return max(0.0, centre - spread), min(1.0, centre + spread)


@metric(
    "expected_calibration_error",
    "Expected calibration error",
    takes="scores",
    span="0 to 1",
    normal="below 0.05",
    source="Naeini, Cooper, Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015",
    better="lower",
)
def expected_calibration_error(state: ScoresState) -> float:
    """`sum over bins of n_b / n * |rate of positives - mean score|`, in ten bins of equal width.

    NaN without labelled rows, or if a score is outside [0, 1] and so no probability.

    >>> round(expected_calibration_error(ScoresState.of(np.array([0.2, 0.2, 0.9]), np.array([False, True, True]))), 9)
    0.233333333
    """
    if why_no_calibration(state):
        return nan
    found = reliability(state)
    return sum(each.count * abs(each.rate - each.score) for each in found) / sum(each.count for each in found)


@metric(
    "maximum_calibration_error",
    "Maximum calibration error",
    takes="scores",
    span="0 to 1",
    normal="below 0.1, if no bin is nearly empty",
    source="as `expected_calibration_error`",
    better="lower",
)
def maximum_calibration_error(state: ScoresState) -> float:
    """The largest `|rate of positives - mean score|` of ten bins of equal width. NaN as the expected one.

    >>> maximum_calibration_error(ScoresState.of(np.array([0.25, 0.25, 0.9]), np.array([False, True, True])))
    0.25
    """
    if why_no_calibration(state):
        return nan
    return max(abs(each.rate - each.score) for each in reliability(state))


def why_no_calibration(state: ScoresState) -> str:
    """Why calibration is undefined; empty if it is not.

    >>> why_no_calibration(ScoresState.of(np.array([1.5]), np.array([True])))
    'scores from 1.5 to 1.5 are no probabilities'
    """
    known = state.labelled()
    if not len(known.values):
        return "no row has both a score and a label"
    low, high = float(known.values[0]), float(known.values[-1])
    return "" if low >= 0 and high <= 1 else f"scores from {low:g} to {high:g} are no probabilities"


@dataclass(frozen=True)
class Calibrator:
    """A map from scores to probabilities: blocks of scores, each with the rate of positives among its rows.

    Scores from `lows[i]` to `highs[i]` have the rate `rates[i]`; between blocks the rate is interpolated, beyond the
    ends it is that of the end. `counts` are the labelled rows of each block, which tell how sure the rates are; 0 says
    that the rate is taken as given.

    >>> IDENTITY(np.array([0.25, 2.0])).tolist()
    [0.25, 1.0]
    """

    lows: tuple[float, ...] = (0.0, 1.0)
    highs: tuple[float, ...] = (0.0, 1.0)
    rates: tuple[float, ...] = (0.0, 1.0)
    counts: tuple[int, ...] = (0, 0)

    def __post_init__(self) -> None:
        """Lists, as JSON has them, are tuples."""
        for name in ("lows", "highs", "rates", "counts"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def __call__(self, scores: Floats) -> Floats:
        """The probabilities of these scores; NaN if nothing was learnt."""
        if not self.rates:
            return np.full(len(scores), np.nan)
        return self._mapped(scores, np.asarray(self.rates))

    def expected(self, scores: Floats) -> Floats:
        """The probabilities to be expected of other rows: rates are drawn to 1/2 as if by one row more.

        `(rate * count + 1/2) / (count + 1)`, the mean of `drawn`. A block that happened to have no positive row may
        have one the next time, which matters where blocks are small.

        >>> Calibrator((0.0,), (1.0,), (0.0,), (9,)).expected(np.array([0.5])).tolist()
        [0.05]
        """
        counts, rates = np.asarray(self.counts), np.asarray(self.rates)
        return self._mapped(scores, np.where(counts > 0, (rates * counts + 0.5) / (counts + 1), rates))

    def _mapped(self, scores: Floats, rates: Floats) -> Floats:
        left, right, weight = self.places(scores)
        found: Floats = rates[left] * (1 - weight) + rates[right] * weight
        return found

    def places(self, scores: Floats) -> tuple[Ints, Ints, Floats]:
        """For each score the blocks on its left and right, and how much of the right one's rate it takes."""
        lows, highs = np.asarray(self.lows), np.asarray(self.highs)
        left = np.maximum(np.searchsorted(lows, scores, side="right") - 1, 0)
        right = np.where((scores > highs[left]) & (left + 1 < len(lows)), left + 1, left)
        gap = lows[right] - highs[left]
        between = right > left
        weight = np.divide(scores - highs[left], gap, out=np.zeros(len(scores)), where=between & (gap > 0))
        return left.astype(np.int64), right.astype(np.int64), weight

    def adapted(self, state: ScoresState, weight: int = 50) -> Calibrator:
        """The same blocks with the rates of other labelled rows, which may be few.

        The rates are first moved together (log odds `a + b * x` for x, two numbers that are fitted, with a weak prior
        at 0 and 1, after Platt 1999), then each is mixed with its rows' own as if it were `weight` rows.

        >>> wide = Calibrator((0.0,), (1.0,), (0.5,), (1_000,))
        >>> rows = ScoresState.of(np.linspace(0.1, 0.9, 100), np.arange(100) < 90)
        >>> round(wide.adapted(rows, 10).rates[0], 2)
        0.9
        """
        known = state.labelled()
        if not self.rates or not len(known.values):
            return self
        at, _, _ = self.places(known.values)
        positives, rows = (
            np.bincount(at, counts, len(self.rates)).astype(np.float64)
            for counts in (known.positives, known.positives + known.negatives)
        )
        odds = self.expected(np.asarray(self.lows))
        moved = _moved(np.log(np.maximum(odds, 1e-9) / np.maximum(1 - odds, 1e-9)), positives, rows)
        counts = rows.astype(np.int64) + weight
        rates = (positives + weight * moved) / counts
        return Calibrator(self.lows, self.highs, tuple(rates.tolist()), tuple(counts.tolist()))

    def drawn(self, rng: np.random.Generator, draws: int) -> npt.NDArray[np.float64]:
        """Rates that the blocks may as well have, one row a draw.

        From their distribution given the rows they were learnt from (Jeffreys: Beta(positives + 1/2, negatives + 1/2)).
        """
        counts, rates = np.asarray(self.counts, dtype=np.float64), np.asarray(self.rates)
        found = rng.beta(rates * counts + 0.5, (1 - rates) * counts + 0.5, (draws, len(rates)))
        return np.where(counts > 0, found, rates)


def _moved(odds: Floats, positives: Floats, rows: Floats) -> Floats:
    """Rates of log odds `a + b * odds` with the a and b that fit the rows best, by Newton's method."""
    terms = np.stack((np.ones(len(odds)), odds))
    start = np.array([0.0, 1.0])
    found = start
    for _ in range(STEPS):
        rates = 1 / (1 + np.exp(-np.clip(found @ terms, -30, 30)))
        slope = terms @ (positives - rows * rates) - (found - start)
        step = np.linalg.solve((terms * (rows * rates * (1 - rates))) @ terms.T + np.eye(2), slope)
        found = found + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    moved: Floats = 1 / (1 + np.exp(-np.clip(found @ terms, -30, 30)))
    return moved


IDENTITY = Calibrator()
"""For scores that are probabilities as they are."""


def isotonic(state: ScoresState) -> Calibrator:
    """The increasing map that fits the labelled scores best in least squares: neighbours that fall are pooled.

    Source: Ayer et al., "An Empirical Distribution Function for Sampling with Incomplete Information", Annals of
    Mathematical Statistics 26 (1955); Zadrozny and Elkan, KDD 2002.

    >>> isotonic(ScoresState.of(np.array([0.1, 0.4, 0.6, 0.9]), np.array([False, True, False, True]))).rates
    (0.0, 0.5, 1.0)
    """
    known = state.labelled()
    positives, counts = known.positives, known.positives + known.negatives
    starts = np.arange(len(counts))
    while len(counts) > 1:
        # b1/c1 >= b2/c2 without a division: equal rates are one block too, which changes nothing but its size
        falls = positives[:-1] * counts[1:] >= positives[1:] * counts[:-1]
        if not falls.any():
            break
        first = np.flatnonzero(np.concatenate(([True], ~falls)))
        starts, positives, counts = starts[first], np.add.reduceat(positives, first), np.add.reduceat(counts, first)
    return _blocks(known.values, starts, positives, counts)


def binned(state: ScoresState, bins: int = 20) -> Calibrator:
    """The rate of positives in bins of about equally many labelled rows; nothing makes it increase.

    >>> binned(ScoresState.of(np.array([0.1, 0.4, 0.6, 0.9]), np.array([False, True, False, True])), 2).rates
    (0.5, 0.5)
    """
    known = state.labelled()
    counts = known.positives + known.negatives
    if not len(counts):
        return Calibrator((), (), (), ())
    before = np.cumsum(counts) - counts
    _, starts = np.unique(before * bins // int(counts.sum()), return_index=True)
    positives, counts = np.add.reduceat(known.positives, starts), np.add.reduceat(counts, starts)
    return _blocks(known.values, starts, positives, counts)


def _blocks(values: Floats, starts: npt.NDArray[np.intp], positives: Ints, counts: Ints) -> Calibrator:
    ends = np.append(starts[1:], len(values)) - 1
    columns = (values[starts], values[ends], positives / counts, counts) if len(values) else ((), (), (), ())
    return Calibrator(*(tuple(np.asarray(column).tolist()) for column in columns))
