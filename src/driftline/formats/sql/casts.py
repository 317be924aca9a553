"""Conversions between types as Spark does them outside ANSI mode, in DuckDB's SQL: what cannot be is NULL."""

from __future__ import annotations

import re

_WHOLE = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}
_FAMILIES = {
    "VARCHAR": "text",
    "DATE": "date",
    "BOOLEAN": "boolean",
    "FLOAT": "float",
    "DOUBLE": "float",
    "BLOB": "binary",
    "INTERVAL": "interval",
    '"NULL"': "null",
}

TARGETS = {
    "BYTE": "TINYINT",
    "TINYINT": "TINYINT",
    "SHORT": "SMALLINT",
    "SMALLINT": "SMALLINT",
    "INT": "INTEGER",
    "INTEGER": "INTEGER",
    "LONG": "BIGINT",
    "BIGINT": "BIGINT",
    "FLOAT": "FLOAT",
    "REAL": "FLOAT",
    "DOUBLE": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
    "TIMESTAMPTZ": "TIMESTAMP",
    "TIMESTAMPLTZ": "TIMESTAMP",
    "TIMESTAMPNTZ": "TIMESTAMP",
    "STRING": "VARCHAR",
    "TEXT": "VARCHAR",
    "DECIMAL": "DECIMAL",
    "DEC": "DECIMAL",
    "NUMERIC": "DECIMAL",
}
"""Spark's names of types (and sqlglot's) that a value can be cast to -> DuckDB's. Times are UTC without a zone."""

_NUMBER = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?\s*"
_ENDLESS = "('nan', 'inf', '+inf', '-inf', 'infinity', '+infinity', '-infinity')"
_DAY = r"\s*(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[ T].*)?)?)?\s*"
_MOMENT = (
    r"\s*\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{1,2}(:\d{1,2}(\.\d{0,9})?)?"
    r"\s*(Z|UTC|GMT|[+-]\d{1,2}(:?\d\d)?|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_]+)+)?\s*"
)

