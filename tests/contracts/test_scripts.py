"""Scripts in real sandboxes, from the record to the profile (Q-01 to Q-09)."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import driftline
from driftline.errors import DriftlineError, EmptyWindow, Invalid, NotFound, ScriptFailed
from driftline.manifest import Manifest, World
from driftline.problems import Problem
from driftline.reading import Reading, observe, source_of
from driftline.scripts import postprocess, sandbox
from driftline.scripts.script import Limits, Script
from driftline.sources import read

Lines = Callable[..., list[dict[str, Any]]]


def record(place: int, data: str = "41,0.5", output: str = "1\n", encoding: str = "CSV", **meta: Any) -> str:
    """One captured call."""
    kind = "text/csv; charset=utf-8"
    sides = {
        "endpointInput": {"observedContentType": kind, "mode": "INPUT", "data": data, "encoding": encoding},
        "endpointOutput": {"observedContentType": kind, "mode": "OUTPUT", "data": output, "encoding": encoding},
    }
    known = {"eventId": f"e{place}", "inferenceTime": "2026-11-20T13:14:15Z", **meta}
    return json.dumps({"captureData": sides, "eventMetadata": known, "eventVersion": "0"})


class Case:
    """A folder with a script and data, and what they give."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log: list[str] = []

    def manifest(self, script: str, *lines: str, name: str = "x.jsonl", **settings: Any) -> Manifest:
        """The run of a script over a file of these lines."""
        (self.folder / "pre.py").write_text(dedent(script))
        path = self.folder / "data" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(line + "\n" for line in lines))
        return Manifest((str(path),), settings=settings, preprocess=str(self.folder / "pre.py"))

    def observe(self, manifest: Manifest) -> Reading:
        """The reading of a run, its log kept."""
        return observe(manifest, World(log=self.log.append))

    def rows(self, script: str, *lines: str, known: tuple[str, ...] | None = None, **settings: Any) -> list[Any]:
        """The rows and problems that a script makes of these lines."""
        source = source_of(self.manifest(script, *lines, **settings), World(log=self.log.append), known)
        items = [item for task in source.tasks for item in read(task, source)]
        rows = [row for item in items if isinstance(item, pa.RecordBatch) for row in item.to_pylist()]
        return rows + [item for item in items if isinstance(item, Problem)]

    def failure(self, script: str, *lines: str, **settings: Any) -> str:
        """How a run of the script over these lines fails."""
        with pytest.raises(ScriptFailed) as caught:
            self.observe(self.manifest(script, *(lines or (record(0),)), **settings))
        return str(caught.value)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """An empty one."""
    return Case(tmp_path)


def test_q01_q03_the_samples_of_the_documentation(case: Case) -> None:
    script = """
        def preprocess_handler(inference_record, logger):
            logger.info(f"record {inference_record.event_metadata.event_id}")
            if "test" in (inference_record.event_metadata.custom_attribute or [""])[0]:
                return []
            values = inference_record.endpoint_output.data.rstrip("\\n").split(",")
            values += inference_record.endpoint_input.data.rstrip("\\n").split(",")
            return {str(i).zfill(20): v for i, v in enumerate(values)}
    """
    lines = [record(0), record(1, customAttributes=["test=1"]), record(2, "42,,x")]
    rows = case.rows(script, *lines, known=("y", "age", "score"))
    fourth = "3".zfill(20)
    assert rows == [
        {"y": "1", "age": "41", "score": "0.5", fourth: None},
        {"y": "1", "age": "42", "score": None, fourth: "x"},
    ]
    assert [line for line in case.log if line.startswith("INFO")] == [f"INFO record e{each}" for each in range(3)]


