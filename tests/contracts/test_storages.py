"""One suite for every storage: files, real S3 (SeaweedFS), and obstore as the other clouds use it; rows S-01, D-08."""

from __future__ import annotations

import io
import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest
from s3 import Server, use

from driftline.errors import Conflict, Denied, Invalid, NotFound, StorageUnavailable, Unreadable
from driftline.storage.clouds import Cloud
from driftline.storage.file import File
from driftline.storage.gs import PERMISSIONS
from driftline.storage.ranges import FIRST
from driftline.storage.storage import Storage
from driftline.storage.storages import STORAGES, Access, storage_for

ODD = ("a b.csv", "a%20b", "a#b?c", "grün/käse+1", "x=1/y=a:b", "~*[]'\"", "a&b;c,d@e", "日本.csv", "a%2Fb")
_numbers = count()


@dataclass(frozen=True)
class Case:
    """A storage and an empty place in it."""

    storage: Storage
    root: str

    def at(self, name: str) -> str:
        """The URI of a name below the root."""
        name = quote(name, safe="/!$&'()*+,;=:@~") if self.root.startswith("file://") else name
        return f"{self.root}/{name}"

    def read(self, name: str) -> bytes:
        """All bytes of a name below the root."""
        return read(self.storage, self.at(name))

    def names(self, prefix: str = "") -> list[str]:
        """What is listed, without the root."""
        prefix = self.at(prefix) if prefix else self.root
        return [found.uri.removeprefix(self.root + "/") for found in self.storage.list(prefix)]


def read(storage: Storage, uri: str) -> bytes:
    """All bytes of an object."""
    with storage.open(uri) as stream:
        return stream.read()


@pytest.fixture(params=["file", "file-uri", "s3", "s3-endpoint", "obstore"])
def case(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """Every storage in turn, empty."""
    kind = request.param
    if kind == "file":
        yield Case(storage_for(str(tmp_path), Access()), str(tmp_path))
    elif kind == "file-uri":
        yield Case(storage_for(tmp_path.as_uri(), Access()), tmp_path.as_uri())
    elif kind == "obstore":
        from obstore.store import MemoryStore

        store = MemoryStore()
        yield Case(Cloud(lambda _: store, PERMISSIONS), "gs://bucket/root")
    else:
        server: Server = request.getfixturevalue("s3")
        use(monkeypatch, server.environment())
        access = Access()
        if kind == "s3-endpoint":
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
            access = Access(endpoint_url=server.endpoint, region="us-east-1")
        root = f"s3://{server.bucket('storages')}/case {next(_numbers)}"
        yield Case(storage_for(root, access), root)


def test_list_goes_to_any_depth_in_the_byte_order_of_the_uris(case: Case) -> None:
    """F-11, S-01: a folder or prefix at any depth."""
    names = ["b", "a/z", "a-b", "a/b/c/d/e.csv", "a0", "B", "a/b-1", "a.b", "_SUCCESS", ".hidden/x"]
    for name in names:
        case.storage.put(case.at(name), name.encode())
    assert case.names() == sorted(names, key=str.encode)
    assert case.names("a") == ["a/b-1", "a/b/c/d/e.csv", "a/z"]
    assert case.names("a/") == case.names("a")
    assert case.names("a/b/c") == ["a/b/c/d/e.csv"]


def test_list_of_an_object_is_the_object(case: Case) -> None:
    """The neighbours whose names begin alike are not meant."""
    for name in ("a.csv", "a.csv.bak", "a.csv-2", "a.csvx/y"):
        case.storage.put(case.at(name), b"12345")
    before = datetime.now(UTC) + timedelta(seconds=5)
    (found,) = case.storage.list(case.at("a.csv"))
    assert (found.uri, found.size) == (case.at("a.csv"), 5)
    assert found.modified is not None
    assert found.modified.utcoffset() == timedelta(0)
    assert before - timedelta(minutes=5) < found.modified < before
    assert found.etag


def test_list_of_nothing_is_empty(case: Case) -> None:
    """Nothing there is for the caller to judge."""
    assert case.names("not/there") == []
    case.storage.put(case.at("here/x"), b"")
    assert case.names("her") == []
    assert case.names("here/x/y") == []


def test_list_of_many_objects_turns_the_pages(case: Case) -> None:
    """S3 gives at most 1,000 keys at once."""
    names = [f"many/{number:05}" for number in range(1_105)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: case.storage.put(case.at(name), b"x"), names))
    assert case.names("many") == names


