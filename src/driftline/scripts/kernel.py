"""What Linux keeps a process from, without root: files (Landlock), network (namespace), system calls (seccomp).

Each function takes something away from this process for good and tells whether the kernel did so. Nothing here needs
more than the standard library, since it runs before a user's script does.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_NEW_USER, _NEW_NET = 0x1000_0000, 0x4000_0000
_DEATH_SIGNAL, _SECCOMP, _NO_NEW_PRIVILEGES = 1, 22, 38

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_READ = _READ_FILE | _READ_FOLDER
_EXECUTE, _WRITE, _TRUNCATE = 1 << 0, 1 << 1, 1 << 14
_FILES = ((1, (1 << 13) - 1), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
"""Version of Landlock -> the rights on files that it knows besides those of the versions before."""

_ODD = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12
"""Making devices, sockets, pipes and links: whoever reads the folder afterwards must find plain files only."""

_OF_FILES = _EXECUTE | _WRITE | _READ_FILE | _TRUNCATE
"""Rights that a rule for a file, not a folder, may give."""

_MACHINES = {
    "x86_64": (0xC000_003E, (41, 59, 62, 101, 165, 200, 310, 311, 322, 424, 425, 434)),
    "aarch64": (0xC000_00B7, (198, 221, 129, 117, 40, 130, 270, 271, 281, 424, 425, 434)),
}
"""Machine -> its number, and those of socket, execve, kill, ptrace, mount, tkill, process_vm_readv, process_vm_writev,
execveat, pidfd_send_signal, io_uring_setup and pidfd_open."""


def end_with_parent(parent: int) -> None:
    """Let the kernel kill this process when the one that started it ends; at once if it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def without_network() -> bool:
    """Move into a network namespace of its own, in which there is nothing."""
    if sys.platform != "linux":
        return False
    unshare = getattr(ctypes.CDLL(None, use_errno=True), "unshare", None)
    if unshare is None:
        return False
    if unshare(_NEW_NET) == 0:
        return True
    user, group = os.geteuid(), os.getegid()
    if unshare(_NEW_USER | _NEW_NET) != 0:
        return False
    with suppress(OSError):  # without these the process has no user, and cannot make files
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    return True


def only_files(readable: Iterable[str], writable: Iterable[str]) -> int:
    """Let the process reach only what lies at or below these paths; the version of Landlock, 0 where there is none.

    It cannot start programs any more, nor connect over TCP (from version 4) or signal others (from version 6).
    """
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    version = max(0, libc.syscall(_CREATE_RULESET, None, 0, 1))
    if not version:
        return 0
    rights = sum(added for since, added in _FILES if version >= since)
    network, scope = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    wanted = struct.pack("QQQ", rights, network, scope)[: 8 * (1 + (version >= 4) + (version >= 6))]
    rules = libc.syscall(_CREATE_RULESET, wanted, len(wanted), 0)
    if rules < 0:
        return 0
    for path in readable:
        _allow(libc, rules, path, _READ)
    for path in writable:
        _allow(libc, rules, path, rights & ~(_EXECUTE | _ODD))
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    done = libc.syscall(_RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return version if done else 0


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    """A rule for a path; none if nothing is there."""
    with suppress(OSError):
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rights &= -1 if Path(path).is_dir() else _OF_FILES
        libc.syscall(_ADD_RULE, rules, 1, struct.pack("=Qi", rights, opened), 0)
        os.close(opened)


def fewer_calls() -> bool:
    """Refuse the system calls that reach the network, start programs, or look into and signal other processes."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        return False
    machine, numbers = _MACHINES[platform.machine()]
    libc = ctypes.CDLL(None, use_errno=True)
    program = _filter(machine, numbers)
    code = ctypes.create_string_buffer(program, len(program))
    wanted = struct.pack("HP", len(program) // 8, ctypes.addressof(code))
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return bool(libc.prctl(_SECCOMP, 2, wanted, 0, 0) == 0)


def _filter(machine: int, numbers: tuple[int, ...]) -> bytes:
    """The program of the filter: EPERM for calls of another machine, of the x32 form and for these; others pass."""
    load, equal, above, answer = 0x20, 0x15, 0x35, 0x06
    refusal, passing = 0x0005_0001, 0x7FFF_0000
    count = len(numbers)
    steps = [(load, 0, 0, 4), (equal, 0, count + 3, machine), (load, 0, 0, 0), (above, count + 1, 0, 0x4000_0000)]
    steps += [(equal, count - place, 0, number) for place, number in enumerate(numbers)]
    steps += [(answer, 0, 0, passing), (answer, 0, 0, refusal)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
