"""The audit log: every changing operation leaves who, when, over which interface, what, and no secret (issue 6)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from sqlalchemy import insert

from driftline.alarms import keeping
from driftline.catalog import Catalog, alerting, alerts, audit, keys, modelruns, resources
from driftline.catalog.acting import Actor, Operation, acting
from driftline.catalog.alerting import State
from driftline.catalog.audited import AUDITED, UNAUDITED
from driftline.catalog.columns import metadata
from driftline.catalog.imports import digest_of
from driftline.catalog.resources import Resource
from driftline.catalog.tables import import_file
from driftline.cli import main
from driftline.server.actors import BRINGS_DATA
from driftline.server.app import create_app
from driftline.server.aws.served import OPERATIONS
from driftline.server.listen import Listener
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.worker import Worker

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
STATE = "b" * 32
SAID = {"about": "m", "said": "no rows", "value": None, "run": None, "count": 1}
ROLE = "arn:aws:iam::000000000000:role/monitor"


@dataclass
class Installation:
    """A server, its catalog, and a key that may do all; `entry` is the last one of its log."""

    url: str
    key: str
    catalog: Catalog
    folder: Path
    settings: Settings
    kept: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: Any = None, key: str = "", **headers: str) -> requests.Response:
        """The answer to a request."""
        headers = {"Authorization": f"Bearer {key or self.key}", **headers}
        return requests.request(method, self.url + path, json=body, headers=headers, timeout=60)

    def entries(self, **equal: Any) -> list[audit.Entry]:
        """The log, the latest first."""
        with self.catalog.read() as tx:
            return list(audit.page(tx, audit.Search(equal, limit=1000)).items)

    @property
    def entry(self) -> audit.Entry:
        """The latest one."""
        return self.entries()[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A server whose worker does nothing yet."""
    home = tmp_path_factory.mktemp("audit")
    settings = Settings(home=home, requests_per_second=1e6)
    catalog = Catalog(settings.url)
    catalog.migrate()
    with catalog.begin() as tx:
        key = keys.create_api_key(tx, "ada", ["read", "write", "admin"], now=NOW)
    (home / "rows").mkdir()
    (home / "rows" / "a.csv").write_text(
        "id,time,age\n" + "".join(f"{each},{NOW:%Y-%m-%dT%H}:00:00Z,{each}\n" for each in range(9))
    )
    parts = (Worker(catalog, settings, Access()),)
    listener = Listener(create_app(settings, catalog, parts=parts), "127.0.0.1", 0)
    listener.start()
    yield Installation(listener.url, key, catalog, home, settings)
    listener.stop()
    catalog.close()


def test_every_table_is_audited_or_says_why_not() -> None:
    """A new table that forgets fails here."""
    assert {each.name for each in metadata.sorted_tables} == {each.name for each in (*AUDITED, *UNAUDITED)}
    assert not AUDITED.keys() & UNAUDITED.keys()
    for table, known in AUDITED.items():
        assert {*known.id, *known.hidden} <= {*table.c.keys()}, table.name


SCHEMA = {"fields": [{"name": "age", "role": "feature", "kind": "numeric"}]}
MORE = {"fields": [*SCHEMA["fields"], {**SCHEMA["fields"][0], "name": "b"}]}
RULE = {"condition": {"kind": "absence", "of": "data", "hours": 24}, "text": "no rows"}
WINDOW = {"start": (NOW - timedelta(days=2)).isoformat(), "end": (NOW - timedelta(days=1)).isoformat()}
PAST = {"since": WINDOW["start"], "until": WINDOW["end"]}
RANGE = {"since": (NOW - timedelta(hours=5)).isoformat(), "until": (NOW - timedelta(hours=3)).isoformat()}
HOOK = {"kind": "webhook", "config": {"url": "https://hooks.example/x", "secret": "env:HOOK"}}
LOGIN = {"endpoint_url": "http://login:pass-word@minio:9000", "access_key": "env:A", "secret_key": "env:B"}
IMPORT = {
    "uri": "{folder}/rows",
    "model": "m",
    "version": "1",
    "format": "csv",
    "columns": {"id": "id", "timestamp": "time"},
}

BATCH = {"expression": "cron(0 * ? * * *)", "output": "s3://loans/reports", "batch": "s3://loans/captured"}

