"""The documentation: nothing public is missing from it, its links lead somewhere, its commands and snippets work."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import driftline
from driftline.channels.channels import CHANNELS
from driftline.cli import COMMANDS, GROUPS
from driftline.formats.formats import FORMATS
from driftline.metrics.metric import METRICS
from driftline.server.aws.served import OPERATIONS
from driftline.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "src").rglob("*.md")])

Block = tuple[Path, int, str]


def blocks(language: str) -> Iterator[Block]:
    """Every fenced block of a language: page, line, text."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            yield page, text.count("\n", 0, found.start()) + 1, found[1]


def said(page: str) -> str:
    """A page of the reference."""
    return (REFERENCE / page).read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """What `#…` may follow a link to the page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """The program that writes the reference."""
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_code_says(generate: ModuleType) -> None:
    stale = [name for name, make in generate.PAGES.items() if said(name) != generate.NOTE + make()]
    assert not stale, f"run `.venv/bin/python docs/generate.py`; stale: {stale}"


def test_everything_public_is_in_the_reference() -> None:
    places = {
        "python.md": [f"`driftline.{name}`" for name in driftline.__all__],
        "metrics.md": [f"`{name}`" for name in METRICS],
        "channels.md": [f"## `{name}`" for name in CHANNELS],
        "formats.md": [f"`--format {name}`" for name in FORMATS],
        "command-line.md": [f"## driftline {name}" for name in (*COMMANDS, *GROUPS)],
        "settings.md": [f"`DRIFTLINE_{name.upper()}`" for name in Settings.model_fields],
        "aws-operations.md": [f"`{name}`" for _, name in OPERATIONS],
    }
    missing = [f"{page}: {name}" for page, names in places.items() for name in names if name not in said(page)]
    assert not missing


def test_links_lead_somewhere() -> None:
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if target.startswith(("http://", "https://", "mailto:")):
                continue
            path, _, anchor = target.partition("#")
            goal = (page.parent / path).resolve() if path else page
            if not goal.exists() or (anchor and anchor not in anchors(goal)):
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert not broken


def test_every_page_is_reached_from_the_first() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text(encoding="utf-8"))
            waiting += [goal for link in links if (goal := (page.parent / link).resolve()).exists()]
    assert not [str(page.relative_to(ROOT)) for page in DOCS.rglob("*.md") if page not in reached]


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    written = [page for page in PAGES if page.parent.name != "reference"]  # those are made from the code
    named = {target for page in written for target in re.findall(r"\bmake ([a-z-]+)", _code(page))}
    assert named
    assert named <= targets


def _code(page: Path) -> str:
    """What stands in code on a page: fenced blocks and backticks."""
    text = page.read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))


def test_options_that_are_named_exist() -> None:
    known = set(re.findall(r"--[a-z][a-z-]+", said("command-line.md")))
    broken = []
    for page, line, text in blocks("sh"):
        for command in re.findall(r"^driftline .*(?:\\\n.*)*", text, re.MULTILINE):
            parts = command.split()
            unknown = {option for option in re.findall(r"(?<=\s)--[a-z-]+", command)} - known
            known_command = parts[1] in COMMANDS or f"## driftline {' '.join(parts[1:3])}\n" in said("command-line.md")
            if unknown or not known_command:
                broken.append(f"{page.relative_to(ROOT)} line {line}: {command}")
    assert not broken


def test_python_snippets_compile() -> None:
    for page, line, text in blocks("python"):
        if not text.lstrip().startswith((">>>", "{")) and "(self" not in text and "->" not in text:
            compile(text, f"{page}:{line}", "exec")


def test_the_tutorial_works_word_for_word(tmp_path: Path) -> None:
    tutorial = DOCS / "tutorial" / "first-check.md"
    steps = [text for page, _, text in blocks("sh") if page == tutorial and "make setup" not in text]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh"], input="\n".join(steps), capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    statuses = [line for line in done.stdout.splitlines() if line in ("0", "1", "2")]
    assert statuses == ["0", "1"], f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    assert (tmp_path / "may" / "constraint_violations.json").exists()
    assert not (tmp_path / "february" / "constraint_violations.json").exists()
    assert (tmp_path / "may.html").exists()
