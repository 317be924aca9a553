"""SageMaker Data Capture: calls as JSON lines, flattened as SageMaker does it, outputs before inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from driftline.formats import records
from driftline.formats.blocks import Block, blocks_of
from driftline.formats.captured import Alike, Unlike
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.formats.jsonlines import cut_lines
from driftline.formats.payloads import Row, Unusable, rows_of
from driftline.problems import Problem

METADATA = ("inference_id", "event_id", "inference_time")


@dataclass(frozen=True)
class Capture:
    """Records of calls to an endpoint (or of batch transform), an object a line.

    Output columns come first, then input columns (`output_columns_position=END` turns that round). CSV values take the
    baseline's names in order, else `_c0`, `_c1`, ...; JSON members keep their names, nested ones as `a.b.0`. BASE64 is
    decoded by its content type; each side may have an encoding of its own. A call with several inferences gives
    several rows. Settings: `metadata=true` adds `inference_id` (with `_0`, `_1`, ... where a call has several rows),
    `event_id` and `inference_time`; `compatible=true` refuses what SageMaker refuses.
    """

    def split(self, uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:
        """Byte ranges between lines for plain local files, else one part."""
        return cut_lines(uri, size, opener, options)

    def read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        """Blocks of records as batches: quickly where all records are alike, one by one where not."""
        lacking: set[str] = set()
        quick = not options.settings.get("compatible") and not options.settings.get("exact")
        alike = Alike(options)
        for block in blocks_of(part, opener, options.settings, quoted=False):
            try:
                if not quick:
                    raise Unlike("one by one")
                yield alike.read(block)
            except Unlike:
                yield from _one_by_one(block, part.uri, options, lacking)


def _one_by_one(block: Block, uri: str, options: ReadOptions, lacking: set[str]) -> Iterator[Item]:
    rows: list[dict[str, Any]] = []
    for place, line in enumerate(block.data.split(b"\n")):
        if not line.strip():
            continue
        try:
            record = records.load(line)
            rows.extend(_rows(record, options, lacking, uri))
        except ValueError as error:
            shown = line.decode("utf-8", "backslashreplace")
            remedy = "The record is left out; see the capture configuration of the endpoint."
            yield Problem(uri, str(error) or "no capture record", block.first_line + place, value=shown, remedy=remedy)
    for side in sorted(lacking - {"told"}):
        if "told" not in lacking:
            remedy = "Capture both sides to check both."
            yield Problem(uri, f"the records have no {side}: only the other side is checked", remedy=remedy, rows=0)
    if lacking:
        lacking.add("told")
    if rows:
        yield _batch(rows)


def _batch(rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    return records.batch_of(rows)


def _rows(record: Any, options: ReadOptions, lacking: set[str], uri: str) -> list[dict[str, Any]]:  # noqa: ARG001
    """The rows of one record; raises ValueError (`Unusable`) saying why there are none."""
    data = record.get("captureData") if isinstance(record, Mapping) else None
    if not isinstance(data, Mapping):
        raise Unusable("no capture record: there is no captureData")
    output = data.get("endpointOutput") or data.get("batchTransformOutput")
    source = data.get("endpointInput")
    if not output and not source:
        raise Unusable("captureData has neither endpointInput nor endpointOutput")
    _refuse_mismatch(source, output, options)
    lacking.update(name for name, side in (("endpointOutput", output), ("endpointInput", source)) if not side)
    outs, ins = rows_of(output) if output else [], rows_of(source) if source else []
    if outs and ins and len(outs) != len(ins):
        raise Unusable(f"the input has {len(ins)} rows and the output {len(outs)}: they cannot be paired")
    count = max(len(outs), len(ins))
    empty = Row({})
    sides = [(outs[place] if outs else empty, ins[place] if ins else empty) for place in range(count)]
    rows = [_joined(out, into, bool(outs), bool(ins), options) for out, into in sides]
    if options.settings.get("metadata"):
        meta = record.get("eventMetadata") or {}
        rows = [{**row, **_metadata(meta, place, count)} for place, row in enumerate(rows)]
    return rows


def _refuse_mismatch(source: Any, output: Any, options: ReadOptions) -> None:
    """SageMaker's own refusal, in its words."""
    if not options.settings.get("compatible") or not source or not output:
        return
    ours, theirs = source.get("encoding"), output.get("encoding")
    if ours != theirs:
        said = f"Encoding mismatch: Encoding is {ours} for endpointInput, but Encoding is {theirs} for endpointOutput"
        raise Unusable(said)
    if ours == "BASE64":
        raise Unusable("data in BASE64 is not analysed by SageMaker without a preprocessor")


def _joined(output: Row, source: Row, has_output: bool, has_input: bool, options: ReadOptions) -> dict[str, Any]:
    """One row: the output's values and the input's, positional ones named."""
    last = options.settings.get("output_columns_position") == "END"
    ordered = [(source, has_input), (output, has_output)] if last else [(output, has_output), (source, has_input)]
    names = positions(
        [len(row.positional) if has else None for row, has in ordered],
        options.names,
        exact=bool(options.settings.get("compatible")),
    )
    joined: dict[str, Any] = {}
    for (row, _), places in zip(ordered, names, strict=True):
        joined.update(zip(places, row.positional, strict=True))
        for name, value in row.named.items():
            joined[f"{name}_1" if name in joined else name] = value
    return joined


def positions(widths: Sequence[int | None], names: Sequence[str] | None, *, exact: bool) -> list[list[str]]:
    """Names for the positional values of the two sides, of which None was not captured.

    Where only the second side was captured, it takes the last of the baseline's names, unless `exact`: SageMaker would
    give it the first.

    >>> positions([1, 2], None, exact=False), positions([None, 2], ["y", "a", "b"], exact=False)
    ([['_c0'], ['_c1', '_c2']], [[], ['a', 'b']])
    """
    first, second = widths[0] or 0, widths[1] or 0
    start = 0
    if widths[0] is None and names and not exact:
        start = max(len(names) - second, 0)
    known = list(names or ())
    every = [known[place] if place < len(known) else f"_c{place}" for place in range(start, start + first + second)]
    return [every[:first], every[first:]]


def _metadata(meta: Mapping[str, Any], place: int, count: int) -> dict[str, Any]:
    """Identity and time of a row: the caller's id, else the event's, with its place where the call has several."""
    chosen = meta.get("inferenceId") or meta.get("eventId")
    identity = f"{chosen}_{place}" if count > 1 and chosen is not None else chosen
    values = (identity, meta.get("eventId"), meta.get("inferenceTime"))
    return dict(zip(METADATA, values, strict=True))
