"""Aporia's SDKs, unmodified, in environments of their own against `driftline serve`: the code of seed 000."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from s3 import Server, running_s3
from serving import Served, serving, until
from surroundings import Surroundings

from driftline import aporia, registry
from driftline.catalog import Catalog, keys, spaces
from driftline.catalog.imports import Search
from driftline.imports import jobs
from driftline.imports.job import Content, ImportJob
from driftline.registry import ModelVersion
from driftline.schemas.fields import Environment, Kind, Role

BUCKET, ROWS = "aporia-bucket", 40
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
MODEL = "insurance"
VENVS = {"2.x": ".venv-aporia2", "3.x": ".venv-aporia3"}


@dataclass(frozen=True)
class Running:
    """A server with its S3, a key of it, and where a client finds it."""

    server: Served
    store: Server
    catalog: Catalog
    key: str
    surroundings: Surroundings

    @property
    def address(self) -> tuple[str, str]:
        """Host and port as Aporia's SDK wants them."""
        parts = urlsplit(self.server.url)
        return f"http://{parts.hostname}", str(parts.port)

    def jobs(self, model: str) -> dict[tuple[str, str], ImportJob]:
        """The jobs on the bucket into a model that are not deleted, by environment and content."""
        found = self.all_jobs(model)
        return {(str(each.environment), str(each.content)): each for each in found if each.place.uri.startswith("s3:")}

    def inboxes(self, model: str) -> dict[Content, Path]:
        """Where what was logged for a model is kept, by what it holds."""
        found = [each for each in self.all_jobs(model) if not each.place.uri.startswith("s3:")]
        return {each.content: Path(each.place.uri.removeprefix("file://")) for each in found}

    def all_jobs(self, model: str) -> list[ImportJob]:
        """The jobs into a model that are not deleted."""
        with self.catalog.read() as tx:
            return list(jobs.page(tx, Search({"model": model, "status": "active"}, limit=100)).items)

    def version(self, model: str, version: str) -> ModelVersion:
        """A version as it is kept."""
        with self.catalog.read() as tx:
            return registry.get_version(tx, model, version)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server, the objects of a model of insurances, and a key."""
    folder = tmp_path_factory.mktemp("aporia")
    with running_s3(folder / "s3") as store:
        store.bucket(BUCKET)
        for place, table in sets().items():
            put(store, place, table)
        with serving(folder / "home", store.environment()) as server:
            catalog = Catalog(f"sqlite:///{folder / 'home' / 'driftline.sqlite'}")
            with catalog.begin() as tx:
                key = keys.create_api_key(tx, "aporia", ["read", "write"], now=datetime.now(UTC))
            around = Surroundings.of(folder, server.url, store.environment(), "")
            yield Running(server, store, catalog, key, around)
            catalog.close()


def sets() -> dict[str, pa.Table]:
    """The objects of the bucket: two hours of serving, their labels, a training and a test set."""
    labelled = rows("t", 0, label=True)
    return {
        "serving/2026/h0.parquet": rows("s", 0),
        "serving/2026/h1.parquet": rows("s", 1),
        "training/part-0.parquet": labelled,
        "testing/part-0.parquet": rows("e", 0, label=True),
        "actuals/all.csv": labels(("s-0", "s-1")),
    }


def rows(kind: str, hour: int, *, label: bool = False) -> pa.Table:
    """The rows of an hour."""
    times = [START + timedelta(hours=hour, minutes=each) for each in range(ROWS)]
    owner = "owner" if label else "owner_name"
    table = {
        "prediction_id": [f"{kind}-{hour}-{each}" for each in range(ROWS)],
        "prediction_timestamp": pa.array(times, pa.timestamp("us", "UTC")),
        "raw_text" if label else "text": [f"letter number {each}" for each in range(ROWS)],
        "amount": [100.0 + each for each in range(ROWS)],
        owner: ["alice" if each % 2 else "bob" for each in range(ROWS)],
        "is_new": [each % 3 == 0 for each in range(ROWS)],
        "embeddings": [[each / 768] * 768 for each in range(ROWS)],
        "will_buy_insurance": [each % 4 == 0 for each in range(ROWS)],
        "proba": [each / ROWS for each in range(ROWS)],
    }
    return pa.table({**table, "bought": [each % 5 == 0 for each in range(ROWS)]} if label else table)


def labels(hours: tuple[str, ...]) -> pa.Table:
    """What became of the predictions of some hours."""
    ids = [f"{hour}-{each}" for hour in hours for each in range(ROWS)]
    known = [(START + timedelta(hours=5)).isoformat()] * len(ids)
    return pa.table({"prediction_id": ids, "known": known, "bought": [n % 5 == 0 for n in range(len(ids))]})


def put(store: Server, key: str, table: pa.Table) -> None:
    """An object of the bucket: Parquet, or CSV with semicolons."""
    if key.endswith(".csv"):
        lines = [";".join(table.column_names), *(";".join(map(str, row.values())) for row in table.to_pylist())]
        body = "\n".join(lines).encode()
    else:
        sink = io.BytesIO()
        pq.write_table(table, sink)
        body = sink.getvalue()
    store.client().put_object(Bucket=BUCKET, Key=key, Body=body)


@pytest.fixture(scope="module")
def second(running: Running) -> dict[str, Any]:
    """What the script of SDK 2.x found."""
    return running.surroundings.run(VENVS["2.x"], "aporia2.py", *running.address, running.key, BUCKET, "90")


def test_the_seed_makes_a_model_with_its_fields(running: Running, second: dict[str, Any]) -> None:
    """M-01, M-02, M-03, M-04, M-05, M-06, M-10."""
    assert second["made"] == [MODEL, MODEL]
    version = running.version(MODEL, "v1")
    found = {each.name: (each.role, each.kind) for each in version.schema}
    assert found == {
        "raw_text": (Role.RAW_INPUT, Kind.TEXT),
        "amount": (Role.FEATURE, Kind.NUMERIC),
        "owner": (Role.FEATURE, Kind.STRING),
        "is_new": (Role.FEATURE, Kind.BOOLEAN),
        "embeddings": (Role.FEATURE, Kind.TENSOR),
        "will_buy_insurance": (Role.PREDICTION, Kind.BOOLEAN),
        "proba": (Role.SCORE, Kind.NUMERIC),
        "will_buy_insurance_actual": (Role.ACTUAL, Kind.BOOLEAN),
    }
    assert version.type == "binary"
    assert version.schema.having(Role.FEATURE)[3].dimensions == (768,)
    assert version.schema.late[0].of == "will_buy_insurance"
    assert version.body["aporia"]["feature_importance"] == {"amount": 0.75, "owner": 0.25}
    assert second["tags"] == {"team": "credit"}


def test_datasets_are_import_jobs(running: Running, second: dict[str, Any]) -> None:
    """C-01, C-02, C-03, C-04, S-03, F-01, F-03, F-04, J-02."""
    found = running.jobs(MODEL)
    assert set(found) == {
        ("production", Content.PREDICTIONS),
        ("production", Content.ACTUALS),
        ("training", Content.BOTH),
        ("validation", Content.BOTH),
    }
    served = found["production", Content.PREDICTIONS]
    assert (served.place.uri, served.place.format) == (f"s3://{BUCKET}/serving/", "parquet")
    assert served.place.select == ("*", "upper(owner_name) AS owner")
    assert (served.columns.id, served.columns.timestamp) == ("prediction_id", "prediction_timestamp")
    assert (served.columns.fields, served.policies.poll_seconds) == ({"raw_text": "text"}, 10.0)
    trained = found["training", Content.BOTH]
    assert (trained.place.uri, trained.place.include) == (f"s3://{BUCKET}/training/", ("*.parquet",))
    assert trained.columns.fields == {"will_buy_insurance_actual": "bought"}
    assert found["validation", Content.BOTH].batch == "testing"
    known = found["production", Content.ACTUALS]
    assert known.place.settings == {"header": "true", "separator": ";"}
    assert (known.columns.timestamp, known.policies.poll_seconds) == ("known", 300.0)
    assert (known.environment, known.version) == (Environment.PRODUCTION, "v1")


def test_a_sync_tells_files_and_rows_and_can_be_switched_off(running: Running, second: dict[str, Any]) -> None:
    """J-02, J-04, J-07, J-13: every file is there, every row accounted for, where it belongs."""
    found = second["status"]
    assert {name: (each["status"], each["errors"]) for name, each in found.items()} == {
        name: ("synced", []) for name in ("serving", "training", "testing", "actuals")
    }
    files = {"pending": 0, "failed": 0, "skipped": 0}
    assert {name: each["files"] for name, each in found.items()} == {
        "serving": {**files, "done": 2},
        "training": {**files, "done": 1},
        "testing": {**files, "done": 1},
        "actuals": {**files, "done": 1},
    }
    rows = {"rejected": 0, "duplicate": 0}
    assert found["serving"]["rows"] == {**rows, "read": 2 * ROWS, "accepted": 2 * ROWS}
    assert found["actuals"]["rows"] == {**rows, "read": 2 * ROWS, "accepted": 2 * ROWS}
    assert found["training"]["rows"] == {**rows, "read": ROWS, "accepted": ROWS}
    assert (second["paused"], second["enabled"]) == ("disabled", True)


def test_what_cannot_be_is_told(running: Running, second: dict[str, Any]) -> None:
    """D-08, S-14, M-10: the SDK's own error, with the server's words and without secrets."""
    said = second["refused"]
    assert "version v1 of insurance: it exists already" in said["fields"]
    assert "type of amount in features: got 'number', expected numeric, " in said["kind"]
    assert "Did you mean 'binary'?" in said["type"]
    assert "model not found: insuranse. Did you mean 'insurance'?" in said["model"]
    assert "data source: got 'jdbc', expected s3" in said["source"]
    assert "got 'spark.hadoop.fs.s3a.secret.key', expected no secrets" in said["secret"]
    assert "got 'dateFormat'" in said["option"]
    assert "Did you mean 'amount'?" in said["column"]
    assert "five fields" in said["schedule"]
    assert "version not found: v9 of insurance" in said["dataset"]
    assert "Driftline reads rows" in said["artifact"]
    assert "REST API under /v1" in said["monitors"]
    assert "model not found: short" in second["deleted"]
    assert "hidden-word" not in f"{said}{running.server.log()}"


def test_what_is_logged_is_in_the_inbox(running: Running, second: dict[str, Any]) -> None:
    """M-05: by the SDK's GraphQL, and in files that are read as any other."""
    found = {
        content: [json.loads(line) for each in sorted(path.iterdir()) for line in each.read_text().splitlines()]
        for content, path in running.inboxes(MODEL).items()
    }
    assert {content: len(rows) for content, rows in found.items()} == {"predictions": 5, "both": 1, "actuals": 1}
    assert [row["prediction_id"] for row in found[Content.PREDICTIONS]] == [f"l-{each}" for each in range(5)]
    row = found[Content.BOTH][0]
    assert (row["amount"], row["proba"], row["will_buy_insurance_actual"]) == (5.0, 0.9, False)
    assert "unheard" not in row
    assert datetime.fromisoformat(row["occurred_at"]).tzinfo is not None
    assert found[Content.ACTUALS] == [{"prediction_id": "l-0", "will_buy_insurance_actual": True}]
    assert second["versions"] == [["v1", "v2"], ["v1"]]


