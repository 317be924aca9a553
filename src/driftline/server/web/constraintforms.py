"""Constraints as fields of a form, and what is typed there as constraints again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from driftline.documents import constraints as columns_document
from driftline.documents import model_quality as quality_document
from driftline.limits import checked
from driftline.monitors.constraints import DEFAULTS, ColumnConstraints, Config, Constraints
from driftline.monitors.quality import Limit, QualityConstraints
from driftline.server.web.fields import json_of

Values = Mapping[str, str]
Errors = dict[str, str]
"""What is wrong, by the name of the field."""

TABLES = ("data-quality", "model-quality")
"""Kinds whose constraints are shown as a table; those of others are edited as JSON."""

KINDS, METHODS, TESTS = columns_document.KINDS, columns_document.METHODS, columns_document.DRIFT_METHODS
SWITCHES = {"": "by default", "yes": "yes", "no": "no"}
_SHARE, _DISTANCE = "a number from 0 to 1, such as 0.95", "a number that is not below 0, such as 0.1"


@dataclass(frozen=True)
class Option:
    """A setting that holds for all columns; without `choices` it is a number."""

    name: str
    title: str
    choices: tuple[str, ...] = ()
    is_switch: bool = False
    is_share: bool = False

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The choices as a select has them: value and text."""
        return [(each, each) for each in self.choices]


OPTIONS = (
    Option("evaluate_constraints", "Check what is below", is_switch=True),
    Option("datatype_check_threshold", "Share of values of the type, at least", is_share=True),
    Option("domain_content_threshold", "Share of values that are allowed, at least", is_share=True),
    Option("perform_comparison", "Compare distributions", is_switch=True),
    Option("comparison_threshold", "Distance from the baseline, up to"),
    Option("comparison_method", "Distance of numbers", choices=METHODS),
    Option("categorical_comparison_threshold", "Distance of categories, up to"),
    Option("categorical_drift_method", "Test of categories", choices=TESTS),
)


@dataclass(frozen=True)
class Row:
    """A column with what is expected of it, each as text; `domains` are lines, None where there are none to list."""

    place: int
    name: str
    kind: str
    completeness: str
    non_negative: str
    drift: str
    domains: str
    broken: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """The part of constraints that a page shows: settings of all columns, and some columns, or limits of metrics."""

    options: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    limits: tuple[Limit, ...] = ()
    of: int = 0


def sheet_of(constraints: Any, names: Sequence[str], broken: Mapping[str, tuple[Any, ...]]) -> Sheet:
    """The columns of these names as fields; `broken` has the violations of the last window by column."""
    if isinstance(constraints, QualityConstraints):
        return Sheet(limits=constraints.limits, of=len(constraints.limits))
    config = DEFAULTS.under(constraints.config)
    wanted = set(names)
    places = [(place, each) for place, each in enumerate(constraints.columns) if each.name in wanted]
    places.sort(key=lambda each: names.index(each[1].name))
    rows = tuple(_row(place, each, broken.get(each.name, ())) for place, each in places)
    return Sheet({each.name: _text(getattr(config, each.name)) for each in OPTIONS}, rows, (), len(constraints.columns))


def typed(constraints: Any, values: Values) -> tuple[Any, Errors]:
    """The constraints with what was typed in place of what the form showed; what was not touched stays as it was."""
    errors: Errors = {}
    if isinstance(constraints, QualityConstraints):
        limits = tuple(_limit(each, values, errors) for each in constraints.limits)
        return replace(constraints, limits=tuple(each for each in limits if each is not None)), errors
    columns = tuple(
        _column(place, each, values, errors) if values.get(f"name.{place}") == each.name else each
        for place, each in enumerate(constraints.columns)
    )
    return Constraints(columns, _config(constraints.config, values, errors)), errors


def document_of(kind: str, document: Any, values: Values) -> tuple[Any, Errors]:
    """The document that a form asks for, of the one that it showed; raises `Invalid` for a text that is none."""
    if "document" in values:
        try:
            return json_of(values["document"]), {}
        except ValueError as error:
            return document, {"document": f"This is no JSON: {error}."}
    found, errors = typed(checked(kind, document), values)
    write = quality_document.constraints if isinstance(found, QualityConstraints) else columns_document.write
    return write(found), errors


