"""A monitor of a model as fields of a form, and what is typed there as REST takes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from driftline.errors import DriftlineError
from driftline.modelmonitors.monitor import LOOKBACK_DAYS, Basis
from driftline.monitors.data_quality import EVERY, TITLES
from driftline.schemas.fields import Environment, ModelSchema
from driftline.server.rest.monitoring import ModelMonitor
from driftline.server.web.fields import json_of

Values = Mapping[str, str]
Errors = dict[str, str]
"""What is wrong, by the name of the field."""

KINDS = {
    "data-quality": "Data quality: missing values, types, unknown values, drift",
    "model-quality": "Model quality: how good predictions are, estimated and by labels",
    "bias": "Bias: whether groups are treated alike",
    "explainability": "Explainability: whether the same features decide",
}
BASES = {
    "training": "the training set",
    "validation": "a validation set",
    "window": "a window that is fixed",
    "rolling": "the days before each window",
    "files": "files of statistics and constraints",
}
CADENCES = ("rate(1 hour)", "rate(6 hours)", "rate(1 day)", "cron(0 2 ? * * *)", "cron(0 6 ? * MON *)")
ENVIRONMENTS = tuple(map(str, Environment))
_HOUR = 3600.0
_MOMENT = "%Y-%m-%dT%H:%M"
_AGAINST = ("version", "batch", "statistics", "constraints")


@dataclass(frozen=True)
class Known:
    """What of the model a form offers: versions, actuals, and fields that are watched."""

    versions: tuple[str, ...]
    labels: tuple[str, ...]
    fields: tuple[str, ...]

    @classmethod
    def of(cls, schemas: Mapping[str, ModelSchema]) -> Known:
        """Of the schemas by version."""
        late = (each.name for schema in schemas.values() for each in schema.late)
        early = (each.name for schema in schemas.values() for each in schema.early)
        return cls(tuple(schemas), tuple(dict.fromkeys(late)), tuple(dict.fromkeys(early)))


def texts_of(found: ModelMonitor | None) -> dict[str, str]:
    """The fields of a monitor's form; those of one that is new, if there is none."""
    if found is None:
        new = {"kind": "data-quality", "environment": "production", "basis": "training", "cadence": "rate(1 day)"}
        return {**new, "delay": "0", "lookback_days": f"{LOOKBACK_DAYS:g}", "days": "7", "gap_days": "0"}
    settings, against = dict(found.settings), found.against
    told = {
        "name": found.name, "kind": found.kind, "version": found.version, "environment": str(found.environment),
        "cadence": found.cadence, "label": found.label, "lookback_days": f"{found.lookback_days:g}",
        "window": None if found.window_seconds is None else f"{found.window_seconds / _HOUR:g}",
        "delay": f"{found.delay_seconds / _HOUR:g}", "since": _local(found.since),
        "where": "\n".join(f"{name} = {_plain(value)}" for name, value in found.where.items()),
        "columns": "\n".join(found.columns or ()), "basis": against["basis"],
        "start": _local(against.get("start")), "end": _local(against.get("end")),
        "days": f"{against.get('days', 7.0):g}", "gap_days": f"{against.get('gap_days', 0.0):g}",
        "facets": "\n".join(_facets(settings)), "thresholds": _json(found.thresholds),
        **{f"against.{name}": against.get(name) for name in _AGAINST},
        **{f"measure.{name}": f"{limit:g}" for name, limit in _measures(settings).items() if limit is not None},
    }  # fmt: skip
    told["settings"] = _json(_left(settings))
    return {name: str(value) for name, value in told.items() if value is not None}


def wanted_of(values: Values) -> tuple[dict[str, Any], Errors]:
    """The members of `MonitorWanted` that a form asks for, and what is wrong with what was typed."""
    errors: Errors = {}
    found: dict[str, Any] = {
        "version": values.get("version") or None,
        "environment": values.get("environment", "production"),
        "label": values.get("label") or None,
        "cadence": values.get("cadence", "").strip() or None,
        "window_seconds": _hours("window", values, errors),
        "delay_seconds": _hours("delay", values, errors) or 0.0,
        "lookback_days": _number("lookback_days", values, errors, LOOKBACK_DAYS),
        "since": moment("since", values, errors),
        "where": _where(values, errors),
        "columns": _lines(values.get("columns", "")) or None,
        "against": _against(values, errors),
        "thresholds": _object("thresholds", values, errors),
        "settings": _settings(values, errors),
    }
    return found, errors


def pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Names as a select has them: value and text."""
    return [(each, each) for each in names]


def placed(error: DriftlineError | ValidationError) -> Errors:
    """The field that an error is about, as far as it says so; else it is told of the form as a whole."""
    if isinstance(error, ValidationError):
        told = error.errors()[0]
        path = [str(each) for each in told["loc"] if str(each) not in ("against", "function-after")]
        name = path[0] if path else ""
        return {_SECONDS.get(name, name): f"{told['msg']}, got {str(told.get('input'))[:80]!r}."}
    what = str(error.facts.get("what", ""))
    return {next((field for word, field in _WORDS if what.startswith(word)), ""): str(error)}


_SECONDS = {"window_seconds": "window", "delay_seconds": "delay"}
_WORDS = (
    ("threshold", "thresholds"),
    ("setting", "settings"),
    ("facets", "facets"),
    ("label", "label"),
    ("column of", "columns"),
    ("cadence", "cadence"),
    ("ScheduleExpression", "cadence"),
    ("window", "window"),
    ("delay", "delay"),
    ("days of", "days"),
    ("baseline", "basis"),
    ("version", "version"),
    ("measure", "settings"),
    ("monitor", "name"),
)
"""How an error begins to say what it is about, and the field of it."""


def _against(values: Values, errors: Errors) -> dict[str, Any]:
    """The baseline: of the fields those that belong to its kind."""
    basis = values.get("basis", "training")
    own = {
        Basis.TRAINING: ("version", "constraints"),
        Basis.VALIDATION: ("version", "batch", "constraints"),
        Basis.FILES: ("statistics", "constraints"),
    }
    names = own.get(Basis(basis) if basis in set(Basis) else Basis.TRAINING, ("constraints",))
    found: dict[str, Any] = {"basis": basis}
    found |= {name: given for name in names if (given := values.get(f"against.{name}", "").strip())}
    if basis == Basis.WINDOW:
        found |= {"start": moment("start", values, errors), "end": moment("end", values, errors)}
    if basis == Basis.ROLLING:
        found |= {"days": _number("days", values, errors, 7.0), "gap_days": _number("gap_days", values, errors, 0.0)}
    return found


def _settings(values: Values, errors: Errors) -> dict[str, Any]:
    found = _object("settings", values, errors)
    if values.get("kind") == "data-quality":
        named = {name: _number(f"measure.{name}", values, errors, None) for name in TITLES}
        limits = {name: limit for name, limit in named.items() if limit is not None}
        if limits:
            found["measures"] = {**found.get("measures", {}), EVERY: limits}
    if values.get("kind") == "bias" and _lines(values.get("facets", "")):
        found["facets"] = [{"columns": [name], "values": [[value]]} for name, value in _pairs("facets", values, errors)]
    return found


def _left(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What of the settings has no field of its own."""
    found = dict(settings)
    measures = {name: limits for name, limits in dict(found.pop("measures", {})).items() if name != EVERY}
    if _facets(settings):
        found.pop("facets")
    return {**found, "measures": measures} if measures else found


def _measures(settings: Mapping[str, Any]) -> Mapping[str, float | None]:
    found: Mapping[str, float | None] = settings.get("measures", {}).get(EVERY, {})
    return found


def _facets(settings: Mapping[str, Any]) -> list[str]:
    """Facets of one column and one value each, a line each; none where there are others."""
    found = settings.get("facets") or []
    plain = [each for each in found if len(each["columns"]) == 1 and [len(v) for v in each.get("values", ())] == [1]]
    return [f"{each['columns'][0]} = {_plain(each['values'][0][0])}" for each in plain] if plain == list(found) else []


def _where(values: Values, errors: Errors) -> dict[str, Any]:
    return dict(_pairs("where", values, errors))


def _pairs(name: str, values: Values, errors: Errors) -> Iterator[tuple[str, Any]]:
    for line in _lines(values.get(name, "")):
        field, sign, value = line.partition("=")
        if not sign or not field.strip():
            errors[name] = f"Got {line[:80]!r}, expected a line such as country = DE."
        else:
            yield field.strip(), _value(value.strip())


def _value(text: str) -> Any:
    """A number, true, false or a text; what is quoted is a text.

    >>> _value("DE"), _value("0"), _value('"0"'), _value("true")
    ('DE', 0, '0', True)
    """
    try:
        found = json_of(text)
    except ValueError:
        return text
    return found if isinstance(found, str | int | float | bool) else text


def _plain(value: Any) -> str:
    """A value as it is typed.

    >>> _plain("DE"), _plain("0"), _plain(0)
    ('DE', '"0"', '0')
    """
    return value if isinstance(value, str) and _value(value) == value else json.dumps(value)


def _object(name: str, values: Values, errors: Errors) -> dict[str, Any]:
    text = values.get(name, "").strip()
    try:
        found = json_of(text) if text else {}
    except ValueError as error:
        errors[name] = f"This is no JSON: {error}."
        return {}
    if not isinstance(found, dict):
        errors[name] = 'Expected a JSON object, such as {"comparison_threshold": 0.2}.'
        return {}
    return found


def _hours(name: str, values: Values, errors: Errors) -> float | None:
    hours = _number(name, values, errors, None)
    return None if hours is None else hours * _HOUR


def _number(name: str, values: Values, errors: Errors, otherwise: float | None) -> float | None:
    text = values.get(name, "").strip()
    if not text:
        return otherwise
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < 1e9:
        errors[name] = f"Got {text[:40]!r}, expected a number that is not below 0."
    return found


def moment(name: str, values: Values, errors: Errors) -> datetime | None:
    """A time in UTC, as browsers send it; None where nothing was typed, and an error for what is none."""
    text = values.get(name, "").strip()
    try:
        return datetime.strptime(text, _MOMENT).replace(tzinfo=UTC) if text else None
    except ValueError:
        errors[name] = f"Got {text[:40]!r}, expected a time in UTC such as 2026-11-21T13:00."
        return None


def _local(given: datetime | str | None) -> str | None:
    found = datetime.fromisoformat(given) if isinstance(given, str) else given
    return None if found is None else found.astimezone(UTC).strftime(_MOMENT)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, default=str) if value else ""
