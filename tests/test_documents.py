"""The documents are finished: nothing in them waits to be filled in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLACEHOLDER = re.compile(r"@[A-Z][A-Z_]*@")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_a_page_has_no_placeholder(page: Path):
    assert [] == PLACEHOLDER.findall(page.read_text())


def test_a_placeholder_would_be_found():
    assert ["@FIGURES@"] == PLACEHOLDER.findall("before @FIGURES@ after, ada@EXAMPLE.com")