def test_q02_all_attributes_of_a_record(case: Case) -> None:
    script = """
        def preprocess_handler(record):
            side, event = record.endpoint_input, record.event_metadata
            assert record.endpoint_output.as_dict()["mode"] == "OUTPUT"
            assert record.batch_transform_output is None and record.ground_truth is None
            assert record.as_dict() == record.event_dict and record.event_dict["eventVersion"] == "0"
            return {
                "data": side.data, "encoding": side.encoding, "kind": side.observedContentType, "mode": side.mode,
                "id": event.event_id, "time": event.event_time, "attribute": event.custom_attribute[0],
                "inference": event.inference_id, "version": record.event_version,
            }
    """
    (row,) = case.rows(script, record(7, inferenceId="order-7", customAttributes=["a=1"]))
    assert row == {
        "attribute": "a=1",
        "data": "41,0.5",
        "encoding": "CSV",
        "id": "e7",
        "inference": "order-7",
        "kind": "text/csv; charset=utf-8",
        "mode": "INPUT",
        "time": "2026-11-20T13:14:15Z",
        "version": "0",
    }


def test_q04_several_rows_of_a_record_and_none(case: Case) -> None:
    script = """
        import json
        def preprocess_handler(record):
            return [{"a": a, "b": None} for a in json.loads(record.endpoint_input.data)]
    """
    rows = case.rows(script, record(0, "[1, 2.0]"), record(1, "[]"), record(2, "[3]"))
    assert rows == [{"a": "1", "b": None}, {"a": "2.0", "b": None}, {"a": "3", "b": None}]


def test_q05_a_baseline_of_csv_gives_lines_with_the_header(case: Case) -> None:
    script = """
        def preprocess_handler(csv_line):
            if csv_line.startswith("y,"):
                return []
            y, text = csv_line.split(",", 1)
            return {"text": text.strip('"').replace("\\n", "|"), "y": y}
    """
    rows = case.rows(script, "y,text", '1,"two\nlines"', "", "0,plain", name="train.csv")
    assert rows == [{"text": "two|lines", "y": "1"}, {"text": "plain", "y": "0"}]


def test_json_lines_are_given_as_text(case: Case) -> None:
    script = """
        import json
        def preprocess_handler(line):
            return json.loads(line)["inner"]
    """
    assert case.rows(script, '{"inner": {"b": 1, "a": [1.5, 2]}}') == [{"a": [1.5, 2.0], "b": "1"}]


def test_q06_the_script_of_the_article(case: Case) -> None:
    """Both sides in BASE64, joined."""
    script = """
        import base64
        def preprocess_handler(inference_record, logger):
            input_data = inference_record.endpoint_input.data.rstrip("\\n")
            decoded_input_data = base64.b64decode(input_data).decode('UTF-8')
            output_data = inference_record.endpoint_output.data.rstrip("\\n")
            decoded_output_data = base64.b64decode(output_data).decode('UTF-8')
            outputs = decoded_output_data + ',' + decoded_input_data
            return {str(i).zfill(20) : d for i, d in enumerate(outputs.split(","))}
    """
    coded = [base64.b64encode(text.encode()).decode() for text in ("41,0.5", "1")]
    rows = case.rows(script, record(0, coded[0], coded[1], "BASE64"), known=("y", "age", "score"))
    assert rows == [{"y": "1", "age": "41", "score": "0.5"}]


FAILING = """
    import json
    def preprocess_handler(record):
        value = int(record.endpoint_input.data)
        return {"a": value}
"""


def test_q07_an_exception_names_script_line_record_file_and_line(case: Case) -> None:
    said = case.failure(FAILING, record(0, "1"), record(1, "x", inferenceId="order-17"))
    assert said.startswith(
        "script pre.py line 4: ValueError: invalid literal for int() with base 10: 'x' (at record 'order-17', "
    )
    assert "x.jsonl line 2)" in said
    assert '  File "pre.py", line 4, in preprocess_handler' in case.log
    assert "    value = int(record.endpoint_input.data)" in case.log
    assert not any("driftline/scripts" in line for line in case.log)


