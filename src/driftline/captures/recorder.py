"""From a call that was answered to a record in the journal: chooses the calls, and writes what is configured."""

from __future__ import annotations

from random import Random, SystemRandom

from driftline.captures.config import CaptureConfig
from driftline.captures.journal import Journal
from driftline.captures.record import Exchange, line_of, new_event_id
from driftline.captures.segments import Stream

LARGEST_BYTES = 100 << 20
"""Of a payload, as SageMaker has it; calls with larger ones are not captured, which is counted."""


class Recorder:
    """Captures calls; threads may share it. The caller is answered after `write` returned, and not before."""

    def __init__(self, journal: Journal, *, rng: Random | None = None) -> None:
        """`rng` chooses the calls where not all are captured; give one with a seed to choose the same again."""
        self.journal = journal
        self._rng = rng or SystemRandom()

    def chooses(self, config: CaptureConfig) -> bool:
        """Whether the next call is captured; ask once for each call, before its payloads are kept."""
        return config.enabled and self._rng.random() * 100 < config.sampling_percentage

    def write(self, config: CaptureConfig, endpoint: str, variant: str, exchange: Exchange) -> str | None:
        """The event id of the record, which nothing but the loss of the disk can lose now.

        None if there is no room or the payload is too large, which is counted and told in the log.
        """
        if any(side is not None and len(side.body) > LARGEST_BYTES for side in (exchange.input, exchange.output)):
            self.journal.drop(endpoint, variant, f"a payload is larger than {LARGEST_BYTES >> 20} MiB")
            return None
        event_id = new_event_id()
        stream = Stream.at(exchange.at, config.destination, endpoint, variant, config.kms_key)
        kept = self.journal.append(stream, exchange.at, line_of(exchange, config, event_id))
        return event_id if kept else None
