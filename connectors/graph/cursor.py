"""How far a Graph folder is covered: the next link of its delta, and what lies outside of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from connectors.base import Cursor
from connectors.errors import CursorExpired
from connectors.graph.records import seconds

_FORM = "m1"


@dataclass(frozen=True, slots=True)
class Position:
    """A cursor, read. Times are in seconds since 1970.

    `link` is the query of the delta's next request, empty before the first. While the first
    round lasts (`is_first`), which names everything in the folder, newest first, `listed`
    counts its messages and `newest` is when the last one came that was looked at; what comes
    meanwhile is asked for beside it. `since` is where the past ends. Between it and `until`
    the past is still to be listed, because it was lengthened after it had been covered; None:
    nothing is.
    """

    link: str
    is_first: bool
    listed: int
    newest: int
    since: int
    until: int | None

    @classmethod
    def beginning(cls, since: datetime | None) -> Position:
        """Return the position before the first round."""
        return cls("", is_first=True, listed=0, newest=0, since=seconds(since), until=None)

    @classmethod
    def read(cls, cursor: Cursor) -> Position:
        """Read a cursor.

        Raises:
            CursorExpired: It isn't one of ours.
        """
        try:
            form, phase, listed, newest, since, until, link = cursor.split(":", 6)
            position = cls(
                link,
                is_first=phase == "first",
                listed=int(listed),
                newest=int(newest),
                since=int(since),
                until=None if until == "-" else int(until),
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
        return Cursor(
            f"{_FORM}:{phase}:{self.listed}:{self.newest}:{self.since}:{until}:{self.link}"
        )

    def reaching(self, since: datetime | None) -> Position:
        """Return where to go on when messages since `since` are wanted.

        What lies between a longer past and the present one is listed when the round is done.
        """
        wanted = seconds(since)
        if wanted < self.since:
            return replace(self, since=wanted, until=self.until or self.since)
        is_left = self.until is not None and wanted < self.until
        return replace(self, since=wanted, until=self.until if is_left else None)

    @property
    def is_behind(self) -> bool:
        """Whether a part of the past is still to be listed."""
        return self.is_first or self.until is not None


def at(moment: int) -> datetime:
    """Return a time that was kept in seconds."""
    return datetime.fromtimestamp(moment, UTC)
