"""Logs: one JSON object a line, with the request's id and without anything secret."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from driftline.server import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    made = io.StringIO()
    logs.configure(stream=made)
    yield made
    structlog.reset_defaults()


def test_events_are_lines_of_json(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("driftline.server").info("request", operation="Describe", secret_key="abc")
    event = json.loads(stream.getvalue())
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "request",
        "level": "info",
        "operation": "Describe",
        "request_id": "r1",
        "secret_key": "(hidden)",
    }


def test_a_traceback_says_where_but_not_what_with(stream: io.StringIO) -> None:
    password_of_a_user = "hunter2"
    try:
        len(password_of_a_user) / 0
    except ZeroDivisionError as error:
        structlog.get_logger().error("fault", exc_info=error)
    text = json.loads(stream.getvalue())["exception"]
    assert text.startswith("Traceback") and "ZeroDivisionError" in text and "test_a_traceback" in text
    assert "hunter2" not in text


def test_faults_are_told_plainly_without_a_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    """An application that is served by other means must not stop for a minute to show all variables of a request."""
    structlog.reset_defaults()
    logs.configure_plainly()
    password_of_a_user = "hunter2"
    try:
        len(password_of_a_user) / 0
    except ZeroDivisionError as error:
        structlog.get_logger().error("fault", exc_info=error, secret_key="abc")
    structlog.reset_defaults()
    text = capsys.readouterr().out
    assert "ZeroDivisionError" in text and "test_faults" in text and "fault" in text
    assert "hunter2" not in text and "abc" not in text
