"""Windows of a model on the command line: two of them compared, or many with one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from driftline.commands.remote import Remote
from driftline.commands.showing import asked_moment, moment, show, table
from driftline.errors import Invalid
from driftline.schemas.fields import Environment

_BETWEEN = ".."


@Parameter(name="*")
@dataclass(frozen=True)
class Measured:
    """Options that say what is measured, of which rows.

    Attributes
    ----------
    metric
        The distance: psi, ks, js, l_infinity, ...
    environment
        Whose rows.
    """

    metric: str = "psi"
    environment: Environment = Environment.PRODUCTION

    def query(self, version: str) -> dict[str, Any]:
        """As requests say it."""
        return {"version": version, "metric": self.metric, "environment": str(self.environment)}


Names = Annotated[tuple[str, ...], Parameter(negative="", consume_multiple=False, show_default=False)]


def compare(
    id: str,
    version: str,
    first: str,
    second: str,
    *,
    second_version: str | None = None,
    measured: Measured | None = None,
    remote: Remote | None = None,
) -> int:
    """Compare two windows of a model: how far each feature moved, the farthest first. No row is read for it.

    Parameters
    ----------
    id
        The model's id.
    version
        Its version.
    first
        A window, as START..END: 2026-09-01..2026-10-01; UTC unless it has a zone.
    second
        Another one.
    second_version
        Another version for the second window.
    """
    remote, measured = remote or Remote(), measured or Measured()
    asked = {**_window("first", first), **_window("second", second), "second_version": second_version}
    found = remote.get(f"/models/{id}/comparison", **measured.query(version), **asked)
    columns = [
        ("feature", lambda each: each["feature"]),
        (measured.metric, lambda each: _number(each["value"])),
        ("first", lambda each: f"{each['first']:,}"),
        ("second", lambda each: f"{each['second']:,}"),
        ("", lambda each: each["reason"]),
    ]
    show(found, table(found["features"], columns, "no features", whole=("feature",)), as_json=remote.json)
    return 0


def drift(
    id: str,
    version: str,
    against: str,
    window: str,
    *,
    span: Literal["hour", "day", "month"] = "day",
    feature: Names = (),
    measured: Measured | None = None,
    remote: Remote | None = None,
) -> int:
    """Show how far features are from a fixed window, by hour, day or month: the five farthest of each.

    Parameters
    ----------
    id
        The model's id.
    version
        Its version.
    against
        The fixed window, as START..END.
    window
        The window that is cut into pieces, as START..END.
    span
        How long each piece is.
    feature
        Only this feature; repeat it.
    """
    remote, measured = remote or Remote(), measured or Measured()
    start, end = _bounds(window)
    asked: dict[str, Any] = {**_window("against", against), "start": start, "end": end, "span": span}
    found = remote.get(f"/models/{id}/drift", **measured.query(version), **asked, feature=list(feature) or None)
    columns: list[tuple[str, Callable[[Any], str]]] = [
        (span, lambda each: moment(each["start"]) or "–"),
        ("rows", lambda each: f"{each['rows']:,}"),
        (f"{measured.metric} of the farthest", lambda each: _farthest(each["values"])),
    ]
    show(found, table(found["points"], columns, "no rows", whole=(span,)), as_json=remote.json)
    return 0


def _window(name: str, given: str) -> dict[str, str]:
    start, end = _bounds(given)
    return {f"{name}_start": start, f"{name}_end": end}


def _bounds(given: str) -> tuple[str, str]:
    start, between, end = given.partition(_BETWEEN)
    if not between:
        raise Invalid(what="window", got=given, expected="START..END, such as 2026-09-01..2026-10-01")
    return asked_moment("window", start), asked_moment("window", end)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _farthest(values: dict[str, float | None]) -> str:
    known = sorted(((value, name) for name, value in values.items() if value is not None), reverse=True)
    return ", ".join(f"{name} {value:.3f}" for value, name in known[:5])
