"""Driftline's own analysis in the place of SageMaker Clarify's image, as an `analysis_config.json` asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from driftline.baselines import exists, read_json, write_json
from driftline.calling import opener
from driftline.clarify import Given, bias_run, explainability_run, with_baseline
from driftline.documents import analysis, analysis_config, dataset_format
from driftline.documents.analysis_config import AnalysisConfig
from driftline.errors import Invalid, NotFound
from driftline.manifest import Manifest
from driftline.monitors.bias import Bias
from driftline.monitors.explainability import Explainability
from driftline.processing.analysis import Log, objects_of, perform, span_of, with_profile
from driftline.processing.asked import threshold_of
from driftline.processing.contract import Contract
from driftline.processing.monitoring import CONFIG
from driftline.processing.outcome import COMPLETED, Outcome
from driftline.storage.access import Access
from driftline.storage.uris import scheme_of

DATA = "/opt/ml/processing/input/data"
EXPLAINABILITY = "MODEL_EXPLAINABILITY"
_BIAS_METHODS = ("pre_training_bias", "post_training_bias")


def run(job: Contract, access: Access, log: Log, models: Mapping[str, str], allowed: Sequence[str] = ()) -> Outcome:
    """Learn a baseline, or judge by the one that the job names; raises the errors of `driftline.errors`.

    `models` are the URLs of models and endpoints by name, `allowed` the hosts that may be called.
    """
    inputs = objects_of(job, access, DATA)
    if isinstance(inputs, Outcome):
        return inputs
    repeated = (job.body or {}).get("Replay")
    if repeated:
        return perform(Manifest.of(repeated), job, access, log, opener(allowed))
    config = with_baseline(remote(config_of(job, access), job), access)
    kinds = kinds_of(config, job.environment)
    for method in left_out(config, kinds):
        log(f"methods.{method} is left out: this job does {' and '.join(kinds)}.")
    outcome, found = Outcome.failed("ClientError: nothing is asked for"), dict[str, Any]()
    for kind in kinds:
        manifest = with_analysis(manifest_of(job, config, inputs, url_of(config, models), kind), access)
        outcome = perform(with_profile(manifest, access), job, access, log, opener(allowed))
        if len(kinds) == 1 or outcome.status != COMPLETED:
            return outcome
        found |= read_json(f"{job.result()}/{analysis.FILE}", access)
    write_json(f"{job.result()}/{analysis.FILE}", found, access, analysis.dumps)
    return outcome


def kinds_of(config: AnalysisConfig, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The analyses: the one of a schedule, or all that a baselining job's configuration has methods for.

    >>> kinds_of(AnalysisConfig(methods={"shap": {}, "pre_training_bias": {}}), {})
    ('bias', 'explainability')
    """
    if "analysis_type" in environment:
        return (Explainability.kind if environment["analysis_type"] == EXPLAINABILITY else Bias.kind,)
    is_explained = "shap" in config.methods
    is_biased = not is_explained or any(name in config.methods for name in _BIAS_METHODS)
    return (*([Bias.kind] if is_biased else []), *([Explainability.kind] if is_explained else []))


def left_out(config: AnalysisConfig, kinds: Sequence[str]) -> tuple[str, ...]:
    """The methods of the configuration that the job does not carry out.

    >>> methods = {"pre_training_bias": {}, "shap": {}, "pdp": {}, "report": {}}
    >>> left_out(AnalysisConfig(methods=methods), ["explainability"])
    ('pre_training_bias', 'pdp')
    """
    done = {"report"}
    done |= set(_BIAS_METHODS) if Bias.kind in kinds else set()
    done |= {"shap"} if Explainability.kind in kinds else set()
    return tuple(each for each in config.methods if each not in done)


def with_analysis(manifest: Manifest, access: Access) -> Manifest:
    """With the constraints under the name of Clarify's baselines, if there is none of the name that is given.

    Users of all monitors alike name `constraints.json`.
    """
    given = manifest.constraints
    if given is None or exists(given, access):
        return manifest
    beside = f"{given.rpartition('/')[0]}/{analysis.FILE}"
    return replace(manifest, constraints=beside) if exists(beside, access) else manifest


def url_of(config: AnalysisConfig, models: Mapping[str, str]) -> str | None:
    """Where the predictor's model is served; None if there is no predictor. Raises `NotFound` for an unknown one."""
    predictor = config.predictor
    name = predictor.get("endpoint_name") or predictor.get("model_name")
    if name is None:
        return None
    if name not in models:
        remedy = "Register it with CreateModel, with its URL in DRIFTLINE_MODEL_URL among the container's variables."
        raise NotFound(what="URL of model", name=name, remedy=remedy)
    if not models[name].startswith(("http://", "https://")):
        # The command line takes functions and files too; here that would run what the caller of an API names.
        raise Invalid(what=f"URL of model {name}", got=models[name], expected="http://... or https://...")
    return models[name]


def remote(config: AnalysisConfig, job: Contract) -> AnalysisConfig:
    """The configuration with its SHAP baseline where the job's inputs have it, if it names a path in the container.

    Raises `Invalid` for any other path, which would be one of the machine that the job runs on.
    """
    shap = config.methods.get("shap") or {}
    given = shap.get("baseline")
    if not isinstance(given, str) or given.lstrip().startswith("[") or scheme_of(given) not in ("", "file"):
        return config
    return replace(config, methods={**config.methods, "shap": {**shap, "baseline": job.uri_of(given)}})


def config_of(job: Contract, access: Access) -> AnalysisConfig:
    """The configuration that the job's input brings; raises `Invalid` if there is none."""
    for mount in job.inputs:
        if mount.name == CONFIG:
            name = "" if mount.uri.endswith(".json") else "/analysis_config.json"
            return analysis_config.read(read_json(f"{mount.uri.rstrip('/')}{name}", access))
    expected = f"an input called {CONFIG}"
    raise Invalid(what="inputs of the job", got=[mount.name for mount in job.inputs], expected=expected)


def manifest_of(
    job: Contract, config: AnalysisConfig, inputs: tuple[str, ...], model: str | None, kind: str
) -> Manifest:
    """The run of one analysis: of a schedule's captured calls, or of a baseline's data set."""
    environment = job.environment
    known, settings = dataset_format.read(environment.get("dataset_format"))
    given = replace(given_of(environment, known), model=model)
    manifest = (explainability_run if kind == Explainability.kind else bias_run)(config, inputs, given)
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
