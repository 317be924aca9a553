"""Expressions made ready for batches of one schema: which columns pass as they are, which DuckDB computes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from driftline.errors import Invalid
from driftline.formats.sql.expressions import Expression
from driftline.formats.sql.names import member, path_of, struct_names
from driftline.formats.sql.nodes import NODES
from driftline.formats.sql.session import SECONDS, Session, session
from driftline.formats.sql.translator import Translator
from driftline.problems import Problem

_ROW = "_driftline_row"


@dataclass(frozen=True, slots=True)
class Output:
    """A column of the result: one of the batch as it is, or computed."""

    name: str
    expression: Expression
    column: str | None = None
    sql: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The outputs for one schema, and the columns that computing them takes; `explodes` if rows may multiply."""

    outputs: tuple[Output, ...]
    needed: tuple[str, ...]
    explodes: bool = False

    def apply(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch | Problem]:
        """The result for a batch, after a problem for each expression that failed altogether and gave nulls."""
        computed = [output for output in self.outputs if output.sql is not None]
        if not computed:
            yield _batch([(each.name, batch.column(each.column)) for each in self.outputs], batch.num_rows)
            return
        found, problems = self._compute(computed, _with_rows(batch, self.needed))
        yield from problems
        rows = found.pop().combine_chunks() if self.explodes else None
        values = dict(zip((output.name for output in computed), found, strict=True))
        columns = []
        for output in self.outputs:
            array = values[output.name] if output.column is None else batch.column(output.column)
            columns.append((output.name, array if rows is None or output.column is None else array.take(rows)))
        yield _batch(columns, len(rows) if rows is not None else batch.num_rows)

    def _compute(self, computed: Sequence[Output], rows: pa.Table) -> tuple[list[Any], list[Problem]]:
        """The columns; those of expressions that fail on some value with nulls there."""
        import duckdb

        sqls = [str(output.sql) for output in computed] + ([_ROW] if self.explodes else [])
        try:
            with session().holding(rows):
                return list(session().select(sqls).columns), []
        except duckdb.InterruptException:
            raise _too_slow(computed) from None
        except duckdb.Error:
            if self.explodes:
                raise _failed(computed) from None
        with session(careful=True).holding(rows):
            each = [_one(session(careful=True), output) for output in computed]
        return [column for column, _ in each], [problem for _, problem in each if problem is not None]


def _one(session: Session, output: Output) -> tuple[Any, Problem | None]:
    import duckdb

    try:
        return session.select([f"TRY({output.sql})"]).column(0), None
    except duckdb.InterruptException:
        raise _too_slow([output]) from None
    except duckdb.Error as error:
        reason = f"the expression {output.expression.text!r} failed and gave nulls: {_first_line(error)}"
        problem = Problem("", reason, column=output.name, rows=0, remedy="Use a simpler expression.")
        return session.select([f"CASE WHEN false THEN {output.sql} END"]).column(0), problem


def _too_slow(outputs: Sequence[Output]) -> Invalid:
    texts = ", ".join(output.expression.text for output in outputs)
    got = f"more than {SECONDS:g} seconds for one batch"
    return Invalid(what=f"select expression {texts!r}", got=got, expected="less", remedy="Use a simpler expression.")


def _failed(outputs: Sequence[Output]) -> Invalid:
    texts = ", ".join(output.expression.text for output in outputs)
    return Invalid(what=f"select expression {texts!r}", got="values it fails for", expected="values it can take")


def _first_line(error: Exception) -> str:
    return re.sub(r"^\w+( \w+)* Error: ", "", str(error).partition("\n")[0])


def _with_rows(batch: pa.RecordBatch | pa.Table, needed: Sequence[str]) -> pa.Table:
    """The columns that are needed, and the number of each row."""
    numbers = pa.array(np.arange(batch.num_rows, dtype=np.int64))
    return pa.table([batch.column(name) for name in needed] + [numbers], names=[*needed, _ROW])


def _batch(columns: Sequence[tuple[str, Any]], rows: int) -> pa.RecordBatch:
    if not columns:  # rows without columns are rows still
        return pa.record_batch([pa.nulls(rows, pa.string())], names=["_c0"])
    arrays = [_combined(array) for _, array in columns]
    return pa.RecordBatch.from_arrays(arrays, names=[name for name, _ in columns])


