"""Models behind a URL explained over real HTTP: every content type, retries, and what a failing model is told by."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pyarrow as pa
import pytest

from driftline.captures.forward import Forwarder
from driftline.errors import Denied, Invalid
from driftline.explanations.endpoint import Endpoint, ModelFailed
from driftline.explanations.explainer import explain
from driftline.explanations.model import NotApplicable, ask
from driftline.explanations.models import open_model
from driftline.explanations.settings import Settings

Answer = Callable[[bytes, int], tuple[int, str, str]]
"""What a served model answers to a body and the number of the call: status, content type, body."""

ROWS = pa.record_batch({"age": [40, 50, 60], "sex": ["f", "m", "f"]})


@contextmanager
def served(answer: Answer) -> Iterator[tuple[str, list[bytes]]]:
    """A model at a URL, and the bodies that it got."""
    seen = list[bytes]()

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            seen.append(body)
            status, kind, text = answer(body, len(seen))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def forwarder() -> Iterator[Forwarder]:
    """What calls models."""
    found = Forwarder(seconds=10)
    yield found
    found.close()


def score(age: float, sex: str) -> float:
    """The model."""
    return round(age / 100 + (0.1 if sex == "f" else 0.0), 6)


def of_csv(body: bytes, call: int) -> tuple[int, str, str]:
    """Rows of CSV, a line each."""
    rows = csv.reader(io.StringIO(body.decode()))
    return 200, "text/csv", "\n".join(str(score(float(age), sex)) for age, sex in rows)


def of_lines(body: bytes, call: int) -> tuple[int, str, str]:
    """JSON lines, with a label beside the score."""
    rows = [json.loads(line)["features"] for line in body.decode().splitlines()]
    answers = [{"predicted_label": int(score(*row) > 0.5), "score": score(*row)} for row in rows]
    return 200, "application/jsonlines", "\n".join(map(json.dumps, answers))


def of_json(body: bytes, call: int) -> tuple[int, str, str]:
    """JSON with all records in a list, as many servers take it."""
    rows = json.loads(body)["instances"]
    answers = [{"p": [1 - score(row["age"], row["sex"]), score(row["age"], row["sex"])]} for row in rows]
    return 200, "application/json", json.dumps({"predictions": answers})


@pytest.mark.parametrize(
    ("answer", "predictor"),
    [
        (of_csv, {}),
        (of_csv, {"content_type": "text/csv", "accept_type": "text/csv", "label": 0}),
        (of_lines, {"content_type": "application/jsonlines", "content_template": '{"features": $features}'}),
        (of_lines, {"content_type": "application/jsonlines", "probability": "score"}),
        (
            of_json,
            {
                "content_type": "application/json",
                "content_template": {"instances": "$records"},
                "record_template": "$features_kvp",
                "probability": "predictions[*].p[1]",
            },
        ),
    ],
)
def test_an_endpoint_is_explained(forwarder: Forwarder, answer: Answer, predictor: dict[str, Any]) -> None:
    """EX-03, EX-04: texts reach the model as texts, and the attributions are those of its score."""
    with served(answer) as (url, seen):
        model = open_model(url, predictor, forwarder.calling)
        found = pa.Table.from_batches(explain([ROWS], model, Settings([[40, "m"]])))
    assert found["label0/age"].to_pylist() == pytest.approx([0.0, 0.1, 0.2])
    assert found["label0/sex"].to_pylist() == pytest.approx([0.1, 0.0, 0.1])
    assert len(seen) == 3


def test_many_records_are_many_calls(forwarder: Forwarder) -> None:
    """No request is larger than an endpoint takes."""
    rows = pa.record_batch({"age": [40] * 1000, "sex": ["f"] * 1000})
    with served(of_csv) as (url, seen):
        model = Endpoint(forwarder.calling(url), url, records=300, largest=1000)
        assert len(ask(model, rows)) == 1000
    assert max(map(len, seen)) <= 1000
    assert b"".join(seen).count(b"\n") == 1000


def test_a_model_that_stumbles_is_asked_again(forwarder: Forwarder) -> None:
    """A status of 5xx twice, then the answer."""
    waits = list[float]()
    with served(lambda body, call: (503, "text/plain", "busy") if call < 3 else of_csv(body, call)) as (url, seen):
        model = Endpoint(forwarder.calling(url), url, pause=waits.append)
        assert ask(model, ROWS).shape == (3, 1)
    assert (len(seen), waits) == (3, [0.5, 1.0])


def test_a_model_that_fails_is_told_with_url_request_and_answer(forwarder: Forwarder) -> None:
    """The first thing to know when a baseline dies: what was sent, and what came back."""
    with served(lambda body, call: (500, "text/plain", "KeyError: 'income'")) as (url, _):
        model = Endpoint(forwarder.calling(url), url, waits=(0.0,))
        with pytest.raises(ModelFailed) as caught:
            ask(model, ROWS)
    for part in (url, "500", "KeyError: 'income'", "40,f"):
        assert part in str(caught.value)
    other = Forwarder(seconds=10)  # without the connection that is still open
    with pytest.raises(ModelFailed, match="cannot be reached"):
        ask(Endpoint(other.calling(url), url, waits=()), ROWS)


def test_a_request_that_is_refused_is_not_repeated(forwarder: Forwarder) -> None:
    """4xx: the caller must mend it."""
    with served(lambda body, call: (415, "text/plain", "only JSON here")) as (url, seen):
        with pytest.raises(Invalid, match="only JSON here"):
            ask(Endpoint(forwarder.calling(url), url), ROWS)
        assert len(seen) == 1


@pytest.mark.parametrize("text", ["yes\nno\nyes", "0.1\n0.2", "0.1\n0.2\n0.3\n0.4", ""])
def test_an_answer_that_does_not_fit_is_not_applicable(forwarder: Forwarder, text: str) -> None:
    """EX-08: names of classes, too few or too many lines."""
    with served(lambda body, call: (200, "text/csv", text)) as (url, _), pytest.raises(NotApplicable):
        ask(Endpoint(forwarder.calling(url), url), ROWS)


def test_all_numbers_on_one_line(forwarder: Forwarder) -> None:
    """As servers of XGBoost answer CSV."""
    with served(lambda body, call: (200, "text/csv", "0.1,0.2,0.3")) as (url, _):
        assert ask(Endpoint(forwarder.calling(url), url), ROWS).tolist() == [[0.1], [0.2], [0.3]]


def test_forbidden_hosts_stay_forbidden(forwarder: Forwarder) -> None:
    """The list of allowed hosts holds here too."""
    with pytest.raises(Denied):
        ask(open_model("http://169.254.169.254/", {}, forwarder.calling), ROWS)
