"""`driftline worker`: see `serve`."""

from driftline.commands.serve import worker

__all__ = ["worker"]
