"""Each public failure that applies to us (F1 to F25) is carried by a test that bears its number."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
FAILURES = set(range(1, 26))


def numbers_in(said: str) -> set[int]:
    """Return the failures that a name or a docstring bears."""
    return {int(number) for number in re.findall(r"(?:\b|_)[fF](\d+)(?![0-9A-Za-z])", said)}


def descriptions(tree: ast.Module) -> Iterator[str]:
    """Yield the docstring of a module with tests, and each test's name and docstring."""
    tests = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    if tests:
        yield ast.get_docstring(tree) or ""
    for test in tests:
        yield f"{test.name} {ast.get_docstring(test) or ''}"


def test_every_failure_that_applies_has_a_test():
    shown = {
        number
        for path in TESTS.rglob("test_*.py")
        if path != Path(__file__)
        for said in descriptions(ast.parse(path.read_text()))
        for number in numbers_in(said)
    }

    assert set() == FAILURES - shown
    assert set() == shown - FAILURES


def test_a_number_is_read_from_names_and_docstrings_alike():
    assert {2, 10, 25} == numbers_in("test_pinned_f2_f10 Runs out of memory (F25).")
    assert set() == numbers_in("test_of_2_f1rms 0xF2 F2A")
