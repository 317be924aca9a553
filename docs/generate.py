"""Writes the reference pages from the code: `.venv/bin/python docs/generate.py`; tests see that they are fresh."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

from fastapi import FastAPI
from pydantic import SecretStr

import driftline
from driftline import errors
from driftline.channels.channels import CHANNELS
from driftline.cli import COMMANDS, GROUPS
from driftline.formats.formats import FORMATS
from driftline.metrics.metric import METRICS, TAKES
from driftline.profile.analyzers import ANALYZERS, FORMS, JOINT
from driftline.server.auth import SCOPES
from driftline.server.aws.models import APIS
from driftline.server.aws.served import OPERATIONS
from driftline.server.openapi import scopes_of
from driftline.server.rest import router
from driftline.settings import Settings
from driftline.storage.storages import STORAGES

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- made by docs/generate.py; do not edit -->\n\n"


def doc(thing: object) -> str:
    """The docstring, as it stands."""
    return inspect.getdoc(thing) or ""


def metrics() -> str:
    """One section a metric: range, what is normal, formula, source."""
    about = (
        "Every number that Driftline computes. Distances say how far a column is from its baseline; "
        "`driftline check --measure NAME=LIMIT` sets a limit on one.\n"
    )
    parts = ["# Metrics\n", about]
    for name, found in METRICS.items():
        parts.append(f"## `{name}`: {found.title}\n")
        parts.append(
            f"Range: {found.span}. Normal: {found.normal}. Of: {TAKES[found.takes]}.\n\n{prose(found.meaning)}\n"
        )
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


def channels() -> str:
    """One section a channel: what arrives, and the members of its configuration."""
    parts = ["# Channels\n", "Secrets are references: `env:NAME` or `file:/path`.\n"]
    for name, found in CHANNELS.items():
        parts.append(f"## `{name}`: {found.title}\n\n{prose(doc(type(found)))}\n")
        parts.append("| member | holds | default | meaning |\n|---|---|---|---|")
        for member in found.members:
            given = "required" if member.required else f"`{member.default}`" if member.default else "none"
            parts.append(f"| `{member.name}` | {member.expected} | {given} | {member.meaning} |")
        parts.append("")
    return "\n".join(parts)


def profile() -> str:
    """The analyzers, and which of them run on a column of which form."""
    parts = ["# What a profile holds\n"]
    for name, found in ANALYZERS.items():
        parts.append(f"## {name}\n\n{prose(doc(found))}\n\n{prose(doc(type(found('x').start())))}\n")
    parts.append("## Of several columns at once\n\nWhat monitors of predictions, labels and explanations ask.\n")
    parts.extend(f"### {name}\n\n{prose(doc(found))}\n" for name, found in JOINT.items())
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
    asked = ["", *COMMANDS, *(" ".join(path) for path in grouped())]
    surroundings = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "PATH": ""}
    program = [sys.executable, "-c", _HELP, *asked]
    shown = subprocess.run(program, capture_output=True, text=True, check=True, env=surroundings).stdout
    for command, said in zip(asked, shown.split(_END), strict=False):
        text = "\n".join(line.rstrip() for line in said.strip().splitlines())
        parts.append(f"## driftline {command}".rstrip() + f"\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


_END = "\x1e"
_HELP = f"""
import sys
from driftline.cli import main
for command in sys.argv[1:]:
    main([*command.split(), "--help"])
    print({_END!r})
"""
"""Prints the help of every command; one process, since starting one takes longer than its help."""


def grouped() -> Iterator[tuple[str, ...]]:
    """Every group of commands, and every command in it."""
    for group in GROUPS:
        yield (group,)
        app = importlib.import_module(f"driftline.commands.{group}").app
        yield from ((group, name) for name in app if not name.startswith("-"))


def settings() -> str:
    """Every setting: its variable, its default, its meaning."""
    about = (
        "What `driftline serve` and `driftline worker` are told from outside. Lists and mappings are JSON: "
        '`DRIFTLINE_IMAGES=\'{"my-monitor:1": "python monitor.py"}\'`. The commands that ask a server read '
        "`DRIFTLINE_URL` and `DRIFTLINE_API_KEY`.\n"
    )
    parts = ["# Settings\n", about, "| variable | default | meaning |\n|---|---|---|"]
    for name, found in Settings.model_fields.items():
        parts.append(f"| `DRIFTLINE_{name.upper()}` | {default(found.default)} | {found.description} |")
    return "\n".join(parts) + "\n"


def default(value: object) -> str:
    """A default as an environment variable would have it."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, tuple | dict | bool):
        value = json.dumps(value)
    return f"`{value}`" if str(value) else "empty"


