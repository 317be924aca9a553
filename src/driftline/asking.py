"""What a run asks of a model: predictions beside the rows, or attributions in their place."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from typing import Any

import pyarrow as pa

from driftline.errors import EmptyWindow, SchemaMismatch
from driftline.explanations.endpoint import Invoke
from driftline.explanations.explainer import Explainer, prepare
from driftline.explanations.model import Model, ask
from driftline.explanations.models import open_model
from driftline.explanations.settings import Settings
from driftline.formats.format import Item
from driftline.monitors.explainability import EVERY, Explainability
from driftline.monitors.monitor import Monitor
from driftline.profile.attribution import logged_features

PREDICTED = "(prediction)"
"""The column of a model's answers, which stand beside the rows; of several outputs a list."""

HEAD_ROWS = 10_000
"""A background is chosen from so many of the first rows."""

Opener = Callable[[str], Invoke]
"""Makes what calls the model at a URL."""


@dataclass(frozen=True)
class Asked:
    """A model and how it is asked, as a plain JSON value.

    `named` is a URL, a file or `module:function`. `features` are the columns that it takes, all but `others` if none
    are named; `predictor` and `shap` are the members of Clarify's configuration.
    """

    named: str
    features: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    predictor: Mapping[str, Any] = field(default_factory=dict)
    shap: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lists that come from JSON become tuples."""
        object.__setattr__(self, "features", tuple(self.features))
        object.__setattr__(self, "others", tuple(self.others))

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def opened(self, invoke: Opener | None) -> Model:
        """The model; raises `Invalid` for what names none."""
        return open_model(self.named, self.predictor, invoke)

    def columns(self, names: Sequence[str]) -> tuple[str, ...]:
        """The features among the columns."""
        return self.features or tuple(name for name in names if name not in self.others)

    def taken(self, rows: pa.RecordBatch) -> tuple[str, ...]:
        """The features, all of them columns of the rows; raises `SchemaMismatch` for the first that is not."""
        features, known = self.columns(rows.schema.names), rows.schema.names
        lacking = next((name for name in features if name not in known), None)
        if lacking is not None:
            shown = ", ".join(map(repr, known[:8])) or "none"
            reason = f"a feature of the model, not among the {len(known)} columns, which are {shown}"
            remedy = "Read them as for the baseline: with the same headers, expressions or analysis_config.json."
            raise SchemaMismatch(column=lacking, reason=reason, remedy=remedy)
        return features


@dataclass(frozen=True)
class Explained:
    """Who explains, and what is known of it only once the first rows are read: monitor, model with its background."""

    explainer: Explainer
    monitor: Monitor
    asked: Asked


def predicted(items: Iterable[Item], model: Model, asked: Asked, guard: threading.Lock) -> Iterator[Item]:
    """The items, batches with the model's answers as a column; one thread asks the model at a time."""
    for item in items:
        if not isinstance(item, pa.RecordBatch) or not item.num_rows:
            yield item
            continue
        names = asked.taken(item)
        with guard:
            found = ask(model, item.select(list(names)))
        column = pa.array(found[:, 0]) if found.shape[1] == 1 else pa.array(found.tolist())
        yield pa.RecordBatch.from_arrays([*item.columns, column], names=[*item.schema.names, PREDICTED])


def explained(
    batches: Iterator[pa.RecordBatch], asked: Asked, monitor: Explainability, model: Model, total: int | None
) -> tuple[Explained, Iterator[pa.RecordBatch]]:
    """Who explains the batches, and the batches again, none lost; raises `EmptyWindow` without rows."""
    first, seen = list[pa.RecordBatch](), 0
    while seen < HEAD_ROWS and (batch := next(batches, None)) is not None:
        if batch.num_rows:
            first.append(batch)
            seen += batch.num_rows
    if not first:
        raise EmptyWindow(inputs="the rows to explain", remedy="There is not one row.")
    head = pa.Table.from_batches(first).combine_chunks().to_batches()[0]
    settings = Settings.of(asked.shap, asked.predictor)
    settings = replace(settings, max_records=asked.shap.get("max_records", settings.max_records))
    features = asked.taken(head)
    explainer = prepare(head.select(list(features)), model, settings, features, total)
    known = replace(monitor, features=explainer.features, labels=explainer.labels)
    kept = replace(asked, features=features, shap={**asked.shap, "baseline": explainer.kernel.background.to_pylist()})
    rows = (batch.select(list(features)) for batch in chain(first, batches) if batch.num_rows)
    return Explained(explainer, known, kept), rows


def again(before: Asked, now: Any) -> Asked:
    """The model as it was asked for the baseline, background and features included; only its name may be another."""
    if now is None:
        return before
    named = now.named if isinstance(now, Asked) else now if isinstance(now, str) else before.named
    return replace(before, named=named)


def logged(monitor: Explainability, names: Sequence[str]) -> Explainability:
    """The monitor with the features whose attributions were logged among these columns."""
    if monitor.features != (EVERY,):
        return monitor
    return replace(monitor, features=logged_features(monitor.attributions, names, monitor.labels[0]))
