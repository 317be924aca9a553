"""Arize's toolkit and SDK, unmodified, against `driftline serve` with a real S3 server; and GraphQL as documented."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import requests
from imported import Importing, importing
from serving import until
from surroundings import ROOT

BUCKET, ROWS = "arize-bucket", 40
TOOLKIT, SDK = ".venv-arize-toolkit", ".venv-arize"
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=2)
SCHEMA = {
    "predictionId": "prediction_id",
    "timestamp": "prediction_ts",
    "predictionLabel": "PREDICTION",
    "predictionScore": "SCORE",
    "features": "feature/",
    "tags": "tag/",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Importing]:
    """A server that imports, and a bucket with three files of predictions in two formats, and one of their labels."""
    with importing(tmp_path_factory.mktemp("arize"), BUCKET) as running:
        for number in range(3):
            table = predictions(number)
            put(running, f"clicks/production/v1/{number:02}.{'csv' if number == 1 else 'parquet'}", table)
        put(running, "clicks/labels/12-1-2022.parquet", labels(range(2 * ROWS)))
        yield running


def predictions(number: int) -> pa.Table:
    """A file's rows: predictions with features, a tag, and columns that nobody asked for."""
    ids = range(number * ROWS, (number + 1) * ROWS)
    return pa.table(
        {
            "prediction_id": [f"click-{each}" for each in ids],
            "prediction_ts": [int((START + timedelta(minutes=each)).timestamp()) for each in ids],
            "PREDICTION": [("click", "no click")[each % 2] for each in ids],
            "SCORE": [each % 10 / 10 for each in ids],
            "feature/age": [20 + each % 50 for each in ids],
            "feature/region": [("north", "south")[each % 3 == 0] for each in ids],
            "tag/team": ["growth"] * ROWS,
            "internal": [1] * ROWS,
            "note": ["a note"] * ROWS,
        }
    )


def labels(numbers: range) -> pa.Table:
    """What became of these predictions."""
    times = [int((START + timedelta(days=1, minutes=each)).timestamp()) for each in numbers]
    actuals = [("click", "no click")[each % 4 == 1] for each in numbers]
    return pa.table({"prediction_id": [f"click-{each}" for each in numbers], "ACTUAL": actuals, "label_ts": times})


def put(found: Importing, key: str, table: pa.Table) -> None:
    """A file in the bucket, in the format of its name."""
    body = io.BytesIO()
    if key.endswith(".csv"):
        pyarrow.csv.write_csv(table, body)
    else:
        pq.write_table(table, body)
    found.store.client().put_object(Bucket=BUCKET, Key=key, Body=body.getvalue())


def ask(found: Importing, query: str, key: str | None = None, **variables: Any) -> Any:
    """A GraphQL request as documents have it."""
    sent: dict[str, Any] = {"query": query, "variables": variables}
    headers = {"x-api-key": key or found.key}
    return requests.post(f"{found.server.url}/graphql", json=sent, headers=headers, timeout=60).json()


def job_of(model: str, prefix: str, **more: Any) -> dict[str, Any]:
    """The input of a job."""
    place = {"spaceId": "default", "blobStore": "S3", "bucketName": BUCKET, "prefix": prefix}
    return {**place, "modelName": model, "modelType": "score_categorical", "schema": SCHEMA, **more}


MAKE = (
    "mutation m($input: CreateFileImportJobInput!) { createFileImportJob(input: $input) { fileImportJob { jobId } } }"
)
TRY = """mutation dryRunMyImportJob($input: CreateFileImportJobInput!) {
  createFileImportJob(input: $input) { validationResult { validationStatus filePath error { code message row } } } }"""


