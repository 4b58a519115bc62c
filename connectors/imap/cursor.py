"""How far a folder was covered, as one short line of text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from connectors.base import Cursor
from connectors.errors import CursorExpired

_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Position:
    """The messages from UID `low` to `top` are covered, as far as received at `since` or later.

    `low` is 1 once the past is done. `modseq` is where removals were last told, zero if never.
    """

    uidvalidity: int
    top: int
    low: int
    since: datetime | None
    modseq: int

    def text(self) -> Cursor:
        """Write the position as a cursor."""
        since = "" if self.since is None else str(int(self.since.timestamp()))
        return Cursor(f"{_VERSION}.{self.uidvalidity}.{self.top}.{self.low}.{since}.{self.modseq}")

    @classmethod
    def read(cls, cursor: Cursor) -> Position:
        """Read a cursor that `text` wrote.

        Raises:
            CursorExpired: Nobody could have written it.
        """
        try:
            version, uidvalidity, top, low, since, modseq = cursor.split(".")
            position = cls(
                int(uidvalidity),
                int(top),
                int(low),
                datetime.fromtimestamp(int(since), UTC) if since else None,
                int(modseq),
            )
        except (ValueError, OverflowError, OSError):
            raise CursorExpired from None
        if version != _VERSION or not 1 <= position.low <= position.top + 1 <= 2**32:
            raise CursorExpired
        return position

    def reaching(self, since: datetime | None) -> Position:
        """Return where to go on when messages since `since` are wanted.

        A longer time begins the past again from the top, for what was left out lies scattered.
        """
        wanted = None if since is None else since.replace(microsecond=0)
        if self.since is not None and (wanted is None or wanted < self.since):
            return replace(self, low=self.top + 1, since=wanted)
        return replace(self, since=wanted)
