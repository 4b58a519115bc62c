"""How far a Graph folder is covered: the next link of its delta, and what lies outside of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from connectors.base import Cursor
from connectors.errors import CursorExpired
from connectors.graph.records import seconds

_FORM = "m1"
AHEAD = timedelta(days=1)
"""So much a clock of theirs may be before ours."""


@dataclass(frozen=True, slots=True)
class Position:
    """A cursor, read. Times are in seconds since 1970.

    `link` is the query of the delta's next request, empty before the first. While the first
    round lasts (`is_first`), which names everything in the folder, newest first, `listed`
    counts its messages and `newest` is when the last one came that was looked at; what comes
    meanwhile is asked for beside it. `since` is where the past ends. Between it and `until`
    the past is to be listed beside the delta, because it was lengthened, or was last listed,
    at `listed_at`, too long ago; None: it isn't.
    """

    link: str
    is_first: bool
    listed: int
    newest: int
    since: int
    until: int | None
    listed_at: int

    @classmethod
    def beginning(cls, since: datetime | None, now: datetime) -> Position:
        """Return the position before the first round."""
        return cls(
            link="",
            is_first=True,
            listed=0,
            newest=0,
            since=seconds(since),
            until=None,
            listed_at=seconds(now),
        )

    @classmethod
    def read(cls, cursor: Cursor) -> Position:
        """Read a cursor.

        Raises:
            CursorExpired: It isn't one of ours.
        """
        try:
            form, phase, listed, newest, since, until, listed_at, link = cursor.split(":", 7)
            position = cls(
                link,
                is_first=phase == "first",
                listed=int(listed),
                newest=int(newest),
                since=int(since),
                until=None if until == "-" else int(until),
                listed_at=int(listed_at),
            )
        except ValueError:
            raise CursorExpired from None
        if form != _FORM or not link:
            raise CursorExpired
        return position

    def written(self) -> Cursor:
        """Return the cursor."""
        phase = "first" if self.is_first else "later"
        until = "-" if self.until is None else self.until
        numbers = f"{self.listed}:{self.newest}:{self.since}:{until}:{self.listed_at}"
        return Cursor(f"{_FORM}:{phase}:{numbers}:{self.link}")

    def reaching(self, since: datetime | None, now: datetime) -> Position:
        """Return where to go on when messages since `since` are wanted.

        A longer past is listed again from the top when the round is done.
        """
        wanted = seconds(since)
        until = seconds(now + AHEAD) if wanted < self.since else self.until
        return replace(self, since=wanted, until=until)

    def renewed(self, now: datetime, every: timedelta) -> Position:
        """Return the position from which everything is listed once more, if that is due.

        A delta may leave out what was moved in before it was ever seen (F6).
        """
        if self.is_behind or seconds(now) - self.listed_at < every.total_seconds():
            return self
        return replace(self, until=seconds(now + AHEAD), listed_at=seconds(now))

    @property
    def is_behind(self) -> bool:
        """Whether a part of the past is still to be listed."""
        return self.is_first or self.until is not None


def at(moment: int) -> datetime:
    """Return a time that was kept in seconds."""
    return datetime.fromtimestamp(moment, UTC)
