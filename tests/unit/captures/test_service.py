"""Capture inside a service of one's own: the middleware in a real server, and the logger."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import numpy as np
import pytest
import uvicorn
from captured import objects, records
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

import driftline
from driftline.captures import CaptureConfig, CaptureLogger, CaptureMiddleware, Journal, Limits
from driftline.errors import Invalid

AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


async def predict(request: Request) -> Response:
    """A model: the sum of the values."""
    body = await request.body()
    if body == b"fail":
        return PlainTextResponse("no", 500)
    return Response(str(sum(map(float, body.split(b",")))), media_type="text/csv")


async def stream(request: Request) -> Response:
    """An answer in pieces."""
    await request.body()

    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"1\n", b"2\n", b"", b"3\n"):
            yield piece
            await asyncio.sleep(0.01)

    return StreamingResponse(pieces(), media_type="text/csv")


async def double(request: Request) -> Response:
    """JSON."""
    given = json.loads(await request.body())
    return JSONResponse({name: value * 2 for name, value in given.items()})


ROUTES = [
    Route("/invocations", predict, methods=["POST"]),
    Route("/stream", stream, methods=["POST"]),
    Route("/double", double, methods=["POST"]),
    Route("/other", predict, methods=["POST"]),
]
PATHS = ("/invocations", "/stream", "/double")


@contextmanager
def serving(journal: Journal | Path, config: CaptureConfig | str) -> Iterator[http.client.HTTPConnection]:
    """The service for the length of a block, then it ends as on a polite signal."""
    app = Starlette(routes=ROUTES)
    app.add_middleware(CaptureMiddleware, config=config, endpoint="sums", paths=PATHS, journal=journal, rng=Random(7))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on"))
    sock = server.config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    connection = http.client.HTTPConnection(*sock.getsockname())
    try:
        yield connection
    finally:
        connection.close()
        server.should_exit = True
        thread.join(20)
        sock.close()


def ask(connection: http.client.HTTPConnection, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    """Status and body of an answer."""
    given = {"Content-Type": "text/csv", **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.request("POST", path, body, given)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_the_service_answers_as_before_and_its_calls_are_captured(tmp_path: Path) -> None:
    """X-18: the records are those of SageMaker's endpoints, and read as such."""
    out = str(tmp_path / "out")
    with serving(tmp_path / "journal", out) as service:
        marks = {"X_Amzn_SageMaker_Inference_Id": "order-17", "X_Amzn_SageMaker_Custom_Attributes": "trace=42"}
        assert ask(service, "/invocations", b"1,2", **marks) == (200, b"3.0")
        assert ask(service, "/stream", b"4,5") == (200, b"1\n2\n3\n")
        assert ask(service, "/double", b'{"a": 1}', Content_Type="application/json") == (200, b'{"a":2}')
        assert ask(service, "/other", b"1,2") == (200, b"3.0")
        assert ask(service, "/invocations", b"fail")[0] == 500
    found = {record["captureData"]["endpointInput"]["data"]: record for record in records(out)}
    assert set(found) == {"1,2", "4,5", '{"a": 1}'}
    first = found["1,2"]
    assert first["eventMetadata"]["inferenceId"] == "order-17"
    assert first["eventMetadata"]["customAttributes"] == ["trace=42"]
    assert first["captureData"]["endpointOutput"] == {
        "observedContentType": "text/csv; charset=utf-8",
        "mode": "OUTPUT",
        "data": "3.0",
        "encoding": "CSV",
    }
    assert found["4,5"]["captureData"]["endpointOutput"]["data"] == "1\n2\n3\n"
    assert found['{"a": 1}']["captureData"]["endpointOutput"]["encoding"] == "JSON"
    folder = tmp_path / "out" / "sums" / "AllTraffic"
    assert all(Path(uri).is_relative_to(folder) for uri in objects(out))


def test_the_record_is_in_the_journal_before_the_answer_has_ended(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", limits=Limits(seconds=3600))
    with serving(journal, str(tmp_path / "out")) as service:
        for number in range(1, 50):
            ask(service, "/invocations", b"1,2")
            kept = b"".join(path.read_bytes() for path in (tmp_path / "journal").iterdir())
            assert kept.count(b"captureData") == number


def test_large_payloads_are_captured_too(tmp_path: Path) -> None:
    body = ",".join(["1"] * 1_000_000).encode()
    with serving(tmp_path / "journal", str(tmp_path / "out")) as service:
        assert ask(service, "/invocations", body) == (200, b"1000000.0")
    (record,) = records(str(tmp_path / "out"))
    assert record["captureData"]["endpointInput"]["data"] == body.decode()


def test_a_share_of_the_calls(tmp_path: Path) -> None:
    """X-12."""
    with serving(tmp_path / "journal", CaptureConfig(str(tmp_path / "out"), 30, options=["Output"])) as service:
        for _ in range(300):
            assert ask(service, "/invocations", b"1,2") == (200, b"3.0")
    found = list(records(str(tmp_path / "out")))
    assert 60 < len(found) < 120
    assert all(list(record["captureData"]) == ["endpointOutput"] for record in found)


def test_the_logger_takes_what_python_has(tmp_path: Path) -> None:
    """Texts are CSV, objects JSON, numpy values too; what is written is read by the reader of captured data."""
    with CaptureLogger(str(tmp_path / "out"), endpoint="ep", journal=tmp_path / "journal", clock=lambda: AT) as logger:
        for number in range(3):
            logger.log(input={"age": np.int64(40 + number), "income": 1.5}, output={"score": np.float32(0.5)})
    (uri,) = objects(str(tmp_path / "out"))
    assert "/ep/AllTraffic/2024/05/06/07/08-09-000-" in uri
    profile = driftline.profile(str(tmp_path / "out"))
    assert profile.rows == 3
    assert profile.column("age").moments.mean == 41
    assert profile.column("score").moments.mean == 0.5
    assert [record["eventMetadata"]["inferenceTime"] for record in records(str(tmp_path / "out"))] == [
        "2024-05-06T07:08:09Z"
    ] * 3


def test_the_logger_returns_the_event_id(tmp_path: Path) -> None:
    with CaptureLogger(str(tmp_path / "out"), endpoint="ep", journal=tmp_path / "journal") as logger:
        event_id = logger.log(input=b"\x00\x01", output="0.5", custom_attributes="x")
    (record,) = records(str(tmp_path / "out"))
    assert record["eventMetadata"]["eventId"] == event_id
    assert record["captureData"]["endpointInput"]["encoding"] == "BASE64"


def test_what_cannot_be_captured_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    logger = CaptureLogger(str(tmp_path / "out"), endpoint="ep", journal=tmp_path / "journal")
    with pytest.raises(Invalid, match="payload"):
        logger.log(input=object())
    with pytest.raises(Invalid, match="a time with its zone"):
        logger.log(input="1", at=datetime(2024, 5, 6))
    assert not list((tmp_path / "journal").iterdir())
    for name in ("", "a/b", "..", "a_b", "x" * 64):
        with pytest.raises(Invalid, match="name of the endpoint"):
            CaptureLogger("s3://b", endpoint=name, journal=tmp_path / "journal")
    with pytest.raises(Invalid, match="URI"):
        CaptureLogger("https://b/c", endpoint="ep", journal=tmp_path / "journal")
