"""What is to be read: paths, globs, folders and URIs made into tasks, and a task into record batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import BinaryIO

import pyarrow as pa

from driftline.errors import Denied, DriftlineError, EmptyWindow, NotFound, Unreadable
from driftline.formats import transformjob
from driftline.formats.choice import names_of
from driftline.formats.constants import with_constants
from driftline.formats.format import Item, Part, ReadOptions
from driftline.formats.formats import FORMATS, HEAD, certain, format_named, is_manifest, recognise
from driftline.formats.readoptions import refuse_unknown
from driftline.formats.transform import reading, transform, wanted
from driftline.listing import Entry, find
from driftline.problems import Problem, Problems
from driftline.scripts import preprocess
from driftline.scripts.sandbox import Log, Sandbox
from driftline.scripts.script import Script
from driftline.storage.storages import Access, location_for, storage_for
from driftline.versions import Version

WHOLE_ROWS = 131_072
"""Up to so many rows an input is one task: SageMaker reads such as one partition, whose sketch is then the same."""

WHOLE_BYTES = 8 << 20
"""The same where the number of rows is not known beforehand."""

TASK_BYTES = 32 << 20
"""Larger inputs are cut into tasks of about this size, or of `WHOLE_ROWS` rows."""

_HEAD = 4096
"""So many first bytes tell a list of objects."""

_LOOKERS = 16
"""Objects that are looked into at the same time: mostly waiting for a store's answer."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part with the name of its format, and whether a batch transform wrote it."""

    format: str
    part: Part
    transformed: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """What was read was a list of objects."""

    uris: tuple[str, ...]


_Cut = tuple[Piece, ...] | DriftlineError | Listed


@dataclass(frozen=True, slots=True)
class Task:
    """Pieces that one worker reads in order; `size` in bytes weighs it for progress."""

    pieces: tuple[Piece, ...]
    size: int


@dataclass(frozen=True)
class Source:
    """Everything that is to be read, as a plain value; the tasks never depend on how many workers there are.

    `objects` are the URIs that are read (a Delta table is one), `versions` tell which version of them was found, and
    of lists of objects; `skipped` counts empty, hidden and marker objects, `problems` tell of objects that could not be
    opened. `script` makes the rows of the records, if there is one, and
    `log` takes what it prints.
    """

    tasks: tuple[Task, ...] = ()
    objects: tuple[str, ...] = ()
    skipped: int = 0
    problems: Problems = field(default_factory=Problems)
    access: Access = field(default_factory=Access)
    options: ReadOptions = field(default_factory=ReadOptions)
    script: Script | None = None
    log: Log | None = field(default=None, compare=False, repr=False)
    versions: Mapping[str, Version] = field(default_factory=dict)


_BY_LINES = ("json", "jsonlines", "capture", "ground_truth", "merged")
"""Formats in which a column may turn up in the last row; all others tell their columns at once."""

_BY_SCHEMA = ("parquet", "arrow", "avro", "delta")
"""Formats that tell their columns without a row."""

_PASSING = (Unreadable, Denied, NotFound)
"""What is wrong with one object and leaves the others readable; a store that is down is not among them."""


_ODD = (pa.ArrowException, ValueError, TypeError, OverflowError, RecursionError)
"""What libraries raise at values they cannot take: the object is told, the others go on."""


def resolve(
    inputs: Sequence[str],
    access: Access,
    format: str | None = None,
    options: ReadOptions | None = None,
    script: Script | None = None,
    below: str | None = None,
) -> Source:
    """Find all objects of the inputs, recognise their formats and cut them into tasks, in the order of the URIs.

    Columns in their paths are those below each input, or below the URI `below` where the inputs are single files of it.

    A list of objects, as a batch transform's capture leaves it, stands for the objects that it lists. An object that
    cannot be read becomes a problem as long as another one can. Raises `NotFound` for an input that
    matches nothing, `EmptyWindow` if all objects are empty or hidden, `Invalid` for an unknown format or setting,
    a wrong expression or a column that is in none of the objects, and the first error if all objects fail.
    """
    options = options or ReadOptions()
    refuse_unknown(options.settings)
    asked = wanted(options)
    if format is not None:
        format_named(format)
    found = find(inputs, access, format, below)
    looked = _looked(found.entries, partial(_cut, access=access, format=format, options=options))
    listed, problems = _listed(looked, access)
    cut = partial(_cut, access=access, format=format, options=options, listed=True)
    looked = sorted([*looked, *_looked(listed, cut)], key=lambda pair: pair[0].uri.encode("utf-8", "surrogateescape"))
    errors = [each for _, each in looked if isinstance(each, DriftlineError)]
    if errors and not any(isinstance(each, tuple) for _, each in looked):
        raise errors[0]
    pieces = list(chain.from_iterable(each for _, each in looked if isinstance(each, tuple)))
    problems = [*found.problems, *problems]
    problems += [_problem_of(each, entry.uri) for entry, each in looked if isinstance(each, DriftlineError)]
    uris = tuple(entry.uri for entry, each in looked if isinstance(each, tuple))
    skipped = found.skipped + sum(isinstance(each, Listed) for _, each in looked)
    versions = {
        entry.uri: Version(entry.size, entry.etag) for entry, each in looked if not isinstance(each, DriftlineError)
    }
    told = Problems.of(problems)
    source = Source(_grouped(pieces), uris, skipped, told, access, options, script, versions=versions)
    for piece in pieces if script else ():
        preprocess.refuse(piece.format, piece.part.uri)
    if asked and pieces:
        _refuse_unknown_columns(source, pieces)
    return source


