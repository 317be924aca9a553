"""`driftline serve`: the API, the scheduler and workers in one process."""

from __future__ import annotations

import fcntl
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

from cyclopts import Parameter

from driftline.captures import Journal, Limits, Recorder
from driftline.captures.forward import Forwarder
from driftline.captures.traffic import Meter
from driftline.catalog import Catalog, keys
from driftline.catalog.acting import acting
from driftline.catalog.keys import AccessKey
from driftline.commands.acting import account
from driftline.errors import Conflict
from driftline.hosts import Allowed
from driftline.server import logs as structured
from driftline.server.app import create_app
from driftline.server.aws.runtime import Routes
from driftline.server.gauges import Gauges
from driftline.server.listen import Listener
from driftline.server.measures import collectors
from driftline.server.otel import Exporter
from driftline.settings import Settings
from driftline.storage import weed
from driftline.storage.access import Access
from driftline.worker import Worker

BUCKET = "driftline"
FLUSH_SECONDS = 1.5
"""Captured calls are in the storage that soon: before a run of their window begins (`delay_seconds`)."""

_CREDENTIALS = "credentials"


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    local_s3: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Serve the API, and plan and run schedules and jobs, until interrupted.

    Parameters
    ----------
    host
        Address to listen on; loopback unless told otherwise.
    port
        Port to listen on; 0 takes a free one.
    local_s3
        Also start a real S3 server (SeaweedFS, extra driftline[s3]) on loopback, with the same credentials and a
        bucket named driftline.
    """
    given: dict[str, Any] = {"host": host, "port": port}
    return run(Settings(**{name: value for name, value in given.items() if value is not None}), local_s3=local_s3)


def run(settings: Settings, *, local_s3: bool = False, first: Callable[[Catalog], Sequence[str]] = lambda _: ()) -> int:
    """Serve with these settings until interrupted; `first` is done before, and the lines it returns are shown last."""
    structured.configure(stream=sys.stderr)
    _prepare(settings.home)
    with _alone(settings.home) as node:
        catalog = Catalog(settings.url)
        catalog.migrate()
        key, is_new = _credentials(catalog, settings)
        store = _local_s3(settings.home, key) if local_s3 else None
        try:
            return _serve(settings, catalog, key, is_new=is_new, node=node, said=first(catalog))
        finally:
            if store is not None:
                store.stop()


def _serve(
    settings: Settings, catalog: Catalog, key: AccessKey, *, is_new: bool, node: str, said: Sequence[str]
) -> int:
    labour = Worker(catalog, settings, Access(), node=node)
    journal = Journal(settings.home / "journal", limits=Limits(seconds=FLUSH_SECONDS))
    forwarder = Forwarder(Allowed(settings.allowed_hosts), largest_bytes=settings.max_body_bytes)
    meter = Meter(catalog, journal)
    gauges = Gauges(catalog, settings, time.monotonic)
    parts = (labour, forwarder, Recorder(journal), meter, Routes(), gauges)
    exporter = _exporter(settings, journal, gauges)
    listener = Listener(create_app(settings, catalog, parts=parts), settings.host, settings.port)
    journal.start()
    meter.start()
    labour.start()
    if exporter is not None:
        exporter.start()
    for line in (*greeting(_shown(listener.url), key, settings, is_new=is_new), *said):
        print(line, flush=True)
    try:
        listener.run()
    finally:
        if exporter is not None:
            exporter.stop()
        labour.stop()
        meter.close()
        journal.close()
        forwarder.close()
        catalog.close()
    return 0


def _exporter(settings: Settings, journal: Journal, gauges: Gauges) -> Exporter | None:
    """What sends metrics to a collector, if the settings name one."""
    if not settings.otel_endpoint:
        return None
    return Exporter(settings.otel_endpoint, settings.otel_seconds, lambda: collectors(journal.counts, gauges))


def greeting(address: str, key: AccessKey, settings: Settings, *, is_new: bool) -> Iterator[str]:
    """What a client needs to know; the secret is shown at the first start only."""
    yield f"Driftline serves at {address} (console: {address}/console, API page: {address}/docs)"
    yield "Point a SageMaker client at it:"
    yield f"  export AWS_ENDPOINT_URL={address}"
    if "AWS_ENDPOINT_URL_S3" in os.environ:
        yield f"  export AWS_ENDPOINT_URL_S3={os.environ['AWS_ENDPOINT_URL_S3']}"
    else:
        yield "  export AWS_ENDPOINT_URL_S3=<your S3 endpoint, or https://s3.REGION.amazonaws.com>"
    yield f"  export AWS_ACCESS_KEY_ID={key.id}"
    shown = key.secret if is_new else f"<in {settings.home / _CREDENTIALS}>"
    yield f"  export AWS_SECRET_ACCESS_KEY={shown}"
    yield f"  export AWS_DEFAULT_REGION={settings.region} AWS_EC2_METADATA_DISABLED=true"
    if is_new:
        yield f"These credentials were made now and are kept in {settings.home / _CREDENTIALS}."


def _shown(url: str) -> str:
    """The address for a client on this machine."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//127.0.0.1:")


def _prepare(home: Path) -> None:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def _alone(home: Path) -> Iterator[str]:
    """The name of this installation, which one server uses at a time; raises `Conflict` if another one runs."""
    with (home / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            reason = "another `driftline serve` runs there"
            raise Conflict(
                what="folder", name=str(home), reason=reason, remedy="Stop it, or set DRIFTLINE_HOME."
            ) from error
        yield _node(file)


def _node(file: IO[str]) -> str:
    file.seek(0)
    known = file.read().strip()
    if known:
        return known
    made = f"serve-{uuid.uuid4().hex[:12]}"
    file.write(made)
    file.flush()
    return made


def _credentials(catalog: Catalog, settings: Settings) -> tuple[AccessKey, bool]:
    """The first user's key, and whether it was made just now."""
    now, secret = catalog.clock(), settings.secret_key.get_secret_value()
    with acting(account("serve", now)), catalog.begin() as tx:
        if settings.access_key and secret:
            key, is_new = AccessKey(settings.access_key, secret), False
            before = keys.find_access_key(tx, key.id)
            if before is None or before.secret != key.secret:
                keys.put_access_key(tx, key, note="from the settings", now=now)
            return key, is_new
        known = [each for each in keys.access_keys(tx) if keys.EVERYWHERE in each.spaces and "admin" in each.scopes]
        key, is_new = (known[0], False) if known else (keys.new_access_key(), True)
        if is_new:
            keys.put_access_key(tx, key, note="made at the first start", now=now)
    _write_credentials(settings.home / _CREDENTIALS, key)
    return key, is_new


def _write_credentials(path: Path, key: AccessKey) -> None:
    """In the form that AWS_SHARED_CREDENTIALS_FILE has, readable by its owner alone."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"[default]\naws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n")


def _local_s3(home: Path, key: AccessKey) -> Any:
    """A real S3 server with these credentials; this process and its children reach it from now on."""
    store = weed.start(home / "s3", key.id, key.secret, BUCKET)
    os.environ.update(store.environment)
    print(f"S3 at {store.endpoint}, bucket {BUCKET}", flush=True)
    return store
