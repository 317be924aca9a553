"""Roles by space: whoever has none in a space neither sees nor changes what is in it, whatever route is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import requests
import schemathesis
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, given, settings
from spaced import JOB, SECRET, SIGNED, Spaced, path_of, routes_of, spaced

from driftline.server import aporia, arize, arthur, web

_SETTINGS = settings(
    max_examples=1, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
_INSTALLED = ("/v1/channels", "/v1/credentials", "/v1/spaces", "/console/alerts/channels/", "/console/settings/")
"""What is the whole installation's, or is named by its space: 403 says no more than that."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spaced]:
    with spaced(tmp_path_factory.mktemp("spaces")) as found:
        yield found


@pytest.fixture(scope="module")
def cases(served: Spaced) -> list[Any]:
    """What each operation of the description may be sent."""
    operations: Any = schemathesis.openapi.from_url(f"{served.url}/openapi.json").get_all_operations()
    return [case for each in operations for case in cases_of(each.ok())]


def asked(served: Spaced, whose: str, cases: list[Any]) -> Iterator[tuple[str, str, Any]]:
    """The answers where it is asked of what is in other spaces."""
    headers = {"Authorization": f"Bearer {served.keys[whose]}"}
    with requests.Session() as session:
        for case in cases:
            told = case.as_transport_kwargs(base_url=served.url, headers=headers)
            told["url"] = served.url + path_of(case.path)
            yield case.method.upper(), case.path, session.request(**told, timeout=30)


def cases_of(operation: Any) -> list[Any]:
    """What an operation may be sent, a few examples."""
    found: list[Any] = []

    @_SETTINGS
    @given(case=operation.as_strategy())
    def attempt(case: Any) -> None:
        found.append(case)

    attempt()
    return found


def test_another_space_is_as_if_it_were_not_there(served: Spaced, cases: list[Any]) -> None:
    """AL-*, DB-*: an administrator of one space asks every operation for what another one has."""
    before = served.kept()
    for method, path, answer in asked(served, "fraud", cases):
        assert SECRET not in answer.text.lower(), (method, path, answer.text)
        assert answer.status_code < 500, (method, path, answer.text)
        if answer.ok and method != "GET":
            assert "{" not in path, (method, path, answer.text)
        if "{" in path and "ingestion-key" not in path and _is_of_a_space(path):
            assert answer.status_code in (400, 404, 422), (method, path, answer.text)
    assert served.kept() == before


def _is_of_a_space(path: str) -> bool:
    return not path.startswith(_INSTALLED)


ASKED: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/v1/models", {"id": "another", "space": "risk"}),
    ("POST", "/v1/models", {"id": "churn", "space": "fraud"}),
    ("POST", "/v1/imports", {"uri": "s3://in/x/", "model": "churn", "version": "v1", "check": False}),
    ("POST", "/v1/imports", {"uri": "s3://in/x/", "model": "churn", "type": "binary", "create": True, "check": False}),
    ("POST", "/v1/access-checks", {"uri": "s3://in/x/", "space": "risk"}),
    ("POST", "/v1/maintenance", {"model": "churn", "until": "2090-01-01T00:00:00Z"}),
    ("POST", "/v1/maintenance", {"until": "2090-01-01T00:00:00Z"}),
    ("POST", "/v1/keys", {"name": "mine", "scopes": ["read"], "spaces": ["risk"]}),
    ("POST", "/v1/keys", {"name": "mine", "scopes": ["read"]}),
    ("PUT", "/v1/credentials/mine", {"region": "x", "space": "fraud"}),
    ("PUT", "/v1/channels/mine", {"kind": "webhook", "config": {}}),
    ("POST", "/graphql", {"query": "{account{organizations{edges{node{spaces{edges{node{id}}}}}}}}"}),
    ("POST", "/graphql", {"query": '{node(id:"risk"){models{edges{node{id}}} importJobs{edges{node{jobId}}}}}'}),
    ("POST", "/graphql", {"query": f'{{node(id:"{JOB}"){{jobId}}}}'}),
    ("POST", "/graphql", {"query": f'mutation{{deleteFileImportJob(input:{{jobId:"{JOB}"}}){{fileImportJob{{id}}}}}}'}),
    ("POST", "/v1/log", {"model_id": "churn", "prediction_id": "1", "features": {"age": 1}}),
    ("GET", "/api/v3/models/churn?id_type=partner_model_id", None),
    ("POST", "/api/v3/models/churn/inferences", [{"inference_id": "1", "inference_data": {"age": 1}}]),
    ("POST", "/v1/controller/graphql", {
        "query": "query q { modelVersionSchema(x: 1) }", "variables": {"modelId": "churn", "modelVersion": "v1"},
    }),
    ("POST", "/api/v1/a/risk/models", {"name": "another", "type": "binary"}),
    ("PUT", "/api/v1/a/risk/models/churn", {"name": "mine"}),
)  # fmt: skip
"""What names things of other spaces elsewhere than in its path."""