def test_q07_some_errors_are_borne(case: Case) -> None:
    lines = [record(place, "x" if place % 10 == 3 else "1") for place in range(40)]
    *rows, first, second, third, fourth = case.rows(FAILING, *lines, script_errors=4)
    assert len(rows) == 36
    assert [each.line for each in (first, second, third, fourth)] == [4, 14, 24, 34]
    assert "pre.py line 4" in str(first)
    assert case.observe(case.manifest(FAILING, *lines, script_errors="4")).problems.rows == 4
    assert "line 34)" in case.failure(FAILING, *lines, script_errors=3)


def test_q07_errors_are_counted_over_all_tasks(case: Case) -> None:
    for place in range(3):
        lines = [record(each, "1" if each else "x") for each in range(50_000)]
        manifest = case.manifest(FAILING, *lines, name=f"{place}.jsonl", script_errors=2)
    manifest = Manifest((str(case.folder / "data"),), settings={"script_errors": 2}, preprocess=manifest.preprocess)
    with pytest.raises(ScriptFailed, match=r"2\.jsonl line 1\)"):
        case.observe(manifest)


def test_what_is_no_record_is_a_problem_and_no_error_of_the_script(case: Case) -> None:
    *rows, first, second = case.rows(FAILING, record(0, "1"), "{oops", '{"a": 1}', record(3, "2"))
    assert rows == [{"a": "1"}, {"a": "2"}]
    assert [(each.line, each.reason.partition(":")[0]) for each in (first, second)] == [
        (2, "no JSON"),
        (3, "no capture record"),
    ]


def test_records_whose_id_came_before_are_told(case: Case) -> None:
    found = case.observe(case.manifest(FAILING, record(0, "1"), record(1, "2"), "", record(0, "3")))
    assert found.profile.rows == 3
    (told,) = found.problems.examples
    assert (told.line, told.reason.partition(";")[0]) == (4, "the id of an earlier record, at line 1")


def test_calls_outside_the_window_are_not_given(case: Case) -> None:
    lines = [record(place, str(place), inferenceTime=f"2026-11-20T13:{place:02}:00Z") for place in range(60)]
    rows = case.rows(FAILING, *lines, since="2026-11-20T13:20:00Z", until="2026-11-20T13:23:00Z")
    assert rows == [{"a": "20"}, {"a": "21"}, {"a": "22"}]


def test_samples_are_the_same_again(case: Case) -> None:
    script = """
        import random
        def preprocess_handler(record):
            return {"a": record.event_metadata.event_id, "b": list({"x", "y", "z"})[0]} if random.random() < 0.3 else []
    """
    lines = [record(place) for place in range(500)]
    rows = case.rows(script, *lines)
    assert 100 < len(rows) < 200
    assert case.rows(script, *lines) == rows


def test_packages_that_are_installed_may_be_used(case: Case) -> None:
    script = """
        import numpy as np
        import pandas as pd
        def preprocess_handler(record):
            frame = pd.DataFrame({"a": np.fromstring(record.endpoint_input.data, sep=",")})
            return {"mean": frame.a.mean(), "count": np.int64(len(frame))}
    """
    assert case.rows(script, record(0, "1,2,6")) == [{"count": "3", "mean": "3.0"}]


def test_a_script_may_keep_files_in_its_own_folder(case: Case) -> None:
    script = """
        import tempfile
        def preprocess_handler(record):
            with open("counts", "a") as file:
                file.write("x")
            with tempfile.TemporaryFile() as file:
                file.write(b"y")
            return {"a": len(open("counts").read())}
    """
    assert case.rows(script, record(0), record(1)) == [{"a": "1"}, {"a": "2"}]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("def other(): pass", "there is no function preprocess_handler in it"),
        ("def preprocess_handler(a, b, c): pass", "takes 3 arguments, and is called with 2 at most"),
        ("import nowhere", "line 1: ModuleNotFoundError: No module named 'nowhere'"),
        ("x = 1\nraise ValueError('at once')", "line 2: ValueError: at once"),
        ("raise SystemExit(3)", "line 1: SystemExit: 3"),
    ],
)
def test_scripts_that_cannot_be_loaded(case: Case, script: str, said: str) -> None:
    assert said in case.failure(script)


