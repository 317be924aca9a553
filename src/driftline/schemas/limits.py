"""What a schema itself must keep: kinds that a role takes, names, and how many of what (R-03 to R-06, R-11)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from math import prod

from driftline.schemas.faults import Fault
from driftline.schemas.fields import Kind, ModelField, ModelSchema, Role
from driftline.schemas.roles import SUFFIX
from driftline.schemas.rules import Bounds, told

_LABELS = tuple(kind for kind in Kind if kind is not Kind.TIMESTAMP)
_NUMBERS = (Kind.NUMERIC,)
_KINDS: Mapping[Role, tuple[Kind, ...]] = {
    Role.PREDICTION: _LABELS,
    Role.ACTUAL: _LABELS,
    Role.RELEVANCE: _LABELS,
    Role.SCORE: _NUMBERS,
    Role.ACTUAL_SCORE: _NUMBERS,
    Role.ATTRIBUTION: _NUMBERS,
    Role.RANK: _NUMBERS,
    Role.TAG: tuple(kind for kind in Kind if kind not in (Kind.LIST, Kind.TENSOR)),
    Role.SEGMENT: tuple(kind for kind in Kind if kind not in (Kind.LIST, Kind.TENSOR)),
    Role.GROUP: (Kind.STRING, Kind.CATEGORICAL),
}
"""Roles that do not take every kind."""


def faults_of(schema: ModelSchema, bounds: Bounds, forbidden: Collection[str] = ()) -> list[Fault]:
    """What a schema breaks; `forbidden` are names that no feature may have (`rules.ARTHUR`).

    >>> wrong = ModelSchema((ModelField("age_shap", Role.FEATURE, Kind.NUMERIC),))
    >>> [fault.code for fault in faults_of(wrong, Bounds())]
    ['Reserved_Suffix']
    """
    found = [fault for each in schema for fault in _faults(each, bounds, forbidden)]
    return [*found, *_classes(schema, bounds), *_embeddings(schema, bounds)]


def _faults(field: ModelField, bounds: Bounds, forbidden: Collection[str]) -> Iterator[Fault]:
    name = field.name
    if field.role in (Role.FEATURE, Role.TAG) and name.endswith(SUFFIX):
        yield told("Reserved_Suffix", column=name, field=name)
    if field.role in (Role.FEATURE, Role.RAW_INPUT) and name in forbidden:
        yield told("Forbidden_Name", column=name, field=name)
    kinds = _KINDS.get(field.role, tuple(Kind))
    if field.kind not in kinds:
        wanted = f"{' or '.join(kinds)} of {article(field.role)}"
        yield told("Invalid_Kind", column=name, value=field.kind, wanted=wanted, field=name)
    if field.kind is Kind.TENSOR and not bounds.least_dimension <= prod(field.dimensions) <= bounds.most_dimension:
        wanted = f"{bounds.least_dimension} to {bounds.most_dimension:,}"
        yield told("Invalid_Dimension", column=name, value=f"{prod(field.dimensions):,}", wanted=wanted, field=name)


def article(role: Role) -> str:
    """A role as sentences have it.

    >>> article(Role.ACTUAL_SCORE), article(Role.TAG)
    ('an actual score', 'a tag')
    """
    words = role.replace("_", " ")
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _classes(schema: ModelSchema, bounds: Bounds) -> Iterator[Fault]:
    for role in (Role.SCORE, Role.ACTUAL_SCORE):
        classes = [each for each in schema.having(role) if each.of is not None]
        if len(classes) > bounds.classes:
            yield told("Too_Many_Classes", value=f"{len(classes):,}", wanted=f"at most {bounds.classes}")
        for each in classes:
            if each.of is not None and len(each.of) > bounds.class_characters:
                wanted = f"at most {bounds.class_characters}"
                yield told(
                    "Invalid_Class_Name", column=each.of, value=str(len(each.of)), wanted=wanted, field=each.name
                )


def _embeddings(schema: ModelSchema, bounds: Bounds) -> Iterator[Fault]:
    count = sum(each.kind is Kind.TENSOR for each in schema)
    if count > bounds.embeddings:
        yield told("Too_Many_Embeddings", value=str(count), wanted=f"at most {bounds.embeddings}")
