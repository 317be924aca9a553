"""The tables of a model on the command line: where they are, their rows; rows that go, and tables that are tidied."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter

from driftline.commands.importing import Flag
from driftline.commands.remote import Remote
from driftline.commands.showing import Facts, asked_moment, moment, show, table, when
from driftline.pages.tables import short
from driftline.schemas.fields import Environment

_POLL_SECONDS = 0.5

Ids = Annotated[tuple[str, ...], Parameter(negative="", consume_multiple=False, show_default=False)]


def tables(id: str, *, remote: Remote | None = None) -> int:
    """Show where the tables of a model are: one of inferences for each version, one of actuals.

    Parameters
    ----------
    id
        The model's id.
    """
    remote = remote or Remote()
    found = remote.get(f"/models/{id}/tables")["items"]
    columns = [
        ("table", lambda each: each["kind"]),
        ("version", lambda each: each["version"] or "–"),
        ("snapshot", lambda each: "–" if each["snapshot"] is None else str(each["snapshot"])),
        ("files", lambda each: f"{each['files']:,}"),
        ("bytes", lambda each: f"{each['bytes']:,}"),
        ("where", lambda each: each["uri"]),
    ]
    show(found, table(found, columns, "no tables", whole=("table",)), as_json=remote.json)
    return 0


@Parameter(name="*")
@dataclass(frozen=True)
class Selection:
    """Options that say which rows are shown.

    Attributes
    ----------
    environment
        Of this environment.
    since
        From this time on; UTC unless it has a zone.
    until
        Before this time.
    row_id
        Only the row with this id.
    file
        Only of the file with this number.
    """

    environment: Environment = Environment.PRODUCTION
    since: str | None = None
    until: str | None = None
    row_id: str | None = None
    file: int | None = None

    def query(self) -> dict[str, Any]:
        """As requests say it."""
        times = {name: getattr(self, name) for name in ("since", "until")}
        told = {name: asked_moment(f"--{name}", text) for name, text in times.items() if text}
        return {"environment": str(self.environment), "id": self.row_id, "file": self.file, **told}


def rows(
    id: str, version: str, *, selection: Selection | None = None, limit: int = 20, remote: Remote | None = None
) -> int:
    """Show imported rows, each with the file and row that it came from.

    Parameters
    ----------
    id
        The model's id.
    version
        The version's name.
    limit
        How many at most.
    """
    remote, selection = remote or Remote(), selection or Selection()
    found = list(remote.items(f"/models/{id}/rows", limit, version=version, **selection.query()))
    columns = [
        ("id", lambda each: each["id"]),
        ("time (UTC)", lambda each: when(each["time"])),
        ("file", lambda each: str(each["file"])),
        ("row", lambda each: f"{each['row']:,}"),
        ("values", lambda each: short(", ".join(f"{name}={value}" for name, value in each["values"].items()), 200)),
    ]
    show(found, table(found, columns, "no rows", whole=("id", "time (UTC)")), as_json=remote.json)
    return 0


def forget(id: str, *, row_id: Ids, remote: Remote | None = None) -> int:
    """Remove the rows of a subject for good: from tables and their earlier versions, profiles and rejected rows.

    Parameters
    ----------
    id
        The model's id.
    row_id
        An id of the subject's predictions; repeat it.
    """
    return cleared(remote or Remote(), f"/models/{id}/forgets", {"ids": list(row_id)})


def retain(id: str, *, before: str, remote: Remote | None = None) -> int:
    """Remove the rows of days before a day; the profiles of their hours stay.

    Parameters
    ----------
    id
        The model's id.
    before
        The first day that stays.
    """
    return cleared(remote or Remote(), f"/models/{id}/retentions", {"before": asked_moment("--before", before)})


def compact(id: str, *, remote: Remote | None = None) -> int:
    """Make large files of many small ones, and remove those that no reader has needed for a week.

    Parameters
    ----------
    id
        The model's id.
    """
    return cleared(remote or Remote(), f"/models/{id}/compactions")


def purge(id: str, *, yes: Flag = False, remote: Remote | None = None) -> int:
    """Remove the rows that a deleted job brought, from tables and profiles, for good.

    Parameters
    ----------
    id
        The job's id, or the beginning of it.
    yes
        Do it; without this, only show what would go.
    """
    remote = remote or Remote()
    if yes:
        return cleared(remote, f"/imports/{id}/purges")
    found = remote.get(f"/imports/{id}")
    said = f"{found['counts']['accepted']:,} rows of {found['model']} {found['version']} would go; --yes removes them"
    show(found, said, as_json=remote.json)
    return 0


def cleared(remote: Remote, path: str, body: dict[str, Any] | None = None) -> int:
    """Give an order, wait until it has ended, and show what went; 1 if it could not be carried out."""
    found = remote.post(path, body)
    while found["ended"] is None:
        time.sleep(_POLL_SECONDS)
        found = remote.get(f"/models/{found['model']}/clearings/{found['id']}")
    pairs = [
        ("model", found["model"]),
        ("failed" if found["reason"] else "done", found["kind"]),
        ("rows", f"{found['rows']:,}"),
    ]
    pairs += [("files", f"{found['files']:,}"), ("ended", moment(found["ended"]))]
    pairs += [("reason", found["reason"])] if found["reason"] else []
    show(found, Facts(pairs), as_json=remote.json)
    return int(bool(found["reason"]))
