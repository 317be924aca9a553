"""Which of numpy's sorts this processor runs well.

On AMD's Zen 4 numpy's AVX-512 sort is three times slower than its AVX2 sort (41 against 12 ns a value, numpy 2.4;
the processor writes compressed vectors to memory in microcode). numpy chooses at import, by the variable
`NPY_DISABLE_CPU_FEATURES`, so this has to be said before. Where numpy is there already, or the variable is set,
nothing is changed: the answers are the same, only later.
"""

import os
import sys

_ZEN_4_FAMILY = "25"
_VARIABLE = "NPY_DISABLE_CPU_FEATURES"


def choose_sort() -> None:
    """Ask numpy for its AVX2 sort if this is a Zen 4 and numpy is not imported yet."""
    if "numpy" not in sys.modules and _VARIABLE not in os.environ and _is_zen_4():
        os.environ[_VARIABLE] = "X86_V4 AVX512_ICL"


def _is_zen_4() -> bool:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as listing:  # noqa: PTH123 - pathlib is 10 ms
            first = listing.read(4096)
    except OSError:
        return False
    facts = dict(line.replace("\t", "").split(":", 1) for line in first.splitlines() if ":" in line)
    family = facts.get("cpu family", "").strip()
    return facts.get("vendor_id", "").strip() == "AuthenticAMD" and family == _ZEN_4_FAMILY and "avx512f" in first
