"""Alerts of a schedule: their state, and what shall happen when one is raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from driftline.alerting.targets import DASHBOARD, Targets


@dataclass(frozen=True)
class ModelDashboardIndicatorAction:
    """Whether lists of the console show that the alert is raised."""

    enabled: bool


@dataclass
class MonitoringAlertActions:
    """What happens when a schedule's alert is raised, and when it is over, given as `alert_actions` to the schedule.

    The server keeps it as tags of the schedule (`driftline:alert:sns:1`, ...), where everyone can read it. `severity`
    is info, warning, error or critical, and goes with what is told.
    """

    model_dashboard_indicator: ModelDashboardIndicatorAction | None = None
    sns_topics: list[str] = field(default_factory=list)
    lambdas: list[str] = field(default_factory=list)
    cloudwatch_alarms: list[str] = field(default_factory=list)
    severity: str = "warning"

    def add_sns_topic(self, topic_arn: str) -> None:
        """Publish to this SNS topic, of the server or of AWS."""
        self.sns_topics.append(topic_arn)

    def add_lambda(self, function_arn: str) -> None:
        """Call this Lambda function."""
        self.lambdas.append(function_arn)

    def add_cloudwatch_alarm(self, alarm_name: str) -> None:
        """Set this CloudWatch alarm of the server, which is made if there is none."""
        self.cloudwatch_alarms.append(alarm_name)

    def tags(self) -> dict[str, str]:
        """The tags that keep it.

        >>> MonitoringAlertActions(ModelDashboardIndicatorAction(True), ["arn:aws:sns:us-west-2:123:team"]).tags()
        {'driftline:alert:sns:1': 'arn:aws:sns:us-west-2:123:team', 'driftline:alert:dashboard': 'Enabled'}
        """
        topics, functions, alarms = map(tuple, (self.sns_topics, self.lambdas, self.cloudwatch_alarms))
        found = Targets(topics, functions, alarms, self.severity).tags()
        if self.model_dashboard_indicator is not None:
            found[DASHBOARD] = "Enabled" if self.model_dashboard_indicator.enabled else "Disabled"
        return found

    @classmethod
    def of_tags(cls, tags: Mapping[str, str]) -> MonitoringAlertActions:
        """What a schedule's tags say.

        >>> actions = MonitoringAlertActions(lambdas=["arn:aws:lambda:us-west-2:123:function:f"], severity="critical")
        >>> MonitoringAlertActions.of_tags(actions.tags()) == actions
        True
        """
        found = Targets.of(tags)
        indicator = ModelDashboardIndicatorAction(found.shown) if DASHBOARD in tags else None
        return cls(indicator, list(found.topics), list(found.functions), list(found.alarms), found.severity)


@dataclass(frozen=True)
class MonitoringAlertSummary:
    """An alert: raised (`InAlert`) when so many of the last executions failed or found violations, else `OK`."""

    alert_name: str
    creation_time: datetime
    last_modified_time: datetime
    alert_status: str
    data_points_to_alert: int
    evaluation_period: int
    actions: MonitoringAlertActions

    @classmethod
    def of(cls, answer: Mapping[str, Any], tags: Mapping[str, str]) -> MonitoringAlertSummary:
        """The alert in an answer of the API, with the actions in the tags of its schedule."""
        actions = MonitoringAlertActions.of_tags(tags)
        shown = answer["Actions"]["ModelDashboardIndicator"]["Enabled"]
        actions.model_dashboard_indicator = ModelDashboardIndicatorAction(shown)
        return cls(
            alert_name=answer["MonitoringAlertName"],
            creation_time=answer["CreationTime"],
            last_modified_time=answer["LastModifiedTime"],
            alert_status=answer["AlertStatus"],
            data_points_to_alert=answer["DatapointsToAlert"],
            evaluation_period=answer["EvaluationPeriod"],
            actions=actions,
        )


@dataclass(frozen=True)
class MonitoringAlertHistorySummary:
    """A change of an alert."""

    alert_name: str
    creation_time: datetime
    alert_status: str

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> MonitoringAlertHistorySummary:
        """The change in an answer of the API."""
        return cls(answer["MonitoringAlertName"], answer["CreationTime"], answer["AlertStatus"])
