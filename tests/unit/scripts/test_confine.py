"""What the audit hook refuses (Q-09): it is there on every platform, whatever the kernel can do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from driftline.scripts.confine import hook


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("open", ("/etc/passwd", "r", 0)),
        ("open", (b"/etc/passwd", None, os.O_RDONLY)),
        ("open", ("allowed/../outside", "r", 0)),
        ("open", ("readable/x", "w", 0)),
        ("open", ("readable/x", None, os.O_WRONLY | os.O_CREAT)),
        ("open", ("allowedly", "r", 0)),
        ("os.listdir", ("/etc",)),
        ("os.scandir", (None,)),
        ("os.rename", ("allowed/a", "b", -1, -1)),
        ("os.remove", ("readable/x", -1)),
        ("socket.connect", (object(), ("127.0.0.1", 80))),
        ("socket.getaddrinfo", ("example.org", 80, 0, 0, 0)),
        ("subprocess.Popen", ("ls", ["ls"], None, None)),
        ("os.system", ("ls",)),
        ("os.fork", ()),
        ("os.kill", (1, 9)),
    ],
)
def test_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str, arguments: tuple[object, ...]) -> None:
    (tmp_path / "allowed").mkdir()
    monkeypatch.chdir(tmp_path)
    audit = hook(["allowed", "readable"], ["allowed"])
    with pytest.raises(PermissionError, match="a script"):
        audit(event, arguments)


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("open", ("allowed/x", "w", 0)),
        ("open", ("readable/x", "r", 0)),
        ("open", ("readable/x", None, os.O_RDONLY)),
        ("open", (3, "w", 0)),
        ("os.listdir", ("allowed",)),
        ("os.rename", ("allowed/a", "allowed/b", -1, -1)),
        ("import", ("json", None, None, None, None)),
    ],
)
def test_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str, arguments: tuple[object, ...]) -> None:
    (tmp_path / "allowed").mkdir()
    monkeypatch.chdir(tmp_path)
    hook(["allowed", "readable"], ["allowed"])(event, arguments)


def test_a_link_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "link").symlink_to("/etc")
    with pytest.raises(PermissionError, match="/etc/passwd"):
        hook([str(tmp_path / "allowed")], [])("open", (str(tmp_path / "allowed" / "link" / "passwd"), "r", 0))