def read(task: Task, source: Source) -> Iterator[Item]:
    """The rows of a task in order, as record batches, and a problem for everything that is left out.

    Columns of the path are added, expressions and the choice of columns applied. A part that cannot be read on gives
    a problem, and the next part follows. Raises `StorageUnavailable` when the store is down.
    """
    with preprocess.opened(source.script, source.log) as sandbox:
        for piece in task.pieces:
            yield from _read(piece, source, sandbox)


def strictly(source: Source) -> Iterator[Item]:
    """The rows of all tasks in order, as `read` gives them; raises the first error instead of telling a problem.

    For whoever wants a file whole or not at all: `Unreadable`, `NotFound`, `Denied`, `StorageUnavailable`.
    """
    with preprocess.opened(source.script, source.log) as sandbox:
        for task in source.tasks:
            for piece in task.pieces:
                try:
                    yield from _items(piece, source, sandbox)
                except _ODD as error:
                    reason, remedy = _odd(piece, error)
                    raise Unreadable(uri=piece.part.uri, reason=reason, remedy=remedy) from error


def _read(piece: Piece, source: Source, sandbox: Sandbox | None) -> Iterator[Item]:
    try:
        yield from _items(piece, source, sandbox)
    except _PASSING as error:
        yield _problem_of(error, piece.part.uri)
    except _ODD as error:
        reason, remedy = _odd(piece, error)
        yield Problem(piece.part.uri, reason, remedy=remedy, rows=0)


def _items(piece: Piece, source: Source, sandbox: Sandbox | None) -> Iterator[Item]:
    for item in transform(_opened(piece, source.access, source.options, sandbox), source.options):
        yield replace(item, uri=piece.part.uri) if isinstance(item, Problem) and not item.uri else item


def _odd(piece: Piece, error: Exception) -> tuple[str, str]:
    """What a library said of values that it cannot take, and a remedy."""
    said = f"cannot be read as {piece.format}: {type(error).__name__}: {str(error)[:200]}"
    return said, "Name its format with --format, or leave it out."


def _opened(piece: Piece, access: Access, options: ReadOptions, sandbox: Sandbox | None) -> Iterator[Item]:
    """What the format, or a script, reads of a piece, with the columns of the path."""
    part, opener = piece.part, partial(_open, access=access)
    if sandbox is None:
        items = FORMATS[piece.format].read(part, opener, reading(options, part.constants))
        if piece.transformed and options.columns is None:
            items = transformjob.Identified(options).read(items)
    else:
        items = preprocess.read(sandbox, piece.format, part, opener, options)
    for item in items:
        yield with_constants(item, part.constants) if isinstance(item, pa.RecordBatch) else item


def _open(uri: str, access: Access) -> BinaryIO:
    return storage_for(uri, access).open(uri)


def _looked(entries: Sequence[Entry], cut: Callable[[Entry], _Cut]) -> list[tuple[Entry, _Cut]]:
    """All entries with what is in them, in order, several looked into at the same time."""
    if len(entries) < 2:
        return [(entry, cut(entry)) for entry in entries]
    with ThreadPoolExecutor(min(_LOOKERS, len(entries))) as pool:
        return list(zip(entries, pool.map(cut, entries), strict=True))


def _listed(looked: Sequence[tuple[Entry, _Cut]], access: Access) -> tuple[list[Entry], list[Problem]]:
    """The objects of all lists that are not among the entries themselves, and a problem for each that is not there."""
    known = {entry.uri for entry, _ in looked}
    named = {uri: entry.uri for entry, each in looked if isinstance(each, Listed) for uri in each.uris}
    found, problems = list[Entry](), list[Problem]()
    with ThreadPoolExecutor(_LOOKERS) as pool:
        for each in pool.map(partial(_named, access=access), [pair for pair in named.items() if pair[0] not in known]):
            if isinstance(each, Problem):
                problems.append(each)
            else:
                found += each
    return found, problems


