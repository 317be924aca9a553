"""Processes that end with the one that started them."""

from __future__ import annotations

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
"""Looked up here: in a process just forked, another thread may have been loading a library when it was."""


def die_with_parent() -> None:
    """Let the kernel kill this process when its parent ends, however that happens; nothing elsewhere than on Linux."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL)
