"""Writes the reference pages from the code: `.venv/bin/python docs/generate.py`; tests see that they are fresh."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from pathlib import Path

import driftline
from driftline import errors
from driftline.cli import COMMANDS
from driftline.formats.formats import FORMATS
from driftline.metrics.metric import METRICS
from driftline.profile.analyzers import ANALYZERS, FORMS
from driftline.storage.storages import STORAGES

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- made by docs/generate.py; do not edit -->\n\n"


def doc(thing: object) -> str:
    """The docstring, as it stands."""
    return inspect.getdoc(thing) or ""


def metrics() -> str:
    """One section a metric: range, what is normal, formula, source."""
    about = "How far a column is from its baseline. `driftline check --measure NAME=LIMIT` sets a limit.\n"
    parts = ["# Distances\n", about]
    for name, found in METRICS.items():
        of = "numbers (sketches)" if found.takes == "sketches" else "numbers (ten bins) and categories (shares)"
        parts.append(f"## `{name}`: {found.title}\n")
        parts.append(f"Range: {found.span}. Normal: {found.normal}. For: {of}.\n\n{prose(found.meaning)}\n")
        parts.append(f"Source: {found.source}.\n")
    return "\n".join(parts)


def prose(text: str) -> str:
    """A docstring with its example as a block of Python."""
    lines = inspect.cleandoc(text).splitlines()
    at = next((place for place, line in enumerate(lines) if line.startswith(">>>")), len(lines))
    example = "\n".join(lines[at:])
    return "\n".join(lines[:at]).strip() + (f"\n\n```python\n{example}\n```" if example else "")


def formats() -> str:
    """One section a format, and where objects may lie."""
    parts = ["# Formats and places\n"]
    for name, found in FORMATS.items():
        parts.append(f"## `--format {name}`\n\n{prose(doc(type(found)))}\n")
    schemes = ", ".join(f"`{scheme}://`" for scheme in STORAGES if scheme)
    parts.append(f"## Places\n\nPaths and {schemes}.\n")
    return "\n".join(parts)


def profile() -> str:
    """The analyzers, and which of them run on a column of which form."""
    parts = ["# What a profile holds\n"]
    for name, found in ANALYZERS.items():
        parts.append(f"## {name}\n\n{prose(doc(found))}\n\n{prose(doc(type(found('x').start())))}\n")
    parts.append("## By form of column\n\n| form | analyzers |\n|---|---|")
    parts.extend(f"| {form} | {', '.join(kind.__name__ for kind in kinds)} |" for form, kinds in FORMS.items())
    return "\n".join(parts) + "\n"


def python() -> str:
    """The public names with their signatures and docstrings."""
    parts = ["# Python\n"]
    for name in driftline.__all__:
        thing = getattr(driftline, name)
        signature = f"{name}{inspect.signature(thing)}" if inspect.isfunction(thing) else name
        if typing.is_typeddict(thing):
            signature = "\n".join([f"class {name}(TypedDict):", *(f"    {key}: {kind}" for key, kind in hints(thing))])
        parts.append(f"## `driftline.{name}`\n\n```python\n{signature}\n```\n\n{prose(doc(thing))}\n")
        if inspect.isclass(thing) and not typing.is_typeddict(thing):
            parts.extend(members(thing, name))
    return "\n".join(parts)


def hints(thing: type) -> list[tuple[str, str]]:
    """The members of a dictionary with types, as they are written."""
    return [(key, kind.__forward_arg__) for key, kind in thing.__annotations__.items()]


def members(thing: type, name: str) -> list[str]:
    """A section for each public method and property that says something of itself."""
    found = []
    for key, value in vars(thing).items():
        described = inspect.getdoc(value.fget if isinstance(value, property) else getattr(thing, key, None))
        if not key.startswith("_") and described and (callable(getattr(thing, key)) or isinstance(value, property)):
            found.append(f"### `{name}.{key}`\n\n{prose(described)}\n")
    return found


def errors_page() -> str:
    """The tree of errors."""
    return (
        f"# Errors\n\n{errors.__doc__ and inspect.cleandoc(errors.__doc__).replace('    ', '')}\n".replace(
            "DriftlineError\n", "```\nDriftlineError\n"
        )
        + "```\n"
    )


def commands() -> str:
    """The help of every command, as it appears."""
    parts = ["# Command line\n", "Exit status: 0 nothing to report, 1 violations, 2 anything else.\n"]
    for command in ["", *COMMANDS]:
        asked = [sys.executable, "-m", "driftline", *([command] if command else []), "--help"]
        surroundings = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "PATH": ""}
        shown = subprocess.run(asked, capture_output=True, text=True, check=True, env=surroundings).stdout
        parts.append(f"## driftline {command}".rstrip() + f"\n\n```text\n{shown.strip()}\n```\n")
    return "\n".join(parts)


PAGES = {
    "metrics.md": metrics,
    "formats.md": formats,
    "profile.md": profile,
    "python.md": python,
    "errors.md": errors_page,
    "command-line.md": commands,
}


def main() -> None:
    """Write every page."""
    REFERENCE.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        (REFERENCE / name).write_text(NOTE + make())


if __name__ == "__main__":
    main()
