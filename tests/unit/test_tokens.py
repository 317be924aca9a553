"""Tokens of lists: what a page gave goes on, whatever a stranger makes up is refused and nothing worse."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.catalog.tokens import after, token
from driftline.errors import Invalid


def test_a_time_comes_back_whatever_its_zone() -> None:
    moment = datetime(2026, 3, 1, 2, 3, 4, 567, timezone(timedelta(hours=5)))
    assert after(token("created", moment, "n"), "created", is_time=True) == (moment.astimezone(UTC), "n")


MADE_UP = [
    ["created", "2026-01-01", "a"],
    ["created", "0001-01-01T00:00:00+14:00", "a"],
    ["created", 5, "a"],
    ["name", "2026-01-01T00:00:00+00:00", "a"],
    ["created", "2026-01-01T00:00:00+00:00", "a\0"],
    ["created", "2026-01-01T00:00:00+00:00", {}],
    ["created"],
    {},
    5,
]


@pytest.mark.parametrize("parts", MADE_UP)
def test_a_token_that_no_page_gave_is_refused(parts: object) -> None:
    with pytest.raises(Invalid, match="NextToken"):
        after(base64.urlsafe_b64encode(json.dumps(parts).encode()).decode(), "created", is_time=True)


def test_a_deep_token_is_refused() -> None:
    with pytest.raises(Invalid):
        after(base64.urlsafe_b64encode(b"[" * 6000).decode(), "created", is_time=True)


@given(st.text())
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        after(text, "created", is_time=True)
