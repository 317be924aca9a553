"""A user's own image: run by a local command, Docker or Podman, with SageMaker's whole container contract."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from driftline.documents import violations
from driftline.errors import DriftlineError, Invalid
from driftline.lifeline import die_with_parent
from driftline.processing.contract import ROOT, Contract, Mount, Output
from driftline.processing.inputs import listed
from driftline.processing.metrics import Metric, parsed
from driftline.processing.outcome import COMPLETED, Outcome
from driftline.processing.reaper import ending
from driftline.processing.reaper import memory_bytes as memory_bytes_of
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

Log = Callable[[str], None]

ML = PurePosixPath("/opt/ml")
ENGINES = ("docker", "podman")
UPLOAD_SECONDS = 2.0
GUARD_SECONDS = 0.5
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV")
"""What a local command sees of this process's environment: nothing that could be a secret."""
_HARMLESS = "PYTHONUNBUFFERED|PYTHONHASHSEED|PYTHONIOENCODING|PYTHONUTF8|PYTHONDONTWRITEBYTECODE"
_CHOOSING = re.compile(rf"PATH|HOME|TMPDIR|SYSTEMROOT|VIRTUAL_ENV|BASH_ENV|ENV|(LD|DYLD)_.*|(?!({_HARMLESS})$)PYTHON.*")
"""Variables by which a caller could make a local command run or load something else."""


def run(job: Contract, access: Access, log: Log, images: Mapping[str, str], memory_bytes: int | None = None) -> Outcome:
    """Run the image's command on the job's inputs, and upload what it writes; raises `Invalid`.

    The command, with all that it starts, may hold so much memory, and ends with this process.
    """
    with tempfile.TemporaryDirectory(prefix="driftline-job-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        command = command_of(job, root, images, memory_bytes)
        if command is None:
            return Outcome.failed(_unknown(job))
        missing = _download(job, root, access)
        if missing is not None:
            return Outcome.failed(missing)
        _configure(job, root)
        log(f"Running {shlex.join(command)}")
        status = _run(command, job, root, access, log, memory_bytes)
        return _ended(job, root, status, access)


def command_of(
    job: Contract, root: Path, images: Mapping[str, str], memory_bytes: int | None = None
) -> list[str] | None:
    """The command for the job's image: the one that the settings name, else a container engine's; None without."""
    given = images.get(job.image) or images.get(job.repository)
    if given is not None:
        arguments = [_inside(each, root) for each in (*job.command[1:], *job.arguments)]
        return [*shlex.split(given), *arguments]
    for engine in ENGINES:
        if shutil.which(engine) and _answers(engine):
            entry = ["--entrypoint", job.command[0]] if job.command else []
            most = ["--memory", str(memory_bytes)] if memory_bytes else []
            options = ["--rm", "--init", "--name", _container(job), *most, *_volumes(job, root), *entry]
            return [engine, "run", *options, *_variables(job, root), job.image, *job.command[1:], *job.arguments]
    return None


def _container(job: Contract) -> str:
    return f"driftline-{job.name}"


def _volumes(job: Contract, root: Path) -> list[str]:
    """Folders that the container shares with us: /opt/ml, and what inputs and outputs lie elsewhere."""
    paths = [str(ML), *(each.path for each in job.inputs), *(each.path for each in job.outputs)]
    shared = [path for path in dict.fromkeys(paths) if path == str(ML) or not path.startswith(f"{ML}/")]
    return [part for path in shared for part in ("--volume", f"{_below(root, path)}:{path}")]


def _variables(job: Contract, root: Path) -> list[str]:
    """The container's variables, by a file: neither the engine itself nor lists of processes see them."""
    file = root / "variables"
    file.touch(mode=0o600)
    lines = {name: value for name, value in job.environment.items() if "\n" not in value}
    file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    others = [f"{name}={value}" for name, value in job.environment.items() if name not in lines]
    return ["--env-file", str(file), *(part for each in others for part in ("--env", each))]


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
            with storage_for(uri, access).open(uri) as stream, path.open("wb") as file:
                shutil.copyfileobj(stream, file)
    for output in job.outputs:
        _below(root, output.path).mkdir(parents=True, exist_ok=True)
    return None


def _placed(mount: Mount, uri: str, root: Path) -> Path:
    """Where an object of an input lies: its name, below the input's folder as it lay below the prefix."""
    name = uri.removeprefix(mount.uri).lstrip("/") if uri != mount.uri and uri.startswith(mount.uri) else ""
    name = name or uri.rpartition("/")[2]
    return _below(root, str(PurePosixPath(mount.path) / PurePosixPath(name.replace("..", "_"))))


def _below(root: Path, path: str) -> Path:
    """A path of the container below the folder that stands for its root; raises `Invalid` for one that leads out."""
    place = PurePosixPath(path)
    if not place.is_absolute() or ".." in place.parts:
        raise Invalid(what="path in the container", got=path, expected=f"an absolute one without .., such as {ROOT}/x")
    return root / place.relative_to("/")


def _configure(job: Contract, root: Path) -> None:
    config = _below(root, f"{ML}/config")
    config.mkdir(parents=True, exist_ok=True)
    (config / "processingjobconfig.json").write_text(job.config())
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))
    _below(root, f"{ML}/output/metrics/cloudwatch").mkdir(parents=True, exist_ok=True)


