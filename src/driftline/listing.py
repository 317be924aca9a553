"""Which objects the inputs mean: files, globs, folders at any depth, Delta tables, and what is passed over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from driftline.errors import Denied, DriftlineError, EmptyWindow, NotFound
from driftline.problems import Problem
from driftline.storage.storage import Object
from driftline.storage.storages import Access, storage_for

_LOG = "/_delta_log/"
_GLOB = re.compile(r"[*?\[]")
_PARTITION = re.compile(r"([^=/]+)=([^/]*)")
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_LEFTOVERS = re.compile(r".*(\.crc|\.manifest|\.tmp|_\$folder\$)|Thumbs\.db|desktop\.ini", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """An object to be read; `constants` are the columns in its path, `table` says that it is a Delta table's root.

    `etag` is the storage's word for its version; of a table that of the last entry in its log.
    """

    uri: str
    size: int = 0
    constants: Mapping[str, str | None] = field(default_factory=dict)
    table: bool = False
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Entries in the byte order of their URIs, each once; how many objects were passed over, and what is amiss."""

    entries: tuple[Entry, ...]
    skipped: int = 0
    problems: tuple[Problem, ...] = ()


def find(inputs: Sequence[str], access: Access, format: str | None, below: str | None = None) -> Found:
    """All objects of the inputs; the columns in their paths are those below each input, or below the URI `below`.

    Passed over and counted are objects below a folder or glob that are empty, hidden (`.x`, `_x`), or leftovers
    of writers (`_SUCCESS`, `*.crc`, `*.manifest`). A file named by itself is never passed over; if it is empty, a
    problem says so. A folder with a `_delta_log` is one table unless another `format` is asked for. Raises
    `NotFound` for an input that matches nothing, and `EmptyWindow` if all that was found was passed over.
    """
    entries: dict[str, Entry] = {}
    skipped: dict[str, None] = {}
    problems: list[Problem] = []
    for each in inputs:
        if format == "delta" and not _GLOB.search(each):
            entries[each] = Entry(each, constants=partitions_of(each, each), table=True)
            continue
        for root, thing in _matches(each, access, format in (None, "delta")):
            if isinstance(thing, Entry):
                entries[thing.uri] = thing
            elif root == thing.uri and not thing.size:
                problems.append(_empty(thing.uri))
            elif root != thing.uri and why_passed(thing, root):
                skipped[thing.uri] = None
            else:
                entries[thing.uri] = Entry(
                    thing.uri, thing.size, partitions_of(thing.uri, below or root), etag=thing.etag
                )
    if skipped and not entries and not problems:
        remedy = f"{len(skipped)} objects were found, but all are empty, hidden or markers."
        raise EmptyWindow(inputs=", ".join(inputs), remedy=remedy)
    ordered = sorted(entries.values(), key=lambda entry: entry.uri.encode("utf-8", "surrogateescape"))
    return Found(tuple(ordered), len(skipped.keys() - entries.keys()), tuple(problems))


def partitions_of(uri: str, root: str) -> dict[str, str | None]:
    """The hive-style columns in the path of `uri`: all below `root`, and those right above its end.

    Values are text, percent-decoded; hive's name for no value is null.

    >>> partitions_of("s3://b/log/day=2024-01-02/hour=03/x.csv", "s3://b/log/")
    {'day': '2024-01-02', 'hour': '03'}
    >>> partitions_of("run=1/log/day=__HIVE_DEFAULT_PARTITION__/city=a%2Fb/x.csv", "run=1/log/day=1")
    {'day': None, 'city': 'a/b'}
    """
    folders = uri.rstrip("/").split("/")[:-1] if uri != root else uri.rstrip("/").split("/")
    given = len(root.rstrip("/").split("/"))
    found: list[tuple[str, str | None]] = []
    for place in reversed(range(len(folders))):
        match = _PARTITION.fullmatch(folders[place])
        if match:
            name, value = (unquote(group) for group in match.groups())
            found.append((name, None if value == _NO_VALUE else value))
        elif place < given:
            break
    return dict(reversed(found))


