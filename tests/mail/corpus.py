"""Mails that people and programs really wrote, and hostile HTML, read from beside the project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

MAILS = Path(__file__).resolve().parents[3] / "shared" / "mails"
WHOLE_MAILS = ("mime4j", "ruby-mail")
ABOUT = ("LICENSE", "README", "README.md")

needs_mails = pytest.mark.skipif(
    not MAILS.is_dir(), reason=f"the real mails aren't here: {MAILS} doesn't exist"
)


def real_mails() -> list[Path]:
    """Return the files that hold whole mails, sorted."""
    folders = (MAILS / name for name in WHOLE_MAILS)
    found = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if path.name not in ABOUT and path.suffix != ".json")


def attacks() -> list[str]:
    """Return the hostile pieces of HTML."""
    pieces = json.loads((MAILS / "html-attacks" / "dompurify.json").read_text("utf-8"))
    return [piece["payload"] for piece in pieces]


def cases(paths: list[Path]) -> list[object]:
    """Name a test case after each file; a single skipped one when there are no files."""
    return [pytest.param(path, id=str(path.relative_to(MAILS))) for path in paths] or [
        pytest.param(None, marks=needs_mails, id="no mails")
    ]
