"""The pages that change models, and show where their rows come from, as one part of the console."""

from __future__ import annotations

from fastapi import APIRouter

from driftline.server.web.endpoints import router as _endpoints
from driftline.server.web.lineage import router as _lineage
from driftline.server.web.modelforms import router as _forms
from driftline.server.web.modelschema import router as _schema

router = APIRouter(include_in_schema=False)
for _part in (_forms, _schema, _lineage, _endpoints):
    router.include_router(_part)
