"""What Arize's clients ask: import jobs by GraphQL, and rows that are logged."""

from __future__ import annotations

from driftline.server.arize.operations import router

__all__ = ["router"]
