"""What an expression means, told while it is typed: in words, and with the next five times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from driftline.cronwords import said
from driftline.errors import Invalid
from driftline.modelmonitors.cadence import Cadence
from driftline.server.rest.callers import Reading
from driftline.server.web.templates import HEADERS, printed

router = APIRouter(prefix="/console/times", include_in_schema=False)

NEXT = 5

Expression = Annotated[str, Query(max_length=256, description="cron(...), rate(...) or NOW.")]


@dataclass(frozen=True)
class Coming:
    """An expression in words, and when it comes next; `trouble` tells why it is none."""

    said: str = ""
    times: tuple[datetime, ...] = ()
    trouble: str = ""

    @classmethod
    def of(cls, text: str, now: datetime) -> Coming | None:
        """What the expression means; None for an empty one."""
        if not text.strip():
            return None
        try:
            told = said(text)
            return cls(told, () if text.strip() == "NOW" else tuple(islice(_times(text, now), NEXT)))
        except Invalid as error:
            return cls(trouble=str(error))


def _times(text: str, now: datetime) -> Iterator[datetime]:
    """The next times; raises `Invalid`."""
    cadence = Cadence.parse(text)
    at = cadence.after(now)
    while at is not None:
        yield at
        at = cadence.after(at)


@router.get("")
def show(call: Reading, cadence: Expression = "", expression: Expression = "") -> Response:
    """The sentence below the field."""
    coming = Coming.of(cadence or expression, call.now)
    return HTMLResponse(printed("times.html", coming=coming), headers=HEADERS)
