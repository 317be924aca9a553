"""Imports that are killed between any two steps, and workers that go on though they lost their work: J-11, P-05."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from databases import postgres_url
from importing import Killed, Site, csv_of, moment, rows_of

from driftline.catalog import Catalog, batches
from driftline.errors import DriftlineError
from driftline.imports import hourparts, running
from driftline.imports.batch import Load
from driftline.imports.job import Content, Policies
from driftline.imports.jobs import lane_of
from driftline.inferences.staging import Staging
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
