"""Asking again after a short refusal or a broken connection; a long one is the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from connectors.budget import Budget
from connectors.errors import ConnectorError, MessageGone, Throttled, Unreachable

TRIES = 4
SHORTEST, LONGEST = timedelta(seconds=0.25), timedelta(seconds=4)
T = TypeVar("T")


class Patience:
    """Waits out what a provider refuses for at most `longest`; notes every refusal."""

    def __init__(self, longest: timedelta, budget: Budget) -> None:
        self._longest = longest
        self._budget = budget

    def __call__(self, ask: Callable[[], T]) -> T:
        """Return what is asked for.

        Raises:
            ConnectorError: What stands in the way.
        """
        retrying = Retrying(
            retry=retry_if_exception(self._is_brief),
            stop=stop_after_attempt(TRIES),
            wait=wait,
            reraise=True,
        )
        answered: T = retrying(self._try, ask)
        return answered

    def _try(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except Throttled as told:
            self._budget.drain(told.retry_after)
            raise

    def _is_brief(self, error: BaseException) -> bool:
        if isinstance(error, Throttled):
            return error.retry_after <= self._longest
        return isinstance(error, Unreachable)


def wait(state: RetryCallState) -> float:
    """Return for how many seconds to wait: as the provider says, else longer each time."""
    error = state.outcome.exception() if state.outcome else None
    growing = min(SHORTEST * 2 ** (state.attempt_number - 1), LONGEST)
    if isinstance(error, Throttled):
        growing = max(error.retry_after, growing)
    return float(growing.total_seconds())


def worst(refused: Iterable[ConnectorError]) -> ConnectorError:
    """Return the refusal that decides how it goes on: a lasting one before a passing one."""
    rank = {Throttled: 1, Unreachable: 0}
    found = [error for error in refused if not isinstance(error, MessageGone)]
    return max(found, key=lambda e: rank.get(type(e), 2), default=Unreachable("no answer"))
