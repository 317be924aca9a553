"""Capture from inside a user's own Python code: one call for each inference."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any

from driftline.captures.config import CaptureConfig, media_type, named
from driftline.captures.journal import Journal
from driftline.captures.record import Exchange, Payload
from driftline.captures.recorder import Recorder
from driftline.errors import Invalid
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

VARIANT = "AllTraffic"
"""What the SageMaker SDK calls the variant where there is one."""


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def opened(
    config: CaptureConfig | str, journal: Journal | Path | str | None, endpoint: str
) -> tuple[CaptureConfig, Journal]:
    """What logger and middleware may be given, in full; raises `Invalid` for a destination that is none.

    Without a journal it is the folder `.driftline/captures/ENDPOINT`.
    """
    config = config if isinstance(config, CaptureConfig) else CaptureConfig(config)
    storage_for(config.destination, Access())
    named("endpoint", endpoint)
    if isinstance(journal, Journal):
        return config, journal
    return config, Journal(journal if journal is not None else Path(".driftline", "captures", endpoint))


class CaptureLogger:
    """Writes captured calls as SageMaker does: `logger.log(input="41,0.5", output="0.83")`.

    When `log` returns, the record is safe from the end of the process; it is stored within seconds, by a thread.
    Threads may share a logger. It can be used as a context manager.
    """

    def __init__(
        self,
        config: CaptureConfig | str,
        *,
        endpoint: str,
        variant: str = VARIANT,
        journal: Journal | Path | str | None = None,
        rng: Random | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """`config` may be the destination alone, a URI or a folder: all calls are captured, both sides.

        `journal` is a folder of the local disk, for this storage only, or an open journal. Raises `Invalid`.
        """
        self.config, self.journal = opened(config, journal, endpoint)
        self._endpoint, self._variant, self._clock = endpoint, named("variant", variant), clock
        self._recorder = Recorder(self.journal, rng=rng)

    def log(
        self,
        *,
        input: Any = None,
        output: Any = None,
        input_content_type: str | None = None,
        output_content_type: str | None = None,
        inference_id: str | None = None,
        custom_attributes: str | None = None,
        at: datetime | None = None,
    ) -> str | None:
        """Capture one call, and return the record's event id; None if the call was not chosen, or could not be kept.

        A text is taken for CSV, bytes for a binary payload, anything else is written as JSON (numpy values too),
        unless a content type says otherwise. `at` is when the call came, with its time zone. Raises `Invalid`.
        """
        sent, answered = payload_of(input, input_content_type), payload_of(output, output_content_type)
        moment = self._clock() if at is None else at
        if moment.tzinfo is None:
            expected = "a time with its zone"
            raise Invalid(what="at", got=at, expected=expected, remedy="datetime.now(timezone.utc) has one.")
        if not self._recorder.chooses(self.config):
            return None
        exchange = Exchange(moment, sent, answered, inference_id, custom_attributes)
        return self._recorder.write(self.config, self._endpoint, self._variant, exchange)

    def flush(self) -> bool:
        """Store what was captured so far, and wait for it; False if the storage does not answer now."""
        return self.journal.flush()

    def close(self) -> None:
        """Store what was captured, as the normal end of the process does."""
        self.journal.close()

    def __enter__(self) -> CaptureLogger:
        """This."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def payload_of(value: Any, content_type: str | None = None) -> Payload | None:
    """A value as it would go over the wire; None stays None. Raises `Invalid` for what JSON cannot say.

    >>> payload_of("41,0.5"), payload_of({"age": 41})
    (Payload(content_type='text/csv'), Payload(content_type='application/json'))
    >>> payload_of([{"age": 41}, {"age": 42}], "application/jsonlines").body
    b'{"age":41}\\n{"age":42}'
    """
    if value is None:
        return None
    if isinstance(value, str):
        return Payload(value.encode("utf-8", "replace"), content_type or "text/csv")
    if isinstance(value, bytes | bytearray | memoryview):
        return Payload(bytes(value), content_type or "application/octet-stream")
    content_type = content_type or "application/json"
    if media_type(content_type) in ("application/jsonlines", "application/json-lines") and isinstance(value, list):
        return Payload(b"\n".join(map(_json, value)), content_type)
    return Payload(_json(value), content_type)


def _json(value: Any) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError) as error:
        remedy = "Give a text, bytes, or what JSON can say."
        raise Invalid(what="payload", got=type(value).__name__, expected=f"JSON ({error})", remedy=remedy) from error
    return text.encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    """Numpy's values and arrays as Python's, times as ISO 8601."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
