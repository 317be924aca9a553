"""Data sources of Aporia's clients as places of files: the path, and what Spark's read options mean here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from driftline.cron import Cron
from driftline.errors import Invalid
from driftline.formats.readoptions import SETTINGS
from driftline.imports.job import Place, Policies
from driftline.server.aporia.asked import FilesAsked, parsed

SCHEMES = {"s3": "s3", "google_cloud_storage": "gs", "azure_blob_storage": "az"}
"""The sort of a data source -> the scheme of its objects."""
FORMATS = {"parquet": "parquet", "csv": "csv", "json": None, "delta": "delta"}
"""`object_format` -> ours; what sort of JSON a file is, is told from the file."""

OPTIONS = {
    "header": "header",
    "sep": "separator",
    "delimiter": "separator",
    "quote": "quote",
    "escape": "escape",
    "comment": "comment",
    "encoding": "encoding",
    "charset": "encoding",
    "nullvalue": "null_values",
    "versionasof": "version",
    "timestampasof": "timestamp",
}
"""Spark's read option, in lower case -> our setting."""
WITHOUT_EFFECT = frozenset(
    {
        "inferschema",
        "mergeschema",
        "recursivefilelookup",
        "basepath",
        "samplingratio",
        "ignoreleadingwhitespace",
        "ignoretrailingwhitespace",
        "enforceschema",
        "compression",
        "maxfilespertrigger",
        "prefersdate",
        "datetimerebasemode",
    }
)
"""Options that ask for what happens anyway, or that say how Spark does its work."""

MOST_SECONDS = 3600.0
"""So often files are looked for at least, however rare the schedule."""
_SECRET = re.compile(r"key|secret|token|password|credential", re.IGNORECASE)
_BRACES = re.compile(r"\{([^{}]*)\}")
_GLOB = re.compile(r"[*?\[{]")
_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_REMEDY = "Bring the files to S3, or to a folder that the server sees, and connect those."


def place_of(type: str, config: Mapping[str, Any]) -> Place:
    """Where the files of a data source are and how they are read; raises `Invalid` for one that is not of files.

    >>> said = {"object_path": "logs/churn/*.csv", "object_format": "csv", "read_options": {"sep": ";"}}
    >>> found = place_of("s3", said)
    >>> found.uri, found.format, found.settings, found.include
    ('s3://logs/churn/', 'csv', {'separator': ';'}, ('*.csv',))
    """
    if type not in SCHEMES:
        raise Invalid(what="data source", got=type, expected=", ".join(SCHEMES), remedy=_REMEDY)
    asked = parsed(FilesAsked, "data source", config)
    if asked.sample_size not in (None, 1.0):
        raise Invalid(what="sample_size", got=asked.sample_size, expected="1.0: every row is read")
    if asked.object_format not in FORMATS:
        raise Invalid(what="object_format", got=asked.object_format, expected=", ".join(FORMATS))
    options = {**(asked.model_extra or {}), **(asked.read_options or {})}
    lowered = {name.lower(): value for name, value in options.items()}
    uri, globs = path_of(SCHEMES[type], asked.object_path)
    pattern, is_document = lowered.pop("pathglobfilter", None), _is_true(lowered.pop("multiline", False))
    credentials = lowered.get("credentials")
    return Place(
        uri=uri,
        format="json" if asked.object_format == "json" and is_document else FORMATS[asked.object_format],
        settings=settings_of({name: value for name, value in options.items() if name.lower() in lowered}),
        select=tuple(asked.select_expr or ()),
        credentials=None if credentials is None else str(credentials),
        include=(*globs, *(("**/" + str(pattern),) if pattern else ())),
    )


def path_of(scheme: str, said: str) -> tuple[str, tuple[str, ...]]:
    """The URI of a path `bucket/key`, and the globs below it.

    >>> path_of("s3", "logs/year=*/part.parquet"), path_of("s3", "s3://logs/2026/")
    (('s3://logs/', ('year=*/part.parquet',)), ('s3://logs/2026/', ()))
    >>> path_of("s3", "logs/2026/{01,02}/*.csv")
    ('s3://logs/2026/', ('01/*.csv', '02/*.csv'))
    """
    path = re.sub(rf"^{scheme}[an]?://", "", said.strip())
    if not path or path.startswith("/") or "://" in path:
        raise Invalid(what="object_path", got=said, expected="bucket/key, such as my-bucket/logs/")
    found = _GLOB.search(path)
    if found is None:
        return f"{scheme}://{path}", ()
    at = path.rfind("/", 0, found.start()) + 1
    if at == 0:
        raise Invalid(what="object_path", got=said, expected="a bucket without wildcards")
    return f"{scheme}://{path[:at]}", tuple(_alternatives(path[at:]))


def _alternatives(glob: str) -> list[str]:
    """The globs that one with alternatives in braces stands for."""
    found = _BRACES.search(glob)
    if found is None:
        return [glob]
    ways = found[1].split(",")
    return [each for way in ways for each in _alternatives(glob[: found.start()] + way + glob[found.end() :])]


def settings_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Our settings of Spark's read options; raises `Invalid` for one whose meaning would be lost, without its value.

    >>> settings_of({"header": "true", "inferSchema": "true", "spark.executor.memory": "4g"})
    {'header': 'true'}
    """
    ours = {name for names in SETTINGS.values() for name in names}
    found = {}
    for name, value in options.items():
        lowered = name.lower()
        if _SECRET.search(lowered) and lowered != "credentials":
            remedy = "Give them to the server under a name, and say that name: read_options={'credentials': NAME}."
            raise Invalid(what="read_options", got=name, expected="no secrets in definitions", remedy=remedy)
        if lowered in OPTIONS or lowered in ours:
            found[OPTIONS.get(lowered, lowered)] = value
        elif lowered not in WITHOUT_EFFECT and lowered != "credentials" and not lowered.startswith("spark."):
            remedy = "Dates and casts can be said by select_expr; docs/reference/formats.md has all settings."
            expected = ", ".join(sorted({*OPTIONS, "multiLine", "pathGlobFilter", "credentials"}, key=str.lower))
            raise Invalid(what="read_options", got=name, expected=expected, remedy=remedy)
    return found


def policies_of(schedule: str | None) -> Policies:
    """How often files are looked for: as often as the schedule, at least hourly; without one as by default.

    >>> policies_of("*/5 * * * *").poll_seconds, policies_of("0 3 * * 1-5").poll_seconds
    (300.0, 3600.0)
    """
    if not schedule:
        return Policies()
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    gaps = [
        later - sooner
        for expression in _expressions(schedule)
        for sooner, later in pairwise(Cron.parse(expression).next_times(50, moment))
    ]
    return Policies(poll_seconds=min(MOST_SECONDS, min(gaps, default=timedelta(hours=1)).total_seconds()))


def _expressions(schedule: str) -> list[str]:
    """A cron expression of five fields as those of AWS, one for its days of the month and one for those of the week."""
    items = schedule.upper().split()
    if len(items) != 5:
        expected = "five fields: minute hour day-of-month month day-of-week"
        raise Invalid(what="schedule", got=schedule, expected=expected, remedy="Such as '0 * * * *' for every hour.")
    minute, hour, day, month, weekday = items
    named = re.sub(r"(?<![/\d])[0-7](?!\d)", lambda found: _WEEKDAYS[int(found[0]) % 7], weekday)
    days = [] if day == "*" != weekday else [f"cron({minute} {hour} {day} {month} ? *)"]
    return days + ([f"cron({minute} {hour} ? {month} {named} *)"] if weekday != "*" else [])


def _is_true(value: Any) -> bool:
    return str(value).strip().lower() == "true"
