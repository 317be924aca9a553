"""Filters of lists, as their forms send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request

_DAY = len("2026-11-21")


def given(asked: Any) -> Any:
    """What a filter says, without what was left empty; `since` and `until` may be days, which begin at 0:00 UTC.

    >>> given({"model": "", "since": "2026-11-21"})
    {'since': '2026-11-21T00:00:00Z'}
    """
    if not isinstance(asked, Mapping):
        return asked
    found = {name: value for name, value in asked.items() if value != ""}
    days = {name: value for name in ("since", "until") if (value := found.get(name)) and len(str(value)) == _DAY}
    return found | {name: f"{value}T00:00:00Z" for name, value in days.items()}


def here(request: Request) -> str:
    """The first page of the list with its filters: what links to further pages begin with."""
    return str(request.url.remove_query_params(["token", "format"]).replace(scheme="", netloc=""))