CALLS: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/v1/models", {"id": "m", "owner": "ada"}),
    ("PATCH", "/v1/models/{m}", {"owner": "grace"}),
    ("POST", "/v1/models/{m}/versions", {"version": "1", "type": "regression", "schema": SCHEMA}),
    ("PUT", "/v1/models/{m}/versions/{1}/schema", MORE),
    ("POST", "/v1/models/{m}/monitors", {"name": "drift", "kind": "data-quality", "cadence": "rate(1 day)"}),
    ("PATCH", "/v1/models/{m}/monitors/{drift}", {"delay_seconds": 60}),
    ("POST", "/v1/models/{m}/monitors/{drift}/pause", None),
    ("POST", "/v1/models/{m}/monitors/{drift}/start", None),
    ("POST", "/v1/models/{m}/monitors/{drift}/baselines", None),
    ("POST", "/v1/models/{m}/monitors/{drift}/runs", WINDOW),
    ("POST", "/v1/models/{m}/monitors/{drift}/backfills", PAST),
    ("POST", "/v1/model-runs/{run}/reruns", None),
    ("PUT", "/v1/models/{m}/rules/{silent}", RULE),
    ("POST", "/v1/alerts/{state}/acknowledgement", None),
    ("POST", "/v1/alerts/{state}/snooze", {"until": (NOW + timedelta(days=1)).isoformat()}),
    ("DELETE", "/v1/models/{m}/rules/{silent}", None),
    ("PUT", "/v1/channels/{ops}", HOOK),
    ("DELETE", "/v1/channels/{ops}", None),
    ("POST", "/v1/maintenance", {"until": (NOW + timedelta(days=1)).isoformat(), "model": "m"}),
    ("DELETE", "/v1/maintenance/{quiet}", None),
    ("PUT", "/v1/credentials/{bucket}", LOGIN),
    ("DELETE", "/v1/credentials/{bucket}", None),
    ("POST", "/v1/spaces/{risk}/ingestion-key", None),
    ("POST", "/v1/spaces", {"name": "fresh"}),
    ("PATCH", "/v1/spaces/{fresh}", {"name": "fraud"}),
    ("DELETE", "/v1/spaces/{fraud}", None),
    ("POST", "/v1/imports", IMPORT),
    ("PATCH", "/v1/imports/{job}", {"columns": {"id": "id"}}),
    ("POST", "/v1/imports/{job}/pause", None),
    ("POST", "/v1/imports/{job}/start", None),
    ("POST", "/v1/files/{file}/retries", None),
    ("DELETE", "/v1/imports/{job}", None),
    ("POST", "/v1/imports/{job}/purges", None),
    ("POST", "/v1/models/{m}/forgets", {"ids": ["person-17"]}),
    ("POST", "/v1/models/{m}/retentions", {"before": "2020-01-01T00:00:00Z"}),
    ("POST", "/v1/models/{m}/compactions", None),
    ("POST", "/v1/schedules", {**BATCH, "name": "batched", "type": "DataQuality"}),
    ("PUT", "/v1/schedules/{batched}", {**BATCH, "expression": "cron(0 2 ? * * *)"}),
    ("POST", "/v1/schedules/{watched}/stop", None),
    ("POST", "/v1/schedules/{watched}/start", None),
    ("PUT", "/v1/schedules/{watched}/alert", {"datapoints": 2, "period": 3}),
    ("PUT", "/v1/schedule-rules/{late}", {**RULE, "condition": {"kind": "monitoring-alert"}}),
    ("DELETE", "/v1/schedule-rules/{late}", None),
    ("POST", "/v1/schedules/{watched}/runs", None),
    ("POST", "/v1/schedules/{watched}/backfills", RANGE),
    ("POST", "/v1/executions/{execution}/reruns", None),
    ("POST", "/v1/executions/{execution}/stop", None),
    ("DELETE", "/v1/schedules/{watched}", None),
    ("POST", "/v1/jobs/{judging}/stop", None),
    ("DELETE", "/v1/jobs/{judging}", None),
    ("DELETE", "/v1/endpoints/{shop}", None),
    ("POST", "/v1/keys", {"name": "eve", "scopes": ["read"]}),
    ("DELETE", "/v1/keys/{eve}", None),
    ("POST", "/v1/access-keys", {"note": "of eve"}),
    ("DELETE", "/v1/access-keys/{access}", None),
    ("DELETE", "/v1/models/{m}/monitors/{drift}", None),
    ("DELETE", "/v1/models/{m}/versions/{1}", None),
    ("DELETE", "/v1/models/{m}", None),
)  # fmt: skip
"""Each changing operation with a body: values in the path are in braces, or names in `kept`."""

