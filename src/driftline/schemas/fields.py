"""The fields of a model version: what each is to the model, and which values it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from driftline.errors import Invalid


class Role(StrEnum):
    """What a field is to the model."""

    RAW_INPUT = "raw_input"
    FEATURE = "feature"
    PREDICTION = "prediction"
    SCORE = "score"
    ACTUAL = "actual"
    ACTUAL_SCORE = "actual_score"
    TAG = "tag"
    SEGMENT = "segment"
    ATTRIBUTION = "attribution"
    GROUP = "group"
    RANK = "rank"
    RELEVANCE = "relevance"


class Kind(StrEnum):
    """Which values a field takes; `string` and `categorical` are both categories, `text` is free."""

    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    STRING = "string"
    TEXT = "text"
    CATEGORICAL = "categorical"
    TIMESTAMP = "timestamp"
    TENSOR = "tensor"
    LIST = "list"


class ModelType(StrEnum):
    """What a model predicts."""

    REGRESSION = "regression"
    BINARY = "binary"
    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"
    RANKING = "ranking"
    OBJECT_DETECTION = "object_detection"
    GENERATIVE = "generative"


class Environment(StrEnum):
    """Where rows come from: a model that serves, or the sets that it was made with."""

    PRODUCTION = "production"
    VALIDATION = "validation"
    TRAINING = "training"


LATE = (Role.ACTUAL, Role.ACTUAL_SCORE, Role.RELEVANCE)
"""Roles of fields that may come after the prediction, and in files of their own."""

RESERVED = "_"
"""Names that begin so are the tables' own: `_id`, `_time`, `_file`, `_row`, ..."""


@dataclass(frozen=True)
class ModelField:
    """A field by its name; `dimensions` are those of a tensor. Of numbers that are `whole` none has a fraction.

    `of` is what it belongs to: of a score the class (None: the positive one, or the predicted one), of an actual the
    prediction that it is the truth of, of an attribution the feature. A row without a value of a `required` field is
    rejected.
    """

    name: str
    role: Role
    kind: Kind
    dimensions: tuple[int, ...] = ()
    of: str | None = None
    whole: bool = False
    required: bool = False

    def __post_init__(self) -> None:
        """Raises `Invalid` for an empty or reserved name, a tensor without dimensions, whole non-numbers."""
        object.__setattr__(self, "role", Role(self.role))
        object.__setattr__(self, "kind", Kind(self.kind))
        object.__setattr__(self, "dimensions", tuple(self.dimensions))
        if not self.name or self.name.startswith(RESERVED):
            expected = f"a name that does not begin with {RESERVED!r}"
            raise Invalid(what="field", got=self.name, expected=expected, remedy="Map the column to another name.")
        if self.kind is Kind.TENSOR and not self.dimensions:
            raise Invalid(what=f"dimensions of {self.name}", got="none", expected="how long the vectors are")
        if self.whole and self.kind is not Kind.NUMERIC:
            raise Invalid(what=f"whole of {self.name}", got=str(self.kind), expected="a numeric field")


@dataclass(frozen=True)
class ModelSchema:
    """The fields of a model version, in the order in which the model takes them.

    >>> schema = ModelSchema((ModelField("age", Role.FEATURE, Kind.NUMERIC),))
    >>> ModelSchema.of(schema.to_dict()) == schema
    True
    """

    fields: tuple[ModelField, ...] = ()

    def __post_init__(self) -> None:
        """Raises `Invalid` where two fields that are kept in one table have one name."""
        for late in (False, True):
            names = [each.name for each in self.fields if (each.role in LATE) == late]
            again = next((name for place, name in enumerate(names) if name in names[:place]), None)
            if again is not None:
                raise Invalid(what="field", got=again, expected="names that differ", remedy="Rename one of the two.")

    def __iter__(self) -> Any:
        """The fields."""
        return iter(self.fields)

    def having(self, *roles: Role) -> tuple[ModelField, ...]:
        """The fields with one of these roles."""
        return tuple(each for each in self.fields if each.role in roles)

    @property
    def early(self) -> tuple[ModelField, ...]:
        """What is known with the prediction: the columns of the table of inferences."""
        return tuple(each for each in self.fields if each.role not in LATE)

    @property
    def late(self) -> tuple[ModelField, ...]:
        """What may be known only later: the columns of the table of actuals."""
        return tuple(each for each in self.fields if each.role in LATE)

    def with_fields(self, more: Iterable[ModelField]) -> ModelSchema:
        """With these beside, or in the place of, those of the same name and side (early or late)."""
        found = {(each.name, each.role in LATE): each for each in self.fields}
        found |= {(each.name, each.role in LATE): each for each in more}
        return ModelSchema(tuple(found.values()))

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"fields": [_said(each) for each in self.fields]}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> ModelSchema:
        """The schema that `to_dict` made; raises `Invalid` for what is none."""
        return cls(tuple(_field(each) for each in document.get("fields", ())))


def _said(field: ModelField) -> dict[str, Any]:
    told = {name: value for name, value in asdict(field).items() if value not in (None, (), False)}
    plain = {"dimensions": list(field.dimensions), "whole": field.whole, "required": field.required}
    return {name: plain.get(name, str(value)) for name, value in told.items()}


def _field(document: Mapping[str, Any]) -> ModelField:
    try:
        return ModelField(**document)
    except (TypeError, ValueError) as error:
        expected = "name, role, kind, and perhaps dimensions and of"
        raise Invalid(what="field", got=document, expected=expected, remedy=str(error)) from error
