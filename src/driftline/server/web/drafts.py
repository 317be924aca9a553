"""A draft of an import job as requests say it: what a path suggests, what a form says, which column is what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from driftline.errors import Invalid
from driftline.registry import NAME
from driftline.schemas.fields import Environment
from driftline.schemas.roles import CHOSEN
from driftline.server.web.fields import json_of

Document = dict[str, Any]
"""As `POST /v1/imports` takes it."""
Known = AbstractSet[tuple[str, str]] | None
"""Role and name of the fields that a schema declares; None where there is none."""

EXCLUDED, UNMAPPED = "excluded", "unmapped"
OWN = ("id", "timestamp", "version", "batch")
"""What columns of the rows themselves are; the others are fields, or nothing."""
TEXTS = ("uri", "credentials", "format", "model", "version", "type", "environment", "content", "batch")
"""Members of a document that are one text each."""
LINES = ("select", "include")
"""Members of which each line of a form is one."""
POLICIES = "policies."
"""How the names of a form begin that are members of the policies."""

_ALIKE = {
    "id": "id uuid guid row_id prediction_id inference_id event_id request_id inferenceid eventid",
    "timestamp": "timestamp time at ts date datetime event_time prediction_ts prediction_timestamp created_at",
    "batch": "batch batch_id",
    "version": "model_version",
    "prediction": "prediction pred predicted predicted_label prediction_label y_pred",
    "score": "score probability proba prediction_score predicted_probability y_score",
    "actual": "actual label target truth ground_truth actual_label y_true",
}
_NAMES = {name: use for use, names in _ALIKE.items() for name in names.split()}
_PREFIXES = ("feature", "tag", "attribution", "prediction", "score", "actual", "segment")

_PLAIN = ("data", "inferences", "predictions", "actuals", "labels", "raw", "files", "logs", "input", "output")
_STAGES = {str(each): str(each) for each in Environment} | {
    "prod": "production",
    "val": "validation",
    "train": "training",
}
_VERSION = re.compile(r"v\d[\w.]*", re.IGNORECASE)
_DATE = re.compile(r"[\d_.:-]+|.*=.*|.*[*?\[].*")


@dataclass(frozen=True)
class Edit:
    """What a form says of a column: a role, or `id`, `excluded` and the like, and the field's name; and what it was."""

    column: str
    role: str
    field: str
    was: tuple[str, str]

    @property
    def changes(self) -> bool:
        """Whether it says something else than before."""
        return (self.role, self.field) != self.was


def suggested(uri: str) -> dict[str, str]:
    """Model, version and environment, as far as a path tells them.

    >>> suggested("s3://example-demo-bucket/click-thru-rate/production/v1/")
    {'model': 'click-thru-rate', 'environment': 'production', 'version': 'v1'}
    >>> suggested("/srv/churn/train/2026-01/a.csv")
    {'model': 'churn', 'environment': 'training'}
    """
    parts = [each for each in re.split(r"[/\\]", uri.partition("://")[2] or uri) if each]
    parts = parts[:-1] if parts and not uri.endswith("/") and "." in parts[-1] else parts
    stage = next((each for each in parts if each.lower() in _STAGES), "")
    version = next((each for each in parts[::-1] if _VERSION.fullmatch(each)), "")
    left = [each for each in parts if each not in (stage, version) and each.lower() not in _PLAIN]
    named = [each for each in left if not _DATE.fullmatch(each) and re.fullmatch(NAME, each)]
    told = {"model": named[-1] if named else "", "environment": _STAGES.get(stage.lower(), ""), "version": version}
    return {name: value for name, value in told.items() if value}


def guessed(columns: Iterable[tuple[str, str]]) -> Document:
    """Which column is what, as far as names, beside kinds, tell; the first of several has it.

    >>> guessed([("uuid", "string"), ("at", "timestamp"), ("age", "numeric"), ("Actual", "string"), ("pred", "string")])
    {'id': 'uuid', 'timestamp': 'at', 'lists': {'actual': ['Actual'], 'prediction': ['pred']}}
    >>> guessed([("feature/age", "numeric"), ("tag/city", "string")])
    {'prefixes': {'feature': 'feature/', 'tag': 'tag/'}}
    """
    found: Document = {"lists": {}, "prefixes": {}}
    for column, kind in columns:
        role, slash, _ = column.partition("/")
        if slash and role in _PREFIXES:
            found["prefixes"][role] = f"{role}/"
            continue
        use = _NAMES.get(column.lower().replace("-", "_").replace(" ", "_"))
        if use in OWN:
            if use not in found and (use != "timestamp" or kind == "timestamp"):
                found[use] = column
        elif use:
            found["lists"].setdefault(use, []).append(column)
    return {name: told for name in (*OWN, "lists", "prefixes") if (told := found.get(name))}


def document_of(text: str) -> Document:
    """The JSON object of a text, nothing for none; raises `Invalid`."""
    try:
        found = json_of(text or "{}")
    except ValueError as error:
        raise Invalid(what="JSON", got=text[:80], expected="an object", remedy=f"It cannot be read: {error}.") from None
    if not isinstance(found, dict):
        raise Invalid(what="JSON", got=text[:80], expected='an object, such as {"uri": "s3://logs/churn/"}')
    return found


