"""What calls a model for a run, whoever started it: over connections that are kept, to hosts that are allowed."""

from __future__ import annotations

from collections.abc import Sequence

from driftline.asking import Opener
from driftline.explanations.endpoint import Invoke


def calling(url: str, allowed: Sequence[str] = ()) -> Invoke:
    """Sends bodies to the model's `/invocations`; the library for it is not loaded before a model is asked.

    `allowed` are patterns of hosts that may be called; all but link-local ones if there are none.
    """
    from driftline.captures.forward import Forwarder
    from driftline.hosts import Allowed

    return Forwarder(Allowed(tuple(allowed))).calling(url)


def opener(allowed: Sequence[str]) -> Opener:
    """What calls models at hosts of these patterns."""
    return lambda url: calling(url, allowed)
