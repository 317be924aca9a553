"""Models and import jobs over REST, by plain HTTP, against the server's own listener and its worker."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from driftline.catalog import Catalog, hours, keys
from driftline.server.app import create_app
from driftline.server.listen import Listener
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.window import Window
from driftline.worker import Worker

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

    def ask(self, method: str, path: str, body: Any = None, code: int = 200, **query: Any) -> Any:
        """The answer, once it has the status."""
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = requests.request(method, f"{self.url}/v1{path}", json=body, params=query, headers=headers, timeout=60)
        assert answer.status_code == code, answer.text
        return answer.json() if answer.content else None

    def told(self, method: str, path: str, body: Any = None, code: int = 400) -> str:
        """The message of a refusal."""
        return str(self.ask(method, path, body, code)["error"]["message"])


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """A server with an empty catalog and a worker."""
    settings = Settings(home=tmp_path / "home", requests_per_second=1e6, workers=1, poll_seconds=0.1)
    settings.home.mkdir()
    catalog = Catalog(settings.url)
    catalog.migrate()
    with catalog.begin() as tx:
        key = keys.create_api_key(tx, "tests", ["read", "write"], now=datetime.now(UTC))
    labour = Worker(catalog, settings, Access())
    listener = Listener(create_app(settings, catalog, parts=(labour,)), "127.0.0.1", 0)
    labour.start()
    listener.start()
    yield Api(listener.url, key, settings, catalog)
    listener.stop()
    labour.stop()
    catalog.close()


def field(told: Mapping[str, Any]) -> dict[str, Any]:
    """A field as answers show it."""
    return {"dimensions": None, "of": None, "whole": False, "required": False, **told}


def test_models_are_made_listed_changed_and_deleted(api: Api) -> None:
    """M-01, M-11: by id and display name, with owner and risk."""
    made = api.ask("POST", "/models", {"id": "churn", "name": "Customer churn", "risk": "High", "owner": "ada"}, 201)
    assert (made["id"], made["name"], made["risk"], made["space"]) == ("churn", "Customer churn", "High", "default")
    assert api.told("POST", "/models", {"id": "churn"}, 409).startswith("model churn: it exists already")
    assert "Did you mean 'churn'" in api.told("GET", "/models/churns", code=404)
    assert api.ask("PATCH", "/models/churn", {"owner": "grace"})["owner"] == "grace"
    assert api.ask("GET", "/models/churn")["name"] == "Customer churn"
    for number in range(3):
        api.ask("POST", "/models", {"id": f"m{number}", "space": "b"}, 201)
    page = api.ask("GET", "/models", limit=2, space="b", sort_by="name", descending=False)
    rest = api.ask("GET", "/models", limit=2, space="b", sort_by="name", descending=False, token=page["next_token"])
    assert [each["id"] for each in [*page["items"], *rest["items"]]] == ["m0", "m1", "m2"]
    assert rest["next_token"] is None
    assert [each["id"] for each in api.ask("GET", "/models", contains="CUST")["items"]] == ["churn"]
    api.ask("DELETE", "/models/churn", code=204)
    api.ask("GET", "/models/churn", code=404)


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
    api.ask("DELETE", "/models/churn/versions/v2", code=204)
    api.ask("GET", "/models/churn/versions/v2", code=404)


def rows(*, start: int = 0, count: int = 100, label: str = "1") -> str:
    """A CSV file of inferences; ids begin with `start`."""
    lines = [f"r{each},2026-10-01T{each % 24:02d}:00:00Z,{each % 70},{label}" for each in range(start, start + count)]
    return "\n".join(["id,at,age,churn", *lines, ""])


def wanted(folder: Path, **more: Any) -> dict[str, Any]:
    """An import job of the folder that makes its model."""
    columns = {"id": "id", "timestamp": "at", "lists": {"prediction": ["churn"]}}
    return {"uri": f"{folder}/", "model": "churn", "version": "v1", "create": True, "columns": columns, **more}


def ended(api: Api, job: str, files: int = 1) -> Any:
    """The job, once so many of its files are not pending."""
    until = time.monotonic() + 60
    while True:
        found = api.ask("GET", f"/imports/{job}")
        counts = found["counts"]
        if counts["done"] + counts["failed"] + counts["skipped"] >= files and not counts["pending"]:
            return found
        assert time.monotonic() < until, found
        time.sleep(0.1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one file."""
    made = tmp_path / "in"
    made.mkdir()
    (made / "a.csv").write_text(rows())
    return made


