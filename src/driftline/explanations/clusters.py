"""Clusters of rows of numbers and texts: k-means for the numbers, k-modes for the texts, weighed against each other."""

from __future__ import annotations

import numpy as np

from driftline.profile.columns import Floats, Ints

TURNS = 50
"""Lloyd's steps at most."""

_GAIN = 0.05
"""Another cluster must take away such a share of the squared distances from a single centre."""

_TEXT_WEIGHT = 0.5
"""Two different texts lie as far apart as two numbers do by 0.7 standard deviations (0.5 squared distance)."""


def clustered(points: Floats, texts: Ints, clusters: int | None, most: int, seed: int = 0) -> Ints:
    """The cluster of each row, counted from 0 without gaps.

    `points` are standardised numbers (rows, columns), `texts` codes of texts (rows, columns). Without a number of
    clusters there are 1 to `most`: one more as long as it takes away a twentieth of the squared distances from a
    single centre.

    >>> clustered(np.array([[0.0], [0.1], [5.0], [5.1]]), np.empty((4, 0), dtype=np.int64), None, 12).tolist()
    [0, 0, 1, 1]
    """
    distinct = _distinct(points, texts)
    if clusters is not None:
        return _parted(points, texts, min(clusters, distinct), seed)[0]
    best, whole = _parted(points, texts, 1, seed)
    left = whole
    for number in range(2, min(most, distinct) + 1):
        members, rest = _parted(points, texts, number, seed)
        if left - rest < whole * _GAIN:
            break
        best, left = members, rest
    return best


def _distinct(points: Floats, texts: Ints) -> int:
    return len(np.unique(np.concatenate((points, texts.astype(np.float64)), axis=1), axis=0))


def _parted(points: Floats, texts: Ints, clusters: int, seed: int) -> tuple[Ints, float]:
    """Clusters, and the sum of the distances of the rows from their centres."""
    rng = np.random.default_rng([seed, clusters])
    starts = _spread(points, texts, clusters, rng)
    centres, modes = points[starts].copy(), texts[starts].copy()
    members = np.full(len(points), -1, dtype=np.int64)
    for _ in range(TURNS):
        distances = _distances(points, texts, centres, modes)
        nearest = np.argmin(distances, axis=1)
        if np.array_equal(nearest, members):
            break
        members = nearest
        for place in np.unique(members).tolist():
            within = members == place
            centres[place] = points[within].mean(axis=0)
            modes[place] = [_mode(column) for column in texts[within].T]
    distances = _distances(points, texts, centres, modes)
    left = float(distances[np.arange(len(points)), members].sum())
    _, first, dense = np.unique(members, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))  # clusters are counted in the order of their first row
    return order[dense].astype(np.int64), left


def _spread(points: Floats, texts: Ints, clusters: int, rng: np.random.Generator) -> Ints:
    """Rows to begin with, far from one another: k-means++ (Arthur and Vassilvitskii, 2007)."""
    chosen = [int(rng.integers(len(points)))]
    nearest = np.full(len(points), np.inf)
    for _ in range(1, clusters):
        last = chosen[-1:]
        nearest = np.minimum(nearest, _distances(points, texts, points[last], texts[last])[:, 0])
        total = nearest.sum()
        chance = nearest / total if total > 0 else None
        chosen.append(int(rng.choice(len(points), p=chance)))
    return np.array(chosen, dtype=np.int64)


def _distances(points: Floats, texts: Ints, centres: Floats, modes: Ints) -> Floats:
    """Squared distances (rows, centres): of numbers by Euclid, of texts a share for each that differs."""
    found = np.zeros((len(points), len(centres)))
    for place, (centre, mode) in enumerate(zip(centres, modes, strict=True)):
        apart = points - centre
        found[:, place] = np.einsum("ij,ij->i", apart, apart)
        found[:, place] += _TEXT_WEIGHT * np.count_nonzero(texts != mode, axis=1)
    return found


def _mode(codes: Ints) -> int:
    values, counts = np.unique(codes, return_counts=True)
    return int(values[np.argmax(counts)])
