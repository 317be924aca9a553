"""What forwarding and capture add to a call of a model: the same calls, direct and by way of Driftline, in turn.

`python benchmarks/invoke.py` sends 200 calls a second for 20 seconds to a model in a process of its own, every second
one through `Forwarder` and `Recorder`; objects go to a folder, or with `--s3` to SeaweedFS. With `--server` they go
through `InvokeEndpoint` of a real `driftline serve` instead. It prints milliseconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "tests" / part) for part in ("contracts", "clients")]

from captured import ids, records  # noqa: E402
from models import running_model  # noqa: E402
from s3 import running_s3  # noqa: E402
from serving import ACCESS_KEY, REGION, SECRET_KEY, serving  # noqa: E402

from driftline.captures import CaptureConfig, Journal, Limits, Recorder  # noqa: E402
from driftline.captures.forward import Forwarder, Invocation  # noqa: E402

BODY = ",".join(["41", "0.5", "red"] * 20).encode()


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rate", type=float, default=200.0, help="calls a second")
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--s3", action="store_true", help="store in SeaweedFS")
    options.add_argument("--durable", action="store_true", help="wait for the disk at each record")
    options.add_argument("--server", action="store_true", help="through InvokeEndpoint of driftline serve")
    options.add_argument("--model", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.model:
        return _serve()
    if given.server:
        return _by_server(given.rate, given.seconds)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        destination = stack.enter_context(_destination(folder, s3=given.s3))
        url = stack.enter_context(_model())
        journal = Journal(folder / "journal", limits=Limits(seconds=1.0, durable=given.durable))
        ways = {"direct": _direct(url), "through": _through(url, destination, journal)}
        taken = measure(ways, given.rate, given.seconds)
        journal.close(60)
        captured = len(set(ids(destination)))
        told(taken, captured)
    return 0 if captured == len(taken["through"]) + 50 else 1


def _by_server(rate: float, seconds: float) -> int:
    """The whole way: signature, look-up, forwarding, capture."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = stack.enter_context(running_s3(folder / "s3"))
        destination = f"s3://{store.bucket('benchmark')}/captured"
        url = stack.enter_context(_model())
        server = stack.enter_context(serving(folder / "home", store.environment()))
        register(server.client("sagemaker"), url, destination)
        taken = measure({"direct": _direct(url), "through": _signed(server.url)}, rate, seconds)
        os.environ.update(store.environment())
        expected, end = len(taken["through"]) + 50, time.monotonic() + 30
        while (captured := len({each["eventMetadata"]["eventId"] for each in records(destination)})) < expected:
            if time.monotonic() > end:
                break
            time.sleep(1.0)
        told(taken, captured)
    return 0 if captured == expected else 1


def register(client: Any, url: str, destination: str) -> None:
    """The model behind an endpoint that captures everything."""
    container = {"Image": "model:1", "Environment": {"DRIFTLINE_MODEL_URL": url}}
    client.create_model(ModelName="churn", PrimaryContainer=container)
    variants = [{"VariantName": "AllTraffic", "ModelName": "churn", "InitialInstanceCount": 1}]
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": destination,
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    client.create_endpoint_config(EndpointConfigName="churn", ProductionVariants=variants, DataCaptureConfig=capture)
    client.create_endpoint(EndpointName="churn", EndpointConfigName="churn")


def _signed(server: str) -> Callable[[int], object]:
    """Calls signed as boto3 signs them; one signature serves a second, so that the client's work is not measured."""
    pool, place = urllib3.PoolManager(maxsize=64), f"{server}/endpoints/churn/invocations"
    signer = SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "sagemaker", REGION)
    known: dict[int, dict[str, str]] = {}

    def headers() -> dict[str, str]:
        second = int(time.time())
        if second not in known:
            request = AWSRequest("POST", place, headers={"content-type": "text/csv"}, data=BODY)
            signer.add_auth(request)
            known[second] = dict(request.headers.items())
        return known[second]

    return lambda _: pool.request("POST", place, body=BODY, headers=headers()).data


def measure(ways: dict[str, Callable[[int], object]], rate: float, seconds: float) -> dict[str, list[float]]:
    """Milliseconds of every call by its way; calls begin when they are due, whether or not others have ended."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    names, lock = list(ways), threading.Lock()

    def call(number: int) -> None:
        name = names[number % len(names)]
        began = time.perf_counter()
        ways[name](number)
        spent = (time.perf_counter() - began) * 1000
        with lock:
            taken[name].append(spent)

    with ThreadPoolExecutor(16) as pool:
        for number in range(50 * len(names)):  # connections and imports
            call(number)
        for spent in taken.values():
            spent.clear()
        start = time.perf_counter()
        for number in range(int(rate * seconds)):
            time.sleep(max(0.0, start + number / rate - time.perf_counter()))
            pool.submit(call, number + 1_000_000)
    return taken


def told(taken: dict[str, list[float]], captured: int) -> None:
    """Print a line for each way, and what is added."""
    for name, spent in taken.items():
        cuts = statistics.quantiles(spent, n=100)
        print(f"{name:8} {len(spent):6} calls  median {cuts[49]:6.2f} ms  p95 {cuts[94]:6.2f}  p99 {cuts[98]:6.2f}")
    added = statistics.median(taken["through"]) - statistics.median(taken["direct"])
    print(f"added at the median {added:.2f} ms; {captured} captured calls, warm-up included")


def _direct(url: str) -> Callable[[int], object]:
    pool = urllib3.PoolManager(maxsize=64)
    return lambda _: pool.request("POST", url + "/invocations", body=BODY, headers={"content-type": "text/csv"}).data


def _through(url: str, destination: str, journal: Journal) -> Callable[[int], object]:
    forwarder, recorder, config = Forwarder(), Recorder(journal), CaptureConfig(destination)

    def call(number: int) -> None:
        asked = Invocation(BODY, "text/csv", inference_id=str(number))
        at = datetime.now(UTC)
        answer = forwarder.invoke(url, asked)
        if recorder.chooses(config):
            recorder.write(config, "churn", "AllTraffic", asked.exchange(answer, at))

    return call


@contextmanager
def _destination(folder: Path, *, s3: bool) -> Iterator[str]:
    if not s3:
        yield str(folder / "captured")
        return
    with running_s3(folder / "s3") as server:
        os.environ.update(server.environment())
        yield f"s3://{server.bucket('benchmark')}/captured"


@contextmanager
def _model() -> Iterator[str]:
    """A model in a process of its own, so that it takes no turns of this one."""
    command = [sys.executable, __file__, "--model"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _serve() -> int:
    with running_model() as model:
        print(model.url, flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
