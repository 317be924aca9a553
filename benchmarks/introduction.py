"""SageMaker's introduction example against a real server: how long its baseline and its execution take here.

SageMaker took 353 seconds for the baseline and 286 for the execution in the run that it published.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("clients", "contracts", "golden")]

import churn  # noqa: E402
import test_introduction as example  # noqa: E402
from examples import shared  # noqa: E402
from s3 import running_s3  # noqa: E402
from serving import Served, serving, until  # noqa: E402

PUBLISHED_SECONDS = {"baseline": 353.0, "execution": 286.0}


def main() -> int:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name, running_s3(Path(name) / "s3") as store:
        store.bucket(example.BUCKET)
        model = shared("data", "aws-churn", "xgb-churn.json")
        with serving(Path(name) / "home", store.environment()) as server, churn.served(model) as url:
            taken, said = measured(server, url)
    for what, seconds in taken.items():
        print(f"{what:9}  {seconds:5.2f} s; SageMaker printed {PUBLISHED_SECONDS[what]:.0f} s")
    print(said)
    return 0


def measured(server: Served, url: str) -> tuple[dict[str, float], str]:
    """Seconds of the baseline and of the execution, and what the execution said."""
    name = "introduction"
    example.register(server, name, url)
    runtime = server.client("sagemaker-runtime")
    lines = shared("data", "aws-churn", "test-dataset-input-cols.csv").read_text().splitlines()
    for line in lines:
        runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=line)
    start = time.monotonic()
    example.baseline(server, name)
    taken = {"baseline": time.monotonic() - start}
    until(lambda: example.captured(server, name) == len(lines))
    start = time.monotonic()
    example.schedule(server, name, "-PT1H", "PT1H")
    found: dict[str, Any] = until(lambda: example.executed(server, name))
    taken["execution"] = time.monotonic() - start
    job = found["ProcessingJobArn"].rpartition("/")[2]
    said = server.client("sagemaker").describe_processing_job(ProcessingJobName=job)["ExitMessage"]
    return taken, str(said) if said else json.dumps(found, default=str)


if __name__ == "__main__":
    raise SystemExit(main())