def test_a_dry_run_shows_which_column_becomes_what_and_writes_nothing(api: Api, folder: Path) -> None:
    """D-01, D-02, D-03, D-05, S-01: within two seconds; the model is not made by it."""
    found = min(
        (api.ask("POST", "/imports/dry-run", wanted(folder)) for _ in range(2)), key=lambda each: each["seconds"]
    )
    assert found["seconds"] < 2
    assert (found["status"], found["file"], found["format"]) == ("passed", f"{folder}/a.csv", "csv")
    assert (found["rows"], found["accepted"], found["rejected"]) == (100, 100, 0)
    assert (found["content"], found["type"], found["faults"], found["warnings"]) == ("predictions", "binary", [], [])
    assert [(each["column"], each["becomes"], each["kind"]) for each in found["columns"]] == [
        ("id", "id", "string"),
        ("at", "timestamp", "string"),
        ("age", "feature", "numeric"),
        ("churn", "prediction", "numeric"),
    ]
    assert found["columns"][2]["samples"] == ["0", "1", "2"]
    assert [each["name"] for each in found["schema"]["fields"]] == ["age", "churn"]
    assert api.ask("GET", "/models")["items"] == []
    assert api.ask("GET", "/imports")["items"] == []
    assert not (api.settings.home / "tables").exists()


def test_a_dry_run_names_the_field_that_mends_what_is_wrong(api: Api, folder: Path) -> None:
    """D-03, D-06, D-08, C-11: what, where, and which field of the schema or columns to edit."""
    columns = {"id": "uuid", "timestamp": "at", "lists": {"prediction": ["churn"]}}
    found = api.ask("POST", "/imports/dry-run", wanted(folder, columns=columns))
    assert found["status"] == "failed"
    (fault,) = found["faults"]
    assert (fault["code"], fault["column"], fault["field"]) == ("Missing_Columns", "uuid", "id")
    assert "no column 'uuid'" in fault["message"]
    (folder / "b.csv").write_text(rows(count=3, label="1").replace("2026-10-01T01", "1926-10-01T01"))
    found = api.ask("POST", "/imports/dry-run", wanted(folder, file="b.csv"))
    assert (found["status"], found["accepted"], found["rejected"]) == ("passed", 2, 1)
    (fault,) = found["faults"]
    assert (fault["code"], fault["row"], fault["column"], fault["rows"]) == ("Invalid_Timestamp_Value", 2, "at", [2])
    assert fault["value"] == "1926-10-01T01:00:00Z"
    none = api.ask("POST", "/imports/dry-run", wanted(folder / "nowhere"))
    assert (none["status"], none["faults"][0]["code"]) == ("failed", "No_Files")
    assert "one below" in api.told("POST", "/imports/dry-run", wanted(folder, file="/etc/passwd"))
    unknown = api.told("POST", "/imports/dry-run", wanted(folder, create=False), 404)
    assert unknown.startswith("model not found: churn")


