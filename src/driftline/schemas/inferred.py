"""A schema made from a sample of rows: what each column is, and which values it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from driftline.schemas.classes import classes_of, has_scores
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Kind, ModelField, ModelSchema, ModelType, Role
from driftline.schemas.kinds import inner_type, is_list, is_number, is_text
from driftline.schemas.names import column, columns_of
from driftline.schemas.roles import guessed
from driftline.schemas.texts import read_booleans, read_floats, read_lists
from driftline.schemas.times import read_times
from driftline.schemas.values import plain, texts_of

LONG = 50
"""Texts that are longer on average, in characters, are free text if most of them differ."""

MANY = 20
"""Whole numbers with more distinct values are no labels of classes."""


_NUMBERS = (Role.SCORE, Role.ACTUAL_SCORE, Role.RANK, Role.RELEVANCE, Role.ATTRIBUTION)
"""Their values are numbers, also where these come as texts."""


def infer(columns: Columns, sample: pa.Table, *, typed: bool = False) -> ModelSchema:
    """The schema that a sample of a file suggests, to be edited; columns without any value are left out.

    Texts that all read as numbers, times, vectors or lists are such; booleans only if they are words (true, no), since
    0 and 1 may be counts. Of numbers only those in columns of whole numbers are `whole`, and labels that are texts 0
    and 1: a file of text may have a fraction further down. In a `typed` sample, of a format that knows types, a text
    is one whatever it reads as, but for times, and for scores and the like, which are numbers anyway. Raises `Invalid`
    for a role that does not exist.

    >>> sample = pa.table({"age": ["31", "4.5"], "city": ["Rome", "Bonn"], "new": ["true", "false"], "y": ["0", "1"]})
    >>> schema = infer(Columns(lists={"prediction": ["y"]}), sample)
    >>> [(each.name, str(each.role), str(each.kind), each.whole) for each in schema]
    [('age', 'feature', 'numeric', False), ('city', 'feature', 'string', False),
     ('new', 'feature', 'boolean', False), ('y', 'prediction', 'numeric', True)]
    >>> {str(each.kind) for each in infer(Columns(), sample, typed=True)}
    {'string'}
    """
    batch = _batch(sample)
    found = columns_of(batch.schema)
    fields = []
    for name, field in guessed(columns, found).items():
        array = column(batch, name)
        values = plain(array).drop_null() if array is not None else pa.nulls(0)
        if len(values) and field.role in (Role.SCORE, Role.ACTUAL_SCORE) and has_scores(values.type):
            fields += _by_class(field, values)
        elif len(values):
            fields.append(_refined(field, values, typed and field.role not in _NUMBERS))
    return ModelSchema(tuple(_once(fields)))


def type_of(schema: ModelSchema, sample: pa.Table, columns: Columns | None = None) -> ModelType:
    """What the model seems to predict, by its predictions and how many values they take in the sample.

    >>> columns = Columns(lists={"prediction": ["y"]})
    >>> sample = pa.table({"y": [0.5, 1.5, 2.5]})
    >>> type_of(infer(columns, sample), sample, columns)
    <ModelType.REGRESSION: 'regression'>
    """
    if schema.having(Role.RANK, Role.GROUP, Role.RELEVANCE):
        return ModelType.RANKING
    if len([each for each in schema.having(Role.SCORE) if each.of is not None]) > 2:
        return ModelType.MULTICLASS
    labels = schema.having(Role.PREDICTION) or schema.having(Role.ACTUAL)
    if not labels:
        return ModelType.BINARY if schema.having(Role.SCORE) else ModelType.REGRESSION
    label = min(labels, key=lambda each: (each.kind is Kind.NUMERIC and not each.whole, schema.fields.index(each)))
    if label.kind in _TYPES:
        return _TYPES[label.kind]
    distinct = _distinct(_batch(sample), label, columns or Columns())
    if label.kind is Kind.NUMERIC and (not label.whole or distinct > MANY):
        return ModelType.REGRESSION
    return ModelType.BINARY if distinct <= 2 else ModelType.MULTICLASS


_TYPES = {
    Kind.BOOLEAN: ModelType.BINARY,
    Kind.TEXT: ModelType.GENERATIVE,
    Kind.LIST: ModelType.MULTILABEL,
    Kind.TIMESTAMP: ModelType.REGRESSION,
    Kind.TENSOR: ModelType.REGRESSION,
}


def _batch(sample: pa.Table) -> pa.RecordBatch:
    batches = sample.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=sample.schema)


def _distinct(batch: pa.RecordBatch, label: ModelField, columns: Columns) -> int:
    names = [name for name, field in guessed(columns, columns_of(batch.schema)).items() if field.name == label.name]
    array = column(batch, names[0] if names else label.name)
    return 0 if array is None else len(pc.unique(texts_of(array).drop_null()))


def _by_class(field: ModelField, values: pa.Array) -> list[ModelField]:
    """A score for each class, and what has the highest as the label that it is."""
    label = Role.PREDICTION if field.role is Role.SCORE else Role.ACTUAL
    scores = (ModelField(f"{field.name}.{each}", field.role, Kind.NUMERIC, of=each) for each in classes_of(values))
    return [ModelField(field.name, label, Kind.STRING), *scores]


def _once(fields: list[ModelField]) -> Iterator[ModelField]:
    """Without labels that are told from scores where there is a label besides."""
    for role in (Role.PREDICTION, Role.ACTUAL):
        labels = [each for each in fields if each.role is role]
        told = [each for each in labels if any(other.name.startswith(f"{each.name}.") for other in fields)]
        if len(labels) > len(told) > 0:
            fields = [each for each in fields if each not in told]
    yield from fields


def _refined(field: ModelField, values: pa.Array, typed: bool) -> ModelField:
    """The field with the kind that its values tell, where the type of the column alone does not."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if is_list(inner_type(values.type)) and field.kind is Kind.LIST:
        return _of_lists(field, values.to_pylist(), is_number(_innermost(values.type)))
    if not is_text(values.type) or field.role is Role.GROUP:
        return field
    texts = values.cast(pa.string())
    filled = texts.filter(pc.not_equal(texts, ""))
    for kind, read in _READ.items():
        if len(filled) and not read(filled).null_count:
            if typed and kind is not Kind.TIMESTAMP:
                break
            return replace(field, kind=kind, whole=kind is Kind.NUMERIC and _is_label(field, filled))
    lists = [] if typed else [each for each in read_lists(filled) if each is not None]
    if len(lists) == len(filled) and lists:
        return _of_lists(field, lists, all(isinstance(one, int | float) for each in lists for one in each))
    return replace(field, kind=Kind.TEXT if _is_free(texts) else Kind.STRING)


