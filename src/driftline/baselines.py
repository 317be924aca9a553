"""What normal looks like: constraints and the profile they came from, kept as SageMaker's two files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from driftline.asking import Asked
from driftline.documents import jackson
from driftline.documents import statistics as statistics_document
from driftline.errors import Invalid, NotFound, Unreadable
from driftline.localvalues import save_background
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.monitor import Learnt, Monitor
from driftline.monitors.monitors import monitor_from, monitor_to
from driftline.monitors.verdict import Verdict
from driftline.pages import report as page
from driftline.pages import terminal, terminal_measures
from driftline.pages.content import Content
from driftline.pages.measures import told_of
from driftline.papers import PAPERS, STATISTICS, Document
from driftline.problems import Problems
from driftline.profile import Profile, decode, encode
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

MONITOR = "monitor.json"
PROFILE = "baseline.profile"
"""Beside SageMaker's files a baseline of another kind than data quality keeps its monitor and its profile."""


@dataclass(frozen=True)
class Baseline:
    """Constraints, and the profile that data are compared with; None where only constraints are known.

    `constraints` are of the kind of `monitor`, which asked for them. `problems` are the rows and files that could not
    be used when it was learnt. `model` is the one that was asked, with its background, so that it is asked alike.
    """

    constraints: Any
    profile: Profile | None = None
    problems: Problems = field(default_factory=Problems)
    monitor: Monitor = field(default_factory=DataQuality)
    model: Asked | None = None

    @property
    def names(self) -> tuple[str, ...] | None:
        """The columns in order, which name the columns of data that has no names; None where they are not known."""
        return self.constraints.names if isinstance(self.monitor, DataQuality) else None

    @property
    def learnt(self) -> Learnt:
        """What a monitor compares with."""
        return Learnt(self.constraints, self.profile)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know before trusting it."""
        return () if self.profile is None else self.monitor.warnings(self.profile)

    @classmethod
    def load(cls, folder: str, access: Access | None = None, monitor: Monitor | None = None) -> Baseline:
        """The baseline whose files lie in `folder`, a path or URI; only the constraints must be there.

        `monitor` is the one that judges by it; the one that is kept in the folder, or data quality, if not given.
        """
        access, place = access or Access(), folder.rstrip("/")
        kept = f"{place}/{MONITOR}"
        model = None
        if exists(kept, access):
            found = dict(read_json(kept, access))
            told = found.pop("model", None)
            if monitor is None or monitor.kind == found.get("kind"):
                model = None if told is None else Asked(**told)
                monitor = monitor or monitor_from(found)
        asked = monitor or DataQuality()
        constraints = f"{place}/{PAPERS[asked.kind].constraints}"
        source = f"{place}/{STATISTICS if isinstance(asked, DataQuality) else PROFILE}"
        known = cls.read(source if exists(source, access) else None, constraints, access, asked)
        return replace(known, model=model)

    @classmethod
    def read(
        cls,
        statistics: str | None,
        constraints: str | None,
        access: Access | None = None,
        monitor: Monitor | None = None,
    ) -> Baseline:
        """The baseline of two files; without constraints those are suggested that the statistics give.

        In place of statistics a saved profile may stand, which is all that monitors of other kinds can use.
        """
        access, asked = access or Access(), monitor or DataQuality()
        profile = None if statistics is None else _profile(statistics, access)
        if constraints is not None:
            return cls(PAPERS[asked.kind].read(read_json(constraints, access)), profile, monitor=asked)
        if profile is None:
            raise Invalid(what="baseline", got="nothing", expected="a folder or its files", remedy="Name it.")
        return cls(asked.baseline(profile), profile, monitor=asked)

    def save(self, folder: str, access: Access | None = None) -> tuple[str, ...]:
        """Write SageMaker's files, and beside them what a monitor of another kind needs; the result is where."""
        place, access = folder.rstrip("/"), access or Access()
        dumps = PAPERS[self.monitor.kind].dumps
        written = [write_json(f"{place}/{name}", found, access, dumps) for name, found in self._documents()]
        if self.profile is not None and not isinstance(self.monitor, DataQuality):
            model = {} if self.model is None else {"model": self.model.to_dict()}
            written.append(write_json(f"{place}/{MONITOR}", {**monitor_to(self.monitor), **model}, access))
            storage_for(place, access).put(f"{place}/{PROFILE}", encode(self.profile))
            written.append(f"{place}/{PROFILE}")
        if self.model is not None:
            written += save_background(self.model.shap, place, access)
        return tuple(written)

    def _documents(self) -> Iterator[Document]:
        return PAPERS[self.monitor.kind].write(self.monitor, self.constraints, self.profile)

    def to_dict(self) -> dict[str, Any]:
        """The documents as one JSON value."""
        return {name.removesuffix(".json"): found for name, found in self._documents()}

    def __repr__(self) -> str:
        """In short."""
        rows = "" if self.profile is None else f" and {self.profile.rows:,} rows"
        what = f"of {len(self.names)} columns" if self.names is not None else f"for {self.monitor.kind}"
        return f"<Baseline {what}{rows}>"

    @property
    def _told(self) -> Verdict:
        """What was measured of the baseline itself; of columns nothing, as they are compared with nothing."""
        if self.profile is None or isinstance(self.monitor, DataQuality):
            return Verdict()
        return told_of(self.monitor, self.constraints, self.profile)

    def _repr_html_(self) -> str | None:
        if self.profile is None:
            return None
        return page.fragment(
            Content(
                self._told, self.profile, None, self.problems, "Baseline", (), "", self.warnings,
                self.monitor, self.constraints,
            )
        )  # fmt: skip

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """The table of statistics, for a terminal."""
        if self.profile is not None:
            yield from terminal.Statistics(self.profile, self.problems).__rich_console__(console, options)
            yield from terminal_measures.measures_lines(self._told, options.max_width)
        yield from self.warnings


def _profile(uri: str, access: Access) -> Profile:
    """The profile of a `statistics.json`, or a saved one."""
    if not uri.endswith(".profile"):
        return statistics_document.read(read_json(uri, access))
    with storage_for(uri, access).open(uri) as stream:
        return decode(stream.read(), uri)


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


def write_json(uri: str, value: Any, access: Access | None = None, dumps: Callable[[Any], str] = jackson.dumps) -> str:
    """Write a document as SageMaker prints it; the result is where."""
    storage_for(uri, access or Access()).put(uri, (dumps(value) + "\n").encode())
    return uri