def _row(place: int, found: ColumnConstraints, broken: tuple[Any, ...]) -> Row:
    own = found.override or Config()
    return Row(
        place,
        found.name,
        found.inferred_type,
        _text(found.completeness),
        _text(found.is_non_negative),
        _text(own.comparison_threshold),
        "\n".join(found.domains or ()),
        broken,
    )


def _column(place: int, found: ColumnConstraints, values: Values, errors: Errors) -> ColumnConstraints:
    shown = _row(place, found, ())

    def value(member: str, was: str, old: Any, read: Callable[[str, str, Errors], Any]) -> Any:
        name = f"{member}.{place}"
        given = values.get(name, was).replace("\r\n", "\n").strip()
        return old if given == was.strip() else read(name, given, errors)

    own = found.override or Config()
    drift = value("drift", shown.drift, own.comparison_threshold, _distance)
    override = found.override if drift == own.comparison_threshold else replace(own, comparison_threshold=drift)
    return replace(
        found,
        inferred_type=value("kind", shown.kind, found.inferred_type, _kind),
        completeness=value("completeness", shown.completeness, found.completeness, _share),
        is_non_negative=value("non_negative", shown.non_negative, found.is_non_negative, _switch),
        domains=value("domains", shown.domains, found.domains, _lines),
        override=None if override == Config() else override,
    )


def _config(found: Config, values: Values, errors: Errors) -> Config:
    changes: dict[str, Any] = {}
    for each in OPTIONS:
        name, old = f"config.{each.name}", getattr(DEFAULTS.under(found), each.name)
        given = values.get(name, _text(old)).strip()
        if given == _text(old):
            continue
        if each.choices:
            changes[each.name] = _one_of(name, given, each.choices, errors)
        else:
            read = _switch if each.is_switch else _share if each.is_share else _distance
            changes[each.name] = read(name, given, errors)
    return replace(found, **changes)


def _limit(found: Limit, values: Values, errors: Errors) -> Limit | None:
    """The limit as it was typed; None where the field was emptied."""
    name = f"limit.{found.metric}"
    given = values.get(name, _text(found.threshold)).strip()
    if given == _text(found.threshold):
        return found
    return replace(found, threshold=_number(name, given, errors, "a number")) if given else None


def _text(value: Any) -> str:
    """A value as a field shows it.

    >>> _text(None), _text(True), _text(0.99887766), _text("Robust")
    ('', 'yes', '0.998878', 'Robust')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:.6g}" if isinstance(value, float | int) else str(value)


def _number(
    name: str, given: str, errors: Errors, expected: str, low: float = float("-inf"), high: float = 1e300
) -> Any:
    try:
        found = float(given)
    except ValueError:
        found = float("nan")
    if not low <= found <= high:
        errors[name] = f"Got {given[:40]!r}, expected {expected}."
        return None
    return found


def _share(name: str, given: str, errors: Errors) -> float | None:
    return _number(name, given, errors, f"{_SHARE}, or nothing", 0.0, 1.0) if given else None


def _distance(name: str, given: str, errors: Errors) -> float | None:
    return _number(name, given, errors, f"{_DISTANCE}, or nothing", 0.0) if given else None


def _switch(name: str, given: str, errors: Errors) -> bool | None:
    return {"yes": True, "no": False}.get(_one_of(name, given, tuple(SWITCHES), errors) or "")


def _kind(name: str, given: str, errors: Errors) -> str | None:
    return _one_of(name, given, KINDS, errors) or "Unknown"


def _lines(name: str, given: str, errors: Errors) -> tuple[str, ...] | None:  # noqa: ARG001
    """The values that are allowed, one in each line; None for none, which allows all."""
    return tuple(dict.fromkeys(given.split("\n"))) if given else None


def _one_of(name: str, given: str, choices: Sequence[str], errors: Errors) -> str | None:
    if given and given not in choices:
        errors[name] = f"Got {given[:40]!r}, expected one of {', '.join(each for each in choices if each)}."
    return given or None
