"""`driftline script test` and `--preprocess`, as a user runs them (Q-01, Q-05, Q-07, Q-09, Q-10)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

LINES = ["y,age,note", *(f"{place % 2},{20 + place % 50},1e{place % 3}" for place in range(300))]
SCRIPT = """
    def preprocess_handler(csv_line):
        if csv_line.startswith("y,"):
            return []
        y, age, note = csv_line.split(",")
        print("age", age)
        return {"y": y, "age": int(age), "note": None if note == "-1" else float(note)}
"""


def run(*arguments: object, expected: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command and see that its exit status is the expected one."""
    asked = [sys.executable, "-m", "driftline", *map(str, arguments)]
    surroundings = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(asked, capture_output=True, text=True, env=surroundings, check=False)
    assert done.returncode == expected, done.stdout + done.stderr
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a script and data."""
    (tmp_path / "pre.py").write_text(dedent(SCRIPT))
    (tmp_path / "train.csv").write_text("\n".join(LINES) + "\n")
    return tmp_path


def test_script_test_shows_the_rows_of_the_first_records(folder: Path) -> None:
    done = run("script", "test", folder / "pre.py", folder / "train.csv", "--rows", 4)
    table = [line.split() for line in done.stdout.splitlines() if line.strip() and "─" not in line]
    assert table == [
        ["column", "row", "1", "row", "2", "row", "3"],
        ["age", "20", "21", "22"],
        ["note", "1.0", "10.0", "100.0"],
        ["y", "0", "1", "0"],
    ]
    assert done.stderr.splitlines()[1:] == ["age 20", "age 21", "age 22"]


def test_script_test_tells_where_it_fails(folder: Path) -> None:
    (folder / "train.csv").write_text("\n".join([*LINES[:3], "1,old,3", *LINES[3:]]) + "\n")
    done = run("script", "test", folder / "pre.py", folder / "train.csv", "--json", expected=2)
    found = json.loads(done.stdout)
    assert len(found["rows"]) == 8
    (said,) = found["problems"]
    assert said.startswith("script pre.py line 7: ValueError: invalid literal for int() with base 10: 'old' (at ")
    assert "train.csv line 4)" in said
    assert '  File "pre.py", line 7, in preprocess_handler' in done.stderr


def test_baseline_and_check_with_a_script(folder: Path) -> None:
    script = folder / "pre.py"
    run("baseline", folder / "train.csv", "--preprocess", script, "--output", folder / "baseline", "--quiet")
    found = json.loads((folder / "baseline" / "constraints.json").read_text())
    assert [feature["name"] for feature in found["features"]] == ["age", "note", "y"]
    run("check", folder / "train.csv", "--preprocess", script, "--baseline", folder / "baseline", "--quiet")
    (folder / "moved.csv").write_text("\n".join(line.replace(",2", ",-") for line in LINES) + "\n")
    run("check", folder / "moved.csv", "--preprocess", script, "--baseline", folder / "baseline", "-q", expected=1)


def test_a_script_that_fails_ends_the_command_with_its_line(folder: Path) -> None:
    (folder / "pre.py").write_text("def preprocess_handler(csv_line):\n    return 1 / 0\n")
    done = run("profile", folder / "train.csv", "--preprocess", folder / "pre.py", "--quiet", expected=2)
    assert done.stderr.startswith("driftline: script pre.py line 2: ZeroDivisionError: division by zero (at ")


def test_q10_what_needs_no_script(folder: Path) -> None:
    """Scientific notation, a number that means missing, and lists, by expressions."""
    (folder / "x.jsonl").write_text('{"a": "1e3", "b": -1, "c": [1, 2]}\n{"a": "x", "b": 5, "c": [3, 4]}\n')
    expressions = ["cast(a as double) as a", "nullif(b, -1) as b", "c[0] as c0", "c[1] as c1"]
    asked = [part for each in expressions for part in ("--select-expr", each)]
    found = json.loads(run("profile", folder / "x.jsonl", "--json", *asked).stdout)
    present = {column["name"]: (column["present"], column["numbers"]["mean"]) for column in found["columns"]}
    assert present == {"a": (1, 1000.0), "b": (1, 5.0), "c0": (2, 2.0), "c1": (2, 3.0)}
