"""Models and import jobs over REST, by plain HTTP, against the server's own listener and its worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from driftline.catalog import Catalog, keys
from driftline.server.app import create_app
from driftline.server.listen import Listener
from driftline.settings import Settings

AGE = {"name": "age", "role": "feature", "kind": "numeric"}
VECTOR = {"name": "photo", "role": "raw_input", "kind": "tensor", "dimensions": [768]}
LABEL = {"name": "churned", "role": "actual", "kind": "boolean", "of": "churn"}


@dataclass(frozen=True)
class Api:
    """The REST API of a server, with a key."""

    url: str
    key: str
    settings: Settings
    catalog: Catalog

    def ask(self, method: str, path: str, body: Any = None, status: int = 200, **query: Any) -> Any:
        """The answer, once it has the status."""
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = requests.request(method, f"{self.url}/v1{path}", json=body, params=query, headers=headers, timeout=60)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def told(self, method: str, path: str, body: Any = None, status: int = 400) -> str:
        """The message of a refusal."""
        return str(self.ask(method, path, body, status)["error"]["message"])


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """A server with an empty catalog."""
    settings = Settings(home=tmp_path / "home", requests_per_second=1e6)
    settings.home.mkdir()
    catalog = Catalog(settings.url)
    catalog.migrate()
    with catalog.begin() as tx:
        key = keys.create_api_key(tx, "tests", ["read", "write"], now=datetime.now(UTC))
    listener = Listener(create_app(settings, catalog), "127.0.0.1", 0)
    listener.start()
    yield Api(listener.url, key, settings, catalog)
    listener.stop()
    catalog.close()


def field(told: Mapping[str, Any]) -> dict[str, Any]:
    """A field as answers show it."""
    return {"dimensions": None, "of": None, "whole": False, "required": False, **told}


def test_models_are_made_listed_changed_and_deleted(api: Api) -> None:
    """M-01, M-11: by id and display name, with owner and risk."""
    made = api.ask("POST", "/models", {"id": "churn", "name": "Customer churn", "risk": "High", "owner": "ada"}, 201)
    assert (made["id"], made["name"], made["risk"], made["space"]) == ("churn", "Customer churn", "High", "default")
    assert api.told("POST", "/models", {"id": "churn"}, 409).startswith("model churn: it exists already")
    assert "Did you mean 'churn'" in api.told("GET", "/models/churns", status=404)
    assert api.ask("PATCH", "/models/churn", {"owner": "grace"})["owner"] == "grace"
    assert api.ask("GET", "/models/churn")["name"] == "Customer churn"
    for number in range(3):
        api.ask("POST", "/models", {"id": f"m{number}", "space": "b"}, 201)
    page = api.ask("GET", "/models", limit=2, space="b", sort_by="name", descending=False)
    rest = api.ask("GET", "/models", limit=2, space="b", sort_by="name", descending=False, token=page["next_token"])
    assert [each["id"] for each in [*page["items"], *rest["items"]]] == ["m0", "m1", "m2"]
    assert rest["next_token"] is None
    assert [each["id"] for each in api.ask("GET", "/models", contains="CUST")["items"]] == ["churn"]
    api.ask("DELETE", "/models/churn", status=204)
    api.ask("GET", "/models/churn", status=404)


def test_versions_have_types_and_schemas_that_are_edited(api: Api) -> None:
    """M-02, M-03, M-04, M-05, M-06, D-07: fields by JSON; each version has its own."""
    api.ask("POST", "/models", {"id": "churn"}, 201)
    told = {"version": "v1", "type": "binary", "schema": {"fields": [AGE, VECTOR, LABEL]}}
    made = api.ask("POST", "/models/churn/versions", told, 201)
    assert made["schema"]["fields"] == [field(AGE), field(VECTOR), field(LABEL)]
    api.ask("POST", "/models/churn/versions", {"version": "v2", "type": "ranking"}, 201)
    assert "exists already" in api.told("POST", "/models/churn/versions", told, 409)
    assert [each["version"] for each in api.ask("GET", "/models/churn/versions")["items"]] == ["v1", "v2"]
    shown = api.ask("GET", "/models/churn")
    assert [(each["version"], each["type"], each["fields"]) for each in shown["versions"]] == [
        ("v1", "binary", 3),
        ("v2", "ranking", 0),
    ]
    more = {**AGE, "name": "income", "whole": True}
    put = api.ask("PUT", "/models/churn/versions/v1/schema", {"fields": [AGE, more]})
    assert put["schema"]["fields"] == [field(AGE), field(more)]
    twice = api.told("PUT", "/models/churn/versions/v1/schema", {"fields": [AGE, AGE]})
    assert twice.startswith("field: got 'age', expected names that differ")
    assert "does not begin with '_'" in api.told(
        "PUT", "/models/churn/versions/v1/schema", {"fields": [{**AGE, "name": "_age"}]}
    )
    api.ask("DELETE", "/models/churn/versions/v2", status=204)
    api.ask("GET", "/models/churn/versions/v2", status=404)