def test_a_job_of_a_pasted_path_imports_what_is_there_and_what_comes(api: Api, folder: Path) -> None:
    """J-01, J-03, J-07, J-08, J-18, R-09, S-01: counts of files and rows; each file with its own."""
    made = api.ask("POST", "/imports", wanted(folder, policies={"poll_seconds": 1}), 201)
    assert (made["status"], made["type"], made["content"]) == ("active", "binary", "predictions")
    assert ended(api, made["id"])["counts"]["accepted"] == 100
    (folder / "b.csv").write_text(rows(start=90, count=20) + "r200,1926-10-01T00:00:00Z,3,1\n")
    found = ended(api, made["id"], 2)
    counts = {"rows": 121, "accepted": 110, "rejected": 1, "duplicate": 10}
    assert {name: found["counts"][name] for name in counts} == counts
    assert found["looked"] is not None
    assert found["listed"]
    assert found["trouble"] is None
    first, second = api.ask("GET", f"/imports/{made['id'][:8]}/files")["items"]
    assert (first["uri"], first["rows"], first["accepted"], first["attempts"]) == (f"{folder}/a.csv", 100, 100, 1)
    assert second["rows"] == second["accepted"] + second["rejected"] + second["duplicate"] == 21
    (fault,) = api.ask("GET", f"/files/{second['number']}")["faults"]
    assert (fault["code"], fault["row"], fault["column"]) == ("Invalid_Timestamp_Value", 21, "at")
    (reject,) = api.ask("GET", f"/files/{second['number']}/rejects")["items"]
    assert (reject["row"], reject["code"], reject["values"]["id"]) == (21, "Invalid_Timestamp_Value", "r200")
    page = api.ask("GET", f"/imports/{made['id']}/files", limit=1)
    rest = api.ask("GET", f"/imports/{made['id']}/files", limit=1, token=page["next_token"])
    assert [each["number"] for each in rest["items"]] == [second["number"]]
    assert api.ask("GET", f"/imports/{made['id']}/files", status="failed")["items"] == []
    (listed,) = api.ask("GET", "/imports", search="CHU", status="active")["items"]
    assert listed["counts"] == found["counts"]
    assert api.ask("GET", "/imports", search="other")["items"] == []


def test_jobs_are_edited_paused_started_and_deleted(api: Api, folder: Path) -> None:
    """J-04, J-05: what is immutable stays; a deleted job is still listed, its rows stay (J-15)."""
    made = api.ask("POST", "/imports", wanted(folder), 201)
    path = f"/imports/{made['id']}"
    ended(api, made["id"])
    assert api.ask("POST", f"{path}/pause")["status"] == "inactive"
    assert "Start it first" in api.told("POST", f"{path}/looks", code=409)
    change = {"columns": {**wanted(folder)["columns"], "exclude": ["age"]}, "policies": {"rewritten": "replace"}}
    edited = api.ask("PATCH", path, {**change, "reading": {"settings": {"separator": ","}}})
    assert edited["columns"]["exclude"] == ["age"]
    assert (edited["policies"]["rewritten"], edited["settings"]) == ("replace", {"separator": ","})
    again = api.ask("PATCH", path, {"policies": {"past_days": 7}})
    assert (again["policies"]["rewritten"], again["policies"]["past_days"]) == ("replace", 7), "the rest stays"
    api.told("PATCH", path, {"uri": "elsewhere"}, 422)
    assert api.ask("POST", f"{path}/start")["status"] == "active"
    assert "feeds it" in api.told("DELETE", "/models/churn", code=409)
    assert api.ask("DELETE", path)["status"] == "deleted"
    assert "is deleted" in api.told("POST", f"{path}/start", code=409)
    assert [each["status"] for each in api.ask("GET", "/imports")["items"]] == ["deleted"]
    assert api.ask("GET", path)["counts"]["accepted"] == 100
    api.ask("DELETE", "/models/churn", code=204)


def test_a_bad_file_stops_nothing_and_is_read_again_on_demand(api: Api, folder: Path) -> None:
    """J-11: a failed file says why; a retry of one that did not fail is refused."""
    (folder / "b.parquet").write_bytes(b"PAR1 this is none")
    made = api.ask("POST", "/imports", wanted(folder), 201)
    found = ended(api, made["id"], 2)
    assert (found["counts"]["done"], found["counts"]["failed"]) == (1, 1)
    good, bad = sorted(api.ask("GET", f"/imports/{made['id']}/files")["items"], key=lambda each: each["uri"])
    assert (bad["status"], bad["faults"][0]["code"]) == ("failed", "Unreadable_File")
    assert "is done, not failed" in api.told("POST", f"/files/{good['number']}/retries", code=409)
    assert api.ask("POST", f"/files/{bad['number']}/retries", code=202)["status"] == "pending"
    assert ended(api, made["id"], 2)["counts"]["failed"] == 1


