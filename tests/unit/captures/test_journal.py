"""The journal, on a folder as the storage: what it keeps, stores, drops and tells."""

from __future__ import annotations

import logging
import multiprocessing
import stat
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from captured import ids, objects, records

from driftline.captures import CaptureConfig, CaptureLogger, Exchange, Journal, Limits, Payload, Recorder
from driftline.captures.segments import SUFFIX, Segment, Stream, claim

AT = datetime(2024, 5, 6, 7, 59, 59, 990_000, tzinfo=UTC)
QUICK = Limits(seconds=0.1)
SLOW = Limits(seconds=3600)


def write(journal: Journal, destination: Path, name: str, at: datetime = AT, endpoint: str = "ep") -> bool:
    """Capture one call."""
    exchange = Exchange(at, Payload(b"1,2", "text/csv"), Payload(b"0", "text/csv"), name)
    return Recorder(journal).write(CaptureConfig(str(destination)), endpoint, "AllTraffic", exchange) is not None


def waited(condition: object, seconds: float = 10) -> bool:
    """Whether a condition comes true."""
    assert callable(condition)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_records_are_grouped_and_stored_within_seconds(tmp_path: Path) -> None:
    """Objects by the hour of the call; nothing is left in the journal."""
    journal, out = Journal(tmp_path / "journal", limits=QUICK), tmp_path / "out"
    for number in range(100):
        assert write(journal, out, str(number), AT + timedelta(milliseconds=number))
    assert waited(lambda: len(ids(str(out))) == 100)
    folders = {str(Path(uri).parent.relative_to(out)) for uri in objects(str(out))}
    assert folders == {"ep/AllTraffic/2024/05/06/07", "ep/AllTraffic/2024/05/06/08"}
    assert len(objects(str(out))) <= 6
    assert waited(lambda: not list((tmp_path / "journal").iterdir()))
    assert journal.counts.records == 100
    assert journal.counts.dropped == 0
    journal.close()


def test_a_segment_is_stored_when_it_is_full(tmp_path: Path) -> None:
    """The size alone suffices, and bounds the objects."""
    journal, out = Journal(tmp_path / "journal", limits=Limits(seconds=3600, segment_bytes=2000)), tmp_path / "out"
    for number in range(40):
        write(journal, out, str(number))
    assert waited(lambda: len(objects(str(out))) >= 4)
    journal.close()
    assert sorted(ids(str(out)), key=int) == [str(number) for number in range(40)]
    assert all(Path(uri).stat().st_size < 2600 for uri in objects(str(out)))


def test_close_stores_everything_and_later_records_wait_for_the_next_start(tmp_path: Path) -> None:
    folder, out = tmp_path / "journal", tmp_path / "out"
    journal = Journal(folder, limits=SLOW)
    write(journal, out, "a")
    journal.close()
    assert ids(str(out)) == ["a"]
    write(journal, out, "b")
    assert ids(str(out)) == ["a"]
    again = Journal(folder, limits=QUICK)
    again.start()
    assert waited(lambda: sorted(ids(str(out))) == ["a", "b"])  # two objects of one millisecond have no order
    again.close()


def test_what_belongs_to_somebody_is_let_be(tmp_path: Path) -> None:
    """Two users of a folder: the one does not store what the other writes."""
    one, other = Journal(tmp_path / "journal", limits=SLOW), Journal(tmp_path / "journal", limits=SLOW)
    write(one, tmp_path / "out", "a")
    assert other.flush()
    assert not (tmp_path / "out").exists()
    assert one.flush()
    assert ids(str(tmp_path / "out")) == ["a"]
    one.close()
    other.close()


def test_half_a_record_is_left_out(tmp_path: Path) -> None:
    """What a kill leaves at the end of a segment was of a caller without an answer."""
    folder = tmp_path / "journal"
    folder.mkdir()
    segment = Segment.create(folder, Stream.at(AT, str(tmp_path / "out"), "ep", "v"), AT, durable=True)
    segment.append(b'{"eventMetadata":{"inferenceId":"a"}}\n')
    segment.append(b'{"eventMetadata":{"infer')
    with claim(segment.path) as found:
        assert found is None
    segment.seal()
    assert not segment.append(b"{}\n")
    journal = Journal(folder)
    assert journal.flush()
    assert ids(str(tmp_path / "out")) == ["a"]


