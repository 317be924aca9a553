"""`driftline demo`: the main job on real data that ships with the package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from cyclopts import Parameter

from driftline.manifest import Manifest, World
from driftline.monitors.verdict import Measure
from driftline.pages.tables import short, table_of
from driftline.pages.terminal import number
from driftline.reports import Report
from driftline.runs import judge, learn

if TYPE_CHECKING:
    from rich.console import Console

DRIFT = "baseline_drift"
_FIGURES = ("rows", "violations", "distance", "limit")


@dataclass(frozen=True)
class Story:
    """A data set that is told: which rows are normal, how the others are cut into periods, what is not monitored."""

    title: str
    about: str
    name: str
    periods: str
    normal: str
    leave_out: tuple[str, ...]


STORIES = (
    Story(
        title="Car loans",
        about="Ten months of normal business, then ten more, month by month. Will the bank notice?",
        name="car_loan",
        periods="strftime:%Y-%m",
        normal="reference",
        leave_out=("id", "period", "timestamp", "repaid", "labelled_at"),
    ),
    Story(
        title="Employment in Massachusetts (US census)",
        about="One year is normal, three follow. Nothing much happens, and a good monitor says so.",
        name="employment",
        periods="year",
        normal="2015",
        leave_out=("id", "year", "employed"),
    ),
)


def demo(
    *,
    output: Annotated[str, Parameter(name=["--output", "-o"])] = "demo-output",
    serve: Annotated[bool, Parameter(negative="")] = False,
    port: int | None = None,
) -> int:
    """Learn a baseline from real data, walk through later periods, and see what moved and why.

    Needs no network and no other file. The data, the baselines and the reports stay in the output folder. With
    --serve the same rows come to a server of its own week by week, monitors look at each, and the console shows it.

    Parameters
    ----------
    output
        The folder that everything is written to.
    serve
        Fill a server with ten months of history (half a minute, the first time), and serve it until interrupted.
    port
        Port that it listens on; 0 takes a free one.
    """
    if serve:
        from driftline.commands import demohistory

        return demohistory.serve(Path(output), port)
    from rich.console import Console

    console = Console()
    for story in STORIES:
        _tell(story, Path(output) / story.name, console)
    _next(Path(output) / STORIES[0].name, console)
    return 0


def _tell(story: Story, folder: Path, console: Console) -> None:
    console.print(f"\n[bold]{story.title}[/bold]\n{story.about}\n")
    normal, later = _unpack(story, folder / "data")
    manifest = Manifest(inputs=(str(normal),), exclude=story.leave_out)
    baseline = learn(manifest, World())
    baseline.save(str(folder / "baseline"))
    rows = baseline.profile.rows if baseline.profile is not None else 0
    console.print(f"Baseline: {rows:,} rows, {len(baseline.names or ())} columns, in {folder / 'baseline'}")
    table = table_of("period", "rows", "violations", "what moved most", "distance", "limit", numeric=_FIGURES)
    worst: tuple[Report, Path] | None = None
    for path in later:
        report = judge(Manifest(inputs=(str(path),), exclude=story.leave_out), baseline, World())
        place = folder / "reports" / path.stem
        report.save(str(place))
        table.add_row(*_row(report, path.stem))
        if worst is None or len(report.violations) > len(worst[0].violations):
            worst = report, place
    console.print(table)
    console.print(f"The three files of each period: {folder / 'reports'}", highlight=False)
    if worst is not None:
        _explain(*worst, console)


def _unpack(story: Story, folder: Path) -> tuple[Path, list[Path]]:
    """Write the normal rows and each later period to files of their own, as a log would lie there."""
    folder.mkdir(parents=True, exist_ok=True)
    with as_file(files("driftline") / "data" / f"{story.name}.parquet") as packed:
        table = pq.read_table(packed)
    written = []
    for period, rows in _periods(story, table):
        written.append(folder / f"{period}.parquet")
        pq.write_table(rows, written[-1])
    return written[0], written[1:]


def _periods(story: Story, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    if story.periods.startswith("strftime:"):
        months = pc.strftime(table["timestamp"], format=story.periods.removeprefix("strftime:"))
        labels = pc.if_else(pc.equal(table["period"], story.normal), story.normal, months)
    else:
        labels = pc.cast(table[story.periods], pa.string())
    yield story.normal, table.filter(pc.equal(labels, story.normal))
    for label in sorted(set(labels.unique().to_pylist()) - {story.normal}):
        yield label, table.filter(pc.equal(labels, label))


def moved_most(report: Report) -> Measure | None:
    """The column farthest from its baseline by SageMaker's distance."""
    drifts = [found for found in report.measures if found.name == DRIFT and found.value == found.value]
    return max(drifts, key=lambda found: found.value, default=None)


def _row(report: Report, period: str) -> tuple[str, ...]:
    most = moved_most(report)
    count = str(len(report.violations)) if report.violations else "none"
    moved = ("–", "–", "–")
    if most is not None and most.value > 0:
        moved = (short(most.subject, 24), number(most.value), number(most.limit or 0.0))
    return period, f"{report.current.rows:,}", count, *moved


def _explain(report: Report, place: Path, console: Console) -> None:
    """The worst period in full: its violations, and the page."""
    html = str(place / "report.html")
    report.save(html=html)
    if report.violations:
        console.print(f"[bold]Why {place.name} fired[/bold]")
    console.print(report)
    console.print(f"The page to look at: [bold]{html}[/bold]")


def _next(folder: Path, console: Console) -> None:
    period = sorted((folder / "data").glob("20*.parquet"))[-1]
    leave_out = ",".join(STORIES[0].leave_out)
    console.print("\n[bold]What to try next[/bold]")
    for line in (
        f"driftline profile {period}",
        f"driftline check {period} --baseline {folder / 'baseline'} --exclude {leave_out} --measure psi=0.1",
        "driftline baseline YOUR_DATA --output baseline/",
    ):
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
