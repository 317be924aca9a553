"""The options that say what the files of an import are, how they are read, and what is done with what is doubtful."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from driftline.commands.options import names, read_option
from driftline.errors import Invalid, NotFound
from driftline.imports.job import Content
from driftline.schemas.fields import Environment, ModelType

_MODEL, _COLUMNS, _READING, _POLICIES = (
    Group("Whose they are"),
    Group("Which column is what"),
    Group("How to read"),
    Group("What is doubtful"),
)
Repeated = Annotated[tuple[str, ...], Parameter(negative="", consume_multiple=False, show_default=False)]
Flag = Annotated[bool, Parameter(negative="", show_default=False)]

_LISTS = {
    "features": "feature",
    "predictions": "prediction",
    "scores": "score",
    "actuals": "actual",
    "tags": "tag",
    "segments": "segment",
}
_PREFIXES = {"features_prefix": "feature", "tags_prefix": "tag", "attributions_prefix": "attribution"}


@Parameter(name="*")
@dataclass(frozen=True)
class Whose:
    """Options of an import that say whose rows they are.

    Attributes
    ----------
    model
        The model's id.
    version
        Its version.
    type
        Make the model and its version, of this type, if they are not there.
    environment
        Where the rows come from: production, or the set that the model was trained or validated with.
    content
        What the files hold: predictions, actuals or both; told from them if not given.
    batch
        The batch of all rows, which validation sets need.
    schema
        A JSON file with the fields of a version that has none yet; without it they are inferred.
    """

    model: Annotated[str, Parameter(group=_MODEL)]
    version: Annotated[str, Parameter(group=_MODEL)] = "v1"
    type: Annotated[ModelType | None, Parameter(group=_MODEL)] = None
    environment: Annotated[Environment, Parameter(group=_MODEL)] = Environment.PRODUCTION
    content: Annotated[Content | None, Parameter(group=_MODEL)] = None
    batch: Annotated[str | None, Parameter(group=_MODEL)] = None
    schema: Annotated[Path | None, Parameter(group=_MODEL)] = None

    def body(self) -> dict[str, Any]:
        """As requests say it."""
        told = {name: getattr(self, name) for name in ("model", "version", "type", "environment", "content", "batch")}
        found = {name: str(value) for name, value in told.items() if value is not None}
        return found if self.schema is None else {**found, "schema": read_json("--schema", self.schema)}


@Parameter(name="*")
@dataclass(frozen=True)
class Which:
    """Options that say which column is what; a field that none of them names is in the column of its own name.

    Attributes
    ----------
    id_column
        The column of the row's id, unique for each prediction.
    timestamp_column
        The column of the row's time; without one it is the time of the import.
    version_column
        The column of the model version.
    batch_column
        The column of the batch.
    features_prefix
        Columns that begin so are features, named without it.
    tags_prefix
        Columns that begin so are tags.
    attributions_prefix
        Columns that begin so are attributions (SHAP values).
    features
        Columns that are features, parted by commas or repeated; without these and a prefix, all that is left is.
    predictions
        Columns that are predictions.
    scores
        Columns that are scores of predictions.
    actuals
        Columns that are actuals.
    tags
        Columns that are tags.
    segments
        Columns by which rows are told apart.
    field
        FIELD=COLUMN where the names differ; repeat it.
    exclude
        Columns that are nothing.
    columns
        All this as a JSON file, in the form of the API; other options add to it.
    """

    id_column: Annotated[str | None, Parameter(group=_COLUMNS)] = None
    timestamp_column: Annotated[str | None, Parameter(group=_COLUMNS)] = None
    version_column: Annotated[str | None, Parameter(group=_COLUMNS)] = None
    batch_column: Annotated[str | None, Parameter(group=_COLUMNS)] = None
    features_prefix: Annotated[str | None, Parameter(group=_COLUMNS)] = None
    tags_prefix: Annotated[str | None, Parameter(group=_COLUMNS)] = None
    attributions_prefix: Annotated[str | None, Parameter(group=_COLUMNS)] = None
    features: Annotated[Repeated, Parameter(group=_COLUMNS)] = ()
    predictions: Annotated[Repeated, Parameter(group=_COLUMNS)] = ()
    scores: Annotated[Repeated, Parameter(group=_COLUMNS)] = ()
    actuals: Annotated[Repeated, Parameter(group=_COLUMNS)] = ()
    tags: Annotated[Repeated, Parameter(group=_COLUMNS)] = ()
    segments: Annotated[Repeated, Parameter(group=_COLUMNS)] = ()
    field: Annotated[Repeated, Parameter(group=_COLUMNS)] = ()
    exclude: Annotated[Repeated, Parameter(group=_COLUMNS)] = ()
    columns: Annotated[Path | None, Parameter(group=_COLUMNS)] = None

    def body(self) -> dict[str, Any]:
        """As requests say it; nothing where no option was given."""
        found = {} if self.columns is None else read_json("--columns", self.columns)
        own = {use: getattr(self, f"{use}_column") for use in ("id", "timestamp", "version", "batch")}
        found |= {use: column for use, column in own.items() if column is not None}
        prefixes = {role: getattr(self, option) for option, role in _PREFIXES.items() if getattr(self, option)}
        lists = {role: list(names(getattr(self, option))) for option, role in _LISTS.items() if getattr(self, option)}
        fields = dict(map(_field, self.field))
        for member, told in (("prefixes", prefixes), ("lists", lists), ("fields", fields)):
            if told:
                found[member] = {**found.get(member, {}), **told}
        if self.exclude:
            found["exclude"] = [*found.get("exclude", ()), *names(self.exclude)]
        return found


@Parameter(name="*")
@dataclass(frozen=True)
class Reading:
    """Options that say how files are read.

    Attributes
    ----------
    format
        csv, jsonlines, json, parquet, avro, arrow, delta or capture; recognised from name and content if not given.
    select_expr
        A Spark SQL expression; repeat it. The result has exactly these columns; `*` keeps all.
    read_option
        KEY=VALUE for the format, such as header=false or separator=; and so on; repeat it.
    include
        A glob below the path; repeat it. Other files are skipped.
    credentials
        Named credentials of the server, if its own do not do.
    events
        What tells of new files: the URL of a queue, or webhook; the path is then listed only now and then.
    """

    format: Annotated[str | None, Parameter(group=_READING)] = None
    select_expr: Annotated[Repeated, Parameter(group=_READING)] = ()
    read_option: Annotated[Repeated, Parameter(group=_READING)] = ()
    include: Annotated[Repeated, Parameter(group=_READING)] = ()
    credentials: Annotated[str | None, Parameter(group=_READING)] = None
    events: Annotated[str | None, Parameter(group=_READING)] = None

    def body(self) -> dict[str, Any]:
        """As requests say it."""
        told: dict[str, Any] = {"format": self.format, "settings": dict(map(read_option, self.read_option))}
        told |= {"select": list(self.select_expr), "include": list(self.include)}
        told |= {"credentials": self.credentials, "events": self.events}
        return {name: value for name, value in told.items() if value}


@Parameter(name="*")
@dataclass(frozen=True)
class Doubtful:
    """Options that say what is done with what is doubtful.

    Attributes
    ----------
    rewritten
        A file of a name that was read, with other bytes: reject it, or let it replace its rows.
    duplicates
        Which of two rows with one id counts.
    max_file_bytes
        Larger files fail.
    max_rejected_ratio
        A file fails of which a larger part of the rows is rejected.
    past_days
        How old rows may be.
    ahead_days
        How far ahead of now the time of a row may be.
    poll_seconds
        How often new files are looked for.
    """

    rewritten: Annotated[Literal["reject", "replace"] | None, Parameter(group=_POLICIES)] = None
    duplicates: Annotated[Literal["first", "last"] | None, Parameter(group=_POLICIES)] = None
    max_file_bytes: Annotated[int | None, Parameter(group=_POLICIES)] = None
    max_rejected_ratio: Annotated[float | None, Parameter(group=_POLICIES)] = None
    past_days: Annotated[float | None, Parameter(group=_POLICIES)] = None
    ahead_days: Annotated[float | None, Parameter(group=_POLICIES)] = None
    poll_seconds: Annotated[float | None, Parameter(group=_POLICIES)] = None

    def body(self) -> dict[str, Any]:
        """As requests say it; nothing where no option was given."""
        return {name: value for name, value in vars(self).items() if value is not None}


def with_columns(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What a job says of columns, with what options add to it.

    >>> with_columns({"exclude": ["a"], "lists": {"tag": ["t"]}}, {"exclude": ["b"], "lists": {"score": ["p"]}})
    {'exclude': ['a', 'b'], 'lists': {'tag': ['t'], 'score': ['p']}}
    """
    found = {**before, **given}
    for name in ("fields", "prefixes", "lists"):
        if name in before and name in given:
            found[name] = {**before[name], **given[name]}
    if "exclude" in before and "exclude" in given:
        found["exclude"] = list(dict.fromkeys([*before["exclude"], *given["exclude"]]))
    return found


