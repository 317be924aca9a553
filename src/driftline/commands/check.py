"""`driftline check`: data against a baseline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from cyclopts import Parameter

from driftline.baselines import Baseline
from driftline.commands.console import finish, plan, watching
from driftline.commands.monitoring import Monitoring, local_of
from driftline.commands.options import Flag, Options, Repeated, monitor_of
from driftline.errors import Invalid
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.monitor import Monitor
from driftline.record import FILE
from driftline.runs import judge
from driftline.storage.access import Access


@Parameter(name="*")
@dataclass(frozen=True)
class Against:
    """What data are compared with.

    Attributes
    ----------
    baseline
        The folder or prefix with constraints.json (analysis.json of bias and explainability) and statistics.json.
    statistics
        The statistics of the baseline, if they lie elsewhere.
    constraints
        The constraints, if they lie elsewhere.
    """

    baseline: str | None = None
    statistics: str | None = None
    constraints: str | None = None

    def load(self, access: Access, monitor: Monitor | None) -> Baseline:
        """The baseline; raises `Invalid` if none is named."""
        if self.baseline is None and self.statistics is None and self.constraints is None:
            raise Invalid(what="--baseline", got="nothing", expected="a folder", remedy="Make one: driftline baseline.")
        if self.baseline is None:
            return Baseline.read(self.statistics, self.constraints, access, monitor)
        if self.statistics is None and self.constraints is None:
            return Baseline.load(self.baseline, access, monitor)
        place = self.baseline.rstrip("/")
        statistics = self.statistics or f"{place}/statistics.json"
        return Baseline.read(statistics, self.constraints or f"{place}/constraints.json", access, monitor)


def check(
    *inputs: str,
    against: Against | None = None,
    output: Annotated[str | None, Parameter(name=["--output", "-o"])] = None,
    html: str | None = None,
    measure: Repeated = (),
    strict_aws_quirks: Flag = False,
    monitoring: Monitoring | None = None,
    options: Options | None = None,
) -> int:
    """Check data against a baseline: violations with value, limit and reason.

    Exit status: 0 no violations, 1 violations, 2 anything else.

    Parameters
    ----------
    inputs
        Files, globs, folders, s3:// (gs://, az://) URIs or prefixes, saved profiles, or - for standard input.
    output
        Where statistics.json, constraints.json and constraint_violations.json are written.
    html
        Where the report for people is written.
    measure
        NAME=LIMIT or COLUMN:NAME=LIMIT: a distance that must not exceed a limit, besides SageMaker's; repeat it.
    strict_aws_quirks
        Skip the drift of numbers with at most 120 distinct values, as SageMaker was seen to do.
    """
    options, monitoring = options or Options(), monitoring or Monitoring()
    if options.dry_run:
        return plan(options.manifest(inputs, labels=monitoring.ground_truth), options)
    against = against or Against()
    if monitoring.analysis_config is not None and monitoring.monitor is None:
        kind = against.load(options.access, None).monitor.kind
        monitoring = replace(monitoring, monitor=kind)  # type: ignore[arg-type]
    manifest = monitoring.manifest(inputs, options)
    known = against.load(options.access, monitoring.chosen(manifest))
    judging = known.monitor
    if isinstance(judging, DataQuality):
        judging = replace(monitor_of(options, measure), strict_aws_quirks=strict_aws_quirks)
    elif monitoring.monitor is None:
        judging = monitoring.over(judging)
    record = None if output is None else f"{output.rstrip('/')}/{FILE}"
    local = local_of(manifest)
    with watching(inputs, options) as watched:
        report = judge(replace(manifest, monitor=judging, record=record), known, replace(watched, local=local))
    written = report.save(output, html, options.access)
    written += local.save(output, options.access) if local is not None and output is not None else ()
    finish(report, report.to_dict(), written, options)
    return int(bool(report.violations))
