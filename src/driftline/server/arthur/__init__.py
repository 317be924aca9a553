"""What Arthur's client and its Lambda function for SageMaker's Data Capture ask, below /api/v3."""

from __future__ import annotations

from fastapi import APIRouter

from driftline.server.arthur.inferences import router as _inferences
from driftline.server.arthur.models import router as _models

router = APIRouter(prefix="/api/v3", include_in_schema=False)
router.include_router(_models)
router.include_router(_inferences)

__all__ = ["router"]
