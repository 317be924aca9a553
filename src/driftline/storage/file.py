"""Objects as files of this machine, under plain paths and `file://` URIs."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

from driftline.errors import Conflict, Denied, Invalid, NotFound, StorageUnavailable, Unreadable
from driftline.storage.access import Access
from driftline.storage.storage import PAGE, Object, refuse_key

STANDARD_INPUT = "/dev/stdin"
"""What the command line makes of `-`; a stream cannot be read twice, so it is kept in a file."""

_SCHEME = "file://"
_BLOCK = 100_000
"""So many names of one folder are held at a time."""

_Entry = tuple[bytes, str, "os.DirEntry[str]"]
"""What a name sorts by, the name in URIs, the entry."""

_SAFE = "/!$&'()*+,;=:@~"


@dataclass(frozen=True, slots=True)
class File:
    """The file system; `access` says which file holds what came in on standard input."""

    access: Access = field(default_factory=Access)

    def list(self, prefix: str) -> Iterator[Object]:
        """Every file below `prefix`, links followed, in the byte order of the URIs; or the file itself."""
        return chain.from_iterable(self.scan(prefix))

    def scan(self, prefix: str, *, after: str | None = None) -> Iterator[Sequence[Object]]:
        """Pages of 1,000 files in the byte order of the URIs; of a folder with very many names a part is kept."""
        found = _all(prefix, self._readable(prefix), after)
        while page := list(islice(found, PAGE)):
            yield page

    def open(self, uri: str) -> BinaryIO:
        """The plain open file."""
        path = self._readable(uri)
        with _told(uri, "read"):
            return path.open("rb")

    def _readable(self, uri: str) -> Path:
        given = self.access.standard_input
        return Path(given) if uri == STANDARD_INPUT and given is not None else path_of(uri)

    def put(self, uri: str, data: bytes, *, kms_key: str | None = None) -> None:
        """Write beside the file, flush to the disk, then rename over it; folders are made as needed.

        Raises `Invalid` for a key of AWS KMS: files are not encrypted here.
        """
        refuse_key(uri, kms_key)
        target = Path(os.path.realpath(path_of(uri)))
        with _told(uri, "write"), _written_beside(target, data) as fresh:
            fresh.replace(target)
            _flush_folder(target.parent)

    def put_if_absent(self, uri: str, data: bytes) -> bool:
        """As `put`, but a link instead of the rename, which fails if there is a file already."""
        target = Path(os.path.realpath(path_of(uri)))
        with _told(uri, "write"), _written_beside(target, data) as fresh:
            try:
                os.link(fresh, target)
            except FileExistsError:
                return False
            _flush_folder(target.parent)
        return True

    def delete(self, uri: str) -> None:
        """Remove the file; its folder stays."""
        path = path_of(uri)
        with _told(uri, "delete"), suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()


def path_of(uri: str) -> Path:
    """The path of a URI; only `file://` URIs are percent-encoded."""
    if "\0" in uri or not uri:
        raise Invalid(what="path", got=uri, expected="the path of a file or folder")
    if not uri.lower().startswith(_SCHEME):
        return Path(uri)
    host, slash, path = uri[len(_SCHEME) :].partition("/")
    if host not in ("", "localhost") or not slash:
        raise Invalid(what="URI", got=uri, expected="file:///an/absolute/path", remedy="Write three slashes.")
    return Path(unquote("/" + path))


def _all(prefix: str, path: Path, after: str | None) -> Iterator[Object]:
    with _told(prefix, "read"):
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return
    if stat.S_ISDIR(found.st_mode):
        folder = prefix if prefix.endswith("/") else prefix + "/"
        yield from _walk(folder, path, ((found.st_dev, found.st_ino),), os.fsencode(after or ""))
    elif not stat.S_ISREG(found.st_mode):
        raise Unreadable(uri=prefix, reason="not a regular file", remedy="Write the data to a file first.")
    elif after is None or prefix > after:
        yield _object(prefix, found)


def _walk(folder_uri: str, folder: Path, above: tuple[tuple[int, int], ...], after: bytes) -> Iterator[Object]:
    """Everything below a folder that sorts behind the URI `after`."""
    here = os.fsencode(folder_uri)
    if after > here and not after.startswith(here):
        return
    for name, entry in _entries(folder_uri, folder, after.removeprefix(here) if after > here else b""):
        with _told(folder_uri + name, "read"):
            try:
                found = _stat_of(entry)
            except FileNotFoundError:  # it was there a moment ago: somebody renamed or removed it
                continue
        if stat.S_ISDIR(found.st_mode):
            identity = (found.st_dev, found.st_ino)
            if identity not in above:  # a link to a folder above would never end
                yield from _walk(f"{folder_uri}{name}/", folder / entry.name, (*above, identity), after)
        elif stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode):
            yield _object(folder_uri + name, found)


def _entries(folder_uri: str, folder: Path, behind: bytes) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """The names in a folder from behind a name, in order; those of a folder with very many in several passes."""
    encode = folder_uri.lower().startswith(_SCHEME)
    block: list[_Entry] = []
    while not block or len(block) == _BLOCK:
        with _told(folder_uri, "list"):
            block = _block(folder, encode, block[-1][0] if block else behind, around=not block)
        for _, name, entry in block:
            yield name, entry
        if not block:
            return


def _block(folder: Path, encode: bool, behind: bytes, *, around: bool) -> list[_Entry]:
    """The first names behind `behind`, and if `around` the folder that it lies in."""
    found: list[_Entry] = []
    last: bytes | None = None
    with os.scandir(folder) as entries:
        for entry in entries:
            name = quote(os.fsencode(entry.name), safe=_SAFE) if encode else entry.name
            # A folder sorts with its slash, else `a/x` would come before `a-b`, which is not the order of whole URIs.
            place = os.fsencode(name + "/" if entry.is_dir() else name)
            inside = around and place.endswith(b"/") and behind.startswith(place)
            if (place <= behind and not inside) or (last is not None and place > last):
                continue
            found.append((place, name, entry))
            if len(found) == 2 * _BLOCK:
                found = sorted(found, key=itemgetter(0))[:_BLOCK]
                last = found[-1][0]
    return sorted(found, key=itemgetter(0))[:_BLOCK]


def _stat_of(entry: os.DirEntry[str]) -> os.stat_result:
    """Of what a link points at; of the link itself if it points nowhere, so that opening it tells."""
    try:
        return entry.stat()
    except PermissionError:
        raise
    except OSError:
        return entry.stat(follow_symlinks=False)


def _object(uri: str, found: os.stat_result) -> Object:
    version = f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"
    return Object(uri, found.st_size, version, datetime.fromtimestamp(found.st_mtime, UTC))


@contextmanager
def _written_beside(target: Path, data: bytes) -> Iterator[Path]:
    """A hidden file in the folder of `target` that holds `data`, on the disk; removed at the end if still there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.part")
    try:
        with fresh.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut; file systems that cannot are let be."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told(uri: str, action: str) -> Iterator[None]:
    """Turn the errors of the operating system into ours."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(what="file", name=uri, remedy="Check the path.") from error
    except PermissionError as error:
        remedy = "Change the permissions, or run as a user who has them."
        raise Denied(action=action, resource=uri, remedy=remedy) from error
    except IsADirectoryError as error:
        raise Unreadable(uri=uri, reason="a folder, not a file", remedy="Name a file in it.") from error
    except (NotADirectoryError, FileExistsError) as error:
        if action == "read":
            raise NotFound(what="file", name=uri, remedy="A part of the path is a file, not a folder.") from error
        reason = "a part of the path is a file, not a folder"
        raise Conflict(what="file", name=uri, reason=reason, remedy="Choose another place.") from error
    except OSError as error:
        raise StorageUnavailable(where=uri, reason=error.strerror or str(error), remedy="Check the disk.") from error