def test_jobs_by_the_toolkit(found: Importing) -> None:
    """IA-05, J-01, J-03, J-04, J-05, J-06, J-07, J-12, J-18, D-01, D-02, C-05, C-07, M-08: Arize's own client."""
    if not (ROOT / TOOLKIT).exists():
        pytest.skip(f"{TOOLKIT} is not there: `make sdks` makes it")
    place = ("clicks/production/v1/", "clicks/labels/")
    told = found.surroundings.run(TOOLKIT, "arize_jobs.py", found.server.url, found.key, BUCKET, *place)
    assert told["space"] == ["driftline", "risk"]
    assert told["dry run"] is None
    assert "The dry run failed: no column 'PREDICTED'" in told["dry run of a wrong schema"]
    assert "No import jobs found" in told["after dry runs"]
    assert told["read"] == [_counts(3), _counts(1)]
    got = told["got"]
    assert (got["jobStatus"], got["modelName"], got["modelVersion"]) == ("active", "Click-thru rate", "v1")
    assert (got["modelType"], got["modelEnvironmentName"]) == ("score_categorical", "production")
    assert (got["blobStore"], got["bucketName"], got["prefix"]) == ("S3", BUCKET, "clicks/production/v1/")
    schema = {name: value for name, value in got["schema"].items() if value is not None}
    assert schema == {
        "predictionId": "prediction_id",
        "timestamp": "prediction_ts",
        "predictionLabel": "PREDICTION",
        "features": "feature/",
        "tags": "tag/",
        "exclude": ["internal"],
    }
    assert told["all"] == [False, True]
    assert told["edited"] == ["active", ["internal", "note"]]
    assert (told["paused"], told["started"]) == ("inactive", "active")
    assert (told["deleted"], told["still listed"]) == (True, "deleted")
    assert told["models"] == [["Click-thru rate", "score_categorical"]]
    assert "batchId" in told["validation without batch"]
    assert "No import jobs found" in told["no such job"]
    check_clicks(found)


def _counts(files: int) -> dict[str, int]:
    return {"totalFilesPendingCount": 0, "totalFilesSuccessCount": files, "totalFilesFailedCount": 0}


def check_clicks(found: Importing) -> None:
    """Every row of the files is in the tables, once, with the fields that the schema names."""
    counts = found.read("Click-thru rate")
    assert counts["production", "predictions", ""].accepted == 3 * ROWS
    assert counts["production", "actuals", ""].accepted == 2 * ROWS
    rows = found.rows("Click-thru rate")
    assert {each["_id"] for each in rows} == {f"click-{each}" for each in range(3 * ROWS)}
    first = next(each for each in rows if each["_id"] == "click-1")
    assert (first["PREDICTION"], first["age"], first["region"], first["team"]) == ("no click", 21, "north", "growth")
    assert first["_time"] == START + timedelta(minutes=1)
    assert "internal" not in first
    assert {each["_id"] for each in found.actuals("Click-thru rate")} == {f"click-{each}" for each in range(2 * ROWS)}


def test_the_dry_run_of_the_documents(found: Importing) -> None:
    """D-02, D-03, D-08: the record of the first file, or of the one that is named; nothing is made."""
    good = ask(found, TRY, input=job_of("dry", "clicks/production/v1/", dryRun=True))
    result = good["data"]["createFileImportJob"]["validationResult"]
    first = f"s3://{BUCKET}/clicks/production/v1/00.parquet"
    assert result == {"validationStatus": "passed", "filePath": first, "error": None}
    named = ask(found, TRY, input=job_of("dry", "clicks/production/v1/", dryRun=True, fileName="01.csv"))
    assert named["data"]["createFileImportJob"]["validationResult"]["filePath"].endswith("v1/01.csv")
    wrong = job_of("dry", "clicks/production/v1/", dryRun=True, schema={**SCHEMA, "predictionLabel": "LABEL"})
    result = ask(found, TRY, input=wrong)["data"]["createFileImportJob"]["validationResult"]
    assert (result["validationStatus"], result["error"]["code"]) == ("failed", "Missing_Columns")
    assert "'LABEL'" in result["error"]["message"]
    empty = ask(found, TRY, input=job_of("dry", "clicks/nothing/", dryRun=True))
    assert empty["data"]["createFileImportJob"]["validationResult"]["error"]["code"] == "No_Files"
    assert found.jobs("dry") == []
    inline = f"""mutation {{ createFileImportJob(input: {{spaceId: "default", modelName: "dry", modelType: numeric,
        modelEnvironmentName: production, blobStore: S3, bucketName: "{BUCKET}", prefix: "clicks/production/v1/",
        schema: {{predictionId: "prediction_id", predictionScore: "SCORE", featuresList: ["feature/age"]}}
        dryRun: true}})
        {{ result: validationResult {{ validationStatus }} }} }}"""
    answer = ask(found, inline)["data"]["createFileImportJob"]
    assert answer["validationResult"]["validationStatus"] == "passed"


