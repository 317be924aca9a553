"""Logs as lines of JSON, one an event, with what secrets might be in left out."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

_SECRET = ("secret", "password", "authorization", "signature", "token", "credential")


def configure(*, stream: TextIO, level: int = logging.INFO) -> None:
    """Send the events of this process to a stream from now on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # as Python prints it, without the values of variables: those may be secrets, or the data of a request
            structlog.processors.format_exc_info,
            hide_secrets,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


def configure_plainly() -> None:
    """Where nobody configured logs, have faults told without the values of variables.

    Those of a request take structlog's own console up to a minute, for which the server would answer nobody.
    """
    if structlog.is_configured():
        return
    defaults = structlog.get_config()["processors"][:-1]
    shown = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*defaults, hide_secrets, shown])


def hide_secrets(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event without the values of members that are named like secrets.

    >>> hide_secrets(None, "", {"event": "x", "secret_key": "abc"})
    {'event': 'x', 'secret_key': '(hidden)'}
    """
    for name in event:
        if any(word in name.lower() for word in _SECRET):
            event[name] = "(hidden)"
    return event
