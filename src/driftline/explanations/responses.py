"""Numbers in what a model's server answers: CSV, JSON lines or JSON, by the place of a probability or a label."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jmespath
import numpy as np
from jmespath.exceptions import JMESPathError

from driftline.errors import Invalid
from driftline.explanations.model import NotApplicable
from driftline.explanations.requests import CSV, JSON, LINES
from driftline.profile.columns import Floats

_ROWS = ("predictions", "outputs", "instances", "results")
"""Members that servers put the answers of all rows in."""

_SCORES = ("score", "probability", "probabilities", "scores", "prediction", "predicted_label")
"""Members that hold the number of a row; the first that is there is taken."""

_SHOWN = 200


@dataclass(frozen=True)
class Location:
    """Where a row's number stands in an answer: the place of a column of CSV, or a JMESPath.

    A probability is taken before a label. Without either, an answer must be nothing but numbers, or objects with a
    member that is called as scores are.
    """

    accept_type: str = CSV
    probability: str | int | None = None
    label: str | int | None = None

    def __post_init__(self) -> None:
        """Raises `Invalid` for a type that cannot be read, or a path that is none."""
        if self.accept_type not in (CSV, LINES, JSON):
            raise Invalid(what="accept_type", got=self.accept_type, expected=f"{CSV}, {LINES} or {JSON}")
        if isinstance(self.told, str) and self.accept_type != CSV:
            try:
                jmespath.compile(self.told)
            except JMESPathError as error:
                raise Invalid(what="probability", got=self.told, expected=f"a JMESPath ({error})") from error

    @property
    def told(self) -> str | int | None:
        """Where to look; None if nothing was said."""
        return self.label if self.probability is None else self.probability

    def numbers(self, body: bytes, content_type: str = "") -> Floats:
        """The numbers (rows, outputs) of an answer; the type that it came with decides if it is one of the three.

        Raises `NotApplicable` for an answer without them, showing it.

        >>> Location(JSON).numbers(b'{"predictions": [{"score": 0.9}, {"score": 0.2}]}').tolist()
        [[0.9], [0.2]]
        >>> Location(CSV, 1).numbers(b'yes,0.9\\nno,0.2').tolist()
        [[0.9], [0.2]]
        >>> Location(LINES, "p").numbers(b'{"p":[0.1,0.9]}\\n{"p":[0.8,0.2]}').tolist()
        [[0.1, 0.9], [0.8, 0.2]]
        """
        kind = content_type.partition(";")[0].strip().lower()
        kind = kind if kind in (CSV, LINES, JSON) else self.accept_type
        try:
            text = body.decode()
            found = (
                self._csv(text) if kind == CSV else self._lines(text) if kind == LINES else self._of(json.loads(text))
            )
            return _table(found)
        except (ValueError, TypeError, LookupError) as error:
            where = "" if self.told is None else f" at {self.told!r}"
            shown = " ".join(body[:_SHOWN].decode("utf-8", "replace").split())
            raise NotApplicable(
                reason=f"its answer has no numbers{where} as {kind}: {shown!r} ({error})",
                remedy="Say where they stand with the predictor's probability or label.",
            ) from error

    def _csv(self, text: str) -> list[Any]:
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
        if self.told is None:
            return [[_cell(cell) for cell in row] if len(row) > 1 else _cell(row[0]) for row in rows]
        return [_cell(row[int(self.told)]) for row in rows]

    def _lines(self, text: str) -> list[Any]:
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        if len(rows) == 1 and isinstance(rows[0], dict) and any(name in rows[0] for name in _ROWS):
            return self._of(rows[0])
        return [self._row(row) for row in rows]

    def _of(self, document: Any) -> list[Any]:
        """The numbers of a document with the answers of all rows."""
        if isinstance(self.told, str) and not self.told.isdecimal():
            found = jmespath.search(self.told, document)
            if found is not None and not (isinstance(found, list) and any(each is None for each in found)):
                return found if isinstance(found, list) else [found]
        rows = document
        if isinstance(document, dict):
            rows = next((document[name] for name in _ROWS if isinstance(document.get(name), list)), [document])
        return [self._row(row) for row in rows]

    def _row(self, row: Any) -> Any:
        """The number or numbers of one row."""
        if isinstance(self.told, str) and not self.told.isdecimal():
            found = jmespath.search(self.told, row)
            if found is None:
                raise LookupError("nothing stands there")
            return found
        if isinstance(row, list) and self.told is not None:
            return row[int(self.told)]
        if not isinstance(row, dict):
            return row
        name = next((name for name in _SCORES if name in row), None)
        if name is None:
            raise LookupError(f"members: {', '.join(list(row)[:8])}")
        return row[name]


def _cell(text: str) -> Any:
    """A number, or the list of numbers that is written in one cell."""
    return json.loads(text) if text.lstrip().startswith("[") else float(text)


def _table(found: Sequence[Any]) -> Floats:
    if any(isinstance(each, str) for each in found):
        found = [float(each) if isinstance(each, str) else each for each in found]
    table = np.array(found, dtype=np.float64)
    return table[:, None] if table.ndim == 1 else table
