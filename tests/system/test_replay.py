"""A run is repeated from its manifest: the same bytes, or told what is not as it was."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from monitored import baseline, capture, hours_ago, monitored

from driftline.catalog import Catalog, due, executions, logs, resources
from driftline.catalog.resources import Resource
from driftline.processing import jobs
from driftline.processing.contract import Contract
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.version import VERSION
from driftline.worker import Worker

NAMES = ("statistics.json", "constraints.json", "constraint_violations.json")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of captures, baseline and reports."""
    return tmp_path_factory.mktemp("replay")


@pytest.fixture(scope="module")
def catalog(place: Path) -> Iterator[Catalog]:
    """A catalog with a running worker and a schedule that ran once, over an hour with two captured objects."""
    made = Catalog(f"sqlite:///{place / 'a.sqlite'}")
    made.migrate()
    baseline(place)
    capture(place, "churn", hours_ago(1), odd=True)
    (first,) = (place / "capture").rglob("*.jsonl")
    shutil.copy(first, first.with_name("30-00-000-b.jsonl"))
    monitored(made, place, "churn", now=hours_ago(1))
    worker = Worker(made, Settings(workers=1, poll_seconds=0.05), Access(), node="tests")
    worker.start()
    yield made
    worker.stop()
    made.close()


def until(found: Callable[[], Any]) -> Any:
    """What `found` returns as soon as it is true."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.05)
    raise TimeoutError("never true")


@pytest.fixture(scope="module")
def ran(catalog: Catalog) -> Resource:
    """The job of the scheduled run."""

    def found() -> str | None:
        with catalog.read() as tx:
            return next((each.job for each in executions.last_of(tx, "churn", 9) if not each.is_open), None)

    name = until(found)
    with catalog.begin() as tx:
        due.put(tx, "churn", None)
        return resources.get(tx, jobs.KIND, name)


def replayed(catalog: Catalog, name: str) -> tuple[Resource, list[str]]:
    """A replay of the job, once it has ended, and its log."""
    with catalog.begin() as tx:
        made = jobs.replay(tx, name, datetime.now(UTC))

    def ended() -> Resource | None:
        with catalog.read() as tx:
            now = resources.get(tx, jobs.KIND, made.name)
        return now if now.status in ("Completed", "Failed") else None

    done = until(ended)
    with catalog.read() as tx:
        return done, [line.text for line in logs.read(tx, done.name)]


def files(job: Resource) -> dict[str, bytes]:
    """What the job wrote."""
    folder = Path(Contract.of(job.name, job.body).result())
    return {name: (folder / name).read_bytes() for name in NAMES}


def test_a_manifest_holds_the_version_of_all_that_was_read(ran: Resource, place: Path) -> None:
    """E-09: captured objects, baseline, and the code's version."""
    manifest = ran.body["Manifest"]
    assert manifest["version"] == VERSION
    sizes = {uri: each["size"] for uri, each in manifest["objects"].items()}
    read = [*(place / "capture").rglob("*.jsonl"), *(place / "baseline" / name for name in NAMES[:2])]
    assert sizes == {str(path): path.stat().st_size for path in read}
    assert all(each["etag"] for each in manifest["objects"].values())


def test_a_replay_of_the_same_objects_writes_the_same_bytes(catalog: Catalog, ran: Resource) -> None:
    """E-09: and its message says nothing more."""
    again, _ = replayed(catalog, ran.name)
    assert files(again) == files(ran)
    assert again.body["ExitMessage"] == ran.body["ExitMessage"]
    assert again.body["Manifest"]["objects"] == ran.body["Manifest"]["objects"]


def test_a_replay_tells_what_changed(catalog: Catalog, ran: Resource, place: Path) -> None:
    """E-09: in its message and, with both versions, in its log."""
    first = min((place / "capture").rglob("*.jsonl"))
    kept, stat = first.read_text(), first.stat()
    before = ran.body["Manifest"]["objects"][str(first)]
    first.write_text("".join(kept.splitlines(keepends=True)[:-1]))
    again, lines = replayed(catalog, ran.name)
    assert again.status == "Completed"
    said = f"Not the same input as before: of 4 objects 1 changed ({first})."
    assert again.body["ExitMessage"] == f"{ran.body['ExitMessage']} {said}"
    assert any(line.startswith(f"{first} changed: it was {before['size']} bytes, {before['etag']}") for line in lines)
    assert files(again) != files(ran)
    first.write_text(kept)
    os.utime(first, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_replay_tells_that_other_code_made_the_run(catalog: Catalog, ran: Resource) -> None:
    """E-09: the version of Driftline is part of what makes a run."""
    body = {**ran.body, "Manifest": {**ran.body["Manifest"], "version": "0.0.1", "objects": {}}}
    with catalog.begin() as tx:
        now = datetime.now(UTC)
        resources.create(tx, Resource(jobs.KIND, "older", f"{ran.arn}-older", body, "Completed", now, now))
    again, _ = replayed(catalog, "older")
    assert again.body["ExitMessage"].endswith(f"Driftline 0.0.1 made the run, this is {VERSION}.")


@pytest.mark.parametrize("gone", ["captured", "baseline"])
def test_a_replay_without_an_object_fails_and_names_it(catalog: Catalog, ran: Resource, place: Path, gone: str) -> None:
    """E-09: it says so in one sentence, and not what a run would have stumbled over first."""
    path = min((place / "capture").rglob("*.jsonl")) if gone == "captured" else place / "baseline" / "statistics.json"
    aside = path.rename(path.with_suffix(".aside"))
    again, _ = replayed(catalog, ran.name)
    aside.rename(path)
    assert again.status == "Failed"
    reason = f"ClientError: the run cannot be repeated: of 4 objects 1 is gone ({path})."
    assert again.body["FailureReason"].startswith(reason)
    assert "Manifest" not in again.body
