"""Where rules are kept: those of a model, or those of SageMaker's schedules; each as the REST API has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from driftline.server.aws.wire import Call
from driftline.server.rest import alerting, alertpast, modelmonitors, schedulerules, schedules
from driftline.server.rest import models as registered
from driftline.server.rest.alerted import RuleDetail, ScheduleTrialWanted, TrialResult, TrialWanted
from driftline.server.rest.asked import SchedulesWanted
from driftline.server.web.ruleforms import MODELS, SCHEDULES, Known, Scheme

_OFFERED = 200
"""So many schedules are offered by name."""


@dataclass(frozen=True)
class Book:
    """The rules of a model, or, without one, of schedules; `path` is where its pages are."""

    call: Call
    model: str = ""

    @property
    def path(self) -> str:
        """Of its pages."""
        return f"/console/models/{self.model}" if self.model else "/console/alerts/of-schedules"

    @property
    def list(self) -> str:
        """The page with all of them."""
        return f"/console/alerts/rules?model={self.model}" if self.model else "/console/alerts/rules"

    @property
    def above(self) -> tuple[tuple[str, str], ...]:
        """What the rules are of, for the way up; raises `NotFound` for a model that is not there."""
        if not self.model:
            return (("Alerts of schedules", "/console/alerts/schedules"),)
        return ((registered.show_model(self.call, self.model).name, self.path),)

    @property
    def scheme(self) -> Scheme:
        """What may be said of them."""
        return MODELS if self.model else SCHEDULES

    def known(self) -> Known:
        """What they may name."""
        channels = [each.name for each in alerting.list_channels(self.call).items]
        if not self.model:
            found = schedules.list_schedules(self.call, SchedulesWanted(limit=_OFFERED, sort_by="name")).items
            endpoints = dict.fromkeys(each.endpoint for each in found if each.endpoint)
            return Known(channels=channels, schedules=[each.name for each in found], endpoints=list(endpoints))
        measured = alertpast.list_measures(self.call, self.model)
        monitors = [each.name for each in modelmonitors.list_monitors(self.call, self.model).items]
        versions = [each.version for each in registered.show_model(self.call, self.model).versions]
        return Known(monitors, versions, channels, measured.measures, measured.subjects)

    def names(self) -> set[str]:
        """Those that there are."""
        found = alerting.list_rules(self.call, self.model) if self.model else schedulerules.list_rules(self.call)
        return {each.name for each in found.items}

    def show(self, name: str) -> RuleDetail:
        """A rule; raises `NotFound`."""
        if self.model:
            return alerting.show_rule(self.call, self.model, name)
        return schedulerules.show_rule(self.call, name)

    def put(self, name: str, wanted: Any) -> None:
        """Keep a rule in the place of the one of its name."""
        if self.model:
            alerting.put_rule(self.call, self.model, name, wanted)
        else:
            schedulerules.put_rule(self.call, name, wanted)

    def try_out(self, wanted: Any, since: datetime | None) -> TrialResult:
        """When it would have fired."""
        if self.model:
            return alerting.try_rule(self.call, self.model, TrialWanted(rule=wanted, since=since))
        return schedulerules.try_rule(self.call, ScheduleTrialWanted(rule=wanted, since=since))

    def delete(self, name: str) -> None:
        """Forget a rule."""
        if self.model:
            alerting.delete_rule(self.call, self.model, name)
        else:
            schedulerules.delete_rule(self.call, name)
