"""What is done to batches on read: Spark SQL expressions, then the choice of columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches

import pyarrow as pa

from driftline.errors import Invalid
from driftline.formats.choice import choose
from driftline.formats.format import Item, ReadOptions
from driftline.formats.sql.expressions import Expression, parse
from driftline.formats.sql.plan import Plan, plan, references


def transform(items: Iterable[Item], options: ReadOptions) -> Iterator[Item]:
    """The items with `options.select` applied (the result has exactly those columns), then `columns` and `exclude`.

    What is no batch passes. A column that a batch lacks is null in an expression. Raises `Invalid` for an expression
    that is none, or that asks for more than the columns of a row.

    >>> batch = pa.record_batch({"age": ["41", "x"], "city": ["Rome", None]})
    >>> [result.to_pylist() for result in transform([batch], ReadOptions(select=("age + 1 AS next", "city")))]
    [[{'next': 42.0, 'city': 'Rome'}, {'next': None, 'city': None}]]
    """
    expressions = tuple(parse(text) for text in options.select)
    plans: dict[pa.Schema, Plan] = {}
    for item in items:
        for result in _selected(item, expressions, plans):
            if not isinstance(result, pa.RecordBatch):
                yield result
            else:
                yield choose(result, options.columns, options.exclude)


def _selected(item: Item, expressions: tuple[Expression, ...], plans: dict[pa.Schema, Plan]) -> Iterator[Item]:
    if not isinstance(item, pa.RecordBatch) or not expressions:
        yield item
        return
    schema = item.schema.remove_metadata()
    if schema not in plans:
        plans[schema] = plan(expressions, schema)
    yield from plans[schema].apply(item)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column that is asked for; `by` is the expression that does, None for `columns` and `exclude`."""

    name: str
    by: Expression | None = None

    def is_among(self, seen: Collection[str]) -> bool:
        """Whether a column of that name was seen; expressions do not look at case, as in Spark.

        A member of something that is no struct (a map's key, a list's member) is seen with it.
        """
        if self.by is None:
            return self.name in seen
        lowered = {name.lower() for name in seen}
        name = self.name.lower()
        while name not in lowered:
            name, dot, _ = name.rpartition(".")
            if not dot or any(each.startswith(name + ".") for each in lowered):
                return False
        return True

    def fault(self, seen: Collection[str]) -> Invalid:
        """The error for a column that is nowhere, naming those whose names are close."""
        close = get_close_matches(self.name, seen, n=3)
        listed = ", ".join(close or sorted(seen)[:20])
        remedy = f"Did you mean {' or '.join(close)}?" if close else "Check the name."
        if self.by is not None:
            return self.by.fault(self.name.rpartition(".")[2], self.name, f"a column, such as {listed}", remedy)
        return Invalid(what="column", got=self.name, expected=f"a column of the data, such as {listed}", remedy=remedy)


def wanted(options: ReadOptions) -> tuple[Wanted, ...]:
    """All columns that must be somewhere in the data for `options` to make sense.

    Raises `Invalid` for an expression that is none, and for chosen columns that no expression gives.

    >>> [each.name for each in wanted(ReadOptions(select=("a + b.c AS d",)))]
    ['a', 'b.c']
    """
    expressions = [parse(text) for text in options.select]
    asked = [Wanted(".".join(path), each) for each in expressions for path in references(each)]
    chosen = [Wanted(name) for name in (*(options.columns or ()), *options.exclude)]
    if not expressions:
        return tuple(chosen)
    given = [each.name for each in expressions if each.name is not None]
    others = [each for each in chosen if not any(f"{each.name}.".startswith(f"{name}.") for name in given)]
    if others and len(given) == len(expressions):
        raise others[0].fault(given)
    return (*asked, *others)


def reading(options: ReadOptions, constants: Collection[str]) -> ReadOptions:
    """The options for a format's reader: only the choice of columns that it can make itself.

    Where there are expressions they tell a reader which columns it need not read; `columns` and `exclude` then speak
    of what comes of them.
    """
    if options.select:
        return replace(options, columns=None, exclude=())
    if options.columns is None:
        return options
    return replace(options, columns=tuple(name for name in options.columns if name not in constants) or None)
