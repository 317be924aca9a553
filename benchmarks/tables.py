"""The results of a run as Markdown tables, for the terminal and for the documentation."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
PACKAGES = ("driftline", "numpy", "pyarrow", "duckdb", "polars")


def machine() -> dict[str, Any]:
    """What the run was made on."""
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"processors": os.cpu_count(), "model": model(), "python": platform.python_version(), "packages": versions}


def model() -> str:
    """The processor's name."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def tables(results: dict[str, Any]) -> str:
    """One table a case, and one for the algebra."""
    found = [_case(case) for case in results["cases"]]
    if "algebra" in results:
        found.append(_algebra(results["algebra"]))
    return "\n".join(found)


def _case(case: dict[str, Any]) -> str:
    head = f"\n**{case['name']}**\n"
    many = len(case["tools"]) + len(case["not measured"]) > 1
    titles = ["tool", "wall s", "CPU s", "peak MiB"]
    titles += ["wall, times Driftline's", "CPU, times Driftline's"] if many else []
    titles += ["records a CPU second"] if case["records"] else []
    rows = [_row(case, tool, many) for tool in case["tools"]]
    rows += [[tool, f"not measured: {why}"] for tool, why in case["not measured"].items()]
    return "\n".join([head, *_markdown(titles, rows)])


def _row(case: dict[str, Any], tool: str, many: bool) -> list[str]:
    ours = next((found for name, found in case["tools"].items() if name.startswith("driftline")), None)
    this = case["tools"][tool]
    row = [tool, f"{this['wall']:.2f}", f"{this['cpu']:.2f}", f"{this['mib']:,.0f}"]
    if many:
        row += [f"{this[key] / ours[key]:.2f}" if ours else "" for key in ("wall", "cpu")]
    return row + ([f"{case['records'] / this['cpu']:,.0f}"] if case["records"] else [])


def _algebra(found: dict[str, Any]) -> str:
    times = [[name, f"{value:.1f} ms"] for name, value in found["milliseconds"].items()]
    sizes = [[name, f"{value / 1024:,.0f} KiB"] for name, value in found["bytes"].items()]
    return "\n".join(["\n**Profiles without rows**\n", *_markdown(["what", "figure"], times + sizes)])


def _markdown(titles: list[str], rows: list[list[str]]) -> list[str]:
    widened = [row + [""] * (len(titles) - len(row)) for row in rows]
    return [_line(titles), _line(["---", *["--:"] * (len(titles) - 1)]), *map(_line, widened)]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def write_docs(results: dict[str, Any]) -> None:
    """Put the tables between the marks of the documentation's page."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    here = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in here["packages"].items())
    said = f"Measured on {results['at'][:10]} with {here['processors']} x {here['model']}, "
    said += f"Python {here['python']}; {versions}."
    PAGE.write_text(f"{before}{BEGIN}\n{said}\n{tables(results)}\n{END}{after}", encoding="utf-8")