def test_scan_gives_pages_and_goes_on_behind_any_of_them(case: Case) -> None:
    """J-02: a listing that was interrupted goes on where it was, and finds each object once."""
    names = [f"dt=2026-11-{day:02}/hr={hour:02}/{name}" for day in (8, 9, 10) for hour in (0, 13) for name in "ab"]
    names += ["a-b", "a/x", "a/y/z", "a.b", "a0", "B"]
    for name in names:
        case.storage.put(case.at(name), b"1")
    pages = list(case.storage.scan(case.root + "/"))
    ordered = [each.uri for page in pages for each in page]
    assert sorted(ordered) == sorted(map(case.at, names))
    for place, uri in enumerate(ordered):
        rest = [each.uri for page in case.storage.scan(case.root + "/", after=uri) for each in page]
        assert rest == ordered[place + 1 :]
    day = case.at("dt=2026-11-09/")
    found = [each.uri for page in case.storage.scan(case.root + "/", after=day) for each in page]
    assert found == ordered[ordered.index(case.at("dt=2026-11-09/hr=00/a")) :]


def test_scan_knows_an_object_and_nothing(case: Case) -> None:
    """An object is its only page, and lies not behind itself."""
    case.storage.put(case.at("x.csv"), b"1")
    case.storage.put(case.at("x.csv2"), b"1")
    uri = case.at("x.csv")
    assert [each.uri for page in case.storage.scan(uri) for each in page] == [uri]
    assert [each for page in case.storage.scan(uri, after=uri) for each in page] == []
    assert [each for page in case.storage.scan(case.at("no/")) for each in page] == []


def test_scan_turns_pages_of_a_thousand(case: Case) -> None:
    """Each answer of the store is a page."""
    names = [f"many/{number:05}" for number in range(1_105)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: case.storage.put(case.at(name), b"x"), names))
    pages = [[each.uri for each in page] for page in case.storage.scan(case.at("many/"))]
    assert [len(page) for page in pages] == [1_000, 105]
    assert [uri for page in pages for uri in page] == [case.at(name) for name in names]
    behind = list(case.storage.scan(case.at("many/"), after=case.at("many/01100")))
    assert [each.uri for page in behind for each in page] == [case.at(name) for name in names[1_101:]]