@pytest.mark.parametrize("whose", ["fraud", "viewer"])
def test_bodies_that_name_another_space_are_refused(served: Spaced, whose: str) -> None:
    before = served.kept()
    for method, path, body in ASKED:
        headers = {"Authorization": f"Bearer {served.keys[whose]}", "x-api-key": served.keys[whose], "space-id": "risk"}
        answer = requests.request(method, served.url + path, json=body, headers=headers, timeout=30)
        assert answer.status_code < 500, (method, path, answer.text)
        assert whose == "viewer" or SECRET not in answer.text.lower(), (method, path, answer.text)
        assert "errors" in answer.text or not answer.ok or method == "GET" or path.endswith("graphql"), (
            path,
            answer.text,
        )
    assert served.kept() == before


def test_pages_and_routes_of_other_clients_keep_spaces_apart(served: Spaced) -> None:
    """Every route that the description leaves out, as an administrator of another space."""
    before = served.kept()
    session, token = served.signed_in("fraud")
    headers = {"Authorization": f"Bearer {served.keys['fraud']}"}
    for router in (web.router, arize.router, arthur.router, aporia.router):
        for method, path in routes_of(router):
            if path.startswith("/console/sign-"):
                continue
            form, url = path.startswith("/console"), served.url + path_of(path)
            told: dict[str, Any] = {"data": {"token": token}} if form else {"headers": headers, "json": {}}
            answer = (session if form else requests).request(method, url, **told, timeout=30)
            assert SECRET not in answer.text.lower(), (method, path, answer.text)
            assert answer.status_code < 500, (method, path, answer.text)
            if form and "{" in path:
                fit = (400, 403, 404, 422) if path.startswith(_INSTALLED) else (400, 404, 422)
                assert answer.status_code in fit, (method, path, answer.text)
    assert served.kept() == before


def test_a_viewer_changes_nothing(served: Spaced, cases: list[Any]) -> None:
    """One may see what is in the space, and is told that it is not for one to change."""
    before = served.kept()
    for method, path, answer in asked(served, "viewer", cases):
        if method != "GET":
            assert answer.status_code in (403, 422), (method, path, answer.text)
    assert served.kept() == before


