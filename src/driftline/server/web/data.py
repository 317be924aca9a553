"""The pages that show data: features, segments, comparisons."""

from __future__ import annotations

from fastapi import APIRouter

from driftline.server.web.comparing import router as _comparing
from driftline.server.web.feature import router as _feature
from driftline.server.web.features import router as _features
from driftline.server.web.parts import router as _parts

router = APIRouter(include_in_schema=False)
for _part in (_features, _feature, _parts, _comparing):
    router.include_router(_part)