def _named(pair: tuple[str, str], access: Access) -> list[Entry] | Problem:
    """The object that a list names, if it is there."""
    uri, source = pair
    try:
        found = find([uri], access, None)
        return found.problems[0] if found.problems else [each for each in found.entries if each.uri == uri]
    except (*_PASSING, EmptyWindow) as error:
        return replace(_problem_of(error, source), remedy=f"{source} lists it.")


def _cut(entry: Entry, access: Access, format: str | None, options: ReadOptions, listed: bool = False) -> _Cut:
    """The pieces of one object; the error if it cannot be read, what it lists if it is a list of objects and no data.

    `listed` says that such a list named it.
    """
    opener = partial(_open, access=access)
    try:
        name = "delta" if entry.table else format or certain(entry.uri)
        if name is None or (entry.uri.endswith(".json") and not entry.table):
            with opener(entry.uri) as stream:
                head = stream.read(HEAD if name is None else _HEAD)
                if is_manifest(head):
                    return Listed(() if listed else transformjob.listed(head + stream.read(), entry.uri))
            name = name or recognise(entry.uri, head)
        asked = reading(options, entry.constants)
        if name == "delta":  # the library for its log reaches the store by itself
            asked = replace(asked, location=location_for(entry.uri, access))
        parts = FORMATS[name].split(entry.uri, entry.size, opener, asked)
    except _PASSING as error:
        return error
    done = listed or entry.uri.endswith(transformjob.SUFFIX)
    return tuple(Piece(name, replace(part, constants={**entry.constants, **part.constants}), done) for part in parts)


def _problem_of(error: DriftlineError, uri: str) -> Problem:
    """An error as a value; nobody knows how many rows were lost by it."""
    facts = error.facts
    said = str(error).removeprefix(f"{uri}: ").removesuffix(str(facts.get("remedy", ""))).rstrip()
    line = getattr(error, "line", None)
    reason = str(facts["reason"]) if isinstance(error, Unreadable) else said
    return Problem(uri, reason, line=line, remedy=str(facts.get("remedy", "")), rows=0)


def _grouped(pieces: Sequence[Piece]) -> tuple[Task, ...]:
    """Consecutive pieces as tasks; one task for a small input."""
    known = [piece.part.rows for piece in pieces if piece.part.rows is not None]
    size = sum(piece.part.size for piece in pieces)
    small = sum(known) <= WHOLE_ROWS if len(known) == len(pieces) else size <= WHOLE_BYTES
    if not pieces or small:
        return (Task(tuple(pieces), size),) if pieces else ()
    tasks: list[Task] = []
    group: list[Piece] = []
    rows = weight = 0
    for piece in pieces:
        group.append(piece)
        rows += piece.part.rows or 0
        weight += piece.part.size
        if rows >= WHOLE_ROWS or weight >= TASK_BYTES:
            tasks.append(Task(tuple(group), weight))
            group, rows, weight = [], 0, 0
    return (*tasks, Task(tuple(group), weight)) if group else tuple(tasks)


def _refuse_unknown_columns(source: Source, pieces: Sequence[Piece]) -> None:
    """Raise `Invalid` for a column that is asked for and in none of the objects; mostly the first one has them all."""
    missing, seen = list(wanted(source.options)), dict[str, None]()
    for names in _glimpses(source, pieces):
        seen.update(dict.fromkeys(names))
        missing = [each for each in missing if not each.is_among(seen)]
        if not missing:
            return
    if seen:
        raise missing[0].fault(seen)


def _glimpses(source: Source, pieces: Sequence[Piece]) -> Iterator[Iterable[str]]:
    """The names of the columns of one object after the other; of every batch where each may have others."""
    told: set[str] = set()
    everything = replace(source.options, columns=None, exclude=(), select=())
    with preprocess.opened(source.script, None) as sandbox:
        for piece in pieces:
            if piece.part.uri not in told:
                yield from _glimpse(piece, source.access, everything, told, sandbox)


def _glimpse(
    piece: Piece, access: Access, options: ReadOptions, told: set[str], sandbox: Sandbox | None
) -> Iterator[Iterable[str]]:
    by_lines = piece.format in _BY_LINES or sandbox is not None
    try:
        for item in _opened(_bare(piece), access, options, sandbox):
            if not isinstance(item, pa.RecordBatch):
                continue
            yield [*names_of(item.schema)]
            if not by_lines:
                told.add(piece.part.uri)
                break
    except _PASSING:
        return


def _bare(piece: Piece) -> Piece:
    """The piece without its rows, if its columns can be had without them."""
    if piece.format not in _BY_SCHEMA:
        return piece
    return replace(piece, part=replace(piece.part, start=0, stop=0, rows=0))
