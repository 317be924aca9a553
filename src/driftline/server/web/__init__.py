"""The console: pages for people, rendered here over what the REST API answers, with no script needed to read them."""

from __future__ import annotations

from fastapi import APIRouter

from driftline.server.web.alerts import router as _alerts
from driftline.server.web.alertschedules import router as _alert_schedules
from driftline.server.web.channels import router as _channels
from driftline.server.web.constraints import router as _constraints
from driftline.server.web.data import router as _data
from driftline.server.web.deliveries import router as _deliveries
from driftline.server.web.executions import router as _executions
from driftline.server.web.imports import router as _imports
from driftline.server.web.models import router as _models
from driftline.server.web.monitors import router as _monitors
from driftline.server.web.overview import router as _overview
from driftline.server.web.people import router as _people
from driftline.server.web.registering import router as _registering
from driftline.server.web.rulepages import router as _rule_pages
from driftline.server.web.rules import router as _rules
from driftline.server.web.rulesyaml import router as _rules_yaml
from driftline.server.web.runs import router as _runs
from driftline.server.web.schedules import router as _schedules
from driftline.server.web.search import router as _search
from driftline.server.web.settings import router as _settings
from driftline.server.web.signing import router as _signing
from driftline.server.web.times import router as _times

router = APIRouter(include_in_schema=False)
_PARTS = (
    _signing,
    _people,
    _overview,
    _rules,
    _rule_pages,
    _rules_yaml,
    _channels,
    _deliveries,
    _alert_schedules,
    _alerts,
    _constraints,
    _monitors,
    _times,
    _models,
    _registering,
    _data,
    _runs,
    _imports,
    _schedules,
    _executions,
    _search,
    _settings,
)
for _part in _PARTS:
    router.include_router(_part)

__all__ = ["router"]
