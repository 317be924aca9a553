"""Measures Driftline beside its peers in one run: each tool in a process of its own, several times in turn.

`make bench` runs it with the defaults (about 15 minutes on two processors); `make bench BENCH=--quick` takes one. Only
ratios of one run mean something: wall times of shared machines do not. The results are printed and kept as JSON in
`benchmarks/results`; `--write-docs` puts the tables into `docs/explanation/performance.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cases import PROFILE, Case, cases
from peers import python_of
from tables import machine, tables, write_docs

HERE = Path(__file__).resolve().parent
COMMAND = Path(sys.executable).with_name("driftline")
KEYS = ("wall", "cpu", "mib")

Sample = dict[str, float]


def main() -> int:
    """Run the cases that the command line asks for."""
    given = arguments()
    sizes = ("100k",) if given.quick else tuple(given.rows)
    results: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "cases": []}
    for case in cases(sizes):
        if given.only in case.name:
            results["cases"].append(run_case(case, given.peers))
            print(tables({"cases": results["cases"][-1:]}), flush=True)
    if not given.quick and not given.only:
        results["algebra"] = json.loads(printed([sys.executable, str(HERE / "algebra.py")]))
        print(tables({"cases": [], "algebra": results["algebra"]}))
    kept = HERE / "results" / f"{results['at'].replace(':', '')}.json"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"kept in {kept.relative_to(Path.cwd()) if kept.is_relative_to(Path.cwd()) else kept}")
    if given.write_docs:
        write_docs(results)
    return 0


def arguments() -> argparse.Namespace:
    """The options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", nargs="+", choices=("100k", "1m", "10m"), default=["1m", "10m"])
    options.add_argument("--quick", action="store_true", help="100,000 rows only, about a minute")
    options.add_argument("--only", default="", help="only cases whose name has this text")
    options.add_argument("--no-peers", dest="peers", action="store_false", help="only Driftline and what is installed")
    options.add_argument("--write-docs", action="store_true", help="put the tables into the documentation")
    return options.parse_args()


def run_case(case: Case, install: bool) -> dict[str, Any]:
    """Every tool's median figures; the tools take turns, so that a noisy moment meets them all."""
    pythons = {tool: python_of(tool, install) for tool in case.tools}
    samples: dict[str, list[Sample]] = {tool: [] for tool in case.tools}
    missing = {tool: "not installed" for tool, python in pythons.items() if python is None}
    for turn in range(case.repeats):
        for tool, python in pythons.items():
            if tool in missing or python is None or (turn and tool in case.slow):
                continue
            try:
                samples[tool].append(measure(case, tool, python))
            except RuntimeError as error:
                missing[tool] = str(error)
                print(f"{case.name}: {tool}: {error}", file=sys.stderr)
    return {
        "name": case.name,
        "records": case.records,
        "tools": {tool: summary(found) for tool, found in samples.items() if found},
        "not measured": missing,
    }


def summary(samples: Sequence[Sample]) -> dict[str, Any]:
    """Medians, and every sample beside them."""
    return {key: statistics.median(each[key] for each in samples) for key in KEYS} | {"samples": list(samples)}


def measure(case: Case, tool: str, python: str) -> Sample:
    """One turn of one tool."""
    if case.whole:
        return whole([str(COMMAND), "profile", case.path(), "--json"] if tool == PROFILE else work(python, tool, case))
    return dict(json.loads(printed(work(python, tool, case))))


def work(python: str, tool: str, case: Case) -> list[str]:
    """The command that runs one tool."""
    warm = ["--warm", case.warm()] if case.warm else []
    return [python, str(HERE / "work.py"), tool, case.path(), *warm]


def printed(command: Sequence[str]) -> str:
    """The last line that a command printed; raises RuntimeError with its complaint if it failed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(said[-1] if said else f"exit status {done.returncode}")
    return done.stdout.strip().splitlines()[-1]


def whole(command: Sequence[str]) -> Sample:
    """Wall and CPU seconds and peak memory of a whole command, start and end included."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    complaint = child.stderr.read() if child.stderr else b""
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if child.returncode:
        lines = complaint.decode(errors="replace").strip().splitlines()
        raise RuntimeError(" ".join(lines[-2:]) if lines else f"exit status {child.returncode}")
    return {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "mib": used.ru_maxrss / 1024}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
