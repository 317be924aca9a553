"""The real `driftline serve` for tests: a process of its own, on free ports, with a real S3 server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ACCESS_KEY, SECRET_KEY = "DRIFTLINETESTS", "a-secret-for-tests-0123456789"
REGION = "us-east-1"
START_SECONDS = 60.0


@dataclass
class Served:
    """A running server and the environment in which it, and its clients, find S3."""

    url: str
    process: subprocess.Popen[str]
    environment: Mapping[str, str]
    output: Path

    def client(self, service: str, **options: Any) -> Any:
        """An unmodified boto3 client of this service."""
        import boto3

        keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, "region_name": REGION}
        address = self.environment["AWS_ENDPOINT_URL_S3"] if service == "s3" else self.url
        if service == "s3":
            keys["aws_access_key_id"] = self.environment["AWS_ACCESS_KEY_ID"]
            keys["aws_secret_access_key"] = self.environment["AWS_SECRET_ACCESS_KEY"]
        return boto3.client(service, endpoint_url=address, **{**keys, **options})

    def log(self) -> str:
        """What the server printed."""
        return self.output.read_text(errors="replace")


@contextmanager
def serving(home: Path, s3: Mapping[str, str], *arguments: str, **settings: str) -> Iterator[Served]:
    """`driftline serve` with this home and these settings; `s3` is the environment of a running S3 server."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRIFTLINE_"))}
    environment |= {**s3, "DRIFTLINE_HOME": str(home), "DRIFTLINE_ACCESS_KEY": ACCESS_KEY}
    environment |= {"DRIFTLINE_SECRET_KEY": SECRET_KEY, "PYTHONUNBUFFERED": "1", **settings}
    served = start(home, environment, *arguments)
    try:
        yield served
    finally:
        served.process.terminate()
        try:
            served.process.wait(15)
        except subprocess.TimeoutExpired:
            served.process.kill()


@contextmanager
def working(home: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`driftline worker` with this home and these settings."""
    home.mkdir(parents=True, exist_ok=True)
    known = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRIFTLINE_"))}
    command = [str(Path(sys.executable).parent / "driftline"), "worker"]
    with (home / "worker.log").open("wb") as log:
        told = {**known, **environment, "DRIFTLINE_HOME": str(home)}
        process = subprocess.Popen(command, stdout=log, stderr=log, env=told)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def start(home: Path, environment: Mapping[str, str], *arguments: str) -> Served:
    """Start the server and wait until it answers."""
    home.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix="serve-", suffix=".log", dir=home)
    command = [str(Path(sys.executable).parent / "driftline"), "serve", "--port", "0", *arguments]
    with os.fdopen(handle, "w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, text=True, env=dict(environment))
    served = Served("", process, environment, Path(name))
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"serves at (http://\S+)", served.log())
        if found:
            served.url = found[1]
            return served
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"driftline serve did not start:\n{served.log()}")


def until(found: Any, seconds: float = 60.0) -> Any:
    """What `found` returns as soon as it is true; raises `TimeoutError` if it does not become so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.1)
    raise TimeoutError(f"not true after {seconds} seconds")
