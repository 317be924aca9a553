"""The commands as a user runs them: the real binary, real files, a real S3 server; exit statuses and words."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from s3 import ADMIN, READER, Server

import driftline
from driftline.profile import Profile, decode, encode

NORMAL = pl.DataFrame(
    {
        "age": np.random.default_rng(1).integers(18, 90, 1500),
        "income": np.random.default_rng(2).normal(50, 10, 1500),
        "colour": np.random.default_rng(3).choice(["red", "green", "blue"], 1500),
    }
)
MOVED = NORMAL.with_columns(pl.col("income") + 12)


def run(
    *arguments: object, expected: int = 0, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command and see that its exit status is the expected one."""
    asked = [sys.executable, "-m", "driftline", *map(str, arguments)]
    surroundings = {**os.environ, "COLUMNS": "160", **(env or {})}
    done = subprocess.run(asked, capture_output=True, text=True, env=surroundings, cwd=cwd, check=False)
    assert done.returncode == expected, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and a baseline of the normal part of it."""
    folder = tmp_path_factory.mktemp("data")
    NORMAL.write_parquet(folder / "normal.parquet")
    MOVED.write_csv(folder / "moved.csv")
    run("baseline", folder / "normal.parquet", "--output", folder / "baseline", "--quiet")
    return folder


def names(folder: Path) -> list[str]:
    """The files in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_baseline_and_check_write_sagemakers_files(folder: Path, tmp_path: Path) -> None:
    """BL-01, FL-12: two files, then three and a page; exit status 1; a table with value, limit and reason."""
    assert names(folder / "baseline") == ["constraints.json", "statistics.json"]
    html = tmp_path / "report.html"
    arguments = ["--baseline", folder / "baseline", "--output", tmp_path / "out", "--html", html]
    done = run("check", folder / "moved.csv", *arguments, expected=1)
    assert names(tmp_path / "out") == ["constraint_violations.json", "constraints.json", "statistics.json"]
    assert "income" in done.stdout
    assert "exceeds threshold: 0.1" in done.stdout
    assert "Completed with" in done.stdout or "CompletedWithViolations" in done.stdout
    assert html.read_text().startswith("<!doctype html>") or "<html" in html.read_text()[:200].lower()
    written = json.loads((tmp_path / "out" / "constraint_violations.json").read_text())
    assert {each["constraint_check_type"] for each in written["violations"]} == {"baseline_drift_check"}


def test_no_violation_is_status_0_and_removes_the_old_file(folder: Path, tmp_path: Path) -> None:
    """A folder never tells of violations that are not."""
    run("check", folder / "moved.csv", "--baseline", folder / "baseline", "--output", tmp_path, "--quiet", expected=1)
    run("check", folder / "normal.parquet", "--baseline", folder / "baseline", "--output", tmp_path, "--quiet")
    assert names(tmp_path) == ["constraints.json", "statistics.json"]


def test_json_is_for_machines(folder: Path) -> None:
    """Valid JSON without NaN, the same verdict."""
    done = run("check", folder / "moved.csv", "--baseline", folder / "baseline", "--json", expected=1)
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    assert found["status"] == "CompletedWithViolations"
    assert {each["subject"] for each in found["violations"]} == {"income"}
    profiled = json.loads(run("profile", folder / "moved.csv", "--json").stdout)
    assert [column["name"] for column in profiled["columns"]] == ["age", "income", "colour"]


def test_files_named_one_by_one(folder: Path) -> None:
    """`--statistics` and `--constraints` in place of a folder; constraints alone leave drift out."""
    baseline = folder / "baseline"
    both = ["--statistics", baseline / "statistics.json", "--constraints", baseline / "constraints.json"]
    run("check", folder / "moved.csv", *both, "--quiet", expected=1)
    run("check", folder / "moved.csv", *both[2:], "--quiet")


def test_constraints_edited_by_hand_are_taken(folder: Path, tmp_path: Path) -> None:
    """A threshold of its own for one column, in the SDK's spelling."""
    document = json.loads((folder / "baseline" / "constraints.json").read_text())
    document["features"][1]["monitoring_config_overrides"] = {"distribution_constraints": {"comparison_threshold": 0.9}}
    edited = tmp_path / "constraints.json"
    edited.write_text(json.dumps(document))
    statistics = folder / "baseline" / "statistics.json"
    run("check", folder / "moved.csv", "--statistics", statistics, "--constraints", edited, "--quiet")


def test_other_measures_have_limits(folder: Path) -> None:
    """`--measure` for all columns and for one; `--compatible` leaves them out."""
    same = ["check", folder / "normal.parquet", "--baseline", folder / "baseline", "--quiet"]
    run(*same, "--measure", "psi=0.2", "--measure", "income:ks=0.1")
    run(*same, "--measure", "age:ks=-1", expected=1)
    run(*same, "--measure", "age:ks=-1", "--compatible")


