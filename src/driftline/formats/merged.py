"""Calls with their ground truth, as SageMaker's merge job leaves them for the monitors of model quality and bias."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from driftline.formats.capture import Capture
from driftline.formats.format import Item, Opener, Part, ReadOptions
from driftline.formats.jsonlines import cut_lines


@dataclass(frozen=True)
class Merged:
    """Records of calls to an endpoint (or of batch transform) that hold `groundTruthData` too, an object a line.

    The columns are those of `capture`, whose settings they take, then `ground_truth` with the label as text; labels
    that are JSON objects have a column for each of their members beside it. `side=output` is what SageMaker calls
    `captureIndexNames: ["endpointOutput"]`.
    """

    def split(self, uri: str, size: int, opener: Opener, options: ReadOptions) -> Sequence[Part]:
        """Byte ranges between lines for plain local files, else one part."""
        return cut_lines(uri, size, opener, options)

    def read(self, part: Part, opener: Opener, options: ReadOptions) -> Iterator[Item]:
        """Blocks of records as batches, as `Capture` reads them."""
        yield from Capture().read(part, opener, replace(options, settings={**options.settings, "ground_truth": True}))
