"""What became of the files of a batch, as the ledger keeps it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from driftline.errors import DriftlineError
from driftline.imports.contents import Tally
from driftline.imports.job import FileStatus
from driftline.schemas.faults import Fault

UNREADABLE = "Unreadable_File"
_TOLD = 50
"""So many faults of a file are kept."""


@dataclass(frozen=True)
class Result:
    """What became of a file; `duplicate` rows of those that could be kept were there before."""

    number: int
    status: FileStatus
    tally: Tally = field(default_factory=Tally)
    duplicate: int = 0
    seconds: float = 0.0
    faults: tuple[Fault, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Columns of the ledger, times as text: rows = accepted + rejected + duplicate."""
        done = self.status is FileStatus.DONE
        tally = self.tally if done else Tally()
        return {
            "status": str(self.status),
            "rows": tally.rows,
            "accepted": tally.kept - self.duplicate if done else 0,
            "rejected": tally.rejected,
            "duplicate": self.duplicate if done else 0,
            "first": tally.first and tally.first.isoformat(),
            "last": tally.last and tally.last.isoformat(),
            "body": {
                "faults": [asdict(each) for each in self.faults[:_TOLD]],
                "seconds": round(self.seconds, 3),
            },
        }


def fault_of_error(error: DriftlineError) -> Fault:
    """Why a file failed: a code of the rules, the words of the error, and the line where it has one."""
    code = getattr(error, "code", UNREADABLE)
    return Fault(code, str(error), row=getattr(error, "line", None))
