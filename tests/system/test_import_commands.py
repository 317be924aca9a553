"""`driftline models` and `driftline imports`: against a real server and S3 store, and without a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from s3 import Server
from serving import ACCESS_KEY, SECRET_KEY, Served, serving

BUCKET = "import-commands"
OPTIONS = ("--model", "churn", "--type", "binary", "--id-column", "id", "--timestamp-column", "at")
COLUMNS = ("--features-prefix", "f/", "--predictions", "churn")


def rows(start: int = 0, count: int = 50, day: str = "2026-10-01") -> bytes:
    """A CSV file of inferences."""
    lines = [f"r{each},{day}T{each % 24:02d}:00:00Z,{each % 70},Rome,1" for each in range(start, start + count)]
    return "\n".join(["id,at,f/age,f/city,churn", *lines, ""]).encode()


@pytest.fixture(scope="module")
def server(s3: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server, and a bucket with two files and one that is none."""
    s3.bucket(BUCKET)
    for name, data in (("a.csv", rows()), ("deep/er/b.csv", rows(40, 30)), ("_SUCCESS", b"")):
        s3.client().put_object(Bucket=BUCKET, Key=f"churn/serving/{name}", Body=data)
    with serving(tmp_path_factory.mktemp("imports") / "home", s3.environment()) as found:
        yield found