def read_json(option: str, path: Path) -> dict[str, Any]:
    """The JSON object in a file that an option names; a list is taken for fields. Raises `Invalid`, `NotFound`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotFound(what=f"{option} file", name=str(path), remedy=error.strerror or "") from error
    except ValueError as error:
        raise Invalid(what=option, got=str(path), expected="a JSON file", remedy=str(error)) from error
    return found if isinstance(found, dict) else {"fields": found}


def placed(path: str) -> str:
    """The path as a server on this machine has it: one that is no URI becomes whole.

    >>> placed("s3://logs/churn/")
    's3://logs/churn/'
    """
    if "://" in path or path.startswith("arn:"):
        return path
    whole = str(Path(path).expanduser().resolve())
    return whole + ("/" if path.endswith("/") and whole != "/" else "")


OWN = ("id", "timestamp", "version", "batch")


def mend(fault: Mapping[str, Any]) -> str | None:
    """The option that mends a fault; None where the rows themselves are wrong.

    >>> mend({"code": "Missing_Columns", "field": "age", "value": "Age", "column": "age"})
    '--field age=Age'
    >>> mend({"code": "Missing_Columns", "field": "id", "value": None, "column": "uuid"})
    '--id-column COLUMN'
    """
    code, column, field = fault["code"], fault["column"], fault["field"]
    if code in ("Missing_Columns", "Missing_Id_Column"):
        perhaps = _word(fault["value"] or "COLUMN")
        return f"--{field}-column {perhaps}" if field in OWN else f"--field {_word(field)}={perhaps}"
    told = {
        "Unmapped_Columns": f"--exclude {_word(column)}",
        "Reserved_Name": f"--field NAME={_word(column)}",
        "Reserved_Suffix": f"--exclude {_word(column)}",
        "Forbidden_Name": f"--field NAME={_word(column)}",
        "Too_Many_Embeddings": f"--exclude {_word(column)}",
        "Invalid_Timestamp_Value": "--past-days DAYS or --ahead-days DAYS",
        "File_Too_Large": "--max-file-bytes BYTES",
        "Too_Many_Rejected": "--max-rejected-ratio RATIO",
        "Invalid_Batch_Id": "--batch NAME or --batch-column COLUMN",
        "Rewritten_File": "--rewritten replace",
        "Unreadable_File": "--format FORMAT or --read-option KEY=VALUE",
    }
    return told.get(code)


def _word(text: str | None) -> str:
    """As a shell takes it."""
    from shlex import quote

    return quote(text or "COLUMN")


def _field(given: str) -> tuple[str, str]:
    name, equals, column = given.partition("=")
    if not equals or not name or not column:
        raise Invalid(what="--field", got=given, expected="FIELD=COLUMN", remedy="For example --field age=Age.")
    return name, column
