"""Imports that are killed between any two steps, and workers that go on though they lost their work: J-11, P-05."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from databases import postgres_url
from importing import Killed, Site, csv_of, moment, rows_of

from driftline.catalog import Catalog
from driftline.errors import Conflict, DriftlineError, StorageUnavailable
from driftline.imports import batch, hourparts, jobs, reading, running
from driftline.imports.batch import Load
from driftline.imports.job import Content, Policies
from driftline.inferences.staging import Staging
from driftline.schemas.columns import Columns
from driftline.storage.access import Access


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """An empty place, on each database."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    catalog.migrate()
    yield Site(catalog, tmp_path)
    catalog.close()


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[Site]:
    """An empty place, where the database does not matter."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    catalog.migrate()
    yield Site(catalog, tmp_path)
    catalog.close()


Step = tuple[Any, str, int, bool]
"""What is called, the how manyth call of it, and whether the process ends after it instead of before."""

STEPS: dict[str, Step] = {
    "begun": (Load, "run", 1, False),
    "staged": (Load, "run", 1, True),
    "profiled": (running, "plan_of", 1, True),
    "planned": (running, "_commit", 1, False),
    "one table committed": (Staging, "commit", 1, True),
    "before the second": (Staging, "commit", 2, False),
    "both committed": (running, "_commit", 1, True),
    "hours made anew": (hourparts, "make_anew", 1, True),
    "almost noted": (hourparts, "note", 1, True),
    "noted": (running, "_note", 1, True),
}


def ends(patch: pytest.MonkeyPatch, step: Step) -> None:
    """Have the process end at this step."""
    where, name, turn, after = step
    true: Callable[..., Any] = getattr(where, name)
    calls = iter(range(1, 100))

    def ended(*args: Any, **kwargs: Any) -> Any:
        is_it = next(calls) == turn
        if is_it and not after:
            raise Killed
        done = true(*args, **kwargs)
        if is_it:
            raise Killed
        return done

    patch.setattr(where, name, ended)


def filled(site: Site) -> Any:
    """A job with predictions and actuals in one file; a first batch is there, and a second one waits.

    The second has rows that are new, that repeat and change rows of the first, and that repeat rows of its own.
    """
    site.model()
    job = site.job(content=Content.BOTH, policies=Policies(rewritten="replace"))
    site.put("in/a.csv", csv_of(rows_of("abcd", hour=1, label=0)))
    site.run(job)
    site.put("in/b.csv", csv_of([*rows_of("ae", hour=30, label=1), *rows_of("e", hour=31, label=1)]))
    site.put("in/c.csv", csv_of([*rows_of("f", hour=1, label=1), *rows_of("b", hour=30, label=1), *rows_of("z", at=1)]))
    site.look(job)
    return job


def finished(site: Site, job: Any) -> None:
    """What there must be in the end, whatever happened on the way."""
    site.check()
    assert site.ids() == list("abcdef")
    assert sorted((row["_id"], row["label"]) for row in site.table(None)) == sorted(
        [("a", 0), ("b", 0), ("c", 0), ("d", 0), ("a", 1), ("b", 1), ("e", 1), ("e", 1), ("f", 1)]
    )
    assert [(each.rows, each.accepted, each.rejected, each.duplicate) for each in site.files(job)] == [
        (4, 2, 0, 2),
        (3, 2, 0, 1),
        (3, 2, 1, 0),
    ]
    assert {hour.isoformat()[:13]: count for hour, count in site.hours().items()} == {
        "2026-01-05T01": 3,
        "2026-01-06T06": 2,
        "2026-01-06T07": 1,
    }
    assert {hour for _, _, hour in site.touched(since=1)} == {moment(1), moment(30), moment(31)}


def test_no_kill(site: Site) -> None:
    """What comes of it if nothing happens."""
    job = filled(site)
    site.run()
    finished(site, job)


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_each_step(site: Site, step: str) -> None:
    """Another worker, on another machine, brings it to the same end."""
    job = filled(site)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        ends(patch, STEPS[step])
        site.run()
    site.another()
    site.run()
    finished(site, job)


@pytest.mark.parametrize("first", ["planned", "one table committed", "both committed"])
@pytest.mark.parametrize("again", STEPS)
def test_a_kill_of_the_one_who_mends(lone: Site, first: str, again: str) -> None:
    """A second kill, of the worker that came after the first."""
    job = filled(lone)
    for step in (first, again):
        with pytest.MonkeyPatch.context() as patch, suppress(Killed):
            ends(patch, STEPS[step])
            lone.run()
        lone.another()
    lone.run()
    finished(lone, job)


MOMENTS = {
    "begun": (Load, "run"),
    "planned": (running, "_commit"),
    "committed": (running, "_note"),
    "hours": (hourparts, "make_anew"),
    "rebuilt": (hourparts, "rebuild"),
}
"""What a worker is about to call when it falls silent."""


def silent(patch: pytest.MonkeyPatch, where: tuple[Any, str], meanwhile: Callable[[Callable[[], Any]], Any]) -> None:
    """The first to call this falls silent; `meanwhile` is what others do, given what the silent one goes on with."""
    true, calls = getattr(*where), iter(range(100))

    def call(*args: Any, **kwargs: Any) -> Any:
        if next(calls):
            return true(*args, **kwargs)
        return meanwhile(lambda: true(*args, **kwargs))

    patch.setattr(*where, call)


def late(site: Site) -> None:
    """A worker whose work another one may have by now; it may learn that in any way."""
    with suppress(DriftlineError):
        running.run(site.catalog, site.claim(), site.settings, Access(), site.told.append)


@pytest.mark.parametrize("where", MOMENTS)
def test_a_worker_that_was_thought_dead_goes_on(site: Site, where: str) -> None:
    """It lost its lease; another one did all of its work; what it does then changes nothing."""
    job = filled(site)

    def meanwhile(go_on: Callable[[], Any]) -> Any:
        site.another()
        site.run()
        site.put("in/d.csv", csv_of(rows_of("g", hour=1, label="")))
        site.run(job)
        return go_on()

    with pytest.MonkeyPatch.context() as patch:
        silent(patch, MOMENTS[where], meanwhile)
        late(site)
    site.run(job)
    assert site.counts(job) == (11, 7, 1, 3)


@pytest.mark.parametrize("where", MOMENTS)
@pytest.mark.parametrize("then", MOMENTS)
def test_two_workers_at_one_batch(lone: Site, where: str, then: str) -> None:
    """The silent one goes on while the other is in the middle of the same batch."""
    job = filled(lone)

    def meanwhile(go_on: Callable[[], Any]) -> Any:
        lone.another()
        with pytest.MonkeyPatch.context() as inner:
            silent(inner, MOMENTS[then], lambda other: _first(go_on, other))
            late(lone)
        raise Killed

    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        silent(patch, MOMENTS[where], meanwhile)
        late(lone)
    lone.another()
    lone.run()
    finished(lone, job)


def _first(go_on: Callable[[], Any], other: Callable[[], Any]) -> Any:
    """The silent one goes on, whatever comes of it, then the other."""
    with suppress(DriftlineError):
        go_on()
    return other()


@pytest.mark.parametrize("where", ["hours", "rebuilt"])
def test_hours_are_not_made_anew_too_late(lone: Site, where: str) -> None:
    """A silent worker makes hours anew when the next batch is in the table, and not noted yet."""
    job = filled(lone)

    def meanwhile(go_on: Callable[[], Any]) -> Any:
        lone.another()
        lone.run()
        lone.put("in/d.csv", csv_of(rows_of("g", hour=1, label="")))
        lone.look(job)
        with pytest.MonkeyPatch.context() as inner:
            silent(inner, (running, "_note"), lambda other: _first(go_on, other))
            lone.run()
        raise Killed

    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        silent(patch, MOMENTS[where], meanwhile)
        late(lone)
    lone.check()


def test_a_file_that_cannot_be_reached_while_a_batch_is_made_up_for(lone: Site) -> None:
    """One of two tables is committed: nothing is noted until the other one has all rows too."""
    job = filled(lone)
    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        ends(patch, STEPS["one table committed"])
        lone.run()
    lone.another()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("driftline.imports.batch.open_file", _away)
        with pytest.raises(StorageUnavailable):
            lone.run()
    lone.another()
    true = reading.open_file
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "driftline.imports.batch.open_file", lambda job, uri, *a: (_away if "c.csv" in uri else true)(job, uri, *a)
        )
        with pytest.raises(StorageUnavailable):
            lone.run()
    lone.another()
    lone.run()
    finished(lone, job)


def _away(job: Any, uri: str, *_: Any) -> Any:
    raise StorageUnavailable(where=uri, reason="it is switched off")


@pytest.mark.parametrize("change", ["rewritten", "removed"])
def test_a_file_that_changes_while_a_batch_is_made_up_for(lone: Site, change: str) -> None:
    """What is not there any more cannot be made up for, and is not counted as if it had been."""
    job = filled(lone)
    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        ends(patch, STEPS["one table committed"])
        lone.run()
    if change == "removed":
        (lone.folder / "in/c.csv").unlink()
    else:
        lone.put("in/c.csv", csv_of(rows_of("fh", hour=1, label=1)))
    lone.another()
    lone.run()
    assert lone.statuses(job) == ["done", "done", "skipped" if change == "rewritten" else "failed"]
    assert lone.ids() == list("abcde")
    lone.run(job)
    assert lone.ids() == (list("abcdefh") if change == "rewritten" else list("abcde"))


@pytest.mark.parametrize("policy", ["reject", "replace"])
def test_a_file_rewritten_while_it_is_imported(site: Site, policy: str) -> None:
    """J-09: a look finds its later version before the earlier one is noted."""
    site.model()
    job = site.job(policies=Policies(rewritten=policy), columns=Columns(timestamp="at"))
    site.put("in/a.csv", csv_of(rows_of("abc", hour=1)))
    site.look(job)

    def meanwhile(go_on: Callable[[], Any]) -> Any:
        site.put("in/a.csv", csv_of(rows_of("cd", hour=2)))
        site.look(job)
        return go_on()

    with pytest.MonkeyPatch.context() as patch:
        silent(patch, (running, "_commit"), meanwhile)
        site.run()
    site.run(job)
    assert site.statuses(job) == ["done", "done" if policy == "replace" else "failed"]
    assert len(site.table()) == (2 if policy == "replace" else 3)


def test_a_refused_file_that_is_tried_again_stays_refused(lone: Site) -> None:
    """J-09: its name was read; only a job that replaces reads it again."""
    lone.model()
    job = lone.job()
    lone.put("in/a.csv", csv_of(rows_of("abc")))
    lone.run(job)
    lone.put("in/a.csv", csv_of(rows_of("abcd")))
    lone.run(job)
    number, now = lone.files(job)[1].number, lone.catalog.clock()
    with lone.catalog.begin() as tx, pytest.raises(Conflict):
        jobs.retry(tx, number, now=now)
    with lone.catalog.begin() as tx:
        jobs.edit(tx, job.id, policies=Policies(rewritten="replace"), now=now)
        jobs.retry(tx, number, now=now)
    lone.run()
    assert lone.statuses(job) == ["done", "done"]
    assert lone.ids() == list("abcd")


def test_a_file_that_ends_its_process(lone: Site) -> None:
    """J-11: it fails in the end, alone; files that were with it are imported."""
    lone.file_attempts = 12
    lone.model()
    job = lone.job()
    for number in range(5):
        lone.put(f"in/{number}.csv", csv_of(rows_of([f"{number}{each}" for each in "ab"])))
    lone.look(job)
    true, kills = reading.open_file, 0

    def opened(job: Any, uri: str, *rest: Any) -> Any:
        if uri.endswith("2.csv"):
            raise Killed
        return true(job, uri, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "open_file", opened)
        patch.setattr(batch, "_READERS", 1)
        while "pending" in lone.statuses(job):
            with suppress(Killed):
                lone.run()
                break
            lone.another()
            kills += 1
    assert kills == 12
    assert lone.statuses(job) == ["done", "done", "failed", "done", "done"]
    assert lone.files(job)[2].faults[0].code == "Process_Ended"
    with lone.catalog.begin() as tx:
        jobs.retry(tx, lone.files(job)[2].number, now=lone.catalog.clock())
    lone.run()
    assert lone.counts(job) == (10, 10, 0, 0)