def command(*arguments: str, told: Mapping[str, str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`driftline` with these arguments and surroundings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRIFTLINE_"))}
    environment |= {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", **told}
    line = [str(Path(sys.executable).parent / "driftline"), *arguments]
    return subprocess.run(line, capture_output=True, text=True, env=environment, check=False, timeout=120, cwd=cwd)


def ask(server: Served, *arguments: str, status: int = 0) -> str:
    """What the command printed, after it exited with this status."""
    told = {"DRIFTLINE_URL": server.url, "DRIFTLINE_ACCESS_KEY": ACCESS_KEY, "DRIFTLINE_SECRET_KEY": SECRET_KEY}
    done = command(*arguments, told=told)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout if status < 2 else done.stderr


def answer(server: Served, *arguments: str, status: int = 0) -> Any:
    """The same as JSON."""
    return json.loads(ask(server, *arguments, "--json", status=status))


def test_from_a_pasted_path_to_rows_in_a_table(server: Served) -> None:
    """S-01, S-02, J-08, J-17, D-05: tried, made, followed until nothing is pending; then shown file by file."""
    path = f"s3://{BUCKET}/churn/serving/"
    shown = ask(server, "imports", "create", path, *OPTIONS, *COLUMNS, "--dry-run")
    for said in ("dry run     passed", "csv", "f/age", "feature", "numeric", "0, 1, 2", "50 accepted, 0 rejected"):
        assert said in shown
    made = answer(server, "imports", "create", path, *OPTIONS, *COLUMNS, "--follow")
    counts = {"pending": 0, "done": 2, "failed": 0, "skipped": 1, "rows": 80, "accepted": 70, "rejected": 0}
    assert made["counts"] == {**counts, "duplicate": 10}
    shown = ask(server, "imports", "show", made["id"][:8])
    assert "2 done, 1 skipped" in shown
    assert "80 = 70 accepted + 0 rejected + 10 duplicate" in shown
    assert "id = id, timestamp = at, feature = f/*, prediction = churn" in shown
    listed = ask(server, "imports", "list", "--search", "churn")
    assert made["id"][:8] in listed and path in listed
    files = answer(server, "imports", "files", made["id"])
    assert sorted((each["uri"].removeprefix(path), each["status"]) for each in files) == [
        ("_SUCCESS", "skipped"),
        ("a.csv", "done"),
        ("deep/er/b.csv", "done"),
    ]
    assert "10 duplicate" in ask(server, "imports", "file", _number(files, "b.csv"))
    (row,) = answer(server, "models", "rows", "churn", "v1", "--row-id", "r60")
    assert row["values"] == {"age": 60.0, "city": "Rome", "churn": 1}
    assert "inferences  v1" in ask(server, "models", "tables", "churn")
    assert made["id"] in ask(server, "models", "show", "churn")
    pasted = f"https://{BUCKET}.s3.amazonaws.com/churn/nothing/"
    empty = answer(server, "imports", "create", pasted, *OPTIONS, *COLUMNS, "--dry-run", status=1)
    assert "no files at s3://import-commands/churn/nothing/" in empty["faults"][0]["message"]


def _number(files: list[dict[str, Any]], name: str) -> str:
    return str(next(each["number"] for each in files if each["uri"].endswith(name)))


def test_what_is_wrong_names_the_option_that_mends_it(server: Served) -> None:
    """D-06, D-08: `fix schema` says the very option."""
    path = f"s3://{BUCKET}/churn/serving/a.csv"
    wrong = ("--model", "other", "--type", "binary", "--id-column", "Id", "--predictions", "churn")
    shown = ask(server, "imports", "create", path, *wrong, "--dry-run", status=1)
    assert "error Missing_Columns: no column 'Id'" in shown
    assert "fix schema: --id-column id" in shown
    refused = ask(server, "imports", "create", path, *wrong, status=2)
    assert "the dry run failed: no column 'Id'" in refused
    assert "Nothing was made." in refused
    assert "model not found: nobody" in ask(server, "models", "show", "nobody", status=2)


def test_who_follows_a_job_that_cannot_look_is_told(server: Served, s3: Server) -> None:
    """J-08: by what it says, and by the exit status."""
    bucket = s3.bucket("import-commands-gone")
    s3.client().put_object(Bucket=bucket, Key="in/a.csv", Body=rows(900, 5))
    made = answer(
        server, "imports", "create", f"s3://{bucket}/in/", "--model", "gone", *OPTIONS[2:], *COLUMNS, "--follow"
    )
    s3.client().delete_object(Bucket=bucket, Key="in/a.csv")
    s3.client().delete_bucket(Bucket=bucket)
    shown = ask(server, "imports", "look", made["id"], "--follow", status=1)
    assert f"trouble  bucket not found: {bucket}" in " ".join(shown.split("\n")).replace("trouble   ", "trouble  ")


def test_jobs_are_paused_edited_deleted_and_purged(server: Served, s3: Server) -> None:
    """J-04, J-05, J-15: from the command line."""
    s3.client().put_object(Bucket=BUCKET, Key="churn/second/a.csv", Body=rows(500, 20))
    path = f"s3://{BUCKET}/churn/second/"
    made = answer(server, "imports", "create", path, "--model", "churn", *OPTIONS[4:], *COLUMNS, "--follow")
    id = made["id"][:13]
    assert "inactive" in ask(server, "imports", "pause", id)
    edited = ask(server, "imports", "edit", id, "--rewritten", "replace", "--poll-seconds", "60")
    assert "rewritten = replace, poll_seconds = 60.0" in edited
    edited = ask(server, "imports", "edit", id, "--exclude", "note", "--past-days", "9")
    assert "rewritten = replace, past_days = 9.0, poll_seconds = 60.0" in edited
    assert "id = " in edited and "excluded: note" in edited, "what is not given stays"
    assert "active" in ask(server, "imports", "start", id)
    assert answer(server, "imports", "look", id, "--follow")["counts"]["accepted"] == 20
    assert "import jobs feed it" in ask(server, "models", "delete", "churn", status=2)
    assert "Delete it first" in ask(server, "imports", "purge", id, "--yes", status=2)
    assert "deleted" in ask(server, "imports", "delete", id)
    assert "20 rows of churn v1 would go; --yes removes them" in ask(server, "imports", "purge", id)
    assert answer(server, "imports", "purge", id, "--yes")["rows"] == 20
    assert answer(server, "models", "rows", "churn", "v1", "--row-id", "r500") == []
    assert "rows   1" in ask(server, "models", "forget", "churn", "--row-id", "r1")
    assert answer(server, "models", "rows", "churn", "v1", "--row-id", "r1") == []


def test_models_and_schemas_by_command(server: Served, tmp_path: Path) -> None:
    """M-01, M-02, M-11, D-07: a schema is shown, edited as JSON, and put."""
    shown = ask(server, "models", "create", "loans", "--name", "Car loans", "--risk", "high", "--tag", "team=a")
    assert "Car loans" in shown and "High" in shown
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps([{"name": "age", "role": "feature", "kind": "numeric"}]))
    ask(server, "models", "add-version", "loans", "v1", "--type", "regression", "--schema", str(schema))
    document = answer(server, "models", "schema", "loans", "v1")
    document["fields"].append({"name": "photo", "role": "raw_input", "kind": "tensor", "dimensions": [768]})
    schema.write_text(json.dumps(document))
    assert "tensor (768)" in ask(server, "models", "schema", "loans", "v1", "--put", str(schema))
    assert "--tag: got 'x', expected NAME=VALUE" in ask(server, "models", "change", "loans", "--tag", "x", status=2)
    assert "owner" in ask(server, "models", "change", "loans", "--owner", "ada")
    ask(server, "models", "delete-version", "loans", "v1")
    assert answer(server, "models", "delete", "loans") == {"deleted": "loans"}


def test_an_upload_is_followed_and_its_bad_rows_are_shown(server: Served, tmp_path: Path) -> None:
    """S-15, R-10: a file of this machine; exit status 1 where rows were rejected."""
    ask(server, "models", "create", "uploads")
    schema = tmp_path / "schema.json"
    fields = [("f/age", "feature", "numeric"), ("churn", "prediction", "numeric")]
    schema.write_text(json.dumps([dict(zip(("name", "role", "kind"), each, strict=True)) for each in fields]))
    ask(server, "models", "add-version", "uploads", "v1", "--type", "binary", "--schema", str(schema))
    path = tmp_path / "today.csv"
    path.write_bytes(rows(count=5) + b"r9,soon,3,Rome,1\n")
    told = ("--model", "uploads", "--id-column", "id", "--timestamp-column", "at", "--follow")
    found = answer(server, "imports", "upload", str(path), *told, status=1)
    assert (found["rows"], found["accepted"], found["rejected"]) == (6, 5, 1)
    shown = ask(server, "imports", "rejects", str(found["number"]))
    assert "Invalid_Timestamp" in shown and "id=r9" in shown


def test_once_needs_no_server(tmp_path: Path) -> None:
    """J-13: a folder becomes a table in one command; again, only new files are read."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_bytes(rows())
    line = ("imports", "once", "in/", *OPTIONS, *COLUMNS)
    done = command(*line, told={}, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "50 = 50 accepted + 0 rejected + 0 duplicate" in done.stdout
    (folder / "b.csv").write_bytes(rows(100, 10) + b"r900,1926-10-01T00:00:00Z,3,Rome,1\n")
    done = command(*line, "--json", told={}, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert (found["counts"]["done"], found["counts"]["rows"], found["counts"]["rejected"]) == (2, 61, 1)
    assert Path(found["tables"]["inferences"], "_delta_log").is_dir()
    wrong = command("imports", "once", "in/", "--model", "x", "--id-column", "no", told={}, cwd=tmp_path)
    assert wrong.returncode == 2
    assert "fix schema: --id-column COLUMN" in wrong.stdout
