"""`driftline audit`: who changed what on a server, and when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from driftline.commands.remote import Remote
from driftline.commands.showing import asked_moment, show, table, when
from driftline.pages.tables import short


def audit(
    *,
    who: str | None = None,
    kind: str | None = None,
    subject: str | None = None,
    space: str | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int = 50,
    remote: Remote | None = None,
) -> int:
    """Show who changed what on a server, and when, the latest first; an administrator's key is needed.

    Parameters
    ----------
    who
        By this caller only: key:ada, person:ada@example.org, the id of an access key, local:ACCOUNT.
    kind
        Of things of this kind only, such as model, monitor or 'alert rule'.
    subject
        Of the thing with this id only, such as churn/drift.
    space
        Of things of this space only.
    since
        From this time on; without a zone it is UTC.
    until
        Before this time.
    limit
        How many changes at most.
    """
    remote = remote or Remote()
    query = {"who": who, "kind": kind, "subject": subject, "space": space}
    times = {"since": since, "until": until}
    query |= {name: asked_moment(f"--{name}", text) for name, text in times.items() if text is not None}
    found = list(remote.items("/audit", limit, **query))
    columns = [
        ("at (UTC)", lambda each: when(each["at"])),
        ("who", lambda each: each["who"]),
        ("over", lambda each: each["interface"]),
        ("action", lambda each: each["action"]),
        ("kind", lambda each: each["kind"]),
        ("subject", lambda each: each["subject"]),
        ("operation", lambda each: each["operation"]),
        ("change", lambda each: told(each["change"])),
    ]
    show(found, table(found, columns, "nothing was changed", whole=("at (UTC)",)), as_json=remote.json)
    return 0


def told(change: Mapping[str, Any]) -> str:
    """A change in a line: what was and what is, or the names of what a thing was made of.

    >>> told({"body.owner": {"was": "a", "is": "b"}}), told({"name": "x", "body": {}})
    ('body.owner: "a" → "b"', 'name, body')
    """
    if change and all(isinstance(each, Mapping) and {*each} <= {"was", "is"} and each for each in change.values()):
        return short("; ".join(f"{place}: {_pair(each)}" for place, each in change.items()), 120)
    return short(", ".join(change), 120)


def _pair(change: Mapping[str, Any]) -> str:
    return " → ".join(json.dumps(change[name]) if name in change else "–" for name in ("was", "is"))