@pytest.fixture(scope="module")
def third(running: Running) -> dict[str, Any]:
    """What the script of SDK 3.x found."""
    return running.surroundings.run(VENVS["3.x"], "aporia3.py", *running.address, running.key, BUCKET)


def test_models_and_sources_by_the_third_sdk(running: Running, third: dict[str, Any]) -> None:
    """M-01, M-02, M-06, S-14: the calls of PyPI's latest SDK."""
    assert third["model"] == ["Insurance-3", "Insurance 3", "binary", "credit-risk", "#A0D468", "ann@acme"]
    assert third["source"] == [True, "bucket", "s3"]
    assert third["models"] == [["Insurances", "general"]]
    assert (third["workspace"], third["none"]) == ([], [[], [], []])
    assert third["deleted"].startswith("EntityNotFoundException")


def test_datasets_by_the_third_sdk(running: Running, third: dict[str, Any]) -> None:
    """M-03, M-04, M-05, C-01, C-02, C-04, S-03."""
    assert third["datasets"] == ["serving", "training"]
    assert third["config"] == f"{BUCKET}/serving/2026/"
    assert (third["active"], third["left"]) == ([False, "disabled"], ["serving"])
    found = running.jobs("Insurance-3")
    assert set(found) == {("production", Content.PREDICTIONS)}
    served = found["production", Content.PREDICTIONS]
    assert served.place.uri == f"s3://{BUCKET}/serving/2026/"
    assert (served.columns.id, served.columns.timestamp) == ("prediction_id", "prediction_timestamp")
    schema = running.version("Insurance-3", "v1").schema
    assert [(each.name, each.of) for each in schema.having(Role.ACTUAL)] == [("bought", "will_buy_insurance")]
    assert [each.name for each in schema.having(Role.SCORE)] == ["proba"]
    assert third["fields"] == {
        "amount": ["numeric", "features"],
        "owner": ["categorical", "features"],
        "is_new": ["boolean", "features"],
        "will_buy_insurance": ["boolean", "predictions"],
        "proba": ["numeric", "predictions"],
        "bought": ["boolean", "actuals"],
    }


