"""The rules that files and rows are held to: a stable code each, words, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from driftline.schemas.faults import LONGEST, Fault, Offence
from driftline.schemas.fields import Environment

ARTHUR = ("instances", "predictions", "features", "probabilities")
"""Names that no feature may have where calls come as Arthur's maps of JSON, which have these members themselves."""


@dataclass(frozen=True)
class Rule:
    """A rule: its row in the table of acceptance, what is said of what breaks it, and how that is mended.

    `words` say it with `{column}`, `{value}` and `{wanted}`, which is what would have been right.
    """

    row_id: str
    words: str
    remedy: str


_EDIT = "Correct the file, or edit the field's kind in the schema."
_MAP = "Say in the columns of the job which column it is, or rename the field in the schema."

CODES: dict[str, Rule] = {
    # of a file's columns
    "Missing_Columns": Rule("C-11", "no column {column} for {wanted}", _MAP),
    "Unmapped_Columns": Rule("F-12", "column {column} is no field of the schema", "Add a field for it, or exclude it."),
    "Duplicate_Columns": Rule("R-07", "more than one column is named {column}", "Give each column a name of its own."),
    "Empty_Column_Name": Rule("R-07", "column {value} has no name", "Give every column a name."),
    "Reserved_Columns": Rule("R-07", "column {column} is taken: {wanted}", "Use another column for one of the two."),
    "Reserved_Name": Rule("R-07", "{column} is a name of the tables' own", "Map the column to another name."),
    "Reserved_Suffix": Rule(
        "R-04",
        "the feature or tag {column} ends with _shap",
        "Map it as an attribution, by a prefix or a list, or give the field another name.",
    ),
    "Forbidden_Name": Rule("R-11", "no feature may be named {column}", "Give the field another name."),
    "Missing_Id_Column": Rule(
        "R-01", "no column of ids, without which {wanted} find no predictions", "Name the column of the ids."
    ),
    "Invalid_Kind": Rule(
        "R-03", "field {column} is {value}, expected {wanted}", "Edit the field's kind in the schema."
    ),
    "Too_Many_Classes": Rule("R-05", "{value} scores of classes, expected {wanted}", "Map fewer scores."),
    "Invalid_Class_Name": Rule("R-05", "the class {column} has {value} characters, expected {wanted}", "Shorten it."),
    "Too_Many_Embeddings": Rule("R-06", "{value} embeddings, expected {wanted}", "Exclude some."),
    "Invalid_Dimension": Rule("R-06", "embedding {column} is {value} long, expected {wanted}", "Exclude the field."),
    # of rows and their values
    "Invalid_Prediction_Id": Rule(
        "R-01", "column {column}: the id {value} is not {wanted}", "Give every row an id, a text or a whole number."
    ),
    "Invalid_Timestamp": Rule(
        "R-02",
        "column {column}: {value} is no time",
        "Write times as 2026-01-31T12:00:00Z or as seconds since 1970.",
    ),
    "Invalid_Timestamp_Value": Rule(
        "R-02", "column {column}: the time {value} is not {wanted}", "Correct the clock, or widen the job's bounds."
    ),
    "Invalid_Batch_Id": Rule(
        "M-08", "a row for validation has no id of its batch", "Name the batch in the job, or its column."
    ),
    "Missing_Prediction": Rule(
        "M-08", "the row has no prediction, which {wanted}", "Fill in a prediction, or import as production."
    ),
    "Missing_Actual": Rule(
        "M-08", "the row has no actual, which {wanted}", "Fill in an actual, or import as production."
    ),
    "Missing_Value": Rule("R-08", "column {column} is empty, which {wanted}", "Fill it in."),
    "Infinite_Value": Rule("R-08", "column {column}: {value} is infinite, expected {wanted}", "Leave it empty."),
    "Invalid_Value": Rule("R-03", "column {column}: {value} is not {wanted}", _EDIT),
    "Invalid_Label": Rule("R-05", "column {column}: the label {value} is not {wanted}", _EDIT),
    "Invalid_Score": Rule("R-05", "column {column}: the score {value} is not {wanted}", _EDIT),
    "Score_Out_Of_Range": Rule(
        "R-05", "column {column}: the score {value} is not {wanted}", "Map chances, or make it a score of no class."
    ),
    "Invalid_Rank": Rule("M-07", "column {column}: the rank {value} is not {wanted}", _EDIT),
    "Invalid_Attribution": Rule("R-04", "column {column}: the attribution {value} is not {wanted}", _EDIT),
    "Invalid_Embedding": Rule("R-06", "column {column}: the vector {value} is not {wanted}", _EDIT),
    "Text_Too_Long": Rule("R-03", "column {column}: the text {value} is longer than {wanted}", "Shorten the text."),
    # of whole files and of rows among other rows
    "Malformed_Row": Rule("ER-16", "the row cannot be read: {value}", "Correct the row."),
    "Duplicate_Id": Rule("R-09", "the id {value} was there already", "Give every prediction an id of its own."),
    "Unreadable_File": Rule("J-11", "the file cannot be read: {value}", "Write the file again, under a new name."),
    "Access_Denied": Rule("S-06", "{value}", "Give the role or key the permission that is named."),
    "No_Files": Rule("D-02", "no files at {value}", "Check the path; files that come there later are read."),
    "Skipped": Rule(
        "J-17", "the object is no file of rows: {value}", "Nothing: markers and empty files are passed over."
    ),
    "Process_Ended": Rule("J-11", "the process that read the file ended", "Look into the worker's log; try again."),
    "File_Too_Large": Rule("J-10", "the file has {value} bytes, expected {wanted}", "Cut it into several files."),
    "Rewritten_File": Rule(
        "J-09", "the file was imported already with other bytes", "Give it a new name, or let the job replace rows."
    ),
    "Purged": Rule("J-15", "the rows of the file were purged", "Import it by another job, if it is wanted again."),
    "Too_Many_Versions": Rule(
        "M-02", "rows of {value} versions that are not known, expected {wanted}", "Map the column of the version."
    ),
    "Too_Many_Rejected": Rule(
        "J-11", "{value} of the rows are rejected, expected {wanted}", "Mend the rows, or raise the job's limit."
    ),
}
"""code -> rule. Codes are for programs and never change."""


