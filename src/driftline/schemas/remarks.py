"""What is to be said of a file's columns: those that lack, those in the way of each other, those that are nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import pyarrow as pa

from driftline.schemas.columns import Columns
from driftline.schemas.faults import Fault
from driftline.schemas.fields import RESERVED, ModelField, Role
from driftline.schemas.limits import article
from driftline.schemas.names import near, repeated
from driftline.schemas.places import names_of, said_of
from driftline.schemas.roles import own_columns
from driftline.schemas.rules import told

TOLD = 20
"""So many columns of each fault are named."""


def missing_fields(columns: Columns, missing: Collection[ModelField], left: Collection[str]) -> list[Fault]:
    """Fields without a column, with the column of those `left` that was perhaps meant (C-11)."""
    return _few([_lacking(columns, each, left, place < TOLD) for place, each in enumerate(missing)])


def left_over(left: Collection[str]) -> list[Fault]:
    """Columns that are nothing (F-12), and those whose names are the tables' own (R-07).

    >>> [fault.code for fault in left_over(["note", "_row"])]
    ['Unmapped_Columns', 'Reserved_Name']
    """
    unmapped = [told("Unmapped_Columns", column=name) for name in left if not name.startswith(RESERVED)]
    reserved = [told("Reserved_Name", column=name) for name in left if name.startswith(RESERVED)]
    return [*_few(unmapped), *_few(reserved)]


def missing_own(columns: Columns, there: Collection[str], content: str | None) -> Iterator[Fault]:
    """Columns of the rows themselves that are not there; files of actuals need ids (R-01).

    >>> [fault.code for fault in missing_own(Columns(timestamp="at"), ["At"], "actuals")]
    ['Missing_Columns', 'Missing_Id_Column']
    """
    for name, use in own_columns(columns).items():
        if name not in there:
            perhaps = near(name, there)
            wanted = f"the {use} of the rows" + (f"; perhaps it is {perhaps!r}" if perhaps else "")
            yield told("Missing_Columns", column=name, value=perhaps, wanted=wanted, field=use)
    if columns.id is None and content == "actuals":
        yield told("Missing_Id_Column", wanted="actuals", field="id")


def missing_listed(
    columns: Columns, there: Collection[str], wanted: Iterable[ModelField], content: str | None
) -> tuple[list[Fault], list[Fault]]:
    """Columns that a list of the job names and that are in no file and no field: faults if they answer, else warnings.

    >>> columns = Columns(lists={"prediction": ["y"], "tag": ["team"]})
    >>> [[each.column for each in some] for some in missing_listed(columns, ["x"], (), "predictions")]
    [['y'], ['team']]
    """
    known = {each.name for each in wanted}
    faults, warnings = list[Fault](), list[Fault]()
    for role, names in columns.lists.items():
        answers = role in _LATE_ANSWERS if content == "actuals" else role in _ANSWERS
        for name in names:
            if name not in there and name not in known and (answers or role not in _LATE_ANSWERS):
                perhaps = near(name, there)
                said = f"the {role} that the job names" + (f"; perhaps it is {perhaps!r}" if perhaps else "")
                fault = told("Missing_Columns", column=name, value=perhaps, wanted=said, field=name)
                (faults if answers else warnings).append(fault)
    return _few(faults), _few(warnings)


_ANSWERS = (Role.PREDICTION, Role.SCORE, Role.RANK, Role.GROUP)
_LATE_ANSWERS = (Role.ACTUAL, Role.ACTUAL_SCORE, Role.RELEVANCE)


def names_wrong(found: pa.Schema, columns: Columns, places: Mapping[ModelField, str]) -> Iterator[Fault]:
    """Names that two columns have, or none, and columns that are to be two things at once (R-07)."""
    for name in repeated(found):
        yield told("Duplicate_Columns", column=name)
    for place, name in enumerate(found.names):
        if not name.strip():
            yield told("Empty_Column_Name", column=name, value=str(place + 1))
    own = own_columns(columns)
    for each, name in places.items():
        if name in own:
            wanted = f"it is the {own[name]} of the rows, and so not the field {each.name!r} too"
            yield told("Reserved_Columns", column=name, wanted=wanted, field=each.name)
    uses = [(use, name) for use, name in vars(columns).items() if use in ("id", "timestamp", "version", "batch")]
    for place, (use, name) in enumerate(uses):
        if name is not None and name in [other for _, other in uses[:place]]:
            yield told("Reserved_Columns", column=name, wanted=f"it cannot be the {use} of the rows too", field=use)


def _few(faults: list[Fault]) -> list[Fault]:
    """The first of faults of one code; the others in one that counts them, for ledgers keep them with every file."""
    if len(faults) <= TOLD:
        return faults
    more = len(faults) - TOLD
    return [*faults[:TOLD], Fault(faults[0].code, f"and so for {more:,} more columns", count=more)]


def _lacking(columns: Columns, field: ModelField, left: Collection[str], search: bool) -> Fault:
    """`search` looks for a near name, which takes its time."""
    said = said_of(columns, field) or next(names_of(columns, field))
    perhaps = (near(said, left) or near(field.name, left)) if search else None
    wanted = f"the {article(field.role).split(' ', 1)[1]} {field.name!r}"
    return told(
        "Missing_Columns",
        column=said,
        value=perhaps,
        wanted=wanted + (f"; perhaps it is {perhaps!r}" if perhaps else ""),
        field=field.name,
    )