def test_what_the_third_sdk_cannot_have_is_told(running: Running, third: dict[str, Any]) -> None:
    """D-08, S-14."""
    said = third["refused"]
    assert "type of data source: got 'postgres', expected s3" in said["source"]
    assert "resource: got 'data-segments'" in said["segment"]
    assert "dataset serving of Insurance-3/v1: it exists" in said["dataset"]
    assert "prediction of the actual y: got 'unknown', expected proba, will_buy_insurance" in said["actual"]
    assert "status 401" in said["workspace"]
    assert said["elsewhere"].startswith("EntityNotFoundException")
    assert "hidden-word" not in f"{said}{running.server.log()}"


def test_the_same_names_without_the_sdk(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    """C-02, C-04, S-03: `driftline.aporia` in the place of `aporia`."""
    with pytest.raises(aporia.AporiaError, match=r"call driftline\.aporia\.init"):
        aporia.delete_model("other")
    host, port = running.address
    aporia.init(token=running.key, host=host, port=int(port), environment="production")
    assert [aporia.create_model("other", "Other", icon="ltv", tags={"Team": "risk"}) for _ in range(2)] == ["other"] * 2
    model = aporia.create_model_version("other", "v1", "regression", {"x": "numeric"}, {"y": "numeric"})
    served = aporia.S3DataSource(f"{BUCKET}/other/", "csv", read_options={"header": True})
    model.connect_serving(served, "id", "at", labels={"y": "truth"}, schedule="0 * * * *")
    model.connect_actuals(aporia.S3DataSource(f"{BUCKET}/known/", aporia.S3FileFormat.CSV), "id", "at")
    model.set_sync_enabled(False)
    assert model.get_dataset_sync_status("serving")["status"] == "disabled"
    model.set_sync_enabled(True)
    found = running.jobs("other")
    assert found["production", Content.BOTH].columns.fields == {"y_actual": "truth"}
    assert found["production", Content.ACTUALS].columns.fields == {"y_actual": "y"}
    rows = [{"id": f"r{each}", "features": {"x": each}, "predictions": {"y": 2.0}} for each in range(3)]
    model.log_batch_prediction(rows)
    model.log_prediction({"x": 1, "z": 2}, {"y": 1.0}, id="r9")
    assert "field z: not a field of the version, in 1 rows" in caplog.text
    model.log_actuals("r0", {"y": 1.5})
    aporia.add_model_tags("other", {"stage": "pilot"})
    aporia.delete_model_tag("other", "team")
    assert aporia.get_model_tags("other") == {"stage": "pilot"}
    with pytest.raises(aporia.AporiaError, match="Connection to serving failed, error: object_path: got ''"):
        model.connect_serving(aporia.S3DataSource("", "csv"), "id", "at")
    with pytest.raises(TypeError, match="unknown argument 'shedule'"):
        model.connect_serving(served, "id", "at", shedule="0 * * * *")  # type: ignore[call-arg]
    aporia.delete_model("other")
    aporia.init(token=running.key, host=host, port=int(port), throw_errors=False)
    assert aporia.get_model_tags("other") is None
    assert "Fetching model tags failed, error: model not found: other" in caplog.text
    aporia.shutdown()


ODD = [
    ("POST", "/v1beta/models", b"{", 422),
    ("POST", "/v1beta/models", b"[]", 422),
    ("POST", "/v1beta/models", b'{"id": "a/b", "name": "x"}', 400),
    ("POST", "/v1beta/models", b'{"id": "a\\u0000", "name": "x"}', 422),
    ("POST", "/v1beta/models", b'{"id": "a", "name": "x", "tags": {"aporia.color": "x"}}', 400),
    ("POST", "/v1beta/models", b'{"id": "a", "name": "x", "unheard": 1}', 422),
    ("DELETE", "/v1beta/models/never", b"", 404),
    ("DELETE", "/v1beta/models/%00", b"", 422),
    ("GET", "/v1beta/models/never/versions/v1/sync_status/serving", b"", 404),
    ("GET", "/v1beta/models/never/versions/v1/sync_status/unheard", b"", 422),
    ("POST", "/v1beta/models/never/versions/v1/datasets_sync?enabled=perhaps", b"{}", 422),
    ("POST", "/v1beta/monitors", b"{}", 400),
    ("POST", "/v1beta/models/never/versions/v1/training_sample", b"{}", 400),
    ("POST", "/v1/controller/graphql", b'{"query": "{ secrets }"}', 400),
    ("POST", "/v1/controller/graphql", b'{"query": "mutation { logPredictions(a: 1) }"}', 400),
    (
        "POST",
        "/v1/controller/graphql",
        b'{"query": "mutation { logPredictions(a: 1) }", "variables": '
        b'{"modelId": "never", "modelVersion": "v1", "predictions": [{"features": []}]}}',
        400,
    ),
    ("GET", "/api/v1/acme/risk/models/never", b"", 404),
    ("GET", "/api/v1/acme/risk/model-versions/unheard", b"", 404),
    ("GET", "/api/v1/acme/risk/data-sources/unheard", b"", 404),
    ("GET", "/api/v1/acme/risk/unheard", b"", 400),
    ("POST", "/api/v1/acme/risk/models", b'{"name": "x", "type": "unheard"}', 400),
    ("POST", "/api/v1/acme/risk/monitors", b"{}", 400),
    ("PUT", "/v1/crud-service/acme/risk/datasets/unheard/change-query", b"{}", 404),
]
"""Method, path, body, and the status that they deserve."""


@pytest.mark.parametrize(("method", "path", "body", "status"), ODD)
def test_odd_requests_are_refused_in_these_clients_words(
    running: Running, method: str, path: str, body: bytes, status: int
) -> None:
    """SE-06, D-08."""
    headers = {"Authorization": f"Bearer {running.key}", "Content-Type": "application/json"}
    answer = requests.request(method, running.server.url + path, data=body, headers=headers, timeout=30)
    assert answer.status_code == status, answer.text
    assert set(answer.json()["error"]) == {"code", "message", "detail"}


def test_keys_are_needed_and_what_they_may(running: Running) -> None:
    """SE-06: 401 without a key that is known, 403 for one that may only read."""
    with running.catalog.begin() as tx:
        reader = keys.create_api_key(tx, "reader", ["read"], now=datetime.now(UTC))
    body: dict[str, Any] = {"id": "denied", "name": "Denied"}
    query: dict[str, Any] = {"query": "mutation { deleteModelVersion(a: 1) }", "variables": {}}
    for path, sent in (("/v1beta/models", body), ("/v1/tenant-hasura/v1/graphql", query)):
        for key, status in ((None, 401), ("dl_unknown", 401), (reader, 403)):
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            answer = requests.post(running.server.url + path, json=sent, headers=headers, timeout=30)
            assert (answer.status_code, set(answer.json()["error"])) == (status, {"code", "message", "detail"})


def test_what_was_deleted_comes_again(running: Running) -> None:
    """J-04, J-15: a job deleted by others, and a model that is made anew, are no hindrance."""
    host, port = running.address
    aporia.init(token=running.key, host=host, port=int(port), environment="staging")
    served = aporia.S3DataSource(f"{BUCKET}/again/", "parquet")

    def made() -> aporia.Model:
        aporia.create_model("again", "Again")
        return aporia.create_model_version("again", "v1", "regression", {"x": "numeric"}, {"y": "numeric"})

    model = made()
    model.connect_serving(served, "id", "at")
    before = model.get_dataset_sync_status("serving")["job"]
    with running.catalog.begin() as tx:
        jobs.delete(tx, before, now=datetime.now(UTC))
    with pytest.raises(aporia.AporiaError, match="dataset not found: serving of again/v1"):
        model.get_dataset_sync_status("serving")
    model.connect_serving(served, "id", "at")
    assert model.get_dataset_sync_status("serving")["job"] != before
    for each in range(2):
        model.log_prediction({"x": each}, {"y": 1.0}, id=f"r{each}")
        aporia.delete_model("again")
        model = made()
    model.log_prediction({"x": 3}, {"y": 1.0}, id="r3")
    (inbox,) = (each for each in running.all_jobs("again") if not each.place.uri.startswith("s3:"))
    assert (inbox.environment, inbox.batch) == (Environment.VALIDATION, "staging")

    def done() -> bool:
        with running.catalog.read() as tx:
            return jobs.counts(tx, inbox.id).accepted >= 1 and jobs.counts(tx, inbox.id).pending == 0

    assert until(done)
    aporia.shutdown()


def test_buckets_need_the_same_proof_as_for_other_jobs(running: Running, tmp_path: Path) -> None:
    """S-09: where the server asks for it, a dataset can be connected once the owner of its bucket has shown the key."""
    bucket = running.store.bucket("aporia-unproved")
    with serving(tmp_path / "home", running.store.environment(), DRIFTLINE_PROVE_BUCKETS="true") as server:
        catalog = Catalog(f"sqlite:///{tmp_path / 'home' / 'driftline.sqlite'}")
        with catalog.begin() as tx:
            key = keys.create_api_key(tx, "aporia", ["read", "write"], now=datetime.now(UTC))
        parts = urlsplit(server.url)
        aporia.init(token=key, host=f"http://{parts.hostname}", port=parts.port)
        aporia.create_model("proved", "Proved")
        model = aporia.create_model_version("proved", "v1", "regression", {"x": "numeric"}, {"y": "numeric"})
        source = aporia.S3DataSource(f"{bucket}/serving/", "parquet")
        with pytest.raises(aporia.AporiaError, match=rf"{bucket}.*driftline-ingestion-key") as refused:
            model.connect_serving(source, "id", "at")
        assert refused.value.http_status == 403
        with catalog.begin() as tx:
            wanted = spaces.ingestion_key(tx, "default", now=datetime.now(UTC))
        tags = [{"Key": "driftline-ingestion-key", "Value": wanted}]
        running.store.client().put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
        model.connect_serving(source, "id", "at")
        assert model.get_dataset_sync_status("serving")["enabled"]
        catalog.close()
    aporia.shutdown()


@pytest.mark.parametrize("form", ["parquet", "csv", "json", "delta"])
def test_every_format_of_the_seed_is_imported(running: Running, form: str) -> None:
    """F-01, F-03, F-04: `object_format` as the seed has it, with an expression and an option each."""
    table = pa.table(
        {
            "id": [f"{form}-{each}" for each in range(10)],
            "at": [(START + timedelta(minutes=each)).isoformat() for each in range(10)],
            "x": [float(each) for each in range(10)],
            "y": [2.0 * each for each in range(10)],
        }
    )
    stored(running.store, f"forms/{form}", form, table)
    host, port = running.address
    aporia.init(token=running.key, host=host, port=int(port))
    aporia.create_model(f"form-{form}", form)
    fields = {"x": "numeric", "double": "numeric"}
    model = aporia.create_model_version(f"form-{form}", "v1", "regression", fields, {"y": "numeric"})
    every: dict[str, dict[str, Any]] = {"csv": {"header": "true"}, "delta": {"versionAsOf": 0}}
    path = f"{BUCKET}/forms/{form}" + ("" if form == "delta" else "/")
    source = aporia.S3DataSource(
        path, form, select_expr=["id", "at", "x", "y", "x * 2 AS double"], read_options=every.get(form)
    )
    model.connect_serving(source, "id", "at")

    def synced() -> dict[str, Any] | None:
        found = model.get_dataset_sync_status("serving")
        return found if found["status"] in ("synced", "failed") else None

    found = until(synced)
    assert (found["status"], found["errors"], found["trouble"]) == ("synced", [], None)
    assert found["rows"] == {"read": 10, "accepted": 10, "rejected": 0, "duplicate": 0}
    aporia.shutdown()


def stored(store: Server, prefix: str, form: str, table: pa.Table) -> None:
    """A table as an object, or objects, of this format."""
    if form == "delta":
        from deltalake import write_deltalake

        keys = {"AWS_ACCESS_KEY_ID": store.access_key, "AWS_SECRET_ACCESS_KEY": store.secret_key}
        options = {**keys, "AWS_ENDPOINT_URL": store.endpoint, "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true"}
        write_deltalake(f"s3://{BUCKET}/{prefix}", table, storage_options=options)
        return
    if form == "json":
        body = "".join(json.dumps(row) + "\n" for row in table.to_pylist()).encode()
    elif form == "csv":
        lines = [",".join(table.column_names), *(",".join(map(str, row.values())) for row in table.to_pylist())]
        body = "\n".join(lines).encode()
    else:
        sink = io.BytesIO()
        pq.write_table(table, sink)
        body = sink.getvalue()
    store.client().put_object(Bucket=BUCKET, Key=f"{prefix}/part-0.{form}", Body=body)
