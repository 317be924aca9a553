"""A server with things of every kind in the spaces `risk` and `default`, and keys of several spaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import insert, select
from starlette.routing import Route

from driftline import registry
from driftline.alerting import register as rules
from driftline.alerting.rule import Rule, Violations
from driftline.catalog import Catalog, alerting, deliveries, executions, keys, modelruns, resources, spaces
from driftline.catalog.alerting import State
from driftline.catalog.columns import metadata
from driftline.catalog.confines import ROWS, Confines
from driftline.catalog.deliveries import Delivery, Quiet
from driftline.catalog.executions import Execution
from driftline.catalog.imports import digest_of
from driftline.catalog.modelruns import ModelRun
from driftline.catalog.resources import Resource
from driftline.catalog.tables import import_file
from driftline.imports import credentials, jobs
from driftline.imports.credentials import Credential
from driftline.imports.job import ImportJob, Place
from driftline.modelmonitors import register as monitors
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.registry import Model, ModelVersion
from driftline.schemas.fields import Kind, ModelField, ModelSchema, ModelType, Role
from driftline.server.app import create_app
from driftline.server.listen import Listener
from driftline.server.web.cookies import SESSION, form_token
from driftline.settings import Settings
from driftline.storage.access import Access

SECRET = "kennwort"
"""Is in all that the spaces `risk` and `default` have, beside its names in paths."""
SIGNED = "s" * 40
"""The secret of the access keys."""
AT = datetime(2026, 11, 1, tzinfo=UTC)
RUN, JOB, ALERT, EXECUTION, QUIET = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abcde")
FILE = 77
HIDDEN = frozenset({"risk", "default"})

VALUES: dict[str, str] = {
    "model": "churn", "version_name": "v1", "version": "v1", "feature": "age", "monitor": "drift", "number": str(FILE),
    "place": "0", "space": "risk", "tag": "team", "batch": "b1", "dataset": "serving", "account": "a",
    "workspace": "risk", "what": "monitors", "action": "start", "id": "churn",
}  # fmt: skip
"""What is put into paths, by the name of the parameter."""
IDS = {
    "imports": JOB, "hooks": JOB, "executions": EXECUTION, "alerts": ALERT[:8], "model-runs": RUN, "runs": RUN,
    "maintenance": QUIET, "access-keys": "DLRISK", "clearings": RUN, "models": "churn",
}  # fmt: skip
NAMES = {
    "schedules": "watched", "jobs": "judged", "endpoints": "shop", "monitors": "drift", "rules": "moved",
    "credentials": "vault", "keys": "risk admin", "channels": "pager",
}  # fmt: skip


@dataclass(frozen=True)
class Spaced:
    """The server, and keys by name: viewer of risk and default, editor and owner of risk, administrator of fraud."""

    url: str
    catalog: Catalog
    keys: dict[str, str]

    def kept(self) -> dict[str, list[Any]]:
        """All rows that are of other spaces than fraud."""
        catalog = self.catalog.confined(Confines(seen=HIDDEN))
        with catalog.read() as tx:
            return {name: sorted(map(repr, tx.execute(select(metadata.tables[name])))) for name in ROWS}

    def signed_in(self, whose: str) -> tuple[requests.Session, str]:
        """A session of the console, and the token of its forms."""
        found = requests.Session()
        asked = found.get(f"{self.url}/console/sign-in", timeout=30).text
        form = {"key": self.keys[whose], "token": token_of(asked)}
        assert found.post(f"{self.url}/console/sign-in", data=form, timeout=30).ok
        return found, form_token(found.cookies.get(SESSION) or "")


def token_of(text: str) -> str:
    """The token of the first form of a page."""
    found = re.search(r'name="token" value="(\w+)"', text)
    assert found is not None
    return found[1]


def path_of(template: str) -> str:
    """The path with names of things that there are."""
    parts = template.split("/")
    for at, part in enumerate(parts):
        if part.startswith("{"):
            name, noun = part.strip("{}").partition(":")[0], parts[at - 1]
            table = {"id": IDS, "name": NAMES}.get(name, VALUES)
            parts[at] = table.get(noun, "odd") if name in ("id", "name") else table.get(name, "odd")
    return "/".join(parts)


@contextmanager
def spaced(folder: Path) -> Iterator[Spaced]:
    """The server runs."""
    catalog = Catalog(f"sqlite:///{folder / 'catalog.sqlite'}")
    catalog.migrate()
    made = fill(catalog)
    listener = Listener(create_app(Settings(home=folder, requests_per_second=1e6), catalog), "127.0.0.1", 0)
    listener.start()
    yield Spaced(listener.url, catalog, made)
    listener.stop()
    catalog.close()


def fill(catalog: Catalog) -> dict[str, str]:
    """Keys by name; makes all else."""
    roles = {"viewer": (["read"], ["risk", "default"]), "fraud": (["read", "write", "admin"], ["fraud"])}
    roles |= {"editor": (["read", "write"], ["risk"]), "owner": (["admin"], ["risk"])}
    with catalog.begin() as tx:
        made = {name: keys.create_api_key(tx, name, *role, now=AT) for name, role in roles.items()}
        keys.create_api_key(tx, "risk admin", ["admin"], ["risk"], now=AT)
        for id, scopes, space in (("DLRISK", {"read", "write"}, "risk"), ("DLVIEW", {"read"}, "default")):
            signer = keys.AccessKey(id, SIGNED, scopes=frozenset(scopes), spaces=frozenset({space}))
            keys.put_access_key(tx, signer, note=SECRET, now=AT)
        spaces.ingestion_key(tx, "risk", now=AT)
        credentials.put(tx, Credential("vault", Access(region=SECRET), space="risk"), now=AT)
        _model(tx)
        _alert(tx)
        _sagemaker(tx)
    return made


def _model(tx: Any) -> None:
    schema = ModelSchema(
        (ModelField("age", Role.FEATURE, Kind.NUMERIC), ModelField(SECRET, Role.FEATURE, Kind.NUMERIC))
    )
    registry.create_model(tx, Model("churn", SECRET, "risk", tags={"team": SECRET}), now=AT)
    version = ModelVersion("churn", "v1", ModelType.BINARY, schema, {"aporia": {"declared": SECRET}})
    registry.create_version(tx, version, now=AT)
    jobs.create(tx, ImportJob(JOB, "churn", "v1", Place(f"s3://{SECRET}/in/"), space="risk"), now=AT)
    file = {"uri": f"s3://{SECRET}/in/a.csv", "digest": digest_of("a"), "etag": "e", "size": 1, "found": AT}
    tx.execute(insert(import_file).values(number=FILE, job=JOB, status="failed", body={"faults": []}, **file))
    monitors.create(tx, ModelMonitor("churn", "drift", "data-quality"), now=AT)
    broken = {"subject": SECRET, "check": "drift", "value": 1.0, "limit": 0.0, "said": SECRET}
    run = ModelRun(
        RUN, "churn", "drift", "v1", "production", AT - timedelta(days=1), AT, AT, 1, AT, "CompletedWithViolations", 1,
        SECRET, {"kind": "data-quality", "asked": {}, "origin": "schedule", "broken": [broken]}, AT,
    )  # fmt: skip
    modelruns.add(tx, run)


def _alert(tx: Any) -> None:
    rules.put(tx, Rule("churn", "moved", Violations(), text=SECRET), now=AT, settings=Settings())
    before = State("churn", "moved", "drift", ALERT, "OK", "OK", 0, SECRET, {}, AT)
    body = {"about": SECRET, "said": SECRET, "value": 1.0, "run": RUN}
    alerting.flip(tx, before, alerting.FIRING, body, AT)
    told = {"model": "churn", "state": "FIRING", "severity": "warning", "title": SECRET}
    deliveries.add_message(tx, "m1", "churn", "FIRING", told, AT)
    deliveries.add(tx, Delivery("d1", "m1", "pager", AT, AT, reason=SECRET))
    deliveries.add_quiet(tx, Quiet(QUIET, "churn", SECRET, AT, AT + timedelta(days=9000), AT))


def _sagemaker(tx: Any) -> None:
    definition = {"MonitoringJobDefinition": {"MonitoringInputs": []}, "MonitoringType": "DataQuality"}
    config = {"ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}, **definition}
    for kind, name, status in (
        ("monitoring-schedule", "watched", "Scheduled"), ("processing-job", "judged", "Completed"),
        ("endpoint", "shop", "InService"),
    ):  # fmt: skip
        arn = f"arn:aws:sagemaker:us-east-1:000000000000:{kind}/{name}"
        body = {"MonitoringScheduleConfig": config, "EndpointConfigName": SECRET, "ProductionVariants": []}
        resources.create(tx, Resource(kind, name, arn, body, status, AT, AT, {"endpoint": SECRET}))
    ran = Execution(EXECUTION, "watched", AT, AT, AT, AT, AT, status="Failed", failure_reason=SECRET)
    executions.add(tx, ran)


def routes_of(router: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of each route, also of those that the description leaves out."""
    for each in router.routes:
        if isinstance(each, Route) or hasattr(each, "methods"):
            yield from ((method, prefix + each.path) for method in sorted(each.methods))
        else:
            yield from routes_of(each.original_router, prefix + each.include_context.prefix)