@dataclass(frozen=True)
class Bounds:
    """How much is allowed; times in days, lengths in characters.

    The numbers are those of the rules R-01 to R-06. With `strict` a value that is wrong rejects its row whatever
    field it is in; otherwise only where the row is worth nothing without it. With `complete` rows for training and
    validation need a prediction and an actual, as far as the schema has such.
    """

    past_days: float = 5 * 365.25
    ahead_days: float = 365.25
    id_characters: int = 512
    tag_characters: int = 20_000
    text_characters: int = 2_000_000
    class_characters: int = 100
    classes: int = 500
    embeddings: int = 30
    least_dimension: int = 2
    most_dimension: int = 20_000
    strict: bool = False
    complete: bool = True


@dataclass(frozen=True)
class Intake:
    """What is known of the rows of a file beside the file: `now` is when it is read, the time of rows without one.

    `file` begins the ids of rows without one, so it must be the same whenever the file is read again. `batch` is the
    batch of rows without one.
    """

    now: datetime
    file: str
    environment: Environment = Environment.PRODUCTION
    batch: str | None = None
    bounds: Bounds = field(default_factory=Bounds)


def quoted(value: str | None) -> str:
    """A value as messages have it.

    >>> quoted("abc"), quoted(None)
    ("'abc'", 'nothing')
    """
    return "nothing" if value is None else f"'{value[:LONGEST]}{'…' if len(value) > LONGEST else ''}'"


def told(
    code: str, *, column: str | None = None, value: str | None = None, wanted: str = "", field: str | None = None
) -> Fault:
    """What is wrong with a file's columns.

    >>> told("Missing_Columns", column="age", wanted="feature 'age'", field="age").message
    "no column 'age' for feature 'age'. Say in the columns of the job which column it is, ..."
    """
    rule = CODES[code]
    words = rule.words.format(column=quoted(column), value=value, wanted=wanted)
    return Fault(code, f"{words}. {rule.remedy}", column=column, value=value, field=field)


def fault_of(offence: Offence) -> Fault:
    """What is wrong with rows, as the ledger keeps it.

    >>> fault = fault_of(Offence("Invalid_Value", "age", "age", "a number", 2, (7, 9), ("abc", "x")))
    >>> fault.message
    "row 7, column 'age': 'abc' is not a number, and so in 2 rows. Correct the file, or edit ..."
    >>> fault.row, fault.value, fault.rows
    (7, 'abc', (7, 9))
    """
    rule = CODES[offence.code]
    row = offence.rows[0] if offence.rows else None
    value = offence.values[0] if offence.values else None
    words = rule.words.format(column=quoted(offence.column), value=quoted(value), wanted=offence.wanted)
    where = f"row {row}, " if row is not None else ""
    more = f", and so in {offence.count:,} rows" if offence.count > 1 else ""
    return Fault(
        offence.code,
        f"{where}{words}{more}. {rule.remedy}",
        row=row,
        column=offence.column,
        value=value,
        count=offence.count,
        rows=offence.rows,
        field=offence.field,
    )