def _matches(given: str, access: Access, tables: bool) -> Iterator[tuple[str, Object | Entry]]:
    """What an input means, with the folder it was found below (or itself); Delta tables as entries."""
    found = _listed(given, access)
    root = given
    if not found and _GLOB.search(given):
        root = given[: _GLOB.search(given).start()].rpartition("/")[0]  # type: ignore[union-attr]
        root = root + "/" if root or given.startswith("/") else ""
        pattern = glob_pattern(given)
        found = [each for each in _listed(root or ".", access) if pattern.fullmatch(_below(each.uri, root))]
    if not found:
        raise _nothing(given, root)
    logs = {each.uri.partition(_LOG)[0]: each for each in found if tables and _LOG in each.uri}  # the last one each
    for log, last in logs.items():
        version = f"{last.uri.rpartition('/')[2]} {last.etag}"
        yield root, Entry(log, constants=partitions_of(log, log), table=True, etag=version)
    yield from ((root, _named(each, root)) for each in found if not _is_within(each.uri, logs))


def _listed(uri: str, access: Access) -> list[Object]:
    storage = storage_for(uri, access)
    try:
        return list(storage.list(uri))
    except Denied as denied:  # to read an object one need not be allowed to list its bucket
        try:
            with storage.open(uri) as stream:
                return [Object(uri, stream.seek(0, 2))]
        except DriftlineError:
            raise denied from None


def _below(uri: str, root: str) -> str:
    """The URI as the glob spells it: a listing of the working folder begins with `./`."""
    return uri if root else uri.removeprefix("./")


def _named(found: Object, root: str) -> Object:
    return Object(_below(found.uri, root), found.size, found.etag, found.modified)


def glob_pattern(glob: str) -> re.Pattern[str]:
    """What a glob matches: `*` and `?` within a folder, `**` at any depth, `[ab]`; and all below what it matches.

    >>> bool(glob_pattern("a/*.csv").fullmatch("a/b.csv")), bool(glob_pattern("a/*.csv").fullmatch("a/b/c.csv"))
    (True, False)
    >>> bool(glob_pattern("a/day=*").fullmatch("a/day=1/x/y.csv")), bool(glob_pattern("a/**/y").fullmatch("a/y"))
    (True, True)
    """
    pieces = re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", glob.rstrip("/"), re.DOTALL)
    meant = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meant.get(piece) or _literal(piece) for piece in pieces) + "(?:/.*)?", re.DOTALL)


def _literal(piece: str) -> str:
    if len(piece) == 1:
        return re.escape(piece)
    inside = piece[1:-1].replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^")
    return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"


def _is_within(uri: str, folders: Iterable[str]) -> bool:
    return any(uri.startswith(folder + "/") for folder in folders)


def why_passed(found: Object, root: str) -> str | None:
    """Why an object below a folder is passed over: empty, hidden, or left by a writer; None if it is not.

    A folder such as `_day=1` is a partition and not hidden.

    >>> why_passed(Object("s3://b/a/_SUCCESS", 1), "s3://b/a/"), why_passed(Object("s3://b/a/_d=1/x", 1), "s3://b/a/")
    ('hidden: _SUCCESS begins with _', None)
    """
    names = found.uri.removeprefix(root).strip("/").split("/")
    hidden = next((name for name in names if name.startswith(".") or (name.startswith("_") and "=" not in name)), None)
    if hidden is not None:
        return f"hidden: {hidden} begins with {hidden[0]}"
    if _LEFTOVERS.fullmatch(names[-1]):
        return "left by a writer"
    return None if found.size else "empty (0 bytes)"


def _empty(uri: str) -> Problem:
    return Problem(uri, "the file is empty (0 bytes)", remedy="Write it again, or leave it out.", rows=0)


def _nothing(given: str, root: str) -> NotFound:
    if root != given:
        return NotFound(what="input", name=given, remedy=f"No object below {root or '.'!r} matches this pattern.")
    remedy = "There is neither an object of this name nor one below it."
    if "://" in given:
        remedy += " Names that only begin so are found by a * at the end."
    return NotFound(what="input", name=given, remedy=remedy)
