"""One function walks the chain for everything that analyses data: objects, batches, profile, verdict, files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol, TypeVar

from driftline.baselines import Baseline
from driftline.engines.engine import Engine
from driftline.engines.local import Local
from driftline.errors import EmptyWindow, Invalid, Unreadable
from driftline.formats.format import ReadOptions
from driftline.identities import Identities, Seen
from driftline.labels.coverage import Coverage
from driftline.labels.join import Join
from driftline.labels.truth import Truth, indexed
from driftline.listing import Entry, find
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.monitor import Monitor
from driftline.monitors.monitors import monitor_from, monitor_to
from driftline.problems import Problem, Problems
from driftline.profile import Profile, decode
from driftline.profile.profile import Questions
from driftline.reports import Report
from driftline.scripts.preprocess import Failure
from driftline.scripts.sandbox import Log
from driftline.scripts.script import load
from driftline.sources import Source, Task, read, resolve
from driftline.storage.storages import Access, storage_for
from driftline.versions import Version

PROFILE_SUFFIX = ".profile"

_TOGETHER = 8
"""So many saved profiles are read and merged by one worker before others are merged with them."""

Sized = TypeVar("Sized", Task, "Saved")


@dataclass(frozen=True)
class Manifest:
    """All that decides what a run reads and says; a plain JSON value, so that a run can be repeated.

    `inputs` are paths, globs, folders, URIs or saved profiles (`*.profile`). `settings` are the format's own
    (`header`, `separator`, ...). `statistics` and `constraints` name the baseline's two files. `monitor` judges the
    rows, and its settings say what it asks of them. `strict` turns problems in the input into failure. `preprocess` is
    a Python file whose `preprocess_handler` makes the rows of the records; `script_errors`, `script_seconds`,
    `script_memory_bytes` and `script_environment` among the `settings` are for it. `labels` are where ground truth lies
    that is to be joined with the rows. `names` are those of the columns where the data has none. Of a run that was made, `objects` tell in which version each object was read,
    and `version` by which Driftline.
    """

    inputs: tuple[str, ...]
    format: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    select: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    statistics: str | None = None
    constraints: str | None = None
    monitor: Monitor = field(default_factory=DataQuality)
    strict: bool = False
    preprocess: str | None = None
    labels: tuple[str, ...] = ()
    names: tuple[str, ...] | None = None
    objects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    version: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "monitor": monitor_to(self.monitor)}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Manifest:
        """The manifest that `to_dict` made, also when it has been JSON in between.

        >>> import json
        >>> manifest = Manifest(("a.csv",), columns=("x",), monitor=DataQuality(measures={"*": {"psi": 0.2}}))
        >>> Manifest.of(json.loads(json.dumps(manifest.to_dict()))) == manifest
        True
        """
        lists = {name: tuple(value) for name, value in document.items() if isinstance(value, list)}
        return cls(**{**document, **lists, "monitor": monitor_from(document["monitor"])})


class Watch(Protocol):
    """Who is told how far a run is."""

    def begin(self, total: int) -> None:
        """`total` bytes are about to be read."""
        ...

    def advance(self, size: int) -> None:
        """`size` more of them are done."""
        ...


@dataclass(frozen=True)
class Reading:
    """What was made of the input: a profile, what could not be used, the ids of calls, where a script failed.

    `coverage` tells how many rows have a label, where labels were joined. Merges like a state.
    """

    profile: Profile = field(default_factory=Profile)
    problems: Problems = field(default_factory=Problems)
    identities: Identities = field(default_factory=Identities)
    failures: tuple[Failure, ...] = ()
    coverage: Coverage | None = None

    def merge(self, other: Reading) -> Reading:
        """Both."""
        return Reading(
            self.profile.merge(other.profile),
            self.problems.merge(other.problems),
            self.identities.merge(other.identities),
            self.failures + other.failures,
            self.coverage or other.coverage,
        )


@dataclass(frozen=True)
class World:
    """What a run works with: where objects lie, who folds, who watches, and who takes what scripts print.

    `opened` is told which objects are about to be read, and in which version.
    """

    access: Access = field(default_factory=Access)
    engine: Engine = field(default_factory=Local)
    watch: Watch | None = None
    log: Log | None = None
    opened: Callable[[Mapping[str, Version]], object] | None = None


def observe(manifest: Manifest, world: World, names: tuple[str, ...] | None = None) -> Reading:
    """Read and profile the inputs; `names` are the columns' names where the data has none.

    Raises `EmptyWindow` when there are no rows, and `Unreadable` for the first problem when the manifest is strict.
    """
    saved = [uri for uri in manifest.inputs if uri.endswith(PROFILE_SUFFIX)]
    found = _merged(saved, world) if saved else Reading()
    if len(saved) < len(manifest.inputs):
        with labelling(manifest, world) as join:
            found = found.merge(_fold(source_of(manifest, world, names), world, manifest.monitor.questions(), join))
            found = with_coverage(found, join, manifest.inputs[0])
    _refuse(found, manifest)
    return found


@contextmanager
def labelling(manifest: Manifest, world: World) -> Iterator[Join | None]:
    """What puts labels beside the rows; None where none lie apart. Labels that cannot be used are told in the log."""
    if not manifest.labels:
        yield None
        return
    with indexed(Truth(manifest.labels), world.access) as found:
        if world.log is not None:
            for problem in found.problems.examples:
                world.log(str(problem))
        yield Join(found.index)


def with_coverage(found: Reading, join: Join | None, uri: str) -> Reading:
    """The reading with what the join found, once all rows are read; `uri` names where the predictions lie."""
    if join is None:
        return found
    coverage = join.coverage
    problems = Problems.of(coverage.problems(uri))
    return replace(found, problems=found.problems.merge(problems), coverage=coverage)


def source_of(manifest: Manifest, world: World, names: tuple[str, ...] | None = None) -> Source:
    """What would be read, saved profiles apart; nothing is read but what tells formats and sizes."""
    inputs = [uri for uri in manifest.inputs if not uri.endswith(PROFILE_SUFFIX)]
    settings = {"compatible": True, **manifest.settings} if manifest.monitor.compatible else manifest.settings
    settings = {"metadata": True, **settings} if manifest.labels else settings
    options = ReadOptions(manifest.names or names, manifest.columns, manifest.exclude, manifest.select, settings)
    script = load(manifest.preprocess, manifest.settings, world.access) if manifest.preprocess else None
    found = resolve(inputs, world.access, manifest.format, options, script)
    if world.opened is not None:
        world.opened(found.versions)
    return replace(found, log=world.log)


@dataclass(frozen=True)
class Saved:
    """Saved profiles that one worker merges in order; `size` in bytes weighs them for progress."""

    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """All together."""
        return sum(entry.size for entry in self.entries)

    def read(self, access: Access) -> Reading:
        """All of them merged."""
        found = Profile()
        for entry in self.entries:
            with storage_for(entry.uri, access).open(entry.uri) as stream:
                found = found.merge(decode(stream.read(), entry.uri))
        return Reading(found)


def _merged(saved: Sequence[str], world: World) -> Reading:
    """The saved profiles: groups of them, always the same ones, so that the answer does not depend on the jobs."""
    entries = find(saved, world.access, "profile").entries
    if world.opened is not None:
        world.opened({entry.uri: Version(entry.size, entry.etag) for entry in entries})
    groups = [Saved(entries[at : at + _TOGETHER]) for at in range(0, len(entries), _TOGETHER)]
    return _watched(lambda group: group.read(world.access), groups, world)


def _watched(step: Callable[[Sized], Reading], tasks: Sequence[Sized], world: World) -> Reading:
    """All tasks folded, while whoever watches is told how far it is."""
    watch = world.watch
    if watch is None:
        return world.engine.fold(step, tasks, Reading())
    watch.begin(sum(task.size for task in tasks))
    return world.engine.fold(step, tasks, Reading(), lambda task: watch.advance(task.size))


def _fold(source: Source, world: World, questions: Questions, join: Join | None) -> Reading:
    folded = _watched(lambda task: observe_task(task, source, questions, join), source.tasks, world)
    again = Problems.of(folded.identities.problems())
    if source.script is not None and len(folded.failures) > source.script.errors:
        raise folded.failures[source.script.errors].error()
    return Reading(folded.profile, source.problems.merge(folded.problems).merge(again))


def observe_task(task: Task, source: Source, questions: Questions = (), join: Join | None = None) -> Reading:
    """One task: its rows observed in order, its problems counted."""
    profile, problems, seen, failures = Profile(), Problems(), list[Seen](), list[Failure]()
    items = read(task, source)
    for item in items if join is None else join.joined(items):
        if isinstance(item, Problem):
            problems = problems.add(item)
            failures += [item] if isinstance(item, Failure) else []
        elif isinstance(item, Seen):
            seen.append(item)
        else:
            profile = profile.observe(item, questions)
    return Reading(profile, problems, Identities.of(seen), tuple(failures))


def _refuse(found: Reading, manifest: Manifest) -> None:
    first = found.problems.examples[:1]
    if manifest.strict and first:
        raise Unreadable(
            uri=first[0].uri,
            line=first[0].line,
            reason=f"{first[0].reason} ({found.problems.count} problems in all, and --strict is set)",
            remedy=first[0].remedy,
        )
    if not found.profile.rows:
        why = f" First problem: {first[0]}" if first else ""
        raise EmptyWindow(inputs=", ".join(manifest.inputs) or "nothing", remedy=f"Check the path and the time.{why}")


def learn(manifest: Manifest, world: World) -> Baseline:
    """The baseline of the inputs: statistics and suggested constraints."""
    return baseline_of(observe(manifest, world), manifest.monitor)


def baseline_of(found: Reading, monitor: Monitor) -> Baseline:
    """The baseline of rows that are read already."""
    return Baseline(monitor.baseline(found.profile), found.profile, found.problems, monitor)


def judge(manifest: Manifest, baseline: Baseline, world: World) -> Report:
    """What the inputs say against the baseline."""
    found = observe(manifest, world, baseline.names)
    return report_on(found, baseline, manifest.monitor, manifest.inputs)


def report_on(found: Reading, baseline: Baseline, monitor: Monitor, inputs: tuple[str, ...]) -> Report:
    """The report for rows that are read already."""
    if isinstance(monitor, DataQuality):  # what the rows suggest is suggested for the same test of drift
        method = baseline.constraints.config.categorical_drift_method
        monitor = replace(monitor, categorical_drift_method=method)
    verdict = monitor.evaluate(baseline.learnt, found.profile)
    return Report(verdict, found.profile, baseline, found.problems, inputs, monitor, found.coverage)


def run(manifest: Manifest, world: World | None = None) -> Report:
    """Check the manifest's inputs against the baseline it names."""
    world = world or World()
    if manifest.statistics is None and manifest.constraints is None:
        raise Invalid(what="baseline", got=None, expected="statistics and constraints", remedy="Name both files.")
    baseline = Baseline.read(manifest.statistics, manifest.constraints, world.access, manifest.monitor)
    return judge(manifest, baseline, world)
