"""The table of settings says what the code reads, and what is in none of it is refused (F-04)."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import driftline
from driftline.errors import Invalid
from driftline.formats.formats import FORMATS
from driftline.formats.readoptions import SETTINGS

PACKAGE = Path(driftline.__file__).parent


def test_every_setting_that_is_read_is_in_the_table_and_the_other_way_round() -> None:
    """Names are asked for by `settings.get("name")`, or named once in a tuple or call."""
    known = {name for names in SETTINGS.values() for name in names}
    texts = [path.read_text() for folder in ("formats", "scripts") for path in (PACKAGE / folder).rglob("*.py")]
    source = "\n".join(text for text in texts if "SETTINGS: dict" not in text)
    assert set(re.findall(r"""settings(?:\.get\(|\[)"(\w+)\"""", source)) <= known
    assert {name for name in known if f'"{name}"' not in source} == set()
    assert set(SETTINGS) - {"scripts"} <= set(FORMATS)


def test_a_setting_that_no_format_has(tmp_path: Path) -> None:
    """F-04, D-08: a slip of the pen is told with the name that is near; a setting of another format does no harm."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    assert driftline.profile(path, read_options={"header": False}).rows == 1
    with pytest.raises(Invalid, match="Did you mean separator"):
        driftline.profile(path, read_options={"seperator": ";"})
