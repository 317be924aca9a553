"""The same grants for Terraform: role, policies, tag and events of each bucket."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from driftline.imports.grants import (
    Document,
    Grant,
    bucket_policies,
    notifications,
    queue_policy,
    role_policy,
    trust_policy,
)
from driftline.imports.ownership import TAG
from driftline.storage.queues import arn_of

_OTHER = re.compile(r"[^A-Za-z0-9_]+")


def terraform(grant: Grant) -> str:
    """HCL for Amazon's provider, version 5; buckets that exist already are to be imported, or their tags merged.

    >>> from driftline.imports.job import Place
    >>> print(terraform(Grant((Place("s3://logs/churn/"),), key="dlk-1")))
    resource "aws_s3_bucket" "logs" {
      bucket = "logs"
      tags = {
        "driftline-ingestion-key" = "dlk-1"
      }
    }
    ...
    """
    return "\n".join(_blocks(grant))


def _blocks(grant: Grant) -> Iterator[str]:
    for bucket in grant.buckets:
        tags = {"tags": {TAG: grant.key}} if grant.key else {}
        yield _block("aws_s3_bucket", bucket, {"bucket": bucket, **tags})
    trust, policies = trust_policy(grant), bucket_policies(grant)
    if trust is not None and (grant.provider or grant.external_id):
        yield _block("aws_iam_role", "driftline", {"name": "driftline", "assume_role_policy": _Json(trust)})
        role = {"role": _Name("aws_iam_role.driftline.name"), "name": "driftline", "policy": _Json(role_policy(grant))}
        yield _block("aws_iam_role_policy", "driftline", role)
    else:
        for bucket, policy in policies.items():
            told = {"bucket": _Name(f"aws_s3_bucket.{_name(bucket)}.id"), "policy": _Json(policy)}
            yield _block("aws_s3_bucket_policy", bucket, told)
        if not policies:
            yield _block("aws_iam_policy", "driftline", {"name": "driftline", "policy": _Json(role_policy(grant))})
    yield from _events(grant)


def _events(grant: Grant) -> Iterator[str]:
    policy = queue_policy(grant)
    if policy is None:
        return
    told = {"queue_url": grant.queue, "policy": _Json(policy)}
    yield _block("aws_sqs_queue_policy", "driftline", told)
    for bucket, document in notifications(grant).items():
        body = "".join(_queue(rule) for rule in document["QueueConfigurations"])
        name = _name(bucket)
        yield (
            f'resource "aws_s3_bucket_notification" "{name}" {{\n  bucket     = aws_s3_bucket.{name}.id\n'
            f"  depends_on = [aws_sqs_queue_policy.driftline]\n{body}}}\n"
        )


def _queue(rule: Document) -> str:
    filters = {each["Name"]: each["Value"] for each in rule.get("Filter", {}).get("Key", {}).get("FilterRules", [])}
    lines = [f"queue_arn = {json.dumps(arn_of(rule['QueueArn']))}", f"events    = {json.dumps(rule['Events'])}"]
    lines += [f"filter_{name} = {json.dumps(value)}" for name, value in filters.items()]
    return "  queue {\n" + "".join(f"    {line}\n" for line in lines) + "  }\n"


class _Name(str):
    """What is not text but an address of Terraform."""


class _Json(dict[str, Any]):
    """A document that Terraform is to write as JSON."""


def _block(kind: str, name: str, members: dict[str, Any]) -> str:
    body = "".join(f"  {each} = {_value(value, 2)}\n" for each, value in members.items())
    return f'resource "{kind}" "{_name(name)}" {{\n{body}}}\n'


def _value(value: Any, indent: int) -> str:
    if isinstance(value, _Json):
        return f"jsonencode({_value(dict(value), indent)})"
    if isinstance(value, _Name):
        return str(value)
    if isinstance(value, dict):
        inner = " " * (indent + 2)
        lines = "".join(f"{inner}{_text(key)} = {_value(each, indent + 2)}\n" for key, each in value.items())
        return "{\n" + lines + " " * indent + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(each, indent) for each in value) + "]"
    return _text(str(value))


def _text(text: str) -> str:
    """A text of HCL: `${` and `%{` would begin a template."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _name(text: str) -> str:
    """What Terraform may call it.

    >>> _name("acme.logs-2026"), _name("7days")
    ('acme_logs_2026', '_7days')
    """
    found = _OTHER.sub("_", text)
    return f"_{found}" if found[:1].isdigit() else found
