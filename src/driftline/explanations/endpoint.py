"""Models behind a URL: rows go to `/invocations` in batches, numbers come back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from driftline.errors import Invalid, Unavailable
from driftline.explanations.model import NotApplicable
from driftline.explanations.requests import CSV, Template
from driftline.explanations.responses import Location
from driftline.profile.columns import Floats

RECORDS, BYTES = 5_000, 5 << 20
"""A request holds so many records and bytes; SageMaker's endpoints take 6 MB."""

WAITS = (0.5, 1.0, 2.0, 4.0)
"""Seconds before a call is tried again."""

_SHOWN = 300


class Invoke(Protocol):
    """Sends a body to a model's `/invocations`, and gives the answer's body with its content type.

    What it raises may have a `status`, the model's own, 0 if there was no answer.
    """

    def __call__(self, body: bytes, content_type: str, accept: str, /) -> tuple[bytes, str]:
        """Raises `Unavailable` for any answer but success, and for none."""
        ...


class ModelFailed(Unavailable):
    """the model at {url} failed: {reason}. The request began with {sent!r}. {remedy}"""

    def __init__(self, *, url: str, reason: str, sent: str, remedy: str = "Look at the log of the model.") -> None:
        """`reason` is what it said, `sent` the first characters of the body that it did not take."""
        super().__init__(url=url, reason=reason.rstrip("."), sent=sent, remedy=remedy)


@dataclass(frozen=True)
class Endpoint:
    """A model that is called through `invoke`; `url` names it in messages, `pause` waits before another try."""

    invoke: Invoke
    url: str
    template: Template = field(default_factory=Template)
    location: Location = field(default_factory=Location)
    records: int = RECORDS
    largest: int = BYTES
    waits: tuple[float, ...] = WAITS
    pause: Callable[[float], None] = time.sleep

    @classmethod
    def of(cls, invoke: Invoke, url: str, predictor: Mapping[str, Any]) -> Endpoint:
        """The endpoint as Clarify's `predictor` tells of it; raises `Invalid` for what cannot be."""
        content, record = predictor.get("content_template"), predictor.get("record_template")
        kind = str(predictor.get("content_type") or CSV).lower()
        template = Template(kind, json.dumps(content) if isinstance(content, Mapping) else content, record)
        accepted = str(predictor.get("accept_type") or kind).lower()
        return cls(invoke, url, template, Location(accepted, predictor.get("probability"), predictor.get("label")))

    def __call__(self, rows: pa.RecordBatch) -> Floats:
        """The numbers of all rows (rows, outputs).

        Raises `ModelFailed` if the model goes on failing, `Invalid` if it refuses the request, and `NotApplicable` if
        there are no numbers, or too few, in its answer.
        """
        found = [self._asked(body, number) for number, body in self.template.bodies(rows, self.records, self.largest)]
        if len({part.shape[1] for part in found}) > 1:
            shapes = sorted({part.shape[1] for part in found})
            raise NotApplicable(reason=f"{self.url} gives {' or '.join(map(str, shapes))} numbers a row")
        return np.concatenate(found) if found else np.empty((0, 1))

    def _asked(self, body: bytes, number: int) -> Floats:
        answer, kind = self._tried(body)
        found = self.location.numbers(answer, kind)
        if len(found) != number and found.shape == (1, number):
            found = found.T  # all rows' numbers on one line, as some servers of CSV answer
        if len(found) != number:
            shown = " ".join(answer[:_SHOWN].decode("utf-8", "replace").split())
            raise NotApplicable(reason=f"{self.url} answered {number} records with {len(found)} numbers: {shown!r}")
        return found

    def _tried(self, body: bytes) -> tuple[bytes, str]:
        """The answer, after some tries if it is the server that fails."""
        for wait in (*self.waits, None):
            try:
                return self.invoke(body, self.template.content_type, self.location.accept_type)
            except Unavailable as error:
                status = int(getattr(error, "status", 0))
                sent = body[:_SHOWN].decode("utf-8", "replace")
                if 300 <= status < 500 and status not in (408, 429):
                    expected = f"a body that the model takes; it said: {str(error).rstrip('.')}"
                    remedy = "Mend content_type, content_template or record_template."
                    raise Invalid(what=f"request to {self.url}", got=sent, expected=expected, remedy=remedy) from error
                if wait is None:
                    raise ModelFailed(url=self.url, reason=str(error), sent=sent) from error
                self.pause(wait)
        raise AssertionError("a call either answers or raises")
