"""The REST API as its own OpenAPI document describes it, tried by schemathesis: no answer is a fault of the server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error

from driftline.catalog import Catalog, keys
from driftline.server.app import create_app
from driftline.server.auth import SCOPES
from driftline.server.listen import Listener
from driftline.server.openapi import scopes_of
from driftline.settings import Settings


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a server with an empty catalog, and a key that may do all."""
    home = tmp_path_factory.mktemp("rest")
    catalog = Catalog(f"sqlite:///{home / 'catalog.sqlite'}")
    catalog.migrate()
    with catalog.begin() as tx:
        key = keys.create_api_key(tx, "fuzzer", ["read", "write", "admin"], now=datetime.now(UTC))
    listener = Listener(create_app(Settings(home=home, requests_per_second=1e6), catalog), "127.0.0.1", 0)
    listener.start()
    yield listener.url, key
    listener.stop()
    catalog.close()


def test_no_request_makes_the_rest_api_fail(served: tuple[str, str]) -> None:
    tried = 0
    found: Any
    for found in schemathesis.openapi.from_url(f"{served[0]}/openapi.json").get_all_operations():

        @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=found.ok().as_strategy())
        def attempt(case: Any) -> None:
            answer = case.call(headers={"Authorization": f"Bearer {served[1]}"})
            case.validate_response(answer, checks=[not_a_server_error])

        attempt()
        tried += 1
    assert tried


def test_every_operation_needs_a_key(served: tuple[str, str]) -> None:
    document = requests.get(f"{served[0]}/openapi.json", timeout=10).json()
    for path, operations in document["paths"].items():
        for method in operations:
            assert requests.request(method, served[0] + path, timeout=10).status_code == 401, (method, path)


def test_every_operation_needs_the_scope_that_its_description_names(served: tuple[str, str]) -> None:
    """SE-06: one scope each; a key without it is refused whatever it asks, and the page shows it."""
    document = requests.get(f"{served[0]}/openapi.json", timeout=10).json()
    keys_of = {scope: _key(served, [each for each in SCOPES if each != scope]) for scope in SCOPES}
    page = requests.get(f"{served[0]}/docs", timeout=10).text
    for path, operations in document["paths"].items():
        for method, entry in operations.items():
            (scope,) = scopes_of(entry)
            headers = {"Authorization": f"Bearer {keys_of[scope]}"}
            answer = requests.request(method, served[0] + path, headers=headers, timeout=10)
            assert answer.status_code in (403, 422), (method, path)  # a body is looked at first
            assert answer.status_code == 422 or f"scope '{scope}'" in answer.text
            assert scope == ("admin" if "/keys" in path or "/access-keys" in path else scope)
            assert method == "get" or scope != "read", (method, path)
    assert page.count("Scope: <code>") == sum(map(len, document["paths"].values()))


def _key(served: tuple[str, str], scopes: list[str]) -> str:
    """A key with these scopes."""
    told = {"name": f"only {' '.join(scopes)}", "scopes": scopes}
    headers = {"Authorization": f"Bearer {served[1]}"}
    return str(requests.post(f"{served[0]}/v1/keys", json=told, headers=headers, timeout=10).json()["key"])
