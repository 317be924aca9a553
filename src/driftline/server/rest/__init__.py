"""The REST API under /v1: what the server has and does, for people, scripts and the command line."""

from __future__ import annotations

from fastapi import APIRouter

from driftline.server.rest.alerting import router as _alerts
from driftline.server.rest.alertpast import router as _past
from driftline.server.rest.answers import Refusal
from driftline.server.rest.audit import router as _audit
from driftline.server.rest.callers import router as _callers
from driftline.server.rest.comparing import router as _comparing
from driftline.server.rest.constraints import router as _constraints
from driftline.server.rest.credentials import router as _credentials
from driftline.server.rest.endpoints import router as _endpoints
from driftline.server.rest.evidence import router as _evidence
from driftline.server.rest.executions import router as _executions
from driftline.server.rest.hooks import router as _hooks
from driftline.server.rest.importfiles import router as _files
from driftline.server.rest.importnew import router as _new
from driftline.server.rest.imports import router as _imports
from driftline.server.rest.inferences import router as _tables
from driftline.server.rest.jobs import router as _jobs
from driftline.server.rest.keys import router as _keys
from driftline.server.rest.modelmonitors import router as _monitors
from driftline.server.rest.modelruns import router as _runs
from driftline.server.rest.models import router as _models
from driftline.server.rest.parts import router as _parts
from driftline.server.rest.schedulealerts import router as _schedule_alerts
from driftline.server.rest.schedulenew import router as _new_schedules
from driftline.server.rest.schedulerules import router as _schedule_rules
from driftline.server.rest.schedules import router as _schedules
from driftline.server.rest.spaces import router as _spaces

_REFUSALS = {
    400: "Refused: what was sent is wrong",
    401: "No key, or one that is not known",
    403: "The key lacks the scope",
    404: "There is no such thing",
    409: "It exists already, or is not in a state for this",
    422: "Refused: a parameter or the body is malformed",
}

router = APIRouter(
    prefix="/v1", responses={code: {"description": said, "model": Refusal} for code, said in _REFUSALS.items()}
)
"""Endpoints under /v1. An error of `driftline.errors` becomes `{"error": {"code", "message"}}` with its status."""

_PARTS = (
    _callers,
    _schedules,
    _new_schedules,
    _schedule_alerts,
    _executions,
    _evidence,
    _jobs,
    _endpoints,
    _models,
    _imports,
    _new,
    _files,
    _tables,
    _hooks,
    _credentials,
    _monitors,
    _constraints,
    _comparing,
    _parts,
    _runs,
    _alerts,
    _schedule_rules,
    _past,
    _keys,
    _audit,
    _spaces,
)
for _part in _PARTS:
    router.include_router(_part)

__all__ = ["router"]
