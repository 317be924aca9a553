"""Events of a real store by webhook, named credentials and checks, over REST and by commands; rows P-10, S-09."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from s3 import Server, running_s3, use
from serving import ACCESS_KEY, SECRET_KEY, Served, serving, until

BUCKET = "hooked"
RECORD = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": BUCKET}, "object": {"key": "in/late.csv"}}}


@dataclass(frozen=True)
class Case:
    """A server with a job, and a store that tells it of every object."""

    served: Served
    store: Server
    job: str
    key: str

    def ask(self, method: str, path: str, body: Any = None, key: str | None = None) -> requests.Response:
        """The REST API, with the key of a writer."""
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return requests.request(method, f"{self.served.url}/v1{path}", json=body, headers=headers, timeout=60)

    def put(self, key: str) -> None:
        """Write an object."""
        self.store.client().put_object(Bucket=BUCKET, Key=key, Body=b"id,score\n1,0.5\n2,0.25\n")

    def names(self) -> set[str]:
        """The files of the job."""
        items = self.ask("GET", f"/imports/{self.job}/files?limit=100").json()["items"]
        return {each["uri"].removeprefix(f"s3://{BUCKET}/") for each in items}


def command(served: Served, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as the administrator."""
    keys = {"DRIFTLINE_URL": served.url, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    known = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRIFTLINE_"))}
    line = [str(Path(sys.executable).parent / "driftline"), *arguments]
    told = {**known, **keys, "DRIFTLINE_HOME": "/nonexistent"}
    return subprocess.run(line, capture_output=True, text=True, env=told, check=False)


def answer(served: Served, *arguments: str, status: int = 0) -> Any:
    """What a command says as JSON."""
    done = command(served, *arguments, "--json")
    assert done.returncode == status, done.stderr + done.stdout
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """The job is made before the store is there, since the store is told where to send when it starts."""
    folder = tmp_path_factory.mktemp("hooks")
    secrets = {"STORE_KEY": "driftline-admin", "STORE_SECRET": "admin-secret-0123456789"}
    with serving(folder / "home", {"AWS_EC2_METADATA_DISABLED": "true"}, **secrets) as served:
        key = answer(served, "keys", "create", "store", "--scope", "read", "--scope", "write")["key"]
        job = made(served, key)
        (folder / "s3").mkdir()
        (folder / "s3" / "notification.toml").write_text(
            f'[notification.webhook]\nenabled = true\nendpoint = "{served.url}/v1/hooks/{job}"\n'
            f'bearer_token = "{key}"\npath_prefixes = ["/buckets/{BUCKET}/"]\nevent_types = ["create", "update"]\n'
        )
        with running_s3(folder / "s3") as store:
            store.bucket(BUCKET)
            told = ("--endpoint-url", store.endpoint, "--region", "us-east-1")
            answer(served, "credentials", "create", "lab", *told, *keys("env:STORE_KEY", "env:STORE_SECRET"))
            yield Case(served, store, job, key)


def keys(access_key: str, secret_key: str) -> tuple[str, ...]:
    """The options of references."""
    return ("--access-key", access_key, "--secret-key", secret_key)


def made(served: Served, key: str) -> str:
    """A job that waits for a webhook."""
    wanted: Any = {
        "uri": f"s3://{BUCKET}/in/",
        "model": "churn",
        "version": "1",
        "create": True,
        "type": "binary",
        "columns": {"id": "id", "lists": {"score": ["score"]}},
        "content": "predictions",
        "credentials": "lab",
        "events": "webhook",
        "check": False,
    }
    headers = {"Authorization": f"Bearer {key}"}
    done = requests.post(f"{served.url}/v1/imports", json=wanted, headers=headers, timeout=60)
    assert done.status_code == 201, done.text
    return str(done.json()["id"])


def test_a_store_tells_of_its_objects(case: Case) -> None:
    """P-10: the file is there long before the path is listed again; folders and other prefixes are not files."""
    until(lambda: case.ask("GET", f"/imports/{case.job}").json().get("trouble") is None)
    case.put("in/2026/a b+c.csv")
    case.put("out/b.csv")
    until(lambda: "in/2026/a b+c.csv" in case.names(), seconds=30)
    assert case.names() == {"in/2026/a b+c.csv"}


def test_events_can_be_sent_by_anybody_who_may_write(case: Case) -> None:
    """P-05, P-03: twice without harm; with no key or one that only reads they are refused."""
    case.put("in/late.csv")
    event: Any = {"Records": [RECORD, RECORD]}
    until(lambda: "in/late.csv" in case.names(), seconds=30)
    done = case.ask("POST", f"/hooks/{case.job}", event)
    assert (done.status_code, done.json()) == (200, {"told": 1, "found": 0})
    assert requests.post(f"{case.served.url}/v1/hooks/{case.job}", json=event, timeout=30).status_code == 401
    reading = answer(case.served, "keys", "create", "reader", "--scope", "read")["key"]
    assert case.ask("POST", f"/hooks/{case.job}", event, reading).status_code == 403
    assert case.ask("POST", "/hooks/ffffffff", event).status_code == 404
    assert case.ask("POST", f"/hooks/{case.job}", {"what": 1}).status_code == 400
    code = [{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "512d"}}]
    assert case.ask("POST", f"/hooks/{case.job}", code).json()["validationResponse"] == "512d"


