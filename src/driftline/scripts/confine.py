"""Taking away from this process what a script does not need: for good, and before any of the script's code runs."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from driftline.scripts import kernel

_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_PLACES = (
    "/usr",
    "/lib",
    "/lib64",
    "/opt/homebrew",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/vm",
    "/sys/devices/system/cpu",
    "/System/Library",
    "/Library/Frameworks",
)
"""What Python and its packages read besides their own folders."""

_FORBIDDEN = {
    "socket.connect": "reach the network",
    "socket.bind": "reach the network",
    "socket.sendto": "reach the network",
    "socket.sendmsg": "reach the network",
    "socket.getaddrinfo": "reach the network",
    "socket.gethostbyname": "reach the network",
    "subprocess.Popen": "start programs",
    "os.system": "start programs",
    "os.exec": "start programs",
    "os.posix_spawn": "start programs",
    "os.fork": "start processes",
    "os.forkpty": "start processes",
    "os.kill": "signal processes",
    "os.killpg": "signal processes",
}
_LISTING = ("os.listdir", "os.scandir")
_CHANGING = {
    "os.remove": 1,
    "os.rename": 2,
    "os.rmdir": 1,
    "os.mkdir": 1,
    "os.link": 2,
    "os.symlink": 2,
    "os.truncate": 1,
    "os.chmod": 1,
    "os.chown": 1,
    "os.utime": 1,
}
"""Events of Python's audit hooks that change files -> how many paths they begin with."""


def confine(folder: str, limits: Mapping[str, int]) -> list[str]:
    """Leave the process only `folder` to write to, and tell by what means.

    `limits` are `memory_bytes`, `file_bytes` and `open_files`. What the platform does not know is left out, and the
    audit hook, which keeps honest scripts from harm but stops nobody who means it, is always there.
    """
    readable = [*_PLACES, *_DEVICES, sys.prefix, sys.base_prefix, sys.exec_prefix, *filter(None, sys.path)]
    writable = [folder, "/dev/null"]
    means = ["limits"]
    _limit(limits)
    if kernel.without_network():
        means.append("network namespace")
    version = kernel.only_files(readable, writable)
    if version:
        means.append(f"landlock {version}")
    if kernel.fewer_calls():
        means.append("seccomp")
    sys.addaudithook(hook([*readable, *writable], writable))
    return [*means, "audit hook"]


def _limit(limits: Mapping[str, int]) -> None:
    memory = limits["memory_bytes"]
    # Linux counts what is really given out under RLIMIT_DATA; address space is reserved in far larger pieces
    wanted = [(resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS, memory)]
    wanted += [(resource.RLIMIT_FSIZE, limits["file_bytes"]), (resource.RLIMIT_NOFILE, limits["open_files"])]
    for kind, most in [*wanted, (resource.RLIMIT_CORE, 0)]:
        _, hard = resource.getrlimit(kind)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))


def hook(readable: Sequence[str], writable: Sequence[str]) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that refuses other paths than these, the network, and other processes."""
    may_read = tuple(_root(path) for path in readable)
    may_write = tuple(_root(path) for path in writable)

    def check(path: object, changes: bool) -> None:
        if path is None or isinstance(path, int):
            return
        found = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]
        if not (found + os.sep).startswith(may_write if changes else may_read):
            allowed = "writes only to its own folder" if changes else "reads only Python's files and its own folder"
            raise PermissionError(f"a script {allowed}: {found}")

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            check(arguments[0], _is_writing(arguments[1], arguments[2]))
        elif event in _FORBIDDEN:
            raise PermissionError(f"a script may not {_FORBIDDEN[event]} ({event})")
        elif event in _CHANGING:
            for path in arguments[: _CHANGING[event]]:
                check(path, True)
        elif event in _LISTING:
            check(arguments[0] if arguments[0] is not None else ".", False)

    return audit


def _root(path: str) -> str:
    return os.path.realpath(path).rstrip(os.sep) + os.sep


def _is_writing(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND))
