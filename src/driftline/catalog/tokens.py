"""Tokens of lists: where a page ended, as the client brings it back; whatever else it brings is refused."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime

from driftline.errors import Invalid


def token(order: str, value: datetime | str, name: str) -> str:
    """The token of a page in this order that ended at this value, and this name among equal ones."""
    shown = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([order, shown, name]).encode()).decode()


def after(given: str, order: str, *, is_time: bool) -> tuple[datetime | str, str]:
    """Value and name at which the page before ended; raises `Invalid` for what no page of this order gave.

    >>> after(token("name", "b", "b"), "name", is_time=False)
    ('b', 'b')
    """
    try:
        ordered, value, name = json.loads(base64.b64decode(given, altchars=b"-_", validate=True))
        if ordered != order or not _plain(value) or not _plain(name):
            raise ValueError("another list")
        if not is_time:
            return value, name
        moment = datetime.fromisoformat(value)
        if moment.utcoffset() is None:
            raise ValueError("a time without a zone")
        return moment.astimezone(UTC), name
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Invalid(what="NextToken", got=given[:64], expected="the token of the page before") from error


def number_after(given: str, order: str) -> int:
    """The number at which the page before ended; raises `Invalid` as `after` does.

    >>> number_after(token("audit", "17", ""), "audit")
    17
    """
    value = str(after(given, order, is_time=False)[0])
    if not re.fullmatch(r"\d{1,18}", value, re.ASCII):
        raise Invalid(what="NextToken", got=given[:64], expected="the token of the page before")
    return int(value)


def _plain(part: object) -> bool:
    """Whether it is a text that every database can compare."""
    return isinstance(part, str) and part.isprintable()
