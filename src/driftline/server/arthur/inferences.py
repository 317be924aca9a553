"""Rows of Arthur's clients: captured calls, inferences, labels, files and reference sets; kept at once, read later."""

from __future__ import annotations

import json
from hashlib import sha256
from io import BytesIO
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import JSONResponse

from driftline.catalog.models import jobs_of
from driftline.errors import Conflict, Invalid
from driftline.imports import jobs
from driftline.imports.job import Content, ImportFile
from driftline.imports.pushed import inbox_of, push
from driftline.schemas.columns import Columns
from driftline.schemas.fields import Environment
from driftline.server.arthur.found import Found, find
from driftline.server.arthur.rows import INFERENCE, TRUTH, columns_for, lines_of
from driftline.server.aws.waking import wake
from driftline.server.aws.wire import Call
from driftline.server.multipart import Part, parts_of
from driftline.server.rest.callers import Reading, Writing
from driftline.storage.access import Access

router = APIRouter(prefix="/models/{id}")

REFERENCE = "reference_data"
_RESULTS, _ACKNOWLEDGED = 207, 202
_FIRST = 1 << 20
"""So many first bytes tell whether a file holds captured calls."""


async def _body(request: Request) -> bytes:
    return await request.body()


def _parts(request: Request, body: Annotated[bytes, Depends(_body)]) -> dict[str, Part]:
    """The fields of the form that was sent, by name."""
    return {each.name: each for each in parts_of(body, request.headers.get("content-type", ""))}


Parts = Annotated[dict[str, Part], Depends(_parts)]


@router.post("/inferences/integrations/sagemaker_data_capture")
def take_captures(call: Writing, id: str, parts: Parts) -> JSONResponse:
    """Keep a file that SageMaker's Data Capture wrote, and acknowledge it; the same bytes again are known."""
    data = _file_of(parts, INFERENCE)
    _check_captured(data)
    found = _found(call, id)
    kept = _push(call, found, data, "capture", Content.PREDICTIONS, Columns())
    said = {"message": "accepted" if kept.attempts == 0 else "known already", "file": kept.number}
    return JSONResponse({**said, "status": str(kept.status), "bytes": kept.size}, _ACKNOWLEDGED)


@router.post("/inferences")
def take_inferences(call: Writing, id: str, rows: Annotated[Any, Body()]) -> JSONResponse:
    """Keep the rows that can be taken, and tell of each whether it was."""
    return _taken(call, id, rows)


@router.patch("/inferences")
def take_truths(call: Writing, id: str, rows: Annotated[Any, Body()]) -> JSONResponse:
    """Keep labels of inferences that came before, or are yet to come."""
    return _taken(call, id, rows, late=True)


@router.post("/inferences/file")
def take_file(call: Writing, id: str, parts: Parts) -> JSONResponse:
    """Keep a file of inferences or of labels, Parquet or JSON, and tell how many rows it has."""
    late = TRUTH in parts and INFERENCE not in parts
    found = _found(call, id)
    data = _file_of(parts, TRUTH if late else INFERENCE)
    if data[:4] != b"PAR1":
        return _taken(call, id, _rows_of(data), late=late, member="failures")
    schema, rows = _parquet(data)
    truths = {each.name for each in found.version.schema.late}
    content = Content.ACTUALS if late else Content.BOTH if truths & set(schema.names) else Content.PREDICTIONS
    batch = parts["batch_id"].data.decode("utf-8", "replace") if "batch_id" in parts else ""
    columns = columns_for(frozenset(schema.names), content)
    _push(call, found, data, "parquet", content, columns, batch=batch or None)
    return _counted(rows)


@router.post("/reference_data")
def take_reference(call: Writing, id: str, parts: Parts) -> JSONResponse:
    """Keep a file of the set that the model was made with: the rows that others are compared with."""
    found = _found(call, id)
    data = _file_of(parts, REFERENCE)
    if data[:4] == b"PAR1":
        schema, rows = _parquet(data)
        columns, names = columns_for(frozenset(schema.names), Content.BOTH), set(schema.names)
    else:
        given = [each.get(REFERENCE, each) for each in _rows_of(data)]
        names, rows = {name for each in given for name in each}, len(given)
        columns = columns_for(frozenset(names), Content.BOTH)
        data = b"".join(json.dumps(each).encode() + b"\n" for each in given)
    truths = {each.name for each in found.version.schema.late}
    content = Content.BOTH if truths & names else Content.PREDICTIONS
    format = "parquet" if data[:4] == b"PAR1" else "jsonlines"
    _push(call, found, data, format, content, columns, Environment.TRAINING)
    return _counted(rows)


