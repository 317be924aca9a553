"""The pages that show data: features, segments, comparisons; quality, fairness, explainability."""

from __future__ import annotations

from fastapi import APIRouter

from driftline.server.web.comparing import router as _comparing
from driftline.server.web.explaining import router as _explaining
from driftline.server.web.fairness import router as _fairness
from driftline.server.web.feature import router as _feature
from driftline.server.web.features import router as _features
from driftline.server.web.parts import router as _parts
from driftline.server.web.quality import router as _quality

router = APIRouter(include_in_schema=False)
for _part in (_features, _feature, _parts, _comparing, _quality, _fairness, _explaining):
    router.include_router(_part)
