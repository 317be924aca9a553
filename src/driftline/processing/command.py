"""A user's own image: run by a local command, Docker or Podman, with SageMaker's whole container contract."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from driftline.documents import violations
from driftline.errors import DriftlineError
from driftline.lifeline import die_with_parent
from driftline.processing.contract import Contract, Mount, Output
from driftline.processing.inputs import listed, read_bytes
from driftline.processing.metrics import Metric, parsed
from driftline.processing.outcome import COMPLETED, Outcome
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

Log = Callable[[str], None]

ML = PurePosixPath("/opt/ml")
ENGINES = ("docker", "podman")
UPLOAD_SECONDS = 2.0
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV")
"""What a local command sees of this process's environment: nothing that could be a secret."""


def run(job: Contract, access: Access, log: Log, images: Mapping[str, str]) -> Outcome:
    """Run the image's command on the job's inputs, and upload what it writes."""
    with tempfile.TemporaryDirectory(prefix="driftline-job-") as name:
        root = Path(name)
        command = command_of(job, root, images)
        if command is None:
            return Outcome.failed(_unknown(job))
        missing = _download(job, root, access)
        if missing is not None:
            return Outcome.failed(missing)
        _configure(job, root)
        log(f"Running {shlex.join(command)}")
        status = _run(command, job, root, access, log)
        return _ended(job, root, status, access)


def command_of(job: Contract, root: Path, images: Mapping[str, str]) -> list[str] | None:
    """The command for the job's image: the one that the settings name, else a container engine's; None without."""
    given = images.get(job.image) or images.get(job.repository)
    if given is not None:
        arguments = [_inside(each, root) for each in (*job.command[1:], *job.arguments)]
        return [*shlex.split(given), *arguments]
    for engine in ENGINES:
        if shutil.which(engine) and _answers(engine):
            variables = [each for name in _environment(job, None) for each in ("--env", name)]
            entry = ["--entrypoint", job.command[0]] if job.command else []
            volume = ["--volume", f"{root / 'opt' / 'ml'}:{ML}"]
            options = ["--rm", "--init", "--name", f"driftline-{job.name}", *volume, *variables, *entry]
            return [engine, "run", *options, job.image, *job.command[1:], *job.arguments]
    return None


def _answers(engine: str) -> bool:
    try:
        return subprocess.run([engine, "info"], capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _unknown(job: Contract) -> str:
    return (
        f"ClientError: there is no command for image {job.image!r}, and neither Docker nor Podman answers here. "
        f'Set DRIFTLINE_IMAGES=\'{{"{job.image}": "python /path/to/script.py"}}\' for the server and its workers.'
    )


def _download(job: Contract, root: Path, access: Access) -> str | None:
    """Bring the inputs to their paths; what is lacking, if anything."""
    for mount in job.inputs:
        uris = listed(mount, access)
        if not uris:
            return f'ClientError: No S3 objects found under S3 URL "{mount.uri}" given in input data source.'
        for uri in uris:
            path = _placed(mount, uri, root)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(read_bytes(uri, access))
    for output in job.outputs:
        _below(root, output.path).mkdir(parents=True, exist_ok=True)
    return None


def _placed(mount: Mount, uri: str, root: Path) -> Path:
    """Where an object of an input lies: its name, below the input's folder as it lay below the prefix."""
    name = uri.removeprefix(mount.uri).lstrip("/") if uri != mount.uri and uri.startswith(mount.uri) else ""
    name = name or uri.rpartition("/")[2]
    return _below(root, str(PurePosixPath(mount.path) / PurePosixPath(name.replace("..", "_"))))


def _below(root: Path, path: str) -> Path:
    """A path of the container below the folder that stands for its root."""
    return root / PurePosixPath(path).relative_to("/")


def _configure(job: Contract, root: Path) -> None:
    config = _below(root, f"{ML}/config")
    config.mkdir(parents=True, exist_ok=True)
    (config / "processingjobconfig.json").write_text(job.config())
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))
    _below(root, f"{ML}/output/metrics/cloudwatch").mkdir(parents=True, exist_ok=True)


