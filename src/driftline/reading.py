"""From objects, or tables in memory, to a profile: labels joined, predictions asked for, every task folded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import TypeVar

import numpy as np
import pyarrow as pa

from driftline.asking import Asked, explained, logged, predicted
from driftline.errors import EmptyWindow, Unreadable
from driftline.formats.format import Item, ReadOptions
from driftline.formats.truth import TRUTH
from driftline.identities import Identities, Seen
from driftline.labels.coverage import Coverage
from driftline.labels.join import Join
from driftline.labels.keys import Keys
from driftline.labels.truth import Truth, indexed
from driftline.listing import Entry, find
from driftline.manifest import Manifest, World
from driftline.monitors.bias import Bias
from driftline.monitors.explainability import Explainability
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.monitor import Monitor
from driftline.monitors.predictions import EVERY
from driftline.problems import Problem, Problems
from driftline.profile import Profile, decode
from driftline.profile.columns import cells_of
from driftline.profile.hashing import Hashes, hash_texts
from driftline.profile.outcomes import dotted_name, has_column
from driftline.profile.profile import Questions
from driftline.scripts.preprocess import Failure
from driftline.scripts.script import load
from driftline.sources import Source, Task, read, resolve
from driftline.storage.storages import Access, storage_for
from driftline.versions import Version

PROFILE_SUFFIX = ".profile"

_TOGETHER = 8
"""So many saved profiles are read and merged by one worker before others are merged with them."""

MOST_KEYS = 1 << 23
"""Of so many rows the keys are looked at before their labels are, so that those of other rows are not kept."""

Step = Callable[[Iterable[Item]], Iterator[Item]]
"""What is done to the items of a task before they are observed."""

Sized = TypeVar("Sized", Task, "Saved")


@dataclass(frozen=True)
class Settled:
    """The monitor with its columns, and the model with its background; `cost` tells what was asked of it."""

    monitor: Monitor
    model: Asked | None = None
    cost: str = ""


@dataclass(frozen=True)
class Reading:
    """What was made of the input: a profile, what could not be used, the ids of calls, where a script failed.

    `coverage` tells how many rows have a label, where labels were joined, and `settled` what was known only once rows
    were read. Merges like a state.
    """

    profile: Profile = field(default_factory=Profile)
    problems: Problems = field(default_factory=Problems)
    identities: Identities = field(default_factory=Identities)
    failures: tuple[Failure, ...] = ()
    coverage: Coverage | None = None
    settled: Settled | None = None

    def merge(self, other: Reading) -> Reading:
        """Both."""
        return Reading(
            self.profile.merge(other.profile),
            self.problems.merge(other.problems),
            self.identities.merge(other.identities),
            self.failures + other.failures,
            self.coverage or other.coverage,
            self.settled or other.settled,
        )


def observe(
    manifest: Manifest, world: World, names: tuple[str, ...] | None = None, *, judging: bool = False
) -> Reading:
    """Read and profile the inputs; `names` are the columns' names where the data has none.

    Rows that are judged, not learnt from, may be without a column of labels: none is known yet then.

    Raises `EmptyWindow` when there are no rows, and `Unreadable` for the first problem when the manifest is strict.
    """
    saved = [uri for uri in manifest.inputs if uri.endswith(PROFILE_SUFFIX)]
    found = _merged(saved, world) if saved else Reading()
    if len(saved) < len(manifest.inputs):
        with labelling(manifest, world) as join:
            steps = _labelled(join, manifest, judging=judging)
            found = found.merge(_read(source_of(manifest, world, names), manifest, world, steps))
            found = with_coverage(found, join, manifest.inputs[0])
    _refuse(found, manifest)
    return found


def _read(source: Source, manifest: Manifest, world: World, steps: list[Step]) -> Reading:
    """All tasks: folded by the engine, or in one stream where the model is explained."""
    monitor = manifest.monitor
    if isinstance(monitor, Explainability):
        return _checked(source, _explain(_stream(source, steps), manifest, world, _total(source)))
    settled = _settled(monitor, _stream(source, ()))
    asked = settled.monitor if settled else monitor
    found = _fold(source, world, asked.questions(), [*steps, *_predicting(manifest, world)])
    return replace(found, settled=settled)


def _settled(monitor: Monitor, items: Iterable[Item]) -> Settled | None:
    """The monitor with the columns that it asks about, if these are to be seen in the first rows."""
    if not isinstance(monitor, ModelQuality) or EVERY not in monitor.searched:
        return None
    first = next(_batches(items, []), None)
    return Settled(monitor.settled([] if first is None else [each.name for each, _ in cells_of(first)]))


def _labelled(join: Join | None, manifest: Manifest, *, judging: bool) -> list[Step]:
    """The steps that put labels beside the rows: those that lie apart, or none where they are awaited."""
    steps: list[Step] = [] if join is None else [join.joined]
    key = manifest.truth.get("keys", {}).get("id")
    if join is not None and key is not None:
        steps.append(partial(_without, name=key))
    monitor = manifest.monitor
    truth = monitor.ground_truth_attribute if isinstance(monitor, ModelQuality | Bias) else None
    if judging and truth is not None:
        steps.append(partial(_awaiting, truth=truth, lenient=not monitor.compatible))
    return steps


def _without(items: Iterable[Item], name: str) -> Iterator[Item]:
    """The items, batches without the column by which they were joined: it says nothing of the model."""
    for item in items:
        if isinstance(item, pa.RecordBatch) and name in item.schema.names:
            item = item.drop_columns([name])  # noqa: PLW2901
        yield item


def _awaiting(items: Iterable[Item], truth: str, *, lenient: bool) -> Iterator[Item]:
    """The items, batches with the column of labels: those that were joined, or, if `lenient`, missing ones."""
    for item in items:
        if isinstance(item, pa.RecordBatch) and not truth.isdecimal() and not has_column(truth, item):
            if TRUTH in item.schema.names:  # in the place of its own name: it is no feature of a model
                named = {TRUTH: dotted_name(truth)}
                item = item.rename_columns([named.get(name, name) for name in item.schema.names])  # noqa: PLW2901
            elif lenient:
                item = item.append_column(dotted_name(truth), pa.nulls(item.num_rows, pa.string()))  # noqa: PLW2901
        yield item


def _predicting(manifest: Manifest, world: World) -> list[Step]:
    """The step that puts a model's predictions beside the rows, if there is a model to ask."""
    if manifest.model is None:
        return []
    model, guard = world.model or manifest.model.opened(world.invoke), threading.Lock()
    return [partial(predicted, model=model, asked=manifest.model, guard=guard)]


