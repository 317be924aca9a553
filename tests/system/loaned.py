"""A model whose rows were imported: real tables and a real catalog, written as a pass of an import job writes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from carloan import loans
from sqlalchemy import insert, update

from driftline import registry
from driftline.catalog import Catalog, batches, work
from driftline.catalog.tables import import_batch, import_file
from driftline.imports import jobs
from driftline.imports.job import Content, ImportJob, Place
from driftline.inferences.staging import staging
from driftline.inferences.tables import Tables
from driftline.modelmonitors import following, running
from driftline.registry import Model, ModelVersion
from driftline.schemas.fields import Environment, Kind, ModelField, ModelSchema, ModelType, Role
from driftline.settings import Settings
from driftline.storage.access import Access

MODEL, VERSION = "car-loan", "1"
FEATURES = (
    ModelField("car_value", Role.FEATURE, Kind.NUMERIC),
    ModelField("salary_range", Role.FEATURE, Kind.CATEGORICAL),
    ModelField("debt_to_income_ratio", Role.FEATURE, Kind.NUMERIC),
    ModelField("loan_length", Role.FEATURE, Kind.NUMERIC),
    ModelField("repaid_loan_on_prev_car", Role.FEATURE, Kind.BOOLEAN),
    ModelField("size_of_downpayment", Role.FEATURE, Kind.CATEGORICAL),
    ModelField("driver_tenure", Role.FEATURE, Kind.NUMERIC),
)
SCHEMA = ModelSchema(
    (
        *FEATURES,
        ModelField("prediction", Role.PREDICTION, Kind.CATEGORICAL),
        ModelField("probability", Role.SCORE, Kind.NUMERIC),
        ModelField("shap_car_value", Role.ATTRIBUTION, Kind.NUMERIC, of="car_value"),
        ModelField("shap_loan_length", Role.ATTRIBUTION, Kind.NUMERIC, of="loan_length"),
        ModelField("repaid", Role.ACTUAL, Kind.CATEGORICAL),
    )
)
EARLY = [each.name for each in SCHEMA.early]


@dataclass
class Installation:
    """A catalog with a model, its tables, and a worker that is called by hand."""

    folder: Path
    settings: Settings = field(init=False)
    catalog: Catalog = field(init=False)
    jobs: dict[tuple[str, str], str] = field(default_factory=dict)
    files: int = 0

    def __post_init__(self) -> None:
        """Make the model and its version."""
        self.settings = Settings(home=self.folder, label_poll_seconds=0.001)
        self.catalog = Catalog(self.settings.url)
        self.catalog.migrate()
        now = self.catalog.clock()
        with self.catalog.begin() as tx:
            registry.create_model(tx, Model(MODEL, "Car loans"), now=now)
            version = ModelVersion(MODEL, VERSION, ModelType.BINARY, SCHEMA)
            registry.create_version(tx, version, now=now)

    @property
    def tables(self) -> Tables:
        """Where its rows are."""
        return Tables(self.settings.tables_root, Access(), self.settings.home / "cache")

    def job(self, content: Content, environment: Environment = Environment.PRODUCTION) -> str:
        """The job that brings such files."""
        key = (str(content), str(environment))
        if key not in self.jobs:
            asked = ImportJob("", MODEL, VERSION, Place("s3://loans/"), content=content, environment=environment)
            with self.catalog.begin() as tx:
                self.jobs[key] = jobs.create(tx, asked, now=self.catalog.clock()).id
        return self.jobs[key]

    def predictions(self, table: pa.Table, environment: Environment = Environment.PRODUCTION) -> int:
        """Import a file of predictions; its number."""
        return self._import(table, EARLY, Content.PREDICTIONS, environment)

    def labels(self, table: pa.Table, environment: Environment = Environment.PRODUCTION) -> int:
        """Import a file of labels; its number."""
        return self._import(table, ["repaid"], Content.ACTUALS, environment)

    def _import(self, table: pa.Table, names: list[str], content: Content, environment: Environment) -> int:
        """As the pass does it: staged rows, one commit of the table, one transaction of the catalog."""
        job, now = self.job(content, environment), self.catalog.clock()
        stream, late = jobs.lane_of(MODEL), content is Content.ACTUALS
        number = self._file(job, table, now)
        with self.catalog.begin() as tx:
            batch = batches.next_number(tx, stream)
            batches.begin(tx, stream, batch, job, {}, now=now)
        uri = self.tables.actuals_uri(MODEL) if late else self.tables.inferences_uri(MODEL, VERSION)
        beside = {VERSION: self.tables.inferences_uri(MODEL, VERSION)} if late else None
        kind = "actuals" if late else "inferences"
        rows = _rows(table, names, number)
        with staging(self.tables, uri, rows.schema, kind=kind, ingested=now, beside=beside) as staged:
            for each in rows.to_batches():
                staged.add(each, number, str(environment))
            staged.finish()
            staged.commit(f"{stream}:{kind}", batch)
            touched = [[version or VERSION, of, hour.isoformat()] for version, of, hour in sorted(staged.touched)]
        with self.catalog.begin() as tx:
            batches.commit(tx, stream, batch, now=self.catalog.clock())
            _note(tx, stream, batch, touched)
        return number

    def _file(self, job: str, table: pa.Table, now: datetime) -> int:
        self.files += 1
        times = pc.min_max(table["timestamp"]).as_py()
        values: dict[str, Any] = {
            "number": self.files, "job": job, "digest": str(self.files), "uri": f"s3://loans/{self.files}.parquet",
            "etag": "e", "size": 1, "status": "done", "attempts": 1, "rows": table.num_rows,
            "accepted": table.num_rows, "body": {}, "found": now, "ended": now,
            "first": times["min"].replace(tzinfo=UTC), "last": times["max"].replace(tzinfo=UTC),
        }  # fmt: skip
        with self.catalog.begin() as tx:
            tx.execute(insert(import_file).values(**values))
        return self.files

    def work(self) -> list[str]:
        """Do all of monitors that is queued and due, as workers do; what was said of each."""
        return list(self._labour())

    def _labour(self) -> Iterator[str]:
        known = {running.WORK: running.run, following.LEARN: following.run}
        while True:
            now = self.catalog.clock()
            with self.catalog.begin() as tx:
                held = work.claim(tx, "test", now=now, lease_seconds=60, kinds=tuple(known))
            if held is None:
                return
            yield known[held.kind](self.catalog, held, self.settings, Access(), lambda line: None)


def _note(tx: Any, stream: str, batch: int, touched: list[list[str]]) -> None:
    c = import_batch.c
    query = update(import_batch).where(c.stream == stream, c.number == batch)
    tx.execute(query.values(body={"touched": touched}))


def _rows(table: pa.Table, names: list[str], number: int) -> pa.Table:
    """Rows as they conform: ids as text, times in UTC, categories as text."""
    times = table["timestamp"].cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    own = {
        "_id": table["id"].cast(pa.string()),
        "_time": times,
        "_batch": pa.nulls(table.num_rows, pa.string()),
        "_row": pa.array(range(1, table.num_rows + 1), pa.int64()),
    }
    fields = {each.name: each for each in SCHEMA.fields}
    columns = {
        name: table[name].cast(pa.string()) if fields[name].kind is Kind.CATEGORICAL else table[name].cast(_type(name))
        for name in names
    }
    return pa.table({**own, **columns}).combine_chunks()


def _type(name: str) -> pa.DataType:
    return pa.bool_() if name == "repaid_loan_on_prev_car" else pa.float64()


def explained(table: pa.Table) -> pa.Table:
    """With attributions that a service would log; after the drift loans' lengths count more than the cars' values."""
    value = pc.divide(pc.subtract(table["car_value"].cast(pa.float64()), 30_000.0), 10_000.0)
    length = pc.divide(pc.subtract(table["loan_length"].cast(pa.float64()), 20.0), 20.0)
    later = pc.greater_equal(table["timestamp"], pa.scalar(datetime(2019, 3, 31), pa.timestamp("ms")))
    weighed = pc.multiply(length, pc.if_else(later, 40.0, 1.0))
    return table.append_column("shap_car_value", value).append_column("shap_loan_length", weighed)


def reference() -> pa.Table:
    """The rows that the model was tested on."""
    return explained(loans("reference"))


def analysis(first: str, last: str) -> pa.Table:
    """The rows of the days from one to before another, such as 2019-03-25."""
    table = explained(loans("analysis"))
    start, end = (pa.scalar(datetime.fromisoformat(day), pa.timestamp("ms")) for day in (first, last))
    return table.filter(pc.and_(pc.greater_equal(table["timestamp"], start), pc.less(table["timestamp"], end)))


def day(text: str, days: int = 0) -> datetime:
    """The midnight of a day in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days)