def test_scripts_that_are_no_python_or_not_there(case: Case) -> None:
    manifest = case.manifest("x = 1\ndef f(:\n", record(0))
    with pytest.raises(Invalid, match=r"pre\.py line 2: got 'invalid syntax'"):
        case.observe(manifest)
    (case.folder / "pre.py").unlink()
    with pytest.raises(NotFound, match=r"pre\.py"):
        case.observe(manifest)


@pytest.mark.parametrize("setting", [{"script_errors": -1}, {"script_seconds": 0}, {"script_memory_bytes": "much"}])
def test_limits_that_are_none(case: Case, setting: Mapping[str, Any]) -> None:
    with pytest.raises(Invalid, match="script_"):
        case.observe(case.manifest(FAILING, record(0), **setting))


def test_formats_without_lines_are_refused(case: Case) -> None:
    manifest = case.manifest(FAILING, record(0))
    pq.write_table(pa.table({"a": [1]}), case.folder / "data" / "x.parquet")
    with pytest.raises(Invalid, match="got 'parquet', expected captured calls, CSV or JSON lines"):
        case.observe(Manifest((str(case.folder / "data" / "x.parquet"),), preprocess=manifest.preprocess))


def test_a_script_that_leaves_out_everything_gives_an_empty_window(case: Case) -> None:
    with pytest.raises(EmptyWindow):
        case.observe(case.manifest("def preprocess_handler(record): return []", record(0)))


