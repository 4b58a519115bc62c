"""In CI nothing is skipped for want of a server or of mails: it would look like a proof."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

ALLOWED = ("needs root, and a Python and a project that every user can read",)
"""What some machines can't show, whatever is installed on them."""


def must_not_skip(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """Return why a test was skipped that CI must run; None if all is well."""
    if not (report.skipped and os.environ.get("CI")) or hasattr(report, "wasxfail"):
        return None
    # Where it was skipped, and why.
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    return None if any(one in reason for one in ALLOWED) else reason


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that is skipped in CI."""
    report = yield
    if (reason := must_not_skip(report)) is not None:
        report.outcome = "failed"
        report.longrepr = f"{reason} (CI is set: nothing may be missing)"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that is skipped in CI."""
    report = yield
    if (reason := must_not_skip(report)) is not None:
        report.outcome = "failed"
        report.longrepr = f"{reason} (CI is set: nothing may be missing)"
    return report
