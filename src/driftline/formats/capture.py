"""SageMaker Data Capture: calls as JSON lines, flattened as SageMaker does it, outputs before inputs."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from driftline.formats import records
from driftline.formats.blocks import Block, blocks_of, numbered
from driftline.formats.captured import Alike, Unlike, hashes_of, sides_of, span_of
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.formats.jsonlines import PIECE, cut_lines
from driftline.formats.payloads import Row, Unusable, rows_of
from driftline.formats.truth import labels_in
from driftline.identities import Hashes, Seen
from driftline.problems import Problem

SIZE = PIECE + (1 << 20)
"""Bytes of a block: a part of a local file and its last line in one piece, which need not be copied together."""

METADATA = ("inference_id", "event_id", "inference_time")


@dataclass(frozen=True)
class Capture:
    """Records of calls to an endpoint (or of batch transform), an object a line.

    Output columns come first, then input columns (`output_columns_position=END` turns that round). CSV values take the
    baseline's names in order, else `_c0`, `_c1`, ...; JSON members keep their names, nested ones as `a.b.0`. BASE64 is
    decoded by its content type; each side may have an encoding of its own. A call with several inferences gives
    several rows. Settings: `side=output` (or `input`) reads one side only; `metadata=true` adds `inference_id` (with
    `_0`, `_1`, ... where a call has several rows), `event_id` and `inference_time`, and `ground_truth=true` the labels
    of merged records; `since` and `until` (as `2026-01-02T03:04:05Z`) keep calls of [since, until) only;
    `compatible=true` refuses what SageMaker refuses. Records whose id came before in this run are told, and read.
    """

    def split(self, uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:
        """Byte ranges between lines for plain local files, else one part."""
        return cut_lines(uri, size, opener, options)

    def read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        """Blocks of records as batches: quickly where all records are alike, one by one where not."""
        yield from numbered(self._read(part, opener, options), part, opener)

    def _read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        exactly = Exactly(part.uri, options)
        alike = Alike(options)
        for block in blocks_of(part, opener, options.settings, size=SIZE):
            try:
                if options.settings.get("exact"):
                    raise Unlike("one by one")
                hashes = yield from alike.read(block)
            except Unlike:
                hashes = yield from exactly.read(block)
            yield Seen(part.uri, hashes, block.first_line if part.first_line else None)


class Exactly:
    """Reads records one by one; remembers what the part lacks, and how many values its first record had."""

    def __init__(self, uri: str, options: ReadOptions) -> None:
        """Nothing is known yet."""
        self._uri, self._options = uri, options
        self._span = span_of(options)
        self._told = False
        self._widths: tuple[int, int] | None = None

    def read(self, block: Block) -> Generator[Item, None, Hashes]:
        """The rows of a block as one batch, after a problem for each record that is left out.

        What is returned are the ids of the lines, 0 for those that are left out.
        """
        rows: list[dict[str, Any]] = []
        ids: list[str | None] = []
        for place, line in enumerate(block.data.split(b"\n")):
            ids.append(None)
            if not line.strip():
                continue
            try:
                record = records.load(line)
                if self._span and not _is_within(record, *self._span):
                    continue
                found, lacking = self._rows(record)
            except (ValueError, RecursionError) as error:
                shown = line.decode("utf-8", "backslashreplace")
                compatible = "; without --compatible more is read" if self._options.settings.get("compatible") else ""
                remedy = f"The record is left out{compatible}; see the capture configuration of the endpoint."
                yield Problem(self._uri, str(error), block.first_line + place, value=shown, remedy=remedy)
                continue
            if lacking and not self._told:
                self._told = True
                reason = f"the records have no {lacking}: only the other side is checked"
                yield Problem(self._uri, reason, remedy="Capture both sides to check both.", rows=0)
            rows.extend(found)
            ids[-1] = records.as_text(_identity(_metadata_of(record)))
        if rows:
            yield records.batch_of(rows)
        return hashes_of(ids)

    def _rows(self, record: Any) -> tuple[list[dict[str, Any]], str]:
        """The rows of one record, and the side that it lacks; raises `Unusable` saying why there are none."""
        output, source, lacking = _sides(record)
        wanted = sides_of(self._options)
        if len(wanted) == 1 and not (output if wanted == ("output",) else source):
            raise Unusable(f"captureData has no {'endpointOutput' if wanted == ('output',) else 'endpointInput'}")
        _refuse_mismatch(source, output, self._options)
        compatible = bool(self._options.settings.get("compatible"))
        outs = rows_of(output, compatible=compatible) if output else []
        ins = rows_of(source, compatible=compatible) if source else []
        outs = outs if compatible else _spread(outs, len(ins))
        if outs and ins and len(outs) != len(ins):
            raise Unusable(f"the input has {len(ins)} rows and the output {len(outs)}: they cannot be paired")
        self._refuse_other_widths(outs, ins)
        count = max(len(outs), len(ins))
        empty = Row({})
        outs = outs if "output" in wanted else []
        ins = ins if "input" in wanted else []
        pairs = [(outs[place] if outs else empty, ins[place] if ins else empty) for place in range(count)]
        rows = [_joined(out, into, bool(outs), bool(ins), self._options) for out, into in pairs]
        if self._options.settings.get("metadata"):
            known = _metadata_of(record)
            rows = [{**row, **_metadata(known, place, count)} for place, row in enumerate(rows)]
        if self._options.settings.get("ground_truth"):
            labels = labels_in(record.get("groundTruthData"))
            if len(labels) != count:
                raise Unusable(f"the call has {count} rows and the ground truth {len(labels)}: they cannot be paired")
            rows = [{**row, **label.columns(list(row))} for row, label in zip(rows, labels, strict=True)]
        return rows, lacking if len(wanted) > 1 else ""

    def _refuse_other_widths(self, outs: Sequence[Row], ins: Sequence[Row]) -> None:
        """Values are known by their place only, so a record with another number of them cannot be read."""
        for out, into in zip_longest(outs, ins):
            widths = (len(out.positional) if out else 0, len(into.positional) if into else 0)
            self._widths = self._widths or widths
            for side, found, known in zip(("output", "input"), widths, self._widths, strict=True):
                if found and known and found != known:
                    raise Unusable(f"expected {known} values in the {side}, got {found}")


def _is_within(record: Any, since: str, until: str) -> bool:
    moment = _metadata_of(record).get("inferenceTime") if isinstance(record, Mapping) else None
    return not isinstance(moment, str) or (since <= moment[: len(since)] and moment[: len(until)] < until)


def _sides(record: Any) -> tuple[Any, Any, str]:
    """Output and input of a record, and the name of the side that should be there and is not."""
    data = record.get("captureData") if isinstance(record, Mapping) else None
    if not isinstance(data, Mapping):
        raise Unusable("no capture record: there is no captureData")
    batch, output, source = (data.get(name) for name in ("batchTransformOutput", "endpointOutput", "endpointInput"))
    for side in (batch, output, source):
        if side and not isinstance(side, Mapping):
            raise Unusable("a side of captureData is no object")
    if batch:
        return batch, source, ""
    if not output and not source:
        raise Unusable("captureData has neither endpointInput nor endpointOutput")
    return output, source, "" if output and source else "endpointInput" if output else "endpointOutput"


def _spread(rows: list[Row], count: int) -> list[Row]:
    """One row that is a list of `count` values, as so many rows: `[0.1, 0.2]` or `{"p": [0.1, 0.2]}` beside two."""
    if len(rows) != 1 or count < 2:
        return rows
    (row,) = rows
    if len(row.positional) == count and not row.named:
        return [Row({}, [value]) for value in row.positional]
    lists = [value for value in row.named.values() if isinstance(value, list) and len(value) == count]
    if lists and len(lists) == len(row.named) and not row.positional:
        return [Row(dict(zip(row.named, values, strict=True))) for values in zip(*lists, strict=True)]
    return rows


def _refuse_mismatch(source: Any, output: Any, options: ReadOptions) -> None:
    """SageMaker's own refusal, in its words."""
    if not options.settings.get("compatible") or not source or not output:
        return
    ours, theirs = source.get("encoding"), output.get("encoding")
    if ours != theirs:
        said = f"Encoding mismatch: Encoding is {ours} for endpointInput, but Encoding is {theirs} for endpointOutput"
        raise Unusable(said)


