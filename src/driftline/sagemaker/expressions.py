"""Cron expressions of the usual schedules."""

from __future__ import annotations

from driftline.cron import NOW, Cron

BOTH_TIMES = "Both data_analysis_start_time and data_analysis_end_time are required for one time monitoring schedule "


class CronExpressionGenerator:
    """Expressions for `schedule_cron_expression`; all times are UTC."""

    @staticmethod
    def hourly() -> str:
        """Every hour, on the hour.

        >>> CronExpressionGenerator.hourly()
        'cron(0 * ? * * *)'
        """
        return "cron(0 * ? * * *)"

    @staticmethod
    def daily(hour: int = 0) -> str:
        """Every day at this hour, 0 to 23.

        >>> CronExpressionGenerator.daily(), CronExpressionGenerator.daily(17)
        ('cron(0 0 ? * * *)', 'cron(0 17 ? * * *)')
        """
        return Cron.parse(f"cron(0 {hour} ? * * *)").text

    @staticmethod
    def daily_every_x_hours(
        hour_interval: int | None = None, starting_hour: int = 0, *, hour: int | None = None
    ) -> str:
        """Every day, from the starting hour on, each time so many hours (1 to 24) have passed.

        `hour` is another name of the interval.

        >>> CronExpressionGenerator.daily_every_x_hours(hour_interval=10, starting_hour=17)
        'cron(0 17/10 ? * * *)'
        >>> CronExpressionGenerator.daily_every_x_hours(6)
        'cron(0 0/6 ? * * *)'
        """
        every = hour if hour_interval is None else hour_interval
        return Cron.parse(f"cron(0 {starting_hour}/{every} ? * * *)").text

    @staticmethod
    def now() -> str:
        """Once, as soon as the schedule is made; needs the start and the end of what is analysed."""
        return NOW


def schedule_config(expression: str | None, start: str | None, end: str | None) -> dict[str, str] | None:
    """The `ScheduleConfig` of a request, None where nothing is said; raises the SDK's `ValueError` for a bare NOW.

    >>> schedule_config("NOW", "-PT1H", "-PT0H")
    {'ScheduleExpression': 'NOW', 'DataAnalysisStartTime': '-PT1H', 'DataAnalysisEndTime': '-PT0H'}
    """
    if expression is None:
        return None
    if expression == NOW and (start is None or end is None):
        raise ValueError(BOTH_TIMES)
    times = {"DataAnalysisStartTime": start, "DataAnalysisEndTime": end}
    return {"ScheduleExpression": expression, **{name: value for name, value in times.items() if value is not None}}
