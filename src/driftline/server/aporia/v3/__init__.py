"""What Aporia's SDK 3.x calls, below an account and a workspace of it, which is a space here."""

from __future__ import annotations

from fastapi import APIRouter

from driftline.server.aporia.v3.datasets import router as _datasets
from driftline.server.aporia.v3.fields import router as _fields
from driftline.server.aporia.v3.models import router as _models
from driftline.server.aporia.v3.sources import router as _sources
from driftline.server.aporia.v3.versions import router as _versions
from driftline.server.aporia.v3.workspaces import router as _workspaces

router = APIRouter()

for _part in (_models, _versions, _datasets, _fields, _sources, _workspaces):
    router.include_router(_part)

__all__ = ["router"]