def _environment(job: Contract, root: Path) -> dict[str, str]:
    """A local command's variables; paths below /opt/ml lead into its folder.

    Those that choose which program runs, or what is loaded into it, are the operator's and not the caller's.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    given = {name: _inside(value, root) for name, value in job.environment.items() if not _CHOOSING.fullmatch(name)}
    return {**kept, **given, "DRIFTLINE_ROOT": str(root)}


def _inside(value: str, root: Path) -> str:
    return str(_below(root, value)) if value == str(ML) or value.startswith(f"{ML}/") else value


def _run(
    command: list[str], job: Contract, root: Path, access: Access, log: Log, memory_bytes: int | None
) -> int | str:
    """The exit status; a text where the command could not be started, or was ended."""
    is_local = command[0] not in ENGINES
    environment = _environment(job, root) if is_local else dict(os.environ)
    left_out = sorted(filter(_CHOOSING.fullmatch, job.environment)) if is_local else []
    if left_out:
        log(f"Left out of the environment: {', '.join(left_out)}")
    if not is_local:
        subprocess.run([command[0], "rm", "--force", _container(job)], capture_output=True, check=False)
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
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - no thread of this process holds a lock here
        )
    except OSError as error:
        return f"the command for image {job.image} does not start: {error}"
    remains = ["kill", "-KILL", "--", f"-{process.pid}"] if is_local else [command[0], "rm", "--force", _container(job)]
    with ending(remains):
        return _watched(process, job, root, access, log, memory_bytes if is_local else None)


def _watched(
    process: subprocess.Popen[str], job: Contract, root: Path, access: Access, log: Log, memory_bytes: int | None
) -> int | str:
    """Take what the command says, upload what it writes, and end it where it holds too much memory."""
    ended, excess = threading.Event(), list[str]()
    guard = threading.Thread(target=_guard, args=(process.pid, memory_bytes, ended, excess), daemon=True)
    guard.start()
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
    guard.join()
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)  # what it left behind
    return excess[0] if excess else status


def _guard(session: int, most: int | None, ended: threading.Event, excess: list[str]) -> None:
    """End the processes of the session when they hold more memory than they may."""
    while most is not None and not ended.wait(GUARD_SECONDS):
        used = memory_bytes_of(session)
        if used > most:
            limit = f"more than its limit of {most >> 20} MiB (DRIFTLINE_JOB_MEMORY_BYTES)"
            excess.append(f"the job used {used >> 20} MiB of memory, {limit}")
            with suppress(OSError):
                os.killpg(session, signal.SIGKILL)
            return


def _upload_changes(outputs: list[Output], root: Path, access: Access, ended: threading.Event) -> None:
    """Upload files of these outputs as they come and change; what fails now is uploaded at the end."""
    seen: dict[Path, float] = {}
    while outputs and not ended.wait(UPLOAD_SECONDS):
        for output in outputs:
            for path in _files(output, root):
                with suppress(DriftlineError, FileNotFoundError):  # uploaded at the end, or gone meanwhile
                    changed = path.stat().st_mtime
                    if seen.get(path) != changed and time.time() - changed >= UPLOAD_SECONDS:
                        _upload(output, path, root, access)
                        seen[path] = changed


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
        return Outcome.failed(f"ClientError: {status}")
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
    lines = [
        line
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for line in path.read_text(errors="replace").splitlines()
    ]
    return parsed(lines)
