"""The real SageMaker SDKs, 2.x and 3.x, and the AWS CLI, unmodified: scripts as users write them against the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from churn import served
from examples import shared
from s3 import running_s3
from serving import serving
from surroundings import ROOT, SDKS, Surroundings

BUCKET, IMAGE = "churn-bucket", "registry.example/churn:7"
EXIT_MESSAGE = "CompletedWithViolations: Job completed successfully with 60 violations."


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    """A server that knows by its settings where one image is served, its S3, and the churn model."""
    folder = tmp_path_factory.mktemp("sdks")
    with running_s3(folder / "s3") as store, served(shared("data", "aws-churn", "xgb-churn.json")) as url:
        store.bucket(BUCKET)
        keys = {"DRIFTLINE_ACCESS_KEY": store.access_key, "DRIFTLINE_SECRET_KEY": store.secret_key}
        models = json.dumps({IMAGE: url})
        with serving(folder / "home", store.environment(), DRIFTLINE_MODELS=models, **keys) as server:
            yield Surroundings.of(folder, server.url, store.environment(), url)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("venv", "script"),
    [(SDKS["2.x"], "introduction_v2.py"), (SDKS["3.x"], "introduction_v3.py")],
    ids=SDKS,
)
def test_the_introduction_by_the_sdk(surroundings: Surroundings, venv: str, script: str) -> None:
    """E-01, E-02, E-04, E-05, BL-01, BL-10, SC-01, SC-07, SC-08, SC-16, IA-02."""
    data = shared("data", "aws-churn", "xgb-churn.json").parent
    found = surroundings.run(venv, script, str(data), BUCKET, surroundings.model_url, IMAGE)
    assert (found["answers"], found["same"]) == (334, True)
    assert (found["columns"], found["constraints"]) == (70, 70)
    assert found["seconds with logs"] < 60
    assert found["exit message"] == EXIT_MESSAGE
    assert (found["violations"], found["of the execution"], found["rows"]) == (60, 60, 334)
    assert len(found["listed"]) == 1
    assert (found["stopped"], found["started"], found["expression"]) == ("Stopped", "Scheduled", "cron(0 4 ? * * *)")
    assert found["attached"] == [1800, "2", [{"Key": "team", "Value": "churn"}]]
    assert (found["alert"], found["alert history"]) == (["OK", 2, 3], 0)
    assert (found["left"], found["endpoints"]) == ([], 0)


@pytest.mark.parametrize("venv", SDKS.values(), ids=SDKS)
def test_every_kind_of_monitor_by_the_sdk(surroundings: Surroundings, venv: str) -> None:
    """B-01, Q-01, SC-08, SC-15, SC-16, IA-07, ER-06, ER-07, ER-09, AL-02, AL-06."""
    found = surroundings.run(venv, "kinds.py", BUCKET, surroundings.model_url)
    assert found.pop("alerts") == {
        "too early": ["Nothing to update, please create a schedule first.", [[], None], [[], None]],
        "alert": ["OK", 2, 3, 63],
        "shown": False,
        "refused": [
            "Got no alert property to update.",
            "ValidationException",
            "ValidationException",
            "ResourceNotFound",
            "ValidationException",
        ],
        "history": [[], None],
    }
    refused = {"attach": "ResourceNotFound", "endpoint": "ValidationException", "expression": "ValidationException"}
    assert found.pop("refused") == refused
    types = {kind: told.pop("type") for kind, told in found.items()}
    same = {"status": "Scheduled", "expression": "cron(0 * ? * * *)", "executions": [], "runtime": 2400}
    assert found == {kind: {**same, "after": "ResourceNotFound"} for kind in found}
    assert types == {
        "batch": "DataQuality",
        "script": "DataQuality",
        "quality": "ModelQuality",
        "bias": "ModelBias",
        "explainability": "ModelExplainability",
        "own": "DataQuality",
    }


def test_the_aws_command_line(surroundings: Surroundings, tmp_path: Path) -> None:
    """IA-02: register a model, invoke it, and be told what is wrong."""
    aws = ROOT / ".venv-awscli" / "bin" / "aws"
    if not aws.exists():
        pytest.skip(".venv-awscli is not there: `make sdks` makes it")

    def call(*arguments: str) -> Any:
        done = surroundings.call([str(aws), *arguments, "--output", "json"])
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    role, variant = "arn:aws:iam::000000000000:role/monitor", "VariantName=AllTraffic,ModelName=cli"
    create = ("sagemaker", "create-model", "--model-name", "cli", "--execution-role-arn", role)
    call(*create, "--primary-container", f"Image={IMAGE}")
    config = ("--endpoint-config-name", "cli")
    call("sagemaker", "create-endpoint-config", *config, "--production-variants", f"{variant},InitialInstanceCount=1")
    made = call("sagemaker", "create-endpoint", "--endpoint-name", "cli", *config)
    assert made["EndpointArn"] == "arn:aws:sagemaker:us-east-1:000000000000:endpoint/cli"
    call("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", "cli")
    line = shared("data", "aws-churn", "test-dataset-input-cols.csv").read_text().splitlines()[0]
    (tmp_path / "row.csv").write_text(line)
    invoke = ("sagemaker-runtime", "invoke-endpoint", "--endpoint-name", "cli", "--content-type", "text/csv")
    call(*invoke, "--body", f"fileb://{tmp_path / 'row.csv'}", str(tmp_path / "answer"))
    assert 0 <= float((tmp_path / "answer").read_text()) <= 1
    missing = surroundings.call(
        [str(aws), "sagemaker", "describe-monitoring-schedule", "--monitoring-schedule-name", "x"]
    )
    assert missing.returncode == 255
    assert "(ResourceNotFound) when calling the DescribeMonitoringSchedule operation" in missing.stderr
    call("sagemaker", "delete-endpoint", "--endpoint-name", "cli")
