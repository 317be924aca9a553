"""Where each peer runs: in our own environment, or in one of its own that is made once under `.venv-peers`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ENVIRONMENTS = Path(__file__).resolve().parent / ".venv-peers"
REQUIREMENTS = {
    "whylogs": ("whylogs==1.6.4", "numpy<2", "pandas<3", "pyarrow<21"),
    "evidently": ("evidently==0.7.23", "pandas<3", "pyarrow"),
}
"""Peers that need packages of their own; whylogs runs only with numpy 1."""

_READY = "ready"


def python_of(tool: str, install: bool = True) -> str | None:
    """The interpreter that has the tool, or None where it cannot be had."""
    if tool not in REQUIREMENTS:
        return sys.executable
    folder = ENVIRONMENTS / tool
    python = folder / "bin" / "python"
    if (folder / _READY).exists():
        return str(python)
    if not install:
        return None
    print(f"installing {tool} into {folder} ...", file=sys.stderr)
    commands = ([sys.executable, "-m", "venv", str(folder)], [str(python), "-m", "pip", "install", "--quiet"])
    for command, more in zip(commands, ((), REQUIREMENTS[tool]), strict=True):
        done = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{tool} could not be installed:\n{done.stderr[-2000:]}", file=sys.stderr)
            return None
    (folder / _READY).touch()
    return str(python)
