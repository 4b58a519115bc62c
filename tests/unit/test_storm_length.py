"""The length of storms is said once, in one language, and a slip of the pen is no length."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storm import rounds, seconds, storm

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("said", "expected"),
    [("", 20), ("full", 3000), ("7", 7), ("500", 500)],
    ids=["as in CI", "in full", "few", "many"],
)
def test_a_storm_has_as_many_rounds_as_was_said(said: str, expected: int):
    assert expected == rounds(ci=20, full=3000, said=said)


@pytest.mark.parametrize("said", ["Full", "fulll", "0", "-3", "1.5", "٣", "yes"])
def test_a_length_that_is_none_is_refused(said: str):
    with pytest.raises(pytest.UsageError, match="LEADMAIL_STORM"):
        rounds(ci=20, full=3000, said=said)


def test_a_longer_storm_has_more_time():
    assert 160.0 == seconds(20, each=2, beside=120)
    _, few = storm(20, each=2)
    _, many = storm(3000, each=2)

    assert few.args == (160,)
    assert many.args == (6120,)


def test_nobody_else_reads_the_variable():
    reading = re.compile(r"environ\b.*LEADMAIL_STORM")

    assert {"tests/storm.py"} == files_with(reading)


def test_all_storms_can_be_collected_in_full():
    storms = files_with(re.compile(r"^pytestmark = storm\(", re.MULTILINE))
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *storms],
        cwd=ROOT,
        env=os.environ | {"LEADMAIL_STORM": "full"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == collected.returncode, collected.stdout[-2000:]
    assert len(storms) >= 5


def files_with(sought: re.Pattern[str]) -> set[str]:
    """Return the tests, by their path, in which something stands."""
    return {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if path != Path(__file__) and sought.search(path.read_text())
    }