def _joined(output: Row, source: Row, has_output: bool, has_input: bool, options: ReadOptions) -> dict[str, Any]:
    """One row: the output's values and the input's, positional ones named."""
    last = options.settings.get("output_columns_position") == "END"
    ordered = [(source, has_input), (output, has_output)] if last else [(output, has_output), (source, has_input)]
    taken = {*output.named, *source.named}
    names = positions(
        [_width(row) if has else None for row, has in ordered],
        [name for name in options.names if name not in taken] if options.names else None,
        exact=bool(options.settings.get("compatible")),
    )
    joined: dict[str, Any] = {}
    for (row, _), places in zip(ordered, names, strict=True):
        joined.update(zip(places, row.positional, strict=True))
        for name, value in row.named.items():
            joined[f"{name}_1" if name in joined else name] = value
    return joined


def _width(row: Row) -> int | None:
    """How many of the baseline's names the values of a side take: none if they bring names of their own."""
    return len(row.positional) if row.positional or not row.named else None


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


def _metadata_of(record: Any) -> Mapping[str, Any]:
    meta = record.get("eventMetadata")
    return meta if isinstance(meta, Mapping) else {}


def _identity(meta: Mapping[str, Any]) -> Any:
    """The caller's id, else the event's."""
    return meta.get("inferenceId") or meta.get("eventId")


def _metadata(meta: Mapping[str, Any], place: int, count: int) -> dict[str, Any]:
    """Identity and time of a row, with its place where the call has several."""
    chosen = _identity(meta)
    identity = f"{chosen}_{place}" if count > 1 and chosen is not None else chosen
    values = (identity, meta.get("eventId"), meta.get("inferenceTime"))
    return dict(zip(METADATA, values, strict=True))
