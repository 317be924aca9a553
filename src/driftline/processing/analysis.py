"""Driftline's own analyzer in the place of SageMaker's image: the job's environment becomes a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from driftline import runs
from driftline.asking import Opener
from driftline.baselines import PROFILE, exists, write_json
from driftline.documents import dataset_format
from driftline.localvalues import LocalValues
from driftline.manifest import Manifest, World
from driftline.monitors.data_quality import DataQuality
from driftline.papers import PAPERS, VIOLATIONS
from driftline.problems import Problems
from driftline.processing import metrics, repeating, userscripts
from driftline.processing.asked import monitor_of
from driftline.processing.contract import INPUT, Contract
from driftline.processing.inputs import listed
from driftline.processing.outcome import COMPLETED, Outcome, shortened, worst
from driftline.profile import Profile
from driftline.reports import Report
from driftline.storage.access import Access
from driftline.versions import Version

Log = Callable[[str], None]


def analyse(job: Contract, access: Access, log: Log) -> Outcome:
    """Run the analysis that the job's environment asks for, and write its files.

    Raises the errors of `driftline.errors`; an input without any object ends as SageMaker's failure does.
    """
    manifest = _manifest(job, access)
    return manifest if isinstance(manifest, Outcome) else perform(manifest, job, access, log)


def perform(manifest: Manifest, job: Contract, access: Access, log: Log, invoke: Opener | None = None) -> Outcome:
    """Learn, or judge if the manifest names a baseline, and write the files where the job's result goes.

    `invoke` makes what calls the model, where one is asked.
    """
    changed = repeating.since(job, manifest, access, log)
    if isinstance(changed, Outcome):
        return changed
    log(f"Reading {', '.join(manifest.inputs)}")
    opened: dict[str, Version] = {}
    keeps = manifest.model is not None and manifest.model.shap.get("save_local_shap_values")
    local = LocalValues() if keeps else None
    world = World(access, log=log, opened=opened.update, invoke=invoke, local=local)
    report = runs.run(manifest, world) if manifest.statistics or manifest.constraints else None
    if report is None:
        learnt = runs.learn(manifest, world)
        current, problems, warnings = learnt.profile or Profile(), learnt.problems, learnt.warnings
        written, monitor = learnt.save(job.result(), access), learnt.monitor
        said = "Completed: Job completed successfully with no violations."
    else:
        current, problems, warnings = report.current, report.problems, report.baseline.warnings
        written, monitor = _save(report, job.result(), access), report.monitor
        said = report.said
    written += () if local is None else local.save(job.result(), access)
    _tell(log, current.rows, problems, warnings)
    for each in report.violations if report else ():
        log(f"{each.subject}: {each.check}: {each.said}")
    log(f"Wrote {', '.join(written)}")
    said += changed
    userscripts.postprocess_after(job, written, access, log)
    log(said)
    count = None if report is None else len(report.violations)
    published = job.environment.get("publish_cloudwatch_metrics") == "Enabled"
    found = metrics.of_run(monitor, current, report, job.environment) if published else ()
    kept = repeating.kept(manifest, opened, access)
    named = worst(report.violations) if report else ()
    return Outcome(COMPLETED, shortened(said), violations=count, worst=named, metrics=found, manifest=kept)


def _manifest(job: Contract, access: Access) -> Manifest | Outcome:
    """The run that is repeated, or else the one that the job describes; or why there is nothing to run."""
    repeated = (job.body or {}).get("Replay")
    if repeated:
        return Manifest.of(repeated)
    inputs = objects_of(job, access)
    return inputs if isinstance(inputs, Outcome) else with_profile(manifest_of(job, inputs), access)


def manifest_of(job: Contract, inputs: tuple[str, ...]) -> Manifest:
    """The run that the environment describes; raises `Invalid` naming the variable that is wrong.

    It judges as SageMaker does but reads more (BASE64, nested JSON), unless `strict_aws_compatibility` is `true`.
    """
    known, settings = dataset_format.read(job.environment.get("dataset_format"))
    strict = job.environment.get("strict_aws_compatibility") == "true"
    statistics, constraints = (job.environment.get(f"baseline_{name}") for name in ("statistics", "constraints"))
    preprocess = userscripts.preprocess_of(job)
    scripted = userscripts.settings_of(job) if preprocess else {}
    monitor = monitor_of(job.environment)
    named = job.uri_of(constraints) if constraints else None
    return Manifest(
        inputs=inputs,
        format=known,
        settings={**settings, **scripted, **span_of(job), "compatible": strict},
        monitor=monitor,
        statistics=job.uri_of(statistics) if statistics else None,
        constraints=named,
        preprocess=preprocess,
    )


def with_profile(manifest: Manifest, access: Access) -> Manifest:
    """With the profile that Driftline keeps beside the constraints of monitors that need one, if it lies there."""
    if isinstance(manifest.monitor, DataQuality) or not manifest.constraints:
        return manifest
    kept = f"{manifest.constraints.rpartition('/')[0]}/{PROFILE}"
    return replace(manifest, statistics=kept if exists(kept, access) else None)


def span_of(job: Contract) -> dict[str, str]:
    """A window that is no whole hours, since captured data lie in folders of hours; SageMaker has no such windows."""
    start, end = (job.environment.get(f"{name}_time", "") for name in ("start", "end"))
    whole = all(moment.endswith(":00:00Z") for moment in (start, end))
    return {} if whole or not (start and end) else {"since": start, "until": end}


def _save(report: Report, folder: str, access: Access) -> tuple[str, ...]:
    """All three files: clients of the service read the violations even where there are none."""
    written = report.save(folder, access=access)
    if report.violations:
        return written
    return *written, write_json(f"{folder}/{VIOLATIONS}", PAPERS[report.monitor.kind].violations(()), access)


def objects_of(job: Contract, access: Access, source: str = INPUT) -> tuple[str, ...] | Outcome:
    """Where the rows are, below `dataset_source` or else `source`; a prefix without any fails in SageMaker's words."""
    source = job.environment.get("dataset_source", source)
    mounts = job.below(source)
    if not mounts:
        return Outcome.failed(f"ClientError: no input of the job lies below dataset_source {source!r}")
    found: list[str] = []
    for mount in mounts:
        uris = listed(mount, access)
        if not uris:
            said = f'ClientError: No S3 objects found under S3 URL "{mount.uri}" given in input data source. '
            said += "Please ensure that the bucket exists in the selected region, that objects exist under that S3 "
            return Outcome.failed(said + "prefix, and that the credentials allow to list it.")
        found.extend(uris)
    return tuple(found)


def _tell(log: Log, rows: int, problems: Problems, warnings: tuple[str, ...]) -> None:
    log(f"{rows} rows read, {problems.count} problems")
    for problem in problems.examples:
        log(str(problem))
    for warning in warnings:
        log(warning)