def test_a_segment_without_records_is_no_object(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    Segment.create(folder, Stream.at(AT, str(tmp_path / "out"), "ep", "v"), AT, durable=False).seal()
    assert Journal(folder).flush()
    assert not (tmp_path / "out").exists()
    assert not list(folder.iterdir())


def test_what_a_power_cut_damaged_is_put_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    segment = Segment.create(folder, Stream.at(AT, str(tmp_path / "out"), "ep", "v"), AT, durable=False)
    segment.seal()
    segment.path.write_bytes(b"\0" * 100)
    (folder / f"mine{SUFFIX}").write_text("a stranger's")
    assert Journal(folder).flush()
    assert [path.suffix for path in sorted(folder.iterdir())] == [".damaged", SUFFIX]
    assert "cannot be read" in caplog.text


def test_while_a_destination_cannot_be_reached_records_wait(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Then they are stored, and the log tells both; other destinations are not kept waiting."""
    (tmp_path / "out").write_text("a file in the way")
    journal = Journal(tmp_path / "journal", limits=QUICK)
    write(journal, tmp_path / "out", "a")
    write(journal, tmp_path / "other", "b")
    assert waited(lambda: journal.counts.failures)
    assert waited(lambda: (tmp_path / "other").exists() and ids(str(tmp_path / "other")) == ["b"])
    for number in range(20):
        write(journal, tmp_path / "out", str(number))
    (tmp_path / "out").unlink()
    assert waited(lambda: (tmp_path / "out").exists() and len(ids(str(tmp_path / "out"))) == 21)
    assert waited(lambda: "stored again" in caplog.text)
    assert "captured data wait in" in caplog.text
    journal.close()


def test_a_full_journal_drops_counts_and_tells(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """X-15: never the caller's error, and never in silence."""
    (tmp_path / "out").write_text("a file in the way")
    journal = Journal(tmp_path / "journal", limits=Limits(seconds=3600, backlog_bytes=2000))
    kept = [write(journal, tmp_path / "out", str(number)) for number in range(20)]
    assert kept == sorted(kept, reverse=True)
    assert 0 < sum(kept) < 10
    assert write(journal, tmp_path / "elsewhere", "a")
    assert journal.counts.dropped == 20 - sum(kept)
    (gap,) = journal.gaps
    assert (gap.endpoint, gap.variant, gap.count) == ("ep", "AllTraffic", 20 - sum(kept))
    assert caplog.text.count("has a gap") == 1
    (tmp_path / "out").unlink()
    assert journal.flush()
    assert len(ids(str(tmp_path / "out"))) == sum(kept)
    assert write(journal, tmp_path / "out", "again")
    journal.close()


def test_a_disk_that_is_nearly_full_is_not_filled(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", limits=Limits(reserve_bytes=1 << 60))
    assert not write(journal, tmp_path / "out", "a")
    assert "nearly full" in journal.gaps[0].reason


def test_a_folder_that_vanished_is_a_gap_and_no_error(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", limits=SLOW)
    (tmp_path / "journal").rmdir()
    assert not write(journal, tmp_path / "out", "a")
    assert "cannot be written" in journal.gaps[0].reason


def test_a_payload_that_is_too_large_is_a_gap(tmp_path: Path) -> None:
    """X-14: 100 MB is the limit."""
    journal = Journal(tmp_path / "journal", limits=SLOW)
    exchange = Exchange(AT, Payload(bytes((100 << 20) + 1)), Payload(b"0"))
    assert Recorder(journal).write(CaptureConfig(str(tmp_path / "out")), "ep", "v", exchange) is None
    assert "larger than 100 MiB" in journal.gaps[0].reason


def test_open_files_are_bounded(tmp_path: Path) -> None:
    journal, out = Journal(tmp_path / "journal", limits=Limits(seconds=3600, open_segments=5)), tmp_path / "out"
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(50):
        write(journal, out, str(number), endpoint=f"ep{number}")
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 5 + 8 * 3
    journal.close()
    assert sorted(ids(str(out)), key=int) == [str(number) for number in range(50)]


def test_many_threads_lose_and_double_nothing(tmp_path: Path) -> None:
    journal, out = Journal(tmp_path / "journal", limits=Limits(seconds=0.02, segment_bytes=3000)), tmp_path / "out"

    def work(thread: int) -> None:
        for number in range(300):
            assert write(journal, out, f"{thread}-{number}")

    threads = [threading.Thread(target=work, args=(each,)) for each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    counted = Counter(ids(str(out)))
    assert len(counted) == 2400
    assert set(counted.values()) == {1}


def test_a_forked_process_writes_segments_of_its_own(tmp_path: Path) -> None:
    """As workers of a server that loads the application first do."""
    journal, out = Journal(tmp_path / "journal", limits=Limits(seconds=0.2)), tmp_path / "out"
    write(journal, out, "parent")

    def work() -> None:
        write(journal, out, "child")
        journal.close()

    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join(30)
    assert child.exitcode == 0
    write(journal, out, "parent again")
    journal.close()
    assert sorted(ids(str(out))) == ["child", "parent", "parent again"]


def test_nobody_else_may_read_the_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", limits=SLOW)
    write(journal, tmp_path / "out", "a")
    assert stat.S_IMODE((tmp_path / "journal").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "journal").iterdir()} == {0o600}
    journal.close()


def test_sampling_is_the_same_with_the_same_seed(tmp_path: Path) -> None:
    """X-12: the share holds, 0 is none, 100 all; disabled is none."""
    recorder = Recorder(Journal(tmp_path / "journal"), rng=Random(1))
    again = Recorder(recorder.journal, rng=Random(1))
    some = CaptureConfig("s3://b", 20)
    chosen = [recorder.chooses(some) for _ in range(10_000)]
    assert chosen == [again.chooses(some) for _ in range(10_000)]
    assert 1850 < sum(chosen) < 2150
    assert not any(recorder.chooses(CaptureConfig("s3://b", 0)) for _ in range(1000))
    assert all(recorder.chooses(CaptureConfig("s3://b", 100)) for _ in range(1000))
    assert not recorder.chooses(CaptureConfig("s3://b", 100, enabled=False))


def test_a_key_of_kms_goes_with_the_object(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A folder knows no keys: the records wait, none is stored unencrypted."""
    journal = Journal(tmp_path / "journal", limits=SLOW)
    config = CaptureConfig(str(tmp_path / "out"), kms_key="alias/key")
    logger = CaptureLogger(config, endpoint="ep", journal=journal)
    assert logger.log(input="1")
    assert not logger.flush()
    assert "KMS key" in caplog.text
    assert not list(records(str(tmp_path / "out")))
    caplog.set_level(logging.CRITICAL)
    journal.close()
