"""The REST API and the commands that ask it, against a real `driftline serve` with a real S3 server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from monitored import hours_ago, record
from s3 import READER, WRITER, Server, running_s3
from serving import ACCESS_KEY, SECRET_KEY, Served, serving, until

import driftline

BUCKET = "rest-bucket"
IMAGE = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
ROLE = "arn:aws:iam::000000000000:role/monitor"
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}
HOURLY = "cron(0 * ? * * *)"
HOUR = hours_ago(0)
"""The hour in which the tests began."""


def ago(count: int) -> datetime:
    """The beginning of the hour so many hours before that one."""
    return HOUR - timedelta(hours=count)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real S3 server with the bucket."""
    with running_s3(tmp_path_factory.mktemp("s3")) as found:
        found.bucket(BUCKET)
        yield found


@pytest.fixture(scope="module")
def server(store: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the endpoint `churn`, two captured hours, the second one odd, and its baseline."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder / "home", store.environment()) as found:
        learn(store, folder)
        for age in (2, 3):
            capture(store, "churn", ago(age), odd=age == 3)
        endpoint(found, "churn")
        schedule(found, "churn-hourly", "churn")
        yield found


def learn(store: Server, folder: Path) -> None:
    """The baseline of normal rows, in the bucket."""
    path = folder / "train.csv"
    path.write_text("score,age,visits\n" + "".join(f"0.5,{30 + each % 40},{each % 7}\n" for each in range(200)))
    driftline.baseline(str(path)).save(str(folder / "baseline"))
    for name in ("statistics.json", "constraints.json"):
        store.client().upload_file(str(folder / "baseline" / name), BUCKET, f"baseline/{name}")


def capture(store: Server, name: str, hour: datetime, *, odd: bool) -> None:
    """An hour's captures of an endpoint; odd ones have text where a number was."""
    first = "forty" if odd else "40"
    lines = [record(each, hour, f"{first if each == 0 else 30 + each % 40},{each % 7}", "0.5") for each in range(50)]
    key = f"captured/{name}/AllTraffic/{hour:%Y/%m/%d/%H}/00-00-000-a.jsonl"
    store.client().put_object(Bucket=BUCKET, Key=key, Body="\n".join(lines).encode())


def endpoint(server: Served, name: str, **config: Any) -> None:
    """An endpoint that captures everything unless told otherwise."""
    client = server.client("sagemaker")
    container = {"Image": "churn:1", "Environment": {"DRIFTLINE_MODEL_URL": "http://127.0.0.1:9/"}}
    client.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    client.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1}],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{BUCKET}/captured",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
            **config,
        },
    )
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)


def schedule(server: Served, name: str, watched: str, expression: str = HOURLY) -> None:
    """A schedule of the endpoint, with a definition of the same name."""
    client = server.client("sagemaker")
    client.create_data_quality_job_definition(
        JobDefinitionName=name,
        DataQualityBaselineConfig={
            "ConstraintsResource": {"S3Uri": f"s3://{BUCKET}/baseline/constraints.json"},
            "StatisticsResource": {"S3Uri": f"s3://{BUCKET}/baseline/statistics.json"},
        },
        DataQualityAppSpecification={"ImageUri": IMAGE},
        DataQualityJobInput={
            "EndpointInput": {"EndpointName": watched, "LocalPath": "/opt/ml/processing/input/endpoint"}
        },
        DataQualityJobOutputConfig={
            "MonitoringOutputs": [
                {"S3Output": {"S3Uri": f"s3://{BUCKET}/reports", "LocalPath": "/opt/ml/processing/output"}}
            ]
        },
        JobResources={"ClusterConfig": CLUSTER},
        RoleArn=ROLE,
    )
    client.create_monitoring_schedule(
        MonitoringScheduleName=name,
        MonitoringScheduleConfig={
            "MonitoringJobDefinitionName": name,
            "MonitoringType": "DataQuality",
            "ScheduleConfig": {"ScheduleExpression": expression},
        },
    )


