"""The operations that are served: each resource's module registers its own when it is imported here."""

from __future__ import annotations

from driftline.server.aws.wire import OPERATIONS

__all__ = ["OPERATIONS"]
