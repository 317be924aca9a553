"""What only administrators see: values of environments, and logins in URLs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from driftline.server.auth import Principal

HIDDEN = "(hidden)"

_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")


def shown_to(principal: Principal, document: Any) -> Any:
    """The JSON value as this caller may see it: whole with the scope `admin`, else without what may be secret."""
    return document if "admin" in principal.scopes else without_secrets(document)


def without_secrets(document: Any) -> Any:
    """The JSON value with the names of environments alone, and with URLs that have no login.

    >>> without_secrets({"settings": {"script_environment": {"TOKEN": "abc"}}, "url": "http://ada:abc@models/x"})
    {'settings': {'script_environment': {'TOKEN': '(hidden)'}}, 'url': 'http://models/x'}
    """
    if isinstance(document, Mapping):
        return {name: _member(name, value) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [without_secrets(each) for each in document]
    return _LOGIN.sub("", document) if isinstance(document, str) else document


def _member(name: str, value: Any) -> Any:
    if name.lower().endswith("environment") and isinstance(value, Mapping):
        return dict.fromkeys(value, HIDDEN)
    return without_secrets(value)
