"""Seeded generators of what is measured: an inference log of 21 columns, captured calls, a wide table.

Everything is written once into `benchmarks/data` and kept. The same seed gives the same rows.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

DATA = Path(__file__).resolve().parent / "data"
CHUNK = 262_144
START_MILLISECONDS = 1_760_000_000_000
COUNTRIES = [first + second for first, second in product("ABCDEFGH", "KLMNPQR")][:50]
DEVICES = ["ios", "android", "web", "partner_api", "call_center"]
CHANNELS = ["email", "push", "organic", "ads_search", "ads_social", "affiliate"]
CHANNELS += ["referral", "direct", "sms", "tv", "store", "unknown"]
MERCHANTS = [f"mcc_{number:04d}" for number in range(300)]
FLOATS = ["f_norm", "f_lognorm", "f_amount", "f_t2", "f_exp_null5", "f_unif_null20", "f_gamma_null60", "f_score"]
LOG = pa.schema(
    [
        *[(name, pa.float64()) for name in FLOATS],
        ("f_ratio32", pa.float32()),
        ("f_nan", pa.float64()),
        ("i_age", pa.int32()),
        *[(name, pa.int64()) for name in ("i_count", "i_user", "i_zipf_null")],
        *[(name, pa.string()) for name in ("s_country", "s_device", "s_channel_null", "s_merchant", "s_request_id")],
        ("b_member", pa.bool_()),
        ("ts", pa.timestamp("ms")),
    ]
)
Random = np.random.Generator


def name_of(rows: int) -> str:
    """How many rows, in short.

    >>> name_of(10_000_000), name_of(100_000)
    ('10m', '100k')
    """
    return f"{rows // 10**6}m" if rows >= 10**6 else f"{rows // 1000}k"


def log_batches(rows: int, seed: int = 7, drift: float = 0.0) -> Iterator[pa.RecordBatch]:
    """The inference log, in batches; `drift` moves some columns."""
    random = np.random.default_rng(seed)
    for start in range(0, rows, CHUNK):
        yield _log_batch(random, min(CHUNK, rows - start), start, drift)


def _log_batch(random: Random, n: int, start: int, drift: float) -> pa.RecordBatch:
    steps = (start + np.arange(n)) * 86 + random.integers(0, 500, n)
    columns = [
        *_floats(random, n, drift),
        pa.array(np.clip(random.normal(42, 14, n), 18, 95).astype(np.int32)),
        pa.array(random.poisson(4, n).astype(np.int64)),
        pa.array(random.integers(1, 3_000_000, n)),
        pa.array(np.minimum(random.zipf(1.4, n), 10**12).astype(np.int64), mask=random.random(n) < 0.02),
        _category(random, n, COUNTRIES, _zipf(50)),
        _category(random, n, DEVICES, np.array([0.4, 0.35, 0.2, 0.04, 0.01])),
        _category(random, n, CHANNELS, None, 0.08),
        _category(random, n, MERCHANTS, _zipf(300)),
        _ids(random, n),
        pa.array(random.random(n) < 0.3, mask=random.random(n) < 0.01),
        pa.array(START_MILLISECONDS + steps, pa.timestamp("ms")),
    ]
    return pa.record_batch(columns, schema=LOG)


def _floats(random: Random, n: int, drift: float) -> list[pa.Array]:
    with_nan = random.normal(10, 3, n)
    with_nan[random.random(n) < 0.01] = np.nan
    return [
        pa.array(random.normal(0.5 * drift, 1, n)),
        pa.array(random.lognormal(3 + 0.2 * drift, 1.5, n)),
        pa.array(np.round(random.lognormal(3.5, 1.0, n), 2)),
        pa.array(random.standard_t(2, n) * 10),
        pa.array(random.exponential(20, n), mask=random.random(n) < 0.05),
        pa.array(random.random(n), mask=random.random(n) < 0.20),
        pa.array(random.gamma(2, 2, n), mask=random.random(n) < 0.60),
        pa.array(random.beta(2 + drift, 5, n)),
        pa.array(random.beta(2, 2, n).astype(np.float32)),
        pa.array(with_nan, from_pandas=False),
    ]


def _zipf(n: int) -> np.ndarray:
    shares = 1 / np.arange(1, n + 1) ** 1.1
    return shares / shares.sum()


def _category(random: Random, n: int, values: list[str], shares: np.ndarray | None, missing: float = 0.0) -> pa.Array:
    places = random.choice(len(values), n, p=shares).astype(np.int32)
    mask = random.random(n) < missing if missing else None
    return pa.DictionaryArray.from_arrays(pa.array(places, mask=mask), pa.array(values)).cast(pa.string())


def _ids(random: Random, n: int) -> pa.Array:
    """Random ids of 32 hexadecimal digits."""
    raw = random.integers(0, 256, (n, 16), dtype=np.uint8)
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    text = np.empty((n, 32), np.uint8)
    text[:, 0::2], text[:, 1::2] = digits[raw >> 4], digits[raw & 15]
    ends = pa.py_buffer(np.arange(0, 32 * n + 1, 32, dtype=np.int32))
    return pa.StringArray.from_buffers(n, ends, pa.py_buffer(text.reshape(-1)))


def log_parquet(rows: int, seed: int = 7, drift: float = 0.0) -> Path:
    """The log as Parquet, snappy, row groups of 262,144."""
    path = DATA / f"log_{name_of(rows)}_{seed}_{drift:g}.parquet"
    if not path.exists():
        with pq.ParquetWriter(_new(path), LOG, compression="snappy") as writer:
            for batch in log_batches(rows, seed, drift):
                writer.write_batch(batch, row_group_size=CHUNK)
        _done(path)
    return path


def log_csv(rows: int) -> Path:
    """The log as CSV with a header."""
    path = DATA / f"log_{name_of(rows)}.csv"
    if not path.exists():
        with pc.CSVWriter(str(_new(path)), LOG) as writer:
            for batch in log_batches(rows):
                writer.write_batch(batch)
        _done(path)
    return path


def wide_parquet(columns: int = 5_000, rows: int = 10_000) -> Path:
    """A table of very many columns: three in four floats, the others integers or text."""
    path = DATA / f"wide_{columns}x{rows}.parquet"
    if not path.exists():
        random = np.random.default_rng(11)
        table = {f"c{number:04d}": _wide_column(random, number, rows) for number in range(columns)}
        pq.write_table(pa.table(table), _new(path), compression="snappy")
        _done(path)
    return path


def _wide_column(random: Random, number: int, rows: int) -> pa.Array:
    if number % 4:
        return pa.array(random.normal(number % 7, 1 + number % 3, rows))
    if number % 8:
        return pa.array(random.integers(0, 1000, rows))
    return _category(random, rows, MERCHANTS, _zipf(300))


def capture(rows: int, encoding: str) -> Path:
    """Captured calls of SageMaker's Data Capture, one call a line, 20 features: `csv`, `json` or `base64`."""
    path = DATA / f"capture_{name_of(rows)}_{encoding}.jsonl"
    if not path.exists():
        with _new(path).open("w", encoding="utf-8") as file:
            for start in range(0, rows, 50_000):
                file.writelines(_calls(start, min(50_000, rows - start), encoding))
        _done(path)
    return path


