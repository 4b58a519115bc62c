"""How long the random kills and races last; the one place that reads `LEADMAIL_STORM`.

Unset, each storm has the rounds that CI has time for; `full`, its thousands; a number, so many.
"""

from __future__ import annotations

import os

import pytest


def rounds(*, ci: int, full: int, said: str | None = None) -> int:
    """Return how many rounds a storm has, as the environment says, or as `said`.

    Raises:
        UsageError: The variable is neither `full` nor a positive number.
    """
    said = os.environ.get("LEADMAIL_STORM", "") if said is None else said
    if said == "full":
        return full
    if not said:
        return ci
    if not said.isascii() or not said.isdigit() or int(said) == 0:
        raise pytest.UsageError(f"LEADMAIL_STORM is `full` or a number of rounds, not {said!r}")
    return int(said)


def seconds(count: int, *, each: float, beside: float) -> float:
    """Return how long so many rounds may take: `each` of them, and what is done `beside` them."""
    return beside + count * each


def storm(count: int, *, each: float, beside: float = 120) -> list[pytest.MarkDecorator]:
    """Return the marks of a storm, with the time in seconds that its rounds may take."""
    return [pytest.mark.storm, pytest.mark.timeout(seconds(count, each=each, beside=beside))]
