"""The columns that a monitor asks about several at once, drawn large, each with how far it moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from driftline.errors import SchemaMismatch
from driftline.pages.body import Section
from driftline.pages.columns import moved_section
from driftline.pages.content import DRIFT, Content, Pair, pairs_of
from driftline.profile import Profile
from driftline.profile.outcomes import place_of

DRIFTS = ("label_drift", "prediction_drift", "score_drift", "facet_drift")
"""What other monitors than data quality call SageMaker's distance."""


def sections_of(content: Content, attributes: Sequence[str], title: str) -> Iterator[Section]:
    """The columns that these names, places or paths mean; nothing where there are none."""
    names = dict.fromkeys(name_of(each, content.current) for each in attributes)
    known = {pair.name: pair for pair in pairs_of(content)}
    pairs = [_as_moved(known[name]) for name in names if name in known]
    if pairs:
        yield replace(moved_section(content, pairs, title), anchor="columns")


def name_of(attribute: str, profile: Profile) -> str:
    """The column that an attribute means; the attribute where there is none."""
    try:
        return profile.names[place_of(attribute, profile.names)]
    except SchemaMismatch:
        return attribute


def _as_moved(pair: Pair) -> Pair:
    """With what this kind calls drift as the distance that cards show."""
    found = next((pair.measures[name] for name in DRIFTS if name in pair.measures), None)
    return pair if found is None else replace(pair, measures={**pair.measures, DRIFT: replace(found, name=DRIFT)})
