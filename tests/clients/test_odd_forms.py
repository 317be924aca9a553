"""What nobody sends by our own pages: odd forms are answered, not faults; nothing is read that is another's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from spaced import token_of

from driftline.catalog import Catalog, audit, keys, sessions, topics
from driftline.errors import DriftlineError
from driftline.imports.job import Place
from driftline.imports.places import refuse_folder
from driftline.server.app import create_app
from driftline.server.aws.sns import CONFIRMING
from driftline.server.listen import Listener
from driftline.server.web.cookies import SESSION, form_token
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.worker import Worker

DEEP, MANY = "[" * 50_000, "9" * 5000
MODEL = "/console/models/m"
SCHEMA = {"fields": [{"name": "age", "role": "feature", "kind": "numeric"}]}


@dataclass(frozen=True)
class Served:
    """A server that others reach, too, and keys: of all, of the space risk, and of ada, who works elsewhere."""

    url: str
    keys: dict[str, str]
    catalog: Catalog
    folder: Path
    session: requests.Session

    def ask(self, method: str, path: str, body: Any = None, whose: str = "risk") -> requests.Response:
        """The answer of the REST API."""
        headers = {"Authorization": f"Bearer {self.keys[whose]}"}
        return requests.request(method, self.url + path, json=body, headers=headers, timeout=60)

    def form(self, path: str, values: dict[str, str]) -> requests.Response:
        """The answer to a form of the console."""
        token = form_token(self.session.cookies.get(SESSION) or "")
        return self.session.post(self.url + path, data={"token": token, **values}, timeout=60, allow_redirects=False)

    def entries(self, **equal: str) -> list[audit.Entry]:
        """The audit log, the latest first."""
        with self.catalog.read() as tx:
            return list(audit.page(tx, audit.Search(equal)).items)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("forms")
    settings = Settings(home=folder, host="0.0.0.0", allowed_folders=(str(folder / "data"),), requests_per_second=1e6)
    catalog, now = Catalog(settings.url), datetime.now(UTC)
    catalog.migrate()
    roles = {"all": (["read", "write", "admin"], ["*"]), "risk": (["read", "write"], ["risk"])}
    with catalog.begin() as tx:
        made = {name: keys.create_api_key(tx, name, *may, now=now) for name, may in roles.items()}
        ada = sessions.Person("ada", {"risk": frozenset({"read"}), "fraud": frozenset({"read", "write"})})
        made["ada"] = sessions.create_for(tx, ada, now=now, lasting=timedelta(hours=1))
    listener = Listener(
        create_app(settings, catalog, parts=(Worker(catalog, settings, Access()),)), "127.0.0.1", 0
    )  # others could reach it at its host, by which it judges
    listener.start()
    session = requests.Session()
    asked = session.get(f"{listener.url}/console/sign-in", timeout=30).text
    session.post(f"{listener.url}/console/sign-in", data={"key": made["all"], "token": token_of(asked)}, timeout=30)
    found = Served(listener.url, made, catalog, folder, session)
    assert found.ask("POST", "/v1/models", {"id": "m", "space": "risk"}).status_code == 201
    version = {"version": "1", "type": "regression", "schema": SCHEMA}
    assert found.ask("POST", "/v1/models/m/versions", version).status_code == 201
    (folder / "data").mkdir()
    (folder / "data" / "own.json").write_text(json.dumps({"version": 0.0, "features": []}))
    (folder / "secret.json").write_text(json.dumps({"private_key": "kennwort", "features": []}))
    own = {"basis": "training", "constraints": (folder / "data" / "own.json").as_uri()}
    monitor = {"name": "d", "kind": "data-quality", "against": own}
    assert found.ask("POST", "/v1/models/m/monitors", monitor).status_code == 201
    yield found
    listener.stop()
    catalog.close()


FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/console/new/import", {"act": "json", "json": DEEP}),
    ("/console/new/import", {"act": "look", "document": DEEP}),
    ("/console/new/import", {"act": "look", "uri": "/x", "settings": DEEP}),
    ("/console/new/import", {"act": "look", "uri": "/x", "model": "a\0b", "version": "1"}),
    ("/console/new/import", {"act": "json", "json": '{"uri": "/x", "model": "\\ud800", "version": "1"}'}),
    ("/console/new/import", {"act": "json", "json": '{"uri": ["x"], "model": {}, "columns": [1], "policies": 3}'}),
    ("/console/new/import", {"act": "look", "document": '{"columns": [1], "policies": "x"}', "model": "m"}),
    ("/console/new/import", {"act": "look", "document": '{"columns": {"lists": {"id": 3}, "fields": [1]}}'}),
    (f"{MODEL}/versions/1/schema", {"name.²": "x"}),
    (f"{MODEL}/versions/1/schema", {f"name.{MANY}": "x"}),
    (f"{MODEL}/versions/1/schema", {"name.0": "x", "dimensions.0": "²"}),
    (f"{MODEL}/versions/1/schema", {"act": "json", "json": DEEP}),
    (f"{MODEL}/monitors/d/constraints", {"document": "[1]", "mark": "x"}),
    (f"{MODEL}/monitors/d/constraints", {"document": '{"features": NaN}'}),
    (f"{MODEL}/monitors/d/constraints", {"document": DEEP}),
    (f"{MODEL}/monitors/d/constraints/trials", {"document": "[1]"}),
    (f"{MODEL}/monitors/new", {"name": "e", "kind": "data-quality", "settings": DEEP, "where": f"a = {DEEP}"}),
    (f"{MODEL}/edit", {"name": "x\0", "tags": DEEP}),
    (f"{MODEL}/rules", {"kind": "threshold", "name": "r", "where": DEEP}),
    (f"{MODEL}/rules-as-yaml", {"text": "[" * 40_000}),
    (f"{MODEL}/rules-as-yaml", {"text": "- " * 20_000}),
    (f"{MODEL}/rules-as-yaml", {"text": "{a: " * 20_000}),
    ("/console/alerts/acknowledge", {"model": "x" * 300, "cause": "y" * 300}),
    ("/console/alerts/acknowledge", {f"field{each}": "x" for each in range(2500)}),
)


@pytest.mark.parametrize(("path", "values"), FORMS, ids=[f"{place}{path}" for place, (path, _) in enumerate(FORMS)])
def test_an_odd_form_is_answered(served: Served, path: str, values: dict[str, str]) -> None:
    """Nested deeply, of another shape, with numbers that are none: the form again, or what is wrong."""
    assert served.form(path, values).status_code < 500


def test_days_at_the_end_of_time_and_too_many_fields_are_refused(served: Served) -> None:
    for page in ("features?end", "compare?a_to", "compare/quality?b_from"):
        for day in ("9999-12-31", "0001-01-01"):
            assert served.session.get(f"{served.url}{MODEL}/{page}={day}", timeout=30).status_code == 422
    form = dict.fromkeys(map(str, range(2500)), "x")
    assert requests.post(f"{served.url}/console/sign-in", data=form, timeout=30).status_code == 400


def test_a_baseline_is_no_way_to_read_files_of_the_server(served: Served) -> None:
    """Neither by a new monitor nor by a change of one; what a monitor has it keeps."""
    secret, monitors = served.folder / "secret.json", "/v1/models/m/monitors"
    for uri in (secret.as_uri(), f"file://localhost{secret}", f"FILE://{secret}", "s3://bucket/secret.json"):
        for name in ("constraints", "statistics"):
            against = {"basis": "files", name: uri}
            wanted = {"name": "thief", "kind": "data-quality", "against": against}
            assert not served.ask("POST", monitors, wanted).ok
            assert not served.ask("PATCH", f"{monitors}/d", {"against": against}).ok
    assert [each["name"] for each in served.ask("GET", monitors).json()["items"]] == ["d"]
    told = served.ask("GET", f"{monitors}/d").json()["against"]
    assert served.ask("PATCH", f"{monitors}/d", {"against": told}).ok
    assert served.ask("GET", f"{monitors}/d/constraints").json()["document"]["features"] == []


@pytest.mark.parametrize("form", ["file://localhost{}", "FILE://{}", "File://LOCALHOST{}", "file://elsewhere{}"])
def test_a_folder_is_what_is_read_however_it_is_written(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the server runs in a folder that is allowed."""
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    with pytest.raises(DriftlineError):
        refuse_folder(Place(form.format(tmp_path / "other")), [str(tmp_path / "data")], anywhere=False)