def test_numbers_with_few_values_are_skipped_on_request(tmp_path: Path) -> None:
    """`--strict-aws-quirks`, with and without `--compatible`; the same from Python."""
    pl.DataFrame({"n": [1, 2, 3, 4] * 100}).write_parquet(tmp_path / "before.parquet")
    pl.DataFrame({"n": [7] * 400}).write_parquet(tmp_path / "now.parquet")
    run("baseline", tmp_path / "before.parquet", "--output", tmp_path / "baseline", "--quiet")
    asked = ["check", tmp_path / "now.parquet", "--baseline", tmp_path / "baseline", "--quiet"]
    run(*asked, expected=1)
    run(*asked, "--compatible", expected=1)
    run(*asked, "--strict-aws-quirks")
    run(*asked, "--strict-aws-quirks", "--compatible")
    known = str(tmp_path / "baseline")
    assert driftline.check(tmp_path / "now.parquet", known).violations
    assert not driftline.check(tmp_path / "now.parquet", known, strict_aws_quirks=True).violations


def test_profiles_are_saved_and_merged(folder: Path, tmp_path: Path) -> None:
    """Two saved halves are the whole; a profile can be checked in place of its rows."""
    NORMAL.head(700).write_parquet(tmp_path / "a.parquet")
    NORMAL.tail(800).write_parquet(tmp_path / "b.parquet")
    for name in "ab":
        run("profile", tmp_path / f"{name}.parquet", "--save", tmp_path / f"{name}.profile", "--quiet")
    found = json.loads(run("profile", tmp_path / "*.profile", "--json").stdout)
    assert found["rows"] == 1500
    run("check", tmp_path / "*.profile", "--baseline", folder / "baseline", "--quiet")


@pytest.mark.parametrize("name", ["normal.parquet", "moved.csv"])
def test_the_number_of_jobs_changes_nothing(folder: Path, tmp_path: Path, name: str) -> None:
    """Byte for byte the same files with one job and with eight."""
    for jobs in (1, 8):
        run("baseline", folder / name, "--output", tmp_path / str(jobs), "--jobs", str(jobs), "--quiet")
    for document in ("statistics.json", "constraints.json"):
        assert (tmp_path / "1" / document).read_bytes() == (tmp_path / "8" / document).read_bytes()


def test_large_input_with_any_number_of_jobs(tmp_path: Path) -> None:
    """The same where there are several tasks."""
    rng = np.random.default_rng(5)
    pl.DataFrame({"x": rng.normal(size=400_000), "k": rng.integers(0, 50, 400_000)}).write_parquet(
        tmp_path / "big.parquet", row_group_size=50_000
    )
    for jobs in (1, 3):
        run("baseline", tmp_path / "big.parquet", "--output", tmp_path / str(jobs), "--jobs", str(jobs), "--quiet")
    assert (tmp_path / "1" / "statistics.json").read_bytes() == (tmp_path / "3" / "statistics.json").read_bytes()


def test_columns_expressions_and_options(folder: Path) -> None:
    """F-03, F-04: `--select-expr`, `--columns`, `--exclude`, `--read-option`, `--dataset-format`, `--dry-run`."""
    csv = folder / "moved.csv"

    def columns(*arguments: str) -> list[str]:
        found = json.loads(run("profile", csv, "--json", *arguments).stdout)
        return [column["name"] for column in found["columns"]]

    assert columns("--columns", "age,colour") == ["age", "colour"]
    assert columns("--exclude", "age") == ["income", "colour"]
    assert columns("--select-expr", "cast(income as double) / 2 as half", "--select-expr", "upper(colour) as c") == [
        "half",
        "c",
    ]
    assert columns("--read-option", "header=false") == ["_c0", "_c1", "_c2"]
    assert columns("--dataset-format", '{"csv": {"header": true}}') == ["age", "income", "colour"]
    plan = json.loads(run("profile", csv, "--dry-run", "--json").stdout)
    assert plan["objects"] == [str(csv)]


BAD_CALLS: Sequence[tuple[Sequence[str], str]] = [
    (["check", "{csv}", "--baseline", "{folder}/nowhere"], "constraints.json"),
    (["check", "{csv}"], "--baseline"),
    (["check", "--baseline", "{folder}/baseline"], "INPUT"),
    (["profile", "{folder}/*.nothing"], "nothing"),
    (["profile", "{csv}", "--format", "exel"], "one of csv"),
    (["profile", "{csv}", "--columns", "aeg"], "age"),
    (["profile", "{csv}", "--select-expr", "select 1"], "select"),
    (["profile", "{csv}", "--select-expr", "read_text('/etc/passwd')"], "read_text"),
    (["profile", "{csv}", "--select-expr", "nope + 1"], "nope"),
    (["profile", "{csv}", "--read-option", "header"], "KEY=VALUE"),
    (["profile", "{csv}", "--dataset-format", "{{"], "dataset_format"),
    (["profile", "{csv}", "--jobs", "0"], "jobs"),
    (["profile", "{csv}", "--nonsense"], "--nonsense"),
    (["check", "{csv}", "--baseline", "{folder}/baseline", "--measure", "ppsi=1"], "psi"),
    (["profile", "ftp://host/file.csv"], "s3://"),
    (["profile", "{csv}", "--exclude", "age,income,colour"], "Exclude fewer"),
]


