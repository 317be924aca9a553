"""How high the relevant items of each query were ranked, wherever the items of one query lie."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from driftline.profile.analyzer import JointAnalyzer
from driftline.profile.columns import Floats, Ints
from driftline.profile.hashing import Hashes, hash_texts
from driftline.profile.outcomes import coded, column_of, labels_of, numbers_of

DEPTH = 10
"""So many places of a ranking are looked at."""

LIMIT = 65_536
"""So many queries are kept; beyond, a sample of them that does not depend on the order of the rows."""

_NO_KEYS: Hashes = np.empty(0, dtype=np.uint64)
_NO_FLOATS: Floats = np.empty(0)
_NO_INTS: Ints = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Places:
    """Items of queries from the best down, those with equal `values` of one query together; parallel arrays.

    Of each query (`keys`, ascending) only as much is kept as fills `depth` places: a group of equals is dropped once
    `depth` items are above it, which no further item can change. So parts of a query merge exactly.
    """

    keys: Hashes = field(default_factory=lambda: _NO_KEYS)
    values: Floats = field(default_factory=lambda: _NO_FLOATS)
    counts: Ints = field(default_factory=lambda: _NO_INTS)
    gains: Floats = field(default_factory=lambda: _NO_FLOATS)
    hits: Ints = field(default_factory=lambda: _NO_INTS)

    @property
    def starts(self) -> Ints:
        """How many items of the query are above each group."""
        return _within(self.keys, self.counts)

    @property
    def hits_above(self) -> Ints:
        """How many relevant items of the query are above each group."""
        return _within(self.keys, self.hits)

    def merge(self, other: Places, depth: int) -> Places:
        """Both, from the best down, to `depth`."""
        keys = np.concatenate((self.keys, other.keys))
        if not len(keys):
            return self
        values = np.concatenate((self.values, other.values))
        order = np.lexsort((-values, keys))
        keys, values = keys[order], values[order]
        starts = np.flatnonzero(np.concatenate(([True], (keys[1:] != keys[:-1]) | (values[1:] != values[:-1]))))
        pairs = ((self.counts, other.counts), (self.gains, other.gains), (self.hits, other.hits))
        counts, gains, hits = (np.add.reduceat(np.concatenate(pair)[order], starts) for pair in pairs)
        keys, values = keys[starts], values[starts]
        kept = _within(keys, counts) < depth
        return Places(keys[kept], values[kept], counts[kept], gains[kept], hits[kept])

    def only(self, level: int) -> Places:
        """Those of the queries that are kept at this level of sampling."""
        kept = _sampled(self.keys, level)
        if kept.all():
            return self
        return Places(self.keys[kept], self.values[kept], self.counts[kept], self.gains[kept], self.hits[kept])


def _within(keys: Hashes, counts: Ints) -> Ints:
    """The sum of the counts of the same key that come before."""
    before = np.cumsum(counts) - counts
    first = np.searchsorted(keys, keys, side="left")
    found: Ints = before - before[first]
    return found


def _sampled(keys: Hashes, level: int) -> npt.NDArray[np.bool_]:
    """Which hashes begin with `level` zero bits."""
    found: npt.NDArray[np.bool_] = (keys >> np.uint64(64 - level)) == 0 if level else np.ones(len(keys), dtype=np.bool_)
    return found


@dataclass(frozen=True)
class RankingState:
    """Of each query (`keys`, hashes in ascending order) its items, its relevant items, and the top of two orders.

    `ranked` is by score, as the model ranked; `ideal` by gain, the best order there is. Beyond `limit` queries only
    those are kept whose hash begins with `level` zero bits, the fewest that do: a random sample of one in `2**level`
    queries, each of them whole. Which ones depends on the queries alone, so the answer is the same in whatever order
    and parts the rows come. `unjudged` counts items without a relevance (they gain nothing), `unranked` rows without
    query or score, which are left out; both are counted over all queries.
    """

    keys: Hashes = field(default_factory=lambda: _NO_KEYS)
    items: Ints = field(default_factory=lambda: _NO_INTS)
    relevant: Ints = field(default_factory=lambda: _NO_INTS)
    ranked: Places = field(default_factory=Places)
    ideal: Places = field(default_factory=Places)
    unjudged: int = 0
    unranked: int = 0
    level: int = 0
    depth: int = DEPTH
    limit: int = LIMIT

    @property
    def queries(self) -> int:
        """Distinct queries; an estimate (± 1 % at the default limit) once they are sampled."""
        return len(self.keys) << self.level

    @property
    def exact(self) -> bool:
        """Whether every query is here."""
        return not self.level

    def merge(self, other: RankingState) -> RankingState:
        """Both; a query that is in both is one."""
        keys, places = np.unique(np.concatenate((self.keys, other.keys)), return_inverse=True)
        items, relevant = (
            np.bincount(places, weights=np.concatenate(pair), minlength=len(keys)).astype(np.int64)
            for pair in ((self.items, other.items), (self.relevant, other.relevant))
        )
        level = max(self.level, other.level)
        while int(np.count_nonzero(_sampled(keys, level))) > self.limit:
            level += 1
        kept = _sampled(keys, level)
        return RankingState(
            keys[kept],
            items[kept],
            relevant[kept],
            self.ranked.only(level).merge(other.ranked.only(level), self.depth),
            self.ideal.only(level).merge(other.ideal.only(level), self.depth),
            self.unjudged + other.unjudged,
            self.unranked + other.unranked,
            level,
            self.depth,
            self.limit,
        )


@dataclass(frozen=True)
class Ranking(JointAnalyzer[RankingState]):
    """How items were ranked for queries: rows of (query, score, relevance), the highest score first.

    Columns are given by name, place or path (`place_of`); queries may be of any type and their rows anywhere. The gain
    of an item is its relevance, or `2**relevance - 1` if `exponential`; it is relevant if its relevance is above
    `least`. A missing or negative relevance is none (as in TREC's files). Memory: at most `limit` queries with `depth`
    places each, twice.
    """

    query: str
    score: str
    relevance: str
    depth: int = DEPTH
    exponential: bool = False
    least: float = 0.0
    limit: int = LIMIT

    def start(self) -> RankingState:
        """Nothing seen."""
        return RankingState(depth=self.depth, limit=self.limit)

    def observe(self, state: RankingState, batch: pa.RecordBatch) -> RankingState:
        """With the batch's items ranked among the others; raises `SchemaMismatch` if a column is missing."""
        names, codes = coded(labels_of(column_of(self.query, batch)))
        scores, relevance = (numbers_of(column_of(each, batch)) for each in (self.score, self.relevance))
        used = (codes >= 0) & ~np.isnan(scores)
        codes, scores, relevance = codes[used], scores[used] + 0.0, relevance[used]
        keys = hash_texts(pa.array(names, pa.string()))[codes]
        judged = np.isfinite(relevance) & (relevance >= 0)
        relevance = np.where(judged, relevance, 0.0)
        gains = np.exp2(relevance) - 1 if self.exponential else relevance
        hits = (judged & (relevance > self.least)).astype(np.int64)
        ones = np.ones(len(keys), dtype=np.int64)
        rows = RankingState(
            keys,
            ones,
            hits,
            Places(keys, scores, ones, gains, hits),
            Places(keys, gains, ones, gains, hits),
            len(keys) - int(np.count_nonzero(judged)),
            int(np.count_nonzero(~used)),
            depth=self.depth,
            limit=self.limit,
        )
        return state.merge(rows)  # a merge sorts, so rows may come as they are