def test_who_only_sees_a_space_does_not_read_with_what_it_has(served: Served) -> None:
    """A dry run is with the credentials of the model's space, and of files that its bucket shows."""
    wanted = {"uri": str(served.folder / "data"), "model": "m", "version": "1"}
    assert served.ask("POST", "/v1/imports/dry-run", wanted, "ada").status_code == 403
    assert served.ask("POST", "/v1/imports/dry-run", wanted).ok


def test_rows_are_pushed_by_those_who_work_in_the_space(served: Served) -> None:
    """Into a job of the model's space, by our own API and by other clients'; nothing of others stays behind."""
    sent: list[dict[str, Any]] = [{"partner_inference_id": "1", "inference_data": {"age": 1}}]
    headers = {"Authorization": f"Bearer {served.keys['risk']}"}
    url = f"{served.url}/v1/models/m/files?name=a.csv&version=1"
    answer = requests.post(url, b"id,age\n1,2\n", headers=headers, timeout=30)
    assert answer.status_code == 202
    assert served.ask("POST", "/api/v3/models/m/inferences", sent).ok
    jobs = served.ask("GET", "/v1/imports").json()["items"]
    assert [each["space"] for each in jobs] == ["risk", "risk"]
    kept = sorted(served.folder.rglob("*.jsonl"))
    assert len(kept) == 1
    sent[0]["partner_inference_id"] = "2"
    assert served.ask("POST", "/api/v3/models/m/inferences", sent, "ada").status_code == 403
    assert sorted(served.folder.rglob("*.jsonl")) == kept