def _calls(start: int, n: int, encoding: str) -> Iterator[str]:
    random = np.random.default_rng((5, start))
    columns: list[list[Any]] = [np.round(random.lognormal(2, 1, n), 4).tolist() for _ in range(13)]
    columns += [random.integers(0, 1000, n).tolist() for _ in range(4)]
    for values in (["ios", "android", "web", "partner"], COUNTRIES, MERCHANTS):
        columns.append(np.array(values)[random.integers(0, len(values), n)].tolist())
    for row in np.flatnonzero(random.random(n) < 0.05):
        columns[3][row] = None
    scores = np.round(random.random(n), 6).tolist()
    ids = _ids(random, n).to_pylist()
    for row, values in enumerate(zip(*columns, strict=True)):
        yield json.dumps(_call(start + row, ids[row], values, scores[row], encoding), separators=(",", ":")) + "\n"


def _call(row: int, event: str, values: tuple[Any, ...], score: float, encoding: str) -> dict[str, Any]:
    kind, answer, mark = "text/csv", "text/csv; charset=utf-8", encoding.upper()
    if encoding == "json":
        kind = answer = "application/json"
        given = json.dumps({f"f{place}": value for place, value in enumerate(values)})
        got = json.dumps({"predictions": [{"score": score, "predicted_label": int(score > 0.5)}]})
    else:
        given = ",".join("" if value is None else str(value) for value in values)
        got = str(score)
    if encoding == "base64":
        given, got = base64.b64encode(given.encode()).decode(), base64.b64encode(got.encode()).decode()
    seconds = row // 12
    time = (
        f"2026-01-{1 + row // 40_000 % 28:02d}T{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"
    )
    sides = {
        "endpointInput": {"observedContentType": kind, "mode": "INPUT", "data": given, "encoding": mark},
        "endpointOutput": {"observedContentType": answer, "mode": "OUTPUT", "data": got, "encoding": mark},
    }
    identity = f"{event[:8]}-{event[8:12]}-4{event[13:16]}-a{event[17:20]}-{event[20:]}"
    return {
        "captureData": sides,
        "eventMetadata": {"eventId": identity, "inferenceTime": time},
        "eventVersion": "0",
    }


def _new(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_suffix(path.suffix + ".part")


def _done(path: Path) -> None:
    path.with_suffix(path.suffix + ".part").rename(path)
