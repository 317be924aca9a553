"""The table of engines."""

from __future__ import annotations

from collections.abc import Callable

from driftline.engines.engine import Engine
from driftline.engines.local import Local

ENGINES: dict[str, Callable[[int | None], Engine]] = {
    "local": Local,
}
"""Name of an engine -> how it is made for a number of jobs (None: as many as there are processors)."""