ELSEWHERE = {
    "POST /v1/executions/{id}/replays": "makes a job out of an execution that has run: test_replay",
    "POST /v1/jobs/{name}/replays": "the same",
    "PUT /v1/models/{model}/monitors/{name}/constraints": "needs a baseline: noted by the module that writes it",
    "PUT /v1/schedules/{name}/constraints": "the same",
}
CHANGES_NOTHING = (
    "POST /v1/schedules/{name}/checks",
    "POST /v1/imports/{id}/looks",
    "POST /v1/imports/dry-run",
    "POST /v1/access-checks",
    "POST /v1/models/{model}/rule-trials",
    "POST /v1/schedule-rule-trials",
    "POST /v1/channels/{name}/test",
    "POST /v1/models/{model}/monitors/{name}/constraints/trials",
    "POST /v1/schedules/{name}/constraints/trials",
)


def test_every_changing_operation_of_rest_is_audited(made: Installation) -> None:
    """A new operation that is in none of the lists fails, and so does one that leaves nothing in the log."""
    furnish(made)
    document = made.send("GET", "/openapi.json").json()
    changing = {
        f"{method.upper()} {path}"
        for path, ways in document["paths"].items()
        for method in ways
        if method != "get" and path.startswith("/v1/")
    }
    called, wrong = set(), []
    for method, told, body in CALLS:
        path = re.sub(r"\{(\w+)\}", lambda found: made.kept.get(found[1], found[1]), told)
        sent = json.loads(json.dumps(body).replace("{folder}", str(made.folder)))
        answer = made.send(method, path, sent)
        if not answer.ok:
            wrong.append((method, path, answer.text))
            continue
        remember(made, path, answer)
        entry = made.entry
        own = re.sub(r"\\\{\w+\\\}", r"\\{\\w+\\}", re.escape(f"{method} {told}"))
        if (entry.request, entry.who, entry.interface) != (answer.headers["x-request-id"], "key:ada", "rest"):
            wrong.append((method, path, "not in the log"))
        elif not re.fullmatch(own, entry.operation):
            wrong.append((method, path, entry.operation))
        called.add(entry.operation)
    assert not wrong
    lacking = changing - called - {*ELSEWHERE, *CHANGES_NOTHING} - BRINGS_DATA
    assert not lacking, "give each an example in CALLS, so that it is seen to be audited"


