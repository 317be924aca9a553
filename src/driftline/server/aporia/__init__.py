"""Aporia's API, as its unmodified Python SDKs call it: 2.x under /v1beta and by GraphQL, 3.x under /api/v1."""

from __future__ import annotations

from fastapi import APIRouter

from driftline.server.aporia.datasets import router as _datasets
from driftline.server.aporia.graphql import router as _graphql
from driftline.server.aporia.models import router as _models
from driftline.server.aporia.refused import router as _refused
from driftline.server.aporia.v3 import router as _v3
from driftline.server.aporia.versions import router as _versions

router = APIRouter(include_in_schema=False)
"""What the SDKs call; an error is `{"error": {"message", "detail"}}`."""

for _part in (_models, _versions, _datasets, _graphql, _refused, _v3):
    router.include_router(_part)

__all__ = ["router"]