def test_rows_before_a_damage_are_kept(case: Case) -> None:
    manifest = case.manifest(FAILING)
    whole = gzip.compress("".join(record(place, str(place)) + "\n" for place in range(20_000)).encode())
    (case.folder / "data" / "x.jsonl").unlink()
    path = case.folder / "data" / "x.jsonl.gz"
    path.write_bytes(whole[: len(whole) // 2])
    found = case.observe(Manifest((str(path),), format="capture", preprocess=manifest.preprocess))
    assert 1000 < found.profile.rows < 20_000
    assert "cut off or damaged" in found.problems.examples[0].reason


# What a script may not do.


@pytest.mark.parametrize(
    "act",
    [
        "open('/etc/passwd').read()",
        "open('/proc/%d/environ' % os.getppid()).read()",
        "os.listdir('/')",
        "open('/tmp/outside', 'w')",
        "os.remove(FILE)",
        "os.system('true')",
        "subprocess.run(['true'])",
        "os.fork()",
        "os.kill(os.getppid(), 0)",
        "socket.create_connection(('127.0.0.1', 9))",
        "urllib.request.urlopen('http://127.0.0.1:9')",
    ],
)
def test_q09_what_is_refused_in_words(case: Case, act: str) -> None:
    script = f"""
        import os, socket, subprocess, urllib.request
        FILE = {__file__!r}
        def preprocess_handler(record):
            {act}
            return {{"a": 1}}
    """
    said = case.failure(script)
    assert "line 5: " in said
    assert re.search("a script (may not|reads only|writes only)", said)
    assert Path(__file__).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own means are Linux's")
@pytest.mark.parametrize(
    "act",
    [
        "libc.open(b'/etc/passwd', 0)",
        "libc.open(b'/proc/%d/environ' % os.getppid(), 0)",
        "libc.open(FOLDER + b'/outside', os.O_WRONLY | os.O_CREAT, 0o600)",
        "libc.unlink(FOLDER + b'/pre.py')",
        "libc.socket(2, 1, 0)",
        "libc.socket(1, 1, 0)",
        "libc.kill(os.getppid(), 9)",
        "libc.execv(b'/bin/true', None)",
        "libc.symlink(b'/etc', b'link')",
        "libc.ptrace(16, os.getppid(), 0, 0)",
    ],
)
def test_q09_what_the_kernel_refuses_to_those_who_go_around_python(case: Case, act: str) -> None:
    script = f"""
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        FOLDER = {os.fsencode(case.folder)!r}
        def preprocess_handler(record):
            return {{"found": {act}, "error": ctypes.get_errno()}}
    """
    (row,) = case.rows(script, record(0))
    if not any("landlock" in line and "seccomp" in line for line in case.log):
        pytest.skip(f"this kernel has not all means: {case.log}")
    assert row["found"] == "-1"
    assert row["error"] in ("1", "13")


def test_q09_nothing_of_the_environment_is_seen(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    script = """
        import os, sys
        def preprocess_handler(record):
            return {"all": " ".join(map(str, os.environ.items())), "given": os.environ["given"], "path": sys.argv[-1]}
    """
    (row,) = case.rows(script, record(0), script_environment={"given": "by the job"})
    assert row["given"] == "by the job"
    assert "very-secret" not in str(row)
    assert "AWS" not in row["all"]


def test_q09_time(case: Case) -> None:
    script = """
        import time
        def preprocess_handler(record):
            try:
                while True:
                    time.sleep(0.01)
            except Exception:
                return {"a": 1}
    """
    started = time.monotonic()
    said = case.failure(script, record(5), script_seconds=0.5, script_errors=9)
    assert "it took longer than 0.5 seconds (script_seconds) (at record 'e5'" in said
    assert time.monotonic() - started < sandbox.GRACE_SECONDS


def test_q09_time_in_a_call_that_hears_no_signal(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "GRACE_SECONDS", 0.5)
    said = case.failure("def preprocess_handler(record): max(range(10**13))", script_seconds=1)
    assert "it took longer than 1 seconds (script_seconds)" in said


def test_q09_slow_records_together_may_take_longer_than_one(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "GRACE_SECONDS", 0.5)
    script = """
        import time
        def preprocess_handler(record):
            time.sleep(0.3)
            return {"a": 1}
    """
    assert len(case.rows(script, *(record(place) for place in range(10)), script_seconds=1)) == 10


def test_q09_memory(case: Case) -> None:
    script = """
        def preprocess_handler(record):
            return {"a": len(bytearray(1 << 30))}
    """
    said = case.failure(script, script_memory_bytes=256 << 20, script_errors=9)
    assert "line 3: it needs more memory than it may use (script_memory_bytes)" in said


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("os._exit(7)", "its process ended with exit status 7"),
        ("ctypes.string_at(0)", "its process ended with signal SIGSEGV"),
        ("os.write(ANSWERS, b'nonsense\\n')", "its process answers nonsense"),
        ("sys.exit('enough')", "line 6: SystemExit: enough"),
        ("raise_(KeyboardInterrupt())", "its process"),
    ],
)
def test_q09_a_process_that_ends_or_lies_fails_the_run(case: Case, act: str, said: str) -> None:
    script = f"""
        import ctypes, os, sys
        ANSWERS = 4
        def raise_(error): raise error
        def preprocess_handler(record):
            {act}
            return {{"a": 1}}
    """
    assert said in case.failure(script, script_errors=9)


def test_q09_of_very_much_output_only_the_beginning_is_kept(case: Case) -> None:
    script = """
        def preprocess_handler(record):
            for _ in range(1000):
                print("x" * 100_000)
            return {"a": 1}
    """
    assert len(case.rows(script, record(0), record(1))) == 2
    assert len(case.log) == sandbox.LINES + 2  # the means of confinement, and that there was more
    assert max(map(len, case.log)) <= sandbox.WIDTH


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_q09_it_ends_with_the_process_that_started_it(case: Case) -> None:
    manifest = case.manifest("import time\ndef preprocess_handler(record): time.sleep(60)", record(0))
    run = f"observe(Manifest({manifest.inputs!r}, preprocess={manifest.preprocess!r}), World())"
    code = f"from driftline.manifest import *; from driftline.reading import *; from driftline.runs import *; {run}"
    surroundings = {**os.environ, "TMPDIR": str(case.folder)}
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, env=surroundings)
    child = _until(lambda: _children(process.pid))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _until(lambda: not _lives(child[0]))


