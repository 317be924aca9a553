"""The wheel and the sdist: they build, hold what the program needs, and install into an empty environment."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from driftline.version import VERSION

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "driftline"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, the wheel built from the sdist as an installer would do it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT))
    return folder


def run(*command: str, cwd: Path | None = None) -> str:
    """What a command printed; a failure shows all of it."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def shipped() -> set[str]:
    """Every file of the package as it should stand in the wheel."""
    files = (path for path in PACKAGE.rglob("*") if path.is_file())
    return {path.relative_to(PACKAGE.parent).as_posix() for path in files if "__pycache__" not in path.parts}


def test_the_wheel_holds_code_templates_data_and_licences(built: Path) -> None:
    names = set(zipfile.ZipFile(next(built.glob("*.whl"))).namelist())
    assert not shipped() - names
    assert {"driftline/data/car_loan.parquet", "driftline/data/employment.parquet", "driftline/py.typed"} <= names
    assert {name.rsplit("/", 1)[-1] for name in names if "/licenses/" in name} >= {"LICENSE", "NOTICE"}
    assert not [name for name in names if not name.startswith(("driftline/", f"driftline-{VERSION}.dist-info/"))]


def test_the_sdist_holds_what_builds_and_tests_it(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert {"pyproject.toml", "Makefile", "README.md", "LICENSE", "NOTICE", "src/driftline/cli.py"} <= names
    assert any(name.startswith("tests/") for name in names)
    assert not [name for name in names if name.startswith((".venv", "benchmarks/data", "demo-output"))]


def test_the_wheel_installs_into_an_empty_environment(built: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", str(tmp_path / "venv"))
    binaries = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python, driftline = str(binaries / "python"), str(binaries / "driftline")
    run(python, "-m", "pip", "install", "--quiet", "--no-compile", str(next(built.glob("*.whl"))))
    assert VERSION in run(driftline, "--version", cwd=tmp_path)
    run(driftline, "demo", "--output", "demo", cwd=tmp_path)
    written = {path.name for path in (tmp_path / "demo").rglob("*.json")}
    assert {"statistics.json", "constraints.json", "constraint_violations.json"} <= written
    run(python, "-m", "pip", "check")
