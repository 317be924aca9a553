"""Limits on what one caller can ask for: requests a second, size and depth of a body."""

from __future__ import annotations

import re
from collections import OrderedDict
from threading import Lock

JSON_BYTES = 4 << 20
"""Largest JSON request; the largest that SageMaker's model allows is a fraction of it."""
DEPTH = 64
"""How deep a JSON request may be nested; the deepest that the models know is 14."""
CALLERS = 10_000
"""Callers remembered; beyond them the one not seen for longest is forgotten, and begins with a full bucket."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[{\]}]', re.DOTALL)


class Rate:
    """A token bucket for each caller: `per_second` on average, `burst` at once, twice as many if not given."""

    def __init__(self, per_second: float, *, burst: float | None = None) -> None:
        """All buckets are full."""
        self._per_second = per_second
        self._burst = max(2 * per_second if burst is None else burst, 1.0)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, caller: str, now: float) -> bool:
        """Whether the caller may make another request; `now` in seconds of a clock that never goes back.

        >>> rate = Rate(1)
        >>> [rate.take("a", now) for now in (0.0, 0.0, 0.0, 1.0, 1.0)]
        [True, True, False, True, False]
        """
        with self._lock:
            left = self._left(caller, now)
            self._buckets.pop(caller, None)
            allowed = left >= 1.0
            self._buckets[caller] = (left - 1.0 if allowed else left, now)
            if len(self._buckets) > CALLERS:
                self._buckets.popitem(last=False)
            return allowed

    def has(self, caller: str, now: float) -> bool:
        """Whether `take` would allow a request.

        >>> rate = Rate(1, burst=1)
        >>> rate.has("a", 0.0), rate.has("a", 0.0), rate.take("a", 0.0), rate.has("a", 0.0), rate.has("a", 1.0)
        (True, True, True, False, True)
        """
        with self._lock:
            return self._left(caller, now) >= 1.0

    def _left(self, caller: str, now: float) -> float:
        left, seen = self._buckets.get(caller, (self._burst, now))
        return min(self._burst, left + max(0.0, now - seen) * self._per_second)


def too_deep(body: bytes, limit: int = DEPTH) -> bool:
    """Whether brackets of a JSON text nest deeper than the limit; told before anything is parsed.

    >>> too_deep(b"[" * 65), too_deep(b"[]" * 65), too_deep(b'"' + b"[" * 65 + b'"')
    (True, False, False)
    """
    if body.count(b"[") + body.count(b"{") <= limit:
        return False
    depth = 0
    for token in _TOKEN.finditer(body):
        mark = token.group()
        if mark in (b"[", b"{"):
            depth += 1
            if depth > limit:
                return True
        elif mark in (b"]", b"}"):
            depth -= 1
    return False
