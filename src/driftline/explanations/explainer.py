"""Rows become local attributions, a stream of batches: what runs fold into a profile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import pyarrow as pa

from driftline.errors import EmptyWindow, Invalid
from driftline.explanations import background as backgrounds
from driftline.explanations.cost import Cost
from driftline.explanations.kernel import Kernel, Local
from driftline.explanations.model import Model
from driftline.explanations.sampling import sampled
from driftline.explanations.settings import Settings
from driftline.profile.attribution import expected_name, local_name, prediction_name

ANSWERS = 4 << 20
"""So many answers of the model are held at a time: 32 MB."""

_CHOSEN_FROM = 10_000
"""A background is chosen from so many of the first rows."""

Watch = Callable[[int], None]
"""Who is told that so many more rows are explained."""


@dataclass(frozen=True)
class Explainer:
    """A model made ready to be explained: the kernel with its background, the names of the outputs, and the cost;
    `features` are those whose attributions are told, in the order of the model's.

    The background's rows are `kernel.background`, and what is expected without knowing a row is `kernel.expected`.
    """

    kernel: Kernel
    labels: tuple[str, ...]
    cost: Cost
    features: tuple[str, ...]

    def explain(self, batches: Iterable[pa.RecordBatch], watch: Watch | None = None) -> Iterator[pa.RecordBatch]:
        """The local attributions of the rows: a column for each label and feature, then for each label the expected
        value and the prediction, which is the sum of both if all features are told. Rows beyond the cost's cap are
        left out.
        """
        kernel = self.kernel
        size = max(ANSWERS // (self.cost.samples * len(self.labels)), 1)
        for batch in sampled(batches, self.cost.kept, self.cost.rows, kernel.seed):
            background, rows = backgrounds.alike(kernel.background, batch)
            if background.schema != kernel.background.schema:
                kernel = replace(kernel, background=background)
            for at in range(0, rows.num_rows, size):
                part = rows.slice(at, size)
                yield self._columns(kernel.explain(part))
                if watch is not None:
                    watch(part.num_rows)

    def _columns(self, local: Local) -> pa.RecordBatch:
        found: dict[str, pa.Array] = {}
        for place, label in enumerate(self.labels):
            for column, feature in enumerate(self.kernel.features):
                if feature in self.features:
                    found[local_name(label, feature)] = pa.array(local.values[:, place, column])
        for place, label in enumerate(self.labels):
            found[expected_name(label)] = pa.repeat(pa.scalar(float(local.expected[place])), len(local.values))
            found[prediction_name(label)] = pa.array(local.predictions[:, place])
        return pa.RecordBatch.from_arrays(list(found.values()), names=list(found))


def prepare(
    rows: pa.RecordBatch, model: Model, settings: Settings, features: Sequence[str] = (), total: int | None = None
) -> Explainer:
    """Everything before the run; `rows` are the first ones, from which a background is chosen if none is given.

    `features` are the columns that the model takes, all of the rows' if there are none; `total` is how many rows there
    are, if that is known. The model is asked for the background, so what cannot be explained is told here: raises
    `NotApplicable` for a model without numbers, and `Invalid` or `SchemaMismatch` for a background that does not fit.
    """
    names = list(features) or rows.schema.names
    given = settings.baseline
    if isinstance(given, str):
        raise Invalid(what="baseline of shap", got=given, expected="its rows", remedy="Read the file before.")
    own = backgrounds.given(rows, names)
    if given is None:
        background = backgrounds.chosen(own, settings.num_clusters, settings.seed)
    else:
        background = backgrounds.given(given, names)
    background, _ = backgrounds.alike(background, own)
    kernel = Kernel(model, background, settings.num_samples, settings.use_logit, settings.seed)
    samples = len(kernel.coalitions(len(names)))
    cost = Cost(total, max(samples, 1), background.num_rows, settings.max_records)
    return Explainer(kernel, _labels(settings.labels, len(kernel.mean)), cost, _told(settings.features, names))


def explain(
    batches: Iterable[pa.RecordBatch],
    model: Model,
    settings: Settings,
    features: Sequence[str] = (),
    total: int | None = None,
    watch: Watch | None = None,
) -> Iterator[pa.RecordBatch]:
    """`prepare` with the first rows of the batches, then `Explainer.explain` of all; raises `EmptyWindow` without rows.

    >>> rows = pa.record_batch({"a": [1.0, 2.0], "b": [0.0, 5.0]})
    >>> model = lambda rows: [a + 2 * b for a, b in zip(*[column.to_pylist() for column in rows.columns])]
    >>> next(explain([rows], model, Settings(baseline=[[0, 0]])))["label0/b"].to_pylist()
    [0.0, 10.0]
    """
    stream = iter(batches)
    first, seen = list[pa.RecordBatch](), 0
    wanted = 1 if settings.baseline is not None else _CHOSEN_FROM
    while seen < wanted and (batch := next(stream, None)) is not None:
        first.append(batch)
        seen += batch.num_rows
    if not seen:
        raise EmptyWindow(inputs="the rows to explain")
    head = pa.Table.from_batches(first).combine_chunks().to_batches()[0]
    yield from prepare(head, model, settings, features, total).explain(chain(first, stream), watch)


def _told(wanted: Sequence[str | int], names: Sequence[str]) -> tuple[str, ...]:
    """The features to tell of, in the order of the model's; all if none are named."""
    if not wanted:
        return tuple(names)
    chosen = set[str]()
    for each in wanted:
        place = each if isinstance(each, int) else names.index(each) if each in names else -1
        if not 0 <= place < len(names):
            raise Invalid(what="features_to_explain", got=each, expected=f"names or places of {', '.join(names[:8])}")
        chosen.add(names[place])
    return tuple(name for name in names if name in chosen)


def _labels(told: tuple[str, ...], outputs: int) -> tuple[str, ...]:
    """The names of the outputs: those told, or `label0`, `label1`, ..."""
    if told and len(told) != outputs:
        expected = f"{outputs} names, one for each number that the model gives for a row"
        raise Invalid(what="label_headers", got=list(told), expected=expected)
    return told or tuple(f"label{place}" for place in range(outputs))
