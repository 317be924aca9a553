"""What normal looks like: constraints and the profile they came from, kept as SageMaker's two files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from driftline.documents import constraints as constraints_document
from driftline.documents import jackson
from driftline.documents import statistics as statistics_document
from driftline.errors import Invalid, NotFound, Unreadable
from driftline.monitors.constraints import Constraints
from driftline.monitors.monitor import Learnt
from driftline.monitors.verdict import Verdict
from driftline.pages import report as page
from driftline.pages import terminal
from driftline.pages.content import Content
from driftline.problems import Problems
from driftline.profile import Profile
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

STATISTICS = "statistics.json"
CONSTRAINTS = "constraints.json"
ENOUGH_ROWS = 100
"""SageMaker asks for a baseline of at least so many rows."""


@dataclass(frozen=True)
class Baseline:
    """Constraints, and the profile that data are compared with; None where only constraints are known.

    `problems` are the rows and files that could not be used when it was learnt.
    """

    constraints: Constraints
    profile: Profile | None = None
    problems: Problems = field(default_factory=Problems)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in order: they name the columns of data that has no names."""
        return self.constraints.names

    @property
    def learnt(self) -> Learnt:
        """What a monitor compares with."""
        return Learnt(self.constraints, self.profile)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know before trusting it."""
        rows = None if self.profile is None else self.profile.rows
        if rows is not None and rows < ENOUGH_ROWS:
            return (f"The baseline has {rows:,} rows; {ENOUGH_ROWS} or more are recommended, fewer give loose limits.",)
        return ()

    @classmethod
    def load(cls, folder: str, access: Access | None = None) -> Baseline:
        """The baseline whose files lie in `folder`, a path or URI; `statistics.json` may be missing."""
        place = folder.rstrip("/")
        statistics: str | None = f"{place}/{STATISTICS}"
        if not exists(f"{place}/{STATISTICS}", access or Access()):
            statistics = None
        return cls.read(statistics, f"{place}/{CONSTRAINTS}", access)

    @classmethod
    def read(cls, statistics: str | None, constraints: str | None, access: Access | None = None) -> Baseline:
        """The baseline of two files; without constraints those are suggested that the statistics give."""
        access = access or Access()
        profile = None if statistics is None else statistics_document.read(read_json(statistics, access))
        if constraints is not None:
            return cls(constraints_document.read(read_json(constraints, access)), profile)
        if profile is None:
            raise Invalid(what="baseline", got="nothing", expected="a folder or its files", remedy="Name it.")
        return cls(Constraints.suggest(profile), profile)

    def save(self, folder: str, access: Access | None = None) -> tuple[str, ...]:
        """Write `statistics.json` and `constraints.json`; the result are their paths or URIs."""
        return tuple(write_json(f"{folder.rstrip('/')}/{name}", found, access) for name, found in self._documents())

    def _documents(self) -> Iterator[tuple[str, Any]]:
        if self.profile is not None:
            yield STATISTICS, statistics_document.write(self.profile)
        yield CONSTRAINTS, constraints_document.write(self.constraints)

    def to_dict(self) -> dict[str, Any]:
        """Both documents as one JSON value."""
        return {name.removesuffix(".json"): found for name, found in self._documents()}

    def __repr__(self) -> str:
        """In short."""
        rows = "" if self.profile is None else f" and {self.profile.rows:,} rows"
        return f"<Baseline of {len(self.names)} columns{rows}>"

    def _repr_html_(self) -> str | None:
        if self.profile is None:
            return None
        return page.fragment(Content(Verdict(), self.profile, None, self.problems, "Baseline", (), "", self.warnings))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """The table of statistics, for a terminal."""
        if self.profile is not None:
            yield from terminal.Statistics(self.profile, self.problems).__rich_console__(console, options)
        yield from self.warnings


def exists(uri: str, access: Access) -> bool:
    """Whether there is an object at `uri`."""
    with suppress(NotFound):
        return any(found.uri == uri for found in storage_for(uri, access).list(uri))
    return False


def read_json(uri: str, access: Access) -> Any:
    """The JSON value at `uri`; raises `Unreadable` with the line where it stops being JSON."""
    with storage_for(uri, access).open(uri) as stream:
        data = stream.read()
    try:
        return json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise Unreadable(uri=uri, line=error.lineno, reason=f"no JSON: {error.msg}", remedy="Mend the file.") from error
    except UnicodeDecodeError as error:
        raise Unreadable(uri=uri, reason="no UTF-8 text", remedy="Is this the right file?") from error


def write_json(uri: str, value: Any, access: Access | None = None) -> str:
    """Write a document as SageMaker prints it; the result is where."""
    storage_for(uri, access or Access()).put(uri, (jackson.dumps(value) + "\n").encode())
    return uri