def command(server: Served | None, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`driftline` with these arguments; it finds the server by its environment and signs with its key."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRIFTLINE_"))}
    environment |= {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    if server is not None:
        environment |= {"DRIFTLINE_URL": server.url, "DRIFTLINE_ACCESS_KEY": ACCESS_KEY}
        environment |= {"DRIFTLINE_SECRET_KEY": SECRET_KEY}
    line = [str(Path(sys.executable).parent / "driftline"), *arguments]
    told = {**environment, **settings}
    return subprocess.run(line, capture_output=True, text=True, env=told, check=False, timeout=120)


def answer(server: Served, *arguments: str, status: int = 0) -> Any:
    """What the command printed with --json, after it exited with this status."""
    done = command(server, *arguments, "--json")
    assert done.returncode == status, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def asked(server: Served, method: str, path: str, key: str, body: Mapping[str, Any] | None = None) -> Any:
    """The REST API by plain HTTP and an API key."""
    headers = {"Authorization": f"Bearer {key}"}
    return requests.request(method, f"{server.url}/v1{path}", json=body, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def filled(server: Served) -> list[Any]:
    """The executions of three hours, of which the middle one found violations: back-filled, and ended."""
    # a run at an hour reads the hour before it
    since, end = ago(3), ago(1) + timedelta(seconds=1)
    bounds = ("--since", since.isoformat(), "--until", end.isoformat())
    found: list[Any] = answer(server, "schedules", "backfill", "churn-hourly", *bounds, "--wait", status=2)
    return found


def test_a_back_fill_runs_each_scheduled_time_in_order(server: Served, filled: list[Any]) -> None:
    """SC-12: also those that were never planned; the outcome of each is its own."""
    assert [each["scheduled"] for each in filled] == [f"{ago(age):%Y-%m-%dT%H:%M:%SZ}" for age in (3, 2, 1)]
    assert [each["origin"] for each in filled] == ["backfill"] * 3
    assert [each["status"] for each in filled] == ["Failed", "CompletedWithViolations", "Completed"]
    assert filled[0]["failure_reason"].startswith("Job inputs had no data")
    assert filled[1]["window_start"] == f"{ago(3):%Y-%m-%dT%H:%M:%SZ}"


def test_back_fills_are_bounded(server: Served) -> None:
    far = command(server, "schedules", "backfill", "churn-hourly", "--since", "2020-01-01", "--until", "2021-01-01")
    assert far.returncode == 2
    assert "at most 1000 scheduled times" in far.stderr
    ahead = command(server, "schedules", "backfill", "churn-hourly", "--since", "2026-01-01", "--until", "2100-01-01")
    assert "expected a time in the past" in ahead.stderr
    assert "at most" not in ahead.stderr
    odd = command(server, "schedules", "backfill", "churn-hourly", "--since", "yesterday", "--until", "2026-01-01")
    assert (odd.returncode, "--since: got 'yesterday'" in odd.stderr) == (2, True)


def test_an_execution_says_what_it_found_and_where(server: Served, store: Server, filled: list[Any]) -> None:
    found = answer(server, "executions", "show", filled[1]["id"][:8], "--fail-on-violations", status=1)
    assert found["violations"] == 1
    assert found["violation_report_uri"] == f"{found['output_uri']}/constraint_violations.json"
    assert found["output_uri"] == f"s3://{BUCKET}/reports/churn/churn-hourly/{ago(2):%Y/%m/%d/%H}"
    shown = answer(server, "executions", "violations", found["id"])
    assert [(each["subject"], each["check"]) for each in shown["items"]] == [("age", "data_type_check")]
    assert (shown["items"][0]["value"], shown["items"][0]["limit"]) == (0.98, 1.0)
    assert shown["uri"] == found["violation_report_uri"]
    key = found["violation_report_uri"].removeprefix(f"s3://{BUCKET}/")
    written = json.loads(store.client().get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert [each["said"] for each in shown["items"]] == [each["description"] for each in written["violations"]]
    assert answer(server, "executions", "show", filled[2]["id"], "--fail-on-violations")["violations"] == 0
    assert answer(server, "executions", "show", filled[0]["id"], "--fail-on-violations", status=2)["job"] is None


def test_tables_show_what_a_person_needs(server: Served, filled: list[Any]) -> None:
    """SC-03: UTC, said so."""
    listed = command(server, "executions", "list", "--schedule", "CHURN-hourly")
    assert listed.returncode == 0
    assert "scheduled (UTC)" in listed.stdout
    for each in filled:
        line = next(line for line in listed.stdout.splitlines() if each["id"][:8] in line)
        assert each["status"] in line
    one = command(server, "executions", "show", filled[1]["id"])
    assert "CompletedWithViolations: Job completed successfully with 1 violations." in one.stdout
    assert f"{ago(3):%Y-%m-%d %H:%M} to {ago(2):%H:%M} UTC" in one.stdout or ago(2).hour == 0
    assert "UTC (" in command(server, "executions", "show", filled[1]["id"], TZ="Asia/Tokyo").stdout


def test_filters_and_pages(server: Served, filled: list[Any]) -> None:
    failed = answer(server, "executions", "list", "--schedule", "churn-hourly", "--status", "Failed")
    assert filled[0]["id"] in [each["id"] for each in failed]
    since = filled[1]["scheduled"]
    later = answer(server, "executions", "list", "--since", since, "--until", filled[2]["scheduled"])
    assert {each["scheduled"] for each in later} == {since}
    key = answer(server, "keys", "create", "pages", "--scope", "read")["key"]
    seen, token = [], None
    while True:
        page = asked(server, "GET", "/executions?limit=1" + (f"&token={token}" if token else ""), key).json()
        seen += [each["id"] for each in page["items"]]
        token = page["next_token"]
        if token is None:
            break
    assert len(seen) == len(set(seen)) >= 3
    assert asked(server, "GET", "/executions?status=Nonsense", key).status_code == 422
    assert asked(server, "GET", "/executions?unknown=1", key).status_code == 422
    assert asked(server, "GET", "/executions?token=nonsense", key).status_code == 400
    assert asked(server, "GET", "/executions?scheduled_after=2026-01-01T00:00:00", key).status_code == 422


def test_logs_are_read_to_their_end(server: Served, filled: list[Any]) -> None:
    done = command(server, "executions", "log", filled[1]["id"], "--wait")
    assert "50 rows read" in done.stdout
    assert done.stdout.splitlines()[-1] == "CompletedWithViolations: Job completed successfully with 1 violations."
    assert command(server, "executions", "log", filled[0]["id"]).stdout == ""
    assert command(server, "jobs", "log", filled[1]["job"]).stdout == done.stdout
    lines = command(server, "jobs", "log", filled[1]["job"], "--json").stdout.splitlines()
    assert [json.loads(line)["text"] for line in lines] == done.stdout.splitlines()


def test_a_rerun_reads_what_came_late(server: Served, store: Server, filled: list[Any]) -> None:
    """X-13, ER-03: the same window and definition, another run; the files of the first stay."""
    capture(store, "churn", ago(4), odd=False)
    again = answer(server, "executions", "rerun", filled[0]["id"], "--wait")
    assert (again["status"], again["origin"], again["run"]) == ("Completed", "rerun", 1)
    assert (again["window_start"], again["scheduled"]) == (filled[0]["window_start"], filled[0]["scheduled"])
    assert again["output_uri"].endswith("/run-1")


def test_a_replay_writes_the_same_bytes(server: Served, store: Server, filled: list[Any]) -> None:
    """From the manifest: captures that came later are not read."""
    job = answer(server, "jobs", "show", filled[1]["job"])
    assert job["manifest"]["inputs"]
    assert job["execution"] == filled[1]["id"]
    late = f"captured/churn/AllTraffic/{ago(3):%Y/%m/%d/%H}/59-00-000-late.jsonl"
    body = record(0, ago(3), "old,7", "0.5").encode()
    store.client().put_object(Bucket=BUCKET, Key=late, Body=body)
    try:
        made = answer(server, "executions", "replay", filled[1]["id"])
        assert made["replay_of"] == filled[1]["job"]
        ended = until(lambda: _ended(server, made["name"]))
    finally:
        store.client().delete_object(Bucket=BUCKET, Key=late)
    assert ended["exit_message"] == "CompletedWithViolations: Job completed successfully with 1 violations."
    assert ended["execution"] is None
    first, second = (found["outputs"][0]["uri"].removeprefix(f"s3://{BUCKET}/") for found in (job, ended))
    assert second.startswith(f"{first}/replay-")
    for name in ("statistics.json", "constraints.json", "constraint_violations.json"):
        bodies = [
            store.client().get_object(Bucket=BUCKET, Key=f"{each}/{name}")["Body"].read() for each in (first, second)
        ]
        assert bodies[0] == bodies[1], name
    assert command(server, "executions", "replay", filled[0]["id"]).returncode == 2


def _ended(server: Served, name: str) -> Any:
    found = answer(server, "jobs", "show", name)
    return found if found["status"] not in ("InProgress", "Stopping") else None


def test_a_schedule_shows_when_it_runs_next(server: Served, filled: list[Any]) -> None:
    """ER-06: the next five times; and since when it is stopped."""
    found = answer(server, "schedules", "show", "churn-hourly")
    assert found["next_runs"] == [f"{hours_ago(0) + timedelta(hours=each):%Y-%m-%dT%H:%M:%SZ}" for each in range(1, 6)]
    assert filled[2]["id"] in [each["id"] for each in found["executions"]]
    assert found["alert"] in ("OK", "InAlert")
    schedule(server, "pausing", "churn")
    stopped = answer(server, "schedules", "stop", "pausing")
    assert (stopped["status"], stopped["next_run"]) == ("Stopped", None)
    assert datetime.now(UTC) - datetime.fromisoformat(stopped["stopped_since"]) < timedelta(minutes=1)
    assert "stopped since" in command(server, "schedules", "show", "pausing").stdout
    assert answer(server, "schedules", "show", "pausing")["next_runs"] == []
    started = answer(server, "schedules", "start", "pausing")
    assert (started["status"], started["stopped_since"]) == ("Scheduled", None)
    assert started["next_run"] == found["next_runs"][0]
    names = [each["name"] for each in answer(server, "schedules", "list", "--endpoint", "churn")]
    assert {"pausing", "churn-hourly"} <= set(names)
    assert command(server, "schedules", "delete", "pausing").returncode == 0
    gone = command(server, "schedules", "show", "pausing")
    assert gone.returncode == 2
    assert "monitoring-schedule not found: pausing" in gone.stderr


def test_run_now_waits_and_tells_by_its_exit_status(server: Served, store: Server, filled: list[Any]) -> None:
    capture(store, "churn", hours_ago(1), odd=True)
    found = answer(server, "schedules", "run", "churn-hourly", "--wait", "--fail-on-violations", status=1)
    assert (found["status"], found["origin"], found["violations"]) == ("CompletedWithViolations", "now", 1)
    assert found["scheduled"] == f"{hours_ago(0):%Y-%m-%dT%H:%M:%SZ}"


def test_executions_and_jobs_that_ended_cannot_be_stopped(server: Served, filled: list[Any]) -> None:
    for done in (
        command(server, "executions", "stop", filled[1]["id"]),
        command(server, "jobs", "stop", filled[1]["job"]),
    ):
        assert done.returncode == 2
        assert "it has ended: Completed" in done.stderr


def test_jobs_are_listed_and_deleted(server: Served, filled: list[Any]) -> None:
    name = answer(server, "jobs", "replay", filled[2]["job"])["name"]
    until(lambda: _ended(server, name))
    listed = answer(server, "jobs", "list", "--status", "Completed", "--contains", "replay")
    found = next(each for each in listed if each["name"] == name)
    assert (found["schedule"], found["violations"], found["replay_of"]) == (None, 0, filled[2]["job"])
    assert name in command(server, "jobs", "list", COLUMNS="80").stdout
    assert command(server, "jobs", "delete", name).returncode == 0
    assert command(server, "jobs", "show", name).returncode == 2
    assert command(server, "jobs", "log", name).returncode == 2


def test_endpoints_say_what_is_amiss_with_their_capture(server: Served) -> None:
    """X-12."""
    endpoint(server, "sampled", InitialSamplingPercentage=20, CaptureOptions=[{"CaptureMode": "Input"}])
    found = answer(server, "endpoints", "show", "sampled")
    assert found["capture"]["breaches"] == [
        "only 20 % of the calls are captured: counts are of the sample",
        "only Input is captured, not Output",
    ]
    assert found["variants"][0]["url"] == "http://127.0.0.1:9/"
    whole = answer(server, "endpoints", "show", "churn")
    assert (whole["capture"]["breaches"], whole["schedules"]) == ([], ["churn-hourly"])
    shown = command(server, "endpoints", "show", "sampled").stdout
    assert "only Input is captured" in shown
    assert command(server, "endpoints", "delete", "sampled").returncode == 0
    assert "sampled" not in [each["name"] for each in answer(server, "endpoints", "list")]


def test_a_schedule_whose_endpoint_is_gone_fails_with_the_reason(server: Served) -> None:
    """ER-07: not pending for ever."""
    endpoint(server, "leaving")
    schedule(server, "left", "leaving")
    answer(server, "endpoints", "delete", "leaving")
    found = answer(server, "schedules", "run", "left", "--wait", status=2)
    assert found["status"] == "Failed"
    assert found["failure_reason"].startswith("ClientError: endpoint not found: leaving")
    checked = command(server, "schedules", "check", "left")
    assert checked.returncode == 2
    assert "endpoint not found: leaving" in checked.stdout
    answer(server, "schedules", "delete", "left")


def test_preflight_of_a_schedule_that_can_run(server: Served, store: Server, filled: list[Any]) -> None:
    """SE-08: each permission is tried, and nothing stays."""
    before = {each["Key"] for each in store.client().list_objects_v2(Bucket=BUCKET)["Contents"]}
    found = answer(server, "schedules", "check", "churn-hourly")
    assert found["ok"]
    assert {(each["action"], each["state"]) for each in found["steps"]} <= {
        ("s3:GetObject", "ok"),
        ("s3:ListBucket", "ok"),
        ("s3:ListBucket", "warning"),
        ("s3:PutObject", "ok"),
    }
    assert f"s3://{BUCKET}/baseline/statistics.json" in [each["resource"] for each in found["steps"]]
    after = {each["Key"] for each in store.client().list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert after == before


def test_preflight_names_permission_and_resource(store: Server, server: Served, tmp_path: Path) -> None:
    """SE-08, ER-04: a server whose key may only read; a run says it, too."""
    with serving(tmp_path / "home", store.environment(READER)) as found:
        endpoint(found, "churn")
        schedule(found, "churn-hourly", "churn")
        checked = answer(found, "schedules", "check", "churn-hourly", status=2)
        failed = [each for each in checked["steps"] if each["state"] == "failed"]
        assert [each["action"] for each in failed] == ["s3:PutObject"]
        assert failed[0]["resource"].startswith(f"arn:aws:s3:::{BUCKET}/reports/churn/churn-hourly/")
        assert "Allow s3:PutObject on" in failed[0]["said"]
        assert "s3:PutObject" in command(found, "schedules", "check", "churn-hourly").stdout
        bounds = ("--since", ago(2).isoformat(), "--until", (ago(2) + timedelta(seconds=1)).isoformat())
        ran = answer(found, "schedules", "backfill", "churn-hourly", *bounds, "--wait", status=2)
        assert "s3:PutObject" in ran[0]["failure_reason"]


def test_a_run_that_may_not_list_fails_at_once_and_says_so(store: Server, server: Served, tmp_path: Path) -> None:
    """ER-04: by a key that may only write; nothing is tried again that would be denied again."""
    with serving(tmp_path / "home", store.environment(WRITER)) as found:
        endpoint(found, "churn")
        schedule(found, "churn-hourly", "churn")
        checked = answer(found, "schedules", "check", "churn-hourly", status=2)
        failed = {each["action"] for each in checked["steps"] if each["state"] == "failed"}
        assert failed == {"s3:GetObject", "s3:ListBucket"}
        ran = answer(found, "schedules", "run", "churn-hourly", "--wait", status=2)
        assert ran["failure_reason"].startswith("ClientError: access denied: s3:ListBucket on arn:aws:s3:::rest-bucket")
        ended = datetime.fromisoformat(ran["modified"]) - datetime.fromisoformat(ran["created"])
        assert ended < timedelta(seconds=20)


def test_what_is_queued_is_stopped_at_once(server: Served) -> None:
    schedule(server, "many", "churn")
    bounds = ("--since", ago(900).isoformat(), "--until", ago(100).isoformat())
    made = answer(server, "schedules", "backfill", "many", *bounds)
    assert len(made) == 800
    assert answer(server, "executions", "stop", made[-1]["id"])["status"] == "Stopped"
    answer(server, "schedules", "stop", "many")
    stopped = answer(server, "executions", "list", "--schedule", "many", "--status", "Stopped", "--limit", "1000")
    assert made[-1]["id"] in [each["id"] for each in stopped]
    until(lambda: not answer(server, "executions", "list", "--schedule", "many", "--status", "Pending"), 20)
    answer(server, "schedules", "delete", "many")


def test_keys_have_scopes(server: Served) -> None:
    """SE-06."""
    reader = answer(server, "keys", "create", "reader")
    assert (reader["scopes"], reader["key"][:3]) == (["read"], "dl_")
    writer = answer(server, "keys", "create", "writer", "--scope", "read", "--scope", "write")["key"]
    admin = answer(server, "keys", "create", "the boss", "--scope", "admin")["key"]
    assert asked(server, "GET", "/schedules", reader["key"]).status_code == 200
    assert asked(server, "POST", "/schedules/churn-hourly/stop", reader["key"]).status_code == 403
    assert asked(server, "GET", "/keys", writer).status_code == 403
    assert asked(server, "GET", "/schedules", admin).status_code == 403
    told = asked(server, "GET", "/keys", admin).json()
    assert {"reader", "writer", "the boss"} <= {each["name"] for each in told["items"]}
    assert reader["key"] not in json.dumps(told)
    by_key = command(server, "schedules", "list", "--key", reader["key"])
    assert (by_key.returncode, "churn-hourly" in by_key.stdout) == (0, True)
    refused = command(server, "schedules", "delete", "churn-hourly", DRIFTLINE_API_KEY=reader["key"])
    assert (refused.returncode, "scope 'write'" in refused.stderr) == (2, True)
    assert command(server, "keys", "create", "reader").returncode == 2
    assert command(server, "keys", "delete", "reader").returncode == 0
    assert command(server, "keys", "delete", "the boss").returncode == 0
    assert asked(server, "GET", "/schedules", reader["key"]).status_code == 401
    assert reader["key"] not in server.log()


def test_access_keys_are_made_and_deleted(server: Served) -> None:
    made = answer(server, "keys", "create-access", "--note", "ada")
    keys = {"aws_access_key_id": made["id"], "aws_secret_access_key": made["secret"]}
    assert server.client("sagemaker", **keys).list_monitoring_schedules()["MonitoringScheduleSummaries"]
    told = answer(server, "keys", "list")
    assert {"id": made["id"], "note": "ada"}.items() <= told["access-keys"][-1].items()
    assert made["secret"] not in json.dumps(told)
    answer(server, "keys", "delete-access", made["id"])

    def refused() -> bool:
        return asked_signed(server, made) == 2

    until(refused, 10)


def asked_signed(server: Served, key: Mapping[str, str]) -> int:
    """The exit status of a command that signs with this key, from the variables of the AWS tools."""
    plain = {"DRIFTLINE_URL": server.url, "AWS_ACCESS_KEY_ID": key["id"], "AWS_SECRET_ACCESS_KEY": key["secret"]}
    return command(None, "schedules", "list", DRIFTLINE_HOME="/nonexistent", **plain).returncode


def test_credentials_are_found_in_the_servers_folder(server: Served, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(
        f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
    )
    told = {"DRIFTLINE_URL": server.url, "DRIFTLINE_HOME": str(tmp_path)}
    assert command(None, "schedules", "list", **told).returncode == 0
    assert asked_signed(server, {"id": ACCESS_KEY, "secret": SECRET_KEY}) == 0
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = other\naws_secret_access_key = other\n")
    wrong = command(None, "schedules", "list", **told)
    assert wrong.returncode == 2
    assert f"refuses the access key other (from {tmp_path}/credentials)" in wrong.stderr


def test_a_first_key_needs_no_server(tmp_path: Path, store: Server) -> None:
    """`keys --local` works on the database itself; the server that starts later knows the key."""
    home = {"DRIFTLINE_HOME": str(tmp_path / "home")}
    made = command(None, "keys", "create", "first", "--scope", "read", "--local", "--json", **home)
    assert made.returncode == 0, made.stderr
    key = json.loads(made.stdout)["key"]
    assert "first" in command(None, "keys", "list", "--local", **home).stdout
    odd = command(None, "keys", "create", "a/slash", "--local", **home)
    assert (odd.returncode, "name of the API key: got 'a/slash'" in odd.stderr) == (2, True)
    with serving(tmp_path / "home", store.environment()) as found:
        assert asked(found, "GET", "/me", key).json()["scopes"] == ["read"]
        assert command(None, "keys", "delete", "first", "--local", **home).returncode == 0
        assert asked(found, "GET", "/me", key).status_code == 401


def test_where_no_server_is_the_command_says_so(server: Served) -> None:
    closed = command(None, "schedules", "list", "--url", "http://127.0.0.1:9", "--key", "dl_x")
    assert closed.returncode == 2
    assert "no Driftline server at http://127.0.0.1:9: " in closed.stderr
    assert "driftline serve" in closed.stderr
    assert "--local" in command(None, "keys", "list", "--url", "http://127.0.0.1:9", "--key", "dl_x").stderr
    other = command(None, "schedules", "list", "--url", server.environment["AWS_ENDPOINT_URL_S3"], "--key", "dl_x")
    assert other.returncode == 2
    assert "Traceback" not in other.stderr
    assert command(None, "schedules", "list", "--url", "nonsense", "--key", "dl_x").returncode == 2
    none = command(None, "schedules", "list", DRIFTLINE_HOME="/nonexistent")
    assert "driftline keys create NAME --local" in none.stderr


def test_an_id_that_is_none_or_of_several(server: Served, filled: list[Any]) -> None:
    gone = command(server, "executions", "show", "0000000000")
    assert (gone.returncode, "monitoring execution not found" in gone.stderr) == (2, True)
    assert command(server, "executions", "show", "not-an-id").returncode == 2


def test_the_openapi_page_says_what_the_answers_are(server: Served) -> None:
    document = requests.get(f"{server.url}/openapi.json", timeout=10).json()
    for path, operations in document["paths"].items():
        for method, entry in operations.items():
            good = next(said for code, said in entry["responses"].items() if code < "3")
            described = good.get("content", {}).get("application/json", {}).get("schema")
            others = good.get("content", {}).keys() - {"application/json"}  # files, pages
            assert method == "delete" or described or others, (method, path)
            assert entry["summary"]
            assert entry["description"]
    page = requests.get(f"{server.url}/docs", timeout=10).text
    for word in ("violation_report_uri", "/v1/executions/{id}/replays", 'id="ScheduleDetail"', "Body: "):
        assert word in page
