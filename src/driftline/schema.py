"""What a column holds: its name and the form that decides which questions can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa


class Form(StrEnum):
    """How values of a column are laid out, as far as the analyzers care."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    TIME = "time"
    VECTOR = "vector"
    LIST = "list"
    OTHER = "other"

    @classmethod
    def of(cls, kind: pa.DataType) -> Form:
        """The form of an Arrow type.

        >>> Form.of(pa.int64()), Form.of(pa.dictionary(pa.int32(), pa.string())), Form.of(pa.list_(pa.float32(), 8))
        (<Form.NUMBER: 'number'>, <Form.TEXT: 'text'>, <Form.VECTOR: 'vector'>)
        """
        if pa.types.is_dictionary(kind):
            return cls.of(kind.value_type)
        for test, form in _FORMS:
            if test(kind):
                return form
        return cls.OTHER


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_vector(kind: pa.DataType) -> bool:
    return bool(pa.types.is_fixed_size_list(kind) and _is_number(kind.value_type))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


_FORMS = (
    (_is_number, Form.NUMBER),
    (_is_text, Form.TEXT),
    (pa.types.is_boolean, Form.BOOLEAN),
    (pa.types.is_temporal, Form.TIME),
    (_is_vector, Form.VECTOR),
    (_is_list, Form.LIST),
)


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the data: its name, as found, and its form."""

    name: str
    form: Form
