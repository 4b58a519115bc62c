"""How much one app may ask of one mailbox: at once, and in ten minutes.

See learn.microsoft.com/graph/throttling-limits, Outlook service limits. What is refused counts as
asked.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime

from tests.fakes.common.clock import Clock
from tests.fakes.microsoft.graph.refusals import too_many_at_once, too_many_requests, until
from tests.fakes.microsoft.settings import Settings

Pair = tuple[str, str]
"""A client's id and a mailbox's."""


class Limits:
    """What every pair of app and mailbox has asked lately, and has open now."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings
        self._open: dict[Pair, int] = {}
        self._asked: dict[Pair, deque[datetime]] = {}

    def enter(self, pair: Pair) -> None:
        """Let a request in; it must leave, refused or not.

        Raises:
            Refusal: There are too many, with the seconds to wait.
        """
        self._open[pair] = self._open.get(pair, 0) + 1
        now = self._clock.now()
        asked = self._asked.setdefault(pair, deque())
        while asked and asked[0] <= now - self._settings.window:
            asked.popleft()
        asked.append(now)
        if len(asked) > self._settings.requests:
            raise until(too_many_requests(), asked[0] + self._settings.window - now)
        if self._open[pair] > self._settings.concurrent:
            raise until(too_many_at_once(), self._settings.concurrency_retry_after)

    def leave(self, pair: Pair) -> None:
        """Let a request go."""
        self._open[pair] -= 1

    def forget(self) -> None:
        """Forget what was asked; what is open stays open."""
        self._asked.clear()
