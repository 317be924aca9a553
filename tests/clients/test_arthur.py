"""Arthur's client and the Lambda function of its guide, unmodified, against `driftline serve` with a real S3 server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
import requests
from examples import shared
from imported import Importing, importing
from surroundings import ROOT

BUCKET, VENV = "arthur-bucket", ".venv-arthur"
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
CALLS = 30


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Importing]:
    """A server that imports, and a bucket."""
    with importing(tmp_path_factory.mktemp("arthur"), BUCKET) as running:
        yield running


def ask(found: Importing, method: str, path: str, **more: Any) -> requests.Response:
    """A request below /api/v3 as Arthur's documents write it: the key alone is the Authorization."""
    headers = {"Authorization": found.key, **more.pop("headers", {})}
    return requests.request(method, f"{found.server.url}/api/v3{path}", headers=headers, timeout=60, **more)


def attribute(name: str, stage: str, position: int, value_type: str = "FLOAT", **more: Any) -> dict[str, Any]:
    """An attribute of a model."""
    return {"name": name, "stage": stage, "value_type": value_type, "position": position, **more}


def onboard(found: Importing, id: str, *names: str) -> str:
    """The id of a model with a score and these features, made as Arthur's client does."""
    attributes = [attribute(name, "PIPELINE_INPUT", place) for place, name in enumerate(names)]
    attributes.append(attribute("score", "PREDICTED_VALUE", 0, attribute_link="real"))
    attributes.append(attribute("real", "GROUND_TRUTH", 0, attribute_link="score"))
    sent = {"partner_model_id": id, "input_type": "TABULAR", "output_type": "REGRESSION", "attributes": attributes}
    made = ask(found, "POST", "/models", json=sent)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def captured(
    place: int, rows: Sequence[str], scores: Sequence[str], *, inference: str | None = None, kind: str = "text/csv"
) -> str:
    """A record of a call as SageMaker's Data Capture writes it."""
    encoding = "CSV" if kind == "text/csv" else "JSON"
    side = {"observedContentType": kind, "encoding": encoding}
    moment = START + timedelta(seconds=60 * place)
    meta = {"eventId": f"event-{place}", "inferenceTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
    meta |= {"inferenceId": inference} if inference else {}
    data = {
        "endpointInput": {**side, "mode": "INPUT", "data": "\n".join(rows)},
        "endpointOutput": {**side, "mode": "OUTPUT", "data": "\n".join(scores)},
    }
    return json.dumps({"captureData": data, "eventMetadata": meta, "eventVersion": "0"})


def seed_lambda() -> str:
    """The function of the guide; lines that the copy of the text lost are put back, and nothing else is changed."""
    text = shared("seeds", "003_85c328e3ebd62e2f.txt").read_text(encoding="utf-8")
    code = text[text.index("import urllib.parse") : text.index("raise e\n") + len("raise e\n")]
    lost = {
        "  # Ensure trailing slash exists\n": 'ARTHUR_ACCESS_TOKEN = os.environ["ARTHUR_ACCESS_TOKEN"]\n',
        "encoding='utf-8')\n": "    try:\n",
        "headers={'Authorization': ARTHUR_ACCESS_TOKEN}\n": "        )\n",
    }
    for behind, line in lost.items():
        assert code.count(behind) == 1
        code = code.replace(behind, behind + line)
    assert "response =\n" in code
    return code.replace("response =\n", "response = requests.post(request_url,\n")


def event(key: str) -> Mapping[str, Any]:
    """What S3 tells a function of a new object: its key is URL-encoded."""
    return {"Records": [{"s3": {"bucket": {"name": BUCKET}, "object": {"key": quote_plus(key, safe="/")}}}]}


def run_lambda(found: Importing, folder: Path, model: str, host: str, *keys: str, token: str | None = None) -> Any:
    """Give the function an event for each key, with Arthur's three variables set to this server."""
    (folder / "function.py").write_text(seed_lambda())
    (folder / "events.json").write_text(json.dumps([event(key) for key in keys]))
    given = {"ARTHUR_HOST": host, "ARTHUR_MODEL_ID": model, "ARTHUR_ACCESS_TOKEN": token or found.key}
    variables = {**found.surroundings.variables, **given}
    there = replace(found.surroundings, variables=variables)
    return there.run(VENV, "arthur_lambda.py", str(folder / "function.py"), str(folder / "events.json"))["events"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_seeds_function(found: Importing, tmp_path: Path, slash: str) -> None:
    """P-01, P-02, P-04, P-05, I-01, I-02, I-03, M-09: run twice on one event, each inference is there once."""
    model = onboard(found, f"clusters{len(slash)}", "age", "income")
    lines = [captured(place, [f"{20 + place},{place / 2}"], [f"0.{place + 10}"]) for place in range(CALLS)]
    lines.append(captured(CALLS, ["30,1.5", "31,2.5"], ["0.5", "0.6"], inference="own-id"))
    lines.append(captured(CALLS + 1, ["33,1"], ["0.7"], inference="single"))
    key = f"captures/model {model}/2026/01/02/03/00-00-000-ä+b.jsonl"
    found.store.client().put_object(Bucket=BUCKET, Key=key, Body="\n".join(lines).encode(), ContentType="application/x")
    told = run_lambda(found, tmp_path, model, found.server.url + slash, key, key)
    assert [each["raised"] for each in told] == ["", ""]
    assert all('"file":' in each["printed"][1] for each in told), told
    assert len(found.files(model)) == 1, [(each.uri, each.etag, each.status, each.size) for each in found.files(model)]
    counts = found.read(model)["production", "predictions", "capture"]
    assert (counts.done, counts.rows, counts.accepted) == (1, CALLS + 3, CALLS + 3)
    rows = {each["_id"]: each for each in found.rows(model)}
    assert len(rows) == CALLS + 3
    assert {"event-0", "own-id_0", "own-id_1", "single"} <= set(rows)
    first = rows["event-1"]
    assert (first["score"], first["age"], first["income"]) == (0.11, 21.0, 0.5)
    assert rows["own-id_1"]["income"] == 2.5


def test_json_of_names_and_of_lists(found: Importing) -> None:
    """F-07, M-09: both forms of JSON give the attributes by name or in their order."""
    model = onboard(found, "json forms", "age", "income")
    kind = "application/json"
    lists = captured(
        0,
        ['{"instances": [{"features": [41, 1.5]}, {"features": [42, 2.5]}]}'],
        ['{"predictions": [{"probabilities": [0.1]}, {"probabilities": [0.2]}]}'],
        kind=kind,
    )
    named = captured(
        1, ['{"instances": [{"income": 3.5, "age": 43}]}'], ['{"predictions": [{"score": 0.3}]}'], kind=kind
    )
    for text in (lists, named):
        assert send(found, model, text.encode()).status_code == 202
    counts = found.read(model)["production", "predictions", "capture"]
    assert (counts.done, counts.accepted) == (2, 3)
    rows = sorted((each["age"], each["income"], each["score"]) for each in found.rows(model))
    assert rows == [(41, 1.5, 0.1), (42, 2.5, 0.2), (43, 3.5, 0.3)]


def send(found: Importing, model: str, data: bytes, **more: Any) -> requests.Response:
    """A file of captures, as the function sends it."""
    files = {"inference_data": ("smdatacapture.jsonl", data, "application/octet-stream")}
    path = f"/models/{model}/inferences/integrations/sagemaker_data_capture"
    return ask(found, "POST", path, files=files, **more)


def test_what_is_refused(found: Importing, tmp_path: Path) -> None:
    """M-10, P-03, P-09, R-11: each refusal says what is wrong, and nothing is written."""
    model = onboard(found, "refusals", "age")
    line = captured(0, ["1"], ["0.5"]).encode()
    unknown = send(found, "refusal", line)
    assert (unknown.status_code, "refusals" in unknown.json()["error"]["message"]) == (404, True)
    assert send(found, model, b"age,income\n1,2\n").status_code == 400
    assert send(found, model, b"").status_code == 400
    assert send(found, model, line, headers={"Authorization": "dl_wrong"}).status_code == 401
    path = f"/models/{model}/inferences/integrations/sagemaker_data_capture"
    assert ask(found, "POST", path, data=b"x", headers={"Content-Type": "text/plain"}).status_code == 400
    assert ask(found, "POST", path, files={"data": line}).json()["error"]["message"].count("inference_data") == 1
    named = {"partner_model_id": "f", "output_type": "REGRESSION", "input_type": "TABULAR"}
    odd = ask(found, "POST", "/models", json={**named, "attributes": [attribute("features", "PIPELINE_INPUT", 0)]})
    assert odd.status_code == 400
    assert "none of instances, predictions, features, probabilities" in odd.json()["error"]["message"]
    again = ask(found, "POST", "/models", json={**named, "partner_model_id": "refusals", "attributes": []})
    assert again.status_code == 409
    assert found.files(model) == []
    (lost,) = run_lambda(found, tmp_path, model, found.server.url, "no/such/object.jsonl")
    assert lost["printed"][0].startswith("Error getting object no/such/object.jsonl from bucket arthur-bucket.")


def test_a_large_file_is_acknowledged_at_once(found: Importing) -> None:
    """P-07: twenty megabytes are answered in seconds and read afterwards."""
    model = onboard(found, "large", "age", "income")
    line = captured(0, ["30,1.5"], ["0.5"])
    lines = [line.replace("event-0", f"event-{each}") for each in range(50_000)]
    answer = send(found, model, "\n".join(lines).encode())
    assert (answer.status_code, answer.elapsed.total_seconds() < 5) == (202, True)
    assert answer.json()["bytes"] > 15_000_000
    counts = found.read(model)["production", "predictions", "capture"]
    assert (counts.done, counts.accepted) == (1, 50_000)


def test_arthurs_client(found: Importing) -> None:
    """IA-06, M-01, M-02, I-05, I-06: models, versions, inferences, labels, files, batches, and what is refused."""
    if not (ROOT / VENV).exists():
        pytest.skip(f"{VENV} is not there: `make sdks` makes it")
    told = found.surroundings.run(VENV, "arthur_models.py", found.server.url, found.key)
    streaming, batches, refused = told["streaming"], told["batches"], told["refused"]
    assert streaming["id"] == "loan default-eu"
    assert streaming["sent"] == {"success": 40, "failure": 0, "total": 40}
    assert streaming["labels"] == {"success": 30, "failure": 0, "total": 30}
    assert streaming["one wrong"] == [200, 400, 200]
    assert streaming["why"].startswith("column 'prob_0': the score 'high' is not a number")
    assert streaming["file"]["success"] == 17
    assert streaming["file of labels"]["success"] == 10
    assert streaming["read again"] == ["loan default-eu", "Ready", 7, "1"]
    assert batches["batch"]["success"] == 10
    assert batches["directory"] == [{"success": 20, "failure": 0, "total": 20}, "uploaded"]
    assert batches["second"] == ["price@2", 2]
    assert batches["archived"] == [None, True]
    assert "is archived" in batches["to an archived one"]
    assert "'features'" in refused["forbidden"]
    assert "loan default-eu" in refused["unknown"]
    assert "Unauthorized" in refused["key"]
    check_imported(found)


def check_imported(found: Importing) -> None:
    """Every row that the client was told was taken is there, once."""
    loans = found.read("loan default-eu")
    assert {name: each.accepted for name, each in loans.items()} == {
        ("training", "both", "parquet"): 60,
        ("production", "predictions", "jsonlines"): 42,
        ("production", "actuals", "jsonlines"): 30,
        ("production", "both", "parquet"): 17,
        ("production", "actuals", "parquet"): 10,
    }
    assert all(each.failed == each.rejected == 0 for each in loans.values())
    production = [each for each in found.rows("loan default-eu") if each["_environment"] == "production"]
    assert {each["_id"] for each in production} == {f"loan-{each}" for each in range(60)} - {"loan-41"}
    prices = found.read("price")
    assert sum(each.accepted for (where, _, _), each in prices.items() if where == "production") == 30
    assert {each["_batch"] for each in found.rows("price") if each["_environment"] == "production"} == {
        "monday",
        "tuesday",
    }
