"""Schedules and their job definitions over the API: made together, changed together, removed together."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from driftline.alerting.targets import PREFIX
from driftline.sagemaker.alerts import MonitoringAlertActions
from driftline.sagemaker.baselining import unique_name
from driftline.sagemaker.definitions import KINDS, definition, inline
from driftline.sagemaker.inputs import EndpointInput, MonitoringOutput
from driftline.sagemaker.session import Session

POLL_SECONDS, POLLS = 0.5, 360
_SCRIPTS = ("record_preprocessor_script", "post_analytics_processor_script")


def create(
    session: Session, name: str, kind: str | None, options: Mapping[str, Any], when: Mapping[str, str] | None
) -> dict[str, Any]:
    """Make a schedule and its definition; the answer of CreateMonitoringSchedule.

    `options` are as in `ScheduleOptions`, `definition_stem` begins the definition's name and `tags` are those of both.
    """
    config = _config(session, kind, prepared(session, name, options), {})
    request = {"MonitoringScheduleConfig": _with(config, when), "Tags": options["tags"]}
    try:
        return session.call("create_monitoring_schedule", MonitoringScheduleName=name, **request)
    except (ClientError, ValueError):
        _remove_definition(session, config)
        raise


def update(
    session: Session, name: str, before: Mapping[str, Any], changes: Mapping[str, Any], when: Mapping[str, str] | None
) -> dict[str, Any]:
    """Change a schedule whose configuration was `before`, and its definition if there are changes of it."""
    config = {member: value for member, value in before.items() if member != "ScheduleConfig"}
    if changes:
        kind = before.get("MonitoringType") if "MonitoringJobDefinitionName" in before else None
        existing = definition_of(session, before)
        config = _config(session, kind, prepared(session, name, changes, existing), existing)
    try:
        answer = session.call(
            "update_monitoring_schedule", MonitoringScheduleName=name, MonitoringScheduleConfig=_with(config, when)
        )
    except (ClientError, ValueError):
        if changes:
            _remove_definition(session, config)
        raise
    settle(session, name)
    if changes:
        _remove_definition(session, before)
    return answer


def delete(session: Session, name: str) -> None:
    """Remove a schedule and, if no other schedule uses it, its definition; raises boto3's `ClientError`."""
    config = describe(session, name)["MonitoringScheduleConfig"]
    session.call("delete_monitoring_schedule", MonitoringScheduleName=name)
    for _ in range(POLLS):
        try:
            describe(session, name)
        except ClientError as error:
            if _code(error) != "ResourceNotFound":
                raise
            break
        time.sleep(POLL_SECONDS)
    _remove_definition(session, config)


def describe(session: Session, name: str) -> dict[str, Any]:
    """What DescribeMonitoringSchedule answers."""
    return session.call("describe_monitoring_schedule", MonitoringScheduleName=name)


def tags_of(session: Session, name: str) -> dict[str, str]:
    """The tags of a schedule."""
    answer = session.call("list_tags", ResourceArn=describe(session, name)["MonitoringScheduleArn"])
    return {each["Key"]: each["Value"] for each in answer["Tags"]}


def set_actions(session: Session, name: str, actions: MonitoringAlertActions) -> None:
    """Let the alert of a schedule do this, and nothing that it did before."""
    before, arn = tags_of(session, name), describe(session, name)["MonitoringScheduleArn"]
    wanted = actions.tags()
    gone = [each for each in before if each.startswith(PREFIX) and each not in wanted]
    if wanted:
        session.call("add_tags", ResourceArn=arn, Tags=[{"Key": key, "Value": value} for key, value in wanted.items()])
    if gone:
        session.call("delete_tags", ResourceArn=arn, TagKeys=gone)


def settle(session: Session, name: str) -> dict[str, Any]:
    """Wait, for three minutes at most, until a change of a schedule has been made; its description then."""
    found = describe(session, name)
    for _ in range(POLLS):
        if found["MonitoringScheduleStatus"] != "Pending":
            break
        time.sleep(POLL_SECONDS)
        found = describe(session, name)
    return found