def observe_tables(
    tables: Sequence[pa.Table], problems: Problems, manifest: Manifest, world: World, *, judging: bool = False
) -> Reading:
    """Profile rows in memory, table by table, as `observe` does those of files."""
    with labelling(manifest, world) as join:
        steps = _labelled(join, manifest, judging=judging)

        def items(each: Sequence[pa.Table]) -> Iterator[Item]:
            found: Iterator[Item] = chain.from_iterable(table.to_batches() for table in each)
            for step in steps:
                found = step(found)
            return found

        if isinstance(manifest.monitor, Explainability):
            rows = sum(table.num_rows for table in tables)
            found = replace(_explain(items(tables), manifest, world, rows), problems=problems)
        else:
            steps += _predicting(manifest, world)
            settled = _settled(manifest.monitor, chain.from_iterable(table.to_batches() for table in tables))
            questions = (settled.monitor if settled else manifest.monitor).questions()
            observed = partial(_observed, items=items, questions=questions)
            found = world.engine.fold(observed, tables, Reading(problems=problems, settled=settled))
        return with_coverage(found, join, manifest.inputs[0])


def _observed(table: pa.Table, items: Callable[[Sequence[pa.Table]], Iterator[Item]], questions: Questions) -> Reading:
    return Reading(Profile.of(items([table]), questions))


