"""A test that lacks its server or its mails is skipped on a desk and fails in CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import ALLOWED

ROOT = Path(__file__).resolve().parents[1]
BY_MARK = '@pytest.mark.skipif(True, reason="{}")\ndef test_it(): pass\n'
BY_FIXTURE = '@pytest.fixture\ndef it(): pytest.skip("{}")\ndef test_it(it): pass\n'
BY_MODULE = 'pytest.skip("{}", allow_module_level=True)\n'


def ended(directory: Path, test: str, **environment: str) -> int:
    """Run a test with the hook; return pytest's exit code."""
    (directory / "test_one.py").write_text(f"import pytest\n{test}")
    clean = {name: value for name, value in os.environ.items() if name != "CI"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.skips", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "--rootdir", directory, "-c", os.devnull, directory / "test_one.py"],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        check=False,
    ).returncode


@pytest.mark.parametrize(
    "test", [BY_MARK, BY_FIXTURE, BY_MODULE], ids=["mark", "fixture", "module"]
)
def test_what_is_missing_fails_in_ci_and_nowhere_else(test: str, tmp_path: Path):
    missing = test.format("Cyrus is missing")

    assert ended(tmp_path, missing) in (0, 5)
    assert ended(tmp_path, missing, CI="true") in (1, 2)


def test_what_a_machine_cannot_show_is_skipped_in_ci_too(tmp_path: Path):
    assert 0 == ended(tmp_path, BY_MARK.format(ALLOWED[0]), CI="true")