@pytest.mark.parametrize(("arguments", "word"), BAD_CALLS, ids=[" ".join(call) for call, _ in BAD_CALLS])
def test_bad_calls_have_status_2_and_say_what_to_do(folder: Path, arguments: Sequence[str], word: str) -> None:
    """One clear error, no traceback, the word that helps."""
    filled = [each.replace("{csv}", str(folder / "moved.csv")).replace("{folder}", str(folder)) for each in arguments]
    done = run(*filled, expected=2)
    assert "Traceback" not in done.stderr
    assert word in done.stderr


def test_bad_input_is_counted_and_the_rest_is_used(tmp_path: Path) -> None:
    """ER-02, ER-16: a bad row and a bad file never lose the others; `--strict` turns them into failure."""
    (tmp_path / "a.csv").write_text("age,colour\n1,red\n2\n3,blue\n")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 this is cut off")
    found = json.loads(run("profile", tmp_path, "--json").stdout)
    assert (found["rows"], found["problems"]["count"], found["problems"]["rows"]) == (2, 2, 1)
    shown = run("profile", tmp_path).stdout
    assert "expected 2 values, got 1" in shown
    assert "b.parquet" in shown
    assert "expected 2 values" in run("profile", tmp_path / "a.csv", "--strict", expected=2).stderr


@pytest.mark.parametrize("content", ["", "age,colour\n"])
def test_nothing_to_analyse_is_told(tmp_path: Path, content: str) -> None:
    """An empty file, and a file without rows."""
    (tmp_path / "a.csv").write_text(content)
    assert "Traceback" not in run("profile", tmp_path / "a.csv", expected=2).stderr


