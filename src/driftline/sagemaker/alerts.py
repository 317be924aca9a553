"""Alerts of a schedule: their state, and what shall happen when one is raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PREFIX = "driftline:alert"
"""Tags of a schedule that begin so name its alert's targets."""


@dataclass(frozen=True)
class ModelDashboardIndicatorAction:
    """Whether the dashboard shows an alert."""

    enabled: bool


@dataclass
class MonitoringAlertActions:
    """What shall happen when a schedule's alert is raised, given as `alert_actions` when the schedule is made.

    The targets are kept as tags of the schedule (`driftline:alert:sns:1`, ...), where everyone can read them. The
    server raises and shows alerts, but does not yet send them to these targets.
    """

    model_dashboard_indicator: ModelDashboardIndicatorAction | None = None
    sns_topics: list[str] = field(default_factory=list)
    lambdas: list[str] = field(default_factory=list)
    cloudwatch_alarms: list[str] = field(default_factory=list)

    def add_sns_topic(self, topic_arn: str) -> None:
        """Publish to this SNS topic."""
        self.sns_topics.append(topic_arn)

    def add_lambda(self, function_arn: str) -> None:
        """Call this Lambda function."""
        self.lambdas.append(function_arn)

    def add_cloudwatch_alarm(self, alarm_name: str) -> None:
        """Set this CloudWatch alarm."""
        self.cloudwatch_alarms.append(alarm_name)

    def tags(self) -> dict[str, str]:
        """The tags that keep the targets.

        >>> MonitoringAlertActions(ModelDashboardIndicatorAction(True), ["arn:aws:sns:us-west-2:123:team"]).tags()
        {'driftline:alert:sns:1': 'arn:aws:sns:us-west-2:123:team', 'driftline:alert:dashboard': 'Enabled'}
        """
        targets = {"sns": self.sns_topics, "lambda": self.lambdas, "cloudwatch-alarm": self.cloudwatch_alarms}
        found = {
            f"{PREFIX}:{name}:{number}": value
            for name, values in targets.items()
            for number, value in enumerate(values, 1)
        }
        if self.model_dashboard_indicator is not None:
            found[f"{PREFIX}:dashboard"] = "Enabled" if self.model_dashboard_indicator.enabled else "Disabled"
        return found

    @classmethod
    def of_tags(cls, tags: Mapping[str, str]) -> MonitoringAlertActions:
        """The targets in a schedule's tags.

        >>> actions = MonitoringAlertActions(lambdas=["f", "g"])
        >>> MonitoringAlertActions.of_tags(actions.tags()) == actions
        True
        """
        found = cls()
        lists = {"sns": found.sns_topics, "lambda": found.lambdas, "cloudwatch-alarm": found.cloudwatch_alarms}
        for tag, value in sorted(tags.items()):
            kind, _, _ = tag.removeprefix(f"{PREFIX}:").partition(":")
            if tag == f"{PREFIX}:dashboard":
                found.model_dashboard_indicator = ModelDashboardIndicatorAction(value == "Enabled")
            elif tag.startswith(f"{PREFIX}:") and kind in lists:
                lists[kind].append(value)
        return found


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
    def of(cls, answer: Mapping[str, Any]) -> MonitoringAlertSummary:
        """The alert in an answer of the API."""
        shown = answer["Actions"]["ModelDashboardIndicator"]["Enabled"]
        return cls(
            alert_name=answer["MonitoringAlertName"],
            creation_time=answer["CreationTime"],
            last_modified_time=answer["LastModifiedTime"],
            alert_status=answer["AlertStatus"],
            data_points_to_alert=answer["DatapointsToAlert"],
            evaluation_period=answer["EvaluationPeriod"],
            actions=MonitoringAlertActions(ModelDashboardIndicatorAction(shown)),
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