def _explain(items: Iterable[Item], manifest: Manifest, world: World, total: int | None = None) -> Reading:
    """The attributions of the rows, made by asking the model, or as they were logged with the predictions."""
    problems = list[Problem]()
    batches = _batches(items, problems)
    assert isinstance(manifest.monitor, Explainability)
    if manifest.model is None:
        first = next(batches, None)
        if first is None:
            return Reading(problems=Problems.of(problems))
        settled = Settled(logged(manifest.monitor, first.schema.names))
        batches = chain([first], batches)
    else:
        model = world.model or manifest.model.opened(world.invoke)
        explained_, rows = explained(batches, manifest.model, manifest.monitor, model, total)
        settled = Settled(explained_.monitor, explained_.asked, explained_.explainer.cost.said)
        if world.log is not None:
            world.log(settled.cost)
        batches = explained_.explainer.explain(rows)
        if world.local is not None:
            batches = world.local.kept(batches, explained_.explainer.labels, explained_.explainer.features)
    profile = Profile.of(batches, settled.monitor.questions())
    return Reading(profile, Problems.of(problems), settled=settled)


def _batches(items: Iterable[Item], problems: list[Problem]) -> Iterator[pa.RecordBatch]:
    """The batches among the items; problems are collected on the way."""
    for item in items:
        if isinstance(item, pa.RecordBatch):
            if item.num_rows:
                yield item
        elif isinstance(item, Problem):
            problems.append(item)


def _stream(source: Source, steps: Sequence[Step]) -> Iterator[Item]:
    """All tasks, one after the other."""
    for task in source.tasks:
        items: Iterator[Item] = read(task, source)
        for step in steps:
            items = step(items)
        yield from items


def _total(source: Source) -> int | None:
    """How many rows there are, if that is known without reading them."""
    known = [piece.part.rows for task in source.tasks for piece in task.pieces]
    return None if any(each is None for each in known) else sum(each for each in known if each is not None)


@contextmanager
def labelling(manifest: Manifest, world: World) -> Iterator[Join | None]:
    """What puts labels beside the rows; None where none lie apart. Labels that cannot be used are told in the log."""
    if not manifest.labels:
        yield None
        return
    told = manifest.truth
    keys = Keys(**told.get("keys", {}))
    asked = Truth(manifest.labels, told.get("format"), told.get("settings", {}), keys)
    if told.get("columns"):
        asked = replace(asked, columns=tuple(told["columns"]), only=_keys_of(manifest, keys, world))
    with indexed(asked, world.access) as found:
        if world.log is not None:
            for problem in found.problems.examples:
                world.log(str(problem))
        yield Join(found.index, Keys(keys.id, keys.time))


def _keys_of(manifest: Manifest, keys: Keys, world: World) -> Hashes | None:
    """The keys of the rows as sorted hashes, by which labels of other rows are passed over; None for very many rows."""
    known = replace(manifest, columns=(keys.id,) if keys.id else None, labels=())
    source = source_of(known, replace(world, opened=None))
    found, count = list[Hashes](), 0
    for batch in _batches(_stream(source, ()), []):
        found.append(hash_texts(keys.ids(batch, "predictions").fill_null("")))
        count += batch.num_rows
        if count > MOST_KEYS:
            return None
    return np.sort(np.concatenate(found)) if found else np.empty(0, np.uint64)


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


def _fold(source: Source, world: World, questions: Questions, steps: Sequence[Step]) -> Reading:
    folded = _watched(lambda task: observe_task(task, source, questions, steps), source.tasks, world)
    return _checked(source, folded)


def _checked(source: Source, folded: Reading) -> Reading:
    """With the problems of the source and of ids; raises the failure of a script beyond those it may have."""
    again = Problems.of(folded.identities.problems())
    if source.script is not None and len(folded.failures) > source.script.errors:
        raise folded.failures[source.script.errors].error()
    problems = source.problems.merge(folded.problems).merge(again)
    return replace(folded, problems=problems, identities=Identities(), failures=())


def observe_task(task: Task, source: Source, questions: Questions = (), steps: Sequence[Step] = ()) -> Reading:
    """One task: its rows observed in order, its problems counted."""
    profile, problems, seen, failures = Profile(), Problems(), list[Seen](), list[Failure]()
    items: Iterator[Item] = read(task, source)
    for step in steps:
        items = step(items)
    for item in items:
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
