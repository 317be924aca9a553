"""`preprocess_handler` in the place of a format: records go into the sandbox, rows come back."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from driftline.errors import Invalid, ScriptFailed, Unreadable
from driftline.formats import records
from driftline.formats.blocks import Block, blocks_of, numbered
from driftline.formats.captured import hashes_of, span_of
from driftline.formats.csv import quoting_at
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.identities import Seen
from driftline.problems import Problem
from driftline.scripts.sandbox import Log, Sandbox
from driftline.scripts.script import BEFORE, Script

SIZE = 1 << 18
"""Bytes of records that are handed over together."""

TOGETHER = 32_768
"""Rows of a batch, where there are as many."""

KINDS = {"capture": "capture", "csv": "csv", "jsonlines": "line"}
"""Format -> what the function is given: the record of a call, a row of CSV as text, or a line."""

_REMEDY = "Mend the script, or bear some errors: --read-option script_errors=N."


@dataclass(frozen=True, slots=True)
class Failure(Problem):
    """A record at which the script failed; `at` is the script's own line, `record` the record's id."""

    script: str = ""
    at: int | None = None
    record: str | None = None
    fatal: bool = False

    def error(self) -> ScriptFailed:
        """The same as the error of a run."""
        where = self.uri + (f" line {self.line}" if self.line is not None else "")
        record = f"record {self.record!r}, {where}" if self.record else where
        return ScriptFailed(script=self.script, reason=self.reason, line=self.at, record=record, remedy=self.remedy)

    def __str__(self) -> str:
        """One line: script, line, reason, record, file, line."""
        return str(self.error())


@contextmanager
def opened(script: Script | None, log: Log | None) -> Iterator[Sandbox | None]:
    """A sandbox for the script, as long as the context lasts; nothing for no script."""
    if script is None:
        yield None
        return
    with Sandbox(script, BEFORE, log) as sandbox:
        yield sandbox


def refuse(format: str, uri: str) -> None:
    """Raise `Invalid` for a format whose records a script cannot be given."""
    if format not in KINDS:
        expected = "captured calls, CSV or JSON lines"
        remedy = "Leave the script out; columns can be computed by --select-expr."
        raise Invalid(what=f"format of {uri} for a preprocessor", got=format, expected=expected, remedy=remedy)


def read(sandbox: Sandbox, format: str, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
    """The rows that the script makes of a part, with a `Problem` for each record that is none.

    Columns are the keys in their order; those that are but numbers take the baseline's names. Raises `ScriptFailed` at
    the first error above the number that the script may make here.
    """
    refuse(format, part.uri)
    failures = 0
    items = gathered(_read(sandbox, format, part, opener, options))
    for item in numbered(items, part, opener):
        if isinstance(item, Failure):
            failures += 1
            if item.fatal or failures > sandbox.script.errors:
                raise item.error()
        yield item


def gathered(items: Iterator[Item]) -> Iterator[Item]:
    """The items, consecutive batches of the same columns in one: a profile takes many rows faster than few."""
    waiting: list[pa.RecordBatch] = []
    try:
        for item in items:
            if not isinstance(item, pa.RecordBatch):
                yield item
                continue
            if waiting and waiting[0].schema != item.schema:
                yield from _joined(waiting)
            waiting.append(item)
            if sum(batch.num_rows for batch in waiting) >= TOGETHER:
                yield from _joined(waiting)
    except Unreadable:  # what was read before the damage counts
        yield from _joined(waiting)
        raise
    yield from _joined(waiting)


def _joined(waiting: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    if waiting:
        yield pa.concat_batches(waiting)
    waiting.clear()


def _read(sandbox: Sandbox, format: str, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
    kind, quoting = KINDS[format], None
    if kind == "csv":
        quoting = quoting_at(part.uri, opener, options)
        kind = "csv" if quoting and quoting.quote == '"' else "line"
    sandbox.start()
    ids: list[str | None] = []
    with ThreadPoolExecutor(1, thread_name_prefix="driftline-script") as pool:
        blocks = blocks_of(part, opener, options.settings, quoting=quoting, size=SIZE)
        span = span_of(options) if kind == "capture" else None
        feeding = pool.submit(_feed, sandbox, blocks, {"kind": kind, "span": span})
        answer: dict[str, Any] = {}
        try:
            while "ended" not in (answer := sandbox.answer()):
                yield from _items(answer, sandbox.script, part, options)
                if kind == "capture" and "done" in answer:
                    ids.extend([None] * (answer["done"] - part.first_line - len(ids)))
                    ids.extend(answer["ids"])
        finally:
            if answer.get("ended") is not True:
                sandbox.kill()  # or the feeding would wait for ever
        if ids:
            yield Seen(part.uri, hashes_of(ids), part.first_line or None)
        feeding.result()


def _feed(sandbox: Sandbox, blocks: Iterator[Block], about: Mapping[str, Any]) -> None:
    """Hand over all blocks; what fails in reading them is raised when the script has answered those before."""
    seed = None
    try:
        for block in blocks:
            asked: dict[str, Any] = {**about, "bytes": len(block.data), "first": block.first_line}
            if seed is None:
                seed = asked["seed"] = zlib.crc32(block.data[:SIZE])
            if not sandbox.ask(asked, block.data):
                return
    finally:
        sandbox.ask({"end": True})


def _items(answer: Mapping[str, Any], script: Script, part: Part, options: ReadOptions) -> Iterator[Item]:
    if "rows" in answer:
        yield batch_of(answer["names"], answer["rows"], options.names)
    elif answer.get("dicts"):
        yield _batch_of_dicts(answer["dicts"], options.names)
    elif "unfit" in answer:
        remedy = "The record is left out."
        yield Problem(part.uri, answer["unfit"], answer["line"], value=answer["value"], remedy=remedy)
    elif "error" in answer:
        yield Failure(
            part.uri,
            answer["error"],
            answer["line"],
            value=answer.get("value"),
            remedy=_REMEDY,
            script=script.name,
            at=answer["at"],
            record=answer["id"],
            fatal=bool(answer.get("fatal")),
        )


def batch_of(names: Sequence[str], rows: Sequence[Sequence[Any]], known: Sequence[str] | None = None) -> pa.RecordBatch:
    """Rows as text columns in the order of their names; empty is null, lists of numbers are lists.

    >>> batch_of(["b", "a"], [["1", 2], ["", None]]).to_pylist()
    [{'a': '2', 'b': '1'}, {'a': None, 'b': None}]
    """
    if len(set(names)) < len(names):
        return _batch_of_dicts([dict(zip(names, row, strict=True)) for row in rows], known)
    columns = list(zip(*rows, strict=True))
    if any(isinstance(value, dict | list) for column in columns for value in column[:1]):
        return _batch_of_dicts([dict(zip(names, row, strict=True)) for row in rows], known)
    try:
        arrays = {name: _texts(column) for name, column in zip(names, columns, strict=True)}
    except TypeError:
        return _batch_of_dicts([dict(zip(names, row, strict=True)) for row in rows], known)
    ordered = sorted(arrays)
    return pa.RecordBatch.from_arrays([arrays[name] for name in ordered], names=renamed(ordered, known))


def _texts(values: Sequence[Any]) -> pa.Array:
    """Plain values as text; raises TypeError where one is not plain."""
    try:
        found = pa.array(values, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid, UnicodeEncodeError):
        if any(isinstance(value, dict | list) for value in values):
            raise TypeError("a value of several") from None
        found = pa.array([_clean(records.as_text(value)) for value in values], pa.string())
    empty = pc.equal(found, "")
    return pc.if_else(empty, None, found) if pc.any(empty).as_py() else found


def _clean(text: str | None) -> str | None:
    """Text without halves of characters, which JSON can hold and UTF-8 cannot."""
    return None if text is None else text.encode("utf-8", "replace").decode()


def _batch_of_dicts(rows: Sequence[Mapping[str, Any]], known: Sequence[str] | None) -> pa.RecordBatch:
    """Rows with names of their own, or with values that hold others, which become columns `a.b`."""
    flat = [{_clean(name) or "": _plain(value) for name, value in records.flat(row).items()} for row in rows]
    batch = records.batch_of(flat)
    ordered = sorted(batch.schema.names)
    return pa.RecordBatch.from_arrays([batch[name] for name in ordered], names=renamed(ordered, known))


def _plain(value: Any) -> Any:
    return (_clean(value) or None) if isinstance(value, str) else value


def renamed(names: Sequence[str], known: Sequence[str] | None) -> list[str]:
    """The baseline's names for columns that the script only numbers, as `str(i).zfill(20)` does.

    So it is too for as many columns as the baseline has, none of them named as one of its. Others keep their names.

    >>> renamed(["00", "01", "02"], ["y", "age"]), renamed(["age", "x"], ["y", "age"])
    (['y', 'age', '02'], ['age', 'x'])
    >>> renamed(["prediction0", "x0"], ["y", "age"])
    ['y', 'age']
    """
    if not known or set(names) & set(known):
        return list(names)
    if all(name.isdecimal() for name in names):
        numbers = [int(name) for name in names]
        places = numbers if max(numbers) < len(known) else list(range(len(names)))
    elif len(names) == len(known):
        places = list(range(len(names)))
    else:
        return list(names)
    return [known[place] if place < len(known) else name for place, name in zip(places, names, strict=True)]
