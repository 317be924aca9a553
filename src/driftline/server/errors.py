"""What a client is told of an error: AWS's code and status for the families of `driftline.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from driftline.errors import CallerError, Conflict, DataError, Denied, DriftlineError, Invalid, NotFound, Unavailable


@dataclass(frozen=True)
class Told:
    """How an error is told: its code, its HTTP status and its text, and members beside the text."""

    code: str
    message: str
    status: int = 400
    members: Mapping[str, object] | None = None


class AwsError(DriftlineError):
    """{message}"""

    def __init__(self, code: str, message: str, status: int = 400, **members: object) -> None:
        """An error by its AWS code; `members` are added to the answer (`OriginalStatusCode` of a ModelError)."""
        self.told = Told(code, message, status, members or None)
        super().__init__(message=message)


@dataclass(frozen=True)
class Codes:
    """What one API calls the families of errors."""

    invalid: str = "ValidationException"
    not_found: str = "ResourceNotFound"
    conflict: str = "ResourceInUse"
    denied: str = "AccessDeniedException"
    unavailable: str = "ServiceUnavailable"
    failure: str = "InternalFailure"


INTERNAL = "The request could not be answered because of a fault in the server; its log has the reason."

REST_CODES = Codes("invalid", "not-found", "conflict", "denied", "unavailable", "internal")

_FAMILIES: tuple[tuple[type[DriftlineError], str, int, int], ...] = (
    (Denied, "denied", 400, 403),
    (NotFound, "not_found", 400, 404),
    (Conflict, "conflict", 400, 409),
    (Invalid, "invalid", 400, 400),
    (CallerError, "invalid", 400, 400),
    (DataError, "invalid", 400, 422),
    (Unavailable, "unavailable", 503, 503),
)
"""Family, its word in `Codes`, HTTP status in AWS's JSON protocol, HTTP status in REST."""


def told(error: DriftlineError, codes: Codes, *, rest: bool = False) -> Told:
    """The answer to a client for any error of ours; an error of no known family is a fault of the server (500).

    >>> told(NotFound(what="schedule", name="s1"), Codes()).code
    'ResourceNotFound'
    >>> told(NotFound(what="schedule", name="s1"), REST_CODES, rest=True).status
    404
    """
    if isinstance(error, AwsError):
        return error.told
    for family, word, aws_status, rest_status in _FAMILIES:
        if isinstance(error, family):
            return Told(getattr(codes, word), str(error), rest_status if rest else aws_status)
    return Told(codes.failure, INTERNAL, 500)
