"""`driftline check`: data against a baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from driftline.baselines import Baseline
from driftline.commands.console import finish, plan, watching
from driftline.commands.options import Flag, Options, Repeated, monitor_of
from driftline.errors import Invalid
from driftline.runs import judge


def check(
    *inputs: str,
    baseline: str | None = None,
    statistics: str | None = None,
    constraints: str | None = None,
    output: Annotated[str | None, Parameter(name=["--output", "-o"])] = None,
    html: str | None = None,
    measure: Repeated = (),
    strict_aws_quirks: Flag = False,
    options: Options | None = None,
) -> int:
    """Check data against a baseline: violations with value, limit and reason.

    Exit status: 0 no violations, 1 violations, 2 anything else.

    Parameters
    ----------
    inputs
        Files, globs, folders, s3:// (gs://, az://) URIs or prefixes, saved profiles, or - for standard input.
    baseline
        The folder or prefix with constraints.json and statistics.json.
    statistics
        The statistics of the baseline, if they lie elsewhere.
    constraints
        The constraints, if they lie elsewhere.
    output
        Where statistics.json, constraints.json and constraint_violations.json are written.
    html
        Where the report for people is written.
    measure
        NAME=LIMIT or COLUMN:NAME=LIMIT: a distance that must not exceed a limit, besides SageMaker's; repeat it.
    strict_aws_quirks
        Skip the drift of numbers with at most 120 distinct values, as SageMaker was seen to do.
    """
    options = options or Options()
    if options.dry_run:
        return plan(options.manifest(inputs), options)
    if baseline is None and statistics is None and constraints is None:
        raise Invalid(what="--baseline", got="nothing", expected="a folder", remedy="Make one: driftline baseline.")
    known = (
        Baseline.load(baseline, options.access)
        if baseline is not None and statistics is None and constraints is None
        else Baseline.read(*_files(baseline, statistics, constraints), options.access)
    )
    with watching(inputs, options) as watched:
        monitor = replace(monitor_of(options, measure), strict_aws_quirks=strict_aws_quirks)
        report = judge(options.manifest(inputs, monitor), known, watched)
    written = report.save(output, html, options.access)
    finish(report, report.to_dict(), written, options)
    return int(bool(report.violations))


def _files(folder: str | None, statistics: str | None, constraints: str | None) -> tuple[str | None, str | None]:
    """Where the two files are: those that are named, else in the folder."""
    if folder is None:
        return statistics, constraints
    place = folder.rstrip("/")
    return statistics or f"{place}/statistics.json", constraints or f"{place}/constraints.json"
