"""Monitors on imported rows and their runs on a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from driftline.commands.showing import Facts, moment, reason, span, table, when
from driftline.pages.tables import short

_VALUES = 6
"""Columns of values in a table of rows, those to look at first."""


def facts_of(found: dict[str, Any]) -> Facts:
    """A monitor, member by member."""
    against, baseline = found["against"], found.get("baseline")
    named = [f"{name}={value}" for name, value in found["where"].items()]
    learnt = f" ({baseline['rows']:,} rows)" if baseline and baseline.get("rows") is not None else ""
    pairs = [
        ("name", found["name"]),
        ("model", found["model"]),
        ("kind", found["kind"]),
        ("status", found["status"]),
        ("version", found["version"] or "all"),
        ("environment", found["environment"]),
        ("where", ", ".join(named)),
        ("every", found["cadence"] or "on demand"),
        ("window", None if found["window_seconds"] is None else f"{found['window_seconds'] / 3600:g} hours"),
        ("delay", f"{found['delay_seconds']:g} seconds" if found["delay_seconds"] else None),
        ("against", against["basis"] + learnt),
        ("settings", json.dumps(found["settings"], ensure_ascii=False) if found["settings"] else None),
        ("thresholds", json.dumps(found["thresholds"], ensure_ascii=False) if found["thresholds"] else None),
        ("next", moment(found["next"])),
        ("trouble", found.get("trouble")),
    ]
    return Facts(pairs)


def run_facts(found: dict[str, Any]) -> Facts:
    """A run, member by member, its violations and estimates below."""
    labelled = found.get("labelled")
    pairs = [
        ("id", found["id"]),
        ("monitor", f"{found['monitor']} of {found['model']}"),
        ("window", f"{span(found['window_start'], found['window_end'])} UTC"),
        ("look", f"{found['run']} ({found['origin']}), as known at {when(found['as_of'])} UTC"),
        ("where", ", ".join(f"{name}={value}" for name, value in found["where"].items())),
        ("status", found["status"]),
        ("why", found["reason"]),
        ("rows", None if found["rows"] is None else f"{found['rows']:,}"),
        ("labelled", None if labelled is None else f"{labelled:,}"),
        ("violations", found["violations"]),
        ("files", found.get("output")),
    ]
    below = []
    if found.get("broken"):
        columns = [(name, _member(name)) for name in ("place", "subject", "check", "said")]
        below.append(table(found["broken"], columns, "", whole=("place",)))
    if found.get("estimates"):
        columns = [("metric", lambda each: each["name"])]
        columns += [(name, _number(name)) for name in ("value", "low", "high", "realised")]
        below.append(table(found["estimates"], columns, ""))
    return Facts(pairs, below)


def runs_table(found: Sequence[dict[str, Any]], nothing: str = "no runs") -> Any:
    """One row a run."""
    columns = [
        ("id", lambda each: each["id"][:8]),
        ("monitor", lambda each: f"{each['model']} {each['monitor']}"),
        ("window (UTC)", lambda each: span(each["window_start"], each["window_end"])),
        ("look", lambda each: str(each["run"])),
        ("status", lambda each: each["status"]),
        ("violations", lambda each: str(each["violations"])),
        ("rows", lambda each: "–" if each["rows"] is None else f"{each['rows']:,}"),
        ("why", lambda each: reason(each["reason"])),
    ]
    return table(found, columns, nothing, whole=("id", "window (UTC)", "status"))


def results_table(found: Sequence[dict[str, Any]]) -> Any:
    """One row a window: what was known first, and what is known now."""
    columns = [
        ("window (UTC)", lambda each: span(each["window_start"], each["window_end"])),
        ("first", lambda each: each["first"]["status"]),
        ("now", lambda each: each["latest"]["status"]),
        ("looks", lambda each: str(each["runs"])),
        ("rows", lambda each: "–" if each["latest"]["rows"] is None else f"{each['latest']['rows']:,}"),
        ("violations", lambda each: str(each["latest"]["violations"])),
        ("most telling", _most),
        ("run", lambda each: each["latest"]["id"][:8]),
    ]
    return table(found, columns, "no results", whole=("window (UTC)", "run"))


def rows_shown(found: dict[str, Any]) -> Facts:
    """The rows behind a violation, and what moved where it is a drift."""
    violation = found["violation"]
    pairs = [("violation", f"{violation['subject']}: {violation['said']}"), ("rows", found["said"])]
    below = []
    if found["groups"]:
        columns = [("group", lambda each: each["label"])]
        columns += [(name, _share(name)) for name in ("before", "now")]
        below.append(table([{**each} for each in found["groups"][:8]], columns, ""))
    names = _names(found)
    columns = [("file", lambda each: each["uri"] or str(each["file"])), ("row", lambda each: str(each["row"]))]
    columns += [("id", lambda each: each["id"]), ("time (UTC)", lambda each: when(each["time"]))]
    columns += [(name, _value(name)) for name in names]
    below.append(table(found["items"], columns, "no rows", whole=("row", "id")))
    if found["next_after"] is not None:
        below.append(f"There are more: --after {found['next_after']}, or --output rows.csv for all of them.")
    return Facts(pairs, below)


def _names(found: dict[str, Any]) -> list[str]:
    known = list(found["items"][0]["values"]) if found["items"] else []
    first = [name for name in found["columns"] if name in known]
    return [*first, *(name for name in known if name not in first)][:_VALUES]


def _most(each: dict[str, Any]) -> str:
    """The figure that tells most: of model quality what was estimated beside what was realised, else a violation."""
    told = next((one for one in each["latest"]["estimates"] if one["name"] in ("accuracy", "mae")), None)
    if told is not None and told["value"] is not None:
        first = next((one for one in each["first"]["estimates"] if one["name"] == told["name"]), told)
        realised = "?" if told["realised"] is None else f"{told['realised']:.3f}"
        estimated = first["value"] if first["value"] is not None else told["value"]
        return f"{told['name']} {estimated:.3f} estimated, {realised} realised"
    broken = each["latest"]["broken"]
    return short(f"{broken[0]['subject']}: {broken[0]['check']}", 40) if broken else ""


def _member(name: str) -> Any:
    return lambda each: str(each[name])


def _number(name: str) -> Any:
    return lambda each: "–" if each[name] is None else f"{each[name]:.4g}"


def _share(name: str) -> Any:
    return lambda each: f"{100 * each[name]:.1f} %"


def _value(name: str) -> Any:
    return lambda each: "" if each["values"].get(name) is None else short(str(each["values"][name]), 30)