FAMILIES = {
    "Monitoring schedules, executions, alerts": r"\w*Monitoring(Schedule|Execution|Alert)\w*",
    "Job definitions": r"\w*(DataQuality|ModelQuality|ModelBias|ModelExplainability)JobDefinitions?",
    "Processing jobs": r"\w*ProcessingJobs?",
    "Models, endpoints": r"(Create|Describe|List|Update|Delete)(Model|EndpointConfig|Endpoint)s?",
    "Tags": r"\w*Tags",
}
"""What of SageMaker's API has to do with monitoring: a heading, and which operations."""


def aws_operations() -> str:
    """Which of AWS's operations are served, by families; those of the families that are not are named, too."""
    about = (
        "What the server answers of AWS's own APIs, so that unmodified clients work. Requests are validated and "
        "answers shaped by botocore's models. Any other operation is refused with `UnsupportedOperationException`.\n"
    )
    parts = ["# AWS operations\n", about]
    known = sorted(APIS["sagemaker"].known)
    families = {title: [name for name in known if re.fullmatch(form, name)] for title, form in FAMILIES.items()}
    missed = {name for api, name in OPERATIONS if api == "sagemaker"} - {name for f in families.values() for name in f}
    assert not missed, f"in no family: {missed}"
    for title, names in families.items():
        parts.append(f"## {title}\n\n| operation | served |\n|---|---|")
        parts.extend(f"| `{name}` | {'yes' if ('sagemaker', name) in OPERATIONS else 'no'} |" for name in names)
        parts.append("")
    parts.append("## Other APIs\n\n| API | operation |\n|---|---|")
    parts.extend(f"| {api} | `{name}` |" for api, name in sorted(OPERATIONS) if api != "sagemaker")
    return "\n".join(parts) + "\n"


def rest() -> str:
    """Every path of the REST API, and the values that go in and out."""
    about = (
        "Below `/v1`, by `Authorization: Bearer KEY` with an API key (`driftline keys create`), or signed as AWS "
        'clients sign. A refusal is `{"error": {"code", "message"}}`. A running server has this page at `/docs`, and '
        "for programs at `/openapi.json`.\n\nScopes: "
    )
    scopes = ", ".join(f"`{name}` ({meaning})" for name, meaning in SCOPES.items())
    parts = ["# REST API\n", f"{about}{scopes}.\n"]
    described = FastAPI()
    described.include_router(router)
    document = described.openapi()
    for path, operations in document["paths"].items():
        for method, entry in operations.items():
            scopes = ", ".join(f"`{scope}`" for scope in scopes_of(entry))
            parts.append(f"## {method.upper()} {path}\n\n{entry['description']}\n\nScope: {scopes}.\n")
            parts.extend(operation(entry))
    parts.append("# Values\n")
    for name, schema in document["components"]["schemas"].items():
        if schema.get("type") == "object" and name not in ("HTTPValidationError", "ValidationError"):
            rows = [
                f"| `{key}` | {kind(one)} | {one.get('description', '')} |" for key, one in schema["properties"].items()
            ]
            parts.append(f"## {name}\n\n{schema.get('description', '')}\n\n| member | type | meaning |\n|---|---|---|")
            parts.append("\n".join(rows) + "\n")
        elif "enum" in schema:
            words = schema.get("description", "").partition("\n\n>>>")[0]
            parts.append(f"## {name}\n\n{words}\n\nOne of {kind(schema)}.\n")
    return "\n".join(parts)


def operation(entry: dict[str, typing.Any]) -> Iterator[str]:
    """Parameters, body and answer of a path."""
    rows = [
        f"| `{one['name']}` | {kind(one['schema'])} | {one.get('description', '')} |"
        for one in entry.get("parameters", ())
    ]
    if rows:
        yield "| parameter | type | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    body = entry.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        yield f"Body: {kind(body)}.\n"
    code, said = next((code, said) for code, said in entry["responses"].items() if code < "3")
    schema = said.get("content", {}).get("application/json", {}).get("schema")
    yield f"Answer: {code}{', ' + kind(schema) if schema else ', nothing'}.\n"


def kind(schema: dict[str, typing.Any]) -> str:
    """The type that a JSON schema describes, with a link to a value of the page."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(map(kind, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {kind(schema['items'])}"
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    return str(schema.get("format") or schema.get("type") or "anything")


PAGES = {
    "metrics.md": metrics,
    "formats.md": formats,
    "channels.md": channels,
    "profile.md": profile,
    "python.md": python,
    "errors.md": errors_page,
    "command-line.md": commands,
    "settings.md": settings,
    "aws-operations.md": aws_operations,
    "rest.md": rest,
}


def main() -> None:
    """Write every page."""
    REFERENCE.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        (REFERENCE / name).write_text(NOTE + make())


if __name__ == "__main__":
    main()