def test_a_paused_job_hears_nothing_and_lists_when_it_is_started(case: Case) -> None:
    """J-04: no object is lost."""
    assert case.ask("POST", f"/imports/{case.job}/pause").status_code == 200
    case.put("in/paused.csv")
    event = {"Records": [{**RECORD, "s3": {"bucket": {"name": BUCKET}, "object": {"key": "in/paused.csv"}}}]}
    assert case.ask("POST", f"/hooks/{case.job}", event).json() == {"told": 1, "found": 0}
    assert "in/paused.csv" not in case.names()
    assert case.ask("POST", f"/imports/{case.job}/start").status_code == 200
    until(lambda: "in/paused.csv" in case.names(), seconds=30)


def test_credentials_are_shown_without_secrets(case: Case) -> None:
    """S-14: and only administrators make them."""
    (found,) = answer(case.served, "credentials", "list")
    assert (found["name"], found["secret_key"]) == ("lab", "env:STORE_SECRET")
    assert "admin-secret" not in json.dumps(found)
    assert case.ask("PUT", "/credentials/mine", {"region": "us-east-1"}).status_code == 403
    refused = command(case.served, "credentials", "create", "bad", *keys("AKIAIOSFODNN7", "env:X"))
    assert (refused.returncode, "AKIAIOSFODNN7" in refused.stderr) == (2, False)
    answer(case.served, "credentials", "create", "gone", "--anonymous")
    assert answer(case.served, "credentials", "delete", "gone") == {"deleted": "gone"}


def test_a_place_is_checked_by_the_server(case: Case) -> None:
    """ER-04: with its own credentials; exit status 1 where something is missing."""
    found = answer(case.served, "credentials", "check", f"s3://{BUCKET}/in/", "--credentials", "lab")
    assert [each["result"] for each in found["steps"]] == ["ok", "ok", "ok"]
    assert found["passed"]
    missing = answer(case.served, "credentials", "check", "s3://not-there/in/", "--credentials", "lab", status=1)
    assert "bucket not found" in missing["steps"][0]["said"]


def test_the_key_of_a_space_is_shown_and_renewed(case: Case) -> None:
    """S-09."""
    first = answer(case.served, "credentials", "key")
    assert first["tag"] == "driftline-ingestion-key"
    assert answer(case.served, "credentials", "key")["key"] == first["key"]
    assert answer(case.served, "credentials", "key", "default", "--renew")["key"] != first["key"]


def test_buckets_must_show_the_key_where_that_is_asked(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ER-13: a job on a bucket without the tag is refused, with the tag that is expected."""
    use(monkeypatch, {})
    home = tmp_path / "home"
    with serving(home, case.store.environment(), DRIFTLINE_PROVE_BUCKETS="true") as served:
        key = answer(served, "keys", "create", "w", "--scope", "read", "--scope", "write")["key"]
        tag = answer(served, "credentials", "key")
        wanted: Any = {"uri": f"s3://{BUCKET}/in/", "model": "churn", "version": "1", "create": True, "type": "binary"}
        wanted |= {"columns": {"id": "id", "lists": {"score": ["score"]}}, "content": "predictions"}
        headers = {"Authorization": f"Bearer {key}"}
        refused = requests.post(f"{served.url}/v1/imports", json=wanted, headers=headers, timeout=60)
        assert (refused.status_code, tag["key"] in refused.text) == (403, True)
        told = {"TagSet": [{"Key": tag["tag"], "Value": f"dlk-other {tag['key']}"}]}
        case.store.client().put_bucket_tagging(Bucket=BUCKET, Tagging=told)
        done = requests.post(f"{served.url}/v1/imports", json=wanted, headers=headers, timeout=60)
        assert done.status_code == 201, done.text