def test_s3_from_end_to_end(s3: Server, folder: Path, tmp_path: Path) -> None:
    """S-01, S-02: data, baseline and report on a real S3 server, by prefix, as the AWS tools are told of it."""
    bucket = s3.bucket("commands")
    client = s3.client()
    client.upload_file(str(folder / "normal.parquet"), bucket, "train/2026/10/normal.parquet")
    client.upload_file(str(folder / "moved.csv"), bucket, "live/a/b/moved.csv")
    env = s3.environment(ADMIN)
    run("baseline", f"s3://{bucket}/train/", "--output", f"s3://{bucket}/baseline", "--quiet", env=env)
    arguments = ["--baseline", f"s3://{bucket}/baseline/", "--output", f"s3://{bucket}/report"]
    run("check", f"s3://{bucket}/live/", *arguments, "--html", f"s3://{bucket}/report.html", env=env, expected=1)
    keys = [each["Key"] for each in client.list_objects_v2(Bucket=bucket, Prefix="report")["Contents"]]
    assert len(keys) == 4
    flag = ["--endpoint-url", env["AWS_ENDPOINT_URL_S3"]]
    rest = {
        **{key: "" for key in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")},
        **{k: v for k, v in env.items() if "ENDPOINT" not in k},
    }
    run("profile", f"s3://{bucket}/live/", *flag, "--quiet", env=rest)


def test_s3_errors_name_action_and_resource(s3: Server, folder: Path) -> None:
    """ER-04: missing bucket, missing permission, wrong secret, nobody there."""
    bucket = s3.bucket("refusals")
    s3.client().upload_file(str(folder / "moved.csv"), bucket, "a.csv")
    env = s3.environment(ADMIN)
    assert "no-such-bucket" in run("profile", "s3://no-such-bucket/a", env=env, expected=2).stderr
    denied = run(
        "baseline", f"s3://{bucket}/a.csv", "--output", f"s3://{bucket}/b", env=s3.environment(READER), expected=2
    )
    assert "s3:PutObject" in denied.stderr
    wrong = {**env, "AWS_SECRET_ACCESS_KEY": "wrong-secret-key"}
    assert "Traceback" not in run("profile", f"s3://{bucket}/a.csv", env=wrong, expected=2).stderr
    nobody = {**env, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
    assert "127.0.0.1:9" in run("profile", f"s3://{bucket}/a.csv", env=nobody, expected=2).stderr


def test_help_is_quick_and_shows_examples() -> None:
    """Every command has examples; the root imports no data library."""
    assert "Examples" in run("check", "--help").stdout
    asked = "import sys; from driftline.cli import main; main(['--help']); sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False, capture_output=True).returncode == 0


def test_demo_tells_its_story(tmp_path: Path) -> None:
    """The demo needs nothing but the package: it finds the break of April 2019 and stays calm on the census."""
    shown = run("demo", "--output", tmp_path / "demo").stdout
    april = next(line for line in shown.splitlines() if "2019-04" in line)
    assert "car_value" in april
    assert all(
        "none" in line for line in shown.splitlines() if line.strip().startswith(("2018-1", "2019-01", "2016", "2017"))
    )
    assert (tmp_path / "demo" / "car_loan" / "reports" / "2019-04" / "report.html").exists()


def test_a_terminal_without_the_characters_is_no_crash(tmp_path: Path) -> None:
    """Tables then have question marks, JSON has escapes, and the status is that of the verdict."""
    pl.DataFrame({"größe": ["\U0001f600", "x"] * 100}).write_csv(tmp_path / "a.csv")
    surroundings = {"PYTHONIOENCODING": "ascii"}
    assert "gr??e" in run("profile", tmp_path / "a.csv", env=surroundings).stdout
    found = json.loads(run("profile", tmp_path / "a.csv", "--json", env=surroundings).stdout)
    assert found["columns"][0]["name"] == "größe" and found["columns"][0]["frequent"]["\U0001f600"] == 100
    assert "nichts-da-?.csv" in run("profile", "nichts-da-ß.csv", env=surroundings, expected=2).stderr


def piped(data: bytes, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    """Run the command with these bytes on a pipe to it."""
    asked = [sys.executable, "-m", "driftline", *map(str, arguments)]
    return subprocess.run(asked, input=data, capture_output=True, env={**os.environ, "COLUMNS": "160"}, check=False)


def test_a_hyphen_is_standard_input(folder: Path, tmp_path: Path) -> None:
    """Recognised by its content, packed or not; the same verdict as that of the file; beside other inputs too."""
    csv, parquet = (folder / "moved.csv").read_bytes(), (folder / "normal.parquet").read_bytes()
    made = piped(parquet, "baseline", "-", "--output", tmp_path / "baseline")
    assert made.returncode == 0, made.stderr
    for name in ("statistics.json", "constraints.json"):
        assert (tmp_path / "baseline" / name).read_bytes() == (folder / "baseline" / name).read_bytes()
    for data in (csv, gzip.compress(csv)):
        done = piped(data, "check", "-", "--baseline", folder / "baseline", "--json")
        assert done.returncode == 1, done.stderr
        assert {each["subject"] for each in json.loads(done.stdout)["violations"]} == {"income"}
    lines = b"".join(json.dumps(row).encode() + b"\n" for row in NORMAL.head(5).to_dicts())
    both = piped(lines, "profile", "-", folder / "normal.parquet", "--json")
    assert json.loads(both.stdout)["rows"] == 1505


def test_what_is_wrong_with_standard_input_is_told() -> None:
    """Problems name it with their line; nothing at all is status 2; options are told from it."""
    done = piped(b"a,b\n1,2\n3\n", "profile", "-")
    assert done.returncode == 0
    assert b"/dev/stdin" in done.stdout
    empty = piped(b"", "profile", "-")
    assert empty.returncode == 2
    assert b"the file is empty" in empty.stderr
    closed = subprocess.run(
        [sys.executable, "-m", "driftline", "profile", "-"],
        preexec_fn=lambda: os.close(0),
        capture_output=True,
        check=False,
    )
    assert closed.returncode == 2
    assert b"expected data on standard input" in closed.stderr
    assert b"Unknown option" in piped(b"a\n1\n", "profile", "--nothing", "-").stderr


def test_many_saved_profiles(tmp_path: Path) -> None:
    """Two weeks of hours: byte for byte the same with any number of jobs, and compared without rows within a second."""
    rng = np.random.default_rng(11)
    hours = tmp_path / "hours"
    hours.mkdir()
    for hour in range(40):
        table = {f"x{place}": rng.normal(hour % 2, 1, 200) for place in range(99)}
        found = Profile.of(pl.DataFrame({**table, "k": rng.choice(["a", "b"], 200)}).to_arrow())
        (hours / f"{hour:03d}.profile").write_bytes(encode(found))
    for jobs in (1, 3):
        merged = run("profile", hours / "*.profile", "--save", tmp_path / f"{jobs}.profile", "--jobs", jobs, "--json")
        assert json.loads(merged.stdout)["rows"] == 8_000
    assert (tmp_path / "1.profile").read_bytes() == (tmp_path / "3.profile").read_bytes()
    week, other = driftline.baseline(tmp_path / "1.profile"), decode((tmp_path / "3.profile").read_bytes())
    begun = time.perf_counter()
    report = driftline.check(other, week)
    assert time.perf_counter() - begun < 1
    assert not report.violations
