"""What a client's own process is told: nothing but where the server and its S3 are."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).parent / "sdk"
SDKS = {"2.x": ".venv-sagemaker2", "3.x": ".venv-sagemaker3"}
SECONDS = 420
NOWHERE = "http://127.0.0.1:9"
"""A proxy that is not there: a call to any outside service fails."""
SDK_CONFIG = """
SchemaVersion: "1.0"
SageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}
"""


@dataclass(frozen=True)
class Surroundings:
    """The variables that point a client at the server and its S3, and where the model is served."""

    variables: Mapping[str, str]
    model_url: str

    @classmethod
    def of(cls, folder: Path, url: str, store: Mapping[str, str], model_url: str) -> Surroundings:
        """Those of a server at `url` whose S3 has the environment `store`; a file goes to the folder."""
        (folder / "sagemaker.yaml").write_text(SDK_CONFIG)
        pointers = {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "us-east-1", "HTTPS_PROXY": NOWHERE}
        pointers["SAGEMAKER_USER_CONFIG_OVERRIDE"] = str(folder / "sagemaker.yaml")
        return cls({**store, **pointers}, model_url)

    def run(self, venv: str, script: str, *arguments: str) -> dict[str, Any]:
        """What the script, run by the Python of this SDK, found; skips where the SDK is not set up."""
        python = ROOT / venv / "bin" / "python"
        if not python.exists():
            pytest.skip(f"{venv} is not there: `make sdks` makes it")
        done = self.call([str(python), "-W", "ignore", str(SCRIPTS / script), *arguments])
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def call(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a client with no setting but these variables."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRIFTLINE_"))}
        environment = {**kept, **self.variables, "SAGEMAKER_SUPPRESS_V2_WARNING": "1"}
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=SECONDS, check=False, cwd=SCRIPTS
        )