def _words(texts: pa.Array) -> pa.Array:
    """As booleans where they are words, not digits."""
    digits = pc.match_substring_regex(texts, r"^\s*[-+\d.]")
    return pc.if_else(digits, pa.scalar(None, pa.bool_()), read_booleans(texts))


_READ: Mapping[Kind, Callable[[pa.Array], pa.Array]] = {
    Kind.NUMERIC: read_floats,
    Kind.BOOLEAN: _words,
    Kind.TIMESTAMP: read_times,
}
"""Kinds that texts may be of, in the order in which they are tried."""


def _is_label(field: ModelField, texts: pa.Array) -> bool:
    """Whether numbers as text are a label of two classes."""
    if field.role not in (Role.PREDICTION, Role.ACTUAL):
        return False
    return not set(pc.unique(texts).to_pylist()) - {"0", "1"}


def _is_free(texts: pa.Array) -> bool:
    lengths, distinct = pc.utf8_length(texts), len(pc.unique(texts))
    return bool(pc.mean(lengths).as_py() > LONG and distinct > len(texts) / 2)


def _of_lists(field: ModelField, lists: list[list[object]], numbers: bool) -> ModelField:
    """A tensor if all are of numbers and of one shape, else a list."""
    shapes = {_shape(each) for each in lists}
    if field.role in (Role.PREDICTION, Role.ACTUAL):  # boxes and the like, of which some have more than others
        return replace(field, kind=Kind.LIST, dimensions=())
    if numbers and len(shapes) == 1 and None not in shapes:
        dimensions = next(iter(shapes))
        if dimensions and 0 not in dimensions:
            return replace(field, kind=Kind.TENSOR, dimensions=dimensions)
    return replace(field, kind=Kind.LIST)


def _shape(value: object) -> tuple[int, ...] | None:
    """The lengths of nested lists, None where they differ from one to the next."""
    if not isinstance(value, list):
        return ()
    inner = {_shape(each) for each in value}
    if len(inner) > 1 or None in inner:
        return None
    below = next(iter(inner), ())
    return (len(value), *(below or ()))


def _innermost(kind: pa.DataType) -> pa.DataType:
    while is_list(kind):
        kind = kind.value_type
    return kind
