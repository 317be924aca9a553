"""What a schedule's runs found and what its alerts say."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from driftline.sagemaker import schedules
from driftline.sagemaker.alerts import MonitoringAlertHistorySummary, MonitoringAlertSummary
from driftline.sagemaker.files import ConstraintViolations, Statistics
from driftline.sagemaker.jobs import MonitoringExecution, summaries
from driftline.sagemaker.session import JobFailed

LOGGER = logging.getLogger(__name__)

NOT_YET = "Nothing to update, please create a schedule first."


class Watched:
    """The reading half of a monitor: runs and alerts of its schedule."""

    sagemaker_session: Any
    monitoring_schedule_name: str | None

    def list_executions(
        self,
        schedule_name: str | None = None,
        status_equals: str | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        max_results: int | None = None,
    ) -> list[MonitoringExecution]:
        """Runs of its schedule, or of the one named, each both an object and a mapping.

        Called without arguments, as the SageMaker SDK does: those that have a job, the latest last. Else as asked:
        sorted by `CreationTime` (unless `ScheduledTime` or `Status` is said), the latest first (unless `Ascending`).
        """
        session, name = self.sagemaker_session, schedule_name or self.monitoring_schedule_name
        if (schedule_name, status_equals, sort_by, sort_order, max_results) == (None,) * 5:
            with_job = [each for each in summaries(session, name) if each.get("ProcessingJobArn")]
            return [MonitoringExecution(session, each) for each in reversed(with_job)]
        order = {"SortBy": sort_by or "CreationTime", "SortOrder": sort_order or "Descending"}
        found = summaries(session, name, **order, MaxResults=max_results or 100, StatusEquals=status_equals)
        return [MonitoringExecution(session, each) for each in found]

    @property
    def latest_monitoring_job(self) -> MonitoringExecution | None:
        """The latest run that has a job."""
        return next(reversed(self.list_executions()), None)

    def latest_monitoring_statistics(self, file_name: str = "statistics.json") -> Statistics | None:
        """The statistics of the latest run; None, and a warning, if it has none."""
        found: Statistics | None = self._latest_file("statistics", file_name)
        return found

    def latest_monitoring_constraint_violations(
        self, file_name: str = "constraint_violations.json"
    ) -> ConstraintViolations | None:
        """The violations of the latest run; None, and a warning, if it has none."""
        found: ConstraintViolations | None = self._latest_file("constraint_violations", file_name)
        return found

    def _latest_file(self, kind: str, name: str) -> Any:
        latest = self.latest_monitoring_job
        if latest is None:
            LOGGER.warning(
                "No executions found for schedule. monitoring_schedule_name: %s", self.monitoring_schedule_name
            )
            return None
        try:
            return getattr(latest, kind)(name)
        except (ClientError, JobFailed) as error:
            LOGGER.warning("Unable to retrieve %s of the latest execution of %s: %s", kind, latest.job_name, error)
            return None

    def get_latest_execution_logs(self, wait: bool = False) -> None:
        """Print the log of the latest run; raises `ValueError` if there is none or it had no job."""
        found = summaries(self.sagemaker_session, self._schedule(None))
        if not found:
            raise ValueError("No execution jobs were kicked off.")
        latest = MonitoringExecution(self.sagemaker_session, found[0])
        if latest.job_name is None:
            raise ValueError("Processing Job did not run for the last execution")
        if wait:
            latest.wait()
        else:
            print(*latest.logs(), sep="\n")

    # Alerts

    def update_monitoring_alert(
        self, monitoring_alert_name: str, data_points_to_alert: int | None, evaluation_period: int | None
    ) -> None:
        """Raise an alert when so many of so many of the last runs failed or found violations."""
        if self.monitoring_schedule_name is None:
            raise ValueError(NOT_YET)
        if not data_points_to_alert and not evaluation_period:
            raise ValueError("Got no alert property to update.")
        self.sagemaker_session.call(
            "update_monitoring_alert",
            MonitoringScheduleName=self.monitoring_schedule_name,
            MonitoringAlertName=monitoring_alert_name,
            DatapointsToAlert=data_points_to_alert,
            EvaluationPeriod=evaluation_period,
        )

    def list_monitoring_alerts(
        self, next_token: str | None = None, max_results: int | None = 10
    ) -> tuple[list[MonitoringAlertSummary], str | None]:
        """The alerts of its schedule with their actions, and a token if there are more."""
        if self.monitoring_schedule_name is None:
            LOGGER.warning("No alert to list, please create a schedule first.")
            return [], None
        name, page = self.monitoring_schedule_name, {"NextToken": next_token, "MaxResults": max_results}
        answer = self.sagemaker_session.call("list_monitoring_alerts", MonitoringScheduleName=name, **page)
        tags = schedules.tags_of(self.sagemaker_session, name)
        found = [MonitoringAlertSummary.of(each, tags) for each in answer["MonitoringAlertSummaries"]]
        return found, answer.get("NextToken")

    def list_monitoring_alert_history(
        self,
        monitoring_alert_name: str | None = None,
        sort_by: str | None = "CreationTime",
        sort_order: str | None = "Descending",
        next_token: str | None = None,
        max_results: int | None = 10,
        creation_time_before: datetime | str | None = None,
        creation_time_after: datetime | str | None = None,
        status_equals: str | None = None,
    ) -> tuple[list[MonitoringAlertHistorySummary], str | None]:
        """The changes of its schedule's alerts, and a token if there are more."""
        if self.monitoring_schedule_name is None:
            LOGGER.warning("No alert history to list, please create a schedule first.")
            return [], None
        answer = self.sagemaker_session.call(
            "list_monitoring_alert_history",
            MonitoringScheduleName=self.monitoring_schedule_name,
            MonitoringAlertName=monitoring_alert_name,
            SortBy=sort_by,
            SortOrder=sort_order,
            NextToken=next_token,
            MaxResults=max_results,
            CreationTimeBefore=creation_time_before,
            CreationTimeAfter=creation_time_after,
            StatusEquals=status_equals,
        )
        found = [MonitoringAlertHistorySummary.of(each) for each in answer["MonitoringAlertHistory"]]
        return found, answer.get("NextToken")

    def _schedule(self, name: str | None) -> str:
        found = name or self.monitoring_schedule_name
        if found is None:
            raise ValueError("There is no schedule yet: create one, attach to one, or give monitor_schedule_name.")
        return found
