"""The report: a verdict with all it rests on, to be shown, saved and read by machines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from driftline import record
from driftline.asking import Asked
from driftline.baselines import Baseline, write_json
from driftline.labels.coverage import Coverage
from driftline.localvalues import save_background
from driftline.monitors.bias import Bias
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.monitor import Monitor
from driftline.monitors.tracks import Track, track_of, track_said, widened
from driftline.monitors.verdict import Compared, Measure, Verdict, Violation
from driftline.pages import report as page
from driftline.pages import tables, terminal, terminal_measures
from driftline.pages.content import Content
from driftline.papers import PAPERS, VIOLATIONS
from driftline.problems import Problems
from driftline.profile import Profile
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType


@dataclass(frozen=True)
class Report:
    """What a check says. `violations` break a constraint; `measures` are all numbers, undefined ones with a reason.

    In a notebook it shows itself as HTML, on a terminal as a table. `created` is when it was made, in UTC. `past` are
    the estimates of earlier checks beside what came of them.
    """

    verdict: Verdict
    current: Profile
    baseline: Baseline
    problems: Problems = field(default_factory=Problems)
    inputs: tuple[str, ...] = ()
    monitor: Monitor = field(default_factory=DataQuality)
    coverage: Coverage | None = None
    model: Asked | None = None
    notes: tuple[str, ...] = ()
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    past: tuple[Compared, ...] = ()

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What broke a constraint, in the order of the columns."""
        return self.verdict.violations

    @property
    def measures(self) -> tuple[Measure, ...]:
        """All that was measured."""
        return self.verdict.measures

    @property
    def status(self) -> str:
        """`Completed`, or `CompletedWithViolations`, as SageMaker names it."""
        return "CompletedWithViolations" if self.violations else "Completed"

    @property
    def said(self) -> str:
        """SageMaker's exit message."""
        count = f"{len(self.violations)} violations" if self.violations else "no violations"
        return f"{self.status}: Job completed successfully with {count}."

    @property
    def estimates(self) -> tuple[Compared, ...]:
        """What labels will probably show, beside what they show; as wide as errors of the past say it must be."""
        tracks = {track.name: track for track in track_of(self.past)}
        return tuple(widened(each, tracks.get(each.name, Track(each.name))) for each in self.verdict.estimates)

    @property
    def tracks(self) -> tuple[Track, ...]:
        """How right estimates were so far, this one included if its labels are there."""
        return track_of(self.record)

    @property
    def record(self) -> tuple[Compared, ...]:
        """The record of estimates with those of this check, once at least half of its rows have a label."""
        known = [each for each in self.verdict.estimates if 2 * each.labelled >= self.current.rows]
        return record.joined(self.past, known)

    def to_dict(self) -> dict[str, Any]:
        """The report as one JSON value; NaN stands for what is not defined."""
        known = self.baseline.profile
        return {
            "status": self.status,
            "message": self.said,
            "created": self.created.isoformat(timespec="seconds"),
            "inputs": list(self.inputs),
            "rows": self.current.rows,
            "baseline_rows": None if known is None else known.rows,
            "violations": [asdict(found) for found in self.violations],
            "measures": [asdict(found) for found in self.measures],
            "failures": dict(self.current.failures),
            "problems": self.problems.to_dict(),
            "coverage": None if self.coverage is None else self.coverage.to_dict(),
            "warnings": list(self.baseline.warnings),
            "notes": list(self.notes),
            "estimates": [asdict(each) for each in self.estimates],
            "tracks": [asdict(each) for each in self.tracks],
        }

    def save(self, folder: str | None = None, html: str | None = None, access: Access | None = None) -> tuple[str, ...]:
        """Write SageMaker's files into `folder` and the page to `html`; the result are their paths or URIs.

        The violations file is written only if there is a violation; one from an earlier run is then removed, so that
        the folder never tells of violations that are not.
        """
        written = [] if folder is None else list(self._save_documents(folder.rstrip("/"), access or Access()))
        if html is not None:
            storage_for(html, access or Access()).put(html, self.html().encode())
            written.append(html)
        return tuple(written)

    def _save_documents(self, folder: str, access: Access) -> Iterator[str]:
        papers, suggested = PAPERS[self.monitor.kind], self.monitor.baseline(self.current)
        if isinstance(self.monitor, Bias):  # thresholds are read as the verdict reads them
            suggested = self.monitor.measure(self.current, self.baseline.constraints)
        for name, found in papers.write(self.monitor, suggested, self.current):
            yield write_json(f"{folder}/{name}", found, access, papers.dumps)
        if self.model is not None:
            yield from save_background(self.model.shap, folder, access)
        if self.record:
            yield record.write(f"{folder}/{record.FILE}", self.record, access)
        place = f"{folder}/{VIOLATIONS}"
        if self.violations:
            yield write_json(place, papers.violations(self.violations), access, papers.dumps)
        else:
            storage_for(place, access).delete(place)

    def __repr__(self) -> str:
        """In short: the verdict."""
        return f"<Report on {self.current.rows:,} rows: {self.said}>"

    def html(self) -> str:
        """The page for people: one self-contained HTML document."""
        return page.render(self._content())

    def _repr_html_(self) -> str:
        return page.fragment(self._content())

    def _content(self) -> Content:
        compatible = "as SageMaker Model Monitor would have"
        how = compatible if self.monitor.compatible else "with SageMaker's checks and more measures"
        covered = () if self.coverage is None else (self.coverage.said(),)
        return Content(
            verdict=self.verdict,
            current=self.current,
            baseline=self.baseline.profile,
            problems=self.problems,
            title=self.monitor.kind.replace("-", " ").capitalize(),
            inputs=self.inputs,
            created=f"{self.created:%Y-%m-%d %H:%M} UTC",
            notes=(f"Checked {how}.", *covered, *self.notes, *self.baseline.warnings),
            monitor=self.monitor,
            constraints=self.baseline.constraints,
            estimates=self.estimates,
            tracks=self.tracks,
        )

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """The verdict, the violations as a table, the problems: for a terminal."""
        known = self.baseline.profile
        yield f"Current {self.current.rows:,} rows" + ("" if known is None else f", baseline {known.rows:,} rows")
        if self.coverage is not None:
            yield self.coverage.said()
        yield from (tables.plain(note) for note in (*self.notes, track_said(self.tracks)) if note)
        is_columns = isinstance(self.monitor, DataQuality)
        if self.violations:
            yield terminal.violations_table(self.verdict, "column" if is_columns else "subject")
        if not is_columns:
            yield from terminal_measures.measures_lines(self.verdict, options.max_width)
        yield from terminal.failures_lines(self.current)
        yield from terminal.problems_lines(self.problems)
        for warning in self.baseline.warnings:
            yield tables.plain(warning, "yellow")
        yield tables.plain(self.said, "bold red" if self.violations else "bold green")
