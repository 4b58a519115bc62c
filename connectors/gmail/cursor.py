"""How far a Gmail folder is covered: two history ids, and how far its past is listed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.base import Cursor
from connectors.errors import CursorExpired

_FORM = "g1"


@dataclass(frozen=True, slots=True)
class Position:
    """A cursor, read.

    History is listed from `settled` on. `seen` is the mailbox's history id at the last look,
    at the time `seen_at` (seconds since 1970), if something was added then: what came between
    the two is looked at once more when Gmail's search has surely learnt of it. `since` (same
    unit, 0: none) is where the past ends. `past` is the page of the past that comes next;
    None: it is covered.
    """

    settled: int
    seen: int
    seen_at: int
    since: int
    past: str | None

    @classmethod
    def pinned(cls, history_id: int, now: datetime, since: datetime | None) -> Position:
        """Return the position at a mailbox's present end, its past not begun."""
        at = int(now.timestamp())
        return cls(history_id, history_id, at, seconds(since), "")

    @classmethod
    def read(cls, cursor: Cursor) -> Position:
        """Read a cursor.

        Raises:
            CursorExpired: It isn't one of ours.
        """
        parts = cursor.split(":", 5)
        try:
            form, *numbers, past = parts
            settled, seen, seen_at, since = map(int, numbers)
        except ValueError:
            raise CursorExpired from None
        if form != _FORM:
            raise CursorExpired
        return cls(settled, seen, seen_at, since, None if past == "-" else past)

    def written(self) -> Cursor:
        """Return the cursor."""
        past = "-" if self.past is None else self.past
        return Cursor(f"{_FORM}:{self.settled}:{self.seen}:{self.seen_at}:{self.since}:{past}")

    def advanced(self, history_id: int, now: datetime, lag: timedelta, *, quiet: bool) -> Position:
        """Return the position after all history up to an id was looked at.

        All of it is settled if nothing was added; else what was there already when the lag of
        Gmail's search began.
        """
        at = int(now.timestamp())
        if quiet:
            return replace(self, settled=history_id, seen=history_id, seen_at=at)
        if self.is_settled:
            return replace(self, seen=history_id, seen_at=at)
        if at - self.seen_at < lag.total_seconds():
            return self
        return replace(self, settled=self.seen, seen=history_id, seen_at=at)

    @property
    def is_behind(self) -> bool:
        """Whether a part of the past is still to be listed."""
        return self.past is not None

    @property
    def is_settled(self) -> bool:
        """Whether nothing has to be looked at again."""
        return self.settled == self.seen


def seconds(moment: datetime | None) -> int:
    """Return a moment in seconds since 1970, 0 for none."""
    return 0 if moment is None else int(moment.timestamp())
