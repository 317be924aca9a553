"""Keeps memory that numpy has freed for its next array, where the C library would give it back at once.

glibc maps every array of half a megabyte anew, and each new page costs a fault: a fifth to a third of all time.
"""

from __future__ import annotations

import ctypes
from functools import cache

_MMAP_THRESHOLD = (-3, 32 << 20)
"""`M_MMAP_THRESHOLD`: smaller blocks come from the heap, where they are used again; 32 MB is the most it takes."""
_TRIM_THRESHOLD = (-1, 256 << 20)
"""`M_TRIM_THRESHOLD`: so much free memory stays with the process."""


@cache
def keep_freed_memory() -> bool:
    """Ask for it once in the life of the process; False where the C library is not glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    return all([mallopt(*_MMAP_THRESHOLD), mallopt(*_TRIM_THRESHOLD)])
