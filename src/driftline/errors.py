"""Every error of Driftline; the family of an error decides who must act and whether a retry makes sense.

DriftlineError
├── CallerError          the caller can mend it; never retried
│   ├── Invalid          an option, expression or document is wrong
│   ├── Denied           credentials or permissions do not suffice
│   ├── NotFound         the named thing does not exist
│   └── Conflict         the thing exists already, or changed meanwhile
├── DataError            the owner of the data must mend it; the run fails
│   ├── Unreadable       an object or line cannot be decoded
│   ├── SchemaMismatch   a column is not what was expected
│   ├── ScriptFailed     a user's script raised, or did not end
│   └── EmptyWindow      there is nothing to analyse
└── Unavailable          the world is down; retried, then the operator's turn
    ├── StorageUnavailable
    └── EngineUnavailable
"""


class DriftlineError(Exception):
    """{message}"""

    def __init__(self, **facts: object) -> None:
        """Fill the class docstring, which is the message template, with `facts`."""
        self.facts = facts
        super().__init__((type(self).__doc__ or "{message}").format(**facts).strip())


class CallerError(DriftlineError):
    """{message}"""


class Invalid(CallerError):
    """{what}: got {got!r}, expected {expected}. {remedy}"""

    def __init__(self, *, what: str, got: object, expected: str, remedy: str = "") -> None:
        """`what` names the option or member, `expected` what would have been accepted."""
        super().__init__(what=what, got=got, expected=expected, remedy=remedy)


class Denied(CallerError):
    """access denied: {action} on {resource}. {remedy}"""

    def __init__(self, *, action: str, resource: str, remedy: str) -> None:
        """`action` is the permission that is missing, as its owner spells it (`s3:GetObject`)."""
        super().__init__(action=action, resource=resource, remedy=remedy)


class NotFound(CallerError):
    """{what} not found: {name}. {remedy}"""

    def __init__(self, *, what: str, name: str, remedy: str = "") -> None:
        """`what` is the noun (file, bucket, column), `name` which one."""
        super().__init__(what=what, name=name, remedy=remedy)


class Conflict(CallerError):
    """{what} {name}: {reason}. {remedy}"""

    def __init__(self, *, what: str, name: str, reason: str, remedy: str = "") -> None:
        """`reason` tells what stands in the way."""
        super().__init__(what=what, name=name, reason=reason, remedy=remedy)


class DataError(DriftlineError):
    """{message}"""


class Unreadable(DataError):
    """{uri}{where}: {reason}. {remedy}"""

    def __init__(self, *, uri: str, reason: str, line: int | None = None, remedy: str = "") -> None:
        """`line` counts from 1 and is left out where the format has no lines."""
        self.line = line
        where = f" line {line}" if line is not None else ""
        super().__init__(uri=uri, where=where, reason=reason.rstrip("."), remedy=remedy)


class SchemaMismatch(DataError):
    """column {column!r}: {reason}. {remedy}"""

    def __init__(self, *, column: str, reason: str, remedy: str = "") -> None:
        """`reason` says what was found and what was expected."""
        super().__init__(column=column, reason=reason, remedy=remedy)


class ScriptFailed(DataError):
    """script {script}{where}: {reason}{record}. {remedy}"""

    def __init__(
        self, *, script: str, reason: str, line: int | None = None, record: str = "", remedy: str = ""
    ) -> None:
        """`line` is the script's own, from 1; `record` tells which record it was at, with file and line."""
        where = f" line {line}" if line is not None else ""
        told = f" (at {record})" if record else ""
        super().__init__(script=script, where=where, reason=reason.rstrip("."), record=told, remedy=remedy)


class EmptyWindow(DataError):
    """no rows to analyse in {inputs}. {remedy}"""

    def __init__(self, *, inputs: str, remedy: str = "") -> None:
        """`inputs` names what was searched."""
        super().__init__(inputs=inputs, remedy=remedy)


class Unavailable(DriftlineError):
    """{message}"""


class StorageUnavailable(Unavailable):
    """storage at {where} does not answer: {reason}. {remedy}"""

    def __init__(self, *, where: str, reason: str, remedy: str = "Check the endpoint and try again.") -> None:
        """`where` is the endpoint or URI that was tried."""
        super().__init__(where=where, reason=reason.rstrip("."), remedy=remedy)


class EngineUnavailable(Unavailable):
    """engine {engine}: {reason}. {remedy}"""

    def __init__(self, *, engine: str, reason: str, remedy: str = "") -> None:
        """`engine` is its name in the table of engines."""
        super().__init__(engine=engine, reason=reason.rstrip("."), remedy=remedy)
