"""What machines are told of models: families of values with labels, which whoever exports them turns into its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from driftline.catalog.measured import Last, LastExecution
from driftline.server.worst import Figures, Kept

ALERT = "InAlert"


@dataclass(frozen=True)
class Family:
    """Gauges of one name: `points` have the values of `labels`, in their order, and the number."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    points: Sequence[tuple[tuple[str, ...], float]]


@dataclass(frozen=True)
class Found:
    """What the catalog had: the last runs, what was measured by each, and what is counted by labels."""

    runs: Sequence[Last] = ()
    figures: Mapping[str, Figures] = field(default_factory=dict)
    kept: Kept = field(default_factory=Kept)
    executions: Sequence[LastExecution] = ()
    firing: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    files: Sequence[tuple[str, str, int]] = ()
    deliveries: Sequence[tuple[str, str, int]] = ()
    models: int = 0


def families(found: Found) -> Iterator[Family]:
    """All families, those without a point too: what is not there is told as such."""
    yield Family("models", "Registered models.", (), [((), float(found.models))])
    yield from _of_runs(found.runs, found.figures)
    yield from _of_features(found.runs, found.kept)
    yield from _of_schedules(found.executions)
    said = "Alerts that fire, by model and severity."
    yield Family("alerts_firing", said, ("model", "severity"), _counted(found.firing.items()))
    said = "Files of import jobs, by model and status."
    yield Family("import_files", said, ("model", "status"), _pairs(found.files))
    said = "Messages of alerts, by channel and status."
    yield Family("deliveries", said, ("channel", "status"), _pairs(found.deliveries))


def _of_runs(runs: Sequence[Last], figures: Mapping[str, Figures]) -> Iterator[Family]:
    names = ("model", "monitor")
    said = "1 for the verdict of the last run of a monitor."
    yield Family("monitor_verdict", said, (*names, "verdict"), [((*_own(each), each.status), 1.0) for each in runs])
    broken = [(_own(each), float(each.violations)) for each in runs]
    yield Family("monitor_violations", "Violations that the last run found.", names, broken)
    said = "When the last run ended; time() minus it is its age."
    yield Family("monitor_last_run_timestamp_seconds", said, names, [(_own(each), _at(each.ended)) for each in runs])
    said = "The end of the window of the last run."
    ends = [(_own(each), _at(each.window_end)) for each in runs]
    yield Family("monitor_window_end_timestamp_seconds", said, names, ends)
    known = [(_own(each), figures[each.id]) for each in runs if each.id in figures]
    rows = [(own, float(each.rows)) for own, each in known if each.rows is not None]
    yield Family("monitor_rows", "Rows that the last run looked at.", names, rows)
    labelled = [(own, each.coverage) for own, each in known if each.coverage is not None]
    yield Family("monitor_label_coverage_ratio", "Share of these rows that have a label.", names, labelled)
    measured = [((*own, name), value) for own, each in known for name, value in each.of_model]
    yield Family("monitor_measure", "What the last run measured of the whole model.", (*names, "measure"), measured)


def _of_features(runs: Sequence[Last], kept: Kept) -> Iterator[Family]:
    points = [
        ((*_own(each), feature.name, name), value)
        for each in runs
        for feature in kept.features.get(each.id, ())
        for name, value in feature.values
    ]
    said = "What the last run measured of a feature; of many features the worst are told."
    yield Family("feature_measure", said, ("model", "monitor", "feature", "measure"), points)
    left = [((model,), float(count)) for model, count in kept.left_out.items()]
    yield Family("features_left_out", "Features of a model that are not told, being less bad.", ("model",), left)


def _of_schedules(executions: Sequence[LastExecution]) -> Iterator[Family]:
    names, said = ("schedule",), "1 for the status of the last execution of a monitoring schedule."
    points = [((each.schedule, each.status), 1.0) for each in executions]
    yield Family("schedule_execution_status", said, (*names, "status"), points)
    ends = [((each.schedule,), each.window_end.timestamp()) for each in executions]
    yield Family("schedule_window_end_timestamp_seconds", "The end of its window.", names, ends)
    fired = [((each.schedule,), float(each.alert == ALERT)) for each in executions if each.alert is not None]
    yield Family("schedule_in_alert", "1 while the schedule's alert is InAlert.", names, fired)


def _at(moment: datetime) -> float:
    return moment.timestamp()


def _own(run: Last) -> tuple[str, str]:
    return run.model, run.monitor


def _pairs(rows: Iterable[tuple[str, str, int]]) -> list[tuple[tuple[str, ...], float]]:
    return [((first, second), float(count)) for first, second, count in rows]


def _counted(counts: Iterable[tuple[tuple[str, ...], int]]) -> list[tuple[tuple[str, ...], float]]:
    return [(labels, float(count)) for labels, count in counts]