def test_orders_are_in_the_log_of_their_space(served: Served) -> None:
    """Once each, so that its administrators see them."""
    for path, body in (("compactions", None), ("forgets", {"ids": ["x"]})):
        answer = served.ask("POST", f"/v1/models/m/{path}", body)
        (entry,) = served.entries(request=answer.headers["x-request-id"])
        assert (entry.action, entry.space, entry.subject, entry.who) == ("done", "risk", "m", "key:risk")


def test_who_confirms_a_subscription_is_in_the_log(served: Served) -> None:
    with served.catalog.begin() as tx:
        keys.put_access_key(tx, keys.AccessKey("DLSIGNER", "s" * 40), note="", now=datetime.now(UTC))
    named = {"aws_access_key_id": "DLSIGNER", "aws_secret_access_key": "s" * 40, "region_name": "us-east-1"}
    client = boto3.client("sns", endpoint_url=served.url, **named)
    arn = client.create_topic(Name="told")["TopicArn"]
    client.subscribe(TopicArn=arn, Protocol="email", Endpoint="ada@example.org")
    with served.catalog.read() as tx:
        (made,) = topics.subscriptions(tx, arn)
    answer = requests.get(served.url + CONFIRMING, params={"topic": arn, "token": made.token}, timeout=30)
    assert answer.ok
    entry = served.entries(who="subscriber")[0]
    assert (entry.kind, entry.action, entry.space) == ("subscription", "changed", "default")
    assert made.token not in json.dumps(entry.change)


def test_methods_that_somebody_makes_up_are_no_new_series(served: Served) -> None:
    for method in ("FOO", "BAR"):
        requests.request(method, f"{served.url}/v1/me", timeout=30)
    headers = {"Authorization": f"Bearer {served.keys['all']}"}
    told = requests.get(f"{served.url}/metrics", headers=headers, timeout=30).text
    assert 'operation="OTHER' in told and "FOO" not in told and "BAR" not in told
