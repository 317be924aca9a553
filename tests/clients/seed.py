"""The usage blocks of the documentation whose Python classes are offered, cut out of its text."""

from __future__ import annotations

from typing import Any

from examples import shared

BLOCKS = {
    "data quality": (
        "# Step 1: Enable data capture on endpoint",
        'print("Monitoring schedule created - checking hourly',
    ),
    "violations": ("# List monitoring executions", 'print(f"Violations: {violations}")'),
    "model quality": ("# Create model quality monitor", 'print("Model quality monitoring active")'),
    "bias": ("# Configure bias analysis", "# Monitor alerts if bias metrics exceed"),
    "explainability": ("# Configure explainability analysis", "Configuration Classes"),
    "alerts": ("# Configure alerts", "# Alerts triggered when violations detected"),
    "all": ("# Deploy endpoint with data capture", 'print("All monitoring types active")'),
    "batch": ("# Monitor batch transform instead", "Custom Monitoring Container"),
    "custom": ("# Use custom monitoring logic", "CloudWatch Alarm Integration"),
}
"""Name -> the beginnings of the block's first line and of its last, or of the heading after it."""

IMPORTS = """
from driftline.sagemaker.model_monitor import *
from driftline.sagemaker.clarify import SHAPConfig, ClarifyShapBaselineConfig
"""


def code(name: str) -> str:
    """A block of the text with nothing changed but the package of its imports."""
    first, last = BLOCKS[name]
    lines = shared("seeds", "004_de7689b1cf20d5d1.txt").read_text(encoding="utf-8").splitlines()
    start = max(place for place, line in enumerate(lines) if line.startswith(first))
    end = next(place for place, line in enumerate(lines[start:], start) if line.strip().startswith(last))
    is_heading = lines[end][:1].isupper()
    block = "\n".join(lines[start : end if is_heading else end + 1])
    return IMPORTS + block.replace("sagemaker.core", "driftline.sagemaker")


def run(name: str, **names: Any) -> dict[str, Any]:
    """Run a block with the names that it takes as given; returns all names afterwards."""
    found = dict(names)
    exec(compile(code(name), f"seed, {name}", "exec"), found)
    return found
