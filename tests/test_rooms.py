"""What the rooms may not hold, and no import rule can say."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STATEMENTS = {"text", "select", "insert", "update", "delete"}


def imported(path: Path) -> Iterator[str]:
    """Yield the names that a file imports from SQLAlchemy, in whatever way."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.Import) and any(a.name == "sqlalchemy" for a in node.names):
            yield from STATEMENTS


@pytest.mark.parametrize("room", ["web", "worker", "connectors", "mail"])
def test_statements_are_written_only_below(room: str):
    found = {
        str(path.relative_to(ROOT)): names
        for path in sorted((ROOT / room).rglob("*.py"))
        if (names := STATEMENTS & set(imported(path)))
    }

    assert {} == found
