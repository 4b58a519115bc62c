"""What a folder has that its cursor doesn't cover, by its delta: news first, then the past.

A delta's first round names everything in the folder, and its last link covers whatever happens
from its beginning on (Graph, "Delta query"): so the end is pinned before anything is listed (F2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from connectors.base import ChangePage, Cursor, Envelope, Folder, MessageRef
from connectors.errors import CursorExpired, FolderGone, MessageGone, Misbehaved
from connectors.graph.api import GraphApi, items_of
from connectors.graph.cursor import Position, at
from connectors.graph.folders import folder_path
from connectors.graph.listing import list_received, newest_in, oldest_in
from connectors.graph.records import SELECT, SIZE, UNKNOWN_TIME, Json, envelope_of, seconds

NEWEST_FIRST = {"$orderby": "receivedDateTime desc"}
LONGEST_LINK = 7000
"""Characters of a link's query that are kept."""


def list_changes(
    api: GraphApi, folder: Folder, cursor: Cursor | None, since: datetime | None
) -> Iterator[ChangePage]:
    """Yield the pages of `Connector.changes`."""
    listing = Listing(api, folder, since)
    try:
        yield from listing.go_on(cursor)
    except MessageGone:
        raise FolderGone("no such folder") from None


def pin_folder(api: GraphApi, folder: Folder) -> Cursor:
    """Return a cursor at the folder's end; a delta has to be walked through for it."""
    *_, last = list_changes(api, folder, None, None)
    return last.cursor


class Listing:
    """One pass over one folder; `position` is what the next page begins at."""

    def __init__(self, api: GraphApi, folder: Folder, since: datetime | None) -> None:
        self.api = api
        self.folder = folder
        self.since = since
        self.path = folder_path(api, folder.key)
        self.now = datetime.now(UTC)
        self.position = Position.beginning(since, self.now)

    def go_on(self, cursor: Cursor | None) -> Iterator[ChangePage]:
        """Yield what comes next; if the cursor is no good any more, everything again (F1)."""
        is_expired = False
        try:
            if cursor is not None:
                position = Position.read(cursor).reaching(self.since, self.now)
                self.position = position.renewed(self.now, self.api.limits.listed_again)
                yield from self.news()
            yield from self.first_round()
        except CursorExpired:
            is_expired = True
        if is_expired:
            self.position = Position.beginning(self.since, self.now)
            yield from self.first_round(is_expired=True)
        yield from self.longer_past()

    def news(self) -> Iterator[ChangePage]:
        """Yield what came since, and what left; while the first round lasts, only what came.

        Raises:
            CursorExpired: The delta doesn't know the link any more.
        """
        if self.position.is_first:
            envelopes = self.newest()
            if envelopes:
                yield self.page(envelopes, live=True)
            return
        is_over = False
        while not is_over:
            answer = self.delta()
            is_over = self.follow(answer)
            yield self.changed(answer, live=True)

    def newest(self) -> list[Envelope]:
        """Return what came since the last look, newest first.

        It comes again at the end of the round: this is for speed alone.
        """
        if not self.position.newest:
            return []
        found: list[Envelope] = []
        after = at(self.position.newest + 1)
        for answer in list_received(self.api, f"{self.path}/messages", after, None):
            found += self.described(answer)
            newest = max(self.position.newest, newest_in(answer))
            self.position = replace(self.position, newest=newest)
        return found

    def first_round(self, *, is_expired: bool = False) -> Iterator[ChangePage]:
        """Yield the rest of the first round, newest first; nothing if it is over.

        Raises:
            CursorExpired: The delta doesn't know the link any more.
        """
        while self.position.is_first:
            answer = self.delta()
            if not self.position.link:
                self.position = replace(self.position, newest=newest_in(answer))
            listed = self.position.listed + len(items_of(answer))
            is_over = self.follow(answer)
            self.position = replace(self.position, listed=listed, is_first=not is_over)
            page = self.changed(answer, live=False)
            yield replace(page, removed=(), expired=True) if is_expired else page
            is_expired = False

    def longer_past(self) -> Iterator[ChangePage]:
        """Yield what lies before the past that was covered, down to where it begins now."""
        if self.position.until is None:
            return
        until = self.position.until + 1
        for answer in list_received(
            self.api, f"{self.path}/messages", self.since, until, live=False
        ):
            is_over = "@odata.nextLink" not in answer
            reached = oldest_in(answer) or self.position.until
            self.position = replace(self.position, until=None if is_over else reached)
            yield self.page(self.described(answer), live=False)

    def delta(self) -> Json:
        """Return the delta's next page; what it is to tell is asked for once, at its beginning."""
        path, page = f"{self.path}/messages/delta", self.api.limits.page
        if self.position.link:
            is_live = not self.position.is_first
            return self.api.get(path, self.position.link, page=page, live=is_live)
        query = {"$select": SELECT, **NEWEST_FIRST}
        return self.api.get_expanded(path, query, SIZE, page=page, live=False)

    def follow(self, answer: Json) -> bool:
        """Go to the link in an answer; tell whether its round is over."""
        is_over = "@odata.deltaLink" in answer
        query = self.api.query_of(answer.get("@odata.deltaLink" if is_over else "@odata.nextLink"))
        if not 0 < len(query) <= LONGEST_LINK:
            raise Misbehaved("a link that can't be kept")
        self.position = replace(self.position, link=query)
        return is_over

    def changed(self, answer: Json, *, live: bool) -> ChangePage:
        """Return what a page of the delta says."""
        page = self.page(self.described(answer), live=live)
        return replace(page, refs=self.named(answer), removed=self.removed(answer))

    def page(self, envelopes: list[Envelope], *, live: bool) -> ChangePage:
        """Return a page of envelopes that are wanted."""
        position = self.position
        left = (self.folder.messages or 0) - position.listed if position.is_first else 0
        return ChangePage(
            position.written(),
            envelopes=tuple(envelopes),
            live=live,
            remaining=max(left, int(position.is_behind)),
        )

    def described(self, answer: Json) -> list[Envelope]:
        """Return the wanted envelopes on a page, newest first."""
        start = at(seconds(self.since))
        key = self.folder.key
        envelopes = [envelope_of(item, key) for item in items_of(answer) if is_described(item)]
        kept = [
            one for one in envelopes if one.received_at >= start or one.received_at == UNKNOWN_TIME
        ]
        return sorted(kept, key=lambda one: one.received_at, reverse=True)

    def removed(self, answer: Json) -> tuple[MessageRef, ...]:
        """Return what a page says has left the folder, or has been deleted."""
        return tuple(
            MessageRef(self.folder.key, item["id"])
            for item in items_of(answer)
            if "@removed" in item
        )

    def named(self, answer: Json) -> tuple[MessageRef, ...]:
        """Return what a page only names, and doesn't describe."""
        return tuple(
            MessageRef(self.folder.key, item["id"])
            for item in items_of(answer)
            if "@removed" not in item and not is_described(item)
        )


def is_described(item: Json) -> bool:
    """Tell whether a delta's item says what it was asked for."""
    return "@removed" not in item and "receivedDateTime" in item
