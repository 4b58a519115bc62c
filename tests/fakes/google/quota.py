"""Units per user and minute, refused when they are spent."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from tests.fakes.google import errors
from tests.fakes.google.settings import QuotaSettings

WINDOW = timedelta(minutes=1)


class Quota:
    """A sliding minute for each user: what is refused costs nothing."""

    def __init__(self, settings: QuotaSettings) -> None:
        self.settings = settings
        self._spent: dict[str, deque[tuple[datetime, int]]] = {}

    def spend(self, user: str, method: str, now: datetime) -> int:
        """Take a call's units from its user and return them.

        Raises:
            Refusal: There are too few left in this minute.
        """
        units = self.settings.units[method]
        spent = self._spent.setdefault(user, deque())
        while spent and spent[0][0] <= now - WINDOW:
            spent.popleft()
        used = sum(each for _, each in spent)
        if used + units > self.settings.units_per_minute:
            wait = _until_free(spent, used + units - self.settings.units_per_minute, now)
            raise errors.named(self.settings.over, now, wait if self.settings.tells_when else None)
        spent.append((now, units))
        return units

    def refill(self) -> None:
        """Give every user the whole minute again."""
        self._spent.clear()


def _until_free(spent: deque[tuple[datetime, int]], needed: int, now: datetime) -> timedelta:
    for moment, units in spent:
        needed -= units
        if needed <= 0:
            return moment + WINDOW - now
    return WINDOW
