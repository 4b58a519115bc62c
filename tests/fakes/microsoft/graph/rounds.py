"""Rounds of a delta: what is told, page by page, and the tokens that stand for where one is.

A round tells what was there, or had happened, when it began. What happens meanwhile is told in the
next one, so that some of it is told twice.
"""

from __future__ import annotations

import secrets
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.fakes.microsoft.graph.journal import Change, Event
from tests.fakes.microsoft.graph.refusals import Refusal, resync_required, sync_state_lost

if TYPE_CHECKING:
    from tests.fakes.microsoft.graph.mailbox import Mailbox
    from tests.fakes.microsoft.graph.stored import Folder

WAYS = frozenset({"gone", "syncStateNotFound", "resyncRequired"})
"""How a link that is no good any more is refused."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to tell of: a message or folder, or that it was removed, for a reason."""

    id: str
    reason: str = ""
    rest_id: str = ""
    """What a removed message was called."""
    is_update: bool = False
    """Whether it was told before."""


@dataclass(frozen=True, slots=True)
class Query:
    """What the first request of all asked for; every link after it has it inside."""

    folder: str
    select: tuple[str, ...] = ()
    expand: tuple[tuple[str, int], ...] = ()
    since: str = ""
    """The `$filter`, as it was written."""
    top: int = 0
    change_type: str = ""

    @property
    def again(self) -> str:
        """What stands behind the question mark of a request that begins anew."""
        asked = {
            "$select": ",".join(self.select),
            "$filter": self.since,
            "$top": str(self.top or ""),
            "changeType": self.change_type,
        }
        given = {name: value for name, value in asked.items() if value}
        return f"?{urllib.parse.urlencode(given, safe='$,')}" if given else ""


@dataclass(frozen=True, slots=True)
class Round:
    """One round: `entries` from `place` on; `began` is the journal's number at its beginning."""

    query: Query
    began: int
    entries: tuple[Entry, ...] = ()
    place: int = 0
    is_over: bool = False
    """Whether only the link to the next round is left of it."""

    @property
    def select(self) -> list[str]:
        """The wanted properties."""
        return list(self.query.select)

    @property
    def expand(self) -> list[tuple[str, int]]:
        """The wanted extended properties."""
        return list(self.query.expand)

    def page(self, size: int) -> tuple[Entry, ...]:
        """Return the page that begins here."""
        return self.entries[self.place : self.place + size]

    def has_more(self, size: int) -> bool:
        """Say whether another page follows."""
        return self.place + size < len(self.entries)

    def after(self, size: int) -> Round:
        """Return where the next page begins."""
        return replace(self, place=self.place + size)

    def next_round(self) -> Round:
        """Return where the next round will begin."""
        return Round(self.query, self.began, is_over=True)


@dataclass(slots=True)
class Links:
    """Every token that was given; those that were made to expire are refused in their way."""

    _given: dict[str, Round] = field(default_factory=dict)
    _expired: dict[str, str] = field(default_factory=dict)

    def keep(self, round_: Round) -> str:
        """Return a token for a place in a round; it can be used again."""
        token = secrets.token_urlsafe(240)
        self._given[token] = round_
        return token

    def find(self, token: str, first: str) -> Round:
        """Return where a token stands; `first` is where to begin again.

        Raises:
            Refusal: The token has expired, or was never given.
        """
        if way := self._expired.get(token):
            raise _refused(way, first + self._given[token].query.again)
        if token not in self._given:
            raise Refusal(400, "ErrorInvalidSyncStateData", "The sync state data is invalid.")
        return self._given[token]

    def expire(self, folder: str | None, way: str) -> None:
        """Let the links of a folder, or of all, be no good; '' is the list of folders."""
        for token, round_ in self._given.items():
            if folder is None or round_.query.folder == folder:
                self._expired[token] = way

    def first_folder_round(
        self, mailbox: Mailbox, select: list[str], expand: list[tuple[str, int]]
    ) -> Round:
        """Return the first round of the list of folders."""
        entries = tuple(Entry(each.id) for each in mailbox.folders)
        query = Query("", tuple(select), tuple(expand))
        return Round(query, mailbox.journal.current, entries)

    def folder_round(self, token: str, first: str, mailbox: Mailbox) -> Round:
        """Return the round of the list of folders that a token stands for."""
        round_ = self.find(token, first)
        if not round_.is_over:
            return round_
        entries = tuple(
            Entry(name, "deleted" if is_gone else "")
            for name, is_gone in mailbox.journal.folders_since(round_.began)
        )
        return Round(round_.query, mailbox.journal.current, entries)


def later_round(mailbox: Mailbox, folder: Folder, round_: Round, *, immutable: bool) -> Round:
    """Return a round of what has changed in a folder, each message once, as it is now."""
    by_message: dict[str, list[Event]] = {}
    for event in mailbox.journal.since(folder.id, round_.began):
        by_message.setdefault(event.message, []).append(event)
    entries = [
        entry
        for happened in by_message.values()
        for entry in _told(folder, happened, round_.query.change_type, immutable=immutable)
    ]
    if folder.replays > 0:
        folder.replays -= 1
        again = [Entry(each) for each in folder.messages]
        entries = [*again[:1], *entries, *again]
    return Round(round_.query, mailbox.journal.current, tuple(entries))


def _told(
    folder: Folder, happened: list[Event], change_type: str, *, immutable: bool
) -> Iterator[Entry]:
    gone = [each for each in happened if each.change is Change.DELETED]
    is_here = happened[0].message in folder.messages
    was_here = happened[0].change is not Change.CREATED
    # Seen (microsoft-graph-docs-contrib issue 72): where coming is not told, going still is,
    # of one that has come back too.
    is_back = is_here and happened[-1].change is not Change.DELETED
    if gone and not (is_back and immutable) and change_type in {"", "deleted"}:
        # One that came and went is told as removed, though it was never told as there.
        yield Entry(gone[0].message, gone[-1].reason, gone[-1].rest_id)
    if not is_here or (immutable and was_here and all(each.is_move for each in happened)):
        # Away and back again is no change of this folder.
        return
    kind = Change.UPDATED if was_here else Change.CREATED
    if change_type in {"", kind}:
        yield Entry(happened[0].message, is_update=was_here)


def _refused(way: str, first: str) -> Refusal:
    match way:
        case "syncStateNotFound":
            return sync_state_lost(404)
        case "resyncRequired":
            return resync_required(first)
        case _:
            return sync_state_lost(410, first)
