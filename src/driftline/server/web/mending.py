"""Where a fault of a dry run or of a file is mended: the field of the form of its job, and what to put there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlencode

from driftline.schemas.rules import CODES
from driftline.server.rest.importing import Fault

MAPPING = "mapping"
"""The id of the table of columns."""

_FIELDS: Mapping[str, tuple[str, str]] = {
    "No_Files": ("uri", "Check the path. Files that come there later are read, so it may also be kept as it is."),
    "Access_Denied": ("credentials", "Choose credentials that may read there, or let the owner allow what is missing."),
    "Unreadable_File": ("format", "Choose the format, or its settings such as the separator."),
    "Invalid_Timestamp_Value": ("policies-past_days", "Widen how old or how far ahead rows may be."),
    "File_Too_Large": ("policies-max_file_bytes", "Raise the largest size of a file."),
    "Too_Many_Rejected": ("policies-max_rejected_ratio", "Raise the share of rejected rows that a file may have."),
    "Rewritten_File": ("policies-rewritten", "Let files of a known name take the place of their rows."),
    "Invalid_Batch_Id": ("batch", "Name the batch of all rows, or choose the column of the batch."),
    "Missing_Prediction": ("environment", "Rows of production may lack a prediction; those for training may not."),
    "Missing_Actual": ("environment", "Rows of production may lack an actual; those for training may not."),
    "Overlapping_Jobs": ("uri", "Another job reads the same files."),
}
"""code -> the id of the field that mends it, and how."""
_KINDS = (
    "Invalid_Value", "Invalid_Label", "Invalid_Score", "Invalid_Rank", "Invalid_Attribution", "Invalid_Embedding",
    "Invalid_Kind", "Infinite_Value", "Text_Too_Long", "Score_Out_Of_Range", "Missing_Value", "Invalid_Dimension",
)  # fmt: skip
"""Codes that are mended where the field's kind is said."""
_OWN = ("id", "timestamp", "version", "batch")


class Column(Protocol):
    """A column as the form shows it."""

    @property
    def number(self) -> int:
        """By which its entries are named."""

    @property
    def column(self) -> str:
        """Its name."""

    @property
    def role(self) -> str:
        """What it is."""

    @property
    def field(self) -> str:
        """The field that it is; empty without one."""

    @property
    def kinds(self) -> Sequence[str]:
        """Kinds that may be chosen for it."""


@dataclass(frozen=True)
class Mend:
    """A fault, where it leads (`#id` of this page, or another page), what to do there, and what can be done at once.

    `apply` is the number of a column, its role and the name of its field, parted by `|`; `offer` is that in words. One
    that `is_sure` is about the column that it leads to.
    """

    fault: Fault
    href: str
    advice: str
    apply: str = ""
    offer: str = ""
    is_sure: bool = True

    @property
    def place(self) -> str:
        """The id of the field; empty if it is on another page."""
        return self.href.removeprefix("#") if self.href.startswith("#") else ""


def mend(fault: Fault, rows: Sequence[Column], fields: Mapping[str, str], schema: str = "") -> Mend:
    """Where to go because of the fault; `fields` are role by name of what is missing, `schema` the schema's page."""
    by_column = {each.column: each for each in rows}
    by_field = {each.field: each for each in rows if each.field}
    row = by_column.get(fault.column or "") or by_field.get(fault.field or "")
    rule = CODES.get(fault.code)
    advice = rule.remedy if rule else ""
    if fault.code in ("Missing_Columns", "Missing_Id_Column"):
        return _missing(fault, rows, fields)
    if fault.code in _FIELDS and not (fault.code == "Invalid_Batch_Id" and row):
        place, advice = _FIELDS[fault.code]
        return Mend(fault, f"#{place}", advice)
    if fault.code in _KINDS and row is not None:
        return _of_kind(fault, row, advice, schema)
    if row is None:
        return Mend(fault, f"#{MAPPING}", advice)
    role, offer = {
        "Unmapped_Columns": ("excluded", f"Exclude {row.column}"),
        "Reserved_Suffix": ("attribution", f"Make {row.column} an attribution"),
        "Too_Many_Embeddings": ("excluded", f"Exclude {row.column}"),
        "Invalid_Timestamp": ("", ""),
    }.get(fault.code, ("", ""))
    return Mend(fault, f"#role-{row.number}", advice, f"{row.number}|{role}|" if role else "", offer)


def link(job: str, fault: Fault, file: int) -> str:
    """From a fault of a file to the entry of its job's form that mends it, with a dry run of that file."""
    if fault.code in _FIELDS:
        return f"/console/imports/{job}/edit?file={file}#{_FIELDS[fault.code][0]}"
    asked = {"file": file, "code": fault.code, "column": fault.column or "", "field": fault.field or ""}
    return f"/console/imports/{job}/edit?{urlencode({name: told for name, told in asked.items() if told})}"


def _missing(fault: Fault, rows: Sequence[Column], fields: Mapping[str, str]) -> Mend:
    """To the column that was perhaps meant, which can be taken at once; else to the first that is nothing yet."""
    name = fault.field or ""
    role = name if name in _OWN else fields.get(name, "")
    perhaps = next((each for each in rows if each.column == fault.value), None)
    what = f"the {name} of the rows" if name in _OWN else f"the {role.replace('_', ' ') or 'field'} {name!r}"
    if perhaps is None or not role:
        free = next((f"role-{each.number}" for each in rows if each.role == "unmapped"), MAPPING)
        return Mend(fault, f"#{free}", f"Choose the column that is {what}.", is_sure=False)
    apply = f"{perhaps.number}|{role}|{'' if name in _OWN else name}"
    offer = f"{perhaps.column} is {what}"
    return Mend(fault, f"#role-{perhaps.number}", f"Perhaps {offer}.", apply, offer)


def _of_kind(fault: Fault, row: Column, advice: str, schema: str) -> Mend:
    if row.kinds:
        return Mend(fault, f"#kind-{row.number}", advice)
    if schema and row.field:
        return Mend(fault, f"{schema}#{anchor(row.field)}", advice)
    return Mend(fault, f"#role-{row.number}", advice)


def anchor(field: str) -> str:
    """The id of a field of a schema on the page where that is edited.

    >>> anchor("car value")
    'field-car%20value'
    """
    return f"field-{quote(field, safe='')}"
