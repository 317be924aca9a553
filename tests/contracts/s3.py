"""A real S3 server for tests: SeaweedFS, started on free ports and killed at the end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ADMIN = ("driftline-admin", "admin-secret-0123456789")
READER = ("driftline-reader", "reader-secret-0123456789")
"""May list and read every bucket, but write none."""
WRITER = ("driftline-writer", "writer-secret-0123456789")
"""May only write."""

_KMS = {"default_provider": "local", "providers": {"local": {"type": "local", "enableOnDemandCreate": True}}}
"""Keys of KMS are made when they are first named."""


@dataclass(frozen=True)
class Server:
    """A running server: `endpoint` is a URL, the keys belong to an identity that may do everything."""

    endpoint: str
    access_key: str
    secret_key: str
    process: subprocess.Popen[bytes]
    ports: dict[str, int]

    def client(self) -> Any:
        """A boto3 client of the administrator, for preparing and looking, apart from what is tested."""
        import boto3

        keys = {"aws_access_key_id": self.access_key, "aws_secret_access_key": self.secret_key}
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", **keys)

    def bucket(self, name: str) -> str:
        """The bucket of this name, made if it is not there."""
        client = self.client()
        with suppress(client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
            client.create_bucket(Bucket=name)
        return name

    def environment(self, keys: tuple[str, str] = ADMIN) -> dict[str, str]:
        """The variables with which the AWS tools, and Driftline, reach the server."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": keys[0],
            "AWS_SECRET_ACCESS_KEY": keys[1],
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def stop(self) -> None:
        """Kill it: a polite end takes SeaweedFS half a minute. Its sockets, named after its own ports, go too."""
        self.process.kill()
        self.process.wait()
        for name, port in self.ports.items():
            socket_name = f"seaweedfs-{name.replace('.', '-')}-{port}.sock"
            (Path(tempfile.gettempdir()) / socket_name).unlink(missing_ok=True)


def use(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    """Let the surroundings be exactly these."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def start_s3(folder: Path) -> Server:
    """Start a server that keeps its data in `folder`, and wait until it answers and can store an object."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": list(_identities()), "kms": _KMS}), encoding="utf-8")
    # A bucket takes one volume, not seven, or few buckets would fit.
    (folder / "master.toml").write_text("[master.volume_growth]\ncopy_1 = 1\n", encoding="utf-8")
    (folder / "data").mkdir(exist_ok=True)
    ports = _free_ports()
    endpoint = f"http://127.0.0.1:{ports['s3']}"
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(_command(folder, config, ports), stdout=log, stderr=log, cwd=folder)
    server = Server(endpoint, *ADMIN, process, ports)
    try:
        _wait_for(server, folder / "weed.log")
    except BaseException:
        server.stop()
        raise
    return server


@contextmanager
def running_s3(folder: Path) -> Iterator[Server]:
    """A server for the length of a block."""
    server = start_s3(folder)
    try:
        yield server
    finally:
        server.stop()


def _identities() -> Iterator[dict[str, Any]]:
    granted = {ADMIN: ["Admin", "Read", "Write", "List", "Tagging"], READER: ["Read", "List"], WRITER: ["Write"]}
    for (access_key, secret_key), actions in granted.items():
        keys = [{"accessKey": access_key, "secretKey": secret_key}]
        yield {"name": access_key, "credentials": keys, "actions": actions}


def _command(folder: Path, config: Path, ports: dict[str, int]) -> list[str]:
    return [
        str(Path(sys.executable).parent / "weed"),
        "server",
        f"-dir={folder / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        f"-s3.port={ports['s3']}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={config}",
        *(f"-{name}.port={ports[name]}" for name in ("master", "volume", "filer")),
        *(f"-{name}.port.grpc={ports[name + '.grpc']}" for name in ("master", "volume", "filer", "s3")),
        "-volume.max=300",
        "-master.volumeSizeLimitMB=64",
        "-master.telemetry=false",
    ]


def _free_ports() -> dict[str, int]:
    """A port for each of the server's listeners, all free at the moment."""
    names = ("s3", "master", "volume", "filer", "s3.grpc", "master.grpc", "volume.grpc", "filer.grpc")
    sockets = [socket.socket() for _ in names]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return {name: each.getsockname()[1] for name, each in zip(names, sockets, strict=True)}
    finally:
        for each in sockets:
            each.close()


def _wait_for(server: Server, log: Path, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if server.process.poll() is not None:
            raise RuntimeError(f"SeaweedFS ended at once:\n{log.read_text(errors='replace')[-2000:]}")
        if _answers(server.endpoint + "/healthz") and _stores(server):
            return
        time.sleep(0.2)
    raise RuntimeError(f"SeaweedFS did not answer in {seconds} s:\n{log.read_text(errors='replace')[-2000:]}")


def _answers(url: str) -> bool:
    try:
        with closing(urllib.request.urlopen(url, timeout=2)) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _stores(server: Server) -> bool:
    """Whether an object can be written, which takes a moment longer than the first answer."""
    from botocore.exceptions import BotoCoreError, ClientError

    client = server.client()
    try:
        client.create_bucket(Bucket="is-it-up")
        client.put_object(Bucket="is-it-up", Key="yes", Body=b"1")
    except (BotoCoreError, ClientError):
        return False
    return True