def test_a_folder_with_very_many_names_is_scanned_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same names come, however few are held at a time."""
    for number in range(57):
        (tmp_path / f"f{number % 7}-{number}").touch()
        (tmp_path / f"d{number % 5}{number}").mkdir()
        (tmp_path / f"d{number % 5}{number}" / "x").touch()
    whole = [each.uri for page in File().scan(str(tmp_path)) for each in page]
    for block in (1, 2, 5, 13):
        monkeypatch.setattr("driftline.storage.file._BLOCK", block)
        assert [each.uri for page in File().scan(str(tmp_path)) for each in page] == whole
        for place in (0, 30, 56, 113):
            behind = File().scan(str(tmp_path), after=whole[place])
            assert [each.uri for page in behind for each in page] == whole[place + 1 :]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_listed_and_read_as_they_are(case: Case, name: str) -> None:
    """F-13: nothing in a key is decoded or lost."""
    if case.root.startswith("gs://") and any(character in name for character in '~*[]?#%"'):
        pytest.skip("obstore's memory store encodes such keys itself")
    case.storage.put(case.at(name), name.encode())
    (found,) = case.storage.list(case.root)
    assert found.uri == case.at(name)
    assert read(case.storage, found.uri) == name.encode()
    assert [each.uri for each in case.storage.list(found.uri)] == [found.uri]
    case.storage.delete(found.uri)
    assert case.names() == []


def test_s3_keys_with_empty_segments_and_a_trailing_slash(case: Case) -> None:
    """Keys that obstore cannot read."""
    if not case.root.startswith("s3://"):
        pytest.skip("such names exist on S3 only")
    for name in ("a//b", "folder/"):
        case.storage.put(case.at(name), name.encode())
        stream = case.storage.open(case.at(name))
        assert stream.read() in (name.encode(), b"")  # SeaweedFS keeps no bytes in folder markers
    assert "folder/" in case.names()
    big = random.Random(3).randbytes(FIRST * 3)
    case.storage.put(case.at("a//big"), big)
    stream = case.storage.open(case.at("a//big"))
    stream.seek(FIRST * 2)
    assert stream.read(10) == big[FIRST * 2 : FIRST * 2 + 10]
    stream.seek(0)
    assert stream.read() == big


def test_open_reads_ranges_anywhere(case: Case) -> None:
    """seek, tell, read, readinto and the end, against the same bytes in memory."""
    rng = random.Random(7)
    data = rng.randbytes(5_000_011)
    case.storage.put(case.at("big.bin"), data)
    expected = io.BytesIO(data)
    with case.storage.open(case.at("big.bin")) as stream:
        assert stream.seekable()
        assert stream.readable()
        assert stream.seek(0, io.SEEK_END) == len(data)
        assert stream.read(1) == b""
        for _ in range(60):
            where = rng.randrange(len(data) + 10)
            size = rng.choice([1, 100, 70_000, 1_500_000])
            assert stream.seek(where) == expected.seek(where) == stream.tell()
            assert stream.read(size) == expected.read(size)
            into, also = bytearray(size), bytearray(size)
            assert stream.readinto(into) == expected.readinto(also)  # type: ignore[attr-defined]
            assert into == also
        assert stream.seek(-5, io.SEEK_END) == len(data) - 5
        assert stream.read() == data[-5:]
        stream.seek(0)
        assert stream.read() == data
    assert stream.closed


def test_open_reads_lines(case: Case) -> None:
    """As text formats do."""
    lines = [b"line %d %s\n" % (number, b"x" * (number % 90)) for number in range(20_000)]
    case.storage.put(case.at("lines.txt"), b"".join(lines))
    with case.storage.open(case.at("lines.txt")) as stream:
        assert list(stream) == lines


def test_arrow_reads_through_the_stream(case: Case) -> None:
    """The formats hand the stream to pyarrow."""
    case.storage.put(case.at("x"), bytes(range(256)) * 4_000)
    source = pa.PythonFile(case.storage.open(case.at("x")), mode="r")
    assert source.size() == 1_024_000
    assert source.read_at(4, 512_010) == bytes([10, 11, 12, 13])
    source.close()


def test_empty_objects(case: Case) -> None:
    """An empty object has no range."""
    case.storage.put(case.at("empty"), b"")
    assert case.read("empty") == b""
    assert [found.size for found in case.storage.list(case.at("empty"))] == [0]


def test_put_replaces_and_leaves_nothing_else_behind(case: Case) -> None:
    """No temporary file stays."""
    case.storage.put(case.at("deep/er/x"), b"old" * 1_000)
    case.storage.put(case.at("deep/er/x"), b"new")
    assert case.read("deep/er/x") == b"new"
    assert case.names() == ["deep/er/x"]


def test_put_is_seen_whole_or_not_at_all(case: Case) -> None:
    """Readers meanwhile get one version or the other."""
    versions = {bytes([letter]) * 300_000 for letter in b"abcd"}
    uri = case.at("contended")
    case.storage.put(uri, b"a" * 300_000)

    def look(_: int) -> bytes:
        try:
            return read(case.storage, uri)
        except Unreadable:  # it says so when the object changed between two ranges
            return b"a" * 300_000

    with ThreadPoolExecutor(8) as threads:
        writes = [threads.submit(case.storage.put, uri, version) for version in sorted(versions) * 3]
        assert set(threads.map(look, range(24))) <= versions
        for write in writes:
            write.result()


def test_put_if_absent_has_one_winner(case: Case) -> None:
    """Sixteen at once, one succeeds."""
    uri = case.at("lock")
    with ThreadPoolExecutor(16) as threads:
        results = list(threads.map(lambda name: (case.storage.put_if_absent(uri, name), name), _distinct(16)))
    winners = [name for won, name in results if won]
    assert len(winners) == 1
    assert read(case.storage, uri) == winners[0]
    assert case.names() == ["lock"]
    assert not case.storage.put_if_absent(uri, b"late")


def _distinct(number: int) -> list[bytes]:
    return [b"writer %d" % index for index in range(number)]


def test_delete_twice(case: Case) -> None:
    """The second time there is nothing to do."""
    case.storage.put(case.at("x"), b"x")
    case.storage.delete(case.at("x"))
    case.storage.delete(case.at("x"))
    assert case.names() == []


def test_a_missing_object_is_named(case: Case) -> None:
    """D-08."""
    case.storage.put(case.at("there"), b"")
    with pytest.raises(NotFound) as told:
        case.storage.open(case.at("not there"))
    assert case.at("not there") in str(told.value)


def test_many_threads_read_one_object(case: Case) -> None:
    """Each with a stream of its own."""
    data = random.Random(1).randbytes(2_000_000)
    case.storage.put(case.at("x"), data)

    def matches(start: int) -> bool:
        with case.storage.open(case.at("x")) as stream:
            stream.seek(start)
            return stream.read(50_000) == data[start : start + 50_000]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(matches, range(0, 1_950_000, 100_000)))


def test_an_object_that_changes_while_it_is_read_is_told(case: Case) -> None:
    """On object stores; a local file that is replaced stays readable through its open handle."""
    case.storage.put(case.at("x"), b"1" * 3_000_000)
    with case.storage.open(case.at("x")) as stream:
        assert stream.read(1) == b"1"
        case.storage.put(case.at("x"), b"2" * 3_000_000)
        stream.seek(2_000_000)
        if case.root.startswith(("s3://", "gs://")):
            with pytest.raises(Unreadable, match="changed while it was read"):
                stream.read(1)
        else:
            assert stream.read(1) == b"1"


# Files


def test_files_are_plain_files(tmp_path: Path) -> None:
    """So that Arrow can read them without Python."""
    (tmp_path / "x").write_bytes(b"abc")
    stream: Any = File().open(str(tmp_path / "x"))
    with stream:
        assert isinstance(stream.raw, io.FileIO)
        assert stream.name == str(tmp_path / "x")


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    """A link that points nowhere is listed, and opening it tells."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x").write_bytes(b"abc")
    (tmp_path / "data" / "up").symlink_to(tmp_path)
    (tmp_path / "data" / "y").symlink_to(tmp_path / "data" / "x")
    (tmp_path / "data" / "z").symlink_to(tmp_path / "gone")
    found = {each.uri.removeprefix(str(tmp_path)): each.size for each in File().list(str(tmp_path))}
    assert list(found) == ["/data/x", "/data/y", "/data/z"]
    assert found["/data/y"] == 3
    with pytest.raises(NotFound):
        File().open(str(tmp_path / "data" / "z"))