def _children(pid: int) -> list[int]:
    return [
        int(each) for task in Path(f"/proc/{pid}/task").iterdir() for each in (task / "children").read_text().split()
    ]


def _lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _until(found: Callable[[], Any]) -> Any:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.02)
    raise TimeoutError("never true")


def test_q09_no_folder_is_left(case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    case.rows("def preprocess_handler(record):\n open('x', 'w')\n return {'a': 1}", record(0))
    assert not list(place.iterdir())


# What runs afterwards.


def after(text: str, files: Mapping[str, bytes], log: list[str], **environment: str) -> dict[str, bytes]:
    """What a script leaves below the output."""
    made = Script("s3://b/code/post.py", dedent(text), Limits(seconds=5), environment=environment)
    return postprocess.run(made, files, "/opt/ml/processing/output", log.append)


def test_q08_after_a_run_with_its_files_and_environment() -> None:
    script = """
        import json, os
        from pathlib import Path
        def postprocess_handler():
            output = Path(os.environ["output_path"])
            found = json.loads((output / "constraint_violations.json").read_text())
            limits = json.loads(Path(os.environ["baseline_constraints"]).read_text())
            print(len(found["violations"]), "violations", os.environ["metric_time"], limits)
            (output / "mine").mkdir()
            (output / "mine" / "summary.txt").write_text("all well")
            (output / "statistics.json").write_text("{}")
    """
    log: list[str] = []
    folder = "/opt/ml/processing/output"
    files = {
        f"{folder}/constraint_violations.json": b'{"violations": [1, 2]}',
        f"{folder}/statistics.json": b'{"version": 0}',
        "/opt/ml/processing/baseline/constraints/constraints.json": b"[3]",
    }
    environment = {
        "output_path": folder,
        "baseline_constraints": "/opt/ml/processing/baseline/constraints/constraints.json",
        "metric_time": "2026-11-20T13:00:00Z",
    }
    assert after(script, files, log, **environment) == {
        f"{folder}/mine/summary.txt": b"all well",
        f"{folder}/statistics.json": b"{}",
    }
    assert log[1] == "2 violations 2026-11-20T13:00:00Z [3]"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("def postprocess_handler():\n    1 / 0", "script post.py line 2: ZeroDivisionError: division by zero"),
        ("def postprocess_handler(a): pass", "takes 1 arguments, and is called with 0 at most"),
        ("def postprocess_handler():\n    while True: pass", "it took longer than 5 seconds"),
        ("x = 1", "there is no function postprocess_handler in it"),
        ("def postprocess_handler():\n    open('/etc/passwd')", "PermissionError"),
    ],
)
def test_q08_what_it_raises_is_told(script: str, said: str) -> None:
    with pytest.raises(DriftlineError, match=said.replace("(", r"\(")):
        after(script, {}, [])


def test_q08_no_link_leads_out_of_its_output(tmp_path: Path) -> None:
    """Even where the kernel would let it make one."""
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "plain").write_text("x")
    (tmp_path / "output" / "link").symlink_to("/etc/passwd")
    (tmp_path / "output" / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "output" / "pipe")
    assert dict(postprocess._files(tmp_path, tmp_path / "output")) == {"output/plain": b"x"}


def test_scripts_from_python(case: Case) -> None:
    manifest = case.manifest(FAILING, *(record(place, str(place)) for place in range(5)))
    found = driftline.profile(manifest.inputs[0], preprocess=manifest.preprocess)
    assert (found.rows, found.column("a").moments.mean) == (5, 2.0)
    with pytest.raises(Invalid, match="preprocess for data in memory"):
        driftline.profile(pa.table({"a": [1]}), preprocess=manifest.preprocess)
