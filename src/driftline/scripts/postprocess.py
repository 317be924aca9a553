"""`postprocess_handler` after a run that succeeded: it sees the run's files and environment, and may add files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from driftline.errors import ScriptFailed
from driftline.scripts.sandbox import Log, Sandbox
from driftline.scripts.script import AFTER, Script

ML = "/opt/ml"
MOST = 256
"""Files of the output that are taken up."""


def run(script: Script, files: Mapping[str, bytes], output: str, log: Log) -> dict[str, bytes]:
    """Call the script's function; the result are the files below `output` that it wrote or changed.

    `files` are those of the run by their paths in the container. The script finds them below a folder of its own, to
    which the paths in its environment lead. Raises `ScriptFailed` for whatever the script raises.
    """
    with Sandbox(script, AFTER, log) as sandbox:
        root = sandbox.folder
        for path, data in files.items():
            place = _below(root, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        _below(root, output).mkdir(parents=True, exist_ok=True)
        environment = {name: _inside(value, root) for name, value in script.environment.items()}
        sandbox.script = replace(script, environment=environment)
        sandbox.start()
        sandbox.ask({"call": True})
        failed = sandbox.answer()["called"]
        if failed is not None:
            raise sandbox.failure(failed, remedy="The run itself succeeded; mend the script, or leave it out.")
        sandbox.kill()
        found = {f"/{path}": data for path, data in _files(root, _below(root, output))}
    if len(found) > MOST:
        raise ScriptFailed(script=script.name, reason=f"it wrote {len(found)} files", remedy=f"Up to {MOST} are taken.")
    return {path: data for path, data in found.items() if files.get(path) != data}


def _below(root: Path, path: str) -> Path:
    """A path of the container below the folder that stands for its root; `..` leads nowhere else."""
    return root.joinpath(*(part for part in PurePosixPath(path).parts if part not in ("/", "..")))


def _inside(value: str, root: Path) -> str:
    return str(_below(root, value)) if value == ML or value.startswith(f"{ML}/") else value


def _files(root: Path, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Plain files below a folder that a script may have written anything to: no link is followed."""
    for place, _, names in os.walk(folder, followlinks=False):
        for name in sorted(names):
            path = Path(place) / name
            opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK) if not path.is_symlink() else -1
            if opened < 0:
                continue
            with os.fdopen(opened, "rb") as stream:
                if stat.S_ISREG(os.fstat(opened).st_mode):
                    yield str(path.relative_to(root)), stream.read()
