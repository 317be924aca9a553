"""Compares performance estimated without labels with the realised one, period by period, on published data sets.

`.venv/bin/python benchmarks/estimates.py` prints the tables; `--write-docs` puts them into
`docs/explanation/estimated-performance.md`. Two sets ship with the package; three more come from the wheel of nannyml
(fetched with pip, only unzipped), one from SageMaker's public examples if they lie beside the repository.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from demo_data import TARGET, comma, download, join
from pyarrow import csv

from driftline.monitors.estimates import BINARY, MULTICLASS, REGRESSION, Estimates
from driftline.monitors.tracks import Track, track_of
from driftline.monitors.verdict import Compared
from driftline.profile import Profile

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "explanation" / "estimated-performance.md"
CHURN = ROOT.parent / "shared" / "data" / "aws-churn" / "validation_with_predictions.csv"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True)
class Case:
    """Rows to learn from, later rows in periods, and which metrics to show."""

    title: str
    monitors: dict[str, Estimates]
    reference: pa.Table
    periods: Sequence[tuple[str, pa.Table]]
    shown: tuple[str, ...]


def main() -> int:
    """Run every case whose data can be had."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--write-docs", action="store_true", help="put the tables into the documentation")
    given = options.parse_args()
    found = "\n".join(section(case) for case in cases())
    print(found)
    if given.write_docs:
        page = PAGE.read_text(encoding="utf-8")
        head, tail = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(f"{head}{BEGIN}\n{found}\n{END}{tail}", encoding="utf-8")
    return 0


def cases() -> Iterator[Case]:
    """The data sets, the real ones first."""
    yield census()
    yield car_loan()
    if CHURN.exists():
        yield churn()
    with tempfile.TemporaryDirectory() as folder:
        try:
            wheel = zipfile.ZipFile(download(Path(folder)))
        except subprocess.CalledProcessError as error:
            print(f"no wheel, so without its three data sets: {error}", file=sys.stderr)
            return
        yield housing(wheel)
        yield credit_card(wheel)
        yield car_price(wheel)


def census() -> Case:
    """The American Community Survey, real; the years are alike."""
    table = pq.read_table(TARGET / "employment.parquet")
    year = table["year"]
    later = [
        (f"{each}, {name} half", part)
        for each in (2016, 2017, 2018)
        for name, part in zip(("first", "second"), cut(table.filter(pc.equal(year, each)), 2), strict=True)
    ]
    monitors = {
        "all rows together": Estimates(BINARY, "employed", None, "probability"),
        "by segment": Estimates(
            BINARY, "employed", None, "probability", segments=("age", "schooling", "relationship", "sex", "race")
        ),
    }
    reference = table.filter(pc.equal(year, 2015))
    return Case("Census, is employed (real)", monitors, reference, later, ("accuracy", "f1", "auc"))


def car_loan() -> Case:
    """Car loans, synthetic; the applicants differ from the sixth period on."""
    table = pq.read_table(TARGET / "car_loan.parquet")
    columns = ("car_value", "salary_range", "debt_to_income_ratio", "loan_length", "repaid_loan_on_prev_car")
    monitors = {
        "all rows together": Estimates(BINARY, "repaid", None, "probability"),
        "by segment": Estimates(BINARY, "repaid", None, "probability", segments=columns),
    }
    later = numbered(cut(table.slice(50_000), 10))
    return Case("Car loan, is repaid (synthetic)", monitors, table.slice(0, 50_000), later, ("accuracy", "f1", "auc"))


def churn() -> Case:
    """SageMaker's churn example, real; every second row teaches, which are few."""
    table = csv.read_csv(CHURN)
    odd = pa.array([at % 2 == 1 for at in range(table.num_rows)])
    monitors = {"all rows together": Estimates(BINARY, "label", "prediction", "probability")}
    later = [("the other half", table.filter(odd))]
    return Case(
        "Churn of SageMaker's example (real, small)", monitors, table.filter(pc.invert(odd)), later,
        ("accuracy", "f1", "auc"),
    )  # fmt: skip


def housing(wheel: zipfile.ZipFile) -> Case:
    """California housing, real values in an order that was made: the meaning of the score changes all the time."""
    reference = comma(wheel, "california_housing_reference.csv")
    target = next(name for name in ("clf_target", "y_true", "target") if name in reference.column_names)
    analysis = join(
        comma(wheel, "california_housing_analysis.csv"), comma(wheel, "california_housing_analysis_gt.csv"), target
    )
    monitors = {"all rows together": Estimates(BINARY, target, None, "y_pred_proba")}
    return Case(
        "California housing (real, reordered)", monitors, reference, numbered(cut(analysis, 6)),
        ("accuracy", "f1", "auc"),
    )  # fmt: skip