def _combined(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(array, pa.ChunkedArray):
        return array
    combined = array.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined


def plan(expressions: Sequence[Expression], schema: pa.Schema) -> Plan:
    """The plan for batches of `schema`; raises `Invalid` for what cannot be computed, or two columns of one name.

    A column that `schema` lacks is null; an output that comes of nothing else is left out.
    """
    empty = schema.empty_table()
    top = {name.lower(): name for name in reversed(schema.names)}
    outputs: list[Output] = []
    explodes = False
    for expression in expressions:
        outputs += _passing(expression, schema, top) or _computed(expression, empty, _needed(expression, top))
        explodes = _refuse_second_explode(expression, explodes)
    _refuse_twice(outputs)
    columns = sorted({name for each in outputs if each.sql is not None for name in _needed(each.expression, top)})
    return Plan(tuple(outputs), tuple(columns), explodes)


def references(expression: Expression) -> list[tuple[str, ...]]:
    """The columns an expression speaks of, each with the members behind it.

    >>> from driftline.formats.sql.expressions import parse
    >>> references(parse("transform(items, x -> x + person.age) AS y"))
    [('items',), ('person', 'age')]
    """
    from sqlglot import exp

    found = dict.fromkeys(
        tuple(name for name in path_of(node) if name != "*") for node in expression.tree.find_all(exp.Column)
    )
    return sorted(path for path in found if path)


def sources(expressions: Sequence[Expression], names: Sequence[str]) -> list[str]:
    """Which of these columns the expressions may need, in their order; all of them for `*`.

    >>> from driftline.formats.sql.expressions import parse
    >>> sources([parse("Age + a.b AS c")], ["a", "a.b", "age", "d"]), sources([parse("*")], ["a", "b"])
    (['a.b', 'age'], ['a', 'b'])
    """
    if any(_has_star(each) for each in expressions):
        return list(names)
    top = {name.lower(): name for name in reversed(names)}
    found = {name for each in expressions for name in _needed(each, top)}
    return [name for name in names if name in found]


def _has_star(expression: Expression) -> bool:
    """Whether it means all columns; `person.*` means those of one."""
    from sqlglot import exp

    return any(not isinstance(star.parent, exp.Column) for star in expression.tree.find_all(exp.Star))


def _needed(expression: Expression, top: dict[str, str]) -> list[str]:
    found = []
    for path in references(expression):
        for count in range(len(path), 0, -1):
            name = top.get(".".join(path[:count]).lower())
            if name is not None:
                found.append(name)
                break
    return sorted(set(found))


def _passing(expression: Expression, schema: pa.Schema, top: dict[str, str]) -> list[Output]:
    """The outputs that are columns of the batch as they are."""
    from sqlglot import exp

    tree = expression.tree
    if isinstance(tree, exp.Star):
        if any(tree.args.values()):
            raise expression.fault(None, expression.text, "* alone", "Leave columns out by --exclude.")
        return [Output(name, expression, column=name) for name in schema.names]
    found = top.get(".".join(path_of(tree)).lower()) if isinstance(tree, exp.Column) else None
    return [Output(str(expression.name), expression, column=found)] if found is not None else []


def _computed(expression: Expression, empty: pa.Table, needed: Sequence[str]) -> list[Output]:
    """The outputs that DuckDB computes, tried on no rows; none where all is null for want of columns."""
    import duckdb

    names = {name.lower(): name for name in needed}
    translator = Translator(expression, names, session().type_of, NODES)
    try:
        with session().holding(_with_rows(empty, needed)):
            return _translated(translator)
    except duckdb.Error as error:
        raise expression.fault(None, _first_line(error), "types and arguments that go together") from None
    except RecursionError:
        raise expression.fault(None, "an expression nested too deeply", "fewer brackets") from None


def _translated(translator: Translator) -> list[Output]:
    from sqlglot import exp

    expression = translator.expression
    tree = expression.tree
    if isinstance(tree, exp.Column) and isinstance(tree.this, exp.Star):
        return _every_member(expression, translator)
    sql = _exploded(translator, tree) if _explode_of(tree) else translator.sql(tree)
    name = str(expression.name)
    if translator.type_of(sql) == '"NULL"':
        return [] if references(expression) else [Output(name, expression, sql="CAST(NULL AS VARCHAR)")]
    session().select([sql])
    return [Output(name, expression, sql=sql)]


def _every_member(expression: Expression, translator: Translator) -> list[Output]:
    from sqlglot import exp

    parts = [part for part in expression.tree.parts if not isinstance(part, exp.Star)]
    inner = exp.Column(**dict(zip(("this", "table", "db", "catalog"), reversed(parts), strict=False)))
    sql = translator.sql(inner)
    kind = translator.type_of(sql)
    if kind == '"NULL"':
        return []
    if not kind.startswith("STRUCT"):
        raise expression.fault(None, f"{expression.text} of type {kind.lower()}", "the members of a struct")
    return [Output(name, expression, sql=member(translator, sql, name)) for name in struct_names(kind)]


def _explode_of(tree: Any) -> str:
    name = str(getattr(tree, "this", "")).lower() if type(tree).__name__ == "Anonymous" else ""
    return name if name in ("explode", "explode_outer") else ""


def _exploded(translator: Translator, tree: Any) -> str:
    items = translator.given(tree.expressions[0], "list") if len(tree.expressions) == 1 else ""
    if not items:
        raise translator.expression.fault("explode", f"{len(tree.expressions)} arguments of explode", "1 argument")
    if _explode_of(tree) == "explode_outer":
        items = f"(CASE WHEN len({items}) > 0 THEN {items} ELSE [NULL] END)"
    return f"unnest({items})"


def _refuse_second_explode(expression: Expression, before: bool) -> bool:
    if not _explode_of(expression.tree):
        return before
    if before:
        raise expression.fault("explode", "a second explode", "one of them", "Read the data twice.")
    return True


def _refuse_twice(outputs: Sequence[Output]) -> None:
    seen: set[str] = set()
    for output in outputs:
        if output.name in seen:
            remedy = "Name one of them by AS, or list the columns instead of *."
            raise output.expression.fault(None, f"a second column {output.name!r}", "different names", remedy)
        seen.add(output.name)
