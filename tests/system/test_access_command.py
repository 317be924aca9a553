"""`driftline access`: what it prints, what it checks, and its exit statuses; rows S-06 to S-11, ER-04, ER-13."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from s3 import READER, WRITER, Server

from driftline.catalog import Catalog
from driftline.imports import credentials
from driftline.imports.credentials import Credential
from driftline.settings import Settings
from driftline.storage.access import Access

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/driftline"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/churn"


def driftline(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRIFTLINE_"))}
    environment = {
        **known,
        "DRIFTLINE_HOME": str(home),
        "AWS_EC2_METADATA_DISABLED": "true",
        "COLUMNS": "300",
        **variables,
    }
    command = [str(Path(sys.executable).parent / "driftline"), "access", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def said(home: Path, *arguments: str, **variables: str) -> Any:
    """What it prints as JSON."""
    done = driftline(home, *arguments, "--json", **variables)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def bucket(s3: Server, tmp_path: Path) -> str:
    """A bucket with one file."""
    name = s3.bucket("access-command")
    s3.client().put_object(Bucket=name, Key="churn/a.csv", Body=b"a\n1\n")
    return name


def test_policies_are_printed_to_copy(tmp_path: Path) -> None:
    """S-06, S-07, S-08: for one bucket or several."""
    found = said(
        tmp_path, "s3://acme-logs/churn/", "s3://acme-labels/", "--principal", ROLE, "--ingestion-key", "dlk-1"
    )
    assert found["bucket_policies"].keys() == {"acme-logs", "acme-labels"}
    first = found["bucket_policies"]["acme-logs"]["Statement"]
    assert all(each["Principal"] == {"AWS": ROLE} for each in first)
    assert first[0]["Condition"] == {"StringLike": {"s3:prefix": ["churn/", "churn/*"]}}
    actions = {name for each in found["role_policy"]["Statement"] for name in _named(each["Action"])}
    assert actions == {"s3:ListBucket", "s3:GetObject", "s3:GetBucketLocation", "s3:GetBucketTagging"}
    assert found["tagging"] == {"TagSet": [{"Key": "driftline-ingestion-key", "Value": "dlk-1"}]}
    shown = driftline(tmp_path, "https://acme-logs.s3.amazonaws.com/churn/", "--principal", ROLE)
    assert shown.returncode == 0
    assert "# Policy of bucket acme-logs" in shown.stdout
    assert '"arn:aws:s3:::acme-logs/churn/*"' in shown.stdout


def _named(actions: Any) -> list[str]:
    return [actions] if isinstance(actions, str) else actions


def test_trust_events_and_keys_are_printed(tmp_path: Path) -> None:
    """S-05, S-11, S-12, P-10."""
    web = said(
        tmp_path, "s3://acme-logs/", "--provider", "arn:aws:iam::1:oidc-provider/oidc.acme.io", "--kms-key", "arn:k"
    )
    (statement,) = web["trust_policy"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"]["StringEquals"] == {"oidc.acme.io:aud": "sts.amazonaws.com"}
    assert web["role_policy"]["Statement"][-1]["Action"] == "kms:Decrypt"
    across = said(tmp_path, "s3://acme-logs/", "--principal", ROLE, "--external-id", "acme-7", "--events-queue", QUEUE)
    (statement,) = across["trust_policy"]["Statement"]
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "acme-7"}}
    assert across["notifications"]["acme-logs"]["QueueConfigurations"][0]["Events"] == ["s3:ObjectCreated:*"]
    assert across["queue_policy"]["Statement"][0]["Action"] == "sqs:SendMessage"


def test_terraform_has_tag_and_policy(tmp_path: Path) -> None:
    """S-10."""
    done = driftline(tmp_path, "s3://acme.logs/churn/", "--principal", ROLE, "--ingestion-key", "dlk-1", "--terraform")
    assert done.returncode == 0
    assert 'resource "aws_s3_bucket" "acme_logs" {' in done.stdout
    assert '"driftline-ingestion-key" = "dlk-1"' in done.stdout
    assert 'resource "aws_s3_bucket_policy" "acme_logs" {' in done.stdout
    assert done.stdout.count("{") == done.stdout.count("}")


def test_check_tells_what_is_missing(s3: Server, bucket: str, tmp_path: Path) -> None:
    """ER-04: exit status 1, the action and the resource."""
    path = f"s3://{bucket}/churn/"
    assert driftline(tmp_path, path, "--check", **s3.environment()).returncode == 0
    assert driftline(tmp_path, path, "--check", **s3.environment(READER)).returncode == 0
    done = driftline(tmp_path, path, "--check", **s3.environment(WRITER))
    assert done.returncode == 1
    assert f"Allow s3:ListBucket on arn:aws:s3:::{bucket}" in done.stdout
    steps = said(tmp_path, path, "--check", "--ingestion-key", "dlk-1", **s3.environment())["steps"]
    assert [each["action"] for each in steps if not each["passed"]] == ["s3:GetBucketTagging"]
    assert "has no tag driftline-ingestion-key" in steps[-1]["said"]


def test_credentials_and_key_are_those_of_the_server(s3: Server, bucket: str, tmp_path: Path) -> None:
    """S-09, S-14: of the database that is here; without one a key can be given."""
    nowhere = driftline(tmp_path / "no", "s3://b/", "--credentials", "lab", "--check")
    assert (nowhere.returncode, "expected a server's database" in nowhere.stderr) == (2, True)
    home = tmp_path / "home"
    home.mkdir()
    catalog = Catalog(Settings(home=home).url)
    catalog.migrate()
    reached = Access(s3.endpoint, "us-east-1", access_key="env:LAB_KEY", secret_key="env:LAB_SECRET")
    with catalog.begin() as tx:
        credentials.put(tx, Credential("lab", reached), now=NOW)
    catalog.close()
    keys: Mapping[str, str] = {"LAB_KEY": s3.access_key, "LAB_SECRET": s3.secret_key}
    (tag,) = said(home, f"s3://{bucket}/churn/")["tagging"]["TagSet"]
    s3.client().put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [tag]})
    done = driftline(home, f"s3://{bucket}/churn/", "--check", "--credentials", "lab", **keys)
    assert done.returncode == 0, done.stdout
    assert s3.secret_key not in done.stdout
    unknown = driftline(home, f"s3://{bucket}/churn/", "--check", "--credentials", "no")
    assert (unknown.returncode, "there are: lab" in unknown.stderr) == (2, True)
    s3.client().delete_bucket_tagging(Bucket=bucket)


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    """D-08."""
    for arguments in ((), ("ftp://x",), ("gs://b/in/",)):
        assert driftline(tmp_path, *arguments).returncode == 2
