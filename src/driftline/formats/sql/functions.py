"""The table of Spark's functions: what each takes, and the DuckDB SQL that gives Spark's answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Function:
    """A function that is a template.

    `takes` are the kinds of the arguments: `text number double whole boolean date time list map any`, and for
    literals `#whole`, `#day` and `#path` (a date pattern, a JSON path). `kind=SQL` is an optional one with
    its default, `kind...` any number more. `sql` has `{0}`, `{1}` for the arguments, `{all}` for all of them.
    """

    takes: tuple[str, ...]
    sql: str


def _of(takes: str, sql: str) -> Function:
    return Function(tuple(takes.split("|")) if takes else (), sql)


TEXT: dict[str, Function] = {
    "ascii": _of("text", "ascii({0})"),
    "base64": _of("text", "to_base64(encode({0}))"),
    "btrim": _of("text|text=' '", "trim({0}, {1})"),
    "char": _of("whole", "chr(CAST({0} AS INTEGER))"),
    "char_length": _of("text", "length({0})"),
    "character_length": _of("text", "length({0})"),
    "chr": _of("whole", "chr(CAST({0} AS INTEGER))"),
    "concat_ws": _of("text|text...", "concat_ws({all})"),
    "contains": _of("text|text", "contains({0}, {1})"),
    "endswith": _of("text|text", "ends_with({0}, {1})"),
    "initcap": _of("text", "spark_initcap({0})"),
    "instr": _of("text|text", "instr({0}, {1})"),
    "lcase": _of("text", "lower({0})"),
    "left": _of("text|whole", "left({0}, greatest({1}, 0))"),
    "len": _of("text", "length({0})"),
    "length": _of("text", "length({0})"),
    "locate": _of("text|text|whole=1", "spark_locate({0}, {1}, {2})"),
    "lower": _of("text", "lower({0})"),
    "lpad": _of("text|whole|text=' '", "lpad({0}, CAST(least(greatest({1}, 0), 10000) AS INTEGER), {2})"),
    "ltrim": _of("text", "ltrim({0}, ' ')"),
    "md5": _of("text", "md5({0})"),
    "octet_length": _of("text", "octet_length(encode({0}))"),
    "position": _of("text|text|whole=1", "spark_locate({0}, {1}, {2})"),
    "regexp": _of("text|text", "regexp_matches({0}, {1})"),
    "regexp_count": _of("text|text", "len(regexp_extract_all({0}, {1}))"),
    "regexp_like": _of("text|text", "regexp_matches({0}, {1})"),
    "regexp_substr": _of("text|text", "nullif(regexp_extract({0}, {1}, 0), '')"),
    "repeat": _of("text|whole", "repeat({0}, CAST(least(greatest({1}, 0), 10000) AS INTEGER))"),
    "replace": _of("text|text|text=''", "replace({0}, {1}, {2})"),
    "right": _of("text|whole", "right({0}, greatest({1}, 0))"),
    "rlike": _of("text|text", "regexp_matches({0}, {1})"),
    "rpad": _of("text|whole|text=' '", "rpad({0}, CAST(least(greatest({1}, 0), 10000) AS INTEGER), {2})"),
    "rtrim": _of("text", "rtrim({0}, ' ')"),
    "sha": _of("text", "sha1({0})"),
    "sha1": _of("text", "sha1({0})"),
    "space": _of("whole", "repeat(' ', CAST(least(greatest({0}, 0), 10000) AS INTEGER))"),
    "split": _of("text|text", "string_split_regex({0}, {1})"),
    "split_part": _of("text|text|whole", "split_part({0}, {1}, CAST({2} AS INTEGER))"),
    "startswith": _of("text|text", "starts_with({0}, {1})"),
    "substr": _of("text|whole|whole=2147483647", "spark_substring({0}, {1}, {2})"),
    "substring": _of("text|whole|whole=2147483647", "spark_substring({0}, {1}, {2})"),
    "substring_index": _of("text|text|whole", "spark_substring_index({0}, {1}, {2})"),
    "translate": _of("text|text|text", "translate({0}, {1}, {2})"),
    "trim": _of("text", "trim({0}, ' ')"),
    "ucase": _of("text", "upper({0})"),
    "unbase64": _of("text", "TRY(from_base64({0}))"),
    "upper": _of("text", "upper({0})"),
    "url_decode": _of("text", "url_decode(replace({0}, '+', ' '))"),
}

NUMBERS: dict[str, Function] = {
    "abs": _of("number", "abs({0})"),
    "acos": _of("double", "acos({0})"),
    "asin": _of("double", "asin({0})"),
    "atan": _of("double", "atan({0})"),
    "atan2": _of("double|double", "atan2({0}, {1})"),
    "bround": _of("double|#whole=0", "round_even({0}, {1})"),
    "cbrt": _of("double", "cbrt({0})"),
    "cos": _of("double", "cos({0})"),
    "cosh": _of("double", "cosh({0})"),
    "degrees": _of("double", "degrees({0})"),
    "e": _of("", "exp(1.0)"),
    "exp": _of("double", "exp({0})"),
    "expm1": _of("double", "(exp({0}) - 1)"),
    "hypot": _of("double|double", "sqrt({0} * {0} + {1} * {1})"),
    "isnan": _of("double", "coalesce(isnan({0}), false)"),
    "ln": _of("double", "(CASE WHEN {0} > 0 THEN ln({0}) END)"),
    "log10": _of("double", "(CASE WHEN {0} > 0 THEN log10({0}) END)"),
    "log1p": _of("double", "(CASE WHEN {0} > -1 THEN ln(1 + {0}) END)"),
    "log2": _of("double", "(CASE WHEN {0} > 0 THEN log2({0}) END)"),
    "mod": _of("number|number", "({0} % nullif({1}, 0))"),
    "nanvl": _of("double|double", "(CASE WHEN isnan({0}) THEN {1} ELSE {0} END)"),
    "negative": _of("number", "(- {0})"),
    "pi": _of("", "pi()"),
    "pmod": _of("number|number", "spark_pmod({0}, nullif({1}, 0))"),
    "positive": _of("number", "({0})"),
    "pow": _of("double|double", "pow({0}, {1})"),
    "power": _of("double|double", "pow({0}, {1})"),
    "radians": _of("double", "radians({0})"),
    "rint": _of("double", "round_even({0}, 0)"),
    "shiftright": _of("whole|whole", "({0} >> CAST({1} AS INTEGER))"),
    "sign": _of("double", "(CASE WHEN isnan({0}) THEN {0} ELSE CAST(sign({0}) AS DOUBLE) END)"),
    "signum": _of("double", "(CASE WHEN isnan({0}) THEN {0} ELSE CAST(sign({0}) AS DOUBLE) END)"),
    "sin": _of("double", "sin({0})"),
    "sinh": _of("double", "sinh({0})"),
    "sqrt": _of("double", "(CASE WHEN {0} < 0 THEN 'nan'::DOUBLE ELSE sqrt({0}) END)"),
    "tan": _of("double", "tan({0})"),
    "tanh": _of("double", "tanh({0})"),
    "try_add": _of("number|number", "TRY({0} + {1})"),
    "try_divide": _of("double|double", "({0} / nullif({1}, 0))"),
    "try_multiply": _of("number|number", "TRY({0} * {1})"),
    "try_subtract": _of("number|number", "TRY({0} - {1})"),
}

TIMES: dict[str, Function] = {
    "add_months": _of("date|whole", "CAST({0} + to_months(CAST({1} AS INTEGER)) AS DATE)"),
    "date_add": _of("date|whole", "({0} + CAST({1} AS INTEGER))"),
    "date_diff": _of("date|date", "date_diff('day', {1}, {0})"),
    "date_format": _of("time|#day", "strftime({0}, {1})"),
    "date_from_unix_date": _of("whole", "(DATE '1970-01-01' + CAST({0} AS INTEGER))"),
    "date_sub": _of("date|whole", "({0} - CAST({1} AS INTEGER))"),
    "dateadd": _of("date|whole", "({0} + CAST({1} AS INTEGER))"),
    "datediff": _of("date|date", "date_diff('day', {1}, {0})"),
    "day": _of("date", "day({0})"),
    "dayname": _of("date", "left(dayname({0}), 3)"),
    "dayofmonth": _of("date", "day({0})"),
    "dayofweek": _of("date", "(dayofweek({0}) + 1)"),
    "dayofyear": _of("date", "dayofyear({0})"),
    "from_utc_timestamp": _of("time|text", "(({0} AT TIME ZONE 'UTC') AT TIME ZONE {1})"),
    "hour": _of("time", "hour({0})"),
    "last_day": _of("date", "last_day({0})"),
    "make_date": _of("whole|whole|whole", "TRY(make_date({0}, {1}, {2}))"),
    "minute": _of("time", "minute({0})"),
    "month": _of("date", "month({0})"),
    "monthname": _of("date", "left(monthname({0}), 3)"),
    "quarter": _of("date", "quarter({0})"),
    "second": _of("time", "second({0})"),
    "timestamp_micros": _of("whole", "TRY(make_timestamp(CAST({0} AS BIGINT)))"),
    "timestamp_millis": _of("whole", "TRY(make_timestamp(CAST({0} AS BIGINT) * 1000))"),
    "timestamp_seconds": _of("number", "TRY(make_timestamp(CAST(floor({0} * 1000000::BIGINT) AS BIGINT)))"),
    "to_utc_timestamp": _of("time|text", "(({0} AT TIME ZONE {1}) AT TIME ZONE 'UTC')"),
    "unix_date": _of("date", "date_diff('day', DATE '1970-01-01', {0})"),
    "unix_micros": _of("time", "epoch_us({0})"),
    "unix_millis": _of("time", "CAST(floor(epoch_us({0}) / 1000.0) AS BIGINT)"),
    "unix_seconds": _of("time", "CAST(floor(epoch_us({0}) / 1000000.0) AS BIGINT)"),
    "weekday": _of("date", "(isodow({0}) - 1)"),
    "weekofyear": _of("date", "weekofyear({0})"),
    "year": _of("date", "year({0})"),
}

COLLECTIONS: dict[str, Function] = {
    "array_contains": _of("list|any", "spark_contains({0}, {1})"),
    "array_distinct": _of("list", "spark_distinct({0})"),
    "array_join": _of("list|text", "array_to_string({0}, {1})"),
    "array_max": _of("list", "list_max({0})"),
    "array_min": _of("list", "list_min({0})"),
    "array_position": _of("list|any", "spark_position({0}, {1})"),
    "array_remove": _of("list|any", "list_filter({0}, lambda e: e IS DISTINCT FROM {1})"),
    "array_size": _of("list", "len({0})"),
    "array_sort": _of("list", "list_sort({0}, 'ASC', 'NULLS LAST')"),
    "arrays_overlap": _of("list|list", "list_has_any({0}, {1})"),
    "flatten": _of("list", "(CASE WHEN len(list_filter({0}, lambda e: e IS NULL)) = 0 THEN flatten({0}) END)"),
    "map_contains_key": _of("map|any", "map_contains({0}, {1})"),
    "map_keys": _of("map", "map_keys({0})"),
    "map_values": _of("map", "map_values({0})"),
    "slice": _of("list|whole|whole", "spark_slice({0}, {1}, {2})"),
    "sort_array": _of("list", "list_sort({0}, 'ASC', 'NULLS FIRST')"),
}

JSON: dict[str, Function] = {
    "get_json_object": _of("text|#path", "(CASE WHEN json_valid({0}) THEN json_extract_string({0}, {1}) END)"),
    "json_array_length": _of(
        "text", "(CASE WHEN json_valid({0}) AND json_type({0}) = 'ARRAY' THEN json_array_length({0}) END)"
    ),
    "json_object_keys": _of(
        "text", "(CASE WHEN json_valid({0}) AND json_type({0}) = 'OBJECT' THEN json_keys({0}) END)"
    ),
}

CONDITIONS: dict[str, Function] = {
    "isnotnull": _of("any", "({0} IS NOT NULL)"),
    "isnull": _of("any", "({0} IS NULL)"),
}

MACROS: tuple[str, ...] = (
    "spark_pmod(a, n) AS CASE WHEN a % n < 0 THEN (a % n + n) % n ELSE a % n END",
    """spark_locate(a, s, p) AS CASE
        WHEN a IS NULL OR s IS NULL THEN NULL WHEN p < 1 OR instr(substring(s, p), a) = 0 THEN 0
        ELSE instr(substring(s, p), a) + p - 1 END""",
    """spark_initcap(s) AS array_to_string(
        list_transform(string_split(lower(s), ' '), lambda w: upper(left(w, 1)) || substring(w, 2)), ' ')""",
    """spark_substring_index(s, d, n) AS CASE
        WHEN n = 0 OR d = '' THEN '' WHEN n > 0 THEN array_to_string(string_split(s, d)[1:n], d)
        ELSE array_to_string(string_split(s, d)[greatest(len(string_split(s, d)) + n, 0) + 1:], d) END""",
    """spark_contains(l, e) AS CASE
        WHEN l IS NULL OR e IS NULL THEN NULL WHEN list_contains(l, e) THEN true
        WHEN len(list_filter(l, lambda v: v IS NULL)) > 0 THEN NULL ELSE false END""",
    "spark_position(l, e) AS CASE WHEN l IS NULL OR e IS NULL THEN NULL ELSE coalesce(list_position(l, e), 0) END",
    "spark_distinct(l) AS list_filter(l, lambda e, i: list_position(l, e) = i)",
    """spark_slice(l, s, n) AS CASE WHEN l IS NULL THEN NULL WHEN s > 0 THEN l[s:s + n - 1]
        WHEN s < 0 AND len(l) + s >= 0 THEN l[len(l) + s + 1:len(l) + s + n] ELSE [] END""",
)
"""As in `casts.MACROS`."""

FUNCTIONS: dict[str, Function] = {**TEXT, **NUMBERS, **TIMES, **COLLECTIONS, **JSON, **CONDITIONS}
"""Name in lower case -> the function; more are in `special.SPECIAL`."""

_AGGREGATES = """count sum avg mean min max first last first_value last_value any_value collect_list collect_set
    stddev std stddev_pop stddev_samp variance var_pop var_samp approx_count_distinct percentile percentile_approx
    median mode max_by min_by corr covar_pop covar_samp skewness kurtosis count_if bool_and bool_or every some any"""
_RANKS = "row_number rank dense_rank percent_rank cume_dist ntile lag lead nth_value"
_MOODS = """rand random randn uuid shuffle now current_date current_timestamp localtimestamp curdate current_timezone
    monotonically_increasing_id spark_partition_id"""
_SEVERAL = "json_tuple stack inline inline_outer posexplode posexplode_outer parse_url_tuple"
_BEYOND = """reflect java_method input_file_name input_file_block_start current_user current_database current_catalog
    session_user user version assert_true raise_error sequence"""

_SEEN = "an expression sees one row"
_REASONS = {
    _AGGREGATES: f"It is an aggregate over rows; {_SEEN}. The profile has counts, means and quantiles.",
    _RANKS: f"It looks at other rows; {_SEEN}.",
    _MOODS: "It gives another answer each time; a run must be repeatable.",
    _SEVERAL: "It makes several columns at once; derive each by an expression of its own, "
    "as get_json_object(j, '$.a') or explode(items).",
    _BEYOND: "It reaches beyond the row, or makes more of it than fits into memory.",
}

REFUSED: dict[str, str] = {name: reason for names, reason in _REASONS.items() for name in names.split()}
"""Functions of Spark that are refused for a reason, and the reason."""