def test_labels_of_a_second_job_join_the_model(api: Api, folder: Path, tmp_path: Path) -> None:
    """J-12, J-13, C-04: what the files hold is told from their columns; the schema grows by the label."""
    ended(api, api.ask("POST", "/imports", wanted(folder), 201)["id"])
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "l.csv").write_text("id,churned\n" + "".join(f"r{each},{each % 2}\n" for each in range(50)))
    columns = {"id": "id", "lists": {"actual": ["churned"]}}
    made = api.ask("POST", "/imports", wanted(labels, columns=columns), 201)
    assert made["content"] == "actuals"
    assert ended(api, made["id"])["counts"]["accepted"] == 50
    fields = api.ask("GET", "/models/churn/versions/v1")["schema"]["fields"]
    assert [(each["name"], each["role"], each["of"]) for each in fields] == [
        ("age", "feature", None),
        ("churn", "prediction", None),
        ("churned", "actual", "churn"),
    ]


def test_an_uploaded_file_is_imported_once(api: Api, folder: Path) -> None:
    """S-15: an upload is an import with the same rules; the same bytes again change nothing."""
    fields = [AGE, {"name": "churn", "role": "prediction", "kind": "numeric"}]
    api.ask("POST", "/models", {"id": "churn"}, 201)
    api.ask("POST", "/models/churn/versions", {"version": "v1", "type": "binary", "schema": {"fields": fields}}, 201)
    columns = json.dumps({"id": "id", "timestamp": "at"})
    for _ in range(2):
        answer = requests.post(
            f"{api.url}/v1/models/churn/files",
            params={"version": "v1", "name": "today.csv", "columns": columns},
            data=rows().encode(),
            headers={"Authorization": f"Bearer {api.key}", "Content-Type": "application/octet-stream"},
            timeout=60,
        )
        assert answer.status_code == 202, answer.text
        file = answer.json()
        assert ended(api, file["job"])["counts"]["accepted"] == 100
    (kept,) = api.ask("GET", f"/imports/{file['job']}/files")["items"]
    assert (kept["number"], kept["accepted"]) == (file["number"], 100)


def cleared(api: Api, given: Any) -> Any:
    """The order, once it was carried out."""
    until = time.monotonic() + 60
    while True:
        found = api.ask("GET", f"/models/{given['model']}/clearings/{given['id']}")
        if found["ended"] is not None:
            return found
        assert time.monotonic() < until, found
        time.sleep(0.1)