def definition_of(session: Session, config: Mapping[str, Any]) -> dict[str, Any]:
    """The job definition of a schedule's configuration, inside of it or by name."""
    if "MonitoringJobDefinitionName" not in config:
        return dict(config["MonitoringJobDefinition"])
    operation = f"describe_{KINDS[config['MonitoringType']]}_job_definition"
    return session.call(operation, JobDefinitionName=config["MonitoringJobDefinitionName"])


def prepared(
    session: Session, name: str, options: Mapping[str, Any], existing: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The options with URIs in place of local files and documents, and objects in place of their short forms."""
    found = dict(options)
    if isinstance(found.get("endpoint_input"), str):
        found["endpoint_input"] = EndpointInput(found["endpoint_input"])
    for script in _SCRIPTS:
        if script in found:
            place = ("model-monitor", "monitoring", name, "input", str(uuid.uuid4()))
            found[script] = session.uploaded(found[script], *place)
    for file in ("constraints", "statistics"):
        if file in found:
            found[file] = getattr(found[file], "file_s3_uri", found[file])
    if "role" in found:
        found["role"] = session.role_arn(found["role"])
    if existing is None or "output" in found or "output_s3_uri" in found:
        found["output"] = _output(session, name, found)
    if "analysis_config" in found and not isinstance(found["analysis_config"], str):
        found["analysis_config"] = _analysis(session, found, existing or {})
    return found


def _output(session: Session, name: str, options: Mapping[str, Any]) -> Any:
    given = options.get("output")
    if given is not None and given._to_request_dict()["S3Output"]["S3Uri"] is not None:
        return given
    place = options.get("output_s3_uri") or session.place("model-monitor", "monitoring", name, "results")
    form = MonitoringOutput() if given is None else given
    return MonitoringOutput(form.source, place, form.s3_upload_mode)


def _analysis(session: Session, options: Mapping[str, Any], existing: Mapping[str, Any]) -> str:
    """Put an analysis configuration below the results; returns its URI."""
    if "output" in options:
        root = options["output"]._to_request_dict()["S3Output"]["S3Uri"]
    else:
        outputs = next(value for member, value in existing.items() if member.endswith("JobOutputConfig"))
        root = outputs["MonitoringOutputs"][0]["S3Output"]["S3Uri"]
    place = f"{root.rstrip('/')}/{uuid.uuid4()}/analysis_config.json"
    return session.write(place, json.dumps(options["analysis_config"]._to_dict()))


def _config(
    session: Session, kind: str | None, options: Mapping[str, Any], existing: Mapping[str, Any]
) -> dict[str, Any]:
    """A schedule's configuration but for the time, after its definition was made."""
    if kind is None:
        return {"MonitoringJobDefinition": inline(options, existing)}
    stem = options.get("definition_stem") or f"{KINDS[kind].replace('_', '-')}-job-definition"
    name = unique_name(stem)
    members = definition(kind, options, existing)
    session.call(
        f"create_{KINDS[kind]}_job_definition", JobDefinitionName=name, Tags=options.get("tags") or None, **members
    )
    return {"MonitoringJobDefinitionName": name, "MonitoringType": kind}


def _with(config: Mapping[str, Any], when: Mapping[str, str] | None) -> dict[str, Any]:
    return {**config, **({"ScheduleConfig": dict(when)} if when else {})}


def _remove_definition(session: Session, config: Mapping[str, Any]) -> None:
    """Remove a definition by name; it stays where another schedule uses it or it is gone already."""
    if "MonitoringJobDefinitionName" not in config:
        return
    try:
        session.call(
            f"delete_{KINDS[config['MonitoringType']]}_job_definition",
            JobDefinitionName=config["MonitoringJobDefinitionName"],
        )
    except ClientError as error:
        if _code(error) not in ("ResourceNotFound", "ResourceInUse", "ConflictException", "ValidationException"):
            raise


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
