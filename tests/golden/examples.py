"""Where the public examples lie that golden tests compare with: a folder beside the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"


def shared(*parts: str) -> Path:
    """A file of the examples; the test is skipped, saying so, where they are not at hand."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {'/'.join(parts)} in the folder `shared` beside the repository")
    return path


def figures(name: str) -> Any:
    """The figures that SageMaker printed."""
    return json.loads(shared("golden", name).read_text())