def credit_card(wheel: zipfile.ZipFile) -> Case:
    """Which credit card a customer takes, three classes; the inputs differ from the sixth period on."""
    reference = comma(wheel, "mc_reference.csv")
    analysis = join(comma(wheel, "mc_analysis.csv"), comma(wheel, "mc_analysis_gt.csv"), "y_true")
    classes = ("prepaid_card", "highstreet_card", "upmarket_card")
    columns = tuple(f"y_pred_proba_{name}" for name in classes)
    monitors = {"all rows together": Estimates(MULTICLASS, "y_true", "y_pred", columns, classes=classes)}
    later = numbered(cut(analysis, 10))
    return Case("Credit card, three classes (synthetic)", monitors, reference, later, ("accuracy", "weighted_f1"))


def car_price(wheel: zipfile.ZipFile) -> Case:
    """Prices of used cars; the inputs differ from the sixth period on, and the model gets better."""
    reference = comma(wheel, "regression_synthetic_reference.csv")
    targets = comma(wheel, "regression_synthetic_analysis_targets.csv")
    analysis = join(comma(wheel, "regression_synthetic_analysis.csv"), targets, "y_true")
    columns = ("car_age", "km_driven", "price_new", "accident_count", "door_count", "fuel", "transmission")
    monitors = {
        "all rows together": Estimates(REGRESSION, "y_true", "y_pred"),
        "by segment": Estimates(REGRESSION, "y_true", "y_pred", segments=columns),
    }
    return Case("Car price, regression (synthetic)", monitors, reference, numbered(cut(analysis, 10)), ("mae", "rmse"))


def cut(table: pa.Table, parts: int) -> list[pa.Table]:
    """Consecutive parts of about equally many rows."""
    edges = [table.num_rows * at // parts for at in range(parts + 1)]
    return [table.slice(low, high - low) for low, high in pairwise(edges)]


def numbered(parts: Sequence[pa.Table]) -> list[tuple[str, pa.Table]]:
    """The parts with their numbers from 1."""
    return [(str(at), part) for at, part in enumerate(parts, 1)]


def section(case: Case) -> str:
    """A table by period, and one of how right the estimates were."""
    lines = [f"### {case.title}", "", f"Learnt from {case.reference.num_rows:,} labelled rows.", ""]
    records = []
    for name, monitor in case.monitors.items():
        lessons = monitor.baseline(Profile.of(case.reference, monitor.questions()))
        found = [monitor.compare(lessons, Profile.of(part, monitor.questions())) for _, part in case.periods]
        how = name if lessons.column is None else f"by segment of `{lessons.column}`"
        if monitor.segments and lessons.column is None:
            how = "by segment (none says more)"
        if not records:
            lines += by_period(case, found)
        elif lessons.column is not None:
            lines += [f"With lessons {how}:", "", *by_period(case, found)]
        records += [
            (how, track) for track in track_of(each for some in found for each in some) if track.name in case.shown
        ]
    return "\n".join([*lines, *record(records)])


def by_period(case: Case, found: Sequence[tuple[Compared, ...]]) -> list[str]:
    """Estimated value, interval and realised value of each metric; a star where the interval did not hold."""
    titles = ["period", "rows", *(f"{name}: {kind}" for name in case.shown for kind in ("estimated", "realised"))]
    rows = []
    for (period, part), some in zip(case.periods, found, strict=True):
        known = {each.name: each for each in some}
        cells = [text for name in case.shown for text in shown(known[name])]
        rows.append([period, f"{part.num_rows:,}", *cells])
    return markdown(titles, rows)


def shown(each: Compared) -> tuple[str, str]:
    """The two cells of a metric."""
    digits = ".3f" if abs(each.value) < 10 else ".1f"
    estimated = f"{each.value:{digits}} ({each.low:{digits}}–{each.high:{digits}})"
    return estimated, f"{each.realised:{digits}}{'' if each.held else ' *'}"


def record(records: Sequence[tuple[str, Track]]) -> list[str]:
    """How right they were."""
    titles = ["lessons", "metric", "periods", "held", "mean error", "mean size of the error", "mean width"]
    rows = []
    for how, track in records:
        digits = ".4f" if track.width < 10 else ".1f"
        figures = (f"{value:{digits}}" for value in (track.error, track.size, track.width))
        rows.append([how, track.name, str(track.count), f"{track.held:.0%}", *figures])
    return markdown(titles, rows)


def markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table."""
    lines = [titles, ["---" if at < 1 else "--:" for at in range(len(titles))], *rows]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]


if __name__ == "__main__":
    sys.exit(main())