def test_pipes_are_left_out_of_folders_and_refused_by_name(tmp_path: Path) -> None:
    """Opening one would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    assert list(File().list(str(tmp_path))) == []
    with pytest.raises(Unreadable, match="not a regular file"):
        list(File().list(str(tmp_path / "pipe")))


def test_files_errors(tmp_path: Path) -> None:
    """D-08: each says what and which."""
    (tmp_path / "x").write_bytes(b"abc")
    with pytest.raises(Unreadable, match="a folder, not a file"):
        File().open(str(tmp_path))
    with pytest.raises(Conflict, match="a part of the path is a file"):
        File().put(str(tmp_path / "x" / "y"), b"")
    with pytest.raises(NotFound):
        File().open(str(tmp_path / "x" / "y"))
    with pytest.raises(Invalid, match="three slashes"):
        File().open("file://host/x")
    with pytest.raises(Invalid):
        File().open("a\0b")


@pytest.mark.skipif(os.geteuid() == 0, reason="root is denied nothing")
def test_files_denied(tmp_path: Path) -> None:
    """The path and the action are named."""
    (tmp_path / "x").write_bytes(b"abc")
    (tmp_path / "x").chmod(0)
    with pytest.raises(Denied, match=r"read on .*x"):
        File().open(str(tmp_path / "x"))
    tmp_path.chmod(0o500)
    with pytest.raises(Denied, match=r"write on .*y"):
        File().put(str(tmp_path / "y"), b"")


def test_a_written_file_has_the_usual_permissions(tmp_path: Path) -> None:
    """Not those of a private temporary file."""
    File().put(str(tmp_path / "x"), b"abc")
    (tmp_path / "plain").write_bytes(b"abc")
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "plain").stat().st_mode


# The other clouds, as far as they go without one


def test_the_table_of_storages() -> None:
    """An unknown scheme is answered with the known ones."""
    assert {"", "file", "s3", "gs", "az"} <= STORAGES.keys()
    with pytest.raises(Invalid, match="s3://"):
        storage_for("ftp://host/x", Access())
    assert isinstance(storage_for("C:/x", Access()), File)


@pytest.mark.parametrize("uri", ["gs://bucket/x", "az://container/x", "abfss://box@account.dfs.core.windows.net/x"])
def test_clouds_that_do_not_answer(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """gs and az build their stores, and a refused connection is told; there is no server to do more here."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    storage = storage_for(uri, Access(endpoint_url="http://127.0.0.1:1", anonymous=True))
    with pytest.raises(StorageUnavailable):
        storage.open(uri)
    with pytest.raises(StorageUnavailable):
        list(storage.list(uri))


def test_a_folder_is_listed_while_others_write_in_it(tmp_path: Path) -> None:
    """A file that is renamed or removed between two looks is left out, and no error."""
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            File().put(str(tmp_path / "a.txt"), b"1")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(300):
            assert {Path(found.uri).name for found in File().list(str(tmp_path)) if ".part" not in found.uri} <= {
                "a.txt"
            }
    finally:
        ended.set()
        writer.join()