def test_a_prefix_that_is_empty_at_first(found: Importing) -> None:
    """J-03, J-06, J-18, C-08, M-08: the first file tells the schema; labels come to another job later still."""
    model, prefix = "late", "late/predictions/"
    late = job_of(model, "late/labels/", schema={"predictionId": "prediction_id", "actualLabel": "ACTUAL"})
    (made, other) = (
        ask(found, MAKE, input=each)["data"]["createFileImportJob"]["fileImportJob"]["jobId"]
        for each in (job_of(model, prefix, modelVersion="v2"), {**late, "modelVersion": "v2"})
    )
    put(found, f"{prefix}a.csv", predictions(0))
    until(lambda: found.rows(model), 60)
    put(found, "late/labels/a.parquet", labels(range(ROWS)))
    until(lambda: found.actuals(model), 60)
    counts = found.read(model)
    assert (counts["production", "predictions", ""].accepted, counts["production", "actuals", ""].accepted) == (40, 40)
    row = next(each for each in found.rows(model) if each["_id"] == "click-3")
    assert (row["age"], row["SCORE"], row["region"]) == (23, 0.3, "south")
    pause = 'mutation { pauseFileImportJob(input: {jobId: "%s"}) { fileImportJob { jobStatus } } }'
    assert ask(found, pause % made)["data"]["pauseFileImportJob"]["fileImportJob"]["jobStatus"] == "inactive"
    start = 'mutation { startFileImportJob(input: {jobId: "%s"}) { fileImportJob { jobStatus } } }'
    assert ask(found, start % made)["data"]["startFileImportJob"]["fileImportJob"]["jobStatus"] == "active"
    one = "query q($id: ID!) { node(id: $id) { ... on FileImportJob { jobId } } }"
    assert ask(found, one, id=other)["data"]["node"]["totalFilesSuccessCount"] == 1


def test_what_is_refused(found: Importing) -> None:
    """M-07, M-08, D-08: errors as GraphQL has them, each with what would be right."""
    for wrong, word in (
        ({"modelType": "magic"}, "score_categorical"),
        ({"blobStore": "FTP"}, "S3, GCS or Azure"),
        ({"modelEnvironmentName": "tracing"}, "production, validation, training"),
        ({"modelEnvironmentName": "validation"}, "batchId"),
        ({"schema": {"predictionIdentity": "a"}}, "predictionId"),
        ({"modelName": ""}, "modelName"),
    ):
        answer = ask(found, MAKE, input=job_of("odd", "x/", **wrong))
        assert answer["data"] is None
        assert word in answer["errors"][0]["message"], answer
    assert ask(found, "query { weather { now } }")["errors"][0]["extensions"]["code"] == "invalid"
    assert ask(found, "query { node(id: ")["errors"][0]["message"].startswith("GraphQL query")
    assert ask(found, "{" * 100)["errors"][0]["message"].startswith("GraphQL query")
    assert "not known" in ask(found, MAKE, key="dl_wrong", input={})["errors"][0]["message"]
    missing = ask(found, 'mutation { deleteFileImportJob(input: {jobId: "nope"}) { fileImportJob { jobStatus } } }')
    assert missing["errors"][0]["extensions"]["code"] == "not-found"
    assert found.jobs("odd") == []


def test_rows_that_the_sdk_logs(found: Importing) -> None:
    """IA-05, M-07, M-08, C-05, R-09: tables and single rows, predictions and actuals apart; a table twice is one."""
    if not (ROOT / SDK).exists():
        pytest.skip(f"{SDK} is not there: `make sdks` makes it")
    told = found.surroundings.run(SDK, "arize_rows.py", found.server.url, found.key)
    assert told["statuses"] == [200] * len(told["statuses"])
    assert "401" in told["key"]
    counts = found.read("clicks")
    assert sum(each.accepted for (where, _, _), each in counts.items() if where == "training") == 20
    assert sum(each.accepted for (where, _, _), each in counts.items() if where == "validation") == 20
    rows = {each["_id"]: each for each in found.rows("clicks") if each["_environment"] == "production"}
    assert set(rows) == {f"c-{each}" for each in range(20)} | {"single"}
    assert (rows["c-1"]["age"], rows["c-1"]["age_shap"], rows["c-1"]["team"]) == (21, 0.01, "growth")
    assert len(rows["c-1"]["words"]) == 4
    assert (rows["single"]["pred"], rows["single"]["age"]) == ("yes", 31)
    actuals = {each["_id"] for each in found.actuals("clicks") if each["_environment"] == "production"}
    assert actuals == {f"c-{each}" for each in range(10)} | {"single"}
    assert {each["_batch"] for each in found.rows("clicks") if each["_environment"] == "validation"} == {"night"}
    prices = found.read("prices")
    assert sum(each.accepted for each in prices.values()) == 1