def drawn_up(values: Mapping[str, str], known: Known = None) -> Document:
    """What a form says: the document that it was made of, with what was typed and chosen since.

    What cannot be read as JSON or as a number stays as it was typed.
    """
    found = document_of(values.get("document", ""))
    told: Document = {name: values[name].strip() for name in TEXTS if name in values}
    told |= {name: [each for each in _lines(values[name])] for name in LINES if name in values}
    if "settings" in values:
        told["settings"] = _json(values["settings"].strip())
    policies = {
        name.removeprefix(POLICIES): _json(text.strip())
        for name, text in values.items()
        if name.startswith(POLICIES) and text.strip()
    }
    columns = remapped(_shaped(found.get("columns")), edits_of(values), known)
    found |= {**told, **({"policies": policies} if policies else {}), "columns": columns}
    return {name: value for name, value in found.items() if value not in ("", [], {}, None)}


def edits_of(values: Mapping[str, str]) -> Iterator[Edit]:
    """What a form says of each column that it shows; `apply` is a suggestion that was taken: place, role and name."""
    place, _, told = values.get("apply", "").partition("|")
    taken = {place: told.partition("|")[::2]} if told else {}
    for name, column in values.items():
        if name.startswith("column."):
            number = name.removeprefix("column.")
            role, field = (values.get(f"{what}.{number}", "").strip() for what in ("role", "field"))
            role, field = taken.get(number, (role, field))
            was = values.get(f"was.{number}", "|").partition("|")[::2]
            if role:
                yield Edit(column, role, field, (was[0], was[1]))


def kinds_of(values: Mapping[str, str]) -> dict[str, str]:
    """Column -> the kind that was chosen for its field in place of the one that was inferred."""
    chosen = {
        name: values.get(f"kind.{name.removeprefix('column.')}", "") for name in values if name.startswith("column.")
    }
    return {values[name]: kind for name, kind in chosen.items() if kind}


def remapped(columns: Mapping[str, Any], edits: Iterable[Edit], known: Known = None) -> Document:
    """The columns of a job with what was changed of some; what was not changed is said as before.

    >>> remapped({"prefixes": {"feature": "f/"}}, [Edit("y", "prediction", "y", ("unmapped", ""))])
    {'prefixes': {'feature': 'f/'}, 'lists': {'prediction': ['y']}}
    >>> remapped({}, [Edit("uuid", "id", "", ("feature", "uuid")), Edit("age", "feature", "age", ("feature", "age"))])
    {'id': 'uuid'}
    """
    found: Document = {"fields": {}, "prefixes": {}, "lists": {}, "exclude": [], **columns}
    found |= {"fields": dict(found["fields"]), "exclude": list(found["exclude"])}
    found["lists"] = {role: list(names) for role, names in found["lists"].items()}
    for each in edits:
        if each.changes:
            _forget(found, each.column)
            _say(found, each, known)
    return {name: value for name, value in found.items() if value}


def _shaped(columns: Any) -> Document:
    """What of the columns of a document can be edited: members of another shape were told to be wrong before."""
    shapes: Mapping[str, type] = {"fields": dict, "prefixes": dict, "lists": dict, "exclude": list}
    told = columns if isinstance(columns, dict) else {}
    found: Document = {name: value for name, value in told.items() if isinstance(value, shapes.get(name, object))}
    lists = {role: names for role, names in found.get("lists", {}).items() if isinstance(names, list)}
    return {**found, **({"lists": lists} if "lists" in found else {})}


def _forget(found: Document, column: str) -> None:
    """Nothing is said of the column by its own name any more."""
    for use in OWN:
        if found.get(use) == column:
            found[use] = None
    found["fields"] = {key: name for key, name in found["fields"].items() if name != column}
    lists = {role: [name for name in names if name != column] for role, names in found["lists"].items()}
    found["lists"] = {role: names for role, names in lists.items() if names}
    found["exclude"] = [name for name in found["exclude"] if name != column]


def _say(found: Document, edit: Edit, known: Known) -> None:
    column, role, name = edit.column, edit.role, edit.field or edit.column
    if role in OWN:
        found[role] = column
    elif role in (EXCLUDED, UNMAPPED):
        found["exclude"].append(column)
    elif known is not None and (role, name) in known:
        if name != column:
            found["fields"][f"{role}/{name}"] = column
    elif known is None and role in CHOSEN:
        if not _is_feature_anyway(found, column, role) or name != column:
            found["fields"][f"{role}/{name}"] = column  # a list of features would leave all other columns out
    else:
        found["lists"].setdefault(role, []).append(column)
        if name != column:
            found["fields"][f"{role}/{name}"] = column


def _is_feature_anyway(found: Document, column: str, role: str) -> bool:
    """Whether the column is one without a word: no prefix or list says which are."""
    is_open = not any(each in found["prefixes"] or each in found["lists"] for each in CHOSEN)
    return role == "feature" and is_open and not any(column.startswith(each) for each in found["prefixes"].values())


def _lines(text: str) -> list[str]:
    return [each.strip() for each in text.splitlines() if each.strip()]


def _json(text: str) -> Any:
    """The JSON value of a text; other text as it is.

    >>> _json("0.5"), _json('{"separator": ";"}'), _json("much")
    (0.5, {'separator': ';'}, 'much')
    """
    try:
        return json_of(text)
    except ValueError:
        return text