MACROS: tuple[str, ...] = (
    # Java's text of a double: at least one decimal, and from 1e7 and below 1e-3 as 1.5E-7.
    """spark_exponent(s, e) AS
        CASE WHEN contains(s, '.') THEN s ELSE s || '.0' END || 'E' || CAST(CAST(e AS INTEGER) AS VARCHAR)""",
    """spark_digits(d) AS left(d, 1) || '.' || coalesce(nullif(substring(d, 2), ''), '0')""",
    """spark_far(x, s) AS CASE WHEN x < 0 THEN '-' ELSE '' END || CASE
        WHEN contains(s, 'e') THEN spark_exponent(split_part(s, 'e', 1), split_part(s, 'e', 2))
        WHEN abs(x) >= 1
        THEN spark_exponent(spark_digits(rtrim(replace(s, '.', ''), '0')), length(split_part(s, '.', 1)) - 1)
        ELSE spark_exponent(spark_digits(ltrim(replace(s, '.', ''), '0')),
                            length(ltrim(replace(s, '.', ''), '0')) - length(split_part(s, '.', 2)) - 1) END""",
    """spark_float_text(x) AS CASE
        WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END
        WHEN x = 0 OR (abs(x) >= 0.001 AND abs(x) < 10000000) THEN CAST(x AS VARCHAR)
        ELSE spark_far(x, CAST(abs(x) AS VARCHAR)) END""",
    f"""spark_odd_double(s) AS CASE
        WHEN regexp_full_match(s, '{_NUMBER}') THEN TRY_CAST(rtrim(trim(s, ' \t\n\r'), 'dDfF') AS DOUBLE)
        WHEN lower(trim(s)) IN {_ENDLESS} THEN TRY_CAST(trim(s) AS DOUBLE) END""",
    # What DuckDB reads as a finite number Java does too, but for 1_000 and +-1; the rest is looked at closely.
    """spark_double(s) AS CASE
        WHEN isfinite(TRY_CAST(s AS DOUBLE)) AND NOT contains(s, '_') AND NOT contains(s, '+-')
        THEN TRY_CAST(s AS DOUBLE)
        ELSE spark_odd_double(s) END""",
    r"""spark_digits_of(s) AS regexp_extract(s, '^\s*([+-]?\d+)(?:\.\d*)?\s*$', 1)""",
    """spark_boolean(s) AS CASE
        WHEN lower(trim(s)) IN ('t', 'true', 'y', 'yes', '1') THEN true
        WHEN lower(trim(s)) IN ('f', 'false', 'n', 'no', '0') THEN false END""",
    f"""spark_date(s) AS CASE
        WHEN regexp_full_match(s, '\\d\\d\\d\\d-\\d\\d-\\d\\d') THEN TRY_CAST(s AS DATE)
        WHEN regexp_full_match(s, '{_DAY}') THEN TRY_CAST(
            regexp_extract(s, '{_DAY}', 1)
            || '-' || lpad(coalesce(nullif(regexp_extract(s, '{_DAY}', 2), ''), '1'), 2, '0')
            || '-' || lpad(coalesce(nullif(regexp_extract(s, '{_DAY}', 3), ''), '1'), 2, '0') AS DATE) END""",
    f"""spark_time(s) AS CASE
        WHEN regexp_full_match(s, '{_MOMENT}')
        THEN TRY_CAST(regexp_replace(regexp_replace(trim(s), '\\.([^0-9]|$)', '\\1'),
                                     '^([^:]*:\\d+)(\\s*([^:0-9].*)?)$', '\\1:00\\2') AS TIMESTAMPTZ) AT TIME ZONE 'UTC'
        WHEN regexp_full_match(s, '\\s*\\d{{4}}(-\\d{{1,2}}(-\\d{{1,2}}[ T]?)?)?\\s*')
        THEN CAST(spark_date(s) AS TIMESTAMP) END""",
    # Java narrows a floating number to the nearest limit, and a longer integer to its lowest bits.
    """spark_limited(x, low, high) AS CASE
        WHEN isnan(x) THEN 0 WHEN x >= high THEN high WHEN x <= low THEN low ELSE CAST(trunc(x) AS HUGEINT) END""",
    """spark_wrapped(x, size) AS
        ((CAST(x AS HUGEINT) + size // 2) % size + size) % size - size // 2""",
    "spark_clipped(n) AS CAST(greatest(least(n, 2147483647), -2147483647) AS BIGINT)",
    """spark_start(s, p) AS CASE
        WHEN p > 0 THEN spark_clipped(p) - 1 WHEN p < 0 THEN length(s) + spark_clipped(p) ELSE 0 END""",
    """spark_substring(s, p, n) AS substring(s,
        greatest(spark_start(s, p), 0) + 1,
        greatest(spark_start(s, p) + spark_clipped(n) - greatest(spark_start(s, p), 0), 0))""",
    """spark_rounded(x, d) AS CASE
        WHEN abs(x) < 1e15 THEN CAST(round(CAST(CAST(x AS VARCHAR) AS DECIMAL(38, 18)), d) AS DOUBLE)
        ELSE round(x, d) END""",
)
"""What `CREATE MACRO` makes before the connection is locked; a name is only reached from this package's own SQL."""


def family_of(kind: str) -> str:
    """Of a DuckDB type: text, whole, decimal, float, boolean, date, time, list, map, struct, null or other.

    >>> [family_of(kind) for kind in ("VARCHAR", "DECIMAL(4,2)", "UINTEGER", "DOUBLE[]", "TIMESTAMP_NS")]
    ['text', 'decimal', 'whole', 'list', 'time']
    """
    if kind.endswith("]"):
        return "list"
    if kind.startswith(("STRUCT", "MAP", "DECIMAL")):
        return re.split(r"\W", kind, maxsplit=1)[0].lower()
    if kind.startswith("TIMESTAMP"):
        return "time"
    if kind.removeprefix("U") in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"):
        return "whole"
    return _FAMILIES.get(kind, "other")


