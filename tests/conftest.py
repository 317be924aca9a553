"""Fixtures that every folder of tests may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from s3 import Server, running_s3


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real S3 server, one for each worker of the test run."""
    with running_s3(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server
