"""Amazon's services for tests, by moto's server: STS, IAM, SQS, SNS, and S3 that sends events."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEYS = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "secret-of-the-test"}


@dataclass(frozen=True)
class Aws:
    """A running server at `endpoint`; it takes any keys until `checked`."""

    endpoint: str

    def client(self, kind: str, **keys: str) -> Any:
        """A boto3 client, of the account's owner unless other keys are given."""
        import boto3

        return boto3.client(kind, endpoint_url=self.endpoint, region_name="us-east-1", **(keys or KEYS))

    def environment(self) -> dict[str, str]:
        """The variables with which the AWS tools, and Driftline, reach the server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"],
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    @contextmanager
    def checked(self) -> Iterator[None]:
        """For the length of a block keys and policies are checked, as at Amazon."""
        self._set_free_calls("0")
        try:
            yield
        finally:
            self._set_free_calls("inf")

    def _set_free_calls(self, count: str) -> None:
        request = urllib.request.Request(
            f"{self.endpoint}/moto-api/reset-auth", data=count.encode(), headers={"Content-Type": "text/plain"}
        )
        with closing(urllib.request.urlopen(request, timeout=10)) as answer:
            assert answer.status == 200


@contextmanager
def running_aws(folder: Path) -> Iterator[Aws]:
    """A server for the length of a block."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1"}
    with (folder / "moto.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)
    try:
        yield _up(Aws(f"http://127.0.0.1:{port}"), process, folder / "moto.log")
    finally:
        process.kill()
        process.wait()


def _up(aws: Aws, process: subprocess.Popen[bytes], log: Path) -> Aws:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with closing(urllib.request.urlopen(aws.endpoint + "/moto-api/data.json", timeout=5)):
                return aws
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"moto did not answer:\n{log.read_text(errors='replace')[-2000:]}")


def role_of(aws: Aws, name: str, policy: dict[str, Any], trust: dict[str, Any] | None = None) -> str:
    """The ARN of a new role with one policy."""
    iam = aws.client("iam")
    trusted = trust or {"Version": "2012-10-17", "Statement": []}
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trusted))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="access", PolicyDocument=json.dumps(policy))
    return arn
