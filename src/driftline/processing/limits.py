"""The constraints of a schedule: where they lie, what others would change about its last execution, and changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from sqlalchemy import Connection

from driftline.baselines import read_json
from driftline.catalog import Catalog, audit, executions, resources
from driftline.catalog.confines import DEFAULT
from driftline.catalog.executions import Execution
from driftline.documents import model_quality as quality_document
from driftline.documents import violations as violations_document
from driftline.errors import Conflict
from driftline.limits import Limits, checked, earlier_of, put
from driftline.manifest import Manifest
from driftline.monitors.constraints import Constraints
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.effects import Effect, effect_of
from driftline.monitors.model_quality import ModelQuality
from driftline.monitors.monitor import Learnt, Monitor
from driftline.monitors.verdict import Violation
from driftline.papers import STATISTICS, VIOLATIONS
from driftline.processing.contract import Contract
from driftline.processing.evidence import profiles_of
from driftline.processing.executing import NotYet, baseline_in
from driftline.processing.jobs import KIND as JOB
from driftline.profile import Profile
from driftline.schedules import KIND, definition_of
from driftline.storage.access import Access

KINDS = {
    "DataQuality": "data-quality",
    "ModelQuality": "model-quality",
    "ModelBias": "bias",
    "ModelExplainability": "explainability",
}
"""Which monitor judges for each type of schedule."""
ENDED = ("Completed", "CompletedWithViolations")
Key = tuple[str, str, str]
_LOOKED = 50
"""Executions among which the last one that judged is sought."""


def limits_of(catalog: Catalog, name: str, access: Access) -> Limits:
    """The constraints that the schedule's next execution reads; raises `Conflict` where it has none, or not yet."""
    with catalog.read() as tx:
        found = resources.get(tx, KIND, name)
        config = found.body["MonitoringScheduleConfig"]
        type = config.get("MonitoringType") or "DataQuality"
        try:
            uri = baseline_in(tx, definition_of(tx, config), type)["constraints"]
        except NotYet as error:
            remedy = "Look again when it has ended."
            raise Conflict(what="schedule", name=found.name, reason=str(error), remedy=remedy) from error
    if uri is None:
        remedy = "Name a ConstraintsResource, or a baselining job, in its job definition."
        raise Conflict(what="schedule", name=found.name, reason="it has no constraints", remedy=remedy)
    return Limits.read(KINDS[type], uri, access, earlier_of(uri, access))


def change(catalog: Catalog, name: str, document: Any, mark: str, access: Access) -> Limits:
    """Write the document where the schedule reads its constraints; the file of before is kept beside it.

    `mark` is that of the document which was seen; raises `Conflict` if another is in its place, and `Invalid` for what
    are no constraints of this kind. Between the look and the write other programs are not kept out.
    """
    before = limits_of(catalog, name, access)
    before.refuse_stale(mark)
    after = put(before, document, access)
    with catalog.begin() as tx:
        audit.note(tx, "constraints", name, before.document, document, DEFAULT)
    return after


def try_on(catalog: Catalog, name: str, document: Any, access: Access) -> tuple[Execution, Effect]:
    """What the document would change about the violations of the last execution that judged: no row is read again.

    Columns are judged by the `statistics.json` of that execution, and metrics likewise; of bias and explainability no
    figures are kept by which that could be done, and all violations are uncertain. Raises `Conflict` where no execution
    judged yet, and `Invalid` for what are no constraints of this kind.
    """
    saved = limits_of(catalog, name, access)
    new = checked(saved.kind, document)
    with catalog.read() as tx:
        found = _last(tx, name)
        if found is None or found.job is None:
            reason, remedy = "no execution has judged anything yet", "Run it now, then try again."
            raise Conflict(what="schedule", name=name, reason=reason, remedy=remedy)
        body = resources.get(tx, JOB, found.job).body
    folder = Contract.of(found.job, body).result()
    if saved.kind == ModelQuality.kind and body.get("Manifest"):
        return found, _of_metrics(body["Manifest"], folder, checked(saved.kind, saved.document), new, access)
    told = violations_document.read(read_json(f"{folder}/{VIOLATIONS}", access))
    if saved.kind == DataQuality.kind and body.get("Manifest"):
        old = checked(saved.kind, saved.document)
        before, profile = profiles_of(body, found.job, access)
        return found, _of_columns(Manifest.of(body["Manifest"]).monitor, before, profile, told, (old, new))
    return found, Effect(uncertain=told)


def _last(tx: Connection, name: str) -> Execution | None:
    found = executions.last_of(tx, name, _LOOKED)
    return next((each for each in found if each.status in ENDED and each.job), None)


def _of_metrics(manifest: Mapping[str, Any], folder: str, old: Any, new: Any, access: Access) -> Effect:
    judge = Manifest.of(manifest).monitor
    assert isinstance(judge, ModelQuality)
    quality = quality_document.read_statistics(read_json(f"{folder}/{STATISTICS}", access))
    had, has = (list(judge.broken(quality, {each.metric: each for each in side.limits})) for side in (old, new))
    return effect_of(had, has)


def _of_columns(
    judge: Monitor,
    before: Profile | None,
    profile: Profile,
    told: Sequence[Violation],
    sides: tuple[Constraints, Constraints],
) -> Effect:
    """The statistics judged by both; shares that they do not hold are those that the violation tells of."""
    old, new = sides
    had, has = (
        {_key(each): each for each in judge.evaluate(Learnt(side, before), profile).violations} for side in sides
    )
    uncertain = []
    for each in (each for each in told if each.check in _BY_VALUE):
        breaks = _breaks(each, old, new)
        if breaks is None and _key(each) not in has and not _is_counted(each.subject, profile):
            uncertain.append(each)
            had.pop(_key(each), None)
        elif breaks is not None:
            had, has = _with(had, each, bool(_breaks(each, old, old))), _with(has, each, breaks)
    return effect_of(list(had.values()), list(has.values()), uncertain)


def _key(found: Violation) -> Key:
    return found.subject, found.check, found.said if found.check not in _BY_VALUE else ""


def _with(found: Mapping[Key, Violation], told: Violation, breaks: bool) -> dict[Key, Violation]:
    """The violations with this one as it was told, or without it."""
    others = {key: each for key, each in found.items() if key != _key(told)}
    return {**others, _key(told): told} if breaks else others


def _is_counted(name: str, profile: Profile) -> bool:
    """Whether the statistics hold the values of a column, or its type."""
    return name in profile and (profile.column(name).is_numeric or profile.column(name).frequent.exact)


_BY_VALUE = ("data_type_check", "categorical_values_check")
"""Checks whose share of values no statistics hold: of columns with values of several types, or of too many values."""


def _breaks(found: Violation, old: Constraints, new: Constraints) -> bool | None:
    """Whether the value of a violation still does not do; None where another thing is asked than before."""
    columns = [next((each for each in side.columns if each.name == found.subject), None) for side in (old, new)]
    before, after = columns
    if before is None or after is None or isnan(found.value):
        return None
    config = new.effective(after)
    if config.evaluate_constraints is False:
        return False
    if found.check == "data_type_check":
        is_same, least = before.inferred_type == after.inferred_type, config.datatype_check_threshold
    else:
        is_same, least = before.domains == after.domains, config.domain_content_threshold
    return found.value < (least or 0.0) if is_same else None
