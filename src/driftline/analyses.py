"""The three verbs of the Python API: `profile`, `baseline` and `check`, on paths or on data in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike, fspath
from typing import Any

import pyarrow as pa

from driftline.baselines import Baseline
from driftline.engines.local import Local
from driftline.errors import EmptyWindow, Invalid
from driftline.formats.format import ReadOptions
from driftline.formats.transform import transform
from driftline.monitors.data_quality import DataQuality
from driftline.profile import Profile
from driftline.reports import Report
from driftline.runs import Manifest, Reading, World, judge, learn, observe, report_on
from driftline.storage.access import Access

Path = str | PathLike[str]
Data = Any
"""A path, glob, folder or URI, a list of them, a saved or living profile, or a data frame or table of any library
that speaks the Arrow C stream or the dataframe interchange protocol (pandas, polars, pyarrow, DuckDB)."""

PIECE = 131_072
"""Rows in memory are folded in pieces of this size where there are more."""


@dataclass(frozen=True)
class Reads:
    """How data is read; the options of the command line, by the same names."""

    format: str | None = None
    select: Sequence[str] = ()
    columns: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    read_options: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False
    jobs: int | None = None
    endpoint_url: str | None = None

    @property
    def world(self) -> World:
        """What the run works with."""
        return World(Access(endpoint_url=self.endpoint_url), Local(self.jobs))

    def manifest(self, inputs: Iterable[str], monitor: DataQuality) -> Manifest:
        """The run that these options ask for."""
        return Manifest(
            inputs=tuple(inputs),
            format=self.format,
            settings=dict(self.read_options),
            select=tuple(self.select),
            columns=None if self.columns is None else tuple(self.columns),
            exclude=tuple(self.exclude),
            monitor=monitor,
            strict=self.strict,
        )


def profile(data: Data, **reads: Any) -> Profile:
    """The profile of `data`. Options are those of `Reads`: format, select, columns, exclude, jobs, ...

    Raises `NotFound`, `Denied`, `Unreadable` or `Invalid` as the data and options deserve, `EmptyWindow` without rows.

    >>> import pyarrow as pa
    >>> profile(pa.table({"age": [30, 40, None]})).column("age").completeness
    0.6666666666666666
    """
    return _observe(data, Reads(**reads), DataQuality(), None).profile


def baseline(data: Data, *, categorical_drift_method: str | None = None, **reads: Any) -> Baseline:
    """What normal looks like: the profile of `data` and the constraints it suggests.

    `categorical_drift_method` is `LInfinity` (the default) or `ChiSquared`. Other options are those of `Reads`.

    >>> import pyarrow as pa
    >>> learnt = baseline(pa.table({"colour": ["red", "blue"] * 100}))
    >>> learnt.constraints.columns[0].domains
    ('blue', 'red')
    """
    if categorical_drift_method not in (None, "LInfinity", "ChiSquared"):
        expected = "LInfinity or ChiSquared"
        raise Invalid(what="categorical_drift_method", got=categorical_drift_method, expected=expected)
    options, monitor = Reads(**reads), DataQuality(categorical_drift_method=categorical_drift_method)
    paths = _paths(data)
    if paths is not None:
        return learn(options.manifest(paths, monitor), options.world)
    found = _observe(data, options, monitor, None)
    return Baseline(monitor.baseline(found.profile), found.profile, found.problems)


def check(
    data: Data,
    baseline: Baseline | Path,
    *,
    measures: Mapping[str, Mapping[str, float]] | None = None,
    compatible: bool = False,
    strict_aws_quirks: bool = False,
    **reads: Any,
) -> Report:
    """What `data` says against a baseline (or the folder it was saved to).

    `measures` sets limits on distances besides SageMaker's: column (or `*`) -> name -> largest accepted value.
    `compatible` keeps to what SageMaker would have read and said. `strict_aws_quirks` skips the drift of numbers with
    at most 120 distinct values, as SageMaker was seen to do. Other options are those of `Reads`.

    >>> import pyarrow as pa
    >>> normal = globals()["baseline"](pa.table({"age": list(range(20, 70)) * 20}))
    >>> report = check(pa.table({"age": list(range(40, 90)) * 20}), normal)
    >>> [(found.subject, found.check) for found in report.violations]
    [('age', 'baseline_drift_check')]
    """
    monitor = DataQuality(compatible, measures or {}, strict_aws_quirks)
    options = Reads(**reads)
    known = baseline if isinstance(baseline, Baseline) else Baseline.load(fspath(baseline), options.world.access)
    paths = _paths(data)
    if paths is not None:
        return judge(options.manifest(paths, monitor), known, options.world)
    return report_on(_observe(data, options, monitor, known.names), known, monitor, (type(data).__name__,))


def _observe(data: Data, options: Reads, monitor: DataQuality, names: tuple[str, ...] | None) -> Reading:
    paths = _paths(data)
    if paths is not None:
        return observe(options.manifest(paths, monitor), options.world, names)
    if isinstance(data, Profile):
        return Reading(data)
    pieces = _pieces(table_of(data), options)
    found = options.world.engine.fold(lambda piece: Reading(Profile.of(piece)), pieces, Reading())
    if not found.profile.rows:
        raise EmptyWindow(inputs=f"the {type(data).__name__}", remedy="It has no rows.")
    return found


def _paths(data: Data) -> list[str] | None:
    """The paths, where data is a path or a list of them."""
    if isinstance(data, str | PathLike):
        return [fspath(data)]
    if isinstance(data, list | tuple) and data and all(isinstance(each, str | PathLike) for each in data):
        return [fspath(each) for each in data]
    return None


def table_of(data: Data) -> pa.Table:
    """The rows of anything that speaks Arrow's C stream or the dataframe interchange protocol."""
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if hasattr(data, "__arrow_c_stream__"):
        table = pa.RecordBatchReader.from_stream(data).read_all()
    elif hasattr(data, "__dataframe__"):
        from pyarrow.interchange import from_dataframe

        table = from_dataframe(data)
    elif isinstance(data, Mapping):
        table = pa.table(dict(data))
    else:
        expected = "a path, a list of paths, or a table (pandas, polars, pyarrow, DuckDB)"
        raise Invalid(what="data", got=type(data).__name__, expected=expected)
    kept = [name for name in table.column_names if not name.startswith("__index_level_")]
    return table.select(kept)


def _pieces(table: pa.Table, options: Reads) -> list[pa.Table]:
    columns = None if options.columns is None else tuple(options.columns)
    wanted = ReadOptions(None, columns, tuple(options.exclude), tuple(options.select))
    if wanted != ReadOptions():
        items = list(transform(iter(table.to_batches()), wanted))
        table = pa.Table.from_batches([item for item in items if isinstance(item, pa.RecordBatch)])
    if table.num_rows <= PIECE:
        return [table]
    return [table.slice(at, PIECE) for at in range(0, table.num_rows, PIECE)]


__all__ = ["Data", "Reads", "baseline", "check", "profile", "replace", "table_of"]