def _environment(job: Contract, root: Path | None) -> dict[str, str]:
    """The container's variables; for a local command, paths below /opt/ml lead into its folder."""
    found = dict(job.environment)
    if root is None:
        return found
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, **{name: _inside(value, root) for name, value in found.items()}, "DRIFTLINE_ROOT": str(root)}


def _inside(value: str, root: Path) -> str:
    return str(_below(root, value)) if value == str(ML) or value.startswith(f"{ML}/") else value


def _run(command: list[str], job: Contract, root: Path, access: Access, log: Log) -> int | str:
    """The exit status; a text where the command could not be started."""
    is_local = command[0] not in ENGINES
    environment = _environment(job, root) if is_local else {**os.environ, **job.environment}
    try:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            preexec_fn=die_with_parent,  # noqa: PLW1509 - no thread of this process holds a lock here
        )
    except OSError as error:
        return str(error)
    ended = threading.Event()
    continuous = [output for output in job.outputs if output.continuous]
    uploads = threading.Thread(target=_upload_changes, args=(continuous, root, access, ended), daemon=True)
    uploads.start()
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            log(line.rstrip("\n"))
    status = process.wait()
    ended.set()
    uploads.join()
    return status


def _upload_changes(outputs: list[Output], root: Path, access: Access, ended: threading.Event) -> None:
    """Upload files of these outputs as they come and change; what fails now is uploaded at the end."""
    seen: dict[Path, float] = {}
    while outputs and not ended.wait(UPLOAD_SECONDS):
        for output in outputs:
            for path in _files(output, root):
                changed = path.stat().st_mtime
                if seen.get(path) == changed or time.time() - changed < UPLOAD_SECONDS:
                    continue
                try:
                    _upload(output, path, root, access)
                    seen[path] = changed
                except DriftlineError:
                    continue


def _files(output: Output, root: Path) -> Iterator[Path]:
    return (path for path in sorted(_below(root, output.path).rglob("*")) if path.is_file())


def _upload(output: Output, path: Path, root: Path, access: Access) -> None:
    uri = f"{output.uri.rstrip('/')}/{path.relative_to(_below(root, output.path)).as_posix()}"
    storage_for(uri, access).put(uri, path.read_bytes())


def _ended(job: Contract, root: Path, status: int | str, access: Access) -> Outcome:
    message = _below(root, f"{ML}/output/message")
    try:
        said = message.read_text(encoding="utf-8").strip() if message.is_file() else ""
    except UnicodeDecodeError:
        return Outcome.failed("ClientError: /opt/ml/output/message is no UTF-8 text")
    if isinstance(status, str):
        return Outcome.failed(f"ClientError: the command for image {job.image} does not start: {status}")
    for output in job.outputs:
        if output.continuous or status == 0:
            for path in _files(output, root):
                _upload(output, path, root, access)
    if status != 0:
        how = f"signal {-status}" if status < 0 else f"exit code {status}"
        return Outcome.failed(f"AlgorithmError: {said or 'the command failed'} ({how})", said or None)
    found = _violations(job, root)
    if isinstance(found, str):
        return Outcome.failed(found)
    if not said and found is not None:
        count = f"{found} violations" if found else "no violations"
        said = f"{'CompletedWithViolations' if found else COMPLETED}: Job completed successfully with {count}."
    return Outcome(COMPLETED, said or None, violations=found, metrics=_metrics(root))


def _violations(job: Contract, root: Path) -> int | str | None:
    """How many the command reported in a file of any of the three names; a text where that file is none."""
    for output in job.outputs:
        for name in (violations.FILE, *violations.OTHER_FILES):
            path = _below(root, output.path) / name
            if not path.is_file():
                continue
            try:
                document = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                return f"ClientError: {name} is no JSON: {error}"
            listed_ = document.get("violations", ()) if isinstance(document, dict) else document
            return len(listed_) if isinstance(listed_, list) else f"ClientError: {name} holds no list of violations"
    return None


def _metrics(root: Path) -> tuple[Metric, ...]:
    folder = _below(root, f"{ML}/output/metrics/cloudwatch")
    lines = [line for path in sorted(folder.rglob("*")) if path.is_file() for line in path.read_text().splitlines()]
    return parsed(lines)