def is_number(family: str) -> bool:
    """Whether values of the family can be calculated with."""
    return family in ("whole", "decimal", "float")


def convert(sql: str, kind: str, target: str) -> str | None:
    """The SQL that casts `sql` of type `kind` to `target` (DuckDB's names), or None if Spark has no such cast.

    >>> convert("x", "VARCHAR", "DOUBLE")
    'spark_double(x)'
    >>> convert("x", "DATE", "INTEGER") is None
    True
    """
    family = family_of(kind)
    if family == "null" or kind == target:
        return f"CAST({sql} AS {target})"
    if target == "VARCHAR":
        return text_of(sql, kind)
    if target in _WHOLE:
        return _to_whole(sql, family, target)
    if target in ("DOUBLE", "FLOAT"):
        return _to_float(sql, family, target)
    if target.startswith("DECIMAL"):
        return _to_decimal(sql, family, target)
    if target == "BOOLEAN":
        return f"spark_boolean({sql})" if family == "text" else f"(({sql}) <> 0)" if is_number(family) else None
    if target == "DATE":
        return {"text": f"spark_date({sql})", "time": f"CAST({sql} AS DATE)"}.get(family)
    return _to_time(sql, family) if target == "TIMESTAMP" else None


def text_of(sql: str, kind: str) -> str | None:
    """The SQL of Spark's text of a value, or None where values of that type have none that could be read back."""
    family = family_of(kind)
    if family == "text":
        return sql
    if family == "float":
        return f"spark_float_text({sql})"
    if family == "binary":
        return f"TRY(decode({sql}))"
    return None if family in ("list", "map", "struct", "interval") else f"CAST({sql} AS VARCHAR)"


def _to_whole(sql: str, family: str, target: str) -> str | None:
    bits = _WHOLE[target]
    if family == "text":
        return f"TRY_CAST(spark_digits_of({sql}) AS {target})"
    if family == "boolean":
        return f"CAST({sql} AS {target})"
    if family == "time":
        sql, family = f"CAST(floor(epoch_us({sql}) / 1000000.0) AS BIGINT)", "whole"
    if family == "float":
        limit = 2 ** (max(bits, 32) - 1)
        sql = f"spark_limited({sql}, -{limit}::HUGEINT, {limit - 1}::HUGEINT)"
    elif family == "decimal":
        sql = f"trunc({sql})"
    elif family != "whole":
        return None
    return f"CAST(spark_wrapped({sql}, {2**bits}::HUGEINT) AS {target})"


def _to_float(sql: str, family: str, target: str) -> str | None:
    if family == "text":
        return f"TRY_CAST(spark_double({sql}) AS {target})" if target == "FLOAT" else f"spark_double({sql})"
    if family == "time":
        return f"CAST(epoch_us({sql}) / 1000000.0 AS {target})"
    return f"TRY_CAST({sql} AS {target})" if is_number(family) or family == "boolean" else None


def _to_decimal(sql: str, family: str, target: str) -> str | None:
    if family == "text":
        return f"CASE WHEN regexp_full_match({sql}, '{_NUMBER}') THEN TRY_CAST(trim({sql}) AS {target}) END"
    if family == "float":  # by its shortest text, as Java does: 2.675 is rounded up although it lies a little below
        return f"TRY_CAST(CAST({sql} AS VARCHAR) AS {target})"
    return f"TRY_CAST({sql} AS {target})" if is_number(family) or family == "boolean" else None


def _to_time(sql: str, family: str) -> str | None:
    if family == "text":
        return f"spark_time({sql})"
    if family == "whole":
        return f"TRY(make_timestamp(CAST({sql} AS BIGINT) * 1000000))"
    if family in ("decimal", "float"):
        return f"TRY(make_timestamp(CAST(floor({sql} * 1000000) AS BIGINT)))"
    return f"CAST({sql} AS TIMESTAMP)" if family == "date" else None
