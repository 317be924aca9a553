"""The 21 metrics against formulas written by hand over rows, and against scipy and scikit-learn (BI-02)."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isnan, log, nan, sqrt

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from sklearn.metrics import accuracy_score, precision_score, recall_score
from sklearn.neighbors import KNeighborsClassifier

from driftline.metrics import bias_post, bias_pre
from driftline.metrics.bias_post import POST
from driftline.metrics.bias_pre import PRE
from driftline.metrics.bootstrap import intervals
from driftline.metrics.flips import flips, votes
from driftline.metrics.metric import METRICS
from driftline.profile.contingency import Contingency
from driftline.profile.matches import EQUAL
from driftline.profile.neighbours import Neighbours
from driftline.profile.split import Flips, Split

Bools = npt.NDArray[np.bool_]

ROWS = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.sampled_from("ab")), min_size=1, max_size=40)


def over(top: float, bottom: float) -> float:
    """The reference's division rule."""
    if bottom != 0:
        return top / bottom
    return 0.0 if top == 0 else inf


def minus(left: float, right: float) -> float:
    """The reference's rule for differences."""
    return 0.0 if left == right == inf else left - right


def disparity(d: Bools, positive: Bools, group: npt.NDArray[np.str_]) -> float:
    """Conditional demographic disparity, stratum by stratum."""
    total = 0.0
    for name in sorted(set(group.tolist())):
        rows = group == name
        rejected, accepted = rows & ~positive, rows & positive
        total += rows.sum() * (over((rejected & d).sum(), rejected.sum()) - over((accepted & d).sum(), accepted.sum()))
    return float(total / len(d))