@router.patch("/reference_data")
@router.patch("/batches/{batch}")
def close(call: Writing, id: str, sent: Annotated[dict[str, Any], Body()], batch: str | None = None) -> dict[str, Any]:
    """Note that all of a set or a batch is here; nothing waits for it, since rows count as they come."""
    _found(call, id)
    return {**sent, "id": batch or REFERENCE, "status": sent.get("status", "uploaded")}


@router.post("/inferences/query")
def count(call: Reading, id: str, sent: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """How many rows have come, which is what the client asks while it waits for them; raises `Invalid` for more."""
    if [each.get("function") for each in sent.get("select", ()) if isinstance(each, dict)] != ["count"]:
        remedy = "Other figures are those of monitors: see the REST API."
        raise Invalid(what="select", got=sent.get("select"), expected='[{"function": "count"}]', remedy=remedy)
    late = sent.get("from") == "ground_truth"
    total = 0
    with call.catalog.read() as tx:
        found = find(tx, id)
        for each in jobs_of(tx, found.model.id, found.version.version):
            job = jobs.get(tx, each)
            counts = job.environment is Environment.PRODUCTION
            if counts and job.content in ((Content.BOTH, Content.ACTUALS) if late else _WITH_PREDICTIONS):
                total += jobs.counts(tx, each).accepted
    return {"query_result": [{"count": total}]}


_WITH_PREDICTIONS = (Content.BOTH, Content.PREDICTIONS)


def _taken(call: Call, id: str, rows: Any, *, late: bool = False, member: str = "results") -> JSONResponse:
    found = _found(call, id)
    lines = lines_of(rows, found.version.schema, now=call.now, late=late)
    if lines.data:
        _push(call, found, lines.data, "jsonlines", lines.content, lines.columns)
    told = lines.answer()
    if member == "failures":
        told["failures"] = [each for each in told.pop("results") if each["status"] != 200]
    return JSONResponse(told, _RESULTS)


def _push(
    call: Call,
    found: Found,
    data: bytes,
    format: str,
    content: Content,
    columns: Columns,
    environment: Environment = Environment.PRODUCTION,
    batch: str | None = None,
) -> ImportFile:
    """The bytes in the ledger, by their digest: sent again they change nothing."""
    version = found.version
    inbox = inbox_of(
        call.settings,
        version.model,
        version.version,
        format=format,
        content=content,
        columns=columns,
        environment=environment,
        batch=batch,
    )
    kept = push(call.catalog, inbox, data, sha256(data).hexdigest(), access=Access(), now=call.now)
    wake(call)
    return kept


def _found(call: Call, id: str) -> Found:
    """The model that the rows are of; raises `NotFound`, `Conflict` for one that is archived."""
    with call.catalog.read() as tx:
        found = find(tx, id)
    if found.version.body.get("arthur", {}).get("archived"):
        raise Conflict(what="model", name=id, reason="is archived", remedy="Send the rows to another model.")
    return found


def _file_of(parts: dict[str, Part], name: str) -> bytes:
    if name not in parts:
        raise Invalid(what="form", got=", ".join(parts) or "nothing", expected=f"a file in the field {name}")
    if not parts[name].data:
        remedy = "Send the bytes of the object."
        raise Invalid(what=name, got="an empty file", expected="rows", remedy=remedy)
    return parts[name].data


def _check_captured(data: bytes) -> None:
    """Raises `Invalid` where even the first line is no record of a call; all else is told of the file."""
    line = data[:_FIRST].lstrip().partition(b"\n")[0]
    if b"captureData" not in line:
        remedy = "Send the object as Data Capture wrote it."
        raise Invalid(
            what=INFERENCE, got=line[:80].decode("utf-8", "replace"), expected="captured calls", remedy=remedy
        )


def _parquet(data: bytes) -> tuple[pa.Schema, int]:
    try:
        file = pq.ParquetFile(BytesIO(data))
    except (pa.ArrowException, OSError, ValueError) as error:
        remedy = "Write it again and send it again."
        raise Invalid(what="file", got="bytes that are no whole Parquet", expected=str(error), remedy=remedy) from error
    return file.schema_arrow, file.metadata.num_rows


def _rows_of(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise Invalid(
            what="file", got=data[:40].decode("utf-8", "replace"), expected="Parquet, or a JSON list"
        ) from error


def _counted(rows: int) -> JSONResponse:
    return JSONResponse({"counts": {"success": rows, "failure": 0, "total": rows}, "failures": []}, _RESULTS)
