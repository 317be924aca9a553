"""Rows that are hard for SQL expressions, and the expressions asked of them; `python spark_rows.py` asks Spark.

`spark_answers.json` holds what Spark 4 answered with ANSI mode off and UTC as time zone, which is how SageMaker's
Spark 3.3 works. To make it again: install pyspark beside Java 17, run this file, look at the difference.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
from pathlib import Path
from typing import Any

ANSWERS = Path(__file__).with_name("spark_answers.json")

TEXTS: list[str | None] = [
    "41", " 1.5 ", "1e3", "abc", "", None, "-7", "3000000000", "0.285", "NaN", "true", "2020-02-29", "2020-1-5",
    "2020-02-30", "2020-03-01T10:20:30.5Z", "2020-03-01 10:20:30+02:00", "a,b,,c", "Zoë ✓", "1_000", "-Infinity",
    "99.99d",
]  # fmt: skip
ROWS: list[dict[str, Any]] = [
    {
        "s": text,
        "t": [None, "b", "Hello World  foo", " x ", "a%b", "2020-01-02 03:04:05"][row % 6],
        "i": [7, -7, 0, None, 2147483647, 3][row % 6],
        "l": [7, -7, 0, None, 9007199254740993, 3000000000][row % 6],
        "d": [1.5, -2.5, 0.0, None, math.nan, 1e10, 1.5e-7, math.inf, 2.675, 123456.789, -0.5][row % 11],
        "b": [True, False, None][row % 3],
        "dt": [datetime.date(2020, 1, 31), datetime.date(1969, 12, 31), None][row % 3],
        "ts": [datetime.datetime(2020, 2, 29, 23, 59, 59, 500000), datetime.datetime(1969, 12, 31, 23, 59, 58, 250000),
               None, datetime.datetime(2021, 5, 3)][row % 4],
        "arr": [[1, 2, 3], [], None, [5, None, 2]][row % 4],
        "words": [["b", "a"], None, ["x", None]][row % 3],
        "st": [{"x": 1, "y": "u"}, None, {"x": None, "y": "v"}][row % 3],
        "sts": [[{"x": 1, "y": "u"}, {"x": 2, "y": None}], None, []][row % 3],
        "m": [{"k": 1, "z": 2}, None, {}][row % 3],
        "j": ['{"a": {"b": [1, 2.5]}, "c": "x", "n": null}', "{broken", None, "[1, 2]", '{"c": 7}', '""'][row % 6],
        "dec": [decimal.Decimal("1.25"), decimal.Decimal("-2.50"), None, decimal.Decimal("0.00")][row % 4],
    }
    for row, text in enumerate(TEXTS)
]  # fmt: skip
SCHEMA = (
    "s string, t string, i int, l bigint, d double, b boolean, dt date, ts timestamp, arr array<int>, "
    "words array<string>, st struct<x:int,y:string>, sts array<struct<x:int,y:string>>, m map<string,int>, "
    "j string, dec decimal(10,2)"
)

EXPRESSIONS = [line for line in r"""
s
s AS renamed
cast(s as int)
cast(s as bigint)
cast(s as smallint)
cast(s as double)
cast(s as float)
cast(s as decimal(10,1))
cast(s as boolean)
cast(s as date)
cast(s as timestamp)
int(s)
double(s)
date(s)
s::int
cast(d as int)
cast(d as bigint)
cast(d as tinyint)
cast(d as string)
cast(d as decimal(10,2))
cast(d as boolean)
cast(l as int)
cast(l as string)
cast(i as timestamp)
cast(i as double)
cast(i as boolean)
cast(i as string)
cast(b as int)
cast(b as string)
cast(dec as int)
cast(dec as string)
cast(dec as double)
cast(dt as string)
cast(dt as timestamp)
cast(ts as string)
cast(ts as date)
cast(ts as bigint)
cast(ts as double)
s + 1
s * 2
s - i
-s
i + 1
i + 1.5
i * d
i / 2
i / 0
d / 0
i % 0
i % 3
d % 2
s % 2
i div 2
i div 0
dec + 1
dec * 2
dec % 1
l & 6
l | 1
l ^ 3
~i
s = 41
s > 1
s >= 1.5
s = '41'
s = d
s = b
s = dt
s < ts
i = d
d = d
d > 1
i <=> null
s <=> null
i is null
i is not null
b is true
b and i > 0
b or i > 0
not b
!b
s in ('41', 'abc')
s in (41, 2)
i in (7, 0)
i in (7, null)
i not in (7, 0)
i between -7 and 3
s between 1 and 50
s like '%b%'
t like 'a\\%b'
t like 'a!%b' escape '!'
t ilike 'hello%'
t not like '%b%'
s rlike '^[0-9]+$'
s regexp 'a.b'
case when i > 0 then 'pos' when i < 0 then 'neg' else 'zero' end
case i when 7 then 'seven' when 0 then 'nil' end
case when b then i else s end
if(i > 0, s, 'none')
if(i > 0, 1, 2.5)
coalesce(s, 'none')
coalesce(i, s)
coalesce(i, 0)
nvl(t, s)
ifnull(i, 1)
nvl2(i, 'yes', 'no')
nullif(i, 7)
nullif(s, 'abc')
nanvl(d, 0)
isnan(d)
isnull(s)
isnotnull(s)
greatest(i, 1)
least(i, 1, null)
greatest(d, 0.5)
abs(i)
abs(d)
abs(s)
ceil(d)
floor(d)
ceil(i)
floor(dec)
floor(s)
round(d)
round(d, 2)
round(i, -1)
round(dec, 1)
round(s, 1)
bround(d)
sign(d)
sqrt(d)
cbrt(d)
exp(i)
ln(d)
log(d)
log(2, d)
log10(d)
log2(d)
log1p(d)
pow(i, 2)
power(d, 0.5)
mod(i, 3)
pmod(i, 3)
pmod(i, -3)
pmod(d, 2)
sin(d)
atan2(i, 1)
asin(d)
degrees(i)
rint(d)
hypot(i, 1)
expm1(d)
shiftright(i, 1)
upper(s)
lower(t)
length(s)
length(i)
trim(t)
ltrim(t)
rtrim(t)
trim(both 'x' from t)
trim(leading ' ' from t)
btrim(t)
reverse(s)
concat(s, '-', t)
concat(s, i)
concat_ws('-', s, t)
concat_ws('-', s, i)
s || '!'
s || i
substring(s, 2)
substring(s, 2, 2)
substring(s, 0, 2)
substring(s, -2)
substring(s, -2, 1)
substring(s, -50, 49)
substring(s, 2, -1)
substr(s, 1, 3)
left(s, 2)
left(s, 0)
right(s, 2)
right(s, -1)
replace(s, 'a', 'x')
replace(s, 'a')
translate(s, 'abc', 'x')
lpad(s, 4, '*')
rpad(s, 4)
lpad(s, 2, '*')
repeat(t, 2)
space(2)
initcap(t)
instr(s, 'b')
locate('b', s)
locate('b', s, 2)
locate('b', s, 0)
position('b', s)
startswith(s, '4')
endswith(s, 'c')
contains(s, 'b')
split(s, ',')
split(s, '[,.]')
split(t, ' ')[0]
split_part(s, ',', 2)
split_part(s, ',', -1)
substring_index(s, ',', 1)
substring_index(s, ',', 2)
substring_index(s, ',', -2)
regexp_extract(s, '([0-9]+)', 1)
regexp_extract(s, '([a-z]),([a-z])', 2)
regexp_extract(s, '[0-9]+', 0)
regexp_extract_all(s, '([0-9])')
regexp_replace(s, '[0-9]', '#')
regexp_replace(s, '([0-9])', '<$1>')
regexp_count(s, '[0-9]')
regexp_like(s, '^a')
regexp_substr(s, '[0-9]+')
ascii(t)
char(65)
md5(s)
sha1(s)
sha2(s, 256)
base64(s)
cast(unbase64('YWJj') as string)
decode(i, 7, 'seven', 0, 'nil', 'other')
decode(i, 7, 'seven')
octet_length(s)
to_date(s)
to_date(s, 'yyyy-MM-dd')
to_timestamp(s)
to_timestamp(t, 'yyyy-MM-dd HH:mm:ss')
date_format(ts, 'yyyy-MM-dd HH:mm')
date_format(dt, 'MMM d, yyyy')
date_format(ts, "yyyy-MM-dd'T'HH:mm:ss.SSS")
date_format(ts, 'EEEE EEE a hh')
year(dt)
month(ts)
day(dt)
dayofmonth(dt)
hour(ts)
minute(ts)
second(ts)
quarter(dt)
weekofyear(dt)
dayofweek(dt)
weekday(dt)
dayofyear(dt)
year(s)
hour(s)
last_day(dt)
add_months(dt, 1)
add_months(dt, -2)
date_add(dt, 1)
date_add(ts, 1)
date_add(s, 1)
date_sub(dt, 1)
datediff(dt, date '2020-01-01')
datediff(ts, dt)
date_trunc('month', ts)
date_trunc('hour', ts)
date_trunc('week', ts)
trunc(dt, 'month')
trunc(dt, 'year')
unix_timestamp(ts)
unix_timestamp(s)
unix_timestamp(t, 'yyyy-MM-dd HH:mm:ss')
to_unix_timestamp(ts)
from_unixtime(i)
from_unixtime(i, 'yyyy-MM-dd')
make_date(2020, 2, i)
timestamp_seconds(i)
timestamp_millis(i)
unix_millis(ts)
unix_seconds(ts)
unix_micros(ts)
unix_date(dt)
date_from_unix_date(length(s))
from_utc_timestamp(ts, 'America/New_York')
to_utc_timestamp(ts, 'Asia/Tokyo')
extract(year from ts)
extract(dow from dt)
date_part('month', dt)
dt + 1
dt - 1
dt + interval 1 month
ts + interval 2 hours
ts - interval 1 day
dt < date '2020-01-01'
ts > timestamp '2020-01-01 00:00:00'
dt = '2020-01-31'
dayname(dt)
monthname(dt)
arr[0]
arr[5]
arr[-1]
arr[i]
element_at(arr, 1)
element_at(arr, -1)
get(arr, 1)
size(arr)
size(m)
cardinality(arr)
array_size(arr)
array_contains(arr, 2)
array_contains(arr, 9)
array_distinct(array(1, 1, null, null))
array_max(arr)
array_min(arr)
array_position(arr, 2)
array_position(arr, 9)
array_remove(arr, 2)
array_sort(arr)
sort_array(arr)
array_join(words, '-')
array_union(arr, array(9))
array_except(arr, array(2))
array_intersect(arr, array(2, 5))
arrays_overlap(array(1), array(1, 2))
array_append(arr, 4)
array(i, 1)
concat(arr, array(9))
reverse(arr)
slice(arr, 2, 2)
slice(arr, -2, 2)
flatten(array(arr, arr))
transform(arr, x -> x + 1)
transform(arr, (x, k) -> x * k)
transform(arr, x -> x + i)
filter(arr, x -> x > 1)
filter(words, w -> w like '%a%')
exists(arr, x -> x > 2)
forall(arr, x -> x > 0)
aggregate(arr, 0, (acc, x) -> acc + x)
aggregate(array(1, 2), 0, (acc, x) -> acc + x, acc -> acc * 10)
transform(words, w -> upper(w))
transform(sts, e -> e.x)
sts.x
sts[0].y
st.x
st.y AS deep
m['k']
m['nope']
m.k
element_at(m, 'k')
array_sort(map_keys(m))
array_sort(map_values(m))
map_contains_key(m, 'k')
map('a', 1)['a']
map('a', i)
struct(i, s)
named_struct('p', i, 'q', s).q
get_json_object(j, '$.a.b[1]')
get_json_object(j, '$.a')
get_json_object(j, '$.c')
get_json_object(j, '$.n')
get_json_object(j, '$')
get_json_object(j, "$['c']")
get_json_object(s, '$.a')
from_json(j, 'c STRING').c
from_json(j, 'a STRUCT<b: ARRAY<DOUBLE>>').a.b
to_json(st)
json_array_length(j)
json_object_keys(j)
explode(arr)
explode_outer(arr)
shiftright(i, 1)
try_add(i, 1)
try_divide(i, 0)
acos(d)
cosh(i)
radians(i)
tan(d)
char_length(s)
ucase(s)
lcase(s)
len(s)
sha(s)
chr(65)
url_decode('a%20b+c')
e()
pi()
positive(i)
negative(i)
signum(i)
date_diff(dt, date '2020-01-01')
dateadd(dt, 3)
reduce(arr, 0, (acc, x) -> acc + x)
map_from_arrays(array('a'), array(1))['a']
dt between date '2020-01-01' and date '2020-12-31'
s != 'abc'
i <> 7
d >= 0
d <= 0
s is distinct from 'abc'
cast('abc' as int)
cast('12' as int)
cast(s as varchar(3))
cast(3 as string)
if(b, 'x', null)
case when s = 'abc' then 1 end
ceiling(d)
timestamp_micros(l)
character_length(s)
regexp(s, '^a')
rlike(s, '^a')
atan(i)
cos(i)
sinh(dec)
tanh(i)
try_multiply(d, 2)
try_subtract(i, 1)
datepart('year', dt)
s not rlike '^a'
i not between 1 and 5
t not ilike 'HELLO%'
s is not distinct from 'abc'
regexp_extract(s, '([0-9])([0-9])')
regexp_extract(s, '\d+', 0)
regexp_extract(s, '\\d+', 0)
regexp_extract(s, r'\d+', 0)
concat('a\%b', 'c\_d', '\\', 'x\ny', '\w')
t like 'a\%b'
true
null
'it''s'
'a\tb'
1
1.5
1e3
5L
2.5D
concat(cast(d as string), 'x')
concat(d, 'x')
upper(d)
cast(cast(s as double) as int)
cast(round(cast(s as double) * 100) as int)
cast(s as double) > 1 and i > 0
""".splitlines() if line]  # fmt: skip


def plain(value: Any) -> Any:
    """A value as JSON holds it: NaN and infinities, dates and decimals as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, datetime.datetime):
        return {"time": value.replace(tzinfo=None).isoformat()}
    if isinstance(value, datetime.date):
        return {"date": value.isoformat()}
    if isinstance(value, decimal.Decimal):
        return {"decimal": str(value)}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def ask_spark() -> dict[str, dict[str, Any]]:
    """Spark's answers: for each expression the column's name and values, or why there are none."""
    from pyspark.sql import SparkSession  # type: ignore[import-not-found,unused-ignore]

    builder = SparkSession.builder.master("local[1]")
    for name, value in {"ansi.enabled": "false", "session.timeZone": "UTC"}.items():
        builder = builder.config(f"spark.sql.{name}", value)
    spark = builder.config("spark.sql.warehouse.dir", "/nonexistent").getOrCreate()
    frame = spark.createDataFrame([tuple(row.values()) for row in ROWS], SCHEMA).coalesce(1)
    answers: dict[str, dict[str, Any]] = {}
    for text in EXPRESSIONS:
        try:
            found = frame.selectExpr(text)
            values = [plain(row.asDict(recursive=True)[found.columns[0]]) for row in found.collect()]
            answers[text] = {"name": found.columns[0], "values": values}
        except Exception as error:  # noqa: BLE001 - whatever Spark says is the answer
            answers[text] = {"error": str(error).partition("\n")[0]}
    return answers


if __name__ == "__main__":
    import os
    import time

    os.environ["TZ"] = "UTC"
    time.tzset()
    given = ask_spark()
    lines = (f"{json.dumps(text)}: {json.dumps(answer, ensure_ascii=False)}" for text, answer in given.items())
    ANSWERS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
