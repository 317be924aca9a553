"""One function walks the chain for everything that analyses data: objects, batches, profile, verdict, files."""

from __future__ import annotations

from dataclasses import replace

from driftline import record
from driftline.asking import again
from driftline.baselines import Baseline
from driftline.errors import Invalid
from driftline.manifest import Manifest, World
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.monitor import Monitor
from driftline.monitors.verdict import Compared
from driftline.reading import Reading, Settled, observe
from driftline.reports import Report


def learn(manifest: Manifest, world: World) -> Baseline:
    """The baseline of the inputs: statistics and suggested constraints."""
    return baseline_of(observe(manifest, world), manifest.monitor)


def baseline_of(found: Reading, monitor: Monitor) -> Baseline:
    """The baseline of rows that are read already."""
    settled = found.settled or Settled(monitor)
    constraints = settled.monitor.baseline(found.profile)
    return Baseline(constraints, found.profile, found.problems, settled.monitor, settled.model)


def judge(manifest: Manifest, baseline: Baseline, world: World) -> Report:
    """What the inputs say against the baseline."""
    if baseline.model is not None:
        manifest = replace(manifest, model=again(baseline.model, manifest.model))
    past = () if manifest.record is None else record.read(manifest.record, world.access)
    found = observe(manifest, world, baseline.names, judging=True)
    return report_on(found, baseline, manifest.monitor, manifest.inputs, past)


def report_on(
    found: Reading,
    baseline: Baseline,
    monitor: Monitor,
    inputs: tuple[str, ...],
    past: tuple[Compared, ...] = (),
) -> Report:
    """The report for rows that are read already; `past` is the record of earlier estimates."""
    if isinstance(monitor, DataQuality):  # what the rows suggest is suggested for the same test of drift
        method = baseline.constraints.config.categorical_drift_method
        monitor = replace(monitor, categorical_drift_method=method)
    settled = found.settled or Settled(monitor)
    verdict = settled.monitor.evaluate(replace(baseline.learnt, past=past), found.profile)
    notes = ((settled.cost,) if settled.cost else ()) + verdict.notes
    return Report(
        verdict,
        found.profile,
        baseline,
        found.problems,
        inputs,
        settled.monitor,
        found.coverage,
        settled.model,
        notes,
        past=past,
    )


def run(manifest: Manifest, world: World | None = None) -> Report:
    """Check the manifest's inputs against the baseline it names."""
    world = world or World()
    if manifest.statistics is None and manifest.constraints is None:
        raise Invalid(what="baseline", got=None, expected="statistics and constraints", remedy="Name both files.")
    baseline = Baseline.read(manifest.statistics, manifest.constraints, world.access, manifest.monitor)
    return judge(manifest, baseline, world)
