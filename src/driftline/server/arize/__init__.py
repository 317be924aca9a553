"""What Arize's clients ask: import jobs by GraphQL, and rows that are logged."""

from __future__ import annotations

from fastapi import APIRouter

from driftline.server.arize.logged import router as _logged
from driftline.server.arize.operations import router as _operations

router = APIRouter()
router.include_router(_operations)
router.include_router(_logged)

__all__ = ["router"]