def by_hand(d: Bools, y: Bools, p: Bools, group: npt.NDArray[np.str_]) -> dict[str, float]:
    """Every count metric by the published formulas, over rows."""
    a, n = ~d, len(d)
    q = {side: y[side_rows].mean() for side, side_rows in (("a", a), ("d", d))}
    qp = {side: p[side_rows].mean() for side, side_rows in (("a", a), ("d", d))}
    pa_, pd_ = (np.array([1 - q[side], q[side]]) for side in "ad")
    middle = (pa_ + pd_) / 2

    def kl(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> float:
        return float(sum(x * log(x / z) for x, z in zip(left, right, strict=True) if x > 0 and z > 0))

    def count(*masks: Bools) -> int:
        return int(np.logical_and.reduce(masks).sum())

    benefit = p.astype(int) - y.astype(int) + 1
    return {
        "CI": (a.sum() - d.sum()) / n,
        "DPL": q["a"] - q["d"],
        "KL": kl(pa_, pd_),
        "JS": (kl(pa_, middle) + kl(pd_, middle)) / 2,
        "LP": sqrt(((pa_ - pd_) ** 2).sum()),
        "TVD": np.abs(pa_ - pd_).sum() / 2,
        "KS": np.abs(pa_ - pd_).max(),
        "CDDL": disparity(d, y, group),
        "CDDPL": disparity(d, p, group),
        "DPPL": qp["a"] - qp["d"],
        "DI": over(qp["d"], qp["a"]),
        "DCA": minus(over(count(a, y), count(a, p)), over(count(d, y), count(d, p))),
        "DCR": minus(over(count(d, ~y), count(d, ~p)), over(count(a, ~y), count(a, ~p))),
        "RD": minus(over(count(a, y, p), count(a, y)), over(count(d, y, p), count(d, y))),
        "SD": minus(over(count(d, ~y, ~p), count(d, ~y)), over(count(a, ~y, ~p), count(a, ~y))),
        "DAR": minus(over(count(a, y, p), count(a, p)), over(count(d, y, p), count(d, p))),
        "DRR": minus(over(count(d, ~y, ~p), count(d, ~p)), over(count(a, ~y, ~p), count(a, ~p))),
        "AD": (y == p)[a].mean() - (y == p)[d].mean(),
        "TE": minus(over(count(d, y, ~p), count(d, ~y, p)), over(count(a, y, ~p), count(a, ~y, p))),
        "GE": ((benefit / benefit.mean()) ** 2 - 1).mean() / 2 if benefit.any() else nan,
    }


def arrays(rows: list[tuple[bool, bool, bool, str]]) -> tuple[Bools, Bools, Bools, npt.NDArray[np.str_]]:
    """The rows as columns."""
    d, y, p, group = zip(*rows, strict=True)
    return np.array(d), np.array(y), np.array(p), np.array(group)


def split_of(d: Bools, y: Bools, p: Bools, group: npt.NDArray[np.str_]) -> Split:
    """The rows counted."""
    question = Contingency(("d",), ((1,),), (1,), "y", "p", group="g")
    batch = pa.RecordBatch.from_pydict({"d": d.astype(int), "y": y.astype(int), "p": p.astype(int), "g": group})
    return question.observe(question.start(), batch).split((EQUAL,))


@settings(max_examples=150, deadline=None)
@given(rows=ROWS)
def test_counts_give_what_rows_do(rows: list[tuple[bool, bool, bool, str]]) -> None:
    """BI-02: every count metric equals its formula over rows, and says why wherever it is not defined."""
    columns = arrays(rows)
    split = split_of(*columns)
    d, y, _, _ = columns
    one_sided, one_class = d.all() or not d.any(), y.all() or not y.any()
    expected = {} if one_sided else by_hand(*columns)
    for name in (name for name in (*PRE, *POST) if name != "FT"):
        stage = bias_pre if name in PRE else bias_post
        why = stage.why_not(name, split)
        needs_both = name not in ("CI", "AD", "GE", *bias_post.LABEL_FREE)
        undefined = one_sided or (needs_both and one_class) or (name == "GE" and isnan(expected[name]))
        assert bool(why) == bool(undefined), (name, why)
        if not why:
            assert METRICS[name].compute(split) == pytest.approx(expected[name], rel=1e-9, abs=1e-12), name


def test_distances_equal_scipy() -> None:
    """JS and KL as scipy has them."""
    split = Split.of([[[30, 5], [10, 20]], [[7, 3], [9, 2]]])
    rest, sensitive = bias_pre.shares(split.labels)
    assert METRICS["KL"].compute(split) == pytest.approx(entropy(rest, sensitive), rel=1e-12)
    assert METRICS["JS"].compute(split) == pytest.approx(jensenshannon(rest, sensitive) ** 2, rel=1e-12)


def test_rates_equal_scikit_learn() -> None:
    """Differences of accuracy, recall, precision and specificity as scikit-learn's scores of each group have them."""
    random = np.random.default_rng(3)
    d, y, p = (random.random(500) < share for share in (0.3, 0.4, 0.5))
    split = split_of(d, y, p, np.array(["a"] * 500))

    def apart(score: Callable[..., float], first: Bools, second: Bools, **more: int) -> float:
        return float(score(y[first], p[first], **more) - score(y[second], p[second], **more))

    assert METRICS["AD"].compute(split) == pytest.approx(apart(accuracy_score, ~d, d))
    assert METRICS["RD"].compute(split) == pytest.approx(apart(recall_score, ~d, d))
    assert METRICS["DAR"].compute(split) == pytest.approx(apart(precision_score, ~d, d))
    assert METRICS["SD"].compute(split) == pytest.approx(apart(recall_score, d, ~d, pos_label=0))
    assert METRICS["DRR"].compute(split) == pytest.approx(apart(precision_score, d, ~d, pos_label=0))


def test_division_follows_the_published_rule() -> None:
    """0/0 is 0, x/0 infinite, and the difference of two infinities 0."""
    no_false_acceptance = Split.of([[[5, 0], [1, 4]], [[5, 0], [2, 4]]])
    assert METRICS["TE"].compute(no_false_acceptance) == 0.0
    only_of_the_rest = Split.of([[[5, 1], [1, 4]], [[5, 0], [2, 4]]])
    assert METRICS["TE"].compute(only_of_the_rest) == inf
    nobody_of_the_rest_accepted = Split.of([[[5, 0], [5, 0]], [[5, 1], [2, 4]]])
    assert METRICS["DI"].compute(nobody_of_the_rest_accepted) == inf
    nobody_accepted = Split.of([[[5, 0], [5, 0]], [[5, 0], [2, 0]]])
    assert METRICS["DI"].compute(nobody_accepted) == 0.0
    assert METRICS["GE"].compute(Split.of([[[0, 0], [3, 0]], [[0, 0], [2, 0]]])) is not None


@pytest.mark.parametrize(("rest", "k"), [(200, 5), (10, 5), (9, 1), (3, 1), (1, 1)])
def test_flip_test_equals_scikit_learn(rest: int, k: int) -> None:
    """FT: the vote of the 5 nearest, or of one if fewer than ten rows are left, as scikit-learn finds them."""
    random = np.random.default_rng(rest)
    features = random.normal(size=(rest + 80, 3)) * [1, 100, 1e-3]
    d = np.array([0] * rest + [1] * 80)
    p = (random.random(rest + 80) < 0.5).astype(int)
    vote = KNeighborsClassifier(k).fit(features[d == 0], p[d == 0]).predict(features[d == 1])
    mine = p[d == 1]
    question = Neighbours(("d",), ((1,),), (1,), "p")
    columns = {f"f{place}": features[:, place] for place in range(3)}
    state = question.observe(question.start(), pa.RecordBatch.from_pydict({"d": d, "p": p, **columns}))
    counted = flips(state, (EQUAL,), EQUAL)
    assert (counted.favoured, counted.harmed) == (((mine == 1) & (vote == 0)).sum(), ((mine == 0) & (vote == 1)).sum())
    assert counted.is_exact
    assert METRICS["FT"].compute(counted) == pytest.approx((counted.favoured - counted.harmed) / 80)


def test_equally_far_rows_share_the_vote() -> None:
    """Ties do not depend on the order of rows: what is left of the vote is shared."""
    voters = np.array([[1.0], [-1.0], [1.0], [5.0]])
    positive, counts = np.array([True, False, True, False]), np.array([1, 2, 3, 1])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        found = votes(np.array([[0.0]]), voters[order], positive[order], counts[order], 3)
        assert found.tolist() == [pytest.approx(4 / 6)]


def test_votes_of_large_numbers_are_exact() -> None:
    """Distances much smaller than the numbers themselves are told apart."""
    voters = 1e6 + np.arange(10.0)[:, None] * 1e-3
    found = votes(np.array([[1e6 + 0.0021]]), voters, np.arange(10) == 2, np.ones(10, dtype=np.int64), 1)
    assert found.tolist() == [1.0]


def test_bootstrap_spread_is_that_of_theory() -> None:
    """BI-05: the interval of a difference of shares has the width of the normal approximation."""
    split = Split.of([[[3_000, 7_000], [0, 0]], [[1_200, 800], [0, 0]]])
    low, high = intervals(split, {"DPPL": bias_post.difference_in_predictions}, 0.95, 2000)["DPPL"]
    error = sqrt(0.3 * 0.7 / 10_000 + 0.6 * 0.4 / 2_000)
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.08)
    assert (low + high) / 2 == pytest.approx(0.3)


def test_bootstrap_of_what_is_infinite_has_no_interval() -> None:
    """An infinite value, or one that mostly is, has no interval; rows of no number have none to draw."""
    split = Split.of([[[5, 1], [1, 4]], [[5, 0], [2, 4]]])
    assert all(map(isnan, intervals(split, {"TE": bias_post.treatment_equality}, 0.9)["TE"]))
    nothing = Flips(0, 0, 0, 0, 0, 0)
    assert nothing.drawn(np.random.default_rng(1)) is nothing


def test_every_metric_is_registered_with_its_meaning() -> None:
    """BI-02: SageMaker's 21 names; every docstring tells what the value means in words."""
    assert len(PRE) == 8 and len(POST) == 13
    for name in (*PRE, *POST):
        assert METRICS[name].title.endswith(f"({name})")
        assert "bove 0" in METRICS[name].meaning or "0:" in METRICS[name].meaning or name == "DI"
