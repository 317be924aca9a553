"""Driftline's own analysis in the place of SageMaker Clarify's image, as an `analysis_config.json` asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from driftline import runs
from driftline.baselines import read_json
from driftline.clarify import Given, bias_run
from driftline.documents import analysis_config, dataset_format
from driftline.documents.analysis_config import AnalysisConfig
from driftline.errors import Invalid
from driftline.processing.analysis import Log, objects_of, perform, span_of, with_profile
from driftline.processing.asked import threshold_of
from driftline.processing.contract import Contract
from driftline.processing.monitoring import CONFIG
from driftline.processing.outcome import Outcome
from driftline.storage.access import Access

DATA = "/opt/ml/processing/input/data"
BIAS, EXPLAINABILITY = "MODEL_BIAS", "MODEL_EXPLAINABILITY"


def run(job: Contract, access: Access, log: Log) -> Outcome:
    """Learn a baseline, or judge by the one that the job names; raises the errors of `driftline.errors`."""
    inputs = objects_of(job, access, DATA)
    if isinstance(inputs, Outcome):
        return inputs
    repeated = (job.body or {}).get("Replay")
    if repeated:
        return perform(runs.Manifest.of(repeated), job, access, log)
    config = config_of(job, access)
    manifest = manifest_of(job, config, inputs)
    return perform(with_profile(manifest, access), job, access, log)


def config_of(job: Contract, access: Access) -> AnalysisConfig:
    """The configuration that the job's input brings; raises `Invalid` if there is none."""
    for mount in job.inputs:
        if mount.name == CONFIG:
            name = "" if mount.uri.endswith(".json") else "/analysis_config.json"
            return analysis_config.read(read_json(f"{mount.uri.rstrip('/')}{name}", access))
    expected = f"an input called {CONFIG}"
    raise Invalid(what="inputs of the job", got=[mount.name for mount in job.inputs], expected=expected)


def manifest_of(job: Contract, config: AnalysisConfig, inputs: tuple[str, ...]) -> runs.Manifest:
    """The run: of a schedule's captured calls, or of a baseline's data set."""
    environment = job.environment
    known, settings = dataset_format.read(environment.get("dataset_format"))
    given = given_of(environment, known)
    manifest = bias_run(config, inputs, given)
    constraints = environment.get("baseline_constraints")
    return replace(
        manifest,
        format=known or manifest.format,
        settings={**settings, **manifest.settings, **span_of(job)},
        constraints=job.uri_of(constraints) if constraints else None,
    )


def given_of(environment: Mapping[str, str], known: str | None) -> Given:
    """What the definition of a schedule tells beside the configuration; nothing for a baselining job."""
    if "analysis_type" not in environment:
        return Given()
    return Given(
        features=environment.get("features_attribute"),
        inference=environment.get("inference_attribute"),
        probability=environment.get("probability_attribute"),
        threshold=threshold_of(environment),
        is_captured=known in ("capture", "merged"),
        is_labelled=known == "merged",
    )