def count(api: Api) -> int:
    """Rows of the hours' profiles of the model."""
    with api.catalog.read() as tx:
        window = Window(datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
        return sum(hours.hours(tx, hours.Subject("churn", "v1", "production"), window).values())


def test_rows_are_shown_with_the_file_and_row_they_came_from(api: Api, folder: Path) -> None:
    """J-08: pages of rows by time, id and file; the table itself is named for other tools."""
    job = api.ask("POST", "/imports", wanted(folder), 201)
    ended(api, job["id"])
    (file,) = api.ask("GET", f"/imports/{job['id']}/files")["items"]
    page = api.ask("GET", "/models/churn/rows", version="v1", limit=60)
    rest = api.ask("GET", "/models/churn/rows", version="v1", limit=60, token=page["next_token"])
    assert sorted(each["id"] for each in [*page["items"], *rest["items"]]) == sorted(f"r{each}" for each in range(100))
    assert rest["next_token"] is None
    (row,) = api.ask("GET", "/models/churn/rows", version="v1", id="r7")["items"]
    assert (row["file"], row["row"], row["values"]) == (file["number"], 8, {"age": 7.0, "churn": 1})
    assert row["time"] == "2026-10-01T07:00:00Z"
    span: dict[str, Any] = {"since": "2026-10-01T07:00:00Z", "until": "2026-10-01T08:00:00Z"}
    assert len(api.ask("GET", "/models/churn/rows", version="v1", **span)["items"]) == 4
    assert api.ask("GET", "/models/churn/rows", version="v1", file=file["number"] + 1)["items"] == []
    inferences, actuals = api.ask("GET", "/models/churn/tables")["items"]
    assert (inferences["kind"], inferences["version"], inferences["files"]) == ("inferences", "v1", 1)
    assert Path(inferences["uri"], "_delta_log").is_dir()
    assert (actuals["kind"], actuals["snapshot"]) == ("actuals", None)
    history = api.ask("GET", "/models/churn/tables/history", version="v1")["items"]
    assert [each["snapshot"] for each in history] == list(range(len(history)))[::-1]
    assert history[0]["operation"] == "import"
    api.ask("GET", "/models/churn/tables/history", code=404)


def test_a_subjects_rows_are_removed_everywhere(api: Api, folder: Path) -> None:
    """The rows of one id go, from table, profiles and rejected rows; others stay."""
    (folder / "a.csv").write_text(rows() + "r7,1926-10-01T00:00:00Z,3,1\n")
    job = api.ask("POST", "/imports", wanted(folder), 201)
    ended(api, job["id"])
    assert count(api) == 100
    done = cleared(api, api.ask("POST", "/models/churn/forgets", {"ids": ["r7", "r8", "nobody"]}, 202))
    assert (done["kind"], done["rows"]) == ("forget", 3)
    assert api.ask("GET", "/models/churn/rows", version="v1", id="r7")["items"] == []
    assert len(api.ask("GET", "/models/churn/rows", version="v1", limit=200)["items"]) == 98
    assert count(api) == 98
    (file,) = api.ask("GET", f"/imports/{job['id']}/files")["items"]
    assert api.ask("GET", f"/files/{file['number']}/rejects")["items"] == []
    orders = list(Path(api.settings.tables_root).rglob("orders/*.json"))
    assert len(orders) == 1
    assert "r7" not in orders[0].read_text()


def test_a_deleted_job_is_purged_and_its_rows_can_come_again(api: Api, folder: Path) -> None:
    """J-15: deleting keeps the rows, a purge takes them out; then another job may bring them."""
    first = api.ask("POST", "/imports", wanted(folder), 201)
    ended(api, first["id"])
    assert "Delete it first" in api.told("POST", f"/imports/{first['id']}/purges", code=409)
    api.ask("DELETE", f"/imports/{first['id']}")
    assert count(api) == 100
    done = cleared(api, api.ask("POST", f"/imports/{first['id']}/purges", code=202))
    assert (done["kind"], done["job"], done["rows"]) == ("purge", first["id"], 100)
    assert count(api) == 0
    assert api.ask("GET", "/models/churn/rows", version="v1")["items"] == []
    again = cleared(api, api.ask("POST", f"/imports/{first['id']}/purges", code=202))
    assert again["rows"] == 0
    second = api.ask("POST", "/imports", wanted(folder), 201)
    assert ended(api, second["id"])["counts"]["accepted"] == 100
    assert count(api) == 100


def test_old_rows_go_and_tables_are_tidied(api: Api, folder: Path) -> None:
    """Retention by days, compaction that readers do not notice."""
    (folder / "b.csv").write_text(rows(start=200).replace("2026-10-01", "2026-10-02"))
    ended(api, api.ask("POST", "/imports", wanted(folder), 201)["id"], 2)
    before = {"before": "2026-10-02T12:00:00Z"}
    assert cleared(api, api.ask("POST", "/models/churn/retentions", before, 202))["rows"] == 100
    left = api.ask("GET", "/models/churn/rows", version="v1", limit=200)["items"]
    assert {each["time"][:10] for each in left} == {"2026-10-02"}
    assert cleared(api, api.ask("POST", "/models/churn/compactions", code=202))["kind"] == "compact"
    assert len(api.ask("GET", "/models/churn/rows", version="v1", limit=200)["items"]) == 100