def furnish(made: Installation) -> None:
    """What the operations are about, made by nobody who acts."""
    arn, labels = "arn:aws:sagemaker:us-east-1:000000000000", {"type": "DataQuality", "endpoint": "shop"}
    config = {"ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}, "MonitoringType": "DataQuality"}
    config |= {"MonitoringJobDefinition": {"MonitoringInputs": []}}
    body = {"MonitoringScheduleConfig": config}
    schedule = Resource("monitoring-schedule", "watched", f"{arn}:s/watched", body, "Scheduled", NOW, NOW, labels)
    job = Resource("processing-job", "judging", f"{arn}:p/judging", {}, "InProgress", NOW, NOW, {})
    endpoint = Resource("endpoint", "shop", f"{arn}:e/shop", {}, "InService", NOW, NOW, {})
    with made.catalog.begin() as tx:
        for each in (schedule, job, endpoint):
            resources.create(tx, each)
        alerts.add(tx, alerts.Alert("watched", "watched", NOW, NOW))


def remember(made: Installation, path: str, answer: requests.Response) -> None:
    """Ids that the operations behind this one need, and things that only workers make."""
    told = answer.json() if answer.content else {}
    if path == "/v1/imports":
        made.kept["job"] = told["id"]
        found = {"number": 7, "job": told["id"], "digest": digest_of("x"), "uri": "x", "etag": "e", "size": 1}
        found |= {"status": "failed", "body": {"faults": []}, "found": NOW, "ended": NOW}
        with made.catalog.begin() as tx:
            tx.execute(insert(import_file).values(**found))
    made.kept |= {"file": "7", "state": STATE}
    if path == "/v1/maintenance":
        made.kept["quiet"] = told["id"]
    if path == "/v1/access-keys":
        made.kept["access"] = told["id"]
    if path.endswith("/drift/runs"):
        made.kept["run"] = told["id"]
        with made.catalog.begin() as tx:
            modelruns.change(tx, told["id"], status="Completed", ended=NOW)
    if path.endswith("/watched/runs"):
        made.kept["execution"] = told["id"]
    if path.endswith("/judging/stop"):
        with made.catalog.begin() as tx:
            resources.update(tx, "processing-job", "judging", now=NOW, status="Stopped")
    if path.endswith("/rules/silent") and answer.request.method == "PUT":
        state = State("m", "silent", "m", STATE, "OK", "OK", 0, "m", {}, NOW)
        with made.catalog.begin() as tx:
            alerting.flip(tx, state, alerting.FIRING, SAID, NOW)


def test_no_secret_is_in_the_log(made: Installation) -> None:
    """Of keys, logins and environments only that they changed."""
    made.send("PUT", "/v1/credentials/login", LOGIN)
    made.send("PUT", "/v1/credentials/login", {**LOGIN, "endpoint_url": "http://login:other@minio:9000"})
    key = made.send("POST", "/v1/keys", {"name": "secretive", "scopes": ["read"]}).json()["key"]
    signing = made.send("POST", "/v1/access-keys", {"note": "n"}).json()["secret"]
    ingestion = made.send("POST", "/v1/spaces/risk/ingestion-key").json()["key"]
    client = aws(made, "sagemaker")
    container = {"Image": "i", "Environment": {"TOKEN": "token-value"}}
    client.create_model(ModelName="secret-model", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    assert made.send("GET", "/v1/credentials/login").json()["endpoint_url"] == "http://minio:9000"
    text = json.dumps([each.change for each in made.entries()])
    assert "TOKEN" in text and "http://minio:9000" in text
    for secret in (key, keys.digest(key), signing, ingestion, "pass-word", "other@", "token-value"):
        assert secret not in text


def aws(made: Installation, service: str) -> Any:
    """A client of one of AWS's services here."""
    key = made.send("POST", "/v1/access-keys", {"note": "sdk"}).json()
    made.kept["signer"] = key["id"]
    told = {"aws_access_key_id": key["id"], "aws_secret_access_key": key["secret"], "region_name": "us-east-1"}
    return boto3.client(service, endpoint_url=made.url, **told)


def test_each_interface_is_told(made: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's API, the vendors', our command line over REST and in the database itself."""
    aws(made, "sns").create_topic(Name="alerts")
    assert (made.entry.interface, made.entry.operation) == ("aws", "sns CreateTopic")
    assert (made.entry.who, made.entry.kind, made.entry.space) == (made.kept["signer"], "topic", "default")
    made.send("POST", "/api/v3/models", {"partner_model_id": "a", "input_type": "TABULAR", "output_type": "REGRESSION"})
    assert (made.entry.interface, made.entry.kind, made.entry.action) == ("arthur", "model version", "made")
    monkeypatch.setenv("DRIFTLINE_URL", made.url)
    monkeypatch.setenv("DRIFTLINE_API_KEY", made.key)
    monkeypatch.setenv("DRIFTLINE_HOME", str(made.folder))
    assert main(["keys", "create", "by-command"]) == 0
    assert (made.entry.interface, made.entry.who, made.entry.subject) == ("command line", "key:ada", "by-command")
    assert main(["keys", "delete", "by-command", "--local"]) == 0
    assert made.entry.who.startswith("local:") and made.entry.action == "deleted"


def test_changes_by_the_aws_api_are_audited(made: Installation) -> None:
    """Each operation by its own name, with what it is about; tags, alarms and topics too."""
    maker, alarms, topics = (aws(made, each) for each in ("sagemaker", "cloudwatch", "sns"))
    variant = {"VariantName": "v", "ModelName": "lake", "InitialInstanceCount": 1}
    alarm = {"Namespace": "n", "MetricName": "m", "Statistic": "Average", "Period": 60, "EvaluationPeriods": 1}
    alarm |= {"Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}
    arn = topics.create_topic(Name="lake")["TopicArn"]
    calls: list[tuple[Any, dict[str, Any]]] = [
        (maker.create_model, {"ModelName": "lake", "PrimaryContainer": {"Image": "i"}, "ExecutionRoleArn": ROLE}),
        (maker.create_endpoint_config, {"EndpointConfigName": "lake", "ProductionVariants": [variant]}),
        (maker.delete_endpoint_config, {"EndpointConfigName": "lake"}),
        (maker.delete_model, {"ModelName": "lake"}),
        (alarms.put_metric_alarm, {"AlarmName": "lake", **alarm}),
        (alarms.disable_alarm_actions, {"AlarmNames": ["lake"]}),
        (alarms.set_alarm_state, {"AlarmName": "lake", "StateValue": "ALARM", "StateReason": "tried"}),
        (alarms.delete_alarms, {"AlarmNames": ["lake"]}),
        (topics.subscribe, {"TopicArn": arn, "Protocol": "email", "Endpoint": "ada@example.org"}),
        (topics.delete_topic, {"TopicArn": arn}),
    ]
    for call, asked in calls:
        last = made.entry.id
        answer = call(**asked)
        new = [each for each in made.entries() if each.id > last]
        assert {each.operation.replace(" ", "").lower() for each in new} == {
            f"{call.__self__.meta.service_model.service_name}{call.__name__.replace('_', '')}"
        }, asked
        assert {each.request for each in new} == {answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]}


def test_what_is_changed_in_files_is_noted(made: Installation) -> None:
    """Whoever writes a file for somebody says so in a transaction beside."""
    who = Actor("key:ada", "rest", NOW, lambda: Operation("PUT /v1/x"))
    with acting(who), made.catalog.begin() as tx:
        audit.note(tx, "constraints", "churn", {"version": 0, "x": [1]}, {"version": 0, "x": [2]}, "default")
    assert (made.entry.kind, made.entry.change) == ("constraints", {"x.0": {"was": 1, "is": 2}})


def test_what_is_refused_or_done_by_nobody_is_not_audited(made: Installation) -> None:
    """Neither a refused request, nor one that changes nothing, nor a worker's change."""
    made.send("POST", "/v1/models", {"id": "again"})
    last = made.entry.id
    assert made.send("POST", "/v1/models", {"id": "again"}).status_code == 409
    assert made.send("PATCH", "/v1/models/again", {}).ok
    assert made.send("PATCH", "/v1/models/nowhere", {"owner": "x"}).status_code == 404
    with made.catalog.begin() as tx:
        keys.create_api_key(tx, "of nobody", ["read"], now=NOW)
    assert made.entry.id == last
    made.send("PATCH", "/v1/models/again", {"owner": "grace"})
    assert made.entry.change["body.owner"]["is"] == "grace"


def test_the_log_is_paged_filtered_and_for_administrators(
    made: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """By who, kind, subject, space and time; administrators of a space see what is of it."""
    for name in ("p1", "p2", "p3"):
        made.send("POST", "/v1/models", {"id": name, "space": "risk" if name == "p2" else "default"})
    first = made.send("GET", "/v1/audit?kind=model&limit=2").json()
    rest = made.send("GET", f"/v1/audit?kind=model&limit=2&token={first['next_token']}").json()
    found = [each["subject"] for each in first["items"] + rest["items"]]
    assert found[:3] == ["p3", "p2", "p1"]
    (only,) = made.send("GET", "/v1/audit?kind=model&subject=p2").json()["items"]
    assert (only["space"], only["action"], only["who"]) == ("risk", "made", "key:ada")
    assert only["change"]["id"] == "p2"
    assert made.send("GET", "/v1/audit?who=key:nobody").json()["items"] == []
    assert made.send("GET", "/v1/audit?until=2020-01-01T00:00:00Z").json()["items"] == []
    assert made.send("GET", "/v1/audit?token=x").status_code == 400
    writer = made.send("POST", "/v1/keys", {"name": "w", "scopes": ["read", "write"]}).json()["key"]
    assert made.send("GET", "/v1/audit", key=writer).status_code == 403
    told: Mapping[str, Any] = {"name": "r", "scopes": ["read", "write", "admin"], "spaces": ["risk"]}
    owner = made.send("POST", "/v1/keys", told).json()["key"]
    seen = made.send("GET", "/v1/audit?limit=1000", key=owner).json()["items"]
    assert {each["space"] for each in seen} == {"risk"} and any(each["subject"] == "p2" for each in seen)
    assert main(["audit", "--kind", "model", "--subject", "p2", "--url", made.url, "--key", made.key]) == 0
    assert "key:ada" in capsys.readouterr().out


def test_entries_are_never_altered_and_forgotten_when_they_are_old(made: Installation) -> None:
    """No route changes the log; the retention of the settings ends it."""
    paths = made.send("GET", "/openapi.json").json()["paths"]
    assert {method for path, ways in paths.items() if "/audit" in path for method in ways} == {"get"}
    long_ago = Actor("key:old", "rest", NOW - timedelta(days=9999), lambda: Operation("PUT /x"))
    with acting(long_ago), made.catalog.begin() as tx:
        keys.create_api_key(tx, "old", ["read"], now=NOW)
    assert made.entries(who="key:old")
    keeping.forget(made.catalog, NOW, made.settings)
    assert not made.entries(who="key:old")
    assert made.entries()


def test_data_is_not_audited_and_the_list_of_such_operations_is_of_real_ones(made: Installation) -> None:
    """Rows, calls, numbers and messages are no changes."""
    last = made.entry.id
    aws(made, "cloudwatch").put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 1.0}])
    assert [each.kind for each in made.entries() if each.id > last] == ["access key"]
    documented = made.send("GET", "/openapi.json").json()["paths"]
    for each in BRINGS_DATA:
        method, _, path = each.partition(" ")
        assert (method, path) in OPERATIONS or path in documented or not path.startswith("/v1/models")
