"""What only administrators see: values of environments, and logins in URLs."""

from __future__ import annotations

from typing import Any

from driftline.catalog.differences import without_secrets
from driftline.server.auth import Principal


def shown_to(principal: Principal, document: Any) -> Any:
    """The JSON value as this caller may see it: whole with the scope `admin`, else without what may be secret."""
    return document if "admin" in principal.scopes else without_secrets(document)
