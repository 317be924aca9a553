"""What was queued is begun at once."""

from __future__ import annotations

from driftline.server.aws.wire import Call
from driftline.worker import Worker


def wake(call: Call) -> None:
    """The worker of this process looks for work now, not at its next turn."""
    if Worker in call.parts:
        call.part(Worker).wake()
