"""The three verbs of the Python API: `profile`, `baseline` and `check`, on paths or on data in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from typing import Any, TypedDict, Unpack

import pyarrow as pa

from driftline import record as records
from driftline.asking import Asked, again
from driftline.baselines import Baseline
from driftline.calling import calling
from driftline.engines.local import Local
from driftline.errors import EmptyWindow, Invalid, Unreadable
from driftline.explanations.model import Model
from driftline.formats.choice import names_of
from driftline.formats.format import ReadOptions
from driftline.formats.frames import table_of
from driftline.formats.transform import transform, wanted
from driftline.manifest import Manifest, World
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.monitor import Monitor
from driftline.problems import Problem, Problems
from driftline.profile import Profile
from driftline.reading import Reading, observe, observe_tables
from driftline.reports import Report
from driftline.runs import baseline_of, report_on
from driftline.storage.access import Access

Path = str | PathLike[str]
Data = Any
"""A path, glob, folder or URI, a list of them, a saved or living profile, or a data frame or table of any library
that speaks the Arrow C stream or the dataframe interchange protocol (pandas, polars, pyarrow, DuckDB)."""

PIECE = 131_072
"""Rows in memory are folded in pieces of this size where there are more."""


class Reads(TypedDict, total=False):
    """How data is read: the options of the command line, by the same names.

    `format` is recognised if it is not given, `select` are Spark SQL expressions, `columns` and `exclude` names,
    `read_options` the format's own settings (`header`, `separator`, ...). `strict` raises at the first row or file that
    cannot be used. `jobs` threads work; the answer does not depend on them. `endpoint_url`, `region` and `profile_name`
    are for S3 and go before what the AWS tools read. `compatible` keeps to what SageMaker would have read and said.
    `preprocess` is a Python file whose `preprocess_handler` makes the rows of captured calls or lines of CSV.
    `labels` are paths or URIs of ground truth that lies apart, joined by inference id or event id as `ground_truth`.
    `model` is asked for predictions (bias) or explained: a function of a record batch, or what `Asked` can name.
    """

    format: str | None
    select: str | Sequence[str]
    columns: str | Sequence[str] | None
    exclude: str | Sequence[str]
    read_options: Mapping[str, Any]
    strict: bool
    jobs: int | None
    endpoint_url: str | None
    region: str | None
    profile_name: str | None
    compatible: bool
    preprocess: str | None
    labels: str | Sequence[str]
    model: Model | str | Asked | None


def _manifest(inputs: Iterable[str], reads: Reads, monitor: Monitor) -> Manifest:
    """The run that the options ask for."""
    unknown = next((name for name in reads if name not in Reads.__annotations__), None)
    if unknown is not None:
        raise TypeError(f"unexpected keyword argument {unknown!r}; there are {', '.join(Reads.__annotations__)}")
    columns = reads.get("columns")
    return Manifest(
        inputs=tuple(inputs),
        format=reads.get("format"),
        settings=dict(reads.get("read_options", {})),
        select=_listed(reads.get("select", ())),
        columns=None if columns is None else _listed(columns),
        exclude=_listed(reads.get("exclude", ())),
        monitor=_as_compatible(monitor, bool(reads.get("compatible"))),
        strict=bool(reads.get("strict")),
        preprocess=reads.get("preprocess"),
        labels=_listed(reads.get("labels", ())),
        model=_asked(reads.get("model")),
    )


def _asked(model: Model | str | Asked | None) -> Asked | None:
    """How the model is asked; one that is a function goes by its name, which is only told."""
    if model is None or isinstance(model, Asked):
        return model
    return Asked(model if isinstance(model, str) else getattr(model, "__name__", type(model).__name__))


def _as_compatible(monitor: Monitor, compatible: bool) -> Monitor:
    return replace(monitor, compatible=True) if compatible else monitor  # type: ignore[type-var]


def _world(reads: Reads) -> World:
    """What the run works with."""
    access = Access(reads.get("endpoint_url"), reads.get("region"), reads.get("profile_name"))
    model = reads.get("model")
    own = None if model is None or isinstance(model, str | Asked) else model
    return World(access, Local(reads.get("jobs")), invoke=calling, model=own)


def _listed(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def profile(data: Data, **reads: Unpack[Reads]) -> Profile:
    """The profile of `data`. Options: see `Reads`.

    Raises `NotFound`, `Denied`, `Unreadable` or `Invalid` as the data and options deserve, `EmptyWindow` without rows.

    >>> import pyarrow as pa
    >>> profile(pa.table({"age": [30, 40, None]})).column("age").completeness
    0.6666666666666666
    """
    return _observe(data, reads, DataQuality(), None)[0].profile


def baseline(
    data: Data,
    *,
    monitor: Monitor | None = None,
    categorical_drift_method: str | None = None,
    **reads: Unpack[Reads],
) -> Baseline:
    """What normal looks like: the profile of `data` and the constraints it suggests.

    `monitor` is `ModelQuality`, `Bias` or `Explainability` with their settings, or data quality if none is given, for
    which `categorical_drift_method` is `LInfinity` (the default) or `ChiSquared`. Other options: see `Reads`.

    >>> import pyarrow as pa
    >>> learnt = baseline(pa.table({"colour": ["red", "blue"] * 100}))
    >>> learnt.constraints.columns[0].domains
    ('blue', 'red')
    """
    if categorical_drift_method not in (None, "LInfinity", "ChiSquared"):
        expected = "LInfinity or ChiSquared"
        raise Invalid(what="categorical_drift_method", got=categorical_drift_method, expected=expected)
    asked = monitor or DataQuality(categorical_drift_method=categorical_drift_method)
    found, manifest = _observe(data, reads, asked, None)
    return baseline_of(found, manifest.monitor)


def check(
    data: Data,
    baseline: Baseline | Path,
    *,
    measures: Mapping[str, Mapping[str, float]] | None = None,
    strict_aws_quirks: bool = False,
    record: Path | None = None,
    **reads: Unpack[Reads],
) -> Report:
    """What `data` says against a baseline (or the folder it was saved to), by the monitor it was learnt for.

    `measures` sets limits on distances besides SageMaker's: column (or `*`) -> name -> largest accepted value.
    `strict_aws_quirks` skips the drift of numbers with at most 120 distinct values, as SageMaker was seen to do.
    `record` is the file `estimates.jsonl` that earlier reports were saved with, by which estimates of model quality are
    widened. Other options: see `Reads`.

    >>> import pyarrow as pa
    >>> normal = globals()["baseline"](pa.table({"age": list(range(20, 70)) * 20}))
    >>> report = check(pa.table({"age": list(range(40, 90)) * 20}), normal)
    >>> [(found.subject, found.check) for found in report.violations]
    [('age', 'baseline_drift_check')]
    """
    known = baseline if isinstance(baseline, Baseline) else Baseline.load(fspath(baseline), _world(reads).access)
    monitor = known.monitor
    if isinstance(monitor, DataQuality):
        monitor = DataQuality(measures=measures or {}, strict_aws_quirks=strict_aws_quirks)
    past = () if record is None else records.read(fspath(record), _world(reads).access)
    found, manifest = _observe(data, reads, monitor, known.names, known.model, judging=True)
    return report_on(found, known, manifest.monitor, manifest.inputs, past)


def _observe(
    data: Data,
    reads: Reads,
    monitor: Monitor,
    names: tuple[str, ...] | None,
    before: Asked | None = None,
    *,
    judging: bool = False,
) -> tuple[Reading, Manifest]:
    """What was read, and the run that the options ask for; `before` is the model that the baseline asked."""
    paths = _paths(data)
    manifest, world = _manifest(paths or [type(data).__name__], reads, monitor), _world(reads)
    if before is not None:
        manifest = replace(manifest, model=again(before, manifest.model))
    if paths is not None:
        return observe(manifest, world, names, judging=judging), manifest
    if isinstance(data, Profile):
        return Reading(data), manifest
    pieces, problems = _pieces(table_of(data), manifest)
    if problems.count and manifest.strict:
        first = problems.examples[0]
        raise Unreadable(uri=f"the {type(data).__name__}", reason=first.reason, remedy=first.remedy)
    found = observe_tables(pieces, problems, manifest, world, judging=judging)
    if not found.profile.rows:
        raise EmptyWindow(inputs=f"the {type(data).__name__}", remedy="It has no rows.")
    return found, manifest


def _paths(data: Data) -> list[str] | None:
    """The paths, where data is a path or a list of them."""
    if isinstance(data, str | PathLike):
        return [fspath(data)]
    if isinstance(data, list | tuple) and data and all(isinstance(each, str | PathLike) for each in data):
        return [fspath(each) for each in data]
    return None


def _pieces(table: pa.Table, manifest: Manifest) -> tuple[list[pa.Table], Problems]:
    """The rows as expressions and the choice of columns leave them, in pieces, and what came in between.

    Raises `Invalid` for an expression that is wrong and a column that is not there.
    """
    if manifest.preprocess is not None:
        expected = "a path: scripts take records of files"
        raise Invalid(what="preprocess for data in memory", got=manifest.preprocess, expected=expected)
    wishes = ReadOptions(None, manifest.columns, manifest.exclude, manifest.select)
    seen = dict.fromkeys(names_of(table.schema))
    for asked in wanted(wishes):
        if not asked.is_among(seen):
            raise asked.fault(seen)
    problems = Problems()
    if wishes != ReadOptions() and table.num_rows:
        items = list(transform(iter(table.to_batches()), wishes))
        batches = [item for item in items if isinstance(item, pa.RecordBatch)]
        problems = Problems.of(item for item in items if isinstance(item, Problem))
        table = pa.Table.from_batches(batches) if batches else table.slice(0, 0)
    return [table.slice(at, PIECE) for at in range(0, table.num_rows, PIECE)], problems
