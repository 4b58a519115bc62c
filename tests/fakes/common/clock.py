"""Time that a test can move on, so that a week's expiry needs no week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """The machine's clock, ahead by as much as was asked for."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the stand-in's time."""
        return datetime.now(UTC) + self._ahead

    def seconds(self) -> int:
        """Return the stand-in's time in whole seconds of the epoch, as tokens carry it."""
        return int(self.now().timestamp())

    def milliseconds(self) -> int:
        """Return the stand-in's time in milliseconds of the epoch."""
        return int(self.now().timestamp() * 1000)

    def advance(self, by: timedelta) -> None:
        """Move on; the machine's own clock, and so the product's, stays."""
        self._ahead += by