def test_an_editor_changes_what_is_in_the_space(served: Spaced) -> None:
    """And nothing beside it, though it sees what all spaces share; SageMaker's things are of the space `default`."""
    headers = {"Authorization": f"Bearer {served.keys['editor']}"}

    def order(method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(method, served.url + path, json=body, headers=headers, timeout=30)

    assert order("PATCH", "/v1/models/churn", {"owner": "ada"}).json()["owner"] == "ada"
    assert order("POST", f"/v1/imports/{JOB}/pause").json()["status"] == "inactive"
    assert order("POST", "/v1/models", {"id": "more", "space": "risk"}).status_code == 201
    assert order("POST", "/v1/models", {"id": "other"}).status_code == 403
    assert [each["name"] for each in order("GET", "/v1/credentials").json()["items"]] == ["vault"]
    assert order("GET", "/v1/schedules").json()["items"] == []
    assert order("DELETE", "/v1/schedules/watched").status_code == 404
    assert order("DELETE", "/v1/models/more").status_code == 204
    assert order("GET", "/v1/me").json()["roles"] == {"risk": ["read", "write"]}


def test_an_administrator_of_a_space_has_its_keys_alone(served: Spaced) -> None:
    """It sees, makes and deletes those, and no other; nor may it give away more than it has."""
    headers = {"Authorization": f"Bearer {served.keys['owner']}"}

    def order(method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(method, served.url + path, json=body, headers=headers, timeout=30)

    names = {each["name"] for each in order("GET", "/v1/keys").json()["items"]}
    assert names == {"editor", "owner", "risk admin"}
    made = order("POST", "/v1/keys", {"name": "new", "scopes": ["read"], "spaces": ["risk"]})
    assert made.status_code == 201 and made.json()["spaces"] == ["risk"]
    for spaces in (["*"], ["fraud"], ["risk", "fraud"]):
        wanted = {"name": "more", "scopes": ["read"], "spaces": spaces}
        assert order("POST", "/v1/keys", wanted).status_code == 403
        assert order("POST", "/v1/access-keys", {"spaces": spaces}).status_code == 403
    assert [order("DELETE", f"/v1/keys/{name}").status_code for name in ("new", "fraud", "viewer")] == [204, 404, 404]
    assert order("POST", "/v1/spaces/risk/ingestion-key").status_code == 201
    assert order("POST", "/v1/spaces/fraud/ingestion-key").status_code == 403
    assert order("PUT", "/v1/channels/all", {"kind": "webhook", "config": {}}).status_code == 403


def test_signed_calls_need_a_role_in_the_space_of_sagemaker(served: Spaced) -> None:
    """AWS's error for a denied action; who may only read describes and lists, and invokes nothing."""

    def client(key: str, service: str = "sagemaker") -> Any:
        told = {"region_name": "us-east-1", "aws_access_key_id": key, "aws_secret_access_key": SIGNED}
        return boto3.client(service, endpoint_url=served.url, **told)

    assert [each["EndpointName"] for each in client("DLVIEW").list_endpoints()["Endpoints"]] == ["shop"]
    assert client("DLVIEW").list_monitoring_schedules()["MonitoringScheduleSummaries"]
    orders: tuple[Callable[[], object], ...] = (
        lambda: client("DLVIEW").stop_monitoring_schedule(MonitoringScheduleName="watched"),
        lambda: client("DLVIEW", "sagemaker-runtime").invoke_endpoint(EndpointName="shop", Body=b"1"),
        lambda: client("DLRISK").describe_endpoint(EndpointName="shop"),
        lambda: client("DLRISK").delete_endpoint(EndpointName="shop"),
    )
    for order in orders:
        with pytest.raises(ClientError) as caught:
            order()
        assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


def test_a_name_that_another_space_has_is_free_in_ones_own(served: Spaced) -> None:
    """Arize's SDK logs to a model by name: it is made with an id of its own, beside the one that is not seen."""
    prediction = {"features": {"n": {"int": "3"}}, "prediction_label": {"numeric": 2.5}}
    sent: dict[str, Any] = {"model_id": "churn", "prediction_id": "1", "prediction": prediction}
    headers = {"Authorization": f"Bearer {served.keys['fraud']}", "Grpc-Metadata-arize-space-id": "fraud"}
    assert requests.post(f"{served.url}/v1/log", json=sent, headers=headers, timeout=30).ok
    models = requests.get(f"{served.url}/v1/models", headers=headers, timeout=30).json()["items"]
    assert [(each["name"], each["space"]) for each in models] == [("churn", "fraud")]
    assert models[0]["id"] != "churn"
