"""The page of codes tells every one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from driftline.schemas.rules import CODES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "import-rejects.md"


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_on_the_page(code: str) -> None:
    """R-10: with its rule, its words and its remedy."""
    rule = CODES[code]
    words = rule.words.format(column="COLUMN", value="VALUE", wanted="…")
    assert f"| `{code}` | {rule.row_id} | {words} | {rule.remedy} |" in PAGE.read_text(encoding="utf-8")
